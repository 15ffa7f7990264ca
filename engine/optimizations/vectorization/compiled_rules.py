"""Check the position rules of all that is held in compiled code.

How: Entry prices, water marks and sides stand in arrays by symbol number, and the held symbols on a list that stays in
order. On each bar one compiled call walks that list and writes down which positions leave, by which rule, and at what
price; only for those does Python go on. It knows the four rules that there are, long and short. A position that has
rules of its own is left to the rules that it stands on, and so is a strategy with rules of other kinds.

Exact: The same products (price times one minus, or plus, the fraction) and the same comparisons, position by position;
NaN, a missing bar, is passed over. Where several rules are true the first declared counts, the open before the rest of
the bar, as in the reference.

Risk: The first call in a new process loads compiled code from disk, or compiles it (seconds) where there is none. Where
the compiled broker runs, it does this work itself, and these rules wait until it hands over.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from heapq import merge
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from engine.arrays import Bools, Floats, Ints, arrays_of, as_any, row_of
from engine.catalog import optimization
from engine.compiled_account.terms import ON_ENTRY, ON_TIME, rules_of
from engine.compiled_account.terms import Rules as RuleCodes
from engine.jit import compiled_in_place
from engine.model import Bars
from engine.pipeline import Excursion, Exit, Feed, Rules, RulesComponent
from engine.rules import Rule, are_known_rules

ENTRY, HIGHEST, LOWEST = range(3)


class Book(NamedTuple):
    """What is watched, by symbol number: entry price, highest and lowest; complete bars; whether it is long."""

    prices: Floats
    bars: Ints
    long: Bools


@compiled_in_place
def _level(rules: RuleCodes, rule: int, book: Book, symbol: int) -> float:
    """Return the price at which a rule leaves; what every open has passed where a time is up."""
    long = book.long[symbol]
    base, factor = rules.bases[rule], rules.factors[rule, 1 if long else 0]
    if base == ON_TIME:
        return np.inf if (book.bars[symbol] >= factor) == long else -np.inf
    if base == ON_ENTRY:
        return float(book.prices[symbol, ENTRY] * factor)
    return float(book.prices[symbol, HIGHEST if long else LOWEST] * factor)


@compiled_in_place
def _reached(rules: RuleCodes, rule: int, long: bool, level: float, high: float, low: float) -> bool:
    return bool(high >= level if rules.rising[rule] == long else low <= level)


@compiled_in_place
def _fired(
    rules: RuleCodes, book: Book, held: Ints, opens: Floats, highs: Floats, lows: Floats, which: Ints, prices: Floats
) -> int:
    """Write down the places in `held` of what leaves, with its rule, and the prices; return how many there are."""
    fired = 0
    for place in range(len(held)):
        symbol = held[place]
        at_open, high, low = opens[symbol], highs[symbol], lows[symbol]
        if at_open != at_open:
            continue
        found, price = -1, 0.0
        for rule in range(len(rules.bases)):
            level = _level(rules, rule, book, symbol)
            if _reached(rules, rule, book.long[symbol], level, at_open, at_open):
                found, price = rule, at_open
                break
        if found < 0:
            for rule in range(len(rules.bases)):
                level = _level(rules, rule, book, symbol)
                if _reached(rules, rule, book.long[symbol], level, high, low):
                    found, price = rule, level
                    break
        if found >= 0:
            which[fired, 0] = place
            which[fired, 1] = found
            prices[fired] = price
            fired += 1
    return fired


@compiled_in_place
def _move(book: Book, held: Ints, highs: Floats, lows: Floats) -> None:
    for symbol in held:
        if highs[symbol] == highs[symbol]:
            book.bars[symbol] += 1
            if highs[symbol] > book.prices[symbol, HIGHEST]:
                book.prices[symbol, HIGHEST] = highs[symbol]
            if lows[symbol] < book.prices[symbol, LOWEST]:
                book.prices[symbol, LOWEST] = lows[symbol]


class CompiledRules:
    """Position rules over arrays by symbol number, for positions with the strategy's rules."""

    def __init__(self, feed: Feed, rules: Sequence[Rule], others: Rules) -> None:
        arrays = arrays_of(feed)
        count = len(arrays.symbols)
        self._rules = tuple(rules)
        self._others = others
        self._with_others: set[str] = set()
        self._symbols, self._index = arrays.symbols, arrays.index
        self._coded = as_any(rules_of(rules))
        self._book = Book(np.zeros((count, 3)), np.zeros(count, np.int64), np.zeros(count, np.bool_))
        self._which, self._prices = np.zeros((count, 2), np.int64), np.zeros(count)
        self._watched: list[int] = []
        self._held: Ints | None = None

    def watch(
        self, symbol: str, entry_price: float, *, long: bool, rules: Sequence[Rule] | None, bars: int = 0
    ) -> None:
        """Start, or go on after an addition, with this entry price; water marks never go back."""
        number, book = self._index[symbol], self._book
        place = bisect_left(self._watched, number)
        is_watched = place < len(self._watched) and self._watched[place] == number
        if symbol in self._with_others or (not is_watched and rules is not None):
            self._with_others.add(symbol)
            self._others.watch(symbol, entry_price, long=long, rules=rules, bars=bars)
            return
        if not is_watched:
            insort(self._watched, number)
            self._held = None
            book.prices[number] = entry_price
            book.bars[number], book.long[number] = bars, long
        else:
            _, highest, lowest = book.prices[number].tolist()
            book.prices[number] = entry_price, max(highest, entry_price), min(lowest, entry_price)

    def forget(self, symbol: str) -> None:
        """Stop watching: the position is closed."""
        if symbol in self._with_others:
            self._with_others.remove(symbol)
            self._others.forget(symbol)
        else:
            del self._watched[bisect_left(self._watched, self._index[symbol])]
            self._held = None

    def excursion(self, symbol: str) -> Excursion:
        """Return what the position has been through."""
        if symbol in self._with_others:
            return self._others.excursion(symbol)
        number = self._index[symbol]
        _, highest, lowest = self._book.prices[number].tolist()
        return Excursion(highest, lowest, self._book.bars.item(number))

    def exits(self, bars: Bars) -> Iterator[Exit]:
        """Yield the exits of this bar, in symbol order. A symbol without a bar has none."""
        if not self._with_others:
            return self._compiled(bars)
        return merge(self._compiled(bars), self._others.exits(bars), key=attrgetter("symbol"))

    def _compiled(self, bars: Bars) -> Iterator[Exit]:
        held = self._held_numbers()
        if not self._rules or not len(held):
            return
        opens, highs, lows = row_of(bars, "open"), row_of(bars, "high"), row_of(bars, "low")
        fired = _fired(self._coded, self._book, held, opens, highs, lows, self._which, self._prices)
        leaving = [(self._symbols[held.item(place)], rule) for place, rule in self._which[:fired].tolist()]
        for (symbol, rule), price in zip(leaving, self._prices[:fired].tolist(), strict=True):
            yield Exit(symbol, price, self._rules[rule].name)

    def move_water_marks(self, bars: Bars) -> None:
        """Let every water mark see this bar's high and low."""
        if self._with_others:
            self._others.move_water_marks(bars)
        held = self._held_numbers()
        if len(held):
            _move(self._book, held, row_of(bars, "high"), row_of(bars, "low"))

    def _held_numbers(self) -> Ints:
        if self._held is None:
            self._held = np.array(self._watched, np.int64)
        return self._held


@optimization(
    component="rules",
    requires=["vectorization/array_feed"],
    after=["vectorization/masked_rules"],
    workload="waits",
)
def compiled_rules(inner: RulesComponent) -> RulesComponent:
    """Compile the rules that there are; those of other kinds are left to the inner ones."""

    def make(feed: Feed, rules: Sequence[Rule]) -> Rules:
        return CompiledRules(feed, rules, inner(feed, rules)) if are_known_rules(rules) else inner(feed, rules)

    return make
