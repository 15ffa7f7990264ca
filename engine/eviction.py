"""Keeping the folder of caches within its budget: what was used longest ago goes first.

What stands under one key goes together: a file that is named after a key's hash, or a folder that is, with all that
is in it (a market without one of its tables is never read). Only such tables count, and only they are removed.

When a file was last used is its time of access, set by hand at each read, so that it does not hang on how the disk
is mounted, or its time of writing where that is later. Several processes may make room at once: what another has
removed is gone, and what is mapped from a removed file stays readable (POSIX) until it is let go.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger("engine.cache")
_HASH = re.compile(r"[0-9a-f]{32}")
_TABLE = re.compile(r"\.?.+\.(arrow|parquet)(\.\d+\.[0-9a-f]{8})?")  # or what one is written to at first
_LEFT_BEHIND = 3600.0  # seconds after which nobody writes to a temporary file any more: its process has ended


@dataclass
class _Entry:
    """All that is kept under one key: a file, or a folder of them."""

    path: Path
    sizes: dict[Path, int] = field(default_factory=dict)
    used: float = 0.0

    def add(self, file: Path, stat: os.stat_result) -> None:
        """Count a file of it."""
        self.sizes[file] = stat.st_size
        self.used = max(self.used, stat.st_atime, stat.st_mtime)  # exact: what is removed first, no key


def used(path: Path) -> None:
    """Note that a file is used now; where that can't be noted, nothing happens."""
    with suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))  # exact: what is removed first, no values


def fits(root: Path, path: Path, temporary: Path, budget: int) -> bool:
    """Whether a file that is to stand at `path` can, with what is under its key, be within the budget of bytes."""
    own = _entry_of(root, path)
    beside = {} if own is None or own == path else dict(_files(own))
    size = temporary.stat().st_size
    size += sum(stat.st_size for file, stat in beside.items() if file != path)  # exact: whole numbers of bytes
    if size > budget:
        log.info("%s: not kept, its key needs %d bytes and all caches may hold %d", path, size, budget)
    return size <= budget


def make_room(root: Path, written: Path, budget: int) -> None:
    """Remove what was used longest ago until the caches below `root` hold no more than `budget` bytes.

    What is under the key of the file that was just written stays.
    """
    entries = _entries(root)
    total = sum(sum(entry.sizes.values()) for entry in entries.values())  # exact: whole numbers of bytes
    own = _entry_of(root, written)
    for entry in sorted(entries.values(), key=lambda one: (one.used, one.path)):
        if total <= budget:
            return
        if entry.path != own:
            total -= _removed(entry, budget)
    if total > budget:
        log.info("%s: holds %d bytes, more than the %d that it may, and no more can be removed", root, total, budget)


def _removed(entry: _Entry, budget: int) -> int:
    """Remove an entry, and return the bytes that are free now."""
    freed = removed = 0
    for file, size in entry.sizes.items():
        try:
            file.unlink()
            removed += size
        except FileNotFoundError:
            freed += size  # another process has removed it
        except OSError as error:
            log.info("%s: can't be removed to make room (%s)", file, error.strerror or error)
    with suppress(OSError):
        entry.path.rmdir()
    if removed:
        log.info("%s: removed, %d bytes, so that the caches hold no more than %d", entry.path, removed, budget)
    return freed + removed


def _entries(root: Path) -> dict[Path, _Entry]:
    """Return what the caches hold, by the path that bears its key."""
    entries: dict[Path, _Entry] = {}
    for file, stat in _files(root):
        if (path := _entry_of(root, file)) is not None:
            entries.setdefault(path, _Entry(path)).add(file, stat)
    return entries


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the files below a folder that count: not those that a process is writing."""
    now = time.time()  # exact: whether a file was left behind
    try:
        found = list(os.scandir(folder))  # exact: put in order by when they were used
    except OSError:
        return  # it is not there, or was removed meanwhile
    for one in found:
        with suppress(OSError):
            if one.is_dir(follow_symlinks=False):
                yield from _files(Path(one.path))
            elif one.is_file(follow_symlinks=False):
                stat = one.stat(follow_symlinks=False)
                written = stat.st_mtime  # exact: as above
                if not one.name.startswith(".") or now - written > _LEFT_BEHIND:
                    yield Path(one.path), stat


def _entry_of(root: Path, file: Path) -> Path | None:
    """Return the path that bears the key's hash, the file's or its folder's, below a folder of the root.

    None: it is not ours, since it is named otherwise.
    """
    try:
        parts = file.relative_to(root).parts
    except ValueError:
        return None
    if len(parts) not in (2, 3) or not _TABLE.fullmatch(parts[-1]):
        return None
    hashed = parts[1] if len(parts) == 3 else parts[1].lstrip(".").partition(".")[0]
    return root / parts[0] / parts[1] if _HASH.fullmatch(hashed) else None
