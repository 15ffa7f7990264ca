"""The settings of the machine: where they come from, what is refused, and that no result hangs on them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import tomlkit

from engine import disk
from engine.disk import cache_root, keep, kept
from engine.errors import InputError
from engine.generate import generate_market
from engine.machine import Machine, this_machine
from engine.optimizations.parallelism.spawned_trials import workers_for
from engine.settings import FILE, checked, derived, settings, write
from engine.subject import SUBJECT
from optimizer.parity import table_digest

GIB = 1 << 30
SERVER = Machine(16, None, 64 * GIB, None, 32 << 20, "ssd", "ext4")


@pytest.fixture
def settings_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put text into a settings file that the engine is told of."""

    def put(text: str) -> Path:
        path = tmp_path / "settings.toml"
        path.write_text(text)
        monkeypatch.setenv("EXACT_CHANGE_SETTINGS", str(path))
        return path

    return put


@pytest.mark.parametrize(
    ("cores", "limit", "symbols", "workers"),
    [
        (1, None, None, 1),
        (2, None, None, 2),  # 1.5, a half rounded up
        (3, None, None, 2),
        (4, None, None, 3),
        (8, None, None, 6),
        (16, None, 500, 12),
        (16, None, 5, 5),
        (16, 2.0, 500, 2),
        (16, 0.5, 500, 1),
        (16, 64.0, 500, 12),
        (4, None, 0, 1),
    ],
)
def test_workers_are_three_quarters_of_the_cores_that_may_be_used_and_no_more_than_symbols(
    cores: int, limit: float | None, symbols: int | None, workers: int
) -> None:
    assert derived(replace(SERVER, cores=cores, cpu_limit=limit), symbols).workers == workers


def test_the_cache_budget_is_a_share_of_the_memory_that_may_really_be_used() -> None:
    assert derived(SERVER).cache_bytes == int(0.3 * 64 * GIB)
    limited = derived(replace(SERVER, memory_limit_bytes=4 * GIB))
    assert limited.cache_bytes == int(0.3 * 4 * GIB)
    assert "control group" in limited.why["cache_bytes"]
    assert derived(replace(SERVER, memory_limit_bytes=128 * GIB)).cache_bytes == int(0.3 * 64 * GIB)


def test_a_chunk_of_every_worker_fits_into_half_of_the_last_cache() -> None:
    chosen = derived(SERVER)
    assert chosen.chunk_rows * 56 * chosen.workers <= 16 << 20 < 2 * chosen.chunk_rows * 56 * chosen.workers
    assert derived(replace(SERVER, cores=1, last_cache_bytes=8 << 30)).chunk_rows == 1 << 20
    assert derived(replace(SERVER, last_cache_bytes=1 << 10)).chunk_rows == 1 << 10


@pytest.mark.parametrize(
    ("change", "io", "mmap"),
    [
        ({}, "ssd", True),
        ({"storage": "hdd"}, "hdd", True),
        ({"storage": "unknown"}, "ssd", True),
        ({"filesystem": "nfs4"}, "ssd", False),
        ({"filesystem": "fuse.sshfs"}, "ssd", False),
        ({"filesystem": None}, "ssd", True),
        ({"memory_limit_bytes": GIB - 1}, "ssd", False),
    ],
)
def test_how_files_are_read_follows_from_the_storage_and_the_memory(change: dict, io: str, mmap: bool) -> None:
    chosen = derived(replace(SERVER, **change))
    assert (chosen.io, chosen.mmap) == (io, mmap)


def test_a_machine_that_tells_nothing_gets_settings_with_a_reason_for_each() -> None:
    chosen = derived(Machine(cores=1))
    assert set(chosen.why) == {"workers", "chunk_rows", "cache_bytes", "io", "mmap"}
    assert "assumed" in chosen.why["cache_bytes"]
    assert "assumed" in chosen.why["chunk_rows"]


def test_the_file_that_comes_with_the_engine_leaves_all_to_the_machine(tmp_path: Path) -> None:
    assert checked(tomlkit.parse(FILE.read_text()).unwrap(), FILE) == {}
    assert settings(tmp_path).workers == derived(this_machine(tmp_path)).workers


