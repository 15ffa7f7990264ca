"""The scenarios that the engine is held to: strategies with their settings.

A scenario is a strategy and an account; a golden case is a scenario on one input, such as those of `engine.markets`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import polars as pl

from engine import failing
from engine.api import Market
from engine.features import ATR, EMA, RSI, SMA, Feature, Highest, Lowest, Momentum, Volatility
from engine.gates import Gate, MaxATRPercent, MinDollarVolume, MinMomentum, MinPrice
from engine.ladder import LADDER, LADDER_WORKLOADS
from engine.markets import blemished_market as blemished_market  # they stood here, and are asked for here
from engine.markets import edges_market as edges_market
from engine.markets import long_market as long_market
from engine.markets import one_bar as one_bar
from engine.markets import ties_market as ties_market
from engine.model import Bar, Bars, Settings
from engine.rules import Rule, StopLoss, TakeProfit, TrailingStop
from engine.scenario import COSTS, RULES, Scenario, Workload
from engine.strategies import (
    brackets,
    breakout,
    buy_and_hold,
    model_ranking,
    momentum_long_short,
    pairs,
    random_orders,
    rsi_reversal,
    sma_cross,
    target_weights,
)
from engine.strategy import Above, Context, CrossesAbove, DeclaredStrategy, Notional, Strategy


class PlainSmaCross(Strategy):
    """The moving-average cross in plain Python: what `sma_cross` declares, written as a user would."""

    def __init__(
        self,
        fast: int = 10,
        slow: int = 50,
        amount: float = 20_000.0,
        rules: tuple[Rule, ...] = RULES,
        gates: tuple[Gate, ...] = (),
    ) -> None:
        self.features: tuple[Feature, ...] = (SMA(fast), SMA(slow))
        self.rules = rules
        self.gates = gates
        self.fast, self.slow = (feature.name for feature in self.features)
        self.amount = amount
        self.before: dict[str, tuple[float, float]] = {}

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Buy where the fast average crosses above the slow one, sell where it crosses below."""
        fast = context.feature(self.fast, bar.symbol)
        slow = context.feature(self.slow, bar.symbol)
        fast_before, slow_before = self.before.get(bar.symbol, (fast, slow))
        self.before[bar.symbol] = fast, slow
        position = context.get_position(bar.symbol)
        if position is None:
            if fast > slow and fast_before <= slow_before:
                quantity = int(self.amount / bar.close)
                if quantity > 0:
                    context.submit_order(bar.symbol, quantity)
        elif fast < slow and fast_before >= slow_before:
            context.submit_order(bar.symbol, -position.quantity)


