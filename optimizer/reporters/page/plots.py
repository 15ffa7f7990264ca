"""The drawings of the report, from figures alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, Protocol

from optimizer.reporters.page import values
from optimizer.reporters.page.blocks import Plot, Table
from optimizer.reporters.page.scales import NAMES, ROW, name_rows, scale, times, width_of
from optimizer.reporters.page.svg import BAD, BAND, DIM, INK, MARK, PALE, RULE, axes_of, drawing, label
from optimizer.reporters.page.values import Interval

_NEAR = (0.94, 1.10)
_PANEL, _APART = 200, 32  # pixels: the height of a panel of curves, and between the names at their ends


@dataclass(frozen=True)
class Span:
    """A row that goes from a figure before to one after; `own` where that was on the drawing's own workload."""

    name: str
    before: float | None
    after: float | None
    low_high: Interval | None = None
    told: str = ""
    own: bool = True
    where: str = ""


@dataclass(frozen=True)
class Effect:
    """A ratio: its interval, the wider one that the verdict rests on, and whether it is good (None is open)."""

    name: str
    ratio: float
    ci95: Interval | None
    bounds: Interval | None
    good: bool | None


@dataclass(frozen=True)
class Curve:
    """Points of one build, and the line that was fitted through them."""

    name: str
    points: tuple[tuple[float, float], ...]
    exponent: float | None


class Drawing(Hashable, Protocol):
    """What can be drawn, wide and narrow: its figures, and how they stand on the page."""

    def heights(self) -> tuple[int, int]:
        """Return the heights in pixels: wide, narrow."""

    def draw(self, figure: Any, wide: bool) -> None:
        """Draw it on a Matplotlib figure."""


def plot(name: str, title: str, about: str, table: Table, drawn: Drawing) -> Plot:
    """Return a drawing in both widths, with its figures as a table."""
    wide, narrow = (_svg(name, title, about, drawn, wide) for wide in (True, False))
    return Plot(name, title, about, wide, narrow, table)


@lru_cache(maxsize=32)  # a run's own page and the report on all show the same
def _svg(name: str, title: str, about: str, drawn: Drawing, wide: bool) -> str:
    size = (width_of(wide), drawn.heights()[0 if wide else 1])
    return drawing(f"{name}-{'wide' if wide else 'narrow'}", title, about, size, partial(drawn.draw, wide=wide))


@dataclass(frozen=True)
class Ladder:
    """Rows that go from before to after, one below the other, so that what was gained adds up."""

    rows: tuple[Span, ...]
    unit: Callable[[float], str]
    log: bool

    def heights(self) -> tuple[int, int]:
        """Return the heights in pixels: wide, narrow."""
        return (len(self.rows) * ROW + 44,) * 2

    def draw(self, figure: Any, wide: bool) -> None:
        """Draw it on a Matplotlib figure."""
        right = 74 if wide else 40
        axes = axes_of(figure, NAMES[wide], 8, width_of(wide) - NAMES[wide] - right, len(self.rows) * ROW)
        figures = [one for row in self.rows for one in (row.before, row.after, *(row.low_high or ())) if one]
        name_rows(axes, [row.name for row in self.rows], wide)
        scale(axes, min(figures), max(figures), self.unit, log=self.log, ticks=5 if wide else 3)
        for place, row in enumerate(self.rows):
            _span(axes, place, row, self.unit, wide)
        own = [(place, row) for place, row in enumerate(self.rows) if row.own and self.log]
        for (place, row), (below, lower) in pairwise(own):
            if row.after is not None and lower.before is not None:
                axes.plot([row.after, lower.before], [place, below], color=RULE, linewidth=1, zorder=1)


