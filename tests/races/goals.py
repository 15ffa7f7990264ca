"""What was to be reached, and what was: the figures of the issue on speed, from the medians of one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.races.contenders import (
    COLD,
    FILE,
    MATRICES,
    NUMBA,
    NUMBA_WHOLE,
    READ,
    REFERENCE,
    RUST,
    RUST_WHOLE,
    STORE,
    STREAM,
)

_BAR, _WAITS, _SLICES = "W on_bar", "W on_bar with waits", "W on_bars"
Median = Callable[[str, str], float | None]
Place = tuple[str, str]


@dataclass(frozen=True)
class Goal:
    """A ratio of one median over another: how many times faster, or, where `below`, how many times a floor at most.

    Without `over` it is the median itself, in seconds.
    """

    what: str
    of: Place
    over: Place | None
    least: float
    aim: float
    below: bool = False

    def value(self, median: Median) -> float | None:
        """Return the figure; None where a part of it was not measured."""
        whole, part = median(*self.of), 1.0 if self.over is None else median(*self.over)
        return None if whole is None or part is None else whole / part

    def reached(self, value: float, wanted: float) -> bool:
        """Whether a figure is as good as wanted."""
        return value <= wanted if self.below else value >= wanted

    def text(self, value: float) -> str:
        """Return a figure with its unit."""
        return f"{value:,.3g} s" if self.over is None else f"{value:,.0f}x" if value >= 100 else f"{value:.3g}x"


GOALS = (
    Goal("W, prepared store, against vectorbt's Rust engine", ("W", RUST), ("W", STORE), 40, 75),
    Goal("W, plain time-major matrices, against the same", ("W", RUST), ("W", MATRICES), 25, 40),
    Goal("W against vectorbt's Rust engine with its equity and trades", ("W", RUST_WHOLE), ("W", STORE), 120, 200),
    Goal("W against our reference", ("W", REFERENCE), ("W", STORE), 1_000, 3_000),
    Goal("W-turnover against our reference", ("W-turnover", REFERENCE), ("W-turnover", STORE), 300, 1_000),
    Goal("W against the time to stream its OHLC once", ("W", STORE), ("W", STREAM), 2, 1.2, below=True),
    Goal("`on_bars` strategy on W against the reference", (_SLICES, REFERENCE), (_SLICES, STORE), 30, 60),
    Goal("`on_bar` strategy on W, unchanged", (_BAR, REFERENCE), (_BAR, STORE), 3, 5),
    Goal("`on_bar` strategy on W, declaring its waits", (_WAITS, REFERENCE), (_WAITS, STORE), 20, 50),
    Goal("cold start of the compiled build, cache on disk", ("W", COLD), None, 1.0, 0.3, below=True),
    Goal(
        "us500, file to results, against the floor of reading it", ("us500", FILE), ("us500", READ), 10, 4, below=True
    ),
)
"""In the order of the issue; the reference is that of the same strategy."""
PEERS = (RUST, RUST_WHOLE, NUMBA, NUMBA_WHOLE)


@dataclass(frozen=True)
class Outcome:
    """A goal with its figure, None where it was not measured."""

    goal: Goal
    value: float | None

    def row(self) -> tuple[str, str, str, str, str]:
        """Return it in words: what, at least, aim, measured, reached."""
        goal = self.goal
        sign = "at most " if goal.below else ""
        wanted = (f"{sign}{goal.text(goal.least)}", f"{sign}{goal.text(goal.aim)}")
        if self.value is None:
            return goal.what, *wanted, "not measured", ""
        if goal.reached(self.value, goal.aim):
            verdict = "yes, the aim"
        else:
            verdict = "yes" if goal.reached(self.value, goal.least) else "no"
        return goal.what, *wanted, goal.text(self.value), verdict


def outcomes(median: Median) -> Iterator[Outcome]:
    """Return every goal with its figure."""
    for goal in GOALS:
        yield Outcome(goal, goal.value(median))
