"""Features: what each means, that compiled code gives the reference's bits, and that caches keep them apart."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.arrays import column_of
from engine.data_keys import feature_key
from engine.errors import InputError
from engine.features import (
    ATR,
    EMA,
    KNOWN,
    RSI,
    SMA,
    DataColumn,
    Feature,
    Highest,
    Lowest,
    Momentum,
    Volatility,
    are_known_features,
)
from engine.generate import generate_market, weekdays
from engine.model import FeatureTable
from engine.optimizations.caching.feature_cache import FeatureCache
from engine.optimizations.caching.persistent_features import PersistentFeatures
from engine.optimizations.vectorization.array_feed import MatrixFeed
from engine.optimizations.vectorization.column_features import column_features
from engine.pipeline import FeaturesComponent, Feed, Loaded
from engine.reference.features import compute_features
from engine.scenarios import blemished_market, edges_market, long_market, one_bar, ties_market
from engine.strategy_names import Encoder, decode

NAN = math.nan
BARS = [(11.0, 9.0, 10.0), (14.0, 10.0, 12.0), (12.0, 11.0, 11.0), (20.0, 11.0, 20.0)]  # high, low, close
KINDS = [SMA, EMA, RSI, ATR, Volatility, Momentum, Highest, Lowest]
WINDOWED = [SMA, Volatility, Momentum, Highest, Lowest]
RECURSIVE = [EMA, RSI, ATR]
LENGTHS = [1, 2, 3, 7, 8, 9, 14, 16, 50, 64, 239, 240, 241, 511, 512, 513, 600, 1_199, 1_200, 1_201, 1 << 70]
EVERY = [kind(length) for kind in KINDS for length in LENGTHS if length >= kind.shortest] + [DataColumn("prediction")]
MARKETS: dict[str, Callable[[], pl.DataFrame]] = {
    "blemished": blemished_market,
    "long": long_market,
    "ties": ties_market,
    "edges": edges_market,
    "one bar": one_bar,
}


def feed_of(bars: pl.DataFrame) -> MatrixFeed:
    """Return the feed of bars that need no checks, with a column of their own."""
    return MatrixFeed(Loaded(with_prediction(bars.sort("timestamp", "symbol")), ()))


def with_prediction(bars: pl.DataFrame) -> pl.DataFrame:
    """Return the bars with a column that has a value of its own in each row, and holes."""
    if "prediction" in bars.columns:
        return bars
    number = pl.int_range(pl.len())
    return bars.with_columns(pl.when(number % 7 != 3).then(number * 0.1 - 3.0).alias("prediction"))


def market(bars: Sequence[tuple[float, float, float]], symbol: str = "A") -> pl.DataFrame:
    """Return one symbol's bars of (high, low, close)."""
    table = pl.DataFrame(bars, schema=dict.fromkeys(["high", "low", "close"], pl.Float64), orient="row")
    days = pl.Series("timestamp", [date(2024, 1, 1) + timedelta(number) for number in range(len(bars))])
    return table.with_columns(days, symbol=pl.lit(symbol), open=pl.col("close"), volume=pl.lit(1.0))


def closing(closes: Sequence[float]) -> pl.DataFrame:
    """Return one symbol's bars that stand at these closes."""
    return market([(close, close, close) for close in closes])


def values(feature: Feature, bars: pl.DataFrame) -> list[float]:
    """Return the reference's values of one symbol."""
    return list(compute_features(feed_of(bars), [feature]).columns[feature.name])


def never(*_: object) -> FeatureTable:
    """Stand below a component that has to do all by itself."""
    raise AssertionError("the plain loops were asked")


compiled: FeaturesComponent = column_features(never)


def assert_same(obtained: FeatureTable, expected: FeatureTable) -> None:
    """Assert the same bits in the same places."""
    assert list(obtained.columns) == list(expected.columns)
    assert dict(obtained.starts) == dict(expected.starts)
    for name in expected.columns:
        assert column_of(obtained, name).tobytes() == column_of(expected, name).tobytes(), name


def bits(numbers: Sequence[float]) -> bytes:
    """Return the bits of some numbers."""
    return np.asarray(numbers, dtype=np.float64).tobytes()


# What each means