def _span(axes: Any, place: int, row: Span, unit: Callable[[float], str], wide: bool) -> None:
    colour = MARK if row.own else PALE
    if row.before is not None and row.after is not None and row.before != row.after:
        axes.plot([row.before, row.after], [place, place], color=colour, linewidth=5, solid_capstyle="butt", zorder=2)
        axes.plot([row.before], [place], "|", color=colour, markersize=9, markeredgewidth=1.5, zorder=2)
    if row.after is None:
        return
    if row.low_high:
        axes.plot(row.low_high, [place, place], color=INK, linewidth=1.4, zorder=3)
    axes.plot([row.after], [place], "o", color=INK, markersize=4.5, zorder=4)
    to_the_right = row.before is None or row.before <= row.after
    ends = row.low_high or (row.after, row.after)
    axes.annotate(
        unit(row.after),
        (max(ends) if to_the_right else min(ends), place),  # beyond its interval
        xytext=(8 if to_the_right else -8, 0),
        textcoords="offset points",
        ha="left" if to_the_right else "right",
        va="center_baseline",
        color=INK,
        fontsize=11,
    )
    if wide and row.told:
        axes.annotate(
            row.told,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(70, 0),
            textcoords="offset points",
            ha="right",
            va="center_baseline",
            fontsize=12,
            weight="bold" if row.own else "normal",
            color=INK if row.own else DIM,
        )


