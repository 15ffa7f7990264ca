"""Strategies, in plain Python or declared, and the context that they are given.

A plain strategy writes `on_bar(context, bar)`. A declared one names its entry, exit, size and rules; it is
the same kind of object, with an `on_bar` that is written here once, so both mean the same under every build.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeGuard

from engine.errors import InputError
from engine.features import SMA, Feature
from engine.gates import Gate, MaxATRPercent, MinDollarVolume, MinMomentum, MinPrice
from engine.model import Bar, FeatureTable, Order, PassTable, Position
from engine.rules import Rule, are_known_rules


class Account(Protocol):
    """What a strategy may do with the broker."""

    cash: float

    def submit_order(self, symbol: str, quantity: int, reason: str = "signal") -> Order:
        """Queue a market order for the symbol's next open."""
        ...

    def refuse_order(self, symbol: str, quantity: int, reason: str, why: str) -> Order:
        """Record an order that is rejected at once."""
        ...

    def get_position(self, symbol: str) -> Position | None:
        """Return what is held of the symbol, or None."""
        ...


OUTSIDE_ITS_GATES = "outside its gates"


class Context:
    """What a strategy sees while it is called: the account, and features up to the present bar."""

    def __init__(self, account: Account, features: FeatureTable, passes: PassTable) -> None:
        self._account = account
        self._features = features
        self._passes = passes
        self._numbers: dict[str, int] = {}
        self.submit_order: Callable[..., Order] = self._submit_where_passing if passes.columns else account.submit_order
        self.get_position = account.get_position

    @property
    def cash(self) -> float:
        """The cash at hand."""
        return self._account.cash

    def feature(self, name: str, symbol: str, ago: int = 0) -> float:
        """Return a declared feature at the symbol's latest bar, or `ago` of its bars earlier; NaN if undefined."""
        if ago < 0:
            raise InputError(
                f"a feature {-ago} bars ahead", hint="A strategy sees data up to its bar: ago is 0 or more"
            )
        number = self.number(symbol) - ago
        return self._features.value(name, symbol, number) if number >= 0 else math.nan

    def passes(self, symbol: str) -> bool:
        """Whether the symbol's latest bar passes all gates of the strategy."""
        number = self.number(symbol)
        return number >= 0 and self._passes.passes(symbol, number)

    def _submit_where_passing(self, symbol: str, quantity: int, reason: str = "signal") -> Order:
        """Queue an order; a buy of what does not pass the gates is recorded and rejected at once."""
        if quantity > 0 and not self.passes(symbol):
            return self._account.refuse_order(symbol, quantity, reason, OUTSIDE_ITS_GATES)
        return self._account.submit_order(symbol, quantity, reason)

    def number(self, symbol: str) -> int:
        """Return the number of the symbol's latest bar, counted from 0; -1 before its first."""
        return self._numbers.get(symbol, -1)

    def advance(self, symbol: str) -> None:
        """Make the symbol's next bar its latest. Called by the loop."""
        self._numbers[symbol] = self._numbers.get(symbol, -1) + 1

    def move_to(self, symbol: str, number: int) -> None:
        """Make bar `number` of the symbol its latest. Called by loops that pass over bars."""
        self._numbers[symbol] = number


class Strategy:
    """Base of every strategy: name the features, gates and rules, and say what to do on a bar."""

    features: tuple[Feature, ...] = ()
    gates: tuple[Gate, ...] = ()
    rules: tuple[Rule, ...] = ()

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Do what is to be done once this bar is complete; orders fill at the next open.

        It is called for the bars that pass all gates, and for those of symbols that are held, so that it can leave.
        """


@dataclass(frozen=True)
class Above:
    """True on bars where `left` is above `right`."""

    left: Feature
    right: Feature

    def holds(self, context: Context, symbol: str) -> bool:
        """Whether it is true at the symbol's latest bar; false where a value is undefined."""
        return context.feature(self.left.name, symbol) > context.feature(self.right.name, symbol)


@dataclass(frozen=True)
class CrossesAbove:
    """True on the bar where `left` is above `right` and was not on the symbol's bar before."""

    left: Feature
    right: Feature

    def holds(self, context: Context, symbol: str) -> bool:
        """Whether it is true at the symbol's latest bar; false where a value is undefined."""
        left, right = self.left.name, self.right.name
        return context.feature(left, symbol) > context.feature(right, symbol) and context.feature(
            left, symbol, ago=1
        ) <= context.feature(right, symbol, ago=1)


Condition = Above | CrossesAbove
"""The conditions that there are. "Below" is the same with the features changed over."""


@dataclass(frozen=True)
class Notional:
    """Buy whole shares for `amount` of money, at the close on which the order is submitted."""

    amount: float

    def __post_init__(self) -> None:
        if not 0.0 < self.amount < math.inf:
            raise InputError(f"a position of {self.amount}", hint="An amount of money: finite and above 0")

    def shares(self, close: float) -> int:
        """Return the number of whole shares: the quotient, cut off."""
        return int(self.amount / close)


@dataclass(frozen=True)
class DeclaredStrategy(Strategy):
    """A strategy of declared parts: buy where `entry` holds and nothing is held, sell where `exit` holds.

    Where it has gates it buys only on bars that pass them all.
    """

    entry: Condition
    exit: Condition
    size: Notional
    rules: tuple[Rule, ...] = ()
    gates: tuple[Gate, ...] = ()
    features: tuple[Feature, ...] = field(init=False)

    def __post_init__(self) -> None:
        used = (self.entry.left, self.entry.right, self.exit.left, self.exit.right)
        object.__setattr__(self, "features", tuple(dict.fromkeys(used)))

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Enter or leave at the next open, as declared."""
        symbol = bar.symbol
        position = context.get_position(symbol)
        if position is None:
            if self.entry.holds(context, symbol):
                quantity = self.size.shares(bar.close)
                if quantity > 0:
                    context.submit_order(symbol, quantity)
        elif self.exit.holds(context, symbol):
            context.submit_order(symbol, -position.quantity)


def is_declared(strategy: Strategy) -> TypeGuard[DeclaredStrategy]:
    """Whether a strategy is declared in all its parts, by the very types of this module.

    What declares itself otherwise, a subclass with a meaning of its own among them, is run by its `on_bar`.
    """
    if type(strategy) is not DeclaredStrategy or type(strategy.size) is not Notional:
        return False
    conditions = (strategy.entry, strategy.exit)
    return (
        all(type(condition) in (Above, CrossesAbove) for condition in conditions)
        and all(type(feature) is SMA for feature in strategy.features)
        and are_known_rules(strategy.rules)
        and are_known_gates(strategy.gates)
    )


def are_known_gates(gates: Sequence[Gate]) -> bool:
    """Whether these are gates of the very types of `engine.gates`."""
    return all(type(gate) in (MinDollarVolume, MinPrice, MaxATRPercent, MinMomentum) for gate in gates)
