"""Loading data and running strategies, for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.catalog import accepted_build, compose
from engine.model import Result, Settings
from engine.pipeline import Feed, Pipeline
from engine.strategy import Strategy


@dataclass(frozen=True)
class Market:
    """Data that was loaded and laid out for one build, for any number of runs."""

    pipeline: Pipeline
    feed: Feed
    notes: tuple[str, ...]

    def run(self, strategy: Strategy, settings: Settings | None = None) -> Result:
        """Run a strategy over this data."""
        return self.pipeline.run(self.feed, strategy, settings or Settings())


def load(
    source: str | Path | pl.DataFrame, *, on_bad_bars: str = "refuse", build: Iterable[str] | None = None
) -> Market:
    """Load bars from a file or a table for a build; the accepted build if none is named.

    Raises:
        InputError: where the data can't be used.
    """
    pipeline = compose(accepted_build() if build is None else build)
    loaded = pipeline.loader(Path(source) if isinstance(source, str) else source, on_bad_bars)
    return Market(pipeline, pipeline.feed(loaded.bars), loaded.notes)


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
