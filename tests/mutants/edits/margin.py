"""Accounts of every kind in compiled code, and rankings on them."""

from __future__ import annotations

from tests.mutants.edits.edit import edits

_ACCOUNTS, _RANKING = "vectorization/compiled_accounts", "vectorization/compiled_ranking"

EDITS = [
    *edits(
        "compiled_account/fills.py",
        (
            "a minimum notional that no short position reaches",
            "long for short",
            "if abs(quantity) * price < terms.minimum_notional:",
            "if quantity * price < terms.minimum_notional:",
        ),
        (
            "an impact that grows with the share, not with its square",
            "missing term",
            "fraction += terms.volume_impact * share * share",
            "fraction += terms.volume_impact * share",
        ),
        (
            "margin that the position itself does not need",
            "missing term",
            "exposure = state.cash[EXPOSURE] - abs(state.worth[symbol]) + abs(mine)",
            "exposure = state.cash[EXPOSURE] - abs(state.worth[symbol])",
        ),
        (
            "a volume that fills anew with each order",
            "stale state",
            "state.numbers[symbol, FILLED] = before + abs(lots)",
            "state.numbers[symbol, FILLED] = abs(lots)",
        ),
        on=_ACCOUNTS,
    ),
    *edits(
        "compiled_account/steps.py",
        (
            "a borrow fee that is told and not paid",
            "missing step",
            "        state.cash[CASH] -= fee\n",
            "",
        ),
        on=_ACCOUNTS,
    ),
    *edits(
        "optimizations/vectorization/compiled_ranking.py",
        (
            "a ranking that counts from its second timestamp",
            "off by one bar",
            "if (before + step) % ranking.every == 0 and",
            "if (before + step + 1) % ranking.every == 0 and",
        ),
        (
            "positions that grow before others shrink",
            "wrong order",
            "if abs(held + change) < abs(held):",
            "if abs(held + change) > abs(held):",
        ),
        (
            "a ranking of fewer than there are places",
            "comparison",
            "if ranked < long + short:",
            "if ranked < long:",
        ),
        (
            "orders that wait counted twice",
            "missing state",
            "side[symbol], waiting[symbol] = 0, 0.0",
            "side[symbol] = 0",
        ),
    ),
]
