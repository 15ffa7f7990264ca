"""Every form of data gives the bars of the long Parquet file, bit for bit, under every build and from every cache."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine import InputError
from engine.catalog import compose
from engine.generate import generate_market
from engine.pipeline import Loaded
from engine.reference.columns import COLUMNS, FIELDS
from engine.reference.loader import load_bars
from optimizer.parity import table_digest

BUILDS: dict[str, tuple[str, ...]] = {
    "reference": (),
    "copy": ("io/parquet_copy",),
    "store": ("vectorization/array_feed", "io/matrix_store"),
    "both": ("vectorization/array_feed", "io/parquet_copy", "io/matrix_store"),
}
LOADS = [(build, times) for build in BUILDS for times in ("cold", "kept") if build != "reference" or times == "cold"]
ENDS = ("parquet", "feather", "csv")
NAMES: dict[str, Callable[[str, str], str]] = {
    "A_open": lambda symbol, field: f"{symbol}_{field}",
    "open_A": lambda symbol, field: f"{field}_{symbol}",
    "A.open": lambda symbol, field: f"{symbol}.{field}",
    "open.A": lambda symbol, field: f"{field}.{symbol}",
}


def written(table: pl.DataFrame, path: Path) -> Path:
    """Write a table in the format that the path's name says."""
    end = path.suffix[1:]
    {"parquet": table.write_parquet, "csv": table.write_csv}.get(end, table.write_ipc)(path)
    return path


def widened(bars: pl.DataFrame, name: Callable[[str, str], str] = NAMES["A_open"]) -> pl.DataFrame:
    """Return a long table as a wide one."""
    symbols = bars["symbol"].unique().sort().to_list()
    table = bars.select(pl.col("timestamp").unique(maintain_order=True))
    for symbol in symbols:
        one = bars.filter(pl.col("symbol") == symbol).drop("symbol")
        one = one.rename({field: name(symbol, field) for field in FIELDS})
        table = table.join(one, on="timestamp", how="left", maintain_order="left")
    return table


def loaded_by(build: str, times: str, source: Path | pl.DataFrame, on_bad_bars: str = "refuse") -> Loaded:
    """Load with a build: cold, or from what the load before has kept."""
    for _ in range(2 if times == "kept" else 1):
        loaded = compose(BUILDS[build]).loader(source, on_bad_bars)
    return loaded


def assert_same_bits(loaded: Loaded, expected: pl.DataFrame) -> None:
    """Assert the same columns in the same order, with the same types and bits."""
    assert list(loaded.bars.schema.items()) == list(expected.schema.items())
    assert table_digest(loaded.bars) == table_digest(expected)


@pytest.fixture(scope="module")
def market() -> pl.DataFrame:
    """A market whose symbols list late."""
    return generate_market(symbols=7, bars=40, seed=3, late=0.6)


@pytest.fixture
def expected(market: pl.DataFrame, tmp_path: Path) -> pl.DataFrame:
    """The market's bars, as the reference loads them from a long Parquet file."""
    bars = load_bars(written(market, tmp_path / "expected.parquet")).bars
    assert bars.equals(market)
    assert bars.columns == list(COLUMNS)
    return bars


@pytest.mark.parametrize(("build", "times"), LOADS)
@pytest.mark.parametrize("end", ENDS)
def test_every_long_file_gives_the_same_bars(
    market: pl.DataFrame, expected: pl.DataFrame, tmp_path: Path, end: str, build: str, times: str
) -> None:
    loaded = loaded_by(build, times, written(market, tmp_path / f"bars.{end}"))
    assert_same_bits(loaded, expected)
    assert loaded.notes == ()


@pytest.mark.parametrize(("build", "times"), LOADS)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", NAMES)
def test_every_wide_file_gives_the_same_bars(
    market: pl.DataFrame, expected: pl.DataFrame, tmp_path: Path, name: str, end: str, build: str, times: str
) -> None:
    table = widened(market, NAMES[name])
    loaded = loaded_by(build, times, written(table, tmp_path / f"bars.{end}"))
    assert_same_bits(loaded, expected)
    missing = len(table) * 7 - len(market)
    assert missing > 20
    assert loaded.notes == (f"{missing} bars without any price: missing bars",)


