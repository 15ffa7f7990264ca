"""What `optimize hardware` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from optimizer.machine_settings import NAMES

_NONE = "unavailable"


def machine_lines(profile: Mapping[str, Any]) -> Iterator[str]:
    """Yield the machine in lines: what was not measured is left out, what can't be read is "unavailable"."""
    for name, text in _rows(profile):
        yield f"{name:<19}{text}"


def _rows(profile: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    limit, physical = profile["cpu_limit"], profile["physical_cores"]
    cores = f"{profile['cores']} logical, {_NONE if physical is None else physical} physical"
    yield "processor", profile["cpu"]
    yield "cores", cores + (f"; the control group allows {limit:g}" if limit is not None else "")
    yield "caches", ", ".join(f"{name} {size(bytes_)}" for name, bytes_ in profile["caches"].items())
    mhz = profile["frequency_mhz"]
    yield "frequency, MHz", ", ".join(f"{name} {_NONE if one is None else one}" for name, one in mhz.items())
    yield "SIMD level", profile["simd"]
    memory = f"{size(profile['memory_bytes'])}, {size(profile['memory_available_bytes'])} available"
    limited = profile["memory_limit_bytes"]
    yield "memory", memory + (f"; the control group allows {size(limited)}" if limited is not None else "")
    yield "swap", size(profile["swap_bytes"])
    if (rate := profile["bandwidth_bytes_per_second"]) is not None:
        yield "memory bandwidth", f"{size(rate)}/s, one core copying"
    storage = profile["storage"]
    yield "storage", f"{storage['kind']}, file system {storage['filesystem'] or _NONE}"
    if storage["how"] is not None:
        yield "storage read", _read(storage)
    yield "system", profile["system"]
    yield "versions", ", ".join(f"{name} {one}" for name, one in profile["versions"].items())
    yield "fingerprint", f"machine {profile['machine']}, with versions {profile['fingerprint']}"


def _read(storage: Mapping[str, Any]) -> str:
    in_order, at_random = storage["sequential_read_bytes_per_second"], storage["random_read_per_second"]
    if in_order is None or at_random is None:
        return str(storage["how"])
    return f"{size(in_order)}/s in order, {at_random:,.0f} reads/s of 4 KiB at random; {storage['how']}"


def settings_lines(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the settings in lines, each with its reason."""
    for name in NAMES:
        yield f"{name:<12} = {setting(settings[name]):<12} # {settings['why'][name]}"


def setting(value: object) -> str:
    """Return a setting as the file has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def kinds_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what to expect of each kind of machine."""
    for row in rows:
        has, mark = row["assumed"], " (the kind of this machine)" if row["here"] else ""
        yield f"{row['kind']}{mark}: {has['cores']} cores, {size(has['memory_bytes'])}, storage {has['storage']}"
        if row["settings"]:
            yield "  " + ", ".join(f"{name} {setting(row['settings'][name])}" for name in NAMES)
        for one in row["figures"]:
            yield f"  {one['name']}: {_value(one['value'], one['unit'])}, {one['basis']} ({one['how']})"


def _value(value: float, unit: str) -> str:
    if unit in ("bytes", "bytes/s"):
        return size(value) + unit.removeprefix("bytes")
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def size(count: float | None) -> str:
    """Return bytes with a fitting unit."""
    if count is None:
        return _NONE
    for unit, one in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= one:
            return f"{count / one:.4g} {unit}"
    return f"{count:.0f} bytes"
