"""The loader takes good data as it comes and refuses the rest with one clear message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from engine import InputError
from engine.reference.loader import load_bars

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
    bars.write_csv(tmp_path / "bars.csv")
    loaded = [load_bars(tmp_path / f"bars.{end}").bars for end in ("parquet", "feather", "csv")]
    assert loaded[0].equals(loaded[1])
    assert loaded[0].equals(loaded[2])
    assert loaded[0].schema == loaded[2].schema


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
    for end in ("parquet", "csv"):
        path = tmp_path / f"bars[1].{end}"
        bars.write_parquet(path) if end == "parquet" else bars.write_csv(path)
        assert len(load_bars(path).bars) == 4


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
