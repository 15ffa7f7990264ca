"""Random orders: everything that a strategy can ask for, by chance. It makes no money; it looks for faults.

Shows every kind of order, brackets, day orders, cancelling and replacing, and rules of a position's own. The seed
decides: the generator is the strategy's own, and a run starts with a copy of it.

>>> from engine import generate_market, run
>>> from engine.strategies.random_orders import SETTINGS, RandomOrders
>>> result = run(RandomOrders(seed=1), generate_market(symbols=10, bars=300), SETTINGS)
>>> sorted(result.orders["kind"].unique())
['limit', 'market', 'stop', 'stop_limit', 'trailing_stop']
"""

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from engine import Bar, Context, Order, Settings, StopLoss, Strategy, TakeProfit, TimeExit, TrailingStop
from engine.gates import Gate
from engine.rules import Rule

SETTINGS = Settings(
    commission=0.0005,
    commission_minimum=1.0,
    slippage=0.0005,
    short=True,
    leverage=2.0,
    borrow_rate=0.03,
    lot=0.01,
    tick=0.01,
    minimum_notional=100.0,
)
KINDS = ("market", "limit", "stop", "stop_limit", "trailing_stop")
SIZES = (0.000_01, 0.005, 0.5, 1.0, 1.0, 2.0, 1_000.0)  # of the amount: from less than a lot to more than there is
RULES: tuple[tuple[Rule, ...] | None, ...] = (
    None,  # those of the strategy
    (),
    (TakeProfit(0.03), StopLoss(0.02)),
    (TrailingStop(0.03),),
    (TimeExit(5),),
)
Choice = TypeVar("Choice")


class RandomOrders(Strategy):
    """Does something on a bar with these `odds`; an order is worth about `amount` of money."""

    rules: tuple[Rule, ...] = (StopLoss(0.08), TrailingStop(0.12), TimeExit(40))

    def __init__(
        self, seed: int = 1, odds: float = 0.2, amount: float = 10_000.0, gates: tuple[Gate, ...] = ()
    ) -> None:
        self.random = Random(seed)  # noqa: S311 - not for secrets
        self.odds = odds
        self.amount = amount
        self.gates = gates

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Toss for whether to do something, and for what."""
        if self.random.random() < self.odds:
            act = self.pick((self.submit, self.submit, self.submit, self.leave, self.replace, self.cancel))
            act(context, bar)

    def submit(self, context: Context, bar: Bar) -> None:
        """Submit an order of any kind, with or without a bracket, for the day or for good."""
        side, close = self.pick((-1.0, 1.0)), bar.close
        prices: dict[str, float] = {}
        kind = self.pick(KINDS)
        if kind == "limit":
            prices["limit"] = close * (1.0 - side * self.between(-0.005, 0.03))
        elif kind == "trailing_stop":
            prices["trail"] = self.between(0.01, 0.06)
        elif kind != "market":
            prices["stop"] = close * (1.0 + side * self.between(-0.005, 0.03))
            if kind == "stop_limit":
                prices["limit"] = prices["stop"] * (1.0 + side * self.between(-0.01, 0.02))
        if self.random.random() < 0.4:
            prices["take_profit"] = close * (1.0 + side * self.between(0.01, 0.06))
        if self.random.random() < 0.4:
            prices["stop_loss"] = close * (1.0 - side * self.between(0.01, 0.06))
        quantity = side * self.pick(SIZES) * self.between(0.5, 1.5) * self.amount / close
        day, rules = self.pick((False, True)), self.pick(RULES)
        context.submit_order(bar.symbol, quantity, day=day, rules=rules, **prices)

    def leave(self, context: Context, bar: Bar) -> None:  # noqa: ARG002 - any symbol, whether it trades or not
        """Sell, or buy back, the whole or a part of something that is held."""
        if held := context.held():
            position = context.get_position(self.pick(held))
            assert position is not None  # noqa: S101 - it is held
            context.submit_order(position.symbol, -position.quantity * self.pick((0.5, 1.0, 1.5)), "leave")

    def replace(self, context: Context, bar: Bar) -> None:
        """Change the size and the prices of an open order."""
        if order := self.any_open(context, bar):
            prices = {"limit": order.limit, "stop": order.stop, "trail": order.trail}
            changed = {
                name: price * self.between(0.98, 1.02) for name, price in prices.items() if not math.isnan(price)
            }
            context.replace_order(order.order_id, quantity=order.quantity * self.between(0.5, 1.5), **changed)

    def cancel(self, context: Context, bar: Bar) -> None:
        """Cancel an open order."""
        if order := self.any_open(context, bar):
            context.cancel_order(order.order_id)

    def any_open(self, context: Context, bar: Bar) -> Order | None:
        """Return one of the symbol's open orders."""
        orders = context.open_orders(bar.symbol)
        return self.pick(orders) if orders else None

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """Return one of them; only `random` is used, whose numbers are the same on every Python."""
        return choices[int(self.random.random() * len(choices))]

    def between(self, low: float, high: float) -> float:
        """Return a number from one to the other."""
        return low + (high - low) * self.random.random()