@pytest.mark.parametrize(
    ("feature", "closes", "expected"),
    [
        (SMA(2), [1, 2, 6], [NAN, 1.5, 4.0]),
        (EMA(1), [3, 5, 4], [3, 5, 4]),
        (EMA(3), [10, 11, 12, 13, 11], [NAN, NAN, 11, 12, 11.5]),  # the weight is 0.5
        # gains 2 0 2 0 and losses 0 1 0 0: averages 1 and 0.5, 1.5 and 0.25, 0.75 and 0.125
        (RSI(2), [10, 12, 11, 13, 13], [NAN, NAN, 100 - 100 / 3, 100 - 100 / 7, 100 - 100 / 7]),
        (RSI(1), [10, 12, 11, 11, 12], [NAN, 100, 0, 50, 100]),
        (RSI(2), [1, 2, 3, 4], [NAN, NAN, 100, 100]),
        (RSI(2), [4, 3, 2, 1], [NAN, NAN, 0, 0]),
        (RSI(2), [7, 7, 7, 7, 8, 8], [NAN, NAN, 50, 50, 100, 100]),
        (RSI(2), [7, 7, 7, 6, 6], [NAN, NAN, 50, 0, 0]),
        # returns 1, -0.5, 2: means 0.25 and 0.75, squares 0.5625 and 1.5625 twice
        (Volatility(2), [1, 2, 1, 3], [NAN, NAN, math.sqrt(1.125), math.sqrt(3.125)]),
        (Volatility(2), [5, 5, 5, 5], [NAN, NAN, 0, 0]),
        (Momentum(1), [10, 12, 9], [NAN, 12 / 10 - 1, -0.25]),
        (Momentum(2), [10, 12, 15, 9], [NAN, NAN, 0.5, -0.25]),
    ],
)
def test_values_computed_by_hand(feature: Feature, closes: list[float], expected: list[float]) -> None:
    assert bits(values(feature, closing(closes))) == bits(expected)


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        (ATR(1), [2, 4, 1, 9]),
        (ATR(2), [NAN, 3, 2, 5.5]),
        (Highest(1), [11, 14, 12, 20]),
        (Highest(2), [NAN, 14, 14, 20]),
        (Highest(3), [NAN, NAN, 14, 20]),
        (Lowest(1), [9, 10, 11, 11]),
        (Lowest(3), [NAN, NAN, 9, 10]),
        (Lowest(4), [NAN, NAN, NAN, 9]),
    ],
)
def test_values_of_highs_and_lows_computed_by_hand(feature: Feature, expected: list[float]) -> None:
    assert bits(values(feature, market(BARS))) == bits(expected)


def test_the_true_range_of_a_gap_is_from_the_close_before() -> None:
    gaps = market([(10, 10, 10), (21, 20, 20), (5, 4, 5)])
    assert values(ATR(1), gaps) == [0.0, 11.0, 16.0]


def test_a_column_of_the_data_is_given_as_it_stands_and_null_as_nan() -> None:
    bars = closing([1, 2, 3]).with_columns(pl.Series("score", [0.5, None, -0.0]))
    assert bits(values(DataColumn("score"), bars)) == bits([0.5, NAN, -0.0])
    assert values(DataColumn("close"), bars) == [1.0, 2.0, 3.0]


# The same by other ways: exact fractions and closed forms


def wilder(numbers: list[Fraction], length: int) -> Fraction:
    """Return Wilder's average of all numbers, as a sum with weights."""
    fade = Fraction(length - 1, length)
    later = numbers[length:]
    total = sum(numbers[:length]) / Fraction(length) * fade ** len(later)
    return total + sum(value / length * fade**ago for ago, value in enumerate(reversed(later)))


def exact(feature: Feature, highs: list[Fraction], lows: list[Fraction], closes: list[Fraction]) -> Fraction | float:
    """Return a feature at the last of some bars, without any rounding but that of a square root."""
    n = feature.length
    changes = [after - before for before, after in pairwise(closes)]
    match feature:
        case SMA():
            return statistics.mean(closes[-n:])
        case EMA():
            weight, later = Fraction(2, n + 1), closes[n:]
            start = statistics.mean(closes[:n]) * (1 - weight) ** len(later)
            return start + sum(weight * (1 - weight) ** ago * close for ago, close in enumerate(reversed(later)))
        case RSI():
            gain = wilder([change if change > 0 else Fraction(0) for change in changes], n)
            loss = wilder([-change if change < 0 else Fraction(0) for change in changes], n)
            return 100 * gain / (gain + loss)
        case ATR():
            before = [lows[0], *closes[:-1]]
            tops = [max(pair) for pair in zip(highs, before, strict=True)]
            bottoms = [min(pair) for pair in zip(lows, before, strict=True)]
            return wilder([top - bottom for top, bottom in zip(tops, bottoms, strict=True)], n)
        case Volatility():
            return math.sqrt(statistics.variance([after / before - 1 for before, after in pairwise(closes)][-n:]))
        case Momentum():
            return (closes[-1] - closes[-1 - n]) / closes[-1 - n]
        case Highest():
            return next(high for high in highs[-n:] if all(high >= other for other in highs[-n:]))
        case Lowest():
            return next(low for low in lows[-n:] if all(low <= other for other in lows[-n:]))
    raise AssertionError(feature)


