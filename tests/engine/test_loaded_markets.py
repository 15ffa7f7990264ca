"""A file that was loaded before is found in memory by its content, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from engine import load
from engine.arrays import arrays_of
from engine.catalog import build_of
from engine.counting import work
from engine.digest import result_digest
from engine.generate import generate_market
from engine.ladder.declared import crossing
from engine.optimizations.caching import loaded_markets
from engine.optimizations.caching.loaded_markets import LoadedMarkets
from engine.pipeline import Loaded
from engine.reference.loader import load_bars
from engine.scenario import COSTS
from optimizer.parity import table_digest

BUILD = build_of("caching/loaded_markets")


class Counting:
    """The reference loader, and how often it was asked; `between` is done while it loads."""

    def __init__(self) -> None:
        self.calls = 0
        self.between = lambda: None

    def __call__(self, source: Path | pl.DataFrame, on_bad_bars: str) -> Loaded:
        self.calls += 1
        loaded = load_bars(source, on_bad_bars)
        self.between()
        return loaded


@pytest.fixture
def inner() -> Counting:
    return Counting()


@pytest.fixture
def markets(inner: Counting) -> LoadedMarkets:
    return LoadedMarkets(inner)


@pytest.fixture
def file(bars: pl.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "bars.parquet"
    bars.write_parquet(path)
    return path


def test_the_same_content_is_loaded_once_wherever_it_stands(
    markets: LoadedMarkets, inner: Counting, file: Path, tmp_path: Path
) -> None:
    first = markets(file, "refuse").bars
    again = tmp_path / "again.parquet"
    again.write_bytes(file.read_bytes())
    assert markets(file, "refuse").bars.equals(first)
    assert markets(again, "refuse").bars.equals(first)
    assert inner.calls == 1


def test_a_table_that_is_changed_changes_no_later_load(markets: LoadedMarkets, inner: Counting, file: Path) -> None:
    expected = table_digest(load_bars(file, "refuse").bars)
    for _ in range(3):
        bars = markets(file, "refuse").bars
        assert table_digest(bars) == expected
        bars[0, "close"] = 1e6
        bars.insert_column(0, pl.Series("more", [0] * len(bars)))
    assert inner.calls == 1


def test_other_content_another_format_or_another_way_with_bad_bars_is_loaded(
    markets: LoadedMarkets, inner: Counting, file: Path, bars: pl.DataFrame
) -> None:
    markets(file, "refuse")
    markets(file, "drop")
    assert inner.calls == 2
    other = bars.with_columns(close=pl.col("close") - 0.5)
    other.write_parquet(file)
    assert table_digest(markets(file, "refuse").bars) == table_digest(load_bars(file, "refuse").bars)
    text = file.with_suffix(".csv")
    other.write_csv(text)
    assert markets(text, "refuse").bars["close"].to_list() == markets(file, "refuse").bars["close"].to_list()
    assert inner.calls == 4


def test_what_was_written_to_while_it_was_loaded_is_not_kept(
    markets: LoadedMarkets, inner: Counting, file: Path, bars: pl.DataFrame
) -> None:
    inner.between = lambda: bars.head(2).write_parquet(file)
    markets(file, "refuse")
    inner.between = lambda: None
    assert len(markets(file, "refuse").bars) == 2
    bars.write_parquet(file)
    assert len(markets(file, "refuse").bars) == len(bars)
    assert inner.calls == 3


def test_tables_and_files_that_are_not_there_are_left_to_the_loader_below(
    markets: LoadedMarkets, inner: Counting, bars: pl.DataFrame, tmp_path: Path
) -> None:
    for _ in range(2):
        assert markets(bars, "refuse").bars.equals(bars)
    assert inner.calls == 2
    with pytest.raises(Exception, match="nowhere"):
        markets(tmp_path / "nowhere.parquet", "refuse")


def test_the_oldest_goes_when_the_budget_is_full(
    markets: LoadedMarkets, inner: Counting, file: Path, bars: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = int(load_bars(file, "refuse").bars.estimated_size())
    monkeypatch.setattr(loaded_markets, "BUDGET_BYTES", 2 * size)
    files = [file.with_name(f"{number}.parquet") for number in range(3)]
    for number, path in enumerate(files):
        bars.with_columns(volume=pl.col("volume") + number).write_parquet(path)
    for path in (files[0], files[1], files[0], files[2]):
        markets(path, "refuse")
    assert inner.calls == 3
    markets(files[0], "refuse")
    assert inner.calls == 3
    markets(files[1], "refuse")
    assert inner.calls == 4
    monkeypatch.setattr(loaded_markets, "BUDGET_BYTES", size - 1)
    bars.with_columns(volume=pl.col("volume") + 9).write_parquet(file)
    for _ in range(2):
        markets(file, "refuse")
    assert inner.calls == 6, "what is larger than the budget is not kept"


@pytest.fixture
def counted() -> Iterator[None]:
    work.clear()
    yield
    work.clear()


@pytest.mark.usefixtures("counted")
def test_the_second_load_finds_what_runs_have_kept_and_gives_the_same_bits(tmp_path: Path) -> None:
    path = tmp_path / "market.parquet"
    generate_market(symbols=4, bars=200).write_parquet(path)
    build = (*BUILD, "vectorization/column_features", "caching/feature_cache", "vectorization/packed_loop")
    expected = result_digest(load(path, build=()).run(crossing(), COSTS))
    for _ in range(3):
        assert result_digest(load(path, build=build).run(crossing(), COSTS)) == expected
    assert work["features not in memory"] == len(crossing().features)
    first = arrays_of(load(path, build=build).feed)
    assert arrays_of(load(path, build=build).feed) is first
    with ThreadPoolExecutor(1) as other_thread:
        assert arrays_of(other_thread.submit(load, path, build=build).result().feed) is not first
    load(path, build=BUILD)
    assert arrays_of(load(path, build=build).feed) is not first, "only the latest build keeps what it has loaded"
