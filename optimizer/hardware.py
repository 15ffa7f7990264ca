"""What machine a measurement was made on, as far as it can be read without being root."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from optimizer import machine_facts as facts
from optimizer.machine_speed import bandwidth, storage_speed

_LIBRARIES = ("numpy", "polars", "numba")
_MORE_LIBRARIES = ("llvmlite", "pyarrow")
_OF_THE_MACHINE = ("cpu", "cores", "physical_cores", "caches", "simd", "cpu_limit", "memory_limit_bytes", "system")
UNAVAILABLE = "unavailable"


def hardware_profile(measure: bool = False, folder: Path | None = None) -> dict[str, Any]:
    """Return the machine: processor, cores, memory, storage, system and versions, with fingerprints.

    Args:
        measure: take the bandwidth of the memory and the speed of the storage as well, which takes up to 4 s;
            without, they are None.
        folder: what storage is told of; the current folder if not given, which is then not measured.

    Returns:
        Bytes, bytes per second, MHz. What can't be read is None, or "unavailable" where it is text. `machine` is
        the fingerprint of the hardware and its limits alone, `fingerprint` that with all versions.
    """
    cores = facts.usable_cores()
    profile: dict[str, Any] = {
        "cpu": _cpu_model(),
        "cores": len(cores),
        "physical_cores": facts.physical_cores(cores),
        "caches": facts.caches(),
        "frequency_mhz": facts.frequency_mhz(),
        "simd": facts.simd(),
        **facts.memory(),
        "memory_limit_bytes": facts.memory_limit(),
        "cpu_limit": facts.cpu_limit(),
        "bandwidth_bytes_per_second": None,
        "storage": facts.storage(folder or Path.cwd()) | dict.fromkeys(_MEASURED_OF_STORAGE),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in _LIBRARIES},
    }
    profile["versions"] = _versions()
    profile["machine"] = _machine(profile)
    profile["fingerprint"] = _digest([profile["machine"], profile["versions"]])
    if measure:
        _measure(profile, folder)
    return profile


_MEASURED_OF_STORAGE = ("sequential_read_bytes_per_second", "random_read_per_second", "how")


def _measure(profile: dict[str, Any], folder: Path | None) -> None:
    """Add what is measured; a kind of storage that the system does not tell is judged by it."""
    room = [profile[name] for name in ("memory_available_bytes", "memory_limit_bytes") if profile[name]]
    profile["bandwidth_bytes_per_second"] = bandwidth(
        max(filter(None, profile["caches"].values()), default=None), min(room, default=None)
    )
    if folder is not None:
        found = storage_speed(folder, in_memory=profile["storage"]["filesystem"] in ("tmpfs", "ramfs"))
        kind = found.kind() if profile["storage"]["kind"] == "unknown" else profile["storage"]["kind"]
        profile["storage"] |= found.document() | {"kind": kind}


def hardware_line(profile: Mapping[str, Any]) -> str:
    """Return the machine on one line."""
    memory = profile["memory_bytes"]
    size = f"{memory / 2**30:.0f} GiB" if isinstance(memory, int) else "memory unavailable"
    versions = ", ".join(f"{name} {profile[name]}" for name in ("python", *_LIBRARIES))
    return f"{profile['cpu']}, {profile['cores']} cores, {size}, {profile['simd']}, {profile['system']}; {versions}"


def _machine(profile: Mapping[str, Any]) -> str:
    """Return the fingerprint of the hardware: what stays when the system is updated or other processes run."""
    memory = profile["memory_bytes"]
    gibibytes = None if memory is None else round(memory / 2**30)  # systems keep some of it for themselves
    return _digest([gibibytes, *(profile[name] for name in _OF_THE_MACHINE)])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def _cpu_model() -> str:
    return facts.cpuinfo().get("model name") or platform.processor() or UNAVAILABLE


def _versions() -> dict[str, str]:
    """Return the versions of all that can change a speed or a bit."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: _version(name) for name in (*_LIBRARIES, *_MORE_LIBRARIES)},
        "blas": _blas(),
        "kernel": f"{platform.system()} {platform.release()}",
        "libc": _libc(),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return UNAVAILABLE


def _blas() -> str:
    """Return the BLAS that NumPy was built with."""
    try:
        import numpy as np

        config: Any = np.show_config(mode="dicts")
        blas = config["Build Dependencies"]["blas"]
        return f"{blas['name']} {blas['version']}"
    except (ImportError, KeyError, TypeError):
        return UNAVAILABLE


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or UNAVAILABLE
    except (AttributeError, ValueError, OSError):
        return UNAVAILABLE
