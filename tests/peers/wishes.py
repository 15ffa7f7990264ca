"""What is wished on a bar: the part of a strategy that is the same for every engine that is called bar by bar."""

from __future__ import annotations

ENTER, LEAVE, PROTECT, HOLD, NOTHING = "enter", "leave", "protect", "hold", "nothing"


class Desk:
    """Watches one symbol of a one-sided plan, and says what to do at each close.

    A position that has ended by its own orders is not followed by another on the same bar: this rule is one that every
    engine can keep.
    """

    def __init__(self, side: int) -> None:
        self._side = side
        self._state = "flat"

    def wish(self, signal: int, position: float) -> str:
        """Return what to do: PROTECT is told once, when a position is first seen.

        Args:
            signal: of this bar: +1, -1 or 0.
            position: the shares held, below 0 for a short.
        """
        if not position:
            ended, self._state = self._state != "flat", "flat"
            if ended or signal != self._side:
                return NOTHING
            self._state = "entering"
            return ENTER
        if signal == -self._side:
            self._state = "flat"
            return LEAVE
        first, self._state = self._state == "entering", "held"
        return PROTECT if first else HOLD


def reversal(signal: int, position: float, shares: int) -> float:
    """Return the order that turns a position to the side of the signal; 0 where it is there already."""
    if not signal or position * signal > 0:
        return 0.0
    return signal * shares - position


def beyond(price: float, fraction: float, side: int) -> float:
    """Return the level so far against a position of this side; above the price for a short one."""
    return price * (1.0 - fraction if side > 0 else 1.0 + fraction)


def tighter(level: float, other: float, side: int) -> float:
    """Return the stop that is nearer to the price."""
    return max(level, other) if side > 0 else min(level, other)