@pytest.mark.parametrize("build", BUILDS)
def test_tables_give_the_same_bars(market: pl.DataFrame, expected: pl.DataFrame, build: str) -> None:
    for table in (market, widened(market), widened(market, NAMES["open.A"]).fill_null(float("nan"))):
        before = table.clone()
        assert_same_bits(loaded_by(build, "kept", table), expected)
        assert table.equals(before)


def test_the_order_of_a_wide_tables_columns_and_rows_does_not_matter(
    market: pl.DataFrame, expected: pl.DataFrame
) -> None:
    table = widened(market)
    loaded = load_bars(table.select(sorted(table.columns, key=lambda name: name[::-1])).reverse())
    assert_same_bits(loaded, expected)
    assert loaded.notes[1:] == ("rows were not in the order of timestamp and symbol: sorted",)


@pytest.mark.parametrize("name", NAMES)
def test_symbols_may_have_the_signs_that_part_them_from_the_field(bars: pl.DataFrame, name: str) -> None:
    for symbols in (["BRK.B", "BRK_A"], ["A", "A_open"], ["open", "ä_日.本"], ["a\nb", "close_"]):
        named = bars.with_columns(pl.Series("symbol", symbols * 2)).sort("timestamp", "symbol")
        assert load_bars(widened(named, NAMES[name])).bars.equals(named)


def test_a_wide_table_may_mix_types(bars: pl.DataFrame) -> None:
    table = widened(bars).with_columns(
        pl.col("A_volume").cast(pl.Int64), pl.col("B_open").cast(pl.Float32), pl.col("B_high").cast(pl.String)
    )
    assert load_bars(table).bars.equals(bars)


# Extra columns

_NAN = np.array([0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000], np.uint64).view(np.float64)
EXTRAS: dict[str, tuple[pl.Series, list[float]]] = {
    "nulls": (pl.Series([None, 1.5, None, -0.0]), [np.nan, 1.5, np.nan, -0.0]),
    "NaNs": (pl.Series([_NAN[0], _NAN[1], np.nan, 0.0]), [np.nan, np.nan, np.nan, 0.0]),
    "infinite": (pl.Series([np.inf, -np.inf, 5e-324, 1e308]), [np.inf, -np.inf, 5e-324, 1e308]),
    "integers": (pl.Series([1, None, -3, 1 << 53]), [1.0, np.nan, -3.0, float(1 << 53)]),
    "small": (pl.Series([1, 2, 3, 255], dtype=pl.UInt8), [1.0, 2.0, 3.0, 255.0]),
    "single": (pl.Series([0.5, 1.25, 2.0, np.nan], dtype=pl.Float32), [0.5, 1.25, 2.0, np.nan]),
    "decimal": (pl.Series([Decimal("1.25"), None, Decimal("-2.50"), Decimal("0.00")]), [1.25, np.nan, -2.5, 0.0]),
    "nothing": (pl.Series([None] * 4, dtype=pl.Float64), [np.nan] * 4),
}


@pytest.mark.parametrize(("build", "times"), LOADS)
@pytest.mark.parametrize("end", ENDS)
def test_extra_columns_of_numbers_are_kept_in_their_order(
    bars: pl.DataFrame, tmp_path: Path, end: str, build: str, times: str
) -> None:
    extras = [values.alias(name) for name, (values, _) in EXTRAS.items()]
    table = bars.with_columns(*extras, text=pl.lit("text"), flag=pl.lit(value=True))
    table = table.select(table.columns[::-1])
    loaded = loaded_by(build, times, written(table, tmp_path / f"bars.{end}"))
    assert loaded.bars.columns == [*COLUMNS, *reversed(EXTRAS)]
    assert loaded.bars.select(COLUMNS).equals(bars)
    for name, (_, values) in EXTRAS.items():
        column = loaded.bars[name]
        assert column.dtype == pl.Float64
        assert column.null_count() == 0
        assert column.to_numpy().tobytes() == np.array(values).tobytes(), name
    assert loaded.notes == ("2 extra columns dropped (no numbers, or no usable name): 'flag', 'text'",)
    assert_same_bits(loaded, load_bars(table).bars)


