"""Gates: named monotone filters, each a figure of a bar held against a threshold.

A strategy that declares gates trades only where all of them pass. A gate is monotone: raising the threshold of a
"min" gate, or lowering that of a "max" gate, can only take bars away. Where too few bars stand before one for the
figure, the gate does not pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from engine.errors import InputError


@dataclass(frozen=True)
class Gate:
    """What gates have in common: a figure over the last `length` bars, and its threshold.

    `rising` says on which side of the threshold the figure has to stand, `version` changes with the figure's meaning.
    """

    length: int
    threshold: float
    kind: ClassVar[str]
    rising: ClassVar[bool]
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise InputError(f"a threshold of {self.threshold} for {self.name}", hint="A threshold is a finite number")
        if self.length < 1:
            raise InputError(f"{self.name} over {self.length} bars", hint="The length is the number of bars: 1 or more")

    @property
    def name(self) -> str:
        """Its name, without the threshold: that of its column among the outputs."""
        return f"{self.kind}_{self.length}"


class MinDollarVolume(Gate):
    """Passes where the mean of close times volume over the last `length` bars is at least `threshold`, in money.

    The products are added oldest first, afresh at every bar, then divided by `length`.
    """

    kind, rising = "min_dollar_volume", True


@dataclass(frozen=True)
class MinPrice(Gate):
    """Passes where the close is at least `threshold`."""

    length: int = field(default=1, init=False)
    kind, rising = "min_price", True

    @property
    def name(self) -> str:
        """Its name: a price has no length."""
        return self.kind


class MaxATRPercent(Gate):
    """Passes where the average true range over `length` bars, in percent of the close, is at most `threshold`.

    The true range of a bar is the largest of high less low, high less the close before, and that close less low
    (Wilder, New Concepts in Technical Trading Systems, 1978); that of a symbol's first bar is high less low. The
    average is the plain mean, added oldest first and afresh at every bar, so that a value does not depend on where
    the data begins, as Wilder's own smoothing does.
    """

    kind, rising = "max_atr_percent", False


class MinMomentum(Gate):
    """Passes where the close over the close `length` bars earlier, less one, is at least `threshold`."""

    kind, rising = "min_momentum", True
