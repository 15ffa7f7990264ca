"""What the engine's settings are derived from: the cores, the memory and the storage that this process may use.

Read from Linux's /proc and /sys; what can't be read there, as on another system, is None or "unknown". None of it
reaches a result: it says how many work, where bytes are kept and how they are read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/")
_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as a process sees it; None is what can't be read."""

    cores: int  # that this process may run on
    cpu_limit: float | None = None  # of the control group, in cores
    memory_available_bytes: int | None = None
    memory_limit_bytes: int | None = None  # of the control group
    last_cache_bytes: int | None = None  # of the processor's last level
    storage: str = "unknown"  # ssd, hdd or unknown: what holds the caches
    filesystem: str | None = None  # its type, such as ext4


def this_machine(folder: Path | None = None, root: Path = _ROOT) -> Machine:
    """Return this machine, with the storage that holds a folder; `root` is where its proc and sys are."""
    device, filesystem = (None, None) if folder is None else _mount_of(folder, root)
    return Machine(
        cores=_cores(),
        cpu_limit=_cpu_limit(root),
        memory_available_bytes=_memory_available(root),
        memory_limit_bytes=_least(_limits(root, "memory", "memory.max", "memory.limit_in_bytes")),
        last_cache_bytes=_last_cache(root),
        storage=_storage(device, root),
        filesystem=filesystem,
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))  # exact: how many work, never how additions are grouped
    return os.cpu_count() or 1  # exact: as above


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _limits(root: Path, controller: str, name: str, name_v1: str) -> Iterator[str]:
    """Yield what a limit says in each control group from that of this process upwards, of either version."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        controllers, _, place = line.partition(":")[2].partition(":")
        if not controllers:
            bases, file = ("sys/fs/cgroup", "sys/fs/cgroup/unified"), name
        elif controller in controllers.split(","):
            bases, file = (f"sys/fs/cgroup/{controllers}", f"sys/fs/cgroup/{controller}"), name_v1
        else:
            continue
        group = Path(place.lstrip("/"))
        for folder in (group, *group.parents):  # the path may be that of another namespace: then only the top is there
            yield from filter(None, (_text(root / base / folder / file) for base in bases))


def _least(limits: Iterator[str]) -> int | None:
    """Return the least of the limits of memory; version 1 writes none as 2**63 less a page."""
    known = [int(limit) for limit in limits if limit.isdecimal() and int(limit) < 1 << 60]
    return min(known, default=None)


def _cpu_limit(root: Path) -> float | None:
    periods = list(_limits(root, "cpu", "", "cpu.cfs_period_us"))
    quotas = list(_limits(root, "cpu", "cpu.max", "cpu.cfs_quota_us"))
    pairs = [quota.split() if " " in quota else [quota, *periods[:1]] for quota in quotas]
    known = [int(pair[0]) / int(pair[1]) for pair in pairs if len(pair) == 2 and all(map(str.isdecimal, pair))]
    return min((limit for limit in known if limit > 0), default=None)


def _memory_available(root: Path) -> int | None:
    """Return the bytes that can be had without swapping; where only the size of the memory is known, that."""
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _last_cache(root: Path) -> int | None:
    """Return the size of the processor's last cache: that of the highest level."""
    sizes = {}
    for folder in sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*")):
        size = _text(folder / "size")
        if size[:-1].isdecimal() and size[-1:] in _UNITS and _text(folder / "type") != "Instruction":
            sizes[_text(folder / "level")] = int(size[:-1]) * _UNITS[size[-1]]
    return sizes[max(sizes)] if sizes else None


def _mount_of(folder: Path, root: Path) -> tuple[Path | None, str | None]:
    """Return the device and the type of the file system that hold a folder, or will: of the mount nearest above it."""
    real = Path(os.path.realpath(folder))
    found: tuple[Path | None, str | None] = (None, None)
    longest = 0
    for line in _text(root / "proc/self/mountinfo").splitlines():
        before, _, after = (part.split() for part in line.partition(" - "))
        if len(before) < 5 or len(after) < 2:
            continue
        place = Path(before[4].replace("\\040", " "))
        if real.is_relative_to(place) and len(place.parts) >= longest:
            device = root / "sys/dev/block" / before[2]
            if not device.exists():
                device = root / "sys/class/block" / Path(after[1]).name  # btrfs has no number of its own
            longest, found = len(place.parts), (device, after[0])
    return found


def _storage(device: Path | None, root: Path) -> str:
    """Return ssd or hdd by the flag of the disk, or of the disk that the partition is on.

    A virtual disk says that it turns where nobody told it otherwise: that is not known.
    """
    if device is None or device == root / "sys/class/block":
        return "unknown"
    place = device.resolve()
    for folder in (place, place.parent):
        if (flag := _text(folder / "queue/rotational")) in ("0", "1"):
            turns = "unknown" if folder.name.startswith(("vd", "xvd")) else "hdd"
            return turns if flag == "1" else "ssd"
    return "unknown"
