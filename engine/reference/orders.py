"""Orders that are not done, and where a bar lets them fill."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from engine.errors import InputError
from engine.grid import Grid
from engine.model import Bar, Order
from engine.rules import Rule


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order asks for beside its symbol and quantity; NaN stands for no price."""

    limit: float = math.nan
    stop: float = math.nan
    trail: float = math.nan
    day: bool = False
    take_profit: float = math.nan
    stop_loss: float = math.nan
    rules: tuple[Rule, ...] | None = None

    @property
    def kind(self) -> str:
        """The kind of order that these make."""
        if not math.isnan(self.trail):
            return "trailing_stop"
        if not math.isnan(self.stop):
            return "stop" if math.isnan(self.limit) else "stop_limit"
        return "market" if math.isnan(self.limit) else "limit"

    def changed(self, limit: float | None, stop: float | None, trail: float | None) -> Terms:
        """Return the terms with other prices, where some are given; checked."""
        checked = terms_of(
            limit=_other(limit, self.limit), stop=_other(stop, self.stop), trail=_other(trail, self.trail)
        )
        return replace(self, limit=checked.limit, stop=checked.stop, trail=checked.trail)


def _other(given: float | None, before: float) -> float | None:
    """Return what is given, or else what was before."""
    return given if given is not None or math.isnan(before) else before


MARKET = Terms()
"""The terms of a market order."""


def terms_of(
    *,
    limit: float | None = None,
    stop: float | None = None,
    trail: float | None = None,
    day: bool = False,
    take_profit: float | None = None,
    stop_loss: float | None = None,
    rules: Sequence[Rule] | None = None,
) -> Terms:
    """Return checked terms.

    Raises:
        InputError: where a price is not above 0, the trail not a fraction, or they do not go together.
    """
    for name, price in {"limit": limit, "stop": stop, "take_profit": take_profit, "stop_loss": stop_loss}.items():
        if price is not None and not (isinstance(price, (int, float)) and 0.0 < price < math.inf):
            raise InputError(f"an order with a {name} of {price}", hint="A price: finite and above 0")
    if rules is not None and not isinstance(rules, (tuple, list)):
        raise InputError(f"an order with the rules {rules!r}", hint="A tuple of position rules: (StopLoss(0.05),)")
    if strange := [rule for rule in rules or () if not callable(getattr(rule, "level", None))]:
        raise InputError(f"an order with a rule {strange[0]!r}", hint="Position rules, such as StopLoss(0.05)")
    if trail is not None:
        if not (isinstance(trail, (int, float)) and 0.0 < trail < 1.0):
            raise InputError(f"an order with a trail of {trail}", hint="A fraction between 0 and 1: 0.05 is 5 %")
        if limit is not None or stop is not None:
            raise InputError("a trailing stop with a limit or a stop", hint="Its level is trail, and nothing else")
    return Terms(
        _price(limit),
        _price(stop),
        _price(trail),
        bool(day),
        _price(take_profit),
        _price(stop_loss),
        None if rules is None else tuple(rules),
    )


def _price(given: float | None) -> float:
    return math.nan if given is None else float(given)


@dataclass(slots=True)
class Working:
    """An order that is not done: `units` lots are left of it; 0 where it has ended.

    It looks at bars from step `since` on. Legs of one bracket have the same `group`, and only ever close a position.
    `mark` is the water mark of a trailing stop. A stop that is `triggered` is a market order, a stop-limit a limit
    order. `last_day` is the day with which a day order ends, once its symbol has traded.
    """

    order: Order
    terms: Terms
    units: int
    since: int
    mark: float
    group: int = 0
    triggered: bool = False
    last_day: date | None = None

    def follow(self, old: Working) -> None:
        """Take the place of another: in its bracket, on its day, and with what it has looked at."""
        self.group, self.last_day = old.group, old.last_day
        if self.order.kind != "market":  # which would fill at the very close that the strategy has seen
            self.since = old.since
        if not math.isnan(old.order.trail):
            self.mark = old.mark
        same_stop = on_same(self.order.stop, old.order.stop) and on_same(self.order.trail, old.order.trail)
        self.triggered = old.triggered and same_stop

    def is_limit(self) -> bool:
        """Whether it is a limit order, or has become one."""
        return not math.isnan(self.order.limit) and not self._awaits_stop()

    def level(self, ticks: Grid | None) -> float:
        """Return the price at which a stop of any kind is triggered."""
        if math.isnan(self.order.trail):
            return self.order.stop
        level = self.mark * (1.0 + self.order.trail if self.units > 0 else 1.0 - self.order.trail)
        return level if ticks is None or math.isnan(level) else ticks.value(ticks.nearest(level))

    def at_open(self, bar: Bar, ticks: Grid | None) -> float | None:
        """Return the open where it lets the order fill; a stop-limit may be triggered here and go on as a limit."""
        if self._awaits_stop() and not self._triggered_by(bar.open, bar.open, ticks):
            return None
        return bar.open if self._within_limit(bar.open) else None

    def at_stop(self, bar: Bar, ticks: Grid | None) -> float | None:
        """Return the level where the bar reaches a stop; a stop-limit beyond its limit waits for the next bar."""
        if not self._awaits_stop() or not self._triggered_by(bar.high, bar.low, ticks):
            return None
        level = self.level(ticks)
        return level if self._within_limit(level) else None

    def at_limit(self, bar: Bar) -> float | None:
        """Return the limit of a limit order where the bar reaches it."""
        return self.order.limit if self._within_limit(bar.low if self.units > 0 else bar.high) else None

    def move_mark(self, bar: Bar) -> None:
        """Let a trailing stop see a complete bar."""
        if self.units > 0:
            self.mark = bar.low if math.isnan(self.mark) else min(self.mark, bar.low)
        else:
            self.mark = bar.high if math.isnan(self.mark) else max(self.mark, bar.high)

    def _awaits_stop(self) -> bool:
        return not self.triggered and self.order.kind in ("stop", "stop_limit", "trailing_stop")

    def _triggered_by(self, high: float, low: float, ticks: Grid | None) -> bool:
        level = self.level(ticks)
        reached = high >= level if self.units > 0 else low <= level
        self.triggered = reached
        return reached

    def _within_limit(self, price: float) -> bool:
        limit = self.order.limit
        return math.isnan(limit) or (price <= limit if self.units > 0 else price >= limit)


def on_same(one: float, other: float) -> bool:
    """Whether two prices are the same, or both are none."""
    return one == other or (math.isnan(one) and math.isnan(other))
