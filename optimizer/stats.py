"""Ratios of paired measurements, with an interval that holds for few pairs and any noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

LEVEL = 0.95
LEAST_PAIRS = 6  # the fewest with a 95 % interval: 1 - 2 / 2**6 = 0.969


@dataclass(frozen=True)
class Ratio:
    """Before over after: above 1 is an improvement. `low` to `high` holds the median with at least 95 %."""

    median: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.median:.3g}x (95 %: {self.low:.3g} to {self.high:.3g})"


def paired_ratio(before: Sequence[float], after: Sequence[float]) -> Ratio:
    """Return the median ratio of pairs, with the exact interval of order statistics.

    The interval runs between two of the ordered ratios, chosen by the binomial distribution, so it needs no
    assumption about the noise and no random resampling, and is right for few pairs, where a bootstrap is too
    narrow. Source: Conover, Practical Nonparametric Statistics, 1999, section 3.2.
    """
    ratios = sorted(first / second for first, second in zip(before, after, strict=True))
    skip = skipped(len(ratios))
    logs = [math.log(ratio) for ratio in ratios]
    return Ratio(math.exp(median(logs)), ratios[skip], ratios[-1 - skip], len(ratios))


def skipped(pairs: int) -> int:
    """Return how many of the ordered ratios lie outside the interval on each side."""
    if pairs < LEAST_PAIRS:
        raise ValueError(f"{pairs} pairs give no {LEVEL:.0%} interval: at least {LEAST_PAIRS}")
    skip = 0
    while coverage(pairs, skip + 1) >= LEVEL:
        skip += 1
    return skip


def coverage(pairs: int, skip: int) -> float:
    """Return the probability that the median lies between the ordered values `skip` from either end."""
    return float(1.0 - 2.0 * sum(math.comb(pairs, count) for count in range(skip + 1)) / 2.0**pairs)