@pytest.mark.parametrize(("build", "times"), LOADS)
@pytest.mark.parametrize("end", ENDS)
def test_extra_values_stay_with_their_bars(
    bars: pl.DataFrame, tmp_path: Path, end: str, build: str, times: str
) -> None:
    table = bars.with_columns(row=pl.Series([1, 2, 3, 4]))
    bad = table.head(1).with_columns(timestamp=date(2024, 1, 4), low=-1.0, row=pl.lit(5, pl.Int64))
    path = written(pl.concat([bad, table.reverse()]), tmp_path / f"bars.{end}")
    loaded = loaded_by(build, times, path, "drop")
    assert loaded.bars["row"].to_list() == [1.0, 2.0, 3.0, 4.0]
    assert len(loaded.notes) == 2
    assert_same_bits(loaded, load_bars(path, "drop").bars)


ODD_NAMES = (
    "step",
    "__row",
    "__problem",
    "index",
    "^GSPC",
    "close$",
    "Symbol",
    " close",
    "A_open",
    "open_",
    "日本",
    "a.b",
)


@pytest.mark.parametrize(("build", "times"), LOADS)
@pytest.mark.parametrize("end", ENDS)
def test_an_extra_column_may_have_any_name(
    bars: pl.DataFrame, tmp_path: Path, end: str, build: str, times: str
) -> None:
    extras = [pl.Series(name, [1.0, 2.0, 3.0, 4.0]) for name in ODD_NAMES]
    table = bars.hstack(extras).with_columns(dropped=pl.lit("text"))
    loaded = loaded_by(build, times, written(table, tmp_path / f"bars.{end}"))
    assert loaded.bars.columns == [*COLUMNS, *ODD_NAMES]
    assert all(loaded.bars.get_column(name).to_list() == [1.0, 2.0, 3.0, 4.0] for name in ODD_NAMES)


@pytest.mark.parametrize("build", BUILDS)
def test_a_column_without_a_usable_name_is_dropped(bars: pl.DataFrame, tmp_path: Path, build: str) -> None:
    names = ("", "*", "^.*$", "^c.*$", "a\0b")
    table = bars.hstack([pl.Series(name, [1, 2, 3, 4]) for name in names])
    for end in ENDS:
        loaded = loaded_by(build, "kept", written(table, tmp_path / f"bars.{end}"))
        assert_same_bits(loaded, bars)
        assert loaded.notes == (f"5 extra columns dropped (no numbers, or no usable name): {str([*names])[1:-1]}",)


@pytest.mark.parametrize("build", BUILDS)
def test_the_index_and_the_trailing_commas_of_other_programs_do_no_harm(tmp_path: Path, build: str) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(",timestamp,symbol,open,high,low,close,volume,,\n0,2024-01-02,A,1,2,1,2,5,,\n")
    loaded = loaded_by(build, "kept", path)
    assert loaded.bars.columns == list(COLUMNS)
    assert loaded.notes == ("1 extra column dropped (no numbers, or no usable name): ''",)


def test_a_csv_column_is_of_numbers_where_all_its_text_is(bars: pl.DataFrame, tmp_path: Path) -> None:
    texts = {"good": ["1", "-2.5e3", "inf", None], "bad": ["1", "n/a", "2", "3"], "none": [None] * 4}
    table = bars.with_columns(pl.Series(name, values, dtype=pl.String) for name, values in texts.items())
    loaded = load_bars(written(table, tmp_path / "bars.csv"))
    assert loaded.bars.columns == [*COLUMNS, "good", "none"]
    assert loaded.bars["good"].to_list()[:3] == [1.0, -2500.0, float("inf")]
    assert loaded.notes == ("1 extra column dropped (no numbers, or no usable name): 'bad'",)


def test_of_many_dropped_columns_the_note_names_the_first(bars: pl.DataFrame) -> None:
    loaded = load_bars(bars.with_columns(pl.lit("x").alias(f"text_{number}") for number in range(100)))
    assert loaded.notes[0].endswith("'text_4', 'text_5', and 94 more")


# Times

