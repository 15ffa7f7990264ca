"""The pipeline: the components of the engine, and the one Protocol that each has to keep."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl

from engine.errors import InputError
from engine.features import Feature
from engine.gates import Gate
from engine.model import (
    Bars,
    Cancellation,
    Equity,
    FeatureTable,
    Fill,
    Order,
    PassTable,
    Rejection,
    Result,
    Settings,
    Trade,
    table_of,
)
from engine.rules import Rule
from engine.strategy import Account, Strategy, check_waits, is_declared
from engine.trials import (
    Parameters,
    StrategyMaker,
    SweepInterrupted,
    Trial,
    TrialRow,
    sweep_table,
    trials_of,
)


class Loaded(NamedTuple):
    """Bars sorted by timestamp, then symbol, and what was done to the data to get them.

    `layout` is for a loader that has laid the bars out already, and the feed that knows its form.
    """

    bars: pl.DataFrame
    notes: tuple[str, ...]
    layout: object | None = None


class Exit(NamedTuple):
    """A position leaves: at this price, before slippage, by this rule."""

    symbol: str
    price: float
    reason: str


class Excursion(NamedTuple):
    """What a position has been through: its water marks, and the number of complete bars since its entry."""

    highest: float
    lowest: float
    bars: int


class Feed(Protocol):
    """Loaded data in the form that a build wants; made once for any number of runs."""

    @property
    def bars(self) -> pl.DataFrame:
        """The loaded table."""
        ...

    @property
    def symbols(self) -> Sequence[str]:
        """All symbols, sorted."""
        ...

    def __iter__(self) -> Iterator[Bars]: ...


class Rules(Protocol):
    """The position rules: they watch open positions and say which leave."""

    def watch(
        self, symbol: str, entry_price: float, *, long: bool, rules: Sequence[Rule] | None, bars: int = 0
    ) -> None:
        """Watch a position with this entry price, and rules of its own where it has some."""
        ...

    def forget(self, symbol: str) -> None:
        """Stop watching."""
        ...

    def excursion(self, symbol: str) -> Excursion:
        """Return what the position has been through."""
        ...

    def exits(self, bars: Bars) -> Iterable[Exit]:
        """Return the exits of these bars in symbol order."""
        ...

    def move_water_marks(self, bars: Bars) -> None:
        """Let the water marks see these bars, which are complete."""
        ...


@dataclass
class Records:
    """All that a broker has recorded, in the order in which it happened."""

    orders: list[Order] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    cancellations: list[Cancellation] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    equity: list[Equity] = field(default_factory=list)

    def result(self, bars: pl.DataFrame, features: FeatureTable, passes: PassTable, settings: Settings) -> Result:
        """Return the records as tables."""
        timestamp = bars.schema["timestamp"]
        return Result(
            orders=table_of(Order, self.orders, timestamp),
            rejections=table_of(Rejection, self.rejections, timestamp),
            cancellations=table_of(Cancellation, self.cancellations, timestamp),
            fills=table_of(Fill, self.fills, timestamp),
            trades=table_of(Trade, self.trades, timestamp),
            equity=table_of(Equity, self.equity, timestamp),
            bars=bars,
            feature_table=features,
            pass_table=passes,
            lot=settings.lot,
        )


class Brokerage(Account, Protocol):
    """The broker, as the loop and the strategy use it."""

    records: Records
    ruined: bool

    def _update_time(self, bars: Bars) -> None: ...

    def fill_queued_orders(self) -> None:
        """Step 1 of a timestamp."""
        ...

    def evaluate_position_rules(self) -> None:
        """Step 2 of a timestamp."""
        ...

    def fill_resting_orders(self) -> None:
        """Step 3 of a timestamp."""
        ...

    def move_water_marks(self) -> None:
        """Step 5 of a timestamp."""
        ...

    def fill_at_close(self) -> None:
        """Step 6 of a timestamp."""
        ...

    def mark_to_market(self) -> None:
        """Step 7 of a timestamp."""
        ...

    def stand_still(self, timestamp: date) -> None:
        """All that a ruined account does at a timestamp."""
        ...


LoaderComponent = Callable[[Path | pl.DataFrame, str], Loaded]
"""Reads and checks data; takes the source and what to do with bad bars ("refuse" or "drop")."""
FeedComponent = Callable[[Loaded], Feed]
"""Lays loaded bars out for the runs."""
FeaturesComponent = Callable[[Feed, Sequence[Feature]], FeatureTable]
"""Computes features for every symbol of a feed."""
GatesComponent = Callable[[Feed, Gate, Sequence[int] | None], Sequence[bool]]
"""Says of every bar of a feed, or of those named by number, whether a gate passes; bars count symbol after symbol."""
RulesComponent = Callable[[Feed, Sequence[Rule]], Rules]
"""Makes the position rules of a run."""
BrokerComponent = Callable[[Feed, Settings, Rules], Brokerage]
"""Makes the broker of a run."""
LoopComponent = Callable[[Feed, FeatureTable, PassTable, Brokerage, Strategy], Result]
"""Runs a strategy over a feed."""
SweepComponent = Callable[["Pipeline", Feed, Sequence[Trial], Settings], Iterator[tuple[int, TrialRow]]]
"""Runs many trials over one feed by a pipeline's `run`; yields each row as it is done, with its place from 0."""


@dataclass(frozen=True)
class Pipeline:
    """One engine: a component for each part of the work, and the names of the optimizations that it is made of."""

    loader: LoaderComponent
    feed: FeedComponent
    features: FeaturesComponent
    gates: GatesComponent
    rules: RulesComponent
    broker: BrokerComponent
    loop: LoopComponent
    sweep: SweepComponent
    build: tuple[str, ...] = ()

    def run(self, feed: Feed, strategy: Strategy, settings: Settings) -> Result:
        """Run a strategy over laid-out data; neither is changed."""
        if not is_declared(strategy):  # whose parts can't be changed
            strategy = copy.deepcopy(strategy)  # a plain strategy may keep state, which must not reach the next run
            check_waits(strategy)
        features = self.features(feed, tuple(dict.fromkeys(strategy.features)))
        passes = self._passes(feed, strategy.gates, features)
        broker = self.broker(feed, settings, self.rules(feed, strategy.rules))
        return self.loop(feed, features, passes, broker, strategy)

    def _passes(self, feed: Feed, gates: Sequence[Gate], features: FeatureTable) -> PassTable:
        columns: dict[str, Sequence[bool]] = {}
        for gate in gates:
            if gate.name in columns:
                raise InputError(f"two gates {gate.name}", hint="One is enough: the one that lets fewer bars through")
            columns[gate.name] = self.gates(feed, gate, None)
        return PassTable(columns, features.starts)

    def run_sweep(
        self, feed: Feed, strategy: Strategy | StrategyMaker, parameters: Parameters, settings: Settings
    ) -> pl.DataFrame:
        """Run a strategy with each of many parameters over laid-out data; return a row a trial.

        Raises:
            SweepInterrupted: a KeyboardInterrupt that has the rows which were done.
        """
        trials = trials_of(strategy, parameters)
        rows: dict[int, TrialRow] = {}
        try:
            with closing(self.sweep(self, feed, trials, settings)) as done:  # type: ignore[type-var]  # generators close
                rows.update(done)
        except KeyboardInterrupt as interrupt:
            raise SweepInterrupted(sweep_table(trials, rows), len(trials)) from interrupt
        return sweep_table(trials, rows)
