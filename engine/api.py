"""Loading data and running strategies, for people."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.catalog import REFERENCE, Optimization, accepted_build, compose, find, is_imported
from engine.disk import reading_ahead
from engine.model import Result, Settings
from engine.pipeline import Feed, Loaded, Pipeline
from engine.strategy import Strategy
from engine.trials import Parameters, StrategyMaker


@dataclass(frozen=True)
class Market:
    """Data that was loaded and laid out for one build, for any number of runs."""

    pipeline: Pipeline
    feed: Feed
    notes: tuple[str, ...]

    def run(self, strategy: Strategy, settings: Settings | None = None) -> Result:
        """Run a strategy over this data."""
        return self.pipeline.run(self.feed, strategy, settings or Settings())

    def sweep(
        self, strategy: Strategy | StrategyMaker, parameters: Parameters, settings: Settings | None = None
    ) -> pl.DataFrame:
        """Run a strategy with many parameters over this data; see `engine.sweep`."""
        return self.pipeline.run_sweep(self.feed, strategy, parameters, settings or Settings())

    def first(self, symbols: int) -> Market:
        """Return the market of the first symbols, by name; this one where it has no more."""
        if len(self.feed.symbols) <= symbols:
            return self
        return self.only(pl.col("symbol").is_in(list(self.feed.symbols[:symbols])))

    def only(self, which: pl.Expr) -> Market:
        """Return the market of some of the bars."""
        bars = self.feed.bars.filter(which)
        return Market(self.pipeline, self.pipeline.feed(Loaded(bars.rechunk(), self.notes)), self.notes)


def load(
    source: str | Path | pl.DataFrame, *, on_bad_bars: str = "refuse", build: Iterable[str] | None = None
) -> Market:
    """Load bars from a file or a table for a build; the accepted build if none is named.

    Raises:
        InputError: where the data can't be used.
    """
    where = Path(source) if isinstance(source, str) else source
    names = [*(accepted_build() if build is None else build)]
    waits = any(name.startswith("io/") and not is_imported(name) for name in names)
    # for what is imported meanwhile
    with reading_ahead(where) if isinstance(where, Path) and waits else nullcontext():
        pipeline = _composed(names)
        loaded = pipeline.loader(where, on_bad_bars)
    return Market(pipeline, pipeline.feed(loaded), loaded.notes)


def _composed(names: Iterable[str]) -> Pipeline:
    """Return the pipeline of a build: the latest of this thread, if that is its build and its loader keeps markets."""
    build = tuple(map(find, names))
    if _latest.build == build:
        return _latest.pipeline
    pipeline = compose(one.name for one in build)
    if getattr(pipeline.loader, "keeps_markets", False):
        _latest.build, _latest.pipeline = build, pipeline
    return pipeline


class _Latest(threading.local):
    """One a thread, since what a pipeline keeps may be large, and is not made for two threads at once."""

    build: tuple[Optimization, ...] = ()
    pipeline = REFERENCE


_latest = _Latest()  # exact: what the components of a build keep stays with it


def sweep(
    strategy: Strategy | StrategyMaker,
    parameters: Parameters,
    data: str | Path | pl.DataFrame | Market,
    settings: Settings | None = None,
    *,
    on_bad_bars: str = "refuse",
) -> pl.DataFrame:
    """Run a strategy with many parameters; return a table with one row a trial, in the order given.

    Args:
        strategy: a class or function that takes the parameters by name, or a strategy that is a dataclass.
        parameters: for each name its values, all combinations of which are tried with the last name fastest; or a
            list of points, each a mapping of names to values.
        data: a file, a table, or a market that is loaded already.
        settings: the account and its costs.
        on_bad_bars: "refuse", or "drop" to go on without the bad rows.

    Returns:
        The number of the trial, its parameters, its metrics (see `engine.metrics.Metrics`), the digest of all that
        happened to its account, and its error where it raised one; the other trials then go on.

    Raises:
        InputError: where the data can't be used, there is no trial, or the strategy does not know a parameter.
        SweepInterrupted: a KeyboardInterrupt whose `table` has the rows that were done.
    """
    market = data if isinstance(data, Market) else load(data, on_bad_bars=on_bad_bars)
    return market.sweep(strategy, parameters, settings)


def run(
    strategy: Strategy,
    data: str | Path | pl.DataFrame | Market,
    settings: Settings | None = None,
    *,
    on_bad_bars: str = "refuse",
) -> Result:
    """Run a strategy over a file, a table, or a market that is loaded already."""
    market = data if isinstance(data, Market) else load(data, on_bad_bars=on_bad_bars)
    return market.run(strategy, settings)
