"""How fast the machine's memory and storage are, measured in a few seconds."""

from __future__ import annotations

import mmap
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np

_COPIES = 5  # of which the median counts
_MEMORY_SECONDS = 1.2
_FILE_BYTES = 64 << 20
_BLOCK, _PAGE = 4 << 20, 4096
_WRITE_SECONDS, _READ_SECONDS, _RANDOM_SECONDS = 1.0, 0.7, 0.4
_ASSUMED_CACHE = 32 << 20
_LEAST_BYTES, _MOST_BYTES = 8 << 20, 512 << 20
SSD_READS, HDD_READS = 1000.0, 300.0  # random reads a second: no disk that turns does as many; no other does as few
DIRECT, DROPPED, CACHED = "direct", "dropped from the page cache first", "through the page cache"


def bandwidth(last_cache: int | None, memory: int | None) -> float | None:
    """Return the bandwidth of the memory in bytes per second, from copies between arrays that no cache holds.

    A copy of n bytes moves 2 n: as STREAM counts it (McCalpin, 1995). One core does it, so a machine with more may
    have more. Both arrays together are twice the last cache, at most 512 MiB and an eighth of the memory; the median
    of up to five copies, after one that brings the pages in.
    """
    wanted = min(2 * (last_cache or _ASSUMED_CACHE), _MOST_BYTES, *([memory // 8] if memory else []))
    count = max(wanted, _LEAST_BYTES) // 2 // 8
    try:
        source, target = np.ones(count), np.empty(count)
    except MemoryError:
        return None
    np.copyto(target, source)
    rates: list[float] = []
    end = time.perf_counter() + _MEMORY_SECONDS
    while len(rates) < _COPIES and (not rates or time.perf_counter() < end):
        start = time.perf_counter()
        np.copyto(target, source)
        rates.append(2.0 * source.nbytes / (time.perf_counter() - start))
    return median(rates)


@dataclass(frozen=True, slots=True)
class StorageSpeed:
    """How fast a folder's storage reads: in order, and 4 KiB at random places one after another; None: unavailable."""

    sequential_read_bytes_per_second: float | None
    random_read_per_second: float | None
    how: str

    def document(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return asdict(self)

    def kind(self) -> str:
        """Judge the kind of storage by the random reads, where they were the device's own."""
        if self.random_read_per_second is None or self.how == CACHED:
            return "unknown"
        if self.random_read_per_second >= SSD_READS:
            return "ssd"
        return "hdd" if self.random_read_per_second < HDD_READS else "unknown"


def storage_speed(folder: Path, *, in_memory: bool = False) -> StorageSpeed:
    """Measure the storage of a folder with a file of up to 64 MiB, which is gone afterwards, whatever happens.

    The file is read past the page cache where the system allows that, else after it was dropped from there; `how`
    says it, and says why where nothing could be measured. `in_memory` is of a file system that is in memory.
    """
    try:
        # it has no name, or loses it at once: a process that is killed leaves nothing behind
        with tempfile.TemporaryFile(dir=folder, prefix=".exact-change-speed-", buffering=0) as file:
            size = _fill(file.fileno())
            with _opened(file.fileno(), in_memory) as (reader, how):
                return StorageSpeed(_in_order(reader, size), _at_random(reader, size, how), how)
    except (OSError, AttributeError) as error:  # an attribute of os that this system does not have
        why = getattr(error, "strerror", None) or error
        return StorageSpeed(None, None, f"could not be measured ({why})")


def _fill(file: int) -> int:
    """Write blocks that can't be compressed, each through to the device, as far as the time goes; return the bytes."""
    noise = random.Random(0)  # noqa: S311 - no secret
    end, size = time.perf_counter() + _WRITE_SECONDS, 0
    while size < _FILE_BYTES and (not size or time.perf_counter() < end):
        block = noise.randbytes(_BLOCK)
        while block:
            block = block[os.write(file, block) :]
        os.fsync(file)
        size += _BLOCK
    return size


@contextmanager
def _opened(file: int, in_memory: bool) -> Iterator[tuple[int, str]]:
    """Open a file once more, to be read past the page cache; tell how it can be."""
    try:
        if not hasattr(os, "O_DIRECT") or in_memory:
            raise OSError
        reader = os.open(f"/proc/self/fd/{file}", os.O_RDONLY | os.O_DIRECT)
        how = DIRECT
        with mmap.mmap(-1, _PAGE) as page:
            os.preadv(reader, [page], 0)  # some file systems refuse only here
    except OSError:
        reader, how = os.dup(file), CACHED
        if hasattr(os, "posix_fadvise") and not in_memory:
            os.posix_fadvise(reader, 0, 0, os.POSIX_FADV_DONTNEED)
            how = DROPPED
    try:
        yield reader, how
    finally:
        os.close(reader)


def _in_order(reader: int, size: int) -> float:
    end, done = time.perf_counter() + _READ_SECONDS, 0
    with mmap.mmap(-1, _BLOCK) as block:  # aligned to a page, as reading directly asks for
        block[:] = bytes(_BLOCK)  # brings its pages in
        start = time.perf_counter()
        while done < size and (not done or time.perf_counter() < end):
            done += os.preadv(reader, [block], done)
        return done / (time.perf_counter() - start)


def _at_random(reader: int, size: int, how: str) -> float:
    """Read pages at random places, each once."""
    if how == DROPPED:
        os.posix_fadvise(reader, 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(reader, 0, 0, os.POSIX_FADV_RANDOM)
    places = list(range(0, size, _PAGE))
    random.Random(0).shuffle(places)  # noqa: S311 - no secret, and the same order every time
    done, start = 0, time.perf_counter()
    with mmap.mmap(-1, _PAGE) as page:
        for place in places:
            os.preadv(reader, [page], place)
            done += 1
            if time.perf_counter() - start > _RANDOM_SECONDS:
                break
    return done / (time.perf_counter() - start)
