"""The processor time of a process with all that it has started."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_SESSION = 3  # in /proc/PID/stat, after the name in brackets: see man 5 proc


def others_ns() -> int:
    """Return the time used by the other processes of this process's session, in nanoseconds.

    Those that still run, as the workers of a sweep do, are read by their clocks, which takes Linux; those that have
    ended and were waited for, by what the system has added up for this process. Where this process does not lead a
    session of its own, as one that was started by hand, only the ended ones count.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((ended.ru_utime + ended.ru_stime) * 1e9) + sum(_clock_ns(pid) for pid in _running())


def _running() -> list[int]:
    """Return the other processes of the session that this process leads."""
    own = os.getpid()
    if os.getsid(0) != own or not _PROC.is_dir():
        return []
    found = []
    for path in _PROC.iterdir():
        if not path.name.isdigit() or int(path.name) == own:
            continue
        with suppress(OSError):  # it has ended meanwhile
            fields = (path / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[_SESSION]) == own:
                found.append(int(path.name))
    return found


def _clock_ns(pid: int) -> int:
    """Return the time that another process has used; its clock has the number that Linux gives it for its pid."""
    with suppress(OSError):  # it has ended meanwhile: then it counts among those
        return time.clock_gettime_ns((~pid << 3) | 2)  # as clock_getcpuclockid(3) has it
    return 0