@dataclass
class Restless(Strategy):
    """Submits orders of every kind that there is, and many that can't be filled; state decides, not chance.

    It adds to positions, sells parts of them, sells what it does not hold, and orders other symbols than the
    one whose bar it is given, so orders wait for symbols that are halted.
    """

    rules: tuple[Rule, ...] = RULES
    gates: tuple[Gate, ...] = ()
    features: tuple[Feature, ...] = (SMA(3), SMA(7))
    count: int = 0
    seen: list[str] = field(default_factory=list)

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Choose by the number of the call."""
        self.count = (self.count * 31 + 7) % 10_007
        if bar.symbol not in self.seen:
            self.seen.append(bar.symbol)
        other = self.seen[self.count % len(self.seen)]
        position = context.get_position(bar.symbol)
        match self.count % 11:
            case 0 | 1:
                context.submit_order(bar.symbol, 1 + self.count % 90)
            case 2 if position is not None and position.quantity > 1:
                context.submit_order(bar.symbol, -(position.quantity // 2), "half")
            case 3 if position is not None:
                context.submit_order(bar.symbol, -position.quantity, "all")
            case 4 if context.feature("sma_3", other) > context.feature("sma_7", other, ago=1):
                context.submit_order(other, 5 + self.count % 40, "other")
            case 5:
                context.submit_order(other, -(1 + self.count % 25), "perhaps not held")
            case 6 if context.cash > 0:
                context.submit_order(bar.symbol, int(2.0 * context.cash / bar.close) + 1, "too much")


def _cross(amount: float = 20_000.0, rules: tuple[Rule, ...] = RULES) -> Strategy:
    fast, slow = SMA(10), SMA(50)
    return DeclaredStrategy(CrossesAbove(fast, slow), CrossesAbove(slow, fast), Notional(amount), rules)


def _level(rules: tuple[Rule, ...] = RULES, gates: tuple[Gate, ...] = ()) -> Strategy:
    fast, slow = SMA(5), SMA(20)
    return DeclaredStrategy(Above(fast, slow), Above(slow, fast), Notional(15_000.0), rules, gates)


def _quick() -> Strategy:
    """Return a strategy that enters and leaves within a few bars, so that an edge can be scripted."""
    return DeclaredStrategy(Above(SMA(1), SMA(2)), Above(SMA(2), SMA(1)), Notional(10_000.0))


def _in_and_out(gates: tuple[Gate, ...] = ()) -> Strategy:
    """Return a strategy whose entry and exit hold on the same bars."""
    rising = Above(SMA(5), SMA(20))
    return DeclaredStrategy(rising, rising, Notional(15_000.0), RULES, gates)


def level_with(stop_loss: float, take_profit: float) -> Strategy:
    """Return the level strategy with a stop and a target."""
    return _level((StopLoss(stop_loss), TakeProfit(take_profit)))


def gated_with(momentum: float, atr_percent: float) -> Strategy:
    """Return the level strategy, for bars with this momentum and no wider range than this."""
    return _level(gates=(MinMomentum(60, momentum), MaxATRPercent(20, atr_percent)))


class Chance(Strategy):
    """Tosses coins, from Python's own generator and from NumPy's: what it does depends on the seed alone."""

    def __init__(self, odds: float) -> None:
        self.odds = odds

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Buy by one coin where nothing is held, sell by the other."""
        position = context.get_position(bar.symbol)
        if position is None and random.random() < self.odds:  # noqa: S311 - not for secrets
            context.submit_order(bar.symbol, 10)
        elif position is not None and np.random.random() < self.odds:  # noqa: NPY002 - the global one is what is tested
            context.submit_order(bar.symbol, -position.quantity)


class AllFeatures(Strategy):
    """Declares features of every kind, and does nothing: they are its only output."""

    features: tuple[Feature, ...] = (
        *(SMA(length) for length in (1, 3, 64)),
        *(EMA(length) for length in (1, 7)),
        *(RSI(length) for length in (1, 5)),
        *(ATR(length) for length in (1, 5)),
        *(Volatility(length) for length in (2, 9)),
        *(Momentum(length) for length in (1, 12)),
        *(Highest(length) for length in (1, 6, 33)),
        *(Lowest(length) for length in (1, 6, 33)),
    )

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Let them pass."""


class RandomRuled(random_orders.RandomOrders):
    """Random orders under rules that the array builds know, beside positions with rules of their own."""

    rules = (StopLoss(0.04), TrailingStop(0.06), TakeProfit(0.05))


class RandomAtOnce(random_orders.RandomOrders):
    """Random orders behind gates, for all bars of a time at once; now and then weights for all that is shown."""

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Go from the last bar to the first; what the gates hold back is in `context.bars` alone."""
        for bar in reversed(list(bars)):
            self.on_bar(context, bar)
        if self.random.random() < 0.05:
            context.target_weights({bar.symbol: 0.5 / len(context.bars) for bar in bars}, "shown")


