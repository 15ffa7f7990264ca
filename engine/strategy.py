"""Strategies, in plain Python or declared, and the context that they are given.

A plain strategy writes `on_bar(context, bar)`. A declared one names its entry, exit, size and rules; it is
the same kind of object, with an `on_bar` that is written here once, so both mean the same under every build.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from numbers import Real
from typing import Any, Protocol, TypeGuard

from engine.errors import InputError
from engine.features import Feature, are_known_features
from engine.gates import Gate, MaxATRPercent, MinDollarVolume, MinMomentum, MinPrice
from engine.grid import Grid
from engine.model import Bar, Bars, FeatureTable, Order, PassTable, Position, Settings
from engine.rules import Rule, are_known_rules


class Account(Protocol):
    """What a strategy may do with the broker; `engine.reference.broker` tells what each does."""

    settings: Settings
    cash: float

    def submit_order(
        self,
        symbol: str,
        quantity: float,
        reason: str = "signal",
        *,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        day: bool = False,
        take_profit: float | None = None,
        stop_loss: float | None = None,
        rules: Sequence[Rule] | None = None,
    ) -> Order:
        """Submit an order."""
        ...

    def refuse_order(self, why: str, symbol: str, quantity: float, reason: str = "signal", **terms: Any) -> Order:
        """Record an order that is rejected at once."""
        ...

    def cancel_order(self, order_id: int) -> bool:
        """Take back what is left of an order."""
        ...

    def replace_order(
        self,
        order_id: int,
        *,
        quantity: float | None = None,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
    ) -> Order | None:
        """Cancel what is left of an order and submit it anew, changed."""
        ...

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return the orders that are not done."""
        ...

    def get_position(self, symbol: str) -> Position | None:
        """Return what is held of the symbol, or None."""
        ...

    def held(self) -> list[str]:
        """Return the symbols that are held, sorted."""
        ...

    def equity(self) -> float:
        """Return cash plus the value of what is held, at the latest closes."""
        ...


OUTSIDE_ITS_GATES = "outside its gates"


