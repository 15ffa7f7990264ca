"""Gates: named monotone filters, each a figure of a bar held against a threshold.

A strategy that declares gates trades only where all of them pass. A gate is monotone: raising the threshold of a
"min" gate, or lowering that of a "max" gate, can only take bars away. Where too few bars stand before one for the
figure, the gate does not pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from engine.errors import InputError


def _check(name: str, threshold: float, length: int = 1) -> None:
    if not math.isfinite(threshold):
        raise InputError(f"a threshold of {threshold} for {name}", hint="A threshold is a finite number")
    if length < 1:
        raise InputError(f"{name} over {length} bars", hint="The length is the number of bars: 1 or more")


@dataclass(frozen=True)
class MinDollarVolume:
    """Passes where the mean of close times volume over the last `length` bars is at least `threshold`, in money.

    The products are added oldest first, afresh at every bar, then divided by `length`.
    """

    length: int
    threshold: float
    version: int = field(default=1, init=False)
    rising: bool = field(default=True, init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"min_dollar_volume_{self.length}")
        _check(self.name, self.threshold, self.length)


@dataclass(frozen=True)
class MinPrice:
    """Passes where the close is at least `threshold`."""

    threshold: float
    length: int = field(default=1, init=False)
    version: int = field(default=1, init=False)
    rising: bool = field(default=True, init=False)
    name: str = field(default="min_price", init=False)

    def __post_init__(self) -> None:
        _check(self.name, self.threshold)


@dataclass(frozen=True)
class MaxATRPercent:
    """Passes where the average true range over `length` bars, in percent of the close, is at most `threshold`.

    The true range of a bar is the largest of high less low, high less the close before, and that close less low
    (Wilder, New Concepts in Technical Trading Systems, 1978); that of a symbol's first bar is high less low. The
    average is the plain mean, added oldest first and afresh at every bar, so that a value does not depend on where
    the data begins, as Wilder's own smoothing does.
    """

    length: int
    threshold: float
    version: int = field(default=1, init=False)
    rising: bool = field(default=False, init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"max_atr_percent_{self.length}")
        _check(self.name, self.threshold, self.length)


@dataclass(frozen=True)
class MinMomentum:
    """Passes where the close over the close `length` bars earlier, less one, is at least `threshold`."""

    length: int
    threshold: float
    version: int = field(default=1, init=False)
    rising: bool = field(default=True, init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"min_momentum_{self.length}")
        _check(self.name, self.threshold, self.length)


Gate = MinDollarVolume | MinPrice | MaxATRPercent | MinMomentum
"""The gates that there are. `rising` says on which side of the threshold the figure has to stand."""