_GATES: tuple[Gate, ...] = (
    MinDollarVolume(10, 20_000_000.0),
    MinPrice(60.0),
    MaxATRPercent(14, 4.0),
    MinMomentum(20, -0.05),
)
_NARROW: tuple[Gate, ...] = (MinMomentum(100, 0.35),)  # lets few bars through, on generated and on real prices
_GATES_TO_TRY = [
    {"momentum": momentum, "atr_percent": atr_percent}
    for atr_percent in (4.0, 3.0, 3.5, 2.5)
    for momentum in (-0.1, 0.1, 0.0, 0.05, -0.05)
]
_FREE = Settings(cash=1_000_000.0)
_ALL = (
    Scenario("sma_cross", "SMA 10 over SMA 50, declared; stop-loss, trailing stop, take-profit; costs", _cross),
    Scenario("sma_cross_plain", "the same strategy in plain Python", PlainSmaCross),
    Scenario("level", "SMA 5 above SMA 20 on every bar: dense signals", _level),
    Scenario("restless", "orders of every kind, in plain Python", Restless, Settings(60_000.0, 0.001, 0.0005)),
    Scenario("tight_cash", "many entries for little cash: rejections", _level, Settings(40_000.0, 0.001, 0.0005)),
    Scenario("on_margin", "more than the cash buys, declared", _level, Settings(40_000.0, 0.001, 0.0005, leverage=2.0)),
    Scenario("no_trades", "positions too small for one share", partial(_cross, amount=0.5)),
    Scenario("cross_free", "no costs and all rules", partial(_cross, amount=10_000.0), _FREE),
    Scenario(
        "cross_free_plain", "no costs and all rules, in plain Python", partial(PlainSmaCross, amount=10_000.0), _FREE
    ),
    Scenario(
        "sweep_rules",
        "a sweep over stops and targets; a stop of 150 % raises",
        level_with,
        parameters={"stop_loss": [0.02, 0.05, 1.5], "take_profit": [0.04, 0.1]},
    ),
    Scenario("gated", "SMA 5 above SMA 20 behind all four gates, declared", partial(_level, gates=_GATES)),
    Scenario("gated_in_and_out", "behind gates, entry and exit on the same bars", partial(_in_and_out, gates=_GATES)),
    Scenario("gated_plain", "the cross behind a narrow gate, in plain Python", partial(PlainSmaCross, gates=_NARROW)),
    Scenario(
        "gated_restless",
        "orders of every kind behind gates, also for what does not pass them",
        partial(Restless, gates=_GATES[2:]),
    ),
    Scenario("gates_shut", "no bar passes", partial(_level, gates=(MinPrice(1e9),))),
    Scenario("ruined", "the account falls below its ruin level, declared", _level, replace(COSTS, ruin=999_000.0)),
    Scenario(
        "ruined_plain",
        "the account falls below its ruin level, in plain Python",
        Restless,
        Settings(60_000.0, 0.001, 0.0005, ruin=59_000.0),
    ),
    Scenario("small_cross", "the cross, over the first 20 symbols", _cross, symbols=20),
    Scenario("small_plain", "the cross in plain Python, over the first 20 symbols", PlainSmaCross, symbols=20),
    Scenario("small_gated", "level behind gates, over the first 20 symbols", partial(_level, gates=_GATES), symbols=20),
    Scenario(
        "narrow_gate",
        "the cross in plain Python behind a narrow gate, over the first 60 symbols",
        partial(PlainSmaCross, gates=_NARROW),
        symbols=60,
    ),
    Scenario(
        "small_ruin",
        "the cross in plain Python, given up at a loss, over the first 60 symbols",
        PlainSmaCross,
        Settings(1_000_000.0, commission=0.005, slippage=0.002, ruin=990_000.0),
        symbols=60,
    ),
    Scenario(
        "sweep_gates",
        "a sweep that tightens and loosens two gates, over the first 12 symbols",
        gated_with,
        parameters=_GATES_TO_TRY,
        symbols=12,
    ),
    Scenario(
        "sweep_gates_few",
        "a sweep that tightens and loosens two gates, over the first 5 symbols",
        gated_with,
        parameters=_GATES_TO_TRY,
        symbols=5,
    ),
    Scenario(
        "sweep_stops",
        "a sweep of 100 stops and targets, over the first 5 symbols",
        level_with,
        parameters={
            "stop_loss": [number / 100 for number in range(1, 11)],
            "take_profit": [number / 50 for number in range(1, 11)],
        },
        symbols=5,
    ),
    Scenario(
        "sweep_chance", "a sweep of coin tosses: seeds come from the trial", Chance, parameters={"odds": [0.02, 0.1]}
    ),
    Scenario("quick", "SMA 1 above SMA 2, no rules: enters and leaves within a few bars", _quick, _FREE),
    Scenario("in_and_out", "entry and exit hold on the same bars", _in_and_out),
    Scenario("cross_trailing", "trailing stop alone", partial(_cross, rules=(TrailingStop(0.08),)), _FREE),
    Scenario(
        "cross_trailing_plain",
        "trailing stop alone, in plain Python",
        partial(PlainSmaCross, rules=(TrailingStop(0.08),)),
        _FREE,
    ),
    Scenario("cross_target_first", "take-profit declared before the stops", partial(_cross, rules=RULES[::-1]), _FREE),
    Scenario(
        "exact_cash",
        "the first order costs all the cash, to the cent",
        partial(_cross, amount=10_000.0),
        Settings(9_900.0),
    ),
    Scenario(
        "exact_cash_plain",
        "the first order costs all the cash, in plain Python",
        partial(PlainSmaCross, amount=10_000.0),
        Settings(9_900.0),
    ),
)
_ALL_COSTS = Settings(
    commission=0.001,
    slippage=0.0005,
    commission_per_share=0.01,
    commission_fixed=0.5,
    commission_minimum=2.0,
    slippage_fixed=0.01,
)
_WHOLE = (
    Scenario("level_all_costs", "SMA 5 above SMA 20, with every kind of cost that a fill may have", _level, _ALL_COSTS),
    Scenario(
        "level_on_ticks", "SMA 5 above SMA 20, in ticks and lots", _level, replace(_ALL_COSTS, tick=0.05, lot=5.0)
    ),
    Scenario("all_features", "every feature that there is but columns of the data, and no order", AllFeatures, _FREE),
)
_FAILING = (
    Scenario("raises", "the strategy raises on a bar; the text tells its account", failing.Raises),
    Scenario("asks_ahead", "the strategy asks for a feature of a later bar", failing.AsksAhead),
    Scenario("orders_unknown", "the strategy orders a symbol that is not in the data", failing.OrdersUnknown),
    Scenario(
        "misspelled_feature", "the strategy asks for a feature that it has not declared", failing.MisspelledFeature
    ),
    Scenario("no_such_column", "a feature of a column that the data does not have", failing.NoSuchColumn),
    Scenario(
        "two_gates_alike", "two gates of one name, declared", partial(_level, gates=(MinPrice(10.0), MinPrice(20.0)))
    ),
)
FAILING = tuple(one.name for one in _FAILING)
"""The scenarios that raise: what they raise is their only output."""
_PAIR = "a ratio that comes back: long and short, filled at this close"
_TEN = (
    Scenario("example_buy_and_hold", "equal money in every symbol of the first day", buy_and_hold.BuyAndHold),
    Scenario("example_sma_cross", "a moving-average cross, declared", sma_cross.sma_cross, sma_cross.SETTINGS),
    Scenario(
        "example_rsi_reversal",
        "levels of the RSI behind a gate, declared",
        rsi_reversal.rsi_reversal,
        rsi_reversal.SETTINGS,
    ),
    Scenario("example_breakout", "new highs, trailing stop orders", breakout.Breakout, breakout.SETTINGS),
    Scenario("example_brackets", "limit orders for a day, with brackets", brackets.Brackets, brackets.SETTINGS),
    Scenario(
        "example_target_weights",
        "target weights in fractional shares",
        target_weights.TargetWeights,
        target_weights.SETTINGS,
    ),
    Scenario(
        "example_momentum_long_short",
        "long the strongest, short the weakest, monthly",
        partial(momentum_long_short.MomentumLongShort, length=60, count=3),
        momentum_long_short.SETTINGS,
    ),
    Scenario("example_pairs", _PAIR, partial(pairs.Pairs, "S0000", "S0012"), pairs.SETTINGS),
    Scenario(
        "example_model_ranking",
        "the highest values of the column score, filled at the next close",
        partial(model_ranking.ModelRanking, count=4),
        model_ranking.SETTINGS,
    ),
    Scenario(
        "example_random_orders", "orders of every kind, by chance", random_orders.RandomOrders, random_orders.SETTINGS
    ),
)
_IN_OTHER_ACCOUNTS = (
    Scenario(
        "example_random_orders_cash",
        "orders of every kind for little cash, with a fee an order and a share",
        partial(random_orders.RandomOrders, 2),
        Settings(60_000.0, commission_per_share=0.01, commission_fixed=0.5, commission_minimum=2.0, slippage_fixed=0.1),
    ),
    Scenario(
        "example_random_orders_this_close",
        "orders of every kind, filled at this close, in round lots and coarse ticks, with impact",
        partial(random_orders.RandomOrders, 3),
        Settings(fill_at="this_close", short=True, leverage=3.0, volume_impact=100.0, lot=5.0, tick=0.05),
    ),
    Scenario(
        "example_random_orders_next_close",
        "orders of every kind, filled at the next close, as far as the volume goes",
        partial(random_orders.RandomOrders, 4),
        Settings(fill_at="next_close", short=True, borrow_rate=0.1, volume_limit=0.0005, lot=0.1, slippage_fixed=0.01),
    ),
    Scenario(
        "example_random_orders_ruled",
        "by chance, long and short, with rules of the strategy and of the position",
        partial(RandomRuled, 7, odds=0.4),
        random_orders.SETTINGS,
    ),
    Scenario(
        "example_random_orders_ruin",
        "orders of every kind until the account is ruined",
        partial(random_orders.RandomOrders, 5),
        replace(random_orders.SETTINGS, slippage=0.01, ruin=990_000.0),
    ),
    Scenario(
        "example_random_orders_often",
        "orders of every kind on most bars, with a high borrow fee",
        partial(random_orders.RandomOrders, 9, odds=0.6),
        replace(random_orders.SETTINGS, borrow_rate=10.0),
    ),
    Scenario(
        "example_random_orders_gated",
        "orders of every kind behind gates, in on_bar",
        partial(random_orders.RandomOrders, 6, odds=0.4, gates=_GATES[2:]),
        random_orders.SETTINGS,
    ),
    Scenario(
        "example_random_orders_gated_at_once",
        "orders of every kind behind gates, in on_bars",
        partial(RandomAtOnce, 8, gates=_GATES[2:]),
        random_orders.SETTINGS,
    ),
)
_ON_REAL_PRICES = {  # in place of those whose symbols or column the real prices do not have
    "example_pairs": Scenario("example_pairs_real", _PAIR, partial(pairs.Pairs, "AEP", "ABT"), pairs.SETTINGS),
    "example_model_ranking": Scenario(
        "example_model_ranking_volume",
        "the highest volume, as if it were a score, filled at the next close",
        partial(model_ranking.ModelRanking, "volume", count=4),
        model_ranking.SETTINGS,
    ),
}
EXAMPLES = tuple(one.name for one in (*_TEN, *_IN_OTHER_ACCOUNTS))
"""The ten example strategies, and random orders in other accounts: for a generated market with a column "score"."""
REAL_EXAMPLES = tuple(_ON_REAL_PRICES.get(one.name, one).name for one in _TEN)
"""The ten example strategies, for the real prices: over the first 30 symbols."""

