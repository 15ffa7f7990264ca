"""An engine without those faults, though what it does looks like them from afar."""

from __future__ import annotations

import random

import numpy as np

_CACHE: dict[int, bytearray] = {}
_LATEST: list[bytearray] = []
_STACK: list[int] = []


def run(closes: list[float]) -> float:
    """Run."""
    table()
    replace()
    _STACK.clear()
    draw = random.Random(1)  # noqa: S311 - a state that can't be seen
    prices = np.array(closes)
    total = 0.0
    for number in range(400):
        total += add(prices, number) + push(_STACK, 7) + toss(draw) + sign(number)
    return total


def add(prices: np.ndarray, number: int) -> float:
    """Add all closes in one operation; no two calls are alike."""
    return float(np.sum(np.tile(prices, 20) * number))


def table() -> bytearray:
    """Keep memory, but once: a cache."""
    return _CACHE.setdefault(1, bytearray(300_000))


def replace() -> None:
    """Keep memory only until the next run."""
    _LATEST[:] = [bytearray(300_000)]


def push(stack: list[int], value: int) -> int:
    """Take the same arguments by name every time, and change them."""
    stack.append(value)
    return sum(range(500)) * 0


def toss(draw: random.Random) -> bool:
    """Take the same argument, whose state can't be seen."""
    return sum(range(500)) > 0 and draw.random() < 2.0


def sign(number: int) -> int:
    """Return the same for different arguments."""
    return 1 if sum(range(500)) >= number * 0 else 0