@dataclass(frozen=True)
class Forest:
    """Ratios with intervals: near 1 on a scale of their own, on which the band of no effect can be seen."""

    rows: tuple[Effect, ...]
    effect: float

    def heights(self) -> tuple[int, int]:
        """Return the heights in pixels: wide, narrow."""
        panel = len(self.rows) * ROW + 66
        return panel, 2 * panel

    def draw(self, figure: Any, wide: bool) -> None:
        """Draw it on a Matplotlib figure."""
        height = len(self.rows) * ROW
        left, room = NAMES[wide], width_of(wide) - NAMES[wide] - 14
        near = axes_of(figure, left, 24, room * 0.4 if wide else room, height)
        top = 24 if wide else 24 + height + 66
        start = left + room * 0.4 + 28 if wide else left
        whole = axes_of(figure, start, top, room * 0.6 - 28 if wide else room, height)
        largest = max(one for row in self.rows for one in (row.ratio, *(row.ci95 or ()), *(row.bounds or ())))
        smallest = min(one for row in self.rows for one in (row.ratio, *(row.ci95 or ()), *(row.bounds or ())))
        name_rows(near, [row.name for row in self.rows], wide)
        name_rows(whole, [row.name for row in self.rows] if not wide else [""] * len(self.rows), wide)
        near.set_xlim(_NEAR)
        near.set_xticks([0.95, 1.0, 1.05, 1.1])
        near.set_xticklabels(["0.95x", "1x", "1.05x", "1.1x"])
        scale(whole, min(smallest, 0.9), max(largest, 1.2), times, log=True, ticks=5 if wide else 4)
        for axes, told in ((near, "Close to no effect"), (whole, "All, on a log scale")):
            axes.axvspan(1 / self.effect, self.effect, color=BAND, linewidth=0, zorder=0)
            axes.axvline(1, color=DIM, linewidth=1, zorder=1)
            axes.annotate(told, (0, 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points", color=DIM)
            for place, row in enumerate(self.rows):
                _effect(axes, place, row, *axes.get_xlim())


def _effect(axes: Any, place: int, row: Effect, low: float, high: float) -> None:
    colour = MARK if row.good else DIM if row.good is None else BAD
    for found, width in ((row.bounds, 1.2), (row.ci95, 3.4)):
        if found and found[1] >= low and found[0] <= high:
            ends = [max(found[0], low), min(found[1], high)]
            axes.plot(ends, [place, place], color=colour, linewidth=width, solid_capstyle="butt", zorder=2)
    if low <= row.ratio <= high:
        shape = "o" if row.good is not False else "X"
        face = colour if row.good is not None else "none"
        axes.plot([row.ratio], [place], shape, color=colour, markerfacecolor=face, markersize=6.5, zorder=3)
    else:
        beyond = row.ratio > high
        shape = ">" if beyond else "<"
        axes.plot([high if beyond else low], [place], shape, color=colour, markersize=6, clip_on=False, zorder=3)


@dataclass(frozen=True)
class Bars:
    """Two bars a row: a share before and one after."""

    rows: tuple[tuple[str, float | None, float | None], ...]

    def heights(self) -> tuple[int, int]:
        """Return the heights in pixels: wide, narrow."""
        return (len(self.rows) * (ROW + 9) + 14,) * 2

    def draw(self, figure: Any, wide: bool) -> None:
        """Draw it on a Matplotlib figure."""
        height = len(self.rows) * (ROW + 9)
        axes = axes_of(figure, NAMES[wide], 8, width_of(wide) - NAMES[wide] - 52, height)
        name_rows(axes, [row[0] for row in self.rows], wide)
        axes.set_xlim(0, max(one for row in self.rows for one in row[1:] if one is not None) or 1)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        for place, (_, *pair) in enumerate(self.rows):
            for value, offset, colour in zip(pair, (-0.19, 0.19), (PALE, MARK), strict=True):
                if value is None:
                    continue
                axes.barh(place + offset, value, height=0.34, color=colour, linewidth=0)
                axes.annotate(
                    values.share(value),
                    (value, place + offset),
                    xytext=(5, 0),
                    textcoords="offset points",
                    va="center_baseline",
                    fontsize=10.5,
                    color=INK,
                )


@dataclass(frozen=True)
class Panel:
    """Curves of one quantity: what it is, against what, and its unit."""

    name: str
    along: str
    unit: Callable[[float], str]
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Curves:
    """Curves on two log scales, a panel a quantity."""

    panels: tuple[Panel, ...]

    def heights(self) -> tuple[int, int]:
        """Return the heights in pixels: wide, narrow."""
        return 300 * math.ceil(len(self.panels) / 2), 300 * len(self.panels)

    def draw(self, figure: Any, wide: bool) -> None:
        """Draw it on a Matplotlib figure."""
        across = 2 if wide and len(self.panels) > 1 else 1
        width = (width_of(wide) - 20) / across
        for number, panel in enumerate(self.panels):
            left, top = 10 + (number % across) * width, (number // across) * 300
            axes = axes_of(figure, left + 58, top + 34, width - 58 - 92, _PANEL)
            every = [point for curve in panel.curves for point in curve.points]
            scale(axes, min(x for x, _ in every), max(x for x, _ in every), values.count, log=True, ticks=4)
            scale(axes, min(y for _, y in every), max(y for _, y in every), panel.unit, log=True, ticks=5, up=True)
            axes.grid(visible=True, color=RULE, linewidth=0.6)
            axes.set_xlabel(panel.along, labelpad=5)
            axes.annotate(panel.name, (0, 1), xycoords="axes fraction", xytext=(-52, 14), textcoords="offset points")
            for place, curve in enumerate(panel.curves):
                _curve(axes, curve, MARK if place == len(panel.curves) - 1 else PALE)
            _ends(axes, panel.curves)


def _curve(axes: Any, curve: Curve, colour: str) -> None:
    axes.plot(*zip(*sorted(curve.points), strict=True), color=colour, linewidth=2, marker="o", markersize=4.5)


def _ends(axes: Any, found: Sequence[Curve]) -> None:
    """Write names and exponents at the ends of the curves, apart from each other."""
    low, high = (math.log(limit) for limit in axes.get_ylim())
    lowest = -math.inf
    for (x, y), curve in sorted(((max(curve.points), curve) for curve in found), key=lambda end: end[0][1]):
        place = (math.log(y) - low) / (high - low) * _PANEL
        moved = max(place, lowest + _APART) - place
        lowest = place + moved
        told = label(curve.name, 14) + (f"\n∝ n^{curve.exponent:.2f}" if curve.exponent is not None else "")
        axes.annotate(told, (x, y), xytext=(9, moved), textcoords="offset points", va="center", color=INK, fontsize=11)
