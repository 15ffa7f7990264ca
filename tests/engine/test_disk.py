"""Tables on disk come back bit for bit, or not at all."""

from __future__ import annotations

import errno
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine import disk
from engine.disk import cache_root, content_of, keep, kept, put_in_place
from optimizer.parity import table_digest

KEY = {"what": "test", "number": 1}
ODD_BITS = np.array([0x7FF8_0000_0000_0000, 0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000, 1], np.uint64)


@pytest.fixture
def table() -> pl.DataFrame:
    """Every kind of column that is kept, with the bits that are easily lost."""
    floats = np.concatenate([np.array([0.0, -0.0, np.inf, 1.5]), ODD_BITS.view(np.float64)])
    hours = [datetime(2024, 10, 27) + timedelta(hours=hour) for hour in range(8)]
    return pl.DataFrame(
        {
            "float": floats,
            "int": np.arange(8) - (1 << 62),
            "step": np.arange(8, dtype=np.int32),
            "flag": [True, False, True, True, False, False, True, False],
            "text": ["A", "", "BRK.B", "ä", "日本", "A", "\0", "a long text that does not fit into a view"],
            "date": [date(2024, 1, day) for day in range(1, 9)],
            "time": pl.Series(hours, dtype=pl.Datetime("ms")),
            "zoned": pl.Series(hours).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin"),
        }
    )


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for a kept table, in a cache of its own."""
    monkeypatch.setenv("EXACT_CHANGE_CACHE", str(tmp_path / "cache"))
    return cache_root() / "tests" / "table.arrow"


def assert_dropped(path: Path, caplog: pytest.LogCaptureFixture, why: str) -> None:
    """Assert that the file is not used, is taken away, and that this is told."""
    with caplog.at_level(logging.WARNING, "engine.cache"):
        assert kept(path, KEY) is None
    assert not path.exists()
    assert why in caplog.text
    assert str(path) in caplog.text


def test_every_bit_and_type_comes_back(path: Path, table: pl.DataFrame) -> None:
    assert keep(path, table, KEY)
    back = kept(path, KEY)
    assert back is not None
    assert back.schema == table.schema
    assert table_digest(back) == table_digest(table)
    assert back["float"].to_numpy().tobytes() == table["float"].to_numpy().tobytes()


def test_a_table_without_rows_comes_back(path: Path, table: pl.DataFrame) -> None:
    assert keep(path, table.clear(), KEY)
    back = kept(path, KEY)
    assert back is not None
    assert back.schema == table.schema
    assert back.is_empty()


def test_a_slice_is_kept_as_its_own_rows(path: Path, table: pl.DataFrame) -> None:
    assert keep(path, table[3:6], KEY)
    back = kept(path, KEY)
    assert back is not None
    assert back.equals(table[3:6])


def test_numbers_are_mapped_and_can_not_be_written_to(path: Path, table: pl.DataFrame) -> None:
    keep(path, table, KEY)
    back = kept(path, KEY)
    assert back is not None
    assert not back["float"].to_numpy().flags.writeable
    assert not back["float"].to_numpy().flags.owndata


def test_nothing_is_there_before_it_was_kept(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert kept(path, KEY) is None
    assert not caplog.records


def test_no_flipped_byte_gives_other_values(path: Path, table: pl.DataFrame) -> None:
    keep(path, table, KEY)
    good, digest = path.read_bytes(), table_digest(table)
    dropped = 0
    for place in range(0, len(good), 5):
        damaged = bytearray(good)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        back = kept(path, KEY)
        dropped += back is None
        assert back is None or table_digest(back) == digest  # padding may be anything
    assert dropped > 100


def test_a_changed_value_is_told_and_dropped(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep(path, pl.DataFrame({"x": [1234.5]}), KEY)
    damaged = path.read_bytes().replace(np.float64(1234.5).tobytes(), np.float64(1234.25).tobytes())
    path.write_bytes(damaged)
    assert_dropped(path, caplog, "its values do not have their digest")


@pytest.mark.parametrize("size", [0, 1, 100, -1])
def test_a_file_cut_off_is_told_and_dropped(
    path: Path, table: pl.DataFrame, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    keep(path, table, KEY)
    path.write_bytes(path.read_bytes()[:size])
    assert_dropped(path, caplog, "can't be read")


def test_a_file_of_another_key_is_told_and_dropped(
    path: Path, table: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    keep(path, table, KEY | {"number": 2})
    assert_dropped(path, caplog, "belongs to another key")


def test_a_file_of_other_code_is_told_and_dropped(
    path: Path, table: pl.DataFrame, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(path, table, KEY)
    monkeypatch.setattr(disk, "code_digest", lambda: "of tomorrow")
    assert_dropped(path, caplog, "belongs to another key")


def test_a_folder_that_can_not_be_made_is_told_and_gone_without(
    path: Path, table: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    cache_root().mkdir()
    path.parent.write_text("a file in the place of the folder")
    with caplog.at_level(logging.WARNING, "engine.cache"):
        assert not keep(path, table, KEY)
    assert "can't be kept" in caplog.text
    assert kept(path, KEY) is None


def test_a_full_disk_is_told_and_nothing_is_left_behind(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def write(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with caplog.at_level(logging.WARNING, "engine.cache"):
        assert not put_in_place(path, write)
    assert "No space left on device" in caplog.text
    assert list(path.parent.iterdir()) == []


def test_many_may_write_and_read_at_once(path: Path, table: pl.DataFrame, caplog: pytest.LogCaptureFixture) -> None:
    digest = table_digest(table)

    def work(number: int) -> bool:
        if number % 2:
            return keep(path, table, KEY)
        back = kept(path, KEY)
        return back is None or table_digest(back) == digest

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))
    assert not caplog.records
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_file_that_can_not_be_read_has_no_content(tmp_path: Path) -> None:
    assert content_of(tmp_path) is None
    assert content_of(tmp_path / "nowhere") is None
