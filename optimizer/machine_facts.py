"""What the system tells of the machine: processor, caches, memory, limits, storage; read from Linux's /proc and /sys.

What can't be read, as on another system, is None. `root` is the folder that proc and sys are in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ROOT = Path("/")
_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}
_SIMD = ("avx512f", "avx2", "avx", "sse2", "sve2", "sve", "asimd", "neon")  # the widest of each family first
_UNLIMITED = 1 << 60  # bytes; version 1 of the control groups writes "no limit" as 2**63 less a page


def text_of(path: Path) -> str | None:
    """Return what a file says, None where it can't be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def number_of(path: Path) -> int | None:
    """Return the whole number that a file says, None where it says none."""
    text = text_of(path) or ""
    return int(text) if text.isdecimal() else None


def cpuinfo(root: Path = _ROOT) -> dict[str, str]:
    """Return what /proc/cpuinfo says of the first processor."""
    first = (text_of(root / "proc/cpuinfo") or "").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def simd(root: Path = _ROOT) -> str:
    """Return the widest vector instructions of the processor."""
    told = cpuinfo(root)
    flags = (told.get("flags") or told.get("Features") or "").split()
    return next((name for name in _SIMD if name in flags), "SIMD level unavailable")


def usable_cores() -> list[int]:
    """Return the numbers of the logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def physical_cores(cores: list[int], root: Path = _ROOT) -> int | None:
    """Return how many physical cores these logical ones are on."""
    found = set()
    for core in cores:
        topology = root / f"sys/devices/system/cpu/cpu{core}/topology"
        found.add((text_of(topology / "physical_package_id"), text_of(topology / "core_id")))
    return len(found) if found and not any(None in one for one in found) else None


def caches(root: Path = _ROOT) -> dict[str, int | None]:
    """Return the bytes of the processor's caches, as the first core has them: L1d, L1i, L2, L3."""
    sizes: dict[str, int | None] = dict.fromkeys(("L1d", "L1i", "L2", "L3"))
    for folder in sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (text_of(folder / name) or "" for name in ("level", "type", "size"))
        letter = {"Data": "d", "Instruction": "i"}.get(kind, "")
        if level and size[:-1].isdecimal() and size[-1:] in _UNITS:
            sizes[f"L{level}{letter}"] = int(size[:-1]) * _UNITS[size[-1]]
    return sizes


def frequency_mhz(root: Path = _ROOT) -> dict[str, int | None]:
    """Return the least, the greatest and the present frequency of the first core in MHz."""
    folder = root / "sys/devices/system/cpu/cpu0/cpufreq"
    names = {"min": "cpuinfo_min_freq", "max": "cpuinfo_max_freq", "current": "scaling_cur_freq"}
    found = {name: _thousandth(number_of(folder / file)) for name, file in names.items()}
    if found["current"] is None:
        whole = cpuinfo(root).get("cpu MHz", "").partition(".")[0]
        found["current"] = int(whole) if whole.isdecimal() else None
    return found


def _thousandth(number: int | None) -> int | None:
    return None if number is None else number // 1000


def memory(root: Path = _ROOT) -> dict[str, int | None]:
    """Return what /proc/meminfo says in bytes: memory, what is available of it, swap space."""
    lines = (line.partition(":") for line in (text_of(root / "proc/meminfo") or "").splitlines())
    told = {name: int(value.split()[0]) * 1024 for name, _, value in lines if value.split()[:1]}
    return {
        "memory_bytes": told.get("MemTotal") or _physical_memory(),
        "memory_available_bytes": told.get("MemAvailable"),
        "swap_bytes": told.get("SwapTotal"),
    }


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def memory_limit(root: Path = _ROOT) -> int | None:
    """Return the bytes that the control groups of this process allow: the least of its own and those above."""
    groups = [(folder, "memory.max") for folder in _groups(root, "")]
    groups += [(folder, "memory.limit_in_bytes") for folder in _groups(root, "memory")]
    limits = [limit for folder, name in groups if (limit := number_of(folder / name)) is not None]
    return min((limit for limit in limits if limit < _UNLIMITED), default=None)


def cpu_limit(root: Path = _ROOT) -> float | None:
    """Return the cores' worth of time that the control groups of this process allow."""
    pairs = [(text_of(folder / "cpu.max") or "").split() for folder in _groups(root, "")]
    pairs += [
        [text_of(folder / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
        for folder in _groups(root, "cpu")
    ]
    known = [int(pair[0]) / int(pair[1]) for pair in pairs if len(pair) == 2 and all(map(str.isdecimal, pair))]
    return min((limit for limit in known if limit > 0), default=None)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's control group and those above it; no controller: of version 2."""
    for line in (text_of(root / "proc/self/cgroup") or "").splitlines():
        controllers, _, place = line.partition(":")[2].partition(":")
        if not (controllers == "" if controller == "" else controller in controllers.split(",")):
            continue
        bases = ("", "unified") if controller == "" else (controller, controllers)
        group = Path(place.lstrip("/"))
        for base in bases:
            for one in (group, *group.parents):  # a path of another namespace is not there; the top is
                yield root / "sys/fs/cgroup" / base / one


def storage(folder: Path, root: Path = _ROOT) -> dict[str, Any]:
    """Return what holds a folder, or will: `kind` (ssd, hdd or unknown) and `filesystem` (its type or None)."""
    real = Path(os.path.realpath(folder))
    best: tuple[int, str, str, str] | None = None
    for line in (text_of(root / "proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) < 5 or len(rest) < 2:
            continue
        point = Path(fields[4].replace("\\040", " "))
        if real.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = len(point.parts), fields[2], rest[0], rest[1]
    if best is None:
        return {"kind": "unknown", "filesystem": None}
    _, number, filesystem, source = best
    device = root / "sys/dev/block" / number
    if not device.exists() and source.startswith("/dev/"):
        device = root / "sys/class/block" / Path(source).name  # btrfs has no device number of its own
    return {"kind": _kind(device.resolve()), "filesystem": filesystem}


def _kind(device: Path) -> str:
    for folder in (device, device.parent):  # a partition has the flag of its disk
        flag = text_of(folder / "queue/rotational")
        if flag in ("0", "1"):
            virtual = folder.name.startswith(("vd", "xvd"))  # they say that they turn where nobody said otherwise
            return "ssd" if flag == "0" else "unknown" if virtual else "hdd"
    return "unknown"
