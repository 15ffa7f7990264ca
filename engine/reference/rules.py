"""Position rules: stop-loss, trailing stop and take-profit, asked position by position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.pipeline import Exit, Feed
from engine.rules import PositionState, Rule


class PositionRules:
    """Watches the open positions and says which leave on a bar, where, and by which rule.

    What the open has already passed leaves at the open, since the open comes first. Otherwise what the bar
    reaches leaves at its level. Among several, the first declared counts.
    """

    def __init__(self, feed: Feed, rules: Sequence[Rule]) -> None:  # noqa: ARG002 - the feed is for array rules
        self._rules = tuple(rules)
        self._entry_prices: dict[str, float] = {}
        self._water_marks: dict[str, float] = {}

    def watch(self, symbol: str, entry_price: float) -> None:
        """Start, or go on after an addition, with this entry price; the water mark never falls."""
        self._entry_prices[symbol] = entry_price
        self._water_marks[symbol] = max(self._water_marks.get(symbol, entry_price), entry_price)

    def forget(self, symbol: str) -> None:
        """Stop watching: the position is closed."""
        del self._entry_prices[symbol]
        del self._water_marks[symbol]

    def exits(
        self, opens: Mapping[str, float], highs: Mapping[str, float], lows: Mapping[str, float]
    ) -> Iterator[Exit]:
        """Yield the exits of this bar, in symbol order. A symbol without a bar has none."""
        for symbol in sorted(self._entry_prices):
            if symbol in opens:
                state = self._build_position_state(symbol, opens[symbol], highs[symbol], lows[symbol])
                if leaves := self._evaluate(state):
                    yield leaves

    def _build_position_state(self, symbol: str, open_: float, high: float, low: float) -> PositionState:
        return PositionState(symbol, self._entry_prices[symbol], self._water_marks[symbol], open_, high, low)

    def _evaluate(self, state: PositionState) -> Exit | None:
        levels = [(rule, rule.level(state)) for rule in self._rules]
        for rule, level in levels:
            if state.open >= level if rule.rising else state.open <= level:
                return Exit(state.symbol, state.open, rule.name)
        for rule, level in levels:
            if state.high >= level if rule.rising else state.low <= level:
                return Exit(state.symbol, level, rule.name)
        return None

    def move_water_marks(self, highs: Mapping[str, float]) -> None:
        """Raise each water mark to this bar's high where that is higher."""
        for symbol, water_mark in self._water_marks.items():
            high = highs.get(symbol)
            if high is not None and high > water_mark:
                self._water_marks[symbol] = high
