"""Telling a process that waits for ever from one that works.

A library whose threads can't be had, for want of memory, may wait for them without end: no crash, and no error.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

_SECONDS = 15.0
_LEAST_CPU_SECONDS = 0.05  # within that time; an allocator's own threads take a little, whatever happens


class Standstill:
    """Looks at a process again and again; a text when it, with all it has started, has long taken no processor time."""

    def __init__(self, pid: int, seconds: float = _SECONDS) -> None:
        self._pid = pid
        self._seconds = seconds
        self._since, self._cpu = time.monotonic(), 0.0

    def __call__(self) -> str:
        """Return what is told of it, or nothing while it works."""
        now, cpu = time.monotonic(), cpu_seconds(self._pid)
        if abs(cpu - self._cpu) > _LEAST_CPU_SECONDS:  # less of it, where a child has ended
            self._since, self._cpu = now, cpu
        return f"stood still for {self._seconds:g} s" if now - self._since > self._seconds else ""


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its living descendants, in seconds; 0 where none is alive.

    Source: proc(5), fields 14 and 15 of /proc/PID/stat, in clock ticks, counted after the name in brackets.
    """
    total = 0.0
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(cpu_seconds(int(child)) for child in (task / "children").read_text().split())
    return total
