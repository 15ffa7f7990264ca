"""What is read from a cache is what the file says, and what is refused stays refused."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from engine import InputError, load
from engine.arrays import FIELDS, lay_out
from engine.catalog import build_of, find
from engine.disk import cache_root
from engine.markets import scored_market
from engine.optimizations.io import matrix_store, parquet_copy
from engine.optimizations.vectorization.array_feed import MatrixFeed
from engine.pipeline import Loaded, LoaderComponent
from engine.reference.loader import load_bars
from engine.scenarios import SCENARIOS, run_scenario
from optimizer.observing import attempt
from optimizer.parity import digests_of, table_digest

NAMES = ("io/parquet_copy", "io/matrix_store")
HEADER = "timestamp,symbol,open,high,low,close,volume\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of each test's own."""
    monkeypatch.setenv("EXACT_CHANGE_CACHE", str(tmp_path / "cache"))
    return cache_root()


class Counting:
    """The reference loader, and how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, source: Path | pl.DataFrame, on_bad_bars: str) -> Loaded:
        self.calls += 1
        return load_bars(source, on_bad_bars)


def optimized(name: str) -> tuple[LoaderComponent, Counting]:
    """Return the optimized loader, as in a new process, and the one below it."""
    inner = Counting()
    return find(name).apply(inner), inner


def assert_equal(loaded: Loaded, expected: Loaded) -> None:
    """Assert the same bits, types, order and notes."""
    assert loaded.bars.schema == expected.bars.schema
    assert table_digest(loaded.bars) == table_digest(expected.bars)
    assert loaded.notes == expected.notes


def kept_files(cache: Path) -> list[Path]:
    """Return all files of the cache."""
    return sorted(path for path in cache.rglob("*") if path.is_file())


@pytest.fixture
def csv(bars: pl.DataFrame, tmp_path: Path) -> Path:
    """A CSV file with a bad row, a missing bar, and rows that are not in order."""
    path = tmp_path / "bars.csv"
    more = "2024-01-04,A,12,11,10,12,5\n2024-01-05,B,,,,,\n"
    path.write_text(bars.reverse().write_csv() + more)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_the_second_load_does_not_read_the_text(csv: Path, name: str) -> None:
    expected = load_bars(csv, "drop")
    assert len(expected.notes) == 3
    for calls in (1, 0):
        loader, inner = optimized(name)
        assert_equal(loader(csv, "drop"), expected)
        assert inner.calls == calls


@pytest.mark.parametrize("name", NAMES)
def test_changed_content_is_seen(csv: Path, name: str) -> None:
    loader, inner = optimized(name)
    loader(csv, "drop")
    csv.write_text(csv.read_text().replace("11.0", "11.5"))
    assert_equal(loader(csv, "drop"), load_bars(csv, "drop"))
    assert inner.calls == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_file_by_another_name_is_known_by_its_content(csv: Path, name: str) -> None:
    loader, inner = optimized(name)
    loader(csv, "drop")
    loader(csv.rename(csv.with_name("others.CSV")), "drop")
    assert inner.calls == 1


@pytest.mark.parametrize("name", NAMES)
def test_what_to_do_with_bad_bars_is_part_of_the_key(csv: Path, name: str) -> None:
    loader, inner = optimized(name)
    loader(csv, "drop")
    with pytest.raises(InputError, match="bad row"):
        loader(csv, "refuse")
    assert inner.calls == 2


@pytest.mark.parametrize("name", NAMES)
def test_what_is_refused_is_never_kept(csv: Path, cache: Path, name: str) -> None:
    loader, inner = optimized(name)
    for _ in range(2):
        with pytest.raises(InputError):
            loader(csv, "refuse")
    assert inner.calls == 2
    assert kept_files(cache) == []


@pytest.mark.parametrize("name", NAMES)
def test_content_that_changes_while_it_is_read_is_not_kept(
    csv: Path, cache: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = iter(["before", "after"])
    module = parquet_copy if name == "io/parquet_copy" else matrix_store
    monkeypatch.setattr(module, "content_of", lambda _: next(contents))
    assert_equal(optimized(name)[0](csv, "drop"), load_bars(csv, "drop"))
    assert kept_files(cache) == []


def damage(path: Path) -> None:
    """Flip the bytes in the middle of a file: more than there can be of padding."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle - 40 : middle + 40] = bytes(byte ^ 0xFF for byte in content[middle - 40 : middle + 40])
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "bytes flipped": damage,
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "empty": lambda path: path.write_bytes(b""),
    "other text": lambda path: path.write_text("not a table"),
}


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_copy_is_told_and_made_again(
    csv: Path, cache: Path, name: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    loader, inner = optimized(name)
    expected = loader(csv, "drop")
    files = kept_files(cache)
    for number, path in enumerate(files, 1):
        good = path.read_bytes()
        DAMAGES[how](path)
        caplog.clear()
        with caplog.at_level(logging.WARNING, "engine.cache"):
            assert_equal(loader(csv, "drop"), expected)
        assert inner.calls == 1 + number, f"{path.name} was used"
        assert "computed again" in caplog.text
        assert kept_files(cache) == files
        assert path.read_bytes() == good


def test_no_flipped_byte_of_a_copy_gives_other_bars(csv: Path, cache: Path) -> None:
    loader, _ = optimized("io/parquet_copy")
    expected = loader(csv, "drop")
    (copy,) = kept_files(cache)
    good = copy.read_bytes()
    for place in range(0, len(good), 11):
        damaged = bytearray(good)
        damaged[place] ^= 0xFF
        copy.write_bytes(damaged)
        assert_equal(loader(csv, "drop"), expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_of_other_data_in_its_place_is_not_used(
    csv: Path, cache: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    loader, _ = optimized(name)
    loader(csv, "drop")
    (first,) = (cache / ("bars" if name == "io/parquet_copy" else "markets")).iterdir()
    csv.write_text(csv.read_text().replace("11.0", "11.5"))
    loader(csv, "drop")
    (second,) = (path for path in first.parent.iterdir() if path != first)
    for path in [first] if first.is_file() else sorted(first.iterdir()):
        path.replace(second if first.is_file() else second / path.name)
    caplog.clear()
    assert_equal(loader(csv, "drop"), load_bars(csv, "drop"))
    assert "belongs to another key" in caplog.text


@pytest.mark.parametrize("name", NAMES)
def test_a_cache_that_can_not_be_written_is_told_and_gone_without(
    csv: Path, cache: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache.write_text("a file in the place of the folder")
    loader, inner = optimized(name)
    for _ in range(2):
        assert_equal(loader(csv, "drop"), load_bars(csv, "drop"))
    assert inner.calls == 2
    assert "can't be kept" in caplog.text


def test_a_market_that_was_half_written_leaves_nothing_behind(
    csv: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = matrix_store.keep
    monkeypatch.setattr(matrix_store, "keep", lambda path, *rest: path.stem != "matrices" and keep(path, *rest))
    optimized("io/matrix_store")[0](csv, "drop")
    assert kept_files(cache) == []


FILES: dict[str, str | bytes] = {
    "no_volume.csv": "timestamp,symbol,open,high,low,close\n",
    "header.csv": HEADER,
    "empty.csv": "",
    "empty.parquet": "",
    "empty.feather": "",
    "bars.xlsx": "x",
    "bars": "x",
    "text.parquet": "this is not parquet",
    "magic.parquet": b"PAR1" + bytes(40) + b"PAR1",
    "text.feather": "this is not arrow",
    "word.csv": HEADER + "2024-01-02,A,1,2,1,2,5\n2024-01-03,A,1,n/a,1,2,5\n",
    "yesterday.csv": HEADER + "yesterday,A,1,2,1,2,5\n",
    "blank.csv": HEADER + "2024-01-02,A,,,,,\n",
    "negative.csv": HEADER + "2024-01-02,A,1,2,-1,2,5\n2024-01-03,A,1,2,1,2,5\n",
    "twice.csv": HEADER + "2024-01-02,A,1,2,1,2,5\n2024-01-02,A,1,2,1,2,5\n",
    "ragged.csv": HEADER + "2024-01-02,A,1,2,1,2,5,6,7\n",
    "latin.csv": HEADER.encode() + b"2024-01-02,\xe4,1,2,1,2,5\n",
}


def outcome(loader: LoaderComponent, path: Path, on_bad_bars: str) -> object:
    """Return what a load gives, or what it says."""
    try:
        loaded = loader(path, on_bad_bars)
    except InputError as error:
        return str(error)
    return table_digest(loaded.bars), loaded.notes


@pytest.mark.parametrize("on_bad_bars", ["refuse", "drop", "mend"])
@pytest.mark.parametrize("name", NAMES)
def test_every_bad_file_gets_the_references_words(
    bars: pl.DataFrame, tmp_path: Path, name: str, on_bad_bars: str
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for file, content in FILES.items():
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    bars.drop("volume", "low").write_parquet(folder / "columns.parquet")
    bars.select(other="open").write_parquet(folder / "none_of_them.parquet")
    bars.clear().write_parquet(folder / "no_rows.parquet")
    bars.with_columns(low=-1.0).write_parquet(folder / "negative.parquet")
    bars.with_columns(symbol=1).write_parquet(folder / "numbers.parquet")
    bars.with_columns(high=pl.lit("high")).write_parquet(folder / "words.parquet")
    bars.write_parquet(folder / "cut.parquet")
    (folder / "cut.parquet").write_bytes((folder / "cut.parquet").read_bytes()[:-100])
    for folder_like in ("folder.csv", "folder.parquet"):
        (folder / folder_like).mkdir()
    paths = [*sorted(folder.iterdir()), folder / "nowhere.csv", folder / "nowhere.parquet"]
    loader, _ = optimized(name)
    for path in paths:
        expected = outcome(load_bars, path, on_bad_bars)
        assert [outcome(loader, path, on_bad_bars) for _ in range(2)] == [expected, expected], path.name


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_left_to_the_loader_below(bars: pl.DataFrame, cache: Path, name: str) -> None:
    loader, inner = optimized(name)
    assert_equal(loader(bars, "refuse"), load_bars(bars))
    assert inner.calls == 1
    assert kept_files(cache) == []


def test_columns_of_a_parquet_file_that_are_not_kept_are_not_read(
    bars: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.parquet"
    texts = {f"text_{number}": pl.lit(str(number)) for number in range(30)}
    numbers = {f"extra_{number}": pl.lit(float(number)) for number in range(3)}
    table = bars.with_columns(**texts, **numbers)
    table.select(reversed(table.columns)).write_parquet(path)
    expected, read, widths = load_bars(path), pl.read_parquet, []

    def watched(*arguments: object, **options: object) -> pl.DataFrame:
        table = read(*arguments, **options)
        widths.append(table.width)
        return table

    monkeypatch.setattr(pl, "read_parquet", watched)
    loader, inner = optimized("io/parquet_copy")
    assert_equal(loader(path, "refuse"), expected)
    assert expected.bars.columns[7:] == ["extra_2", "extra_1", "extra_0"]
    assert widths == [10]
    assert inner.calls == 0


TIMES: dict[str, pl.Series] = {
    "dates": pl.Series([datetime(2024, 1, 2), datetime(2024, 1, 2), datetime(2024, 1, 3), datetime(2024, 1, 3)]).cast(
        pl.Date
    ),
    "milliseconds": pl.Series([datetime(2024, 1, 2, 9)] * 2 + [datetime(2024, 1, 2, 10)] * 2, dtype=pl.Datetime("ms")),
    "nanoseconds": pl.Series([datetime(2024, 1, 2, 9)] * 2 + [datetime(2024, 1, 2, 10)] * 2, dtype=pl.Datetime("ns")),
    "an hour struck twice": pl.Series(
        [datetime(2024, 10, 27, 0, 30)] * 2 + [datetime(2024, 10, 27, 1, 30)] * 2, dtype=pl.Datetime("us", "UTC")
    ).dt.convert_time_zone("Europe/Berlin"),
}


@pytest.mark.parametrize(
    ("times", "end"), [*((times, end) for times in TIMES for end in ("parquet", "feather")), ("dates", "csv")]
)
def test_the_store_gives_the_same_bits_for_every_kind_of_time(
    bars: pl.DataFrame, tmp_path: Path, times: str, end: str
) -> None:
    path = tmp_path / f"bars.{end}"
    table = bars.with_columns(timestamp=TIMES[times]).filter(pl.col("open") != 20.0)  # B has no first bar
    {"parquet": table.write_parquet, "feather": table.write_ipc, "csv": table.write_csv}[end](path)
    expected = load_bars(path)
    for calls in (1, 0):
        loader, inner = optimized("io/matrix_store")
        loaded = loader(path, "refuse")
        assert inner.calls == calls
        assert_equal(loaded, expected)
        laid_out, arrays = lay_out(expected.bars), MatrixFeed(loaded).arrays
        assert arrays is loaded.layout
        assert arrays.symbols == laid_out.symbols
        assert arrays.timestamps.dtype == laid_out.timestamps.dtype
        assert arrays.times == laid_out.times
        pairs = [*zip(arrays.columns, laid_out.columns, strict=True)]
        pairs += [(arrays.matrices[field], laid_out.matrices[field]) for field in FIELDS]
        for got, wanted in pairs:
            assert got.dtype == wanted.dtype
            assert got.shape == wanted.shape
            assert got.flags.c_contiguous
            assert got.tobytes() == wanted.tobytes()


@pytest.mark.slow
@pytest.mark.many_runs
def test_every_scenario_runs_on_mapped_arrays_with_the_references_bits(
    tmp_path: Path, whole_build: tuple[str, ...]
) -> None:
    path = tmp_path / "market.parquet"
    scored_market().write_parquet(path)
    expected = load(path, build=())
    load(path, build=build_of("io/matrix_store"))
    market = load(path, build=whole_build)
    assert not market.feed.arrays.columns.close.flags.writeable  # type: ignore[attr-defined]
    for scenario in SCENARIOS.values():
        got, wanted = (attempt(partial(run_scenario, one, scenario), {})[0] for one in (market, expected))
        assert digests_of(got) == digests_of(wanted), scenario.name
