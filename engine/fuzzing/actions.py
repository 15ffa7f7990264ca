"""What a script may do, a value each: so that Hypothesis can draw it, and a law turn it round."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from engine.model import Order
from engine.strategy import Context

PRICES = ("limit", "stop", "take_profit", "stop_loss")


@dataclass(frozen=True)
class Action:
    """Something to do at a step; what a law changes in an action is by default nothing."""

    step: int

    def do(self, context: Context) -> None:
        """Do it."""
        raise NotImplementedError

    def with_prices(self, change: Callable[[float], float]) -> Self:  # noqa: ARG002 - what has no price stays
        """Return it with its prices changed."""
        return self

    def scaled(self, factor: float) -> Self:
        """Return it in another currency."""
        return self.with_prices(lambda price: price * factor)

    def flipped(self) -> Self:
        """Return it with sales in place of buys."""
        return self

    def only(self, passes: Callable[[str], bool]) -> Self:  # noqa: ARG002 - what names no symbol stays
        """Return what is left of it for the symbols that pass."""
        return self

    def renamed(self, names: Mapping[str, str]) -> Self:  # noqa: ARG002
        """Return it for other symbols."""
        return self


@dataclass(frozen=True)
class Submit(Action):
    """Order so many shares, or for so much money at the last close, or so much of what is held."""

    symbol: str
    amount: float
    of: str = "shares"
    terms: tuple[tuple[str, Any], ...] = ()

    def do(self, context: Context) -> None:
        """Submit the order, where there is anything to order."""
        quantity = self._quantity(context)
        if quantity:
            context.submit_order(self.symbol, quantity, **dict(self.terms))

    def _quantity(self, context: Context) -> float:
        if self.of == "money":
            close = context.close(self.symbol)
            return 0.0 if math.isnan(close) else self.amount / close
        if self.of == "held":
            position = context.get_position(self.symbol)
            return position.quantity * self.amount if position else 0.0
        return self.amount

    def with_prices(self, change: Callable[[float], float]) -> Self:
        """Return the order at other prices."""
        return replace(self, terms=tuple((name, change(of) if name in PRICES else of) for name, of in self.terms))

    def scaled(self, factor: float) -> Self:
        """Return the order in another currency."""
        amount = self.amount * factor if self.of == "money" else self.amount
        return replace(super().scaled(factor), amount=amount)

    def flipped(self) -> Self:
        """Return a sale in place of a buy; what is held is flipped itself."""
        return self if self.of == "held" else replace(self, amount=-self.amount)

    def only(self, passes: Callable[[str], bool]) -> Self:
        """Return the order where its symbol passes, or one for nothing."""
        return self if passes(self.symbol) else replace(self, amount=0.0)

    def renamed(self, names: Mapping[str, str]) -> Self:
        """Return the order for another symbol."""
        return replace(self, symbol=names[self.symbol])


@dataclass(frozen=True)
class Cancel(Action):
    """Take back one of the orders that are open."""

    number: int

    def do(self, context: Context) -> None:
        """Cancel the order, where there is one."""
        if orders := context.open_orders():
            context.cancel_order(orders[self.number % len(orders)].order_id)


@dataclass(frozen=True)
class Replace(Action):
    """Change one of the orders that are open: so many times its quantity, and at a price, where these are given."""

    number: int
    times: float | None = None
    price: float | None = None
    trail: float = 0.125

    def do(self, context: Context) -> None:
        """Replace the order, where there is one."""
        if orders := context.open_orders():
            order = orders[self.number % len(orders)]
            quantity = None if self.times is None else self.times * order.quantity
            context.replace_order(order.order_id, quantity=quantity, **self._prices(order))

    def _prices(self, order: Order) -> dict[str, float]:
        if self.price is None:
            return {}
        if order.kind == "trailing_stop":
            return {"trail": self.trail}
        return {"stop" if order.kind == "stop" else "limit": self.price}

    def with_prices(self, change: Callable[[float], float]) -> Self:
        """Return it at another price."""
        return self if self.price is None else replace(self, price=change(self.price))


@dataclass(frozen=True)
class Target(Action):
    """Bring the account to some weights."""

    weights: tuple[tuple[str, float], ...]

    def do(self, context: Context) -> None:
        """Submit what is needed."""
        context.target_weights(dict(self.weights))

    def flipped(self) -> Self:
        """Return the opposite weights."""
        return replace(self, weights=tuple((symbol, -weight) for symbol, weight in self.weights))

    def only(self, passes: Callable[[str], bool]) -> Self:
        """Return the weights of the symbols that pass."""
        return replace(self, weights=tuple(pair for pair in self.weights if passes(pair[0])))

    def renamed(self, names: Mapping[str, str]) -> Self:
        """Return it for other symbols."""
        return replace(self, weights=tuple((names[symbol], weight) for symbol, weight in self.weights))


@dataclass(frozen=True)
class When(Action):
    """Order so many shares where a feature was above a level some bars ago; nothing else is asked for before."""

    symbol: str
    amount: float
    feature: str
    ago: int
    level: float

    def do(self, context: Context) -> None:
        """Submit the order, where it is time."""
        if context.feature(self.feature, self.symbol, self.ago) > self.level:
            context.submit_order(self.symbol, self.amount)

    def flipped(self) -> Self:
        """Return a sale in place of a buy."""
        return replace(self, amount=-self.amount)

    def only(self, passes: Callable[[str], bool]) -> Self:
        """Return the order where its symbol passes, or one that is never due."""
        return self if passes(self.symbol) else replace(self, level=math.inf)

    def renamed(self, names: Mapping[str, str]) -> Self:
        """Return the order for another symbol."""
        return replace(self, symbol=names[self.symbol])
