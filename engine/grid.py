"""Lots and ticks: numbers on a grid, counted in whole steps, so that no sum of them drifts."""

from __future__ import annotations

import math

from engine.errors import InputError

MINIMUM = 1e-12  # a finer step could not be counted in whole numbers
NEAR, RELATIVE = 1e-9, 1e-15  # of a step, and of the count: what a product or quotient of floats may be off by


class Grid:
    """The whole multiples of a step that is a whole number, or one over a whole number.

    A count is an exact integer, and its value one correctly rounded quotient or an exact product: 3 steps of 0.1 are
    0.3, as typed. A number within a billionth of a step of a multiple counts as that multiple.
    """

    __slots__ = ("_parts", "_whole")

    def __init__(self, step: float, what: str) -> None:
        if 1.0 <= step < math.inf and step == math.floor(step):
            self._whole, self._parts = int(step), 1
        elif MINIMUM < step < 1.0 and abs(round(1.0 / step) * step - 1.0) <= NEAR:
            self._whole, self._parts = 1, round(1.0 / step)
        else:
            raise InputError(
                f"a {what} of {step}", hint="A whole number, or one over a whole number: 100, 1, 0.5, 0.01"
            )

    def value(self, count: int) -> float:
        """Return the number that is this many steps."""
        return float(count * self._whole) if self._parts == 1 else count / self._parts

    def nearest(self, number: float) -> int:
        """Return the count nearest to a number; of two that are as near, the even one."""
        return round(self._steps(number))

    def below(self, number: float) -> int:
        """Return the largest count whose value is not above a number."""
        return self._near(number) if self._is_near(number) else math.floor(self._steps(number))

    def above(self, number: float) -> int:
        """Return the smallest count whose value is not below a number."""
        return self._near(number) if self._is_near(number) else math.ceil(self._steps(number))

    def toward_zero(self, number: float) -> int:
        """Return the largest count, in size, whose value is not beyond a number."""
        return self.below(number) if number >= 0.0 else self.above(number)

    def _steps(self, number: float) -> float:
        return number / self._whole if self._parts == 1 else number * self._parts

    def _near(self, number: float) -> int:
        return round(self._steps(number))

    def _is_near(self, number: float) -> bool:
        steps = self._steps(number)
        return abs(steps - round(steps)) <= NEAR + abs(steps) * RELATIVE