def test_a_file_says_what_the_machine_does_not(settings_in, tmp_path: Path) -> None:
    settings_in('workers = 7\nio = "hdd"\nmmap = false\ncache_bytes = "auto"\n')
    chosen = settings(tmp_path)
    assert (chosen.workers, chosen.io, chosen.mmap) == (7, "hdd", False)
    assert chosen.why["workers"] == "settings.toml says so"
    assert "of memory" in chosen.why["cache_bytes"]


def test_a_file_that_is_written_to_is_read_again(settings_in) -> None:
    path = settings_in("workers = 7\n")
    assert settings().workers == 7
    path.write_text("workers = 5\n")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert settings().workers == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("worker = 2", "unknown setting 'worker'. Choose from workers, chunk_rows, cache_bytes, io, mmap"),
        ("workers = 0", "workers is 0. Needed: a whole number, 1 or more"),
        ("workers = true", "workers is True"),
        ("workers = 1.5", "workers is 1.5"),
        ('workers = "four"', "workers is 'four'"),
        ("chunk_rows = -1", "chunk_rows is -1"),
        ("cache_bytes = -1", "cache_bytes is -1. Needed: a whole number of bytes, 0 or more"),
        ('io = "tape"', 'io is \'tape\'. Needed: "ssd" or "hdd"'),
        ("mmap = 1", "mmap is 1. Needed: true or false"),
        ("[workers]\ncount = 2", "workers is {'count': 2}"),
        ("workers = ", "can't be read (Invalid value"),
        ("\xff", "can't be read"),
    ],
)
def test_what_a_file_should_not_have_is_refused_with_its_place(settings_in, text: str, message: str) -> None:
    path = settings_in("")
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as refused:
        settings()
    assert str(refused.value).startswith(f"{path}: ")
    assert message in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXACT_CHANGE_SETTINGS", str(tmp_path / "nowhere.toml"))
    with pytest.raises(InputError, match=r"nowhere\.toml: can't be read \(No such file or directory\)"):
        settings()


