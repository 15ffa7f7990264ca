"""The scenarios that the engine is held to: strategies with their settings, and the generated markets for them.

A scenario is a strategy and an account; a golden case is a scenario on one input. The inputs have the blemishes
of real prices, since that is where engines differ.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import polars as pl

from engine.api import Market
from engine.features import SMA, Feature
from engine.gates import Gate, MaxATRPercent, MinDollarVolume, MinMomentum, MinPrice
from engine.generate import generate_market, weekdays
from engine.model import PRICES, Bar, Settings
from engine.rules import Rule, StopLoss, TakeProfit, TrailingStop
from engine.strategy import Above, Context, CrossesAbove, DeclaredStrategy, Notional, Strategy
from engine.trials import Parameters

RULES: tuple[Rule, ...] = (StopLoss(0.05), TrailingStop(0.08), TakeProfit(0.10))
COSTS = Settings(cash=1_000_000.0, commission=0.001, slippage=0.0005)


@dataclass(frozen=True)
class Scenario:
    """One strategy with its settings; `make` gives a new strategy.

    With `parameters` it is a sweep: its outputs are then the table of the trials. A sweep multiplies the work, so it
    may be bound to the market's first symbols.
    """

    name: str
    about: str
    make: Callable[..., Strategy]
    settings: Settings = COSTS
    parameters: Parameters | None = None
    symbols: int | None = None


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


_GATES: tuple[Gate, ...] = (
    MinDollarVolume(10, 20_000_000.0),
    MinPrice(60.0),
    MaxATRPercent(14, 4.0),
    MinMomentum(20, -0.05),
)
_NARROW: tuple[Gate, ...] = (MinMomentum(100, 0.35),)  # lets few bars through, on generated and on real prices
_FREE = Settings(cash=1_000_000.0)
_ALL = (
    Scenario("sma_cross", "SMA 10 over SMA 50, declared; stop-loss, trailing stop, take-profit; costs", _cross),
    Scenario("sma_cross_plain", "the same strategy in plain Python", PlainSmaCross),
    Scenario("level", "SMA 5 above SMA 20 on every bar: dense signals", _level),
    Scenario("restless", "orders of every kind, in plain Python", Restless, Settings(60_000.0, 0.001, 0.0005)),
    Scenario("tight_cash", "many entries for little cash: rejections", _level, Settings(40_000.0, 0.001, 0.0005)),
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
        parameters=[
            {"momentum": momentum, "atr_percent": atr_percent}
            for atr_percent in (4.0, 3.0, 3.5, 2.5)
            for momentum in (-0.1, 0.1, 0.0, 0.05, -0.05)
        ],
        symbols=12,
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
SCENARIOS = {scenario.name: scenario for scenario in _ALL}


@dataclass(frozen=True)
class Workload:
    """What an optimization is judged on: a figure of a scenario.

    `figure` is "run" (a run, when one has gone before), "cold" (the first run, with empty caches), "kept" (the first
    run of a process that finds what others have kept) or "load". `form` is the file that the data is given in, if
    not as it comes.
    """

    name: str
    scenario: str
    figure: str = "run"
    form: str | None = None


_WORKLOADS = (
    Workload("cross", "sma_cross"),
    Workload("load", "small_cross", "load"),
    Workload("load-csv", "small_cross", "load", form=".csv"),
    Workload("new-process", "sma_cross", "kept"),
    Workload("gate-sweep", "sweep_gates", "cold"),
    Workload("trials", "sweep_stops"),
    Workload("narrow-gate", "narrow_gate"),
    Workload("ruin", "small_ruin"),
)
WORKLOADS = {workload.name: workload for workload in _WORKLOADS}
COMPONENT_WORKLOADS = {"loader": "load", "gates": "gate-sweep", "sweep": "trials"}  # that of all others is "cross"
COMMON = ("small_cross", "small_plain", "small_gated")
"""The scenarios that every optimization is measured on beside its own."""


def run_scenario(market: Market, scenario: Scenario) -> Callable[[], Mapping[str, pl.DataFrame]]:
    """Run a scenario; what it returns lays the outputs out as tables, those of a sweep as one."""
    if scenario.parameters is not None:
        table = market.sweep(scenario.make, scenario.parameters, scenario.settings)
        return lambda: {"sweep": table}
    return market.run(scenario.make(), scenario.settings).outputs


def blemished_market() -> pl.DataFrame:
    """Return a small market with late and early listings, halts, gaps, zero volume and a decimal slip."""
    bars = generate_market(symbols=14, bars=240, seed=11)
    step = pl.col("timestamp").rank("dense").cast(pl.Int64)
    bars = bars.with_columns(step.alias("step"))

    def of(symbol: int) -> pl.Expr:
        return pl.col("symbol") == f"S{symbol:04d}"

    missing = (
        (of(1) & (pl.col("step") <= 90))  # lists late
        | (of(2) & (pl.col("step") <= 235))  # lists too late for any feature
        | (of(3) & (pl.col("step") > 150))  # is delisted
        | (of(4) & pl.col("step").is_between(100, 112))  # is halted
        | (of(5) & (pl.col("step") % 7 == 3))  # trades now and then
        | (of(6) & (pl.col("step") != 120))  # has one bar
        | (of(7) & pl.col("step").is_between(60, 61))
    )
    factor = (
        pl.when(of(8) & (pl.col("step") >= 110))  # gaps down through its stops, for good
        .then(0.72)
        .when(of(9) & (pl.col("step") >= 130))  # gaps up through its targets
        .then(1.375)
        .when(of(10) & (pl.col("step") == 140))  # slips a decimal for a day
        .then(0.1)
        .otherwise(1.0)
    )
    no_volume = of(11) & pl.col("step").is_between(100, 104)
    return (
        bars.with_columns(*(pl.col(price) * factor for price in PRICES))
        .with_columns(pl.when(no_volume).then(0.0).otherwise(pl.col("volume")).alias("volume"))
        .filter(~missing)
        .drop("step")
    )


_TARGET = 100.0 * (1.0 + 0.10)  # what the take-profit level of an entry at 100 comes to, to the last bit
_TIES: dict[str, list[tuple[float, float, float, float]]] = {
    "AT_STOP": [(99.0, 99.5, 95.0, 98.0)],  # the low is the stop, to the last bit
    "ABOVE_STOP": [(99.0, 99.5, 95.00000000000001, 98.0)],
    "AT_TARGET": [(101.0, _TARGET, 100.5, 102.0)],  # the high is the target
    "OPEN_AT_TARGET": [(_TARGET, 112.0, 94.0, 96.0)],  # opens at the target, then falls through the stop
    "OPEN_AT_TRAIL": [(105.0, 107.0, 104.0, 106.0), (107.0 * (1.0 - 0.08), 98.5, 94.0, 96.0)],
    "AT_TRAIL": [(104.0, 125.0, 103.0, 120.0), (118.0, 119.0, 125.0 * (1.0 - 0.08), 116.0)],
    "BOTH": [(100.0, 115.0, 90.0, 100.0)],  # reaches the stop and the target
    "WAITS": [],  # nothing happens until the averages cross back
}


def ties_market() -> pl.DataFrame:
    """Return a market in which prices meet levels, averages each other, and costs the cash, exactly.

    Every symbol stands at 100 for 60 bars, so that its averages are equal, closes at 101, which makes them
    cross, and opens at 100 again, where the entry fills. Then comes what its name says.
    """
    flat = (100.0, 100.0, 100.0, 100.0)
    series = {}
    for symbol, events in _TIES.items():
        bars = [flat] * 60 + [(100.0, 101.0, 100.0, 101.0), (100.0, 101.0, 99.5, 100.5), *events]
        bars += [(100.0, 100.5, 99.5, 100.0)] * (75 - len(bars)) + [(99.0, 99.5, 97.0, 97.5)] * 15 + [flat] * 10
        series[symbol] = bars
    return _scripted(series, 100)


_UP, _DOWN, _FLAT = (10.0, 11.0, 10.0, 11.0), (9.0, 10.0, 8.0, 9.0), (10.0, 10.0, 10.0, 10.0)
_NONE = None
_EDGES: dict[str, list[tuple[float, float, float, float] | None]] = {
    # delisted with an order queued, at the step before the next symbol lists
    "A_QUEUED": [_FLAT, _FLAT, _FLAT, _UP, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE],
    "B_LISTS": [_NONE, _NONE, _NONE, _NONE, _FLAT, _UP, _UP, _DOWN, _FLAT, _FLAT],
    # delisted while held, at the step before the next symbol lists
    "C_HELD": [_FLAT, _UP, _UP, _UP, _UP, _NONE, _NONE, _NONE, _NONE, _NONE],
    "D_LISTS": [_NONE, _NONE, _NONE, _NONE, _NONE, _FLAT, _UP, _UP, _DOWN, _FLAT],
    # halted right after its exit signal, with the exit queued through the halt
    "E_HALTED": [_FLAT, _UP, _UP, _DOWN, _NONE, _NONE, _NONE, _DOWN, _UP, _UP],
    # the last symbol, delisted with an order queued, and one that lists at the very last step
    "Y_LAST_STEP": [_NONE] * 9 + [_UP],
    "Z_QUEUED": [_FLAT, _FLAT, _FLAT, _FLAT, _FLAT, _UP, _NONE, _NONE, _NONE, _NONE],
}


def edges_market() -> pl.DataFrame:
    """Return a market whose symbols list, halt and are delisted next to each other's bars."""
    return _scripted(_EDGES, len(_EDGES["A_QUEUED"]))


def long_market() -> pl.DataFrame:
    """Return one symbol with more bars than any block that a build works in, and one that lists halfway."""
    return generate_market(symbols=2, bars=1_200, seed=5, late=0.5)


def _scripted(series: Mapping[str, Sequence[tuple[float, float, float, float] | None]], count: int) -> pl.DataFrame:
    rows = [
        (day, symbol, *bar, 1_000.0)
        for symbol, bars in series.items()
        for day, bar in zip(weekdays(count), bars, strict=True)
        if bar is not None
    ]
    table = pl.DataFrame(rows, schema=["timestamp", "symbol", *PRICES, "volume"], orient="row")
    return table.sort("timestamp", "symbol")


def one_bar() -> pl.DataFrame:
    """Return the smallest market that there is."""
    return generate_market(symbols=1, bars=1, seed=3)


def wide_market() -> pl.DataFrame:
    """Return a market with columns that the engine does not need."""
    bars = generate_market(symbols=6, bars=80, seed=7)
    return bars.with_columns((pl.col("close") * (1.0 + number)).alias(f"extra_{number}") for number in range(20))
