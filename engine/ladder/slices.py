"""Strategies in plain Python: that wait, and that take all bars of a time as arrays."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial

import numpy as np

from engine.conditions import Above, CrossesAbove, Held, Wait
from engine.features import SMA, DataColumn, Feature, Momentum
from engine.gates import Gate, MaxATRPercent, MinMomentum
from engine.model import Bar, Bars, Floats, Settings
from engine.rules import Rule, StopLoss
from engine.scenario import COSTS, RULES, Scenario, Workload
from engine.strategy import Context, Strategy


class WaitingCross(Strategy):
    """The moving-average cross in plain Python, which waits for the averages to cross."""

    def __init__(self, amount: float = 20_000.0, gates: tuple[Gate, ...] = (), rules: tuple[Rule, ...] = RULES) -> None:
        fast, slow = SMA(10), SMA(50)
        self.features: tuple[Feature, ...] = (fast, slow)
        self.waits: tuple[Wait, ...] | None = (CrossesAbove(fast, slow), CrossesAbove(slow, fast))
        self.gates = gates
        self.rules = rules
        self.fast, self.slow = fast.name, slow.name
        self.amount = amount

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Buy where the fast average is above, sell where it is below."""
        rises = context.feature(self.fast, bar.symbol) > context.feature(self.slow, bar.symbol)
        position = context.get_position(bar.symbol)
        if position is None and rises:
            quantity = int(self.amount / bar.close)
            if quantity > 0:
                context.submit_order(bar.symbol, quantity)
        elif position is not None and not rises:
            context.submit_order(bar.symbol, -position.quantity)


class SlicedCross(Strategy):
    """The moving-average cross on arrays of all symbols."""

    def __init__(self, amount: float = 20_000.0, gates: tuple[Gate, ...] = (), rules: tuple[Rule, ...] = RULES) -> None:
        self.features: tuple[Feature, ...] = (SMA(10), SMA(50))
        self.gates = gates
        self.rules = rules
        self.fast, self.slow = (feature.name for feature in self.features)
        self.amount = amount
        self.sides: Floats | None = None  # 1 where the fast average was above, -1 where below, NaN where unknown

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Buy where the fast average crosses above the slow one, sell where it crosses below."""
        sides = np.sign(context.values(self.fast) - context.values(self.slow))
        before = sides if self.sides is None else self.sides
        turned = np.flatnonzero(sides * before <= 0.0)
        self.sides = np.where(sides == sides, sides, before)
        if len(turned):
            up, price, held = sides[turned] > 0.0, bars.values("close")[turned], context.quantities()[turned]
            buy = np.where(held == 0.0, np.floor(self.amount / price), 0.0)
            wanted = np.where(up, buy, np.where(sides[turned] < 0.0, -held, 0.0))
            orders = np.flatnonzero((wanted != 0.0) & (price == price))
            context.submit_orders(turned[orders], wanted[orders])


class HoldsOut(Strategy):
    """Buys where it is told, and then looks at every bar of what it holds until it has risen or waited enough."""

    features: tuple[Feature, ...] = (SMA(3), SMA(7), Momentum(5))
    rules: tuple[Rule, ...] = (StopLoss(0.07),)
    waits: tuple[Wait, ...] | None = (Held(), CrossesAbove(SMA(3), SMA(7)))

    def __init__(self, gates: tuple[Gate, ...] = ()) -> None:
        self.gates = gates
        self.since: dict[str, int] = {}

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Buy, count, and leave."""
        position = context.get_position(bar.symbol)
        if position is None:
            self.since[bar.symbol] = 0
            context.submit_order(bar.symbol, 1.0 + int(9_000.0 / bar.close), "told")
            return
        self.since[bar.symbol] = self.since.get(bar.symbol, 0) + 1
        before = context.feature("sma_3", bar.symbol, ago=2)
        if self.since[bar.symbol] > 12 or bar.close > 1.06 * position.entry_price or bar.close < 0.98 * before:
            context.submit_order(bar.symbol, -position.quantity, "enough")