CEST, CET = "+02:00", "+01:00"
TEXTS: dict[str, tuple[list[str], pl.DataType, list[date]]] = {
    "dates": (["2024-01-02", "2024-01-03"], pl.Date(), [date(2024, 1, 2), date(2024, 1, 3)]),
    "blank": (
        ["2024-01-02 09:30:00", "2024-01-02 09:31:00"],
        pl.Datetime("us"),
        [datetime(2024, 1, 2, 9, 30), datetime(2024, 1, 2, 9, 31)],
    ),
    "minutes": (
        ["2024-01-02T09:30", "2024-01-02T09:31"],
        pl.Datetime("us"),
        [datetime(2024, 1, 2, 9, 30), datetime(2024, 1, 2, 9, 31)],
    ),
    "fractions": (
        ["2024-01-02T09:30:00.25", "2024-01-02T09:30:00.250001"],
        pl.Datetime("us"),
        [datetime(2024, 1, 2, 9, 30, 0, 250000), datetime(2024, 1, 2, 9, 30, 0, 250001)],
    ),
    "an hour struck twice": (
        [f"2024-10-27T02:30:00{CEST}", f"2024-10-27T02:30:00{CET}"],
        pl.Datetime("us", "UTC"),
        [datetime(2024, 10, 27, 0, 30, tzinfo=UTC), datetime(2024, 10, 27, 1, 30, tzinfo=UTC)],
    ),
    "offsets": (
        ["2024-01-02 09:30:00Z", "2024-01-02 09:30:00-0500"],
        pl.Datetime("us", "UTC"),
        [datetime(2024, 1, 2, 9, 30, tzinfo=UTC), datetime(2024, 1, 2, 14, 30, tzinfo=UTC)],
    ),
    "offsets and minutes": (
        ["2024-01-02T09:30Z", "2024-01-02T09:31Z"],
        pl.Datetime("us", "UTC"),
        [datetime(2024, 1, 2, 9, 30, tzinfo=UTC), datetime(2024, 1, 2, 9, 31, tzinfo=UTC)],
    ),
}


def csv_of(texts: list[str], path: Path) -> Path:
    """Write bars of one symbol at these times."""
    rows = (f"{text},A,1,2,1,2,5\n" for text in texts)
    path.write_text("timestamp,symbol,open,high,low,close,volume\n" + "".join(rows))
    return path


@pytest.mark.parametrize(("build", "times"), LOADS)
@pytest.mark.parametrize("name", TEXTS)
def test_times_of_a_csv_file(tmp_path: Path, name: str, build: str, times: str) -> None:
    texts, dtype, values = TEXTS[name]
    loaded = loaded_by(build, times, csv_of(texts, tmp_path / "bars.csv"))
    assert loaded.bars["timestamp"].dtype == dtype
    assert loaded.bars["timestamp"].to_list() == values
    zoned = getattr(dtype, "time_zone", None) is not None
    assert loaded.notes == (("timestamps have an offset: taken as the same times in UTC",) if zoned else ())


def test_nanoseconds_of_a_csv_file_are_not_cut_off(tmp_path: Path) -> None:
    texts = ["2024-01-02T09:30:00.000000001", "2024-01-02T09:30:00.000000002"]
    for ending in ("", "Z"):
        loaded = load_bars(csv_of([text + ending for text in texts], tmp_path / "bars.csv"))
        assert loaded.bars["timestamp"].dtype == pl.Datetime("ns", "UTC" if ending else None)
        assert len(loaded.bars) == 2
    far = load_bars(csv_of(["2999-01-02T09:30:00.000000001"], tmp_path / "bars.csv"))
    assert far.bars["timestamp"].to_list() == [datetime(2999, 1, 2, 9, 30)]  # beyond 64 bits of nanoseconds


@pytest.mark.parametrize(
    ("texts", "row", "text"),
    [
        (["2024-01-02", "2024-01-03", "2024-01-03T09:30:00"], 3, "2024-01-03T09:30:00"),
        (["2024-01-02", "2024-01-03T09:30:00", "2024-01-03T09:31:00"], 1, "2024-01-02"),
        (["2024-01-02T09:30:00Z", "2024-01-02T09:31:00Z", "2024-01-02T09:32:00"], 3, "2024-01-02T09:32:00"),
        (["02/01/2024"], 1, "02/01/2024"),
        (["24-01-02", "24-01-03"], 1, "24-01-02"),
        (["2024-02-30"], 1, "2024-02-30"),
        (["20240102"], 1, "20240102"),
        (["1704187800"], 1, "1704187800"),
        (["2024-01-02T25:00:00"], 1, "2024-01-02T25:00:00"),
    ],
)
def test_one_form_of_times_counts_for_the_whole_column(tmp_path: Path, texts: list[str], row: int, text: str) -> None:
    path = csv_of(texts, tmp_path / "bars.csv")
    with pytest.raises(InputError) as caught:
        load_bars(path)
    assert f"text that is not a time; the first is row {row}: {text!r}" in str(caught.value)
    assert str(path) in str(caught.value)


