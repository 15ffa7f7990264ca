"""The features that a strategy can declare: what each is, not how a build computes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.errors import InputError


@dataclass(frozen=True)
class SMA:
    """Simple moving average of the close: the last `length` closes, added oldest first, over `length`.

    The sum starts afresh at every bar, so a value does not depend on where the data begins; a running sum
    would drift from it. Source of the definition: Murphy, Technical Analysis of the Financial Markets, 1999,
    chapter 9.
    """

    length: int
    version: int = field(default=1, init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        if self.length < 1:
            raise InputError(f"SMA of length {self.length}", hint="The length is the number of bars: 1 or more")
        object.__setattr__(self, "name", f"sma_{self.length}")


Feature = SMA
"""The features that there are."""
