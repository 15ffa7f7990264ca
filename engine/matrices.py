"""Running ready signals over plain matrices: for those who have both already, and want an account of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.arrays import Bools, Floats, side_by_side, times_of
from engine.compiled_account.terms import is_plain
from engine.errors import InputError
from engine.model import Settings
from engine.packed.journal import Desk
from engine.packed.result import PackedAccount
from engine.packed.running import can_count, journal_of, reasons_of
from engine.packed.signals import signals_in
from engine.packed.tables import Names
from engine.rules import Rule, are_known_rules

_desk = Desk()  # exact: memory to write to, no values


def run_matrices(
    timestamps: pl.Series,
    symbols: Sequence[str],
    prices: Sequence[Floats],
    enter: Bools,
    leave: Bools,
    *,
    amount: float,
    rules: tuple[Rule, ...] = (),
    settings: Settings | None = None,
    check: bool = True,
) -> PackedAccount:
    """Buy where `enter` is set and nothing is held, sell where `leave` is set, at the next open; return the account.

    It is what `run` gives for a declared strategy whose conditions hold on those bars, to the last bit.

    Args:
        timestamps: one a row of the matrices, in order (date or datetime).
        symbols: one a column, sorted.
        prices: open, high, low and close: float64 of shape (timestamps, symbols), NaN where a symbol has no bar.
        enter: where to buy, bool of the same shape; what is set where there is no bar is passed over.
        leave: where to sell, bool of the same shape.
        amount: money for a position, in whole shares at the close of the signal.
        rules: position rules; see `engine.rules`.
        settings: a cash account with whole shares that fills at the next open; its costs and its ruin are free.
        check: whether to look at every price first; without it, good ones are yours to answer for, and no order may
            come to 2^53 shares.

    Raises:
        InputError: where shapes or types do not fit, a price is not above 0, a bar is no bar, or the settings ask for
            another account.
    """
    settings = settings or Settings()
    matrices = [np.ascontiguousarray(one, dtype=np.float64) for one in prices]
    _check_shapes(timestamps, symbols, [*matrices, enter, leave])
    if not is_plain(settings):
        raise InputError("an account that is more than a plain one", hint="`run` takes all accounts")
    if not are_known_rules(rules):
        raise InputError("a position rule of another kind", hint="Those of engine.rules, or `run`, which takes all")
    lowest = _check_bars(matrices) if check else np.inf
    if not (0.0 < amount < np.inf and can_count(amount, lowest)):
        raise InputError(f"a position of {amount}", hint="An amount of money: finite, above 0, below 2^53 shares")
    signals = signals_in(np.ascontiguousarray(enter), np.ascontiguousarray(leave))
    lent = journal_of(side_by_side(*matrices), signals, amount, rules, settings, len(symbols), _desk)
    names = Names(timestamps, times_of(timestamps), pl.Series(symbols, dtype=pl.String), reasons_of(rules))
    return PackedAccount(lent, names)


def _check_shapes(timestamps: pl.Series, symbols: Sequence[str], matrices: Sequence[npt.NDArray[Any]]) -> None:
    shape = len(timestamps), len(symbols)
    names = ("open", "high", "low", "close", "enter", "leave")
    if len(matrices) != len(names):
        raise InputError(f"{len(matrices) - 2} matrices of prices", hint="Four: open, high, low, close")
    for name, matrix in zip(names, matrices, strict=True):
        if matrix.shape != shape:
            raise InputError(f"{name} of shape {matrix.shape}", hint=f"(timestamps, symbols): {shape}")
    for name, matrix in zip(names[4:], matrices[4:], strict=True):
        if matrix.dtype != np.bool_:
            raise InputError(f"{name} of {matrix.dtype}", hint="bool: where it is set")
    if not timestamps.is_sorted() or timestamps.n_unique() != len(timestamps):
        raise InputError("timestamps that are not in order", hint="Sort the rows of all matrices by them, each once")
    if list(symbols) != sorted(set(symbols)):
        raise InputError("symbols that are not in order", hint="Sort the columns of all matrices by them, each once")


def _check_bars(matrices: Sequence[Floats]) -> float:
    """Look at every bar; return the lowest close."""
    opens, highs, lows, closes = matrices
    there = ~np.isnan(opens)
    with np.errstate(invalid="ignore"):
        good = (lows > 0.0) & (lows <= opens) & (lows <= closes) & (highs >= opens) & (highs >= closes)
        bad = np.where(there, ~(good & (highs < np.inf)), ~np.isnan(closes))
    if bad.any():
        step, symbol = np.argwhere(bad)[0].tolist()
        bar = [float(matrix[step, symbol]) for matrix in matrices]
        raise InputError(
            f"row {step}, column {symbol}: {bar} is no bar", hint="0 < low <= open, close <= high; or all NaN"
        )
    return float(np.nanmin(closes, initial=np.inf))