def test_writing_settings_keeps_the_comments(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(FILE.read_text())
    write({"workers": 3, "mmap": False, "why": {"workers": "a reason"}}, file)
    before, after = FILE.read_text().splitlines(), file.read_text().splitlines()
    changed = {new for old, new in zip(before, after, strict=True) if old != new}
    assert changed == {"workers = 3", "mmap = false"}
    with pytest.raises(InputError, match="workers is -3"):
        write({"workers": -3}, file)
    assert file.read_text().splitlines() == after
    assert [one.name for one in tmp_path.iterdir()] == ["settings.toml"]


def test_a_file_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be written"):
        write({"workers": 3}, tmp_path / "nowhere" / "settings.toml")


def test_a_sweep_takes_the_workers_of_the_settings_and_the_environment_goes_before(
    settings_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXACT_CHANGE_WORKERS", raising=False)
    settings_in("workers = 5\n")
    assert [workers_for(trials) for trials in (1, 4, 40)] == [1, 4, 5]
    monkeypatch.setenv("EXACT_CHANGE_WORKERS", "3")
    assert workers_for(40) == 3


def test_a_table_is_mapped_or_read_as_the_settings_say(settings_in) -> None:
    table, key = generate_market(symbols=3, bars=50).drop("symbol"), {"what": "test"}
    path = cache_root() / "tests" / f"{disk.key_hash(key)}.arrow"
    found = []
    for text in ("mmap = true", "mmap = false", 'mmap = true\nio = "hdd"', 'mmap = false\nio = "hdd"'):
        settings_in(text)
        assert keep(path, table, key)
        back = kept(path, key)
        assert back is not None
        assert table_digest(back) == table_digest(table)
        found.append(str(path) in Path("/proc/self/maps").read_text() if Path("/proc/self/maps").exists() else None)
        del back
    assert found in ([True, False, True, False], [None] * 4)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system takes no advice")
@pytest.mark.parametrize(("io", "expected"), [("ssd", []), ("hdd", ["POSIX_FADV_SEQUENTIAL", "POSIX_FADV_WILLNEED"])])
def test_from_a_disk_that_turns_a_file_is_fetched_ahead(
    settings_in, monkeypatch: pytest.MonkeyPatch, io: str, expected: list[str]
) -> None:
    settings_in(f'io = "{io}"')
    table, key = generate_market(symbols=3, bars=50), {"what": "test"}
    path = cache_root() / "tests" / f"{disk.key_hash(key)}.arrow"
    keep(path, table, key)
    asked, advise = [], os.posix_fadvise

    def noted(file: int, start: int, length: int, advice: int) -> None:
        advise(file, start, length, advice)
        asked.append((start, length, advice))

    monkeypatch.setattr(os, "posix_fadvise", noted)
    assert kept(path, key) is not None
    assert asked == [(0, 0, getattr(os, name)) for name in expected]


def test_no_more_rows_than_a_chunk_are_copied_at_a_time_to_be_hashed(
    settings_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_in("chunk_rows = 100")
    sizes, make = [], disk.xxhash.xxh3_128

    class Noted:
        def __init__(self) -> None:
            self.digest = make()

        def update(self, part: bytes) -> None:
            sizes.append(memoryview(part).nbytes)
            self.digest.update(part)

        def hexdigest(self) -> str:
            return self.digest.hexdigest()

    table = pl.DataFrame({"passes": [True, False] * 525})
    expected = disk.digest_of(table)
    monkeypatch.setattr(disk.xxhash, "xxh3_128", Noted)
    assert disk.digest_of(table) == expected
    assert sizes[1:] == [100] * 10 + [50]  # the first has the name and the type


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_a_digest_does_not_hang_on_the_rows_that_are_taken_at_a_time(settings_in, rows: int) -> None:
    table = generate_market(symbols=2, bars=9, late=0.5).with_columns(flag=True, nothing=None)
    holes = table.with_columns(volume=table["volume"].cast(int).replace(table["volume"].cast(int)[0], None))
    for one in (table.drop("nothing"), holes.drop("nothing"), table.drop("nothing").clear()):
        settings_in("")
        expected = disk.digest_of(one)
        settings_in(f"chunk_rows = {rows}")
        assert disk.digest_of(one) == expected


KEEPING = (
    "vectorization/array_feed",
    "io/parquet_copy",
    "io/matrix_store",
    "caching/persistent_features",
    "gates/pass_sets",
    "parallelism/spawned_trials",
)
EXTREMES = {
    "as it comes": "workers = 1\n",
    "nothing kept": 'workers = 1\nchunk_rows = 1\ncache_bytes = 0\nio = "hdd"\nmmap = false\n',
    "room for little": 'workers = 1\nchunk_rows = 7\ncache_bytes = 9000\nio = "hdd"\nmmap = true\n',
    "more than there is": "workers = 3\nchunk_rows = 1000000000\ncache_bytes = 1000000000000000\nmmap = false\n",
}


def _digests(data: Path) -> dict[str, str]:
    """Return the digests of runs that keep, and then of runs that find it."""
    found = {}
    for go in ("cold", "warm"):
        session = SUBJECT.load(KEEPING, data, "refuse")
        for scenario in ("gated", "all_features", *(["sweep_gates_few"] if go == "cold" else [])):
            for name, table in session.prepare(scenario)()().items():
                found[f"{go} {scenario} {name}"] = table_digest(table)
        session.settle()
    return found


@pytest.mark.slow
def test_results_have_the_same_bits_under_extreme_settings(
    settings_in, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXACT_CHANGE_WORKERS", raising=False)
    data = tmp_path / "bars.csv"
    generate_market(symbols=3, bars=60).write_csv(data)
    found, sizes = {}, {}
    for place, (name, text) in enumerate(EXTREMES.items()):
        settings_in(text)
        monkeypatch.setenv("EXACT_CHANGE_CACHE", str(tmp_path / f"cache{place}"))
        found[name] = _digests(data)
        sizes[name] = sum(file.stat().st_size for file in cache_root().rglob("*") if file.is_file())
    assert all(one == found["as it comes"] for one in found.values())
    assert sizes["nothing kept"] == 0
    assert 0 < sizes["room for little"] <= 9000 < sizes["more than there is"] == sizes["as it comes"]
