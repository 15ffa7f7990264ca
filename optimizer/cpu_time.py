"""The processor time of a process with all that it has started."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_PARENT = 1  # in /proc/PID/stat, after the name in brackets: see man 5 proc


def others_ns() -> int:
    """Return the time used by the processes that this one has started, and those by them, in nanoseconds.

    Those that still run, as the workers of a sweep do, are read by their clocks, which takes Linux, whatever session
    they are in; those that have ended and were waited for, by what the system has added up for this process.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((ended.ru_utime + ended.ru_stime) * 1e9) + sum(running_ns().values())


def running_ns() -> dict[int, int]:
    """Return the time used by each process below this one that still runs, in nanoseconds, by its number."""
    return {pid: _clock_ns(pid) for pid in _running()}


def _running() -> list[int]:
    """Return the processes that descend from this one."""
    children: dict[int, list[int]] = {}
    for path in _PROC.iterdir() if _PROC.is_dir() else ():
        if path.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                fields = (path / "stat").read_text(errors="replace").rpartition(")")[2].split()
                children.setdefault(int(fields[_PARENT]), []).append(int(path.name))
    found: list[int] = []
    wanted = [os.getpid()]
    while wanted:
        new = children.get(wanted.pop(), [])
        found += new
        wanted += new
    return found


def _clock_ns(pid: int) -> int:
    """Return the time that another process has used; its clock has the number that Linux gives it for its pid."""
    with suppress(OSError):  # it has ended meanwhile: then it counts among those
        return time.clock_gettime_ns((~pid << 3) | 2)  # as clock_getcpuclockid(3) has it
    return 0
