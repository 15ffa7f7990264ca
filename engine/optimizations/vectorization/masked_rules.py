"""Check the position rules of all that is held with masks.

How: Entry prices and water marks stand in arrays by symbol. On each bar the levels of all held symbols are
computed and compared at once; only where a mask is true does Python go on with one position.

Exact: The same products (price times one minus, or plus, the fraction) and the same comparisons, element by
element; NaN, a missing bar, compares false. Where several rules are true the first declared counts, the open
before the rest of the bar, as in the reference.

Risk: Below about ten held positions the plain loop is as fast. It shows little while the strategy is called on
every bar, which takes far longer than the rules; that is why it stands on awaited_bars.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from engine.arrays import Bools, Floats, Ints, arrays_of, row_of
from engine.catalog import optimization
from engine.pipeline import Exit, Feed, Rules, RulesComponent
from engine.rules import Rule, StopLoss, TakeProfit, are_known_rules


class MaskedRules:
    """Position rules over arrays by symbol number."""

    def __init__(self, feed: Feed, rules: Sequence[Rule]) -> None:
        arrays = arrays_of(feed)
        self._rules = tuple(rules)
        self._symbols = arrays.symbols
        self._index = arrays.index
        self._entry_prices = np.zeros(len(arrays.symbols))
        self._water_marks = np.zeros(len(arrays.symbols))
        self._watched = np.zeros(len(arrays.symbols), np.bool_)
        self._held: Ints | None = None

    def watch(self, symbol: str, entry_price: float) -> None:
        """Start, or go on after an addition, with this entry price; the water mark never falls."""
        number = self._index[symbol]
        if not self._watched[number] or entry_price > self._water_marks[number]:
            self._water_marks[number] = entry_price
        self._entry_prices[number] = entry_price
        self._watched[number] = True
        self._held = None

    def forget(self, symbol: str) -> None:
        """Stop watching: the position is closed."""
        self._watched[self._index[symbol]] = False
        self._held = None

    def exits(
        self, opens: Mapping[str, float], highs: Mapping[str, float], lows: Mapping[str, float]
    ) -> Iterator[Exit]:
        """Yield the exits of this bar, in symbol order. A symbol without a bar has none."""
        held = self._held_numbers()
        if not self._rules or not len(held):
            return
        at_open = row_of(opens)[held]
        high, low = row_of(highs)[held], row_of(lows)[held]
        levels = [(rule, self._levels(rule, held)) for rule in self._rules]
        passed = [at_open >= level if rule.rising else at_open <= level for rule, level in levels]
        reached = [high >= level if rule.rising else low <= level for rule, level in levels]
        for place in np.flatnonzero(np.logical_or.reduce(passed + reached)).tolist():
            symbol = self._symbols[held.item(place)]
            first = _first_true(passed, place)
            if first is not None:
                yield Exit(symbol, at_open.item(place), self._rules[first].name)
            elif (first := _first_true(reached, place)) is not None:
                yield Exit(symbol, levels[first][1].item(place), self._rules[first].name)

    def move_water_marks(self, highs: Mapping[str, float]) -> None:
        """Raise each water mark to this bar's high where that is higher."""
        held = self._held_numbers()
        high = row_of(highs)[held]
        marks = self._water_marks[held]
        self._water_marks[held] = np.where(high > marks, high, marks)

    def _held_numbers(self) -> Ints:
        if self._held is None:
            self._held = np.flatnonzero(self._watched)
        return self._held

    def _levels(self, rule: Rule, held: Ints) -> Floats:
        if isinstance(rule, StopLoss):
            return self._entry_prices[held] * (1.0 - rule.fraction)
        if isinstance(rule, TakeProfit):
            return self._entry_prices[held] * (1.0 + rule.fraction)
        return self._water_marks[held] * (1.0 - rule.fraction)


def _first_true(masks: list[Bools], place: int) -> int | None:
    return next((number for number, mask in enumerate(masks) if mask[place]), None)


@optimization(component="rules", requires=["vectorization/array_feed", "vectorization/awaited_bars"])
def masked_rules(inner: RulesComponent) -> RulesComponent:
    """Replace the rules that look at one position after another; rules of other kinds are left to them."""

    def make(feed: Feed, rules: Sequence[Rule]) -> Rules:
        return MaskedRules(feed, rules) if are_known_rules(rules) else inner(feed, rules)

    return make
