"""Axes with round places, units and names: what all drawings have in common."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from optimizer.reporters.page.svg import NARROW, RULE, WIDE, label

ROW = 25  # pixels
NAMES = {True: 168, False: 128}  # pixels for the names at the left
_LETTERS = {True: 26, False: 19}


def width_of(wide: bool) -> int:
    """Return the width of a drawing in pixels."""
    return WIDE if wide else NARROW


def name_rows(axes: Any, titles: Sequence[str], wide: bool) -> None:
    """Name the rows at the left, and draw a line between them."""
    axes.set_ylim(len(titles) - 0.5, -0.5)
    axes.set_yticks([])
    for place, title in enumerate(titles):
        axes.annotate(
            label(title, _LETTERS[wide]),
            (0, place),
            xycoords=("axes fraction", "data"),
            xytext=(-NAMES[wide], 0),
            textcoords="offset points",
            va="center_baseline",
        )
    for place in range(1, len(titles)):
        axes.axhline(place - 0.5, color=RULE, linewidth=0.5, zorder=0)


def scale(
    axes: Any, low: float, high: float, unit: Callable[[float], str], *, log: bool, ticks: int, up: bool = False
) -> None:
    """Give an axis a range with room at the ends, and a few round ticks with their unit."""
    if log:
        room = max(math.log10(high / low), 0.3) * 0.16
        limits = (10 ** (math.log10(low) - room), 10 ** (math.log10(high) + room / 2))
        places = _round_places(*limits, ticks)
    else:
        limits = (0.0, high * 1.12)
        places = [one for one in _steps(limits[1], ticks) if one <= limits[1]]
    set_scale, set_limits, set_ticks = (
        (axes.set_yscale, axes.set_ylim, axes.set_yticks) if up else (axes.set_xscale, axes.set_xlim, axes.set_xticks)
    )
    set_scale("log" if log else "linear")
    set_limits(limits)
    set_ticks(places, [re.sub(r"\.0+(?= |$)", "", unit(one)) for one in places])
    set_ticks([], minor=True)


def _round_places(low: float, high: float, most: int) -> list[float]:
    """Return round places on a log scale: powers of ten, and 2 and 5 times those where there is room."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for leads in ((1, 2, 5), (1, 3), (1,)):
        found = [lead * 10.0**power for power in range(first, last + 1) for lead in leads]
        found = [one for one in found if low <= one <= high]
        if len(found) <= most + 1:
            break
    while len(found) > most + 1:
        found = found[::2]
    return found


def times(value: float) -> str:
    """Return a round ratio."""
    return f"{value:g}x"


def _steps(high: float, most: int) -> list[float]:
    """Return round places from zero."""
    step = 10.0 ** math.floor(math.log10(high / most))
    step *= next(one for one in (1, 2, 2.5, 5, 10) if high / (step * one) <= most)
    return [step * number for number in range(most + 1)]
