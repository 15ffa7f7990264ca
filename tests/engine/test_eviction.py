"""The caches stay within their budget, and what was used longest ago goes first."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from engine import eviction
from engine.disk import cache_root, keep, kept, put_in_place
from engine.eviction import fits, make_room, used

ROOT = Path(__file__).parents[2]
KIB = 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of caches."""
    (tmp_path / "caches").mkdir()
    return tmp_path / "caches"


def key_of(name: str) -> str:
    """Return a hash as a key has it."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def make(path: Path, *, used_at: int, written_at: int = 0, size: int = KIB) -> Path:
    """Make a file that was used at a time, in seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (used_at, written_at))
    return path


def feature(root: Path, name: str, **when: int) -> Path:
    """Make the file of a feature."""
    return make(root / "features" / f"{key_of(name)}.arrow", **when)


def test_what_was_used_longest_ago_goes_first(root: Path) -> None:
    paths = {name: feature(root, name, used_at=at) for name, at in {"a": 30, "b": 10, "c": 40, "d": 20}.items()}
    make_room(root, paths["c"], 2 * KIB)
    assert [name for name, path in paths.items() if path.exists()] == ["a", "c"]


def test_reading_counts_as_use_and_leaves_the_time_of_writing(root: Path) -> None:
    """Whatever the disk's mount says of times of access: it is set by hand."""
    old, young = feature(root, "old", used_at=10, written_at=10), feature(root, "young", used_at=20, written_at=20)
    used(old)
    assert old.stat().st_mtime == 10
    make_room(root, root, KIB)
    assert old.exists()
    assert not young.exists()


def test_writing_counts_as_use(root: Path) -> None:
    written = feature(root, "written", used_at=1, written_at=50)
    read = feature(root, "read", used_at=40, written_at=1)
    make_room(root, root, KIB)
    assert written.exists()
    assert not read.exists()


