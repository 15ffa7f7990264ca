"""The packed loop: its signals, its kernel, its journal, and what is kept of it."""

from __future__ import annotations

from tests.mutants.edits.edit import edits

_LOOP, _SIGNALS = "vectorization/packed_loop", "caching/signal_cache"

EDITS = [
    *edits(
        "packed/kernel.py",
        (
            "cash that does not buy all that it is worth",
            "comparison",
            "if cost > book.cash[0]:",
            "if cost >= book.cash[0]:",
        ),
        (
            "a trailing stop that is looked for only where the stop-loss is",
            "missing case",
            "max(state[symbol, FALL], highest * terms.trail)",
            "state[symbol, FALL]",
        ),
        (
            "a water mark that stays where it is",
            "missing step",
            "state[symbol, HIGHEST] = max(highest, high)",
            "state[symbol, HIGHEST] = highest",
        ),
        (
            "an entry of what is held taken for an exit",
            "wrong set",
            "(signals.enter[step, word] & ~held)",
            "signals.enter[step, word]",
        ),
        (
            "queued orders that fill at the close",
            "open for close",
            "open_ = prices.open[step * prices.of_step + symbol * prices.of_symbol]",
            "open_ = prices.close[step * prices.of_step + symbol * prices.of_symbol]",
        ),
        on=_LOOP,
    ),
    *edits(
        "packed/signals.py",
        ("entries outside of the gates", "missing case", "enter &= passing(passes, len(enter))", "pass"),
        on=_LOOP,
    ),
    *edits(
        "packed/tables.py",
        (
            "a profit before its costs",
            "missing term",
            "money[5, row] = (got - paid) * quantity - commission",
            "money[5, row] = (got - paid) * quantity",
        ),
        on=_LOOP,
    ),
    *edits(
        "packed/journal.py",
        ("a journal in which the last run still stands", "stale state", "                journal.counts[:] = 0\n", ""),
        on=_LOOP,
    ),
    *edits(
        "packed/signals.py",
        (
            "signals kept without the exit that they are for",
            "wrong key",
            "keeper.find((strategy.entry, strategy.exit, tuple(strategy.gates)), make)",
            "keeper.find((strategy.entry, tuple(strategy.gates)), make)",
        ),
        (
            "signals kept without the gates that they are for",
            "wrong key",
            "(strategy.entry, strategy.exit, tuple(strategy.gates)), make",
            "(strategy.entry, strategy.exit), make",
        ),
        on=_SIGNALS,
    ),
]