@pytest.mark.parametrize("feature", [kind(length) for kind in KINDS for length in (2, 5, 14)], ids=repr)
def test_values_are_those_of_exact_fractions(feature: Feature) -> None:
    bars = generate_market(symbols=1, bars=60, seed=9)
    columns = [[Fraction(value) for value in bars[name].to_list()] for name in ("high", "low", "close")]
    for bar, value in enumerate(values(feature, bars)):
        if not math.isnan(value):
            assert value == pytest.approx(float(exact(feature, *(one[: bar + 1] for one in columns))), rel=1e-11)


# Warm-up and edges


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [2, 3, 10])
def test_it_is_nan_until_there_are_enough_bars_and_never_after(kind: type[Feature], length: int) -> None:
    before = length if kind in (RSI, Volatility, Momentum) else length - 1
    column = values(kind(length), generate_market(symbols=1, bars=20, seed=1))
    assert [math.isnan(value) for value in column] == [True] * before + [False] * (20 - before)


@pytest.mark.parametrize("compute", [compute_features, compiled])
def test_one_bar(compute: FeaturesComponent) -> None:
    features = [kind(kind.shortest) for kind in KINDS]
    table = compute(feed_of(market([(12.0, 9.0, 10.0)])), features)
    found = {name.split("_")[0]: column[0] for name, column in table.columns.items()}
    assert {name: value for name, value in found.items() if not math.isnan(value)} == {
        "sma": 10.0,
        "ema": 10.0,
        "atr": 3.0,
        "highest": 12.0,
        "lowest": 9.0,
    }


@pytest.mark.parametrize(
    "make",
    [
        *(lambda kind=kind: kind(0) for kind in KINDS),
        lambda: EMA(-3),
        lambda: SMA(2.0),
        lambda: RSI("14"),
        lambda: ATR(None),
        lambda: Volatility(1),
        lambda: DataColumn(""),
        lambda: DataColumn(7),
    ],
)
def test_a_feature_that_can_mean_nothing_is_refused(make: Callable[[], Feature]) -> None:
    with pytest.raises(InputError):
        make()


def test_a_length_of_numpy_is_a_length() -> None:
    assert SMA(np.int64(5)) == SMA(5)
    assert repr(SMA(np.int64(5))) == "SMA(length=5)"


def test_names_never_clash() -> None:
    features = [*(kind(3) for kind in KINDS), DataColumn("sma_3"), DataColumn("close"), DataColumn("timestamp")]
    names = [feature.name for feature in features]
    assert len(set(names) | {"timestamp", "symbol"}) == len(names) + 2


@pytest.mark.parametrize("feature", [*(kind(3) for kind in KINDS), DataColumn("score")], ids=repr)
def test_another_process_makes_the_same_feature(feature: Feature) -> None:
    again = decode(Encoder().encode(feature))
    assert (again, again.name, again.inputs) == (feature, feature.name, feature.inputs)


class Doubled(SMA):
    """A feature with a meaning of its own, which only its author knows."""


def test_what_is_not_known_is_left_to_the_reference_which_refuses_it() -> None:
    assert are_known_features([kind(3) for kind in KINDS])
    assert are_known_features([DataColumn("score")])
    assert not are_known_features([SMA(3), Doubled(3)])
    with pytest.raises(InputError, match="unknown feature Doubled"):
        column_features(compute_features)(feed_of(closing([1, 2])), [SMA(1), Doubled(1)])


def test_the_lists_of_kinds_are_complete() -> None:
    assert {*KINDS, DataColumn} == set(KNOWN)
    assert {*WINDOWED, *RECURSIVE} == set(KINDS)


# Compiled code gives the same bits


@pytest.mark.parametrize("name", MARKETS)
def test_compiled_code_gives_the_references_bits(name: str) -> None:
    feed = feed_of(MARKETS[name]())
    assert_same(compiled(feed, EVERY), compute_features(feed, EVERY))


