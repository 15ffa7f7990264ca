"""How the engine uses the machine: engine/settings.toml, and what "auto" stands for in it.

No setting reaches a result: they say how many work, how much is kept, and how it is read. This is the one place
where they are derived from a machine; the optimizer asks here through the Subject protocol.
"""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import InputError
from engine.machine import Machine, this_machine

FILE = Path(__file__).with_name("settings.toml")
AUTO = "auto"
MEMORY_SHARE = 0.3  # of the memory that may really be used, for what is kept
LEAST_TO_MAP = 1 << 30  # bytes of memory below which mapped pages would be dropped and read again
_ROW_BYTES = 56  # a bar: seven columns of eight bytes
_ASSUMED_CACHE = 8 << 20  # bytes of a last cache whose size is not known
_ASSUMED_MEMORY = 4 << 30
_LEAST_ROWS, _MOST_ROWS = 1 << 10, 1 << 20
_REMOTE = ("nfs", "cifs", "smb", "9p", "fuse", "ceph", "glusterfs", "lustre", "afs", "virtiofs", "vboxsf")


@dataclass(frozen=True, slots=True)
class MachineSettings:
    """How the engine uses a machine; `why` has a sentence for each."""

    workers: int
    chunk_rows: int
    cache_bytes: int
    io: str  # ssd or hdd
    mmap: bool
    why: Mapping[str, str] = field(default_factory=dict)


def derived(machine: Machine, symbols: int | None = None) -> MachineSettings:
    """Return the settings of a machine, for a market of so many symbols where that is known.

    - workers: three quarters of the cores that may be used, a half rounded up; no more than symbols; at least 1.
    - chunk_rows: the largest power of two for which a chunk of bars (56 bytes each) of every worker at once fits
      into half of the last cache, and into a hundredth of the memory; 1,024 to 1,048,576.
    - cache_bytes: 30 % of the memory that may be used: what is available, or the control group's limit if less.
    - io: hdd where the disk says that it turns, else ssd.
    - mmap: where the file system is not remote and at least 1 GiB of memory may be used.
    """
    workers, workers_why = _workers(machine, symbols)
    known = [one for one in (machine.memory_available_bytes, machine.memory_limit_bytes) if one is not None]
    memory = min(known, default=_ASSUMED_MEMORY)
    limited = memory == machine.memory_limit_bytes
    of_memory = f"{_size(memory)} of memory" + (
        ", which the control group allows" if limited else " available" if known else ", assumed: it can't be read"
    )
    rows, rows_why = _chunk_rows(machine.last_cache_bytes, memory, workers)
    turns = machine.storage == "hdd"
    remote = machine.filesystem is not None and machine.filesystem.startswith(_REMOTE)
    return MachineSettings(
        workers=workers,
        chunk_rows=rows,
        cache_bytes=int(MEMORY_SHARE * memory),
        io="hdd" if turns else "ssd",
        mmap=not remote and memory >= LEAST_TO_MAP,
        why={
            "workers": workers_why,
            "chunk_rows": rows_why,
            "cache_bytes": f"{MEMORY_SHARE:.0%} of {of_memory}, so that what is kept can stay in memory",
            "io": "the disk turns: files are read ahead, whole and in order"
            if turns
            else f"the storage is {machine.storage}: files are read where they are touched",
            "mmap": f"the file system is remote ({machine.filesystem}): files are read once, into memory"
            if remote
            else f"{of_memory}: mapped pages can stay, and processes share them"
            if memory >= LEAST_TO_MAP
            else f"{of_memory}, less than {_size(LEAST_TO_MAP)}: mapped pages would be dropped and read again",
        },
    )


def _workers(machine: Machine, symbols: int | None) -> tuple[int, str]:
    limited = machine.cpu_limit is not None and machine.cpu_limit < machine.cores
    cores = machine.cpu_limit if machine.cpu_limit is not None and limited else machine.cores
    most = int(0.75 * cores + 0.5)
    whose = f"{cores:g} {'core' if cores == 1 else 'cores'}" + (" that the control group allows" if limited else "")
    if symbols is not None and symbols < most:
        return max(1, symbols), f"one a symbol: fewer than 0.75 of {whose}"
    return max(1, most), f"0.75 of {whose}, a half rounded up: the process that asks and the system need some, too"


