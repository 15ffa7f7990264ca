"""The settings that a machine calls for, as the engine itself derives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from optimizer.subject import Tunable

NAMES = ("workers", "chunk_rows", "cache_bytes", "io", "mmap")


@dataclass(frozen=True, slots=True)
class Settings:
    """How an engine is to use a machine; `why` has a sentence for each."""

    workers: int
    chunk_rows: int
    cache_bytes: int
    io: str  # ssd or hdd
    mmap: bool
    why: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return them as JSON has them."""
        return asdict(self)


def recommended(hardware: Mapping[str, Any], symbols: int | None, subject: object) -> Settings | None:
    """Return the settings for a machine and a market of so many symbols; None where the engine takes none.

    They are derived in one place, by the engine, which takes them too (`Tunable` in optimizer/subject.py).

    Args:
        hardware: as `optimizer.hardware.hardware_profile` returns it.
        symbols: of the market; None where that is not known.
        subject: the engine, as the optimizer sees it.
    """
    if not isinstance(subject, Tunable):
        return None
    told = subject.settings_for(hardware, symbols)
    return Settings(**{name: told[name] for name in NAMES}, why=dict(told["why"]))


def settings_of(subject: object, symbols: int | None) -> Callable[[Mapping[str, Any]], dict[str, Any] | None]:
    """Return what gives the settings for a hardware profile, as JSON has them; None where the engine takes none."""

    def settings_for(hardware: Mapping[str, Any]) -> dict[str, Any] | None:
        chosen = recommended(hardware, symbols, subject)
        return None if chosen is None else chosen.document()

    return settings_for
