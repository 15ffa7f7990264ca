"""The points of `optimize scale`: which markets are measured, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

SYMBOLS, TIMESTAMPS = "symbols", "timestamps"
AXES = (SYMBOLS, TIMESTAMPS)
PASSES = 3  # processes a point, where the time is enough


@dataclass(frozen=True)
class Size:
    """A market: how many symbols and timestamps it has, and which of the two is being varied."""

    axis: str
    symbols: int
    timestamps: int

    @property
    def value(self) -> int:
        """The size along its axis."""
        return self.symbols if self.axis == SYMBOLS else self.timestamps

    @property
    def bars(self) -> int:
        """How many bars."""
        return self.symbols * self.timestamps

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.symbols} symbols, {self.timestamps} timestamps"


@dataclass
class Point:
    """One build on one market: what its processes took, or why it has none."""

    build: str
    size: Size
    rows: int | None = None
    seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    process_seconds: float = 0.0
    work_seconds: float = 0.0
    digests: list[Mapping[str, str]] = field(default_factory=list)
    error: str | None = None
    left_out: str | None = None

    @property
    def told(self) -> bool:
        """Whether there is a figure."""
        return bool(self.seconds) and self.error is None


@dataclass(frozen=True)
class Plan:
    """What is measured: sizes along each axis, the other one fixed; a scenario; the time that it may take."""

    symbols: Sequence[int]
    timestamps: Sequence[int]
    fixed_symbols: int
    fixed_timestamps: int
    scenario: str
    budget_seconds: float
    passes: int = PASSES

    def sizes(self) -> list[Size]:
        """Return all markets, the smallest first."""
        along = [Size(SYMBOLS, count, self.fixed_timestamps) for count in dict.fromkeys(self.symbols)]
        along += [Size(TIMESTAMPS, self.fixed_symbols, count) for count in dict.fromkeys(self.timestamps)]
        return sorted(along, key=lambda size: (size.bars, size.axis, size.value))


def place_of(point: Point) -> dict[str, Any]:
    """Return where a point is, as scaling.json has it."""
    size = point.size
    return {"build": point.build, "axis": size.axis, "symbols": size.symbols, "timestamps": size.timestamps}


def point_of(point: Point) -> dict[str, Any]:
    """Return a point, as scaling.json has it."""
    return place_of(point) | {
        "rows": point.rows,
        "seconds_median": median(point.seconds) if point.told else None,
        "seconds_all": point.seconds,
        "peak_bytes": int(median(point.peak_bytes)) if point.told else None,
        "peak_bytes_all": point.peak_bytes,
        "error": point.error,
    }
