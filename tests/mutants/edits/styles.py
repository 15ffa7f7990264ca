"""Plain strategies: their context, the bars that they wait for, their slices, and their account in arrays."""

from __future__ import annotations

from tests.mutants.edits.edit import edits

EDITS = [
    *edits(
        "stepping.py",
        (
            "a feature of the step before",
            "stale state",
            "        self._rows.clear()\n        if self._renewed",
            "        if self._renewed",
        ),
        (
            "a feature that a halted symbol does not have",
            "missing case",
            "if self._arrays.is_full[self._step_bars.step]:\n            return dict",
            "if True:\n            return dict",
        ),
        on="vectorization/lazy_context",
    ),
    *edits(
        "optimizations/vectorization/awaited_calls.py",
        (
            "an exit outside of the gates that is not awaited",
            "missing case",
            "if passes or get(bar.symbol) is not None]",
            "if passes]",
        ),
        (
            "a feature of the bar before",
            "off by one bar",
            "[self.place - ago]",
            "[self.place - min(ago, 0)]",
        ),
        (
            "what is held and not awaited",
            "missing case",
            "        if self._held_too:\n            return",
            "        if False:\n            return",
        ),
    ),
    *edits(
        "optimizations/vectorization/time_slices.py",
        (
            "slices that show what gates hold back",
            "missing case",
            "shown[self._numbers] = row[self._numbers]",
            "shown[:] = row",
        ),
        (
            "held symbols that gates hold back",
            "missing case",
            "        if held:\n",
            "        if not held:\n",
        ),
    ),
    *edits(
        "optimizations/vectorization/compiled_rules.py",
        (
            "a short position that trails its high",
            "long for short",
            "book.prices[symbol, HIGHEST if long else LOWEST]",
            "book.prices[symbol, HIGHEST]",
        ),
        (
            "a target of a short position above it",
            "long for short",
            "high >= level if rules.rising[rule] == long else",
            "high >= level if rules.rising[rule] else",
        ),
        (
            "a level that was passed at the open and fills at itself",
            "wrong price",
            "found, price = rule, at_open",
            "found, price = rule, level",
        ),
    ),
    *edits(
        "optimizations/vectorization/compiled_broker.py",
        (
            "a volume that is free again after the hand-over",
            "missing state",
            "self._traded = {symbols[number]: state.numbers.item(number, FILLED) for number in traded.tolist()}",
            "self._traded = {}",
        ),
        (
            "fees that are forgotten at the hand-over",
            "missing state",
            "state.cash.item(BORROWED), state.cash.item(FEES)",
            "state.cash.item(BORROWED), 0.0",
        ),
        (
            "positions that are not looked up again",
            "stale state",
            "        if symbol in self._stale:\n            self._renew(symbol)\n",
            "",
        ),
        (
            "water marks that begin anew at the hand-over",
            "missing state",
            "for price in (values[LOWEST], values[HIGHEST], position.entry_price):",
            "for price in (position.entry_price,):",
        ),
    ),
]