class WaitsAndSubmits(Strategy):
    """Orders of many kinds, by chance, from bars that it waits for; what it waits for may change on the way."""

    features: tuple[Feature, ...] = (SMA(3), SMA(7), Momentum(5))
    rules: tuple[Rule, ...] = RULES

    def __init__(self, seed: int, gates: tuple[Gate, ...] = (), change: bool = False) -> None:
        self.waits: tuple[Wait, ...] | None = (Held(), Above(Momentum(5), 0.02), CrossesAbove(SMA(7), SMA(3)))
        self.random = random.Random(seed)  # noqa: S311 - not for secrets
        self.gates = gates
        self.change = change
        self.calls = 0

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Toss."""
        self.calls += 1
        if self.change and self.calls % 400 == 0:
            self.waits = (None, (), (Above(SMA(3), SMA(7)),))[self.calls // 400 % 3] or (Held(), Above(SMA(3), 0.0))
        toss, position = self.random.random(), context.get_position(bar.symbol)
        if toss < 0.2:
            context.submit_order(bar.symbol, 1 + int(toss * 300.0))
        elif toss < 0.25:
            other = context.symbols[int(toss * 10_000) % len(context.symbols)]
            if context.feature("sma_3", other, ago=1) > 0.0:
                context.submit_order(other, 3.0, limit=0.97 * context.close(other))
        elif toss < 0.5 and position is not None:
            context.submit_order(bar.symbol, -position.quantity, "all")


class SlicesAndSubmits(Strategy):
    """Orders of many kinds, by chance, of many symbols at once; now and then what the arrays do not know."""

    features: tuple[Feature, ...] = (SMA(3), Momentum(5), DataColumn("volume"))
    rules: tuple[Rule, ...] = RULES

    def __init__(self, seed: int, gates: tuple[Gate, ...] = (), odd: float = 0.02) -> None:
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.gates = gates
        self.odd = odd

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Buy some of what rises, sell some of what is held, in any order."""
        close, rises, held = bars.values("close"), context.values("momentum_5"), context.quantities()
        chance = self.random.random(len(close))
        buy = (chance < 0.06) & (rises > 0.0) & (close == close)
        sell = (chance > 0.8) & (held != 0.0)
        chosen = np.flatnonzero(buy | sell)[::-1]
        wanted = np.where(
            buy, np.floor(5_000.0 / np.where(buy, close, 1.0)) + 1.0, np.where(chance > 0.9, -0.5, -1.0) * held
        )
        ordered = context.submit_orders(chosen, wanted[chosen], "some")
        if len(ordered) and chance[0] < self.odd:
            context.cancel_order(ordered[0])
            symbol = context.symbols[chosen[-1]]
            if context.values("column:volume")[chosen[-1]] > 0.0:
                context.submit_order(
                    symbol, 2.0, stop=1.01 * context.close(symbol), take_profit=2.0 * context.close(symbol)
                )


_GATES: tuple[Gate, ...] = (MaxATRPercent(14, 4.0), MinMomentum(20, -0.05))
_MARGIN = Settings(
    200_000.0, 0.001, 0.0005, short=True, leverage=2.0, borrow_rate=0.05, volume_limit=0.0001, tick=0.01, lot=0.5
)
SLICED: tuple[Scenario, ...] = (
    Scenario("waits_cross", "the cross in plain Python, waiting for it", WaitingCross),
    Scenario(
        "waits_gated", "the cross in plain Python, waiting for it behind gates", partial(WaitingCross, gates=_GATES)
    ),
    Scenario("waits_held", "waits for what is held, and for a cross", HoldsOut),
    Scenario("waits_held_gated", "waits for what is held, and for a cross behind gates", partial(HoldsOut, _GATES)),
    Scenario("waits_random", "orders by chance on awaited bars, and of other symbols", partial(WaitsAndSubmits, 3)),
    Scenario(
        "waits_changing",
        "what is waited for changes on the way, behind gates",
        partial(WaitsAndSubmits, 4, _GATES, change=True),
        _MARGIN,
    ),
    Scenario("slices_cross", "the cross on arrays of all symbols", SlicedCross),
    Scenario("slices_gated", "the cross on arrays of all symbols, behind gates", partial(SlicedCross, gates=_GATES)),
    Scenario(
        "slices_random", "orders by chance on arrays, and now and then another kind", partial(SlicesAndSubmits, 5)
    ),
    Scenario(
        "slices_random_gated",
        "orders by chance on arrays, behind gates, in another account",
        partial(SlicesAndSubmits, 6, _GATES, odd=0.0),
        _MARGIN,
    ),
    Scenario(
        "slices_at_close",
        "orders by chance on arrays, filled at this close, until ruin",
        partial(SlicesAndSubmits, 7),
        replace(COSTS, fill_at="this_close", slippage=0.01, ruin=980_000.0),
    ),
)
SLICED_WORKLOADS: tuple[Workload, ...] = (
    Workload("plain", "sma_cross_plain"),
    Workload("waits", "waits_cross"),
    Workload("slices", "slices_cross"),
)
