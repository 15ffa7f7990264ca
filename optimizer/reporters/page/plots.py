"""The drawings of the report, from figures alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from optimizer.reporters.page import values
from optimizer.reporters.page.blocks import Plot, Table
from optimizer.reporters.page.svg import (
    BAD,
    BAND,
    DIM,
    INK,
    MARK,
    NARROW,
    PALE,
    RULE,
    WIDE,
    axes_of,
    drawing,
    label,
)
from optimizer.reporters.page.values import Interval

_ROW = 25
_TITLES = {True: 168, False: 128}  # pixels for the names at the left
_LETTERS = {True: 26, False: 19}
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


def plot(
    name: str, title: str, about: str, table: Table, height: Callable[[bool], int], draw: Callable[..., None]
) -> Plot:
    """Return a drawing in both widths."""
    drawn = {
        word: drawing(f"{name}-{word}", title, about, (_width(wide), height(wide)), partial(draw, wide=wide))
        for word, wide in (("wide", True), ("narrow", False))
    }
    return Plot(name, title, about, drawn["wide"], drawn["narrow"], table)


def ladder(
    name: str, title: str, about: str, table: Table, rows: Sequence[Span], unit: Callable[[float], str], *, log: bool
) -> Plot:
    """Return rows that go from before to after, one below the other, so that what was gained adds up."""

    def draw(figure: Any, wide: bool) -> None:
        right = 74 if wide else 40
        axes = axes_of(figure, _TITLES[wide], 8, _width(wide) - _TITLES[wide] - right, len(rows) * _ROW)
        figures = [one for row in rows for one in (row.before, row.after, *(row.low_high or ())) if one]
        _rows(axes, [row.name for row in rows], wide)
        _scale(axes, min(figures), max(figures), unit, log=log, ticks=5 if wide else 3)
        for place, row in enumerate(rows):
            _span(axes, place, row, unit, wide)
        own = [(place, row) for place, row in enumerate(rows) if row.own and log]
        for (place, row), (below, lower) in pairwise(own):
            if row.after is not None and lower.before is not None:
                axes.plot([row.after, lower.before], [place, below], color=RULE, linewidth=1, zorder=1)

    return plot(name, title, about, table, lambda _: len(rows) * _ROW + 44, draw)


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
    rising = row.before is not None and row.before < row.after
    axes.annotate(
        unit(row.after),
        (row.after, place),
        xytext=(8 if rising or row.before in (None, row.after) else -8, 0),
        textcoords="offset points",
        ha="left" if rising or row.before in (None, row.after) else "right",
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


def forest(name: str, title: str, about: str, table: Table, rows: Sequence[Effect], effect: float) -> Plot:
    """Return ratios with intervals: near 1 on a scale of its own, on which the band of no effect can be seen."""
    height = len(rows) * _ROW

    def draw(figure: Any, wide: bool) -> None:
        left, room = _TITLES[wide], _width(wide) - _TITLES[wide] - 14
        near = axes_of(figure, left, 24, room * 0.4 if wide else room, height)
        top = 24 if wide else 24 + height + 66
        start = left + room * 0.4 + 28 if wide else left
        whole = axes_of(figure, start, top, room * 0.6 - 28 if wide else room, height)
        largest = max(one for row in rows for one in (row.ratio, *(row.ci95 or ()), *(row.bounds or ())))
        smallest = min(one for row in rows for one in (row.ratio, *(row.ci95 or ()), *(row.bounds or ())))
        _rows(near, [row.name for row in rows], wide)
        _rows(whole, [row.name for row in rows] if not wide else [""] * len(rows), wide)
        near.set_xlim(_NEAR)
        near.set_xticks([0.95, 1.0, 1.05, 1.1])
        near.set_xticklabels(["0.95x", "1x", "1.05x", "1.1x"])
        _scale(whole, min(smallest, 0.9), max(largest, 1.2), _times, log=True, ticks=5 if wide else 4)
        for axes, told in ((near, "Close to no effect"), (whole, "All, on a log scale")):
            axes.axvspan(1 / effect, effect, color=BAND, linewidth=0, zorder=0)
            axes.axvline(1, color=DIM, linewidth=1, zorder=1)
            axes.annotate(told, (0, 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points", color=DIM)
            for place, row in enumerate(rows):
                _effect(axes, place, row, *axes.get_xlim())

    return plot(name, title, about, table, lambda wide: (1 if wide else 2) * (height + 66), draw)


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


def bars(
    name: str, title: str, about: str, table: Table, rows: Sequence[tuple[str, float | None, float | None]]
) -> Plot:
    """Return two bars a row: a share before and one after."""
    height = len(rows) * (_ROW + 9)

    def draw(figure: Any, wide: bool) -> None:
        axes = axes_of(figure, _TITLES[wide], 8, _width(wide) - _TITLES[wide] - 52, height)
        _rows(axes, [row[0] for row in rows], wide)
        axes.set_xlim(0, max(one for row in rows for one in row[1:] if one is not None) or 1)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        for place, (_, *pair) in enumerate(rows):
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

    return plot(name, title, about, table, lambda _: height + 14, draw)


def curves(
    name: str,
    title: str,
    about: str,
    table: Table,
    panels: Sequence[tuple[str, str, Callable[[float], str], Sequence[Curve]]],
) -> Plot:
    """Return curves on two log scales, a panel a quantity."""

    def draw(figure: Any, wide: bool) -> None:
        across = 2 if wide and len(panels) > 1 else 1
        width = (_width(wide) - 20) / across
        for number, (what, along, unit, found) in enumerate(panels):
            left, top = 10 + (number % across) * width, (number // across) * 300
            axes = axes_of(figure, left + 58, top + 34, width - 58 - 92, _PANEL)
            every = [point for curve in found for point in curve.points]
            _scale(axes, min(x for x, _ in every), max(x for x, _ in every), values.count, log=True, ticks=4)
            _scale(axes, min(y for _, y in every), max(y for _, y in every), unit, log=True, ticks=5, up=True)
            axes.grid(visible=True, color=RULE, linewidth=0.6)
            axes.set_xlabel(along, labelpad=5)
            axes.annotate(what, (0, 1), xycoords="axes fraction", xytext=(-52, 14), textcoords="offset points")
            for place, curve in enumerate(found):
                _curve(axes, curve, MARK if place == len(found) - 1 else PALE)
            _ends(axes, found)

    return plot(name, title, about, table, lambda wide: 300 * math.ceil(len(panels) / (2 if wide else 1)), draw)


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


def _width(wide: bool) -> int:
    return WIDE if wide else NARROW


def _rows(axes: Any, titles: Sequence[str], wide: bool) -> None:
    axes.set_ylim(len(titles) - 0.5, -0.5)
    axes.set_yticks([])
    for place, title in enumerate(titles):
        axes.annotate(
            label(title, _LETTERS[wide]),
            (0, place),
            xycoords=("axes fraction", "data"),
            xytext=(-_TITLES[wide], 0),
            textcoords="offset points",
            va="center_baseline",
        )
    for place in range(1, len(titles)):
        axes.axhline(place - 0.5, color=RULE, linewidth=0.5, zorder=0)


def _scale(
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


def _times(value: float) -> str:
    return f"{value:g}x"


def _steps(high: float, most: int) -> list[float]:
    """Return round places from zero."""
    step = 10.0 ** math.floor(math.log10(high / most))
    step *= next(one for one in (1, 2, 2.5, 5, 10) if high / (step * one) <= most)
    return [step * number for number in range(most + 1)]
