"""Running a drawn case over a market, under whatever build has loaded it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from engine.api import Market
from engine.fuzzing.actions import When
from engine.fuzzing.case import Case
from engine.fuzzing.makers import MAKERS
from engine.fuzzing.script import Script, Seen, View
from engine.model import PRICES
from engine.pipeline import Pipeline
from engine.reference.reading import read_file

Outputs = Mapping[str, pl.DataFrame]
WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    ".arrow": pl.DataFrame.write_ipc,
    ".csv": pl.DataFrame.write_csv,
    ".parquet": pl.DataFrame.write_parquet,
}


def run_case(market: Market, case: Case) -> Callable[[], Outputs]:
    """Run a case; what it returns lays the outputs out as tables.

    Beside those of the engine most scripts have `seen`: what they were shown, timestamp by timestamp.
    """
    with _workers(case.workers):
        if isinstance(case.strategy, str):
            table = market.sweep(MAKERS[case.strategy], case.parameters or {}, case.settings)
            return lambda: {"sweep": table}
        if not isinstance(case.strategy, Script) or any(isinstance(action, When) for action in case.strategy.actions):
            return market.run(case.strategy, case.settings).outputs  # who watches asks for all, in an order of its own
        watched = case.strategy.watched()
        result = market.run(watched, case.settings)
        seen = watched.seen or Seen()
        return lambda: result.outputs() | {"seen": _seen(seen, market.feed.bars.schema["timestamp"])}


def _seen(views: Seen, timestamp: pl.DataType) -> pl.DataFrame:
    schema = {"timestamp": timestamp, **dict.fromkeys(View._fields[1:], pl.String())}
    columns = {name: [getattr(view, name) for view in views] for name in schema}
    return pl.DataFrame(columns, schema=schema)


@contextmanager
def _workers(count: int) -> Iterator[None]:
    """Give sweeps so many processes for a while, where that is above 0."""
    name = "EXACT_CHANGE_WORKERS"
    before = os.environ.get(name)
    if count:
        os.environ[name] = str(count)
    try:
        yield
    finally:
        if count and before is None:
            del os.environ[name]
        elif count and before is not None:
            os.environ[name] = before


def twin_market(market: Market, source: Path, case: Case) -> Market:
    """Return the market's twin as the same pipeline loads it once it has run the case over the market itself.

    Both stand in a file of the same name and form, one after the other.
    """
    assert case.twin is not None  # noqa: S101 - asked by the caller
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"bars{source.suffix}"
        shutil.copyfile(source, path)
        with suppress(Exception):  # this prepares the ground; what counts is what the case then does
            run_case(_loaded(market.pipeline, path), case)()
        WRITERS[source.suffix](twin_of(read_file(source), case.twin), path)
        return _loaded(market.pipeline, path)


def _loaded(pipeline: Pipeline, path: Path) -> Market:
    loaded = pipeline.loader(path, "refuse")
    return Market(pipeline, pipeline.feed(loaded), loaded.notes)


def twin_of(bars: pl.DataFrame, row: int) -> pl.DataFrame:
    """Return bars that differ in one row, whose prices are half as high again."""
    here = pl.int_range(pl.len()) == row % len(bars)
    prices = (pl.col(price).cast(pl.Float64) for price in PRICES)  # text, where they come from a file of text
    return bars.with_columns(pl.when(here).then(price * 1.5).otherwise(price) for price in prices)
