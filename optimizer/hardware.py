"""What machine a measurement was made on, as far as it can be read without being root."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_LIBRARIES = ("numpy", "polars", "numba")


def hardware_profile() -> dict[str, object]:
    """Return the machine: processor, cores, memory, system and versions, with a fingerprint of them."""
    profile: dict[str, object] = {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "simd": _simd(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    profile |= {name: _version(name) for name in _LIBRARIES}
    profile["fingerprint"] = hashlib.sha256(repr(sorted(profile.items())).encode()).hexdigest()[:12]
    return profile


def hardware_line(profile: dict[str, object]) -> str:
    """Return the machine on one line."""
    memory = profile["memory_bytes"]
    size = f"{memory / 2**30:.0f} GiB" if isinstance(memory, int) else "memory unavailable"
    versions = ", ".join(f"{name} {profile[name]}" for name in ("python", *_LIBRARIES))
    return f"{profile['cpu']}, {profile['cores']} cores, {size}, {profile['simd']}, {profile['system']}; {versions}"


def _cpuinfo() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    pairs = (line.partition(":") for line in path.read_text().split("\n\n")[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _cpu_model() -> str:
    return _cpuinfo().get("model name") or platform.processor() or "unavailable"


def _simd() -> str:
    flags = _cpuinfo().get("flags", "").split()
    return next((name for name in ("avx512f", "avx2", "avx", "sse2") if name in flags), "SIMD level unavailable")


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unavailable"
