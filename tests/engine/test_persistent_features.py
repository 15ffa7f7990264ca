"""A feature is computed once on a machine, and what is read is what was computed."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine import load
from engine.arrays import column_of
from engine.counting import taken
from engine.disk import cache_root
from engine.features import SMA, Feature
from engine.model import FeatureTable
from engine.optimizations.caching.persistent_features import PersistentFeatures
from engine.optimizations.vectorization.array_feed import MatrixFeed
from engine.pipeline import Feed
from engine.reference.features import compute_features
from engine.reference.loader import load_bars

FEATURES = tuple(SMA(length) for length in range(1, 11))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of each test's own."""
    monkeypatch.setenv("EXACT_CHANGE_CACHE", str(tmp_path / "cache"))
    return cache_root()


@pytest.fixture
def feed(bars: pl.DataFrame) -> MatrixFeed:
    """Two symbols with two bars each."""
    return MatrixFeed(load_bars(bars))


class Counting:
    """The reference's features, and how many were asked of it."""

    def __init__(self) -> None:
        self.computed = 0

    def __call__(self, feed: Feed, features: Sequence[Feature]) -> FeatureTable:
        self.computed += len(features)
        return compute_features(feed, features)


def fresh() -> tuple[PersistentFeatures, Counting]:
    """Return the component as a new process has it, and the one below it."""
    inner = Counting()
    return PersistentFeatures(inner), inner


def assert_equal(table: FeatureTable, expected: FeatureTable) -> None:
    """Assert the same bits."""
    assert list(table.columns) == list(expected.columns)
    assert dict(table.starts) == dict(expected.starts)
    for name in expected.columns:
        assert column_of(table, name).tobytes() == column_of(expected, name).tobytes()


def test_a_second_process_computes_only_what_is_new(feed: MatrixFeed) -> None:
    fresh()[0](feed, FEATURES[:9])
    second, inner = fresh()
    taken()
    assert_equal(second(feed, FEATURES), compute_features(feed, FEATURES))
    assert taken() == {"features found on disk": 9, "features not on disk": 1}
    assert inner.computed == 1


def test_a_real_second_process_finds_what_the_first_kept(bars: pl.DataFrame, cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    bars.write_parquet(path)
    code = (
        "import sys\n"
        "from engine import load\n"
        "from engine.features import SMA\n"
        "market = load(sys.argv[1], build=['vectorization/array_feed', 'caching/persistent_features'])\n"
        "market.pipeline.features(market.feed, [SMA(1), SMA(2)])\n"
        "from engine.counting import work\n"
        "print(work['features found on disk'], work['features not on disk'])\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code, str(path)],
            env=os.environ | {"EXACT_CHANGE_CACHE": str(cache)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["0", "2"], ["2", "0"]]


def test_values_read_are_python_floats_with_the_same_bits(feed: MatrixFeed) -> None:
    expected = fresh()[0](feed, FEATURES)
    table = fresh()[0](feed, FEATURES)
    assert_equal(table, expected)
    value = table.columns["sma_1"][table.starts["B"] + 1]
    assert type(value) is float
    assert value == 22.0


def test_other_data_has_other_features(feed: MatrixFeed, bars: pl.DataFrame) -> None:
    fresh()[0](feed, FEATURES)
    other = MatrixFeed(load_bars(bars.with_columns(close=pl.col("low"))))
    second, inner = fresh()
    assert_equal(second(other, FEATURES), compute_features(other, FEATURES))
    assert inner.computed == len(FEATURES)


@pytest.mark.parametrize("how", ["flipped", "cut off", "foreign"])
def test_a_damaged_or_foreign_column_is_told_and_computed_again(
    feed: MatrixFeed, cache: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    fresh()[0](feed, FEATURES[1:2])
    (path,) = (cache / "features").iterdir()
    good = path.read_bytes()
    if how == "foreign":
        fresh()[0](feed, FEATURES[2:3])
        (other,) = (one for one in path.parent.iterdir() if one != path)
        other.replace(path)
    else:
        value = np.float64(11.5).tobytes()
        assert value in good
        path.write_bytes(good.replace(value, np.float64(11.25).tobytes()) if how == "flipped" else good[:-9])
    second, inner = fresh()
    with caplog.at_level(logging.WARNING, "engine.cache"):
        assert_equal(second(feed, FEATURES[1:2]), compute_features(feed, FEATURES[1:2]))
    assert inner.computed == 1
    assert "computed again" in caplog.text
    assert path.read_bytes() == good


def test_a_cache_that_can_not_be_written_is_told_and_gone_without(
    feed: MatrixFeed, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.write_text("a file in the place of the folder")
    for _ in range(2):
        component, inner = fresh()
        assert_equal(component(feed, FEATURES[:1]), compute_features(feed, FEATURES[:1]))
        assert inner.computed == 1
    assert "can't be kept" in caplog.text


def test_the_memory_stands_above_the_disk() -> None:
    names = ["vectorization/array_feed", "caching/persistent_features", "caching/feature_cache"]
    outer = load(pl.DataFrame(_one_bar()), build=names).pipeline.features
    assert isinstance(outer._inner, PersistentFeatures)  # type: ignore[attr-defined]


def _one_bar() -> dict[str, list[object]]:
    prices: dict[str, list[object]] = {name: [1.0] for name in ("open", "high", "low", "close", "volume")}
    return {"timestamp": ["2024-01-02"], "symbol": ["A"], **prices}
