"""Check the position rules of all that is held with masks.

How: Entry prices and water marks stand in arrays by symbol number. On each bar the levels of all held symbols are
computed and compared at once; only where a mask is true does Python go on with one position. What it does not cover
is left to the rules that it stands on, position by position: what is sold short, and a position that has rules of its
own. A strategy with a time exit, or rules of other kinds, is left to them whole.

Exact: The same products (price times one minus, or plus, the fraction) and the same comparisons, element by
element; NaN, a missing bar, compares false. Where several rules are true the first declared counts, the open
before the rest of the bar, as in the reference.

Risk: Below about ten held positions the plain loop is as fast. It shows little while the strategy is called on
every bar, which takes far longer than the rules; that is why it stands on awaited_bars.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from operator import attrgetter

import numpy as np

from engine.arrays import Bools, Floats, Ints, arrays_of, row_of
from engine.catalog import optimization
from engine.model import Bars
from engine.pipeline import Excursion, Exit, Feed, Rules, RulesComponent
from engine.rules import Rule, StopLoss, TakeProfit, TimeExit, TrailingStop


class MaskedRules:
    """Position rules over arrays by symbol number, for long positions with the strategy's rules."""

    def __init__(self, feed: Feed, rules: Sequence[Rule], others: Rules) -> None:
        arrays = arrays_of(feed)
        count = len(arrays.symbols)
        self._rules = tuple(rules)
        self._others = others
        self._with_others: set[str] = set()
        self._symbols = arrays.symbols
        self._index = arrays.index
        self._entry_prices, self._highest, self._lowest = np.zeros(count), np.zeros(count), np.zeros(count)
        self._bars = np.zeros(count, np.int64)
        self._watched = np.zeros(count, np.bool_)
        self._held: Ints | None = None

    def watch(
        self, symbol: str, entry_price: float, *, long: bool, rules: Sequence[Rule] | None, bars: int = 0
    ) -> None:
        """Start, or go on after an addition, with this entry price; water marks never go back."""
        number = self._index[symbol]
        if symbol in self._with_others or (not self._watched[number] and (rules is not None or not long)):
            self._with_others.add(symbol)
            self._others.watch(symbol, entry_price, long=long, rules=rules, bars=bars)
            return
        if not self._watched[number]:
            self._watched[number] = True
            self._highest[number] = self._lowest[number] = entry_price
            self._bars[number] = bars
            self._held = None
        self._highest[number] = max(self._highest.item(number), entry_price)
        self._lowest[number] = min(self._lowest.item(number), entry_price)
        self._entry_prices[number] = entry_price

    def forget(self, symbol: str) -> None:
        """Stop watching: the position is closed."""
        if symbol in self._with_others:
            self._with_others.remove(symbol)
            self._others.forget(symbol)
        else:
            self._watched[self._index[symbol]] = False
            self._held = None

    def excursion(self, symbol: str) -> Excursion:
        """Return what the position has been through."""
        if symbol in self._with_others:
            return self._others.excursion(symbol)
        number = self._index[symbol]
        return Excursion(self._highest.item(number), self._lowest.item(number), self._bars.item(number))

    def exits(self, bars: Bars) -> Iterator[Exit]:
        """Yield the exits of this bar, in symbol order. A symbol without a bar has none."""
        if not self._with_others:
            return self._masked(bars)
        return merge(self._masked(bars), self._others.exits(bars), key=attrgetter("symbol"))

    def _masked(self, bars: Bars) -> Iterator[Exit]:
        held = self._held_numbers()
        if not self._rules or not len(held):
            return
        at_open, high, low = row_of(bars, "open")[held], row_of(bars, "high")[held], row_of(bars, "low")[held]
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

    def move_water_marks(self, bars: Bars) -> None:
        """Let every water mark see this bar's high and low."""
        if self._with_others:
            self._others.move_water_marks(bars)
        held = self._held_numbers()
        if len(held):
            high, low = row_of(bars, "high")[held], row_of(bars, "low")[held]
            highest, lowest = self._highest[held], self._lowest[held]
            self._highest[held] = np.where(high > highest, high, highest)
            self._lowest[held] = np.where(low < lowest, low, lowest)
            self._bars[held] += high == high  # NaN, a missing bar, is none

    def _held_numbers(self) -> Ints:
        if self._held is None:
            self._held = np.flatnonzero(self._watched)
        return self._held

    def _levels(self, rule: Rule, held: Ints) -> Floats:
        assert not isinstance(rule, TimeExit)  # noqa: S101 - not covered
        if isinstance(rule, StopLoss):
            return self._entry_prices[held] * (1.0 - rule.fraction)
        if isinstance(rule, TakeProfit):
            return self._entry_prices[held] * (1.0 + rule.fraction)
        return self._highest[held] * (1.0 - rule.fraction)


def _covers(rules: Sequence[Rule]) -> bool:
    return all(type(rule) in (StopLoss, TrailingStop, TakeProfit) for rule in rules)


def _first_true(masks: list[Bools], place: int) -> int | None:
    return next((number for number, mask in enumerate(masks) if mask[place]), None)


@optimization(component="rules", requires=["vectorization/array_feed", "vectorization/awaited_bars"])
def masked_rules(inner: RulesComponent) -> RulesComponent:
    """Replace the rules that look at one position after another; rules of other kinds are left to them."""

    def make(feed: Feed, rules: Sequence[Rule]) -> Rules:
        return MaskedRules(feed, rules, inner(feed, rules)) if _covers(rules) else inner(feed, rules)

    return make