class Context:
    """What a strategy sees while it is called: the account, the present bars, and features up to them.

    `bars` are all bars of this timestamp, also those that the gates of the strategy hold back. The loop sets them.
    """

    bars: Bars

    def __init__(self, account: Account, features: FeatureTable, passes: PassTable) -> None:
        self._account = account
        self._features = features
        self._passes = passes
        self._lots = account.settings.lots
        self.submit_order: Callable[..., Order] = self._submit_where_passing if passes.columns else account.submit_order
        self.cancel_order = account.cancel_order
        self.replace_order = account.replace_order
        self.open_orders = account.open_orders
        self.get_position = account.get_position
        self.held = account.held

    @property
    def lots(self) -> Grid:
        """The quantities that there are."""
        return self._lots

    @property
    def timestamp(self) -> date:
        """When the present bars were complete."""
        return self.bars.timestamp

    @property
    def cash(self) -> float:
        """The cash at hand."""
        return self._account.cash

    @property
    def equity(self) -> float:
        """Cash plus the value of what is held, at the latest closes."""
        return self._account.equity()

    def close(self, symbol: str) -> float:
        """Return the symbol's latest close; NaN before its first bar."""
        return self.bars.last_close(symbol)

    def feature(self, name: str, symbol: str, ago: int = 0) -> float:
        """Return a declared feature at the symbol's latest bar, or `ago` of its bars earlier; NaN if undefined."""
        if ago < 0:
            raise InputError(
                f"a feature {-ago} bars ahead", hint="A strategy sees data up to its bar: ago is 0 or more"
            )
        number = self.bars.numbers.get(symbol, -1) - ago
        if number < 0:
            return math.nan
        features = self._features
        return features.columns[name][features.starts[symbol] + number]

    def passes(self, symbol: str) -> bool:
        """Whether the symbol's latest bar passes all gates of the strategy."""
        number = self.bars.numbers.get(symbol, -1)
        return number >= 0 and self._passes.passes(symbol, number)

    def target_weights(self, weights: Mapping[str, float], reason: str = "rebalance") -> list[Order]:
        """Submit the market orders that bring the account to these fractions of its equity, at the latest closes.

        What is held and not named is sold. Shares are cut off, toward zero; market orders that wait already count as
        filled. Orders that make a position smaller come first, then the others, each in symbol order. A symbol without
        a bar yet is left out.
        """
        for symbol, weight in weights.items():
            if symbol not in self._features.starts:
                raise InputError(f"a weight for {symbol!r}, which is not in the data")
            if not math.isfinite(weight):
                raise InputError(f"a weight of {weight} for {symbol}", hint="A fraction of the equity: finite")
        equity, lots = self.equity, self.lots
        waiting: dict[str, float] = {}
        for order in self.open_orders():
            if order.kind == "market":
                waiting[order.symbol] = waiting.get(order.symbol, 0.0) + order.quantity
        smaller: list[tuple[str, float]] = []
        larger: list[tuple[str, float]] = []
        for symbol in sorted({*weights, *self.held(), *waiting}):
            position, close = self.get_position(symbol), self.close(symbol)
            held = (position.quantity if position else 0.0) + waiting.get(symbol, 0.0)
            target = weights.get(symbol, 0.0) * equity / close
            if math.isnan(target):
                continue
            change = lots.value(lots.toward_zero(target)) - held
            if change:
                (smaller if abs(held + change) < abs(held) else larger).append((symbol, change))
        return [self.submit_order(symbol, change, reason) for symbol, change in (*smaller, *larger)]

    def _submit_where_passing(self, symbol: str, quantity: float, reason: str = "signal", **terms: Any) -> Order:
        """Submit an order; one that may open, or add to, a position outside the gates is rejected at once."""
        position = self.get_position(symbol)
        held = position.quantity if position else 0.0
        only_closes = held * quantity < 0 and abs(quantity) <= abs(held)
        if not only_closes and not self.passes(symbol):
            return self._account.refuse_order(OUTSIDE_ITS_GATES, symbol, quantity, reason, **terms)
        return self._account.submit_order(symbol, quantity, reason, **terms)


class Strategy:
    """Base of every strategy: name the features, gates and rules, and say what to do on a bar, or on all of a time."""

    features: tuple[Feature, ...] = ()
    gates: tuple[Gate, ...] = ()
    rules: tuple[Rule, ...] = ()

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Do what is to be done once this bar is complete.

        It is called for the bars that pass all gates, and for those of symbols that are held, so that it can leave.
        """

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Do what is to be done once the bars of a timestamp are complete: `on_bar` for each, in symbol order."""
        for bar in bars:
            self.on_bar(context, bar)


Side = Feature | float
"""A side of a condition: a feature, or a level that stays where it is."""


@dataclass(frozen=True)
class Comparison:
    """What conditions have in common: their two sides, of which one at least is a feature.

    Raises:
        InputError: where both sides are numbers, or one is neither a feature nor a finite number.
    """

    left: Side
    right: Side

    def __post_init__(self) -> None:
        for name in ("left", "right"):
            side = getattr(self, name)
            if not isinstance(side, Feature):
                object.__setattr__(self, name, _level(side))
        if not self.features:
            raise InputError("a condition on two numbers", hint="One side at least has to be a feature")

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features that it asks for."""
        return tuple(side for side in (self.left, self.right) if isinstance(side, Feature))

    def holds(self, context: Context, symbol: str) -> bool:
        """Whether it is true at the symbol's latest bar; false where a value is undefined."""
        raise NotImplementedError


def _level(side: object) -> float:
    if isinstance(side, bool) or not isinstance(side, Real) or not math.isfinite(side):
        raise InputError(f"a condition on {side!r}", hint="A side is a feature, or a finite number")
    return float(side)


