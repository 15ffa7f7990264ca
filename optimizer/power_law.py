"""How a quantity grows with size: the exponent of a power law through measured points, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

LEVEL = 0.95
LEAST_POINTS = 3  # two points leave nothing over to tell how far off the line is
_HALVINGS = 200


@dataclass(frozen=True)
class PowerLaw:
    """`value ~ size ** exponent`; `low` to `high` holds the exponent with 95 %, where the points lie about a line."""

    exponent: float
    low: float
    high: float
    r2: float
    points: int

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.exponent:.2f} (95 %: {self.low:.2f} to {self.high:.2f}), R² {self.r2:.3f}"


def fit_power_law(sizes: Sequence[float], values: Sequence[float]) -> PowerLaw | None:
    """Return the power law of least squares on logarithms; None with fewer than three points, or one size only.

    The interval is that of the slope of a straight line: the estimate, give or take its standard error times the
    quantile of Student's t with two degrees of freedom fewer than points. It takes the logarithms to scatter
    independently and evenly about the line; where a fixed cost bends it at small sizes, the exponent comes out lower
    than it will be at large ones, and R² tells. Source: Draper and Smith, Applied Regression Analysis, 1998, sections
    1.2 to 1.4.

    Args:
        sizes: positive, of any unit.
        values: positive, one a size.
    """
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    if len(x) != len(y):
        raise ValueError(f"{len(x)} sizes for {len(y)} values")
    if len(set(x)) < 2 or len(x) < LEAST_POINTS:
        return None
    mean_x, mean_y = fmean(x), fmean(y)
    spread = math.fsum((one - mean_x) ** 2 for one in x)
    total = math.fsum((one - mean_y) ** 2 for one in y)
    slope = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    residual = math.fsum((b - mean_y - slope * (a - mean_x)) ** 2 for a, b in zip(x, y, strict=True))
    freedom = len(x) - 2
    margin = t_quantile(0.5 + LEVEL / 2.0, freedom) * math.sqrt(residual / freedom / spread)
    r2 = 1.0 - residual / total if total > 0.0 else 1.0
    return PowerLaw(slope, slope - margin, slope + margin, r2, len(x))


def t_quantile(probability: float, freedom: int) -> float:
    """Return the value that Student's t stays below with a probability above a half, to the last digits."""
    low, high = 0.0, 1.0
    while t_probability(high, freedom) < probability:
        high *= 2.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if t_probability(middle, freedom) < probability else (low, middle)
    return high


def t_probability(value: float, freedom: int) -> float:
    """Return the probability that Student's t stays below a value of 0 or more.

    A finite sum for whole degrees of freedom. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 1964,
    26.7.3 for odd and 26.7.4 for even ones.
    """
    angle = math.atan(value / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = total = (cosine if freedom > 1 else 0.0) if odd else 1.0
    for step in range(2 + odd, freedom - 1, 2):
        term *= cosine**2 * (step - 1) / step
        total += term
    within = 2.0 / math.pi * (angle + sine * total) if odd else sine * total
    return 0.5 + within / 2.0
