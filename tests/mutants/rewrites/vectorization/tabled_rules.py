"""Rules in tables, one for each field of a position, looked through backwards."""

from __future__ import annotations

from engine.catalog import optimization
from engine.pipeline import Excursion, Exit, RulesComponent
from engine.rules import PositionState


class TabledRules:
    """The position rules over dictionaries."""

    def __init__(self, feed, rules) -> None:  # noqa: ARG002 - a table needs no feed
        self._own = tuple(rules)
        self._rules, self._long, self._entry, self._bars = {}, {}, {}, {}
        self._high, self._low = {}, {}

    def watch(self, symbol, entry_price, *, long, rules, bars=0) -> None:
        """Watch a position."""
        if symbol not in self._entry:
            self._rules[symbol] = self._own if rules is None else tuple(rules)
            self._long[symbol], self._bars[symbol] = long, bars
            self._high[symbol] = self._low[symbol] = entry_price
        self._entry[symbol] = entry_price
        self._see(symbol, entry_price, entry_price)

    def _see(self, symbol, high, low) -> None:
        if self._high[symbol] < high:
            self._high[symbol] = high
        if low < self._low[symbol]:
            self._low[symbol] = low

    def forget(self, symbol) -> None:
        """Stop watching."""
        for table in (self._rules, self._long, self._entry, self._bars, self._high, self._low):
            del table[symbol]

    def excursion(self, symbol):
        """Return what the position has been through."""
        return Excursion(self._high[symbol], self._low[symbol], self._bars[symbol])

    def exits(self, bars):
        """Return the exits of these bars."""
        return iter([one for symbol in sorted(self._entry) if (one := self._exit(symbol, bars.get(symbol)))])

    def _exit(self, symbol, bar):
        if bar is None:
            return None
        prices = self._entry[symbol], self._high[symbol], self._low[symbol], self._bars[symbol]
        state = PositionState(symbol, self._long[symbol], *prices, bar.open, bar.high, bar.low)
        at_open = at_level = None
        for rule in reversed(self._rules[symbol]):  # the first declared is looked at last, and stays
            level, upward = rule.level(state), rule.rising == state.long
            if bar.open >= level if upward else bar.open <= level:
                at_open = Exit(symbol, bar.open, rule.name)
            if bar.high >= level if upward else bar.low <= level:
                at_level = Exit(symbol, level, rule.name)
        return at_open or at_level

    def move_water_marks(self, bars) -> None:
        """Let the water marks see these bars."""
        for symbol in self._entry:
            if bar := bars.get(symbol):
                self._bars[symbol] += 1
                self._see(symbol, bar.high, bar.low)


@optimization(component="rules")
def tabled_rules(inner: RulesComponent) -> RulesComponent:  # noqa: ARG001 - they take their place
    """Replace the rules."""
    return TabledRules
