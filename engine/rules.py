"""The position rules that a strategy can declare: at which price each leaves.

For what is sold short the sides change over: a stop-loss then lies above the entry, a take-profit below it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.errors import InputError


@dataclass(frozen=True, slots=True)
class PositionState:
    """What a position rule looks at: the position, what it has been through, and this bar.

    `highest` and `lowest` are the water marks: the entry price, moved by the highs and lows of complete bars. `bars`
    counts those.
    """

    symbol: str
    long: bool
    entry_price: float
    highest: float
    lowest: float
    bars: int
    open: float
    high: float
    low: float


def _check_fraction(rule: str, fraction: float, *, below: float) -> None:
    if not 0.0 < fraction < below:
        limit = "" if below == math.inf else f" and below {below:g}"
        raise InputError(f"a {rule} of {fraction}", hint=f"A fraction of the price, above 0{limit}: 0.05 is 5 %")


@dataclass(frozen=True)
class StopLoss:
    """Leave where the price falls to `fraction` below the entry price."""

    fraction: float
    name: str = field(default="stop_loss", init=False)
    rising: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        _check_fraction("stop-loss", self.fraction, below=1.0)

    def level(self, state: PositionState) -> float:
        """Return the price at which this rule leaves."""
        return state.entry_price * (1.0 - self.fraction if state.long else 1.0 + self.fraction)


@dataclass(frozen=True)
class TrailingStop:
    """Leave where the price falls to `fraction` below the highest high since the entry."""

    fraction: float
    name: str = field(default="trailing_stop", init=False)
    rising: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        _check_fraction("trailing stop", self.fraction, below=1.0)

    def level(self, state: PositionState) -> float:
        """Return the price at which this rule leaves."""
        return state.highest * (1.0 - self.fraction) if state.long else state.lowest * (1.0 + self.fraction)


@dataclass(frozen=True)
class TakeProfit:
    """Leave where the price rises to `fraction` above the entry price."""

    fraction: float
    name: str = field(default="take_profit", init=False)
    rising: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        _check_fraction("take-profit", self.fraction, below=math.inf)

    def level(self, state: PositionState) -> float:
        """Return the price at which this rule leaves; a short position's can't be reached at 100 % and more."""
        return state.entry_price * (1.0 + self.fraction if state.long else 1.0 - self.fraction)


@dataclass(frozen=True)
class TimeExit:
    """Leave at the open of the symbol's bar number `bars` after the bar of the entry."""

    bars: int
    name: str = field(default="time_exit", init=False)
    rising: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.bars, int) or self.bars < 1:
            raise InputError(f"a time exit after {self.bars!r} bars", hint="A whole number of bars: 1 or more")

    def level(self, state: PositionState) -> float:
        """Return a level that every open has passed once the time is up, and that no price reaches before."""
        return math.inf if (state.bars >= self.bars) is state.long else -math.inf


Rule = StopLoss | TrailingStop | TakeProfit | TimeExit
"""The position rules that there are. Where two would fire at the same place, the first declared does."""


def are_known_rules(rules: Sequence[Rule]) -> bool:
    """Whether these are rules of the very types of this module."""
    return all(type(rule) in (StopLoss, TrailingStop, TakeProfit, TimeExit) for rule in rules)