def _chunk_rows(cache: int | None, memory: int, workers: int) -> tuple[int, str]:
    room = min((cache or _ASSUMED_CACHE) // 2, memory // 100) // (_ROW_BYTES * workers)
    rows = min(max(1 << max(room, 1).bit_length() - 1, _LEAST_ROWS), _MOST_ROWS)
    said = f"a last cache of {_size(cache)}" if cache else f"a last cache of {_size(_ASSUMED_CACHE)}, assumed"
    many = f"{workers} worker" + ("s" if workers > 1 else "")
    return rows, f"a chunk of bars of each of {many} in half of {said}, at most {_MOST_ROWS:,}"


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 1 << 30 else f"{count / 2**20:.1f} MiB"


class _Kind(NamedTuple):
    fits: Callable[[Any], bool]
    needed: str


_KINDS: Mapping[str, _Kind] = {
    "workers": _Kind(lambda value: type(value) is int and value >= 1, "a whole number, 1 or more"),
    "chunk_rows": _Kind(lambda value: type(value) is int and value >= 1, "a whole number, 1 or more"),
    "cache_bytes": _Kind(lambda value: type(value) is int and value >= 0, "a whole number of bytes, 0 or more"),
    "io": _Kind(lambda value: value in ("ssd", "hdd"), '"ssd" or "hdd"'),
    "mmap": _Kind(lambda value: type(value) is bool, "true or false"),
}


def checked(values: Mapping[str, Any], where: object) -> dict[str, Any]:
    """Return settings as a file names them, without those that are "auto".

    Raises:
        InputError: for a setting that is not known, or is of the wrong kind.
    """
    if unknown := [name for name in values if name not in _KINDS]:
        raise InputError(f"unknown setting {unknown[0]!r}", where=where, hint=f"Choose from {', '.join(_KINDS)}")
    for name, value in values.items():
        if value != AUTO and not _KINDS[name].fits(value):
            raise InputError(f"{name} is {value!r}", where=where, hint=f'Needed: {_KINDS[name].needed}, or "auto"')
    return {name: value for name, value in values.items() if value != AUTO}


def settings(folder: Path | None = None) -> MachineSettings:
    """Return the settings, those that are "auto" derived from this machine; `folder` is where the caches are.

    The file is EXACT_CHANGE_SETTINGS, or engine/settings.toml; it is read again where it was written to.

    Raises:
        InputError: where it can't be read, or has what it should not.
    """
    named = os.environ.get("EXACT_CHANGE_SETTINGS")  # exact: how many work and what is kept, no values
    file = Path(named) if named else FILE
    try:
        written = file.stat().st_mtime_ns  # exact: whether it is read again
    except OSError as error:
        hint = "EXACT_CHANGE_SETTINGS names a file like engine/settings.toml" if named else "It comes with the engine"
        raise InputError(f"can't be read ({error.strerror})", where=file, hint=hint) from error
    return _settings(file, written, folder)


@lru_cache(maxsize=16)  # exact: how many work and what is kept, no values
def _settings(file: Path, written: int, folder: Path | None) -> MachineSettings:  # noqa: ARG001 - `written` is a key
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"can't be read ({error})", where=file, hint="It is TOML, a line a setting") from error
    given = checked(values, file)
    own = derived(this_machine(folder))
    return replace(own, **given, why={**own.why, **dict.fromkeys(given, f"{file.name} says so")})


def write(values: Mapping[str, Any], file: Path = FILE) -> None:
    """Put settings into the file, whose comments and other settings stay; other keys, such as `why`, are left out.

    Raises:
        InputError: where the file can't be read or written, or a value is of the wrong kind.
    """
    import tomlkit  # for this alone, and it takes its time

    chosen = {name: values[name] for name in _KINDS if name in values}
    checked(chosen, file)
    try:
        document = tomlkit.parse(file.read_text(encoding="utf-8"))
        for name, value in chosen.items():
            document[name] = value
        _put(file, tomlkit.dumps(document))
    except (OSError, ValueError) as error:
        raise InputError(f"can't be written ({error})", where=file, hint="It is TOML, a line a setting") from error


def as_document(chosen: MachineSettings) -> dict[str, Any]:
    """Return settings as JSON has them."""
    return asdict(chosen)


def _put(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