HOURS = [datetime(2024, 10, 27, 0, 30), datetime(2024, 10, 27, 1, 30)]
KINDS: dict[str, pl.Series] = {
    "dates": pl.Series([date(2024, 1, 2), date(2024, 1, 3)]),
    **{unit: pl.Series(HOURS, dtype=pl.Datetime(unit)) for unit in ("ms", "us", "ns")},  # type: ignore[arg-type]
    "UTC": pl.Series(HOURS, dtype=pl.Datetime("ms", "UTC")),
    "an hour struck twice": pl.Series(HOURS, dtype=pl.Datetime("ns", "UTC")).dt.convert_time_zone("Europe/Berlin"),
}


@pytest.mark.parametrize(("build", "times"), LOADS)
@pytest.mark.parametrize("form", ["long", "wide"])
@pytest.mark.parametrize("end", ["parquet", "feather"])
@pytest.mark.parametrize("kind", KINDS)
def test_times_keep_their_type(
    bars: pl.DataFrame, tmp_path: Path, kind: str, end: str, form: str, build: str, times: str
) -> None:
    table = bars.with_columns(timestamp=KINDS[kind].gather([0, 0, 1, 1]))
    given = widened(table) if form == "wide" else table
    loaded = loaded_by(build, times, written(given, tmp_path / f"bars.{end}"))
    assert loaded.bars["timestamp"].dtype == KINDS[kind].dtype
    assert loaded.bars["timestamp"].n_unique() == 2
    assert_same_bits(loaded, table)


# Headers and cells of wide tables


def row_of(*names: str, **texts: str) -> pl.DataFrame:
    """Return a table with one row, of columns of numbers and then of texts."""
    columns = {name: [1.0] for name in names} | {name: [text] for name, text in texts.items()}
    return pl.DataFrame({"timestamp": [date(2024, 1, 2)], **columns})


def whole(*symbols: str, name: Callable[[str, str], str] = NAMES["A_open"]) -> list[str]:
    """Return the columns of these symbols."""
    return [name(symbol, field) for symbol in symbols for field in FIELDS]


