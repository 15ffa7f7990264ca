"""Position rules: asked position by position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.model import Bar, Bars
from engine.pipeline import Excursion, Exit, Feed
from engine.rules import PositionState, Rule


@dataclass(slots=True)
class Watched:
    """A position as its rules know it, and what it has been through."""

    rules: Sequence[Rule]
    long: bool
    entry_price: float
    highest: float
    lowest: float
    bars: int


class PositionRules:
    """Watches the open positions and says which leave on a bar, where, and by which rule.

    What the open has already passed leaves at the open, since the open comes first. Otherwise what the bar
    reaches leaves at its level. Among several, the first declared counts.
    """

    def __init__(self, feed: Feed, rules: Sequence[Rule]) -> None:  # noqa: ARG002 - the feed is for array rules
        self._rules = tuple(rules)
        self._watched: dict[str, Watched] = {}

    def watch(
        self, symbol: str, entry_price: float, *, long: bool, rules: Sequence[Rule] | None, bars: int = 0
    ) -> None:
        """Start, or go on after an addition, with this entry price; water marks never go back.

        `rules` are the position's own, in place of the strategy's; `bars` is 1 where the bar is complete already.
        """
        watched = self._watched.get(symbol)
        if watched is None:
            own = self._rules if rules is None else tuple(rules)
            self._watched[symbol] = Watched(own, long, entry_price, entry_price, entry_price, bars)
        else:
            watched.entry_price = entry_price
            watched.highest = max(watched.highest, entry_price)
            watched.lowest = min(watched.lowest, entry_price)

    def forget(self, symbol: str) -> None:
        """Stop watching: the position is closed."""
        del self._watched[symbol]

    def excursion(self, symbol: str) -> Excursion:
        """Return what the position has been through."""
        watched = self._watched[symbol]
        return Excursion(watched.highest, watched.lowest, watched.bars)

    def exits(self, bars: Bars) -> Iterator[Exit]:
        """Yield the exits of this bar, in symbol order. A symbol without a bar has none."""
        for symbol in sorted(self._watched):
            watched, bar = self._watched[symbol], bars.get(symbol)
            if watched.rules and bar is not None:
                state = self._build_position_state(watched, bar)
                if leaves := self._evaluate(watched.rules, state):
                    yield leaves

    def _build_position_state(self, watched: Watched, bar: Bar) -> PositionState:
        return PositionState(
            bar.symbol,
            watched.long,
            watched.entry_price,
            watched.highest,
            watched.lowest,
            watched.bars,
            bar.open,
            bar.high,
            bar.low,
        )

    def _evaluate(self, rules: Sequence[Rule], state: PositionState) -> Exit | None:
        levels = [(rule.name, rule.level(state), rule.rising is state.long) for rule in rules]
        for name, level, rising in levels:
            if state.open >= level if rising else state.open <= level:
                return Exit(state.symbol, state.open, name)
        for name, level, rising in levels:
            if state.high >= level if rising else state.low <= level:
                return Exit(state.symbol, level, name)
        return None

    def move_water_marks(self, bars: Bars) -> None:
        """Let every water mark see this bar's high and low."""
        for symbol, watched in self._watched.items():
            bar = bars.get(symbol)
            if bar is not None:
                watched.bars += 1
                if bar.high > watched.highest:
                    watched.highest = bar.high
                if bar.low < watched.lowest:
                    watched.lowest = bar.low