@st.composite
def markets(draw: st.DrawFn) -> pl.DataFrame:
    """Draw a market of few symbols, some of whose bars are missing; often prices stand still or come again."""
    days = weekdays(draw(st.integers(1, 40)))
    prices = st.sampled_from([0.01, 1.0, 3.0, 99.99, 100.0]) | st.floats(1e-4, 1e7)
    tables = []
    for symbol in ["B", "A", "C"][: draw(st.integers(1, 3))]:
        present = draw(st.lists(st.sampled_from(days), min_size=1, unique=True))
        rows = [sorted((draw(prices), draw(prices), draw(prices))) for _ in present]
        bars = market([(high, low, close) for low, close, high in rows], symbol)
        tables.append(bars.with_columns(pl.Series("timestamp", sorted(present))))
    return pl.concat(tables)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(markets(), st.lists(st.integers(2, 45), min_size=1, max_size=3, unique=True))
def test_compiled_code_gives_the_references_bits_on_any_market(bars: pl.DataFrame, lengths: list[int]) -> None:
    feed = feed_of(bars)
    features = [*(kind(length) for kind in KINDS for length in lengths), DataColumn("prediction")]
    assert_same(compiled(feed, features), compute_features(feed, features))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(markets(), st.integers(1, 20))
def test_an_index_is_from_0_to_100_and_a_range_or_deviation_never_below_0(bars: pl.DataFrame, length: int) -> None:
    table = compute_features(feed_of(bars), [RSI(length), ATR(length), Volatility(length + 1)])
    index, reach, deviation = (column_of(table, name) for name in table.columns)
    assert (((index >= 0.0) & (index <= 100.0)) | np.isnan(index)).all()
    assert ((reach >= 0.0) | np.isnan(reach)).all()
    assert ((deviation >= 0.0) | np.isnan(deviation)).all()


# What a value depends on


@pytest.mark.parametrize("compute", [compute_features, compiled])
def test_a_symbols_features_do_not_depend_on_the_others(compute: FeaturesComponent) -> None:
    bars = with_prediction(blemished_market())
    features = [*(kind(length) for kind in KINDS for length in (2, 14)), DataColumn("prediction")]
    whole = compute(feed_of(bars), features)
    for symbol in bars["symbol"].unique().sort():
        own = bars.filter(pl.col("symbol") == symbol)
        alone = compute(feed_of(own), features)
        start = whole.starts[symbol]
        for feature in features:
            among = whole.columns[feature.name][start : start + len(own)]
            assert bits(among) == bits(alone.columns[feature.name])


@pytest.mark.parametrize("compute", [compute_features, compiled])
def test_a_value_does_not_depend_on_what_comes_later(compute: FeaturesComponent) -> None:
    bars = generate_market(symbols=1, bars=90, seed=4)
    features = [*(kind(14) for kind in KINDS), DataColumn("prediction")]
    whole, part = compute(feed_of(bars), features), compute(feed_of(bars.head(50)), features)
    for feature in features:
        assert bits(whole.columns[feature.name][:50]) == bits(part.columns[feature.name])


@pytest.mark.parametrize("compute", [compute_features, compiled])
def test_only_what_goes_on_from_the_value_before_depends_on_where_the_data_begins(compute: FeaturesComponent) -> None:
    bars = generate_market(symbols=1, bars=90, seed=4)
    features = [kind(14) for kind in KINDS]
    whole, part = compute(feed_of(bars), features), compute(feed_of(bars.tail(60)), features)
    for feature in features:
        early, late = whole.columns[feature.name][30 + 14 :], part.columns[feature.name][14:]
        assert (bits(early) == bits(late)) == (type(feature) in WINDOWED)
        assert late[-1] == pytest.approx(early[-1], rel=0.05)


# A column of the data


@pytest.mark.parametrize(
    ("column", "seen"),
    [
        (pl.Series([1, 2, 3, 4]), [1.0, 3.0, 2.0, 4.0]),
        (pl.Series([1, None, 3, 4], dtype=pl.UInt8), [1.0, 3.0, NAN, 4.0]),
        (pl.Series([0.5, 0.25, NAN, math.inf], dtype=pl.Float32), [0.5, NAN, 0.25, math.inf]),
        (pl.Series([None] * 4), [NAN] * 4),
    ],
)
def test_any_numbers_are_seen_as_float64_symbol_after_symbol(
    bars: pl.DataFrame, column: pl.Series, seen: list[float]
) -> None:
    feed, score = feed_of(bars.with_columns(column.alias("score"))), DataColumn("score")
    expected = compute_features(feed, [score])
    assert bits(expected.columns[score.name]) == bits(seen)
    assert {type(value) for value in expected.columns[score.name]} == {float}
    assert_same(compiled(feed, [score]), expected)
    table = compiled(feed, [score])
    value = table.columns[score.name][table.starts["B"] + 1]
    assert type(value) is float
    assert bits([value]) == bits(seen[3:])


