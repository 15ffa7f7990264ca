"""Limits under which the engine's processes run: so much memory, so many cores.

The limit of memory is Linux's `RLIMIT_DATA`: what a process has asked the system to hold for it alone, touched or not,
without the files and the code that it maps. It holds for each process, also for those that the engine starts itself,
and not for all of them together. Source: getrlimit(2), which has it cover private writable mappings since Linux 4.7.

Run as `python -m optimizer.limits LIMITS COMMAND...`, it sets the limits for itself and then becomes the command: what
is imported there is under them from its first line on.
"""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer.errors import InputError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_TEXTS = ("No space left on device", "Disk quota exceeded", "File too large")
_MEMORY_TEXTS = (
    "memoryerror",
    "memory allocation",  # of Rust, and of OpenBLAS
    "bad_alloc",
    "cannot allocate memory",
    "out of memory",
    "failed to map segment",
    "can't start new thread",
    "thread creation failed",
)


@dataclass(frozen=True)
class Limits:
    """The memory that each process may ask for, in bytes, and the cores that all share; None is all there is."""

    memory_bytes: int | None = None
    cores: int | None = None

    def __bool__(self) -> bool:
        """Whether anything is limited."""
        return self.memory_bytes is not None or self.cores is not None

    def __str__(self) -> str:
        """As people write it."""
        memory = f"{size_text(self.memory_bytes)} of memory" if self.memory_bytes is not None else ""
        cores = f"{self.cores} core{'s' if self.cores != 1 else ''}" if self.cores is not None else ""
        return " and ".join(filter(None, (memory, cores))) or "no limit"

    def as_document(self) -> dict[str, int | None]:
        """Return them as a JSON document has them."""
        return {"memory_bytes": self.memory_bytes, "cores": self.cores}

    def check(self) -> None:
        """Raise where this system can't hold a process to them.

        Raises:
            InputError: where it is no Linux, or there are fewer cores.
        """
        if not self:
            return
        if not sys.platform.startswith("linux"):
            hint = "Use a container, or a virtual machine of that size"
            raise InputError("limits of memory and cores need Linux", where=str(self), hint=hint)
        there = len(os.sched_getaffinity(0))
        if self.cores is not None and not 1 <= self.cores <= there:
            raise InputError(f"{self.cores} cores can't be had", hint=f"1 to {there} on this machine")

    def command(self, command: Sequence[str]) -> list[str]:
        """Return a command that runs under them."""
        if not self:
            return list(command)
        return [sys.executable, "-m", "optimizer.limits", json.dumps(self.as_document()), *command]

    def environment(self) -> dict[str, str]:
        """Return the environment that goes with them.

        Arrow's own allocator reserves a gigabyte at once, most of which it never touches; the limit would count it.
        """
        return {} if self.memory_bytes is None else {"ARROW_DEFAULT_MEMORY_POOL": "system"}

    def of_memory(self) -> str:
        """Return what is told of a process that ran out of memory."""
        return "ran out of memory" if self.memory_bytes is None else f"needed more than {self._given()}"

    def of_end(self, how: str, log: str) -> str:
        """Return what is told of a process that ended before it was done, from how it ended and from its log."""
        if self.memory_bytes is None:
            return how
        if how.startswith("stood still") or any(text in log.lower() for text in _MEMORY_TEXTS):
            return self.of_memory()
        return f"{how}; it had been given {size_text(self.memory_bytes)} of memory"

    def _given(self) -> str:
        assert self.memory_bytes is not None  # noqa: S101 - for the type checker
        return f"the {size_text(self.memory_bytes)} it was given"


NO_LIMITS = Limits()


def parse_size(text: str) -> int:
    """Return a size in bytes: a number with K, M, G or T, which are powers of 1024, such as 512M or 1.5GiB.

    Raises:
        InputError: where it is none, or less than one byte.
    """
    match = _SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if not 1 <= size < 2**63:
        raise InputError(f"{text!r} is no size of memory", hint="A number with K, M or G, such as 512M or 2G")
    return size


def size_text(size: int) -> str:
    """Return a size as people write it: in the largest unit of which there is a whole one, to a tenth."""
    unit = next((unit for unit in ("G", "M", "K") if size >= _UNITS[unit]), "")
    if not unit:
        return f"{size} bytes"
    return f"{size / _UNITS[unit]:.1f}".removesuffix(".0") + f" {unit}iB"


def is_full_disk(error: BaseException) -> bool:
    """Whether an error says that a disk, or what one may write to it, is full; Polars tells so in errors of its own."""
    if isinstance(error, OSError):
        return error.errno in _FULL or any(text in str(error) for text in _FULL_TEXTS)
    return isinstance(error, Exception) and any(f"(os error {code})" in str(error) for code in _FULL)


def is_of_the_machine(error: BaseException) -> bool:
    """Whether an error is about the memory or the disk of the machine, and so says nothing about the engine."""
    return isinstance(error, MemoryError) or is_full_disk(error)


def hold_to(limits: Mapping[str, int | None]) -> None:
    """Hold this process, and all that it will start, to limits."""
    if (memory := limits["memory_bytes"]) is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    if (cores := limits["cores"]) is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


if __name__ == "__main__":
    hold_to(json.loads(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - the command that this one was given
