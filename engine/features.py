"""The features that a strategy can declare: what each is, not how a build computes it.

A feature is a number for every bar, computed from the symbol's own bars up to that one; missing bars do not count.
It is NaN where there are too few bars for it.

SMA, Volatility, Momentum, Highest and Lowest look at a window, afresh at every bar, so a value does not depend on where
the data begins. EMA, RSI and ATR go on from the value before, so theirs does, ever less: of what an EMA began with 1 %
is left after some 2.3 times its length in bars, of what an RSI or ATR began with after some 4.6 times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import index
from typing import ClassVar

from engine.errors import InputError


@dataclass(frozen=True)
class Feature:
    """What features have in common: their `length` in bars, and the `name` of their column among the outputs.

    `version` changes with the feature's meaning.

    Raises:
        InputError: where the length can mean nothing.
    """

    length: int
    name: str = field(init=False, repr=False)  # kept, since conditions ask for it at every bar
    kind: ClassVar[str]
    reads: ClassVar[tuple[str, ...]] = ("close",)
    shortest: ClassVar[int] = 1
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not hasattr(self.length, "__index__") or self.length < self.shortest:
            hint = f"The length is a whole number of bars: {self.shortest} or more"
            raise InputError(f"{type(self).__name__} of length {self.length}", hint=hint)
        object.__setattr__(self, "length", index(self.length))  # NumPy's integers become Python's
        object.__setattr__(self, "name", f"{self.kind}_{self.length}")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns of the data that it is computed from, in the order in which its computation takes them."""
        return self.reads


class SMA(Feature):
    """Simple moving average of the close: the last `length` closes, added oldest first, over `length`.

    The sum starts afresh at every bar; a running sum would drift from it. Source of the definition: Murphy, Technical
    Analysis of the Financial Markets, 1999, chapter 9.
    """

    kind = "sma"


class EMA(Feature):
    """Exponential moving average of the close, with the weight 2 / (`length` + 1).

    The first, at bar number `length` (counted from 1), is the mean of the first `length` closes, added oldest first;
    each further one is (close - before) * weight + before. It depends on where the data begins. Source: Murphy, as
    above, for the average; TA-Lib's TA_EMA in its default compatibility for the start and the form of the step.
    """

    kind = "ema"


class RSI(Feature):
    """Wilder's relative strength index of the close, from 0 to 100.

    The gain of a bar is its close less the one before where that is above 0, else 0; the loss likewise, as a number
    above 0. The first averages, at bar number `length` + 1, are the means of the first `length` gains and losses,
    added oldest first; each further one is (before * (`length` - 1) + present) / `length`. The index is
    100 - 100 / (1 + average gain / average loss). Where there is no average loss it is 100, and where there is no
    average gain either, since nothing has moved, 50. It depends on where the data begins. Source: Wilder, New Concepts
    in Technical Trading Systems, 1978; he does not say what it is where nothing moves, and 50 is between
    "all gains" and "all losses".
    """

    kind = "rsi"


class ATR(Feature):
    """Wilder's average true range, in the currency of the data.

    The true range of a bar is the largest of high less low, high less the close before, and that close less low; that
    of a symbol's first bar is high less low. The first average, at bar number `length`, is the mean of the first
    `length` true ranges, added oldest first; each further one is (before * (`length` - 1) + present) / `length`. It
    depends on where the data begins, which the plain mean of `engine.gates.MaxATRPercent` does not. Source: Wilder,
    New Concepts in Technical Trading Systems, 1978.
    """

    kind, reads = "atr", ("high", "low", "close")


class Volatility(Feature):
    """Standard deviation of the last `length` returns of one bar, as a fraction of the price; not annualized.

    A return is the close over the close before, less one. Their mean is taken first, then the squares of what each
    differs from it are added, both oldest first and afresh at every bar; the sum is divided by `length` - 1, and the
    square root taken. The first is at bar number `length` + 1. Source: Hull, Options, Futures, and Other Derivatives,
    the chapter on estimating volatilities, for the estimate; its returns are logarithms, these are simple, since a
    logarithm is not the same to the last bit on every machine.
    """

    kind, shortest = "volatility", 2


class Momentum(Feature):
    """The close over the close `length` bars earlier, less one.

    The first is at bar number `length` + 1. Source: Murphy, as above, chapter 10: the rate of change, as a fraction.
    """

    kind = "momentum"


class Highest(Feature):
    """The highest high of the last `length` bars, this one included; `ago=1` asks for that of the bars before.

    Source: Murphy, as above, chapter 9, on Donchian's weekly rule.
    """

    kind, reads = "highest", ("high",)


class Lowest(Feature):
    """The lowest low of the last `length` bars, this one included; `ago=1` asks for that of the bars before.

    Source: as that of `Highest`.
    """

    kind, reads = "lowest", ("low",)


@dataclass(frozen=True)
class DataColumn(Feature):
    """A column of numbers of the data as it stands, such as a model's prediction, as float64; null becomes NaN.

    The strategy sees a row's value on that row's bar, so it has to be something that was known by then.

    Raises:
        InputError: where the column has no name; when it is computed, where the data has no such column of numbers.
    """

    length: int = field(default=1, init=False, repr=False)
    column: str

    def __post_init__(self) -> None:
        if not isinstance(self.column, str) or not self.column:
            raise InputError(f"DataColumn of {self.column!r}", hint="Give the name of a column of the data")
        object.__setattr__(self, "name", f"column:{self.column}")  # no other name has a colon

    @property
    def inputs(self) -> tuple[str, ...]:
        """The column itself."""
        return (self.column,)


KNOWN: tuple[type[Feature], ...] = (SMA, EMA, RSI, ATR, Volatility, Momentum, Highest, Lowest, DataColumn)
"""The features that there are."""


def are_known_features(features: Sequence[Feature]) -> bool:
    """Whether these are features of the very types of this module."""
    return all(type(feature) in KNOWN for feature in features)
