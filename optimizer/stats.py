"""Ratios of paired measurements, with intervals that hold for few pairs, any noise, and any number of looks.

The interval runs between two of the ordered ratios and misses the median only where too few of them lie on one side of
it. How many do is a binomial count whatever the noise is, so that no assumption about the noise is needed and nothing
is resampled. Sources: Conover, Practical Nonparametric Statistics, 1999, section 3.2 (order statistics); Jennison and
Turnbull, Group Sequential Methods, 2000, chapters 2 and 9 (several looks, repeated confidence intervals).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from statistics import median

LEVEL = 0.95
LEAST_PAIRS = 6  # the fewest with a 95 % interval: 1 - 2 / 2**6 = 0.969
FAMILY_ERROR = Fraction(5, 100)  # that any candidate of a run is called wrongly
MOST_ERROR = Fraction(1, 100)  # that one candidate is, however few there are
_AFTER_FIRST = (0, 4, 9, 15)  # the looks, in pairs after the first


@dataclass(frozen=True)
class Ratio:
    """Before over after: above 1 is an improvement. `low` to `high` holds the median with a probability of `level`."""

    median: float
    low: float
    high: float
    pairs: int
    level: float = LEVEL

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.median:.3g}x ({self.level * 100:.3g} %: {self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True)
class Plan:
    """When a comparison is looked at, and the interval of each look.

    `looks` are numbers of pairs, `skips` how many of the ordered ratios lie outside the interval on each side at each
    of them. With a probability of `confidence` or more the median lies in the intervals of all looks together, so that
    one may stop at any of them, for any reason, and believe the interval of that look.
    """

    looks: tuple[int, ...]
    skips: tuple[int, ...]
    confidence: float
    candidates: int = 1

    @property
    def family_confidence(self) -> float:
        """The probability that the intervals of all candidates hold, by Bonferroni's inequality."""
        return 1.0 - self.candidates * (1.0 - self.confidence)

    def bounds(self, before: Sequence[float], after: Sequence[float]) -> Ratio | None:
        """Return the ratio with the interval of the last look that was reached, or None before the first."""
        pairs = min(len(before), len(after))
        reached = [place for place, look in enumerate(self.looks) if look <= pairs]
        if not reached:
            return None
        look, skip = self.looks[reached[-1]], self.skips[reached[-1]]
        return _between(before[:look], after[:look], skip, self.confidence)


def paired_ratio(before: Sequence[float], after: Sequence[float]) -> Ratio:
    """Return the median ratio of pairs, with the 95 % interval of one look at them.

    Raises:
        ValueError: where the pairs are too few for an interval, or not pairs.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} and {len(after)} figures are not pairs")
    return _between(before, after, skipped(len(before)), LEVEL)


def _between(before: Sequence[float], after: Sequence[float], skip: int, level: float) -> Ratio:
    ratios = sorted(first / second for first, second in zip(before, after, strict=True))
    logs = [math.log(ratio) for ratio in ratios]
    return Ratio(math.exp(median(logs)), ratios[skip], ratios[-1 - skip], len(ratios), level)


def skipped(pairs: int) -> int:
    """Return how many of the ordered ratios lie outside the 95 % interval on each side."""
    if pairs < LEAST_PAIRS:
        raise ValueError(f"{pairs} pairs give no {LEVEL:.0%} interval: at least {LEAST_PAIRS}")
    skip = 0
    while coverage(pairs, skip + 1) >= LEVEL:
        skip += 1
    return skip


def coverage(pairs: int, skip: int) -> float:
    """Return the probability that the median lies between the ordered values `skip` from either end."""
    return float(1 - missed((pairs,), (skip,)))


@cache
def plan_for(candidates: int) -> Plan:
    """Return the plan of a run that judges so many candidates.

    Each may be called wrongly with a probability of 5 % over their number, and of 1 % at most, so that all verdicts of
    a run hold together with 95 % and each of them with 99 % or more. The first look comes as soon as half of that
    suffices for the widest interval, from the smallest to the largest ratio: half is kept for the later looks, which
    find small gains. There the last look is served first, since it decides whether a gain is found at all; what it
    leaves narrows the intervals of the looks before it, the later ones first.
    """
    if candidates < 1:
        raise ValueError(f"a plan for {candidates} candidates: at least 1")
    error = min(MOST_ERROR, FAMILY_ERROR / candidates)
    first = next(pairs for pairs in range(1, 1_000) if missed((pairs,), (0,)) <= error / 2)
    looks = tuple(first + more for more in _AFTER_FIRST)
    return Plan(looks, most_skips(looks, error), float(1 - error), candidates)


def most_skips(looks: Sequence[int], error: Fraction) -> tuple[int, ...]:
    """Return the largest numbers to skip, the last look's first, with which any look misses with `error` at most."""
    skips = [0] * len(looks)
    for place in reversed(range(len(looks))):
        while 2 * skips[place] + 3 <= looks[place]:
            more = [*skips[:place], skips[place] + 1, *skips[place + 1 :]]
            if missed(looks, more) > error:
                break
            skips = more
    return tuple(skips)


def missed(looks: Sequence[int], skips: Sequence[int]) -> Fraction:
    """Return the probability that at any of the looks the interval does not hold the median, exactly.

    The number of ratios above the median is a walk of fair coin flips; at a look with n pairs and s skipped the
    interval misses where s or fewer of them lie on one side. Counted are the walks that have never missed. Where
    ratios may equal the median, the interval misses more seldom than this.
    """
    walks, pairs = {0: 1}, 0
    for look, skip in zip(looks, skips, strict=True):
        arrived: dict[int, int] = {}
        for above, ways in walks.items():
            for more in range(look - pairs + 1):
                arrived[above + more] = arrived.get(above + more, 0) + ways * math.comb(look - pairs, more)
        pairs = look
        walks = {above: ways for above, ways in arrived.items() if skip < above < look - skip}
    return 1 - Fraction(sum(walks.values()), 2**pairs)