HEADERS: dict[str, tuple[pl.DataFrame, str]] = {
    "partial": (
        row_of(*whole("A"), "B_open", "B_close", "C_low"),
        "symbol 'B' has only the columns 'B_open', 'B_close', and no high, low, volume; "
        "symbols 'C' are not whole either. A wide table has a column timestamp",
    ),
    "closes with a field": (row_of("A_close", "B_close"), "symbol 'A' has only the columns 'A_close', and no open"),
    "closes": (
        row_of("AAPL", "MSFT"),
        "a wide table with one column a symbol ('AAPL', 'MSFT'). The engine needs open,",
    ),
    "many closes": (row_of(*map(str, range(500))), "'4', '5', and 494 more"),
    "mixed": (
        row_of(*whole("A"), *whole("B", name=NAMES["A.open"])),
        "beside others ('B.open', ",
    ),
    "another column": (
        row_of(*whole("A"), "A_score"),
        "columns named <SYMBOL>_<field> ('A_open', 'A_high', 'A_low', 'A_close', 'A_volume') beside others ('A_score')",
    ),
    "a bare field": (row_of(*whole("A", "B"), "volume"), "beside others ('volume')"),
    "no symbol": (row_of(*whole("A"), "_open"), "beside others ('_open')"),
    "other letters": (row_of(*(name.title() for name in whole("A"))), "one column a symbol ('A_Open'"),
    "no times": (row_of(*whole("A")).drop("timestamp"), "column 'timestamp' is missing from a wide table"),
    "two ways": (
        row_of(*whole(*FIELDS)),
        "the columns can be read as <SYMBOL>_<field> and as <field>_<SYMBOL>",
    ),
    "neither": (
        row_of("A", name="text"),
        "column 'symbol', 'open', 'high', 'low', 'close', 'volume' is missing; found 'timestamp', 'A', 'name'",
    ),
    "long without symbols": (row_of(*FIELDS, "prev_close"), "column 'symbol' is missing; found 'timestamp', 'open'"),
    "nothing": (pl.DataFrame(), "'volume' is missing; found no column"),
    "times alone": (row_of(), "is missing; found 'timestamp'"),
    "no rows": (row_of(*whole("A")).clear(), "there are no rows"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_refuses_a_header_that_is_no_good(tmp_path: Path, name: str) -> None:
    table, message = HEADERS[name]
    outcomes = []
    for source in (table, *(written(table, tmp_path / f"bars.{end}") for end in ENDS if table.width)):
        for build in BUILDS:
            with pytest.raises(InputError) as caught:
                loaded_by(build, "cold", source)
            assert message in str(caught.value)
            outcomes.append(str(caught.value).replace(str(source), "table"))
    assert len(set(outcomes)) == 1


def test_a_header_that_can_be_read_in_one_way_only_is_read_so() -> None:
    bars = load_bars(row_of(*whole("open"))).bars
    assert bars["symbol"].to_list() == ["open"]


def test_refuses_a_csv_column_that_stands_twice(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    for header in (
        "timestamp,symbol,open,high,low,close,volume,close",
        ",".join(["timestamp", *whole("A"), "A_close"]),
    ):
        path.write_text(header + "\n" + "1," * header.count(",") + "1\n")
        with pytest.raises(InputError, match=r"column '(A_)?close' stands in the header twice"):
            load_bars(path)


def test_text_in_a_wide_table_is_refused_by_its_place_or_dropped(bars: pl.DataFrame, tmp_path: Path) -> None:
    table = widened(bars).with_columns(B_high=pl.Series(["22", "n/a"]))
    for source in (table, written(table, tmp_path / "bars.csv")):
        with pytest.raises(InputError, match=r"column 'B_high': 1 row with text .* row 2: 'n/a'"):
            load_bars(source)
        loaded = load_bars(source, "drop")
        assert loaded.bars.equals(bars.head(3))
        assert loaded.notes == ("1 bad bar dropped (text in place of a number or a time: first row 2)",)
    with pytest.raises(InputError, match="column 'B_high' holds Boolean, not numbers"):
        load_bars(table.with_columns(B_high=pl.lit(value=True)))


def test_a_bad_bar_of_a_wide_table_is_told_by_row_and_symbol(bars: pl.DataFrame) -> None:
    table = widened(bars).with_columns(B_low=pl.Series([19.0, None]), A_volume=pl.Series([-1.0, 100.0]))
    with pytest.raises(InputError, match="2 bad bars") as caught:
        load_bars(table)
    assert "a price is missing: 1 (first: row 2)" in str(caught.value)
    assert "Row 1 is timestamp=2024-01-02, symbol=A, open=10.0" in str(caught.value)
    assert load_bars(table, "drop").bars.equals(bars[1:3])


def test_a_bad_time_of_a_wide_table_costs_all_of_its_bars(bars: pl.DataFrame) -> None:
    table = widened(bars)
    with pytest.raises(InputError, match="timestamp and symbol stand in another row too: 4"):
        load_bars(table.with_columns(timestamp=date(2024, 1, 2)))
    worded = table.with_columns(timestamp=pl.Series(["2024-01-02", "soon"]))
    with pytest.raises(InputError, match="text that is not a time; the first is row 2: 'soon'"):
        load_bars(worded)
    loaded = load_bars(worded, "drop")
    assert loaded.bars.equals(bars.head(2))
    assert loaded.notes == ("2 bad bars dropped (text in place of a number or a time: first row 2)",)


def test_a_symbol_without_any_bar_is_no_symbol(bars: pl.DataFrame) -> None:
    empty = [pl.lit(None, pl.Float64).alias(name) for name in whole("C")]
    assert load_bars(widened(bars).with_columns(empty)).bars.equals(bars)
    nothing = widened(bars).select("timestamp").with_columns(empty)
    with pytest.raises(InputError, match="no bar is left"):
        load_bars(nothing)
