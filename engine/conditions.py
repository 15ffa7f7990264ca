"""Conditions: what declared strategies enter and leave on, and what plain ones wait for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

from engine.errors import InputError
from engine.features import Feature


class Context(Protocol):
    """What a condition looks at: a part of `engine.strategy.Context`."""

    get_position: Any

    def feature(self, name: str, symbol: str, ago: int = 0) -> float:
        """Return a declared feature at the symbol's latest bar, or `ago` of its bars earlier; NaN if undefined."""
        ...


Side = Feature | float
"""A side of a condition: a feature, or a level that stays where it is."""


@dataclass(frozen=True)
class Comparison:
    """What conditions have in common: their two sides, of which one at least is a feature.

    Raises:
        InputError: where both sides are numbers, or one is neither a feature nor a finite number.
    """

    left: Side
    right: Side

    def __post_init__(self) -> None:
        for name in ("left", "right"):
            side = getattr(self, name)
            if not isinstance(side, Feature):
                object.__setattr__(self, name, _level(side))
        if not self.features:
            raise InputError("a condition on two numbers", hint="One side at least has to be a feature")

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features that it asks for."""
        return tuple(side for side in (self.left, self.right) if isinstance(side, Feature))


def _level(side: object) -> float:
    if isinstance(side, bool) or not isinstance(side, Real) or not math.isfinite(side):
        raise InputError(f"a condition on {side!r}", hint="A side is a feature, or a finite number")
    return float(side)


def _value(side: Side, context: Context, symbol: str, ago: int = 0) -> float:
    return side if isinstance(side, float) else context.feature(side.name, symbol, ago)


class Above(Comparison):
    """True on bars where `left` is above `right`."""

    def holds(self, context: Context, symbol: str) -> bool:
        """Whether it is true at the symbol's latest bar; false where a value is undefined."""
        return _value(self.left, context, symbol) > _value(self.right, context, symbol)


class CrossesAbove(Comparison):
    """True on the bar where `left` is above `right` and was not on the symbol's bar before."""

    def holds(self, context: Context, symbol: str) -> bool:
        """Whether it is true at the symbol's latest bar; false where a value is undefined."""
        left, right = self.left, self.right
        return _value(left, context, symbol) > _value(right, context, symbol) and _value(
            left, context, symbol, ago=1
        ) <= _value(right, context, symbol, ago=1)


Condition = Above | CrossesAbove
"""The conditions that there are. "Below" is the same with the sides changed over."""


@dataclass(frozen=True)
class Held:
    """True where the symbol is held, long or short: something to wait for, and no condition to enter on."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features that it asks for: none."""
        return ()

    def holds(self, context: Context, symbol: str) -> bool:
        """Whether there is a position in the symbol."""
        return context.get_position(symbol) is not None


Wait = Condition | Held
"""What `Strategy.waits` may name."""


def are_known_waits(waits: tuple[Wait, ...]) -> bool:
    """Whether these are waits of the very types of this module."""
    return all(type(wait) in (Above, CrossesAbove, Held) for wait in waits)