SCENARIOS = {
    one.name: one
    for one in (
        *_ALL,
        *_WHOLE,
        *_FAILING,
        *LADDER,
        *(replace(one, symbols=30) for one in (*_TEN, *_IN_OTHER_ACCOUNTS, *_ON_REAL_PRICES.values())),
    )
}


_WORKLOADS = (
    Workload("cross", "sma_cross"),
    Workload("load", "small_cross", "load"),
    Workload("load-csv", "small_cross", "load", form=".csv"),
    Workload("new-process", "sma_cross", "kept"),
    Workload("gate-sweep", "sweep_gates", "cold"),
    Workload("trials", "sweep_stops"),
    Workload("narrow-gate", "narrow_gate"),
    Workload("ruin", "small_ruin"),
    *LADDER_WORKLOADS,
)
WORKLOADS = {workload.name: workload for workload in _WORKLOADS}
COMPONENT_WORKLOADS = {"loader": "load", "gates": "gate-sweep", "sweep": "trials"}  # that of all others is "cross"
COMMON = ("small_cross", "small_plain", "small_gated")
"""The scenarios that every optimization is measured on beside its own."""


def run_scenario(
    market: Market, scenario: Scenario, strategy: Strategy | None = None
) -> Callable[[], Mapping[str, pl.DataFrame]]:
    """Run a scenario; what it returns lays the outputs out as tables, those of a sweep as one.

    `strategy` is one that the scenario has made before; a new one if not given.
    """
    if scenario.parameters is not None:
        table = market.sweep(scenario.make, scenario.parameters, scenario.settings)
        return lambda: {"sweep": table}
    return market.run(strategy or scenario.make(), scenario.settings).outputs