def test_within_the_budget_nothing_goes(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = feature(root, "a", used_at=1)
    with caplog.at_level(logging.INFO, "engine.cache"):
        make_room(root, root, KIB)
    assert path.exists()
    assert not caplog.records


def test_what_was_just_written_stays_even_if_it_was_used_longest_ago(root: Path) -> None:
    written, other = feature(root, "written", used_at=1), feature(root, "other", used_at=2)
    make_room(root, written, KIB)
    assert written.exists()
    assert not other.exists()


def test_a_market_goes_whole_and_is_as_old_as_its_youngest_table(root: Path) -> None:
    market = root / "markets" / key_of("market")
    make(market / "bars.arrow", used_at=1)
    make(market / "columns.arrow", used_at=30)
    gate = make(root / "gates" / key_of("gate") / "0x1.0p+0.arrow", used_at=20)
    feature(root, "a", used_at=40)
    make_room(root, root, 3 * KIB)
    assert not gate.exists()
    assert len(list(market.iterdir())) == 2
    make_room(root, root, 2 * KIB)
    assert not market.exists()


def test_what_is_not_of_the_caches_is_neither_counted_nor_removed(root: Path) -> None:
    """EXACT_CHANGE_CACHE may be set to a folder that has other things in it."""
    names = (
        *("prices.arrow", "bars/prices.parquet", "notes.txt", f"{key_of('a')}.arrow", f"pictures/{key_of('a')}.png"),
        *(f"deep/in/it/{key_of('a')}.arrow", f"pictures/{key_of('a')}/1.png"),
    )
    mine = [make(root / name, used_at=1, size=9 * KIB) for name in names]
    ours = feature(root, "a", used_at=2)
    make_room(root, root, KIB)
    assert all(path.exists() for path in [*mine, ours])
    make_room(root, root, 0)
    assert all(path.exists() for path in mine)
    assert not ours.exists()


def test_no_link_is_followed(root: Path, tmp_path: Path) -> None:
    outside = make(tmp_path / "outside" / f"{key_of('a')}.arrow", used_at=1)
    (root / "features").symlink_to(outside.parent)
    (root / f"{key_of('b')}.arrow").symlink_to(outside)
    make_room(root, root, 0)
    assert outside.exists()


def test_a_file_that_is_being_written_stays_and_one_that_was_left_behind_goes(root: Path) -> None:
    path = root / "features" / f".{key_of('a')}.arrow.123.0123abcd"
    make(path, used_at=1, written_at=int(path.parent.parent.stat().st_mtime))
    make_room(root, root, 0)
    assert path.exists()
    os.utime(path, (1, 1))
    make_room(root, root, 0)
    assert not path.exists()


def test_what_can_not_be_removed_is_told_and_the_next_goes(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder without the right to write refuses all but root, so the refusal is the system call's."""
    stuck, next_ = feature(root, "stuck", used_at=1), feature(root, "next", used_at=2)
    unlink = Path.unlink

    def refuse(self: Path, missing_ok: bool = False) -> None:
        if self == stuck:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with caplog.at_level(logging.INFO, "engine.cache"):
        make_room(root, root, KIB)
    assert stuck.exists()
    assert not next_.exists()
    assert f"{stuck}: can't be removed to make room (Operation not permitted)" in caplog.text
    make_room(root, root, 0)


def test_what_another_process_removes_meanwhile_counts_as_room(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [feature(root, name, used_at=at) for at, name in enumerate("abc")]
    entries = eviction._entries(root)
    paths[0].unlink()
    monkeypatch.setattr(eviction, "_entries", lambda _: entries)
    make_room(root, root, 2 * KIB)
    assert paths[1].exists()
    assert paths[2].exists()


def test_a_root_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    make_room(tmp_path / "nowhere", tmp_path / "nowhere", 0)
    used(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_what_does_not_fit_with_what_is_under_its_key_is_not_kept(root: Path, tmp_path: Path) -> None:
    new = make(tmp_path / "new", used_at=1, size=3 * KIB)
    gate = root / "gates" / key_of("gate")
    make(gate / "0x1.0p+0.arrow", used_at=1, size=2 * KIB)
    assert fits(root, gate / "0x1.0p+1.arrow", new, 5 * KIB)
    assert not fits(root, gate / "0x1.0p+1.arrow", new, 5 * KIB - 1)
    assert fits(root, gate / "0x1.0p+0.arrow", new, 3 * KIB)  # in the place of what is there
    assert not fits(root, root / "features" / f"{key_of('a')}.arrow", new, 3 * KIB - 1)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A budget of 20 KiB for the caches of this process."""
    (tmp_path / "settings.toml").write_text(f"cache_bytes = {20 * KIB}\n")
    monkeypatch.setenv("EXACT_CHANGE_SETTINGS", str(tmp_path / "settings.toml"))
    return 20 * KIB


def held() -> int:
    """Return the bytes of all that the caches hold."""
    return sum(path.stat().st_size for path in cache_root().rglob("*") if path.is_file())


def table_of(number: int) -> tuple[Path, pl.DataFrame, dict[str, int]]:
    """Return a table of some 5 KiB, with its place and key."""
    path = cache_root() / "features" / f"{key_of(str(number))}.arrow"
    return path, pl.DataFrame({"value": np.full(512, float(number))}), {"number": number}


def test_kept_tables_stay_within_the_budget_of_the_settings(small: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "engine.cache"):
        for number in range(12):
            path, table, key = table_of(number)
            assert keep(path, table, key)
            if number:
                path, table, key = table_of(0)
                back = kept(path, key)  # used again each time, so it stays
                assert back is not None
                assert back.equals(table)
            assert held() <= small
    assert sum(table_of(number)[0].exists() for number in range(12)) == 4
    assert "so that the caches hold no more than" in caplog.text
    assert all(record.levelno == logging.INFO for record in caplog.records)


def test_a_table_larger_than_the_budget_is_not_kept_and_told(small: int, caplog: pytest.LogCaptureFixture) -> None:
    path, table, key = table_of(1)
    assert keep(path, table, key)
    large, _, _ = table_of(2)
    with caplog.at_level(logging.INFO, "engine.cache"):
        assert not keep(large, pl.DataFrame({"value": np.zeros(small)}), {"number": 2})
    assert path.exists()  # nothing had to go for what can't be kept
    assert f"{large}: not kept" in caplog.text
    assert [one.name for one in large.parent.iterdir()] == [path.name]


@pytest.mark.usefixtures("small")
def test_a_table_that_is_mapped_stays_whole_after_it_was_removed() -> None:
    path, table, key = table_of(0)
    keep(path, table, key)
    mapped = kept(path, key)
    for number in range(1, 6):
        keep(*table_of(number))
    assert not path.exists()
    assert mapped is not None
    assert mapped.equals(table)
    assert kept(path, key) is None


def test_a_damaged_file_counts_and_goes_like_any_other(small: int) -> None:
    path, table, key = table_of(0)
    keep(path, table, key)
    path.write_bytes(b"damaged" * KIB)
    os.utime(path, (1, 1))
    for number in range(1, 4):
        keep(*table_of(number))
    assert held() <= small
    assert not path.exists()


@pytest.mark.usefixtures("small")
def test_a_full_disk_removes_nothing_and_leaves_nothing_behind() -> None:
    path, table, key = table_of(0)
    keep(path, table, key)

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert not put_in_place(table_of(1)[0], write)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


WRITER = """
import sys
import numpy as np, polars as pl
from engine.disk import cache_root, keep, kept, key_hash

for number in range(300):
    own = number % 3 == 0  # else a place that both write
    key = {"number": number % 9, "whose": sys.argv[1] if own else "both"}
    path = cache_root() / "features" / f"{key_hash(key)}.arrow"
    table = pl.DataFrame({"value": np.full(512, float(number % 9))})
    back = kept(path, key)
    assert back is None or back.equals(table)
    keep(path, table, key)
"""


def test_two_processes_at_once_read_what_is_right_and_stay_within_the_budget(small: int) -> None:
    """They write the same places and remove each other's files; neither may stumble over it."""
    command = [sys.executable, "-c", WRITER]
    writers = [subprocess.Popen([*command, name], cwd=ROOT, stderr=subprocess.PIPE, text=True) for name in "ab"]
    told = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], told
    assert not any(told)  # no warning either: a file that another has just removed is no damage
    assert 0 < held() <= small