def cached(feed: Feed, features: Sequence[Feature]) -> FeatureTable:
    """Compute by a cache of its own."""
    return FeatureCache(compute_features)(feed, features)


@pytest.mark.parametrize("compute", [compute_features, compiled, cached])
def test_a_column_that_is_not_there_or_holds_no_numbers_is_refused(compute: FeaturesComponent) -> None:
    bars = closing([1, 2]).with_columns(pl.Series("note", ["a", "b"]), pl.Series("score", [1.0, 2.0]))
    feed = feed_of(bars)
    with pytest.raises(InputError, match=r"no column 'scores' in the data\. .* note, score, prediction"):
        compute(feed, [DataColumn("scores")])
    for name in ("note", "timestamp", "symbol"):
        with pytest.raises(InputError, match=f"column '{name}' of the data holds .*, not numbers"):
            compute(feed, [DataColumn(name)])


def test_where_the_data_has_no_column_of_its_own_it_says_so() -> None:
    feed = MatrixFeed(Loaded(one_bar(), ()))
    with pytest.raises(InputError, match="It has none beside those of a bar"):
        compute_features(feed, [DataColumn("score")])


# Caches


@pytest.fixture(params=["memory", "disk"])
def cache(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeaturesComponent:
    """One cache that any number of feeds go through."""
    monkeypatch.setenv("EXACT_CHANGE_CACHE", str(tmp_path))
    chosen = FeatureCache if request.param == "memory" else PersistentFeatures
    return chosen(compute_features)


def changed(bars: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the bars with one column that rises more."""
    return bars.with_columns(pl.col(name) * (1.0 + 0.01 * pl.int_range(pl.len())))


@pytest.mark.parametrize("feature", [*(kind(2) for kind in KINDS), DataColumn("prediction")], ids=repr)
def test_data_that_differs_in_a_column_that_a_feature_reads_is_computed_anew(
    cache: FeaturesComponent, feature: Feature
) -> None:
    bars = with_prediction(generate_market(symbols=2, bars=10))
    first = cache(feed_of(bars), [feature])
    assert feature.inputs
    for name in feature.inputs:
        other = feed_of(changed(bars, name))
        table = cache(other, [feature])
        assert_same(table, compute_features(other, [feature]))
        assert bits(table.columns[feature.name]) != bits(first.columns[feature.name])


@pytest.mark.parametrize("feature", [*(kind(2) for kind in KINDS), DataColumn("prediction")], ids=repr)
def test_the_key_tells_the_columns_that_a_feature_reads_and_no_others(feature: Feature) -> None:
    bars = with_prediction(generate_market(symbols=2, bars=10))
    key = feature_key(feed_of(bars), feature)
    assert feature_key(feed_of(bars), feature) == key
    for name in ("open", "high", "low", "close", "volume", "prediction"):
        same = feature_key(feed_of(changed(bars, name)), feature) == key
        assert same == (name not in feature.inputs)


def test_whole_numbers_and_floats_of_the_same_bytes_are_not_taken_for_each_other(cache: FeaturesComponent) -> None:
    bars, score = generate_market(symbols=2, bars=1), DataColumn("score")
    floats = pl.Series("score", [1.0, 2.0])
    whole = pl.Series("score", floats.to_numpy().view(np.int64))
    assert bits(cache(feed_of(bars.with_columns(floats)), [score]).columns[score.name]) == bits([1.0, 2.0])
    assert min(cache(feed_of(bars.with_columns(whole)), [score]).columns[score.name]) > 4e18


class FromHighs(SMA):
    """Another feature, with the name, length and version of the simple moving average."""

    reads = ("high",)


def test_features_of_one_name_and_length_are_keyed_apart_by_what_they_read_and_are() -> None:
    bars = generate_market(symbols=2, bars=10).with_columns(high=pl.col("close"))  # the same numbers
    feed = feed_of(bars)
    assert FromHighs(3).name == SMA(3).name
    features = [SMA(3), FromHighs(3), SMA(4), EMA(3), Doubled(3)]
    assert len({feature_key(feed, feature) for feature in features}) == len(features)
    first, second = feature_key(feed, SMA(3)), feature_key(feed, FromHighs(3))
    assert first.data != second.data


def test_a_new_version_has_a_new_key(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = feed_of(generate_market(symbols=1, bars=3))
    key = feature_key(feed, EMA(2))
    monkeypatch.setattr(EMA, "version", 2)
    assert feature_key(feed, EMA(2)) != key
