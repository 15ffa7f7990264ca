"""What a run reads, and how long it waits: from the kernel's own accounts of this process."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Any

from optimizer.subject import Session, Subject

_NAMES = {
    "rchar": "read_bytes",
    "wchar": "written_bytes",
    "syscr": "read_calls",
    "syscw": "write_calls",
    "read_bytes": "device_read_bytes",
    "write_bytes": "device_written_bytes",
}
_BLOCK_DELAY = 41  # of /proc/self/stat, counted from 0: proc(5), delayacct_blkio_ticks


def profile_reading(subject: Subject, session: Session, job: dict[str, Any]) -> dict[str, Any]:
    """Load and run a scenario once, and tell what that read, from where, and how long it waited.

    The kernel is asked to drop the data file from its cache before, so that what comes from the device shows; where
    it does not, as for a file in memory, the device is read 0 bytes. What is mapped into memory and not read through
    calls shows in the major faults.
    """
    session.prepare(job["scenario"])()  # code that is loaded on the first run is not data
    data = Path(job["data"])
    _drop_from_cache(data)
    before, faults, clock = _accounts(), resource.getrusage(resource.RUSAGE_SELF), (time.perf_counter(), _cpu())
    loaded = subject.load(job["build"], data, job["on_bad_bars"])
    at_load, load_seconds, load_cpu = _accounts(), time.perf_counter() - clock[0], _cpu() - clock[1]
    loaded.prepare(job["scenario"])()
    after, faults_after = _accounts(), resource.getrusage(resource.RUSAGE_SELF)
    wall, cpu = time.perf_counter() - clock[0], _cpu() - clock[1]
    found: dict[str, Any] = {name: _less(after, before, name) for name in (*_NAMES.values(), "wait_seconds")}
    return {
        "io": found
        | {
            "load_read_bytes": _less(at_load, before, "read_bytes"),
            "load_read_calls": _less(at_load, before, "read_calls"),
            "major_faults": faults_after.ru_majflt - faults.ru_majflt,
            "minor_faults": faults_after.ru_minflt - faults.ru_minflt,
            "waits": faults_after.ru_nvcsw - faults.ru_nvcsw,
            "load_seconds": load_seconds,
            "load_off_cpu_seconds": max(0.0, load_seconds - load_cpu),
            "wall_seconds": wall,
            "off_cpu_seconds": max(0.0, wall - cpu),
            "data_bytes": data.stat().st_size,
        }
    }


def _cpu() -> float:
    return time.process_time()


def _less(after: dict[str, float], before: dict[str, float], name: str) -> float | None:
    return after[name] - before[name] if name in after and name in before else None


def _drop_from_cache(path: Path) -> None:
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())  # only what is written down can be dropped
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _accounts() -> dict[str, float]:
    """Return what the kernel has counted for this process; without what it does not count here."""
    found: dict[str, float] = {}
    try:
        for line in Path("/proc/self/io").read_text().splitlines():
            name, _, value = line.partition(": ")
            if name in _NAMES:
                found[_NAMES[name]] = int(value)
    except OSError:
        pass
    try:
        if Path("/proc/sys/kernel/task_delayacct").read_text().strip() == "1":  # else it counts no delays
            fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
            found["wait_seconds"] = int(fields[_BLOCK_DELAY - 2]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        pass
    return found
