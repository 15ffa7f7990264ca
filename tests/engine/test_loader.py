"""The loader takes good data as it comes and refuses the rest with one clear message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from engine import InputError
from engine.generate import generate_market
from engine.reference.loader import load_bars
from engine.reference.page_headers import has_damaged_page

Change = Callable[[pl.DataFrame], pl.DataFrame]


def put(column: str, row: int, value: object) -> Change:
    """Return a change that puts a value into one row."""

    def change(bars: pl.DataFrame) -> pl.DataFrame:
        values = bars[column].to_list()
        values[row] = value
        return bars.with_columns(pl.Series(column, values, dtype=bars.schema[column]))

    return change


BAD_ROWS: dict[str, tuple[Change, str]] = {
    "null symbol": (put("symbol", 2, None), "the symbol is missing: 1 (first: row 3)"),
    "empty symbol": (put("symbol", 1, ""), "the symbol is missing: 1 (first: row 2)"),
    "null timestamp": (put("timestamp", 0, None), "the timestamp is missing: 1 (first: row 1)"),
    "duplicate": (put("symbol", 1, "A"), "the timestamp and symbol stand in another row too: 2 (first: row 1)"),
    "negative price": (put("low", 3, -1.0), "a price is zero or negative: 1 (first: row 4)"),
    "zero price": (put("low", 3, 0.0), "a price is zero or negative: 1 (first: row 4)"),
    "infinite price": (put("high", 1, float("inf")), "a price is infinite: 1 (first: row 2)"),
    "partly missing": (put("open", 2, None), "a price is missing: 1 (first: row 3)"),
    "partly NaN": (put("close", 2, float("nan")), "a price is missing: 1 (first: row 3)"),
    "high below low": (put("high", 0, 8.0), "the high is below the low: 1 (first: row 1)"),
    "close above high": (put("close", 0, 12.5), "the close is outside low and high: 1 (first: row 1)"),
    "open below low": (put("open", 2, 9.5), "the open is outside low and high: 1 (first: row 3)"),
    "negative volume": (put("volume", 1, -5.0), "the volume is missing, infinite or negative: 1 (first: row 2)"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_refuses_a_bad_row_with_its_count_place_and_way_out(bars: pl.DataFrame, name: str) -> None:
    change, message = BAD_ROWS[name]
    with pytest.raises(InputError) as caught:
        load_bars(change(bars))
    assert message in str(caught.value)
    assert "--on-bad-bars drop" in str(caught.value)


@pytest.mark.parametrize("name", BAD_ROWS)
def test_goes_on_without_the_bad_rows_and_says_how_many(bars: pl.DataFrame, name: str) -> None:
    change, message = BAD_ROWS[name]
    loaded = load_bars(change(bars), "drop")
    bad = 2 if name == "duplicate" else 1
    assert len(loaded.bars) == 4 - bad
    assert any(f"{bad} bad row" in note and message in note for note in loaded.notes)


def test_a_row_without_any_price_is_a_missing_bar(bars: pl.DataFrame) -> None:
    for price in ("open", "high", "low", "close"):
        bars = put(price, 1, None)(bars)
    loaded = load_bars(bars)
    assert len(loaded.bars) == 3
    assert loaded.notes == ("1 row without any price: missing bars",)


def test_sorts_what_is_not_in_order_and_says_so(bars: pl.DataFrame) -> None:
    loaded = load_bars(bars.reverse())
    assert loaded.bars.equals(load_bars(bars).bars)
    assert "sorted" in loaded.notes[0]


def test_one_bar_is_a_valid_file(bars: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    bars.head(1).write_parquet(path)
    assert len(load_bars(path).bars) == 1


def test_reads_every_format_alike(bars: pl.DataFrame, tmp_path: Path) -> None:
    bars.write_parquet(tmp_path / "bars.parquet")
    bars.write_ipc(tmp_path / "bars.feather")
    bars.write_ipc(tmp_path / "bars.arrow", compression="zstd")
    bars.write_ipc(tmp_path / "bars.IPC")
    bars.write_csv(tmp_path / "bars.csv")
    first = load_bars(tmp_path / "bars.parquet").bars
    for end in ("feather", "arrow", "IPC", "csv"):
        loaded = load_bars(tmp_path / f"bars.{end}").bars
        assert loaded.equals(first)
        assert loaded.schema == first.schema


def test_takes_datetimes_from_csv(tmp_path: Path) -> None:
    path = tmp_path / "minutes.csv"
    path.write_text("timestamp,symbol,open,high,low,close,volume\n2024-01-02 09:30:00,A,1,2,1,2,5\n")
    assert load_bars(path).bars.schema["timestamp"] == pl.Datetime("us")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("bars.csv", "timestamp,symbol,open,high,low,close\n", "column 'volume' is missing"),
        ("bars.csv", "timestamp,symbol,open,high,low,close,volume\n", "there are no rows"),
        ("bars.csv", "", "the file is empty"),
        ("bars.xlsx", "x", "unknown format '.xlsx'"),
        ("bars", "x", "unknown format 'bars'"),
        ("bars.parquet", "this is not parquet", "can't be read as parquet"),
        ("bars.feather", "this is not arrow", "can't be read as feather"),
        (
            "bars.csv",
            "timestamp,symbol,open,high,low,close,volume\n2024-01-02,A,1,2,1,2,5\n2024-01-03,A,1,n/a,1,2,5\n",
            "column 'high': 1 row with text that is not a number; the first is row 2: 'n/a'",
        ),
        (
            "bars.csv",
            "timestamp,symbol,open,high,low,close,volume\nyesterday,A,1,2,1,2,5\n",
            "column 'timestamp': 1 row with text that is not a time",
        ),
        ("bars.csv", "timestamp,symbol,open,high,low,close,volume\n2024-01-02,A,,,,,\n", "no bar is left"),
    ],
)
def test_refuses_a_file_that_is_no_good(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_bars(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_drops_rows_with_text_for_a_price_where_told_to(bars: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    bars.write_csv(path)
    path.write_text(path.read_text().replace("12.0", "twelve", 1))
    loaded = load_bars(path, "drop")
    assert len(loaded.bars) == 3
    assert loaded.notes == ("1 bad row dropped (text in place of a number or a time: first row 1)",)


def test_a_file_name_is_not_a_pattern(bars: pl.DataFrame, tmp_path: Path) -> None:
    for end, write in (("parquet", pl.DataFrame.write_parquet), ("csv", pl.DataFrame.write_csv)):
        write(bars, tmp_path / f"bars[1].{end}")
        assert len(load_bars(tmp_path / f"bars[1].{end}").bars) == 4
    (tmp_path / "low=1").mkdir()
    bars.write_ipc(tmp_path / "low=1" / "bars[1].feather")
    bars.head(1).write_ipc(tmp_path / "low=1" / "bars1.feather")
    assert load_bars(tmp_path / "low=1" / "bars[1].feather").bars.equals(bars)


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_bars(tmp_path / "nowhere.parquet")


@pytest.mark.parametrize("end", ["parquet", "feather"])
def test_refuses_a_truncated_file(bars: pl.DataFrame, tmp_path: Path, end: str) -> None:
    path = tmp_path / f"bars.{end}"
    bars.write_parquet(path) if end == "parquet" else bars.write_ipc(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="can't be read"):
        load_bars(path)


def damages(path: Path, step: int, mask: int) -> Iterator[Path]:
    """Write copies of a file, each with one damaged byte."""
    good = path.read_bytes()
    damaged = path.with_name(f"damaged{path.suffix}")
    for place in range(0, len(good), step):
        damaged.write_bytes(good[:place] + bytes([good[place] ^ mask]) + good[place + 1 :])
        yield damaged


@pytest.mark.parametrize("end", ["parquet", "feather"])
@pytest.mark.parametrize("mask", [0x01, 0xFF])
def test_a_damaged_byte_gives_bars_or_one_clear_error(bars: pl.DataFrame, tmp_path: Path, end: str, mask: int) -> None:
    path = tmp_path / f"bars.{end}"
    bars.write_parquet(path) if end == "parquet" else bars.write_ipc(path)
    errors = []
    for damaged in damages(path, 5, mask):
        try:
            load_bars(damaged, "drop")
        except InputError as error:
            errors.append(str(error))
    assert len(errors) > 50
    assert all(str(damaged) in error and "\n" not in error for error in errors)


def test_a_page_whose_count_can_not_be_is_refused_before_polars_ends_the_process(tmp_path: Path) -> None:
    path = tmp_path / "pages.parquet"
    table = generate_market(symbols=2, bars=9).select("timestamp", "symbol", "close").to_arrow()
    parquet.write_table(table, path, data_page_size=64, write_batch_size=6, use_dictionary=["symbol"])
    found = [damaged.read_bytes() for damaged in damages(path, 1, 0x01) if has_damaged_page(damaged)]
    assert len(found) >= 9  # a page has one such byte, the lowest of its count
    for content in found[::3]:
        path.write_bytes(content)
        with pytest.raises(InputError, match="a page has a count of values that can't be"):
            load_bars(path)


WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "polars": lambda bars, path: bars.write_parquet(path, row_group_size=50, data_page_size=256),
    "polars without statistics": lambda bars, path: bars.write_parquet(path, statistics=False, compression="lz4"),
    "arrow": lambda bars, path: parquet.write_table(bars.to_arrow(), path, row_group_size=50, write_page_index=True),
    "arrow, pages 2": lambda bars, path: parquet.write_table(
        bars.to_arrow(), path, data_page_version="2.0", data_page_size=256, write_page_checksum=True
    ),
    "dictionary": lambda _, path: parquet.write_table(
        pa.table({"symbol": pa.DictionaryArray.from_arrays([0, 0], ["A", *map(str, range(99))])}), path
    ),
    "nested": lambda _, path: pl.DataFrame({"list": [[1, 2, 3], [], None], "struct": [{"a": 1}] * 3}).write_parquet(
        path
    ),
    "no rows": lambda bars, path: bars.clear().write_parquet(path),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_no_page_of_a_good_file_is_taken_for_damaged(tmp_path: Path, writer: str) -> None:
    WRITERS[writer](generate_market(symbols=3, bars=60).with_columns(gap=pl.lit(None, pl.Float64)), tmp_path / "good")
    assert not has_damaged_page(tmp_path / "good")


def test_refuses_columns_of_the_wrong_kind(bars: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="'symbol' holds Int64, not text"):
        load_bars(bars.with_columns(symbol=pl.lit(1, pl.Int64)))
    with pytest.raises(InputError, match="'timestamp' holds Int64, not times"):
        load_bars(bars.with_columns(timestamp=pl.lit(1, pl.Int64)))


def test_refuses_an_unknown_way_with_bad_bars(bars: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="refuse, drop"):
        load_bars(bars, "mend")


def test_the_real_prices_need_dropping_and_then_load(us500: Path) -> None:
    with pytest.raises(InputError, match="26 bad rows"):
        load_bars(us500)
    loaded = load_bars(us500, "drop")
    assert len(loaded.bars) == 1_199_547
