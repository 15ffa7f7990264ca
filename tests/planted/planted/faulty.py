"""An engine with three faults: a slow loop, memory that is kept for ever, and work that is done again and again."""

from __future__ import annotations

KEPT: list[bytearray] = []
LEAKED_BYTES = 300_000


def run(closes: list[float]) -> float:
    """Run."""
    remember()
    total = grind(closes)
    for number in range(400):
        total += weigh(number % 4)
    return total


def grind(closes: list[float]) -> float:
    """Add all closes, many times: the hotspot."""
    total = 0.0
    for _ in range(400):
        for close in closes:
            total += close
    return total


def remember() -> None:
    """Keep some memory for ever: the leak."""
    KEPT.append(bytearray(LEAKED_BYTES))


def weigh(number: int) -> float:
    """Compute the same of four numbers again and again: the redundant call."""
    return sum([(number + step) ** 0.5 for step in range(300)])
