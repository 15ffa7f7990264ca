"""Telling a process that waits for ever from one that works.

A library whose threads can't be had, for want of memory, may wait for them without end: no crash, and no error. Its
threads may look again and again whether there is anything to do, so that a little processor time proves nothing.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_SECONDS = 15.0
_LEAST_SHARE = 0.02  # of one core: less is no work
_LEAST_BYTES = 1 << 16  # read and written within that time, which is work, too: the disk may be slow


class Work(NamedTuple):
    """What a process and its living descendants have done so far: processor time, and bytes read and written."""

    seconds: float
    bytes: int


class Standstill:
    """Looks at a process again and again; a text when it, with all it has started, has long done next to nothing."""

    def __init__(self, pid: int, seconds: float = _SECONDS) -> None:
        self._pid = pid
        self._seconds = seconds
        self._seen = deque([(time.monotonic(), Work(0.0, 0))])

    def __call__(self) -> str:
        """Return what is told of it, or nothing while it works."""
        seen = self._seen
        seen.append((time.monotonic(), work_of(self._pid)))
        now, done = seen[-1]
        while now - seen[1][0] >= self._seconds:
            seen.popleft()
        since, before = seen[0]
        if now - since < self._seconds:
            return ""
        # less than before, where a child has ended
        worked = abs(done.seconds - before.seconds) > _LEAST_SHARE * (now - since)
        if worked or abs(done.bytes - before.bytes) > _LEAST_BYTES:
            return ""
        return f"stood still for {self._seconds:g} s"


def work_of(pid: int) -> Work:
    """Return what a process and its living descendants have done; nothing where none is alive."""
    found = [_own_work(one) for one in _with_descendants(pid)]
    return Work(sum(one.seconds for one in found), sum(one.bytes for one in found))


def _own_work(pid: int) -> Work:
    """Return what one process has done.

    Source: proc(5), fields 14 and 15 of /proc/PID/stat, in clock ticks, counted after the name in brackets; rchar and
    wchar of /proc/PID/io.
    """
    seconds, moved = 0.0, 0
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        lines = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
        moved = int(lines["rchar"]) + int(lines["wchar"])
    return Work(seconds, moved)


def _with_descendants(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _with_descendants(int(child))
