"""The ladder drawn: a bar a rung on a log scale of seconds, what it gained, and vectorbt and the floor as lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.reporters.page.scales import scale
from optimizer.reporters.page.svg import BAND, DIM, INK, MARK, PALE, RULE, axes_of, drawing, label
from optimizer.reporters.templates import seconds
from tests.races.ladder import Rung
from tests.races.rows import times_text

_WIDTH, _LEFT, _RIGHT = 1_000, 214, 168
_ROW, _TOP, _BOTTOM = 32, 62, 46
_LIGHT = "--ink: #1b1c1e; --dim: #5c5f64; --rule: #d8d4ca; --mark: #0b6b6b; --pale: #8d8677; --band: #fbfaf6;"
_DARK = "--ink: #e7e5df; --dim: #a4a7ab; --rule: #363a3f; --mark: #52c4bb; --pale: #918b7e; --band: #15171a;"
_STYLE = f"""\
<style>
svg {{ {_LIGHT} background: #fbfaf6; font-family: system-ui, "Segoe UI", Roboto, Arial, sans-serif; }}
@media (prefers-color-scheme: dark) {{ svg {{ {_DARK} background: #15171a; }} }}
</style>"""
"""The colours of the report, since a file of its own has no page that lends them."""


@dataclass(frozen=True)
class LadderPlot:
    """Rungs from the reference down, and lines to hold them against: their names and seconds."""

    title: str
    rungs: Sequence[Rung]
    lines: Mapping[str, float]

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return _TOP + len(self.rungs) * _ROW + _BOTTOM

    def svg(self) -> str:
        """Return it as a file of its own."""
        about = "; ".join(f"{rung.short} {seconds(rung.median)}" for rung in self.rungs)
        drawn = drawing("ladder", self.title, about, (_WIDTH, self.height), self._draw)
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{self.height}"'
        opened, closed, rest = drawn.replace("<svg", head, 1).partition(">")
        return f"{opened}{closed}{_STYLE}{rest}\n"

    def _draw(self, figure: Any) -> None:
        count = len(self.rungs)
        axes = axes_of(figure, _LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, count * _ROW)
        every = [*(one for rung in self.rungs for one in (rung.least, rung.most)), *self.lines.values()]
        scale(axes, min(every), max(every), seconds, log=True, ticks=6)
        axes.set_ylim(count - 0.5, -0.5)
        axes.set_yticks([])
        axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
        axes.spines["bottom"].set_visible(False)
        figure.text(16 / _WIDTH, 1 - 24 / self.height, self.title, fontsize=15, weight="bold", color=INK, va="center")
        self._lines(axes)
        for place, rung in enumerate(self.rungs):
            _bar(axes, place, rung, axes.get_xlim()[0])
        _head(axes, "gained", 78)
        _head(axes, "together", 148)

    def _lines(self, axes: Any) -> None:
        low, high = (math.log10(limit) for limit in axes.get_xlim())
        last = -math.inf
        for name, value in sorted(self.lines.items(), key=lambda line: line[1]):
            place = (math.log10(value) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)
            row = 1 if place < last else 0  # the one that would lie over another is written above it
            axes.axvline(value, color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=4)
            axes.annotate(
                f"{name} {seconds(value)}",
                (value, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 6 + 14 * row),
                textcoords="offset points",
                ha="center",
                fontsize=10.5,
                color=DIM,
            )
            last = place + 170 if row == 0 else last


def _bar(axes: Any, place: int, rung: Rung, left: float) -> None:
    is_step = rung.gained is None or rung.gained >= 1.1
    colour = MARK if is_step else PALE
    axes.barh(place, rung.median - left, left=left, height=0.58, color=colour, linewidth=0, zorder=2)
    axes.plot([rung.least, rung.most], [place, place], color=INK, linewidth=1.4, zorder=5)
    for end in (rung.least, rung.most):
        axes.plot([end, end], [place - 0.13, place + 0.13], color=INK, linewidth=1.4, zorder=5)
    beside = {"textcoords": "offset points", "va": "center_baseline", "fontsize": 12, "color": INK}
    axes.annotate(
        label(rung.short, 32), (0, place), xycoords=("axes fraction", "data"), xytext=(-_LEFT + 16, 0), **beside
    )
    axes.annotate(
        seconds(rung.median),
        (rung.most, place),
        xytext=(7, 0),
        bbox={"facecolor": BAND, "edgecolor": "none", "pad": 1.5},
        zorder=6,
        **beside,
    )
    right = {"xycoords": ("axes fraction", "data"), "ha": "right", **beside}
    gained = "" if rung.gained is None else times_text(rung.gained)
    weight = "bold" if is_step else "normal"
    axes.annotate(gained, (1, place), xytext=(78, 0), weight=weight, **right)
    axes.annotate(times_text(rung.together), (1, place), xytext=(148, 0), **right)


def _head(axes: Any, text: str, right: int) -> None:
    axes.annotate(
        text,
        (1, 1),
        xycoords="axes fraction",
        xytext=(right, 6),
        textcoords="offset points",
        ha="right",
        fontsize=10.5,
        color=DIM,
    )
