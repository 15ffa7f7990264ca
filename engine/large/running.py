"""Running a declared strategy over a store, chunk after chunk, with the bits of `engine.run`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from engine.arrays import FIELDS, Floats, as_any, stable_order
from engine.catalog import accepted_build, compose
from engine.compiled_account.log import AccountLog, empty_log, with_room
from engine.compiled_account.state import UNCOUNTABLE, Market, State, new_state
from engine.compiled_account.tables import Tables
from engine.compiled_account.terms import Terms, covers, fee_rates, terms_of
from engine.errors import InputError
from engine.large.loop import RUINED, Wishes, most_orders, run_chunk, size_entries
from engine.large.signals import Signals, chunk_of, signals_of
from engine.large.store import LargeStore, Progress, Span, prepare
from engine.model import PRICES, Accounted, Settings
from engine.strategy import DeclaredStrategy, Strategy, is_declared_on_a_side

_COVERED = "run_large runs declared strategies of the parts that the engine has, in lots and ticks that it can count"


@dataclass(frozen=True)
class LargeResult(Accounted):
    """What happened to the account: the tables of `engine.model.Result`, bit for bit, and the market's notes.

    Features, gates and positions would be as large as the market and are not kept.
    """

    orders: pl.DataFrame
    rejections: pl.DataFrame
    cancellations: pl.DataFrame
    fills: pl.DataFrame
    trades: pl.DataFrame
    equity: pl.DataFrame
    notes: tuple[str, ...]


def run_large(
    strategy: Strategy,
    data: str | Path | LargeStore,
    settings: Settings | None = None,
    *,
    folder: str | Path | None = None,
    chunk: int | None = None,
    on_bad_bars: str = "refuse",
    build: Iterable[str] | None = None,
    progress: Progress | None = None,
) -> LargeResult:
    """Run a declared strategy over a market that need not fit into memory.

    Args:
        strategy: a `DeclaredStrategy` of the parts that the engine has.
        data: a Parquet file, or a store that `prepare` has made of one.
        settings: the account and its costs.
        folder: as for `prepare`, with `chunk` and `on_bad_bars`, where `data` is a file.
        chunk: timestamps in memory at a time.
        on_bad_bars: "refuse", or "drop" to go on without the bad rows.
        build: whose features and gates are used; the accepted build without its caches if None, since each block of
            symbols is looked at once.
        progress: is told what is being done, how far it has come, and how far it will go.

    Returns:
        The tables of the account, with the bits that `engine.run` gives.

    Raises:
        InputError: where the strategy is of another kind, lots or ticks are too fine or too many to be counted here, or
            the data can't be used.
    """
    account = settings or Settings()
    if not is_declared_on_a_side(strategy):
        raise InputError(f"{type(strategy).__name__} can't be run in chunks", hint=_COVERED)
    if not covers(account, strategy.rules):
        raise InputError(f"an account with a lot of {account.lot} and a tick of {account.tick}", hint=_COVERED)
    tell = progress or _tell_nobody
    store = data
    if not isinstance(store, LargeStore):
        store = prepare(store, folder, chunk=chunk, on_bad_bars=on_bad_bars, progress=progress)
    pipeline = compose(_without_caches() if build is None else build)
    signals = signals_of(store, strategy, pipeline, tell)
    log = _run(store, strategy, account, signals, tell)
    reasons = ["signal", *(rule.name for rule in strategy.rules)]
    tables = Tables(store.timestamps, store.symbols, log, reasons)
    return LargeResult(
        orders=tables.orders(),
        rejections=tables.rejections(),
        cancellations=tables.cancellations(),
        fills=tables.fills(),
        trades=tables.trades(),
        equity=tables.equity(),
        notes=store.notes,
    )


def _without_caches() -> list[str]:
    return [name for name in accepted_build() if not name.startswith("caching/")]


def _tell_nobody(what: str, done: int, whole: int) -> None:
    """Tell nobody how far it has come."""


def _run(
    store: LargeStore, strategy: DeclaredStrategy, settings: Settings, signals: Signals, progress: Progress
) -> AccountLog:
    """Go through the chunks, and return what happened."""
    terms, steps = as_any(terms_of(settings, strategy.rules)), len(store.timestamps)
    state, log = new_state(len(store.symbols), float(settings.cash)), empty_log(steps)
    fields = FIELDS if terms.has_volume_limit else PRICES
    rates = fee_rates(settings, store.timestamps.to_list())
    amount = strategy.size.amount if strategy.side == "long" else -strategy.size.amount
    for number, span in enumerate(store.spans):
        opens, highs, lows, closes, *volumes = store.read_chunk(number, fields)
        (volume,) = volumes or (closes,)  # nothing looks at the volume then
        market = Market(*(field.T for field in (opens, highs, lows, closes, volume)))  # time-major, as views
        wishes = _wishes(state, terms, span, signals, amount, closes)
        row = 0
        while 0 <= row < span.last - span.first and not state.sizes[UNCOUNTABLE]:
            state, log = with_room(state, log, most_orders(state, wishes, row))
            row = run_chunk(state, log, terms, market, wishes, rates, span.first, row)
        if state.sizes[UNCOUNTABLE]:
            raise InputError("a number of lots or ticks is beyond what is counted in chunks", hint=_COVERED)
        progress("timestamps run", span.last, steps)
        if row == RUINED:
            break
    return log


def _wishes(state: State, terms: Terms, span: Span, signals: Signals, amount: float, closes: Floats) -> Wishes:
    """Return what the strategy asks for in a chunk."""
    steps = span.last - span.first
    entries = np.flatnonzero(chunk_of(signals.enter, *span))
    entries = entries[stable_order(entries % steps, steps)]  # symbols stay in order within a step
    symbol, row = np.divmod(entries, steps)
    offsets = np.zeros(steps + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=steps), out=offsets[1:])
    lots = np.empty(len(entries), np.int64)
    size_entries(state, terms, float(amount), closes.ravel()[entries], lots)
    return Wishes(offsets, symbol, lots, chunk_of(signals.leave, *span))