def _value(side: Side, context: Context, symbol: str, ago: int = 0) -> float:
    return side if isinstance(side, float) else context.feature(side.name, symbol, ago)


class Above(Comparison):
    """True on bars where `left` is above `right`."""

    def holds(self, context: Context, symbol: str) -> bool:
        """Whether it is true at the symbol's latest bar; false where a value is undefined."""
        return _value(self.left, context, symbol) > _value(self.right, context, symbol)


class CrossesAbove(Comparison):
    """True on the bar where `left` is above `right` and was not on the symbol's bar before."""

    def holds(self, context: Context, symbol: str) -> bool:
        """Whether it is true at the symbol's latest bar; false where a value is undefined."""
        left, right = self.left, self.right
        return _value(left, context, symbol) > _value(right, context, symbol) and _value(
            left, context, symbol, ago=1
        ) <= _value(right, context, symbol, ago=1)


Condition = Above | CrossesAbove
"""The conditions that there are. "Below" is the same with the sides changed over."""


@dataclass(frozen=True)
class Notional:
    """Buy for `amount` of money, at the close on which the order is submitted, in whole lots."""

    amount: float

    def __post_init__(self) -> None:
        if not 0.0 < self.amount < math.inf:
            raise InputError(f"a position of {self.amount}", hint="An amount of money: finite and above 0")

    def shares(self, close: float, lots: Grid) -> float:
        """Return the number of shares: the quotient, cut off to whole lots."""
        return lots.value(lots.below(self.amount / close))


SIDES = ("long", "short")


@dataclass(frozen=True)
class DeclaredStrategy(Strategy):
    """A strategy of declared parts: buy where `entry` holds and nothing is held, sell where `exit` holds.

    Where it has gates it buys only on bars that pass them all. With `side` "short" it sells short where it would buy,
    and buys back where it would sell: for an account that may.

    Raises:
        InputError: where the side is neither "long" nor "short".
    """

    entry: Condition
    exit: Condition
    size: Notional
    rules: tuple[Rule, ...] = ()
    gates: tuple[Gate, ...] = ()
    side: str = "long"
    features: tuple[Feature, ...] = field(init=False)

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise InputError(f"a side of {self.side!r}", hint=f"Choose from {', '.join(SIDES)}")
        used = (*self.entry.features, *self.exit.features)
        object.__setattr__(self, "features", tuple(dict.fromkeys(used)))

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Enter or leave at the next open, as declared."""
        symbol = bar.symbol
        position = context.get_position(symbol)
        if position is None:
            if self.entry.holds(context, symbol):
                quantity = self.size.shares(bar.close, context.lots)
                if quantity > 0:
                    context.submit_order(symbol, quantity if self.side == "long" else -quantity)
        elif self.exit.holds(context, symbol):
            context.submit_order(symbol, -position.quantity)


def is_declared(strategy: Strategy) -> TypeGuard[DeclaredStrategy]:
    """Whether a strategy is declared in all its parts, by the very types of this module, and goes long.

    What declares itself otherwise, a subclass with a meaning of its own among them, is run by its `on_bar`.
    """
    return is_declared_on_a_side(strategy) and strategy.side == "long"


def is_declared_on_a_side(strategy: Strategy) -> TypeGuard[DeclaredStrategy]:
    """Whether a strategy is declared in all its parts, by the very types of this module, long or short."""
    if type(strategy) is not DeclaredStrategy or type(strategy.size) is not Notional:
        return False
    conditions = (strategy.entry, strategy.exit)
    return (
        all(type(condition) in (Above, CrossesAbove) for condition in conditions)
        and are_known_features(strategy.features)
        and are_known_rules(strategy.rules)
        and are_known_gates(strategy.gates)
    )


def are_known_gates(gates: Sequence[Gate]) -> bool:
    """Whether these are gates of the very types of `engine.gates`."""
    return all(type(gate) in (MinDollarVolume, MinPrice, MaxATRPercent, MinMomentum) for gate in gates)
