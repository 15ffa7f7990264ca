"""Two lists of trades, held against each other trade by trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from peers.trades import Trade

TOLERANCE = 1e-9  # relative, of prices and quantities; of money relative to what was traded


@dataclass(frozen=True)
class Difference:
    """One trade that is not the same in both; `what` says how. `ours` or `theirs` is None where it has none."""

    what: str
    ours: Trade | None
    theirs: Trade | None


def differences(*, ours: Sequence[Trade], theirs: Sequence[Trade]) -> list[Difference]:
    """Return each trade that is missing, surplus or changed, by symbol and entry; empty where all are the same.

    Raises:
        ValueError: where two trades of one list are in the same symbol with the same entry.
    """
    our_trades, their_trades = _by_entry(ours), _by_entry(theirs)
    found = []
    for key in sorted({*our_trades, *their_trades}):
        one, other = our_trades.get(key), their_trades.get(key)
        if what := _difference(one, other):
            found.append(Difference(what, one, other))
    return found


def same(one: float, other: float, scale: float = 0.0) -> bool:
    """Whether two numbers are the same, relative to the larger of them and of `scale`."""
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other), scale)


def _by_entry(trades: Sequence[Trade]) -> dict[tuple[str, int], Trade]:
    by_entry = {(trade.symbol, trade.entry_bar): trade for trade in trades}
    if len(by_entry) < len(trades):
        raise ValueError("two trades in one symbol have the same entry")
    return by_entry


def _difference(ours: Trade | None, theirs: Trade | None) -> str | None:
    if theirs is None:
        return "surplus: only ours has it"
    if ours is None:
        return "missing: only theirs has it"
    if ours.exit_bar != theirs.exit_bar:
        return f"exit_bar {ours.exit_bar}, theirs {theirs.exit_bar}"
    for name in ("quantity", "entry_price", "exit_price"):
        one, other = getattr(ours, name), getattr(theirs, name)
        if not same(one, other):
            return f"{name} {one!r}, theirs {other!r}"
    traded = abs(ours.quantity) * ours.entry_price  # pnl is a difference of such amounts, and may be near 0
    for name in ("commission", "pnl"):
        one, other = getattr(ours, name), getattr(theirs, name)
        if one is not None and other is not None and not same(one, other, traded):
            return f"{name} {one!r}, theirs {other!r}"
    return None
