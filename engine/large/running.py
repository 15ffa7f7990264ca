"""Running a declared strategy over a store, chunk after chunk, with the bits of `engine.run`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from engine.arrays import Arrays, Columns, Floats, Ints, as_any, stable_order
from engine.catalog import accepted_build, compose
from engine.errors import InputError
from engine.event_log import FILLS, ORDERS, REJECTIONS, TRADES, Log, Tables, empty_log
from engine.grid import NEAR, RELATIVE
from engine.large.loop import ON_ENTRY, ON_HIGHEST, ON_TIME, Book, Chunk, Terms, empty_book, run_chunk
from engine.large.signals import Signals, chunk_of, signals_of
from engine.large.store import LargeStore, Progress, Span, prepare
from engine.model import Settings
from engine.rules import Rule, TakeProfit, TimeExit, TrailingStop
from engine.strategy import DeclaredStrategy, Strategy, is_declared

_COVERED = "run_large runs declared strategies of known parts on a plain cash account: whole shares at the next open"
_PLAIN = ("fill_at", "short", "leverage", "volume_impact", "volume_limit", "lot", "tick", "minimum_notional")
MOST_SHARES = 2.0**53


@dataclass(frozen=True)
class LargeResult:
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

    def account(self) -> dict[str, pl.DataFrame]:
        """Return the tables by name, as `Result.account` does."""
        names = ("rejections", "cancellations", "fills", "trades", "orders", "equity")
        return {name: getattr(self, name) for name in names}


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
        settings: a plain cash account with any commission, slippage and ruin.
        folder: as for `prepare`, with `chunk` and `on_bad_bars`, where `data` is a file.
        chunk: timestamps in memory at a time.
        on_bad_bars: "refuse", or "drop" to go on without the bad rows.
        build: whose features and gates are used; the accepted build without its caches if None, since each block of
            symbols is looked at once.
        progress: is told what is being done, how far it has come, and how far it will go.

    Returns:
        The tables of the account, with the bits that `engine.run` gives.

    Raises:
        InputError: where the strategy or the account is of another kind, or the data can't be used.
    """
    account = settings or Settings()
    if not is_declared(strategy):
        raise InputError(f"{type(strategy).__name__} can't be run in chunks", hint=_COVERED)
    if other := [name for name in _PLAIN if getattr(account, name) != getattr(Settings(), name)]:
        raise InputError(
            f"an account with {other[0]}={getattr(account, other[0])!r} can't be run in chunks", hint=_COVERED
        )
    tell = progress or _tell_nobody
    store = data
    if not isinstance(store, LargeStore):
        store = prepare(store, folder, chunk=chunk, on_bad_bars=on_bad_bars, progress=progress)
    if strategy.size.amount / store.least_close >= MOST_SHARES:
        raise InputError(f"{strategy.size.amount} buys too many shares at {store.least_close}", hint=_COVERED)
    pipeline = compose(_without_caches() if build is None else build)
    signals = signals_of(store, strategy, pipeline, tell)
    log = _run(store, strategy, account, signals, tell)
    market = Arrays(store.timestamps, list(store.symbols), Columns(*(np.empty(0) for _ in Columns._fields)), {})  # type: ignore[arg-type]
    tables = Tables(market, log, ["signal", *(rule.name for rule in strategy.rules)])
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
) -> Log:
    """Go through the chunks, and return what happened."""
    terms, steps = _terms(strategy, settings), len(store.timestamps)
    book, log = empty_book(len(store.symbols), settings.cash), empty_log(0, steps)
    for number, span in enumerate(store.spans):
        chunk = _chunk(store, number, span, signals, strategy.size.amount)
        log = _with_room(log, len(chunk.entry), book)
        ruined = run_chunk(chunk, as_any(terms), book, log)
        if ruined >= 0:
            log.equity[ruined:] = log.equity[ruined]
            log.positions[ruined:] = log.positions[ruined]
            break
        progress("timestamps run", span.last, steps)
    return log


def _chunk(store: LargeStore, number: int, span: Span, signals: Signals, amount: float) -> Chunk:
    """Return the bars and the signals of a chunk."""
    prices = store.read_chunk(number, ("open", "high", "low", "close"))
    steps = span.last - span.first
    entries = np.flatnonzero(chunk_of(signals.enter, *span))
    entries = entries[stable_order(entries % steps, steps)]  # symbols stay in order within a step
    symbol, step = np.divmod(entries, steps)
    offsets = np.zeros(steps + 1, np.int64)
    np.cumsum(np.bincount(step, minlength=steps), out=offsets[1:])
    shares = _shares(amount, prices[3].ravel()[entries])
    leave = chunk_of(signals.leave, *span)
    opens, highs, lows, closes = prices
    return Chunk(span.first, opens, highs, lows, closes, leave, offsets, symbol, shares)


def _shares(amount: float, closes: Floats) -> Ints:
    """Return the whole shares that an amount buys at each close: as `Grid.below`, element by element."""
    shares = amount / closes
    nearest = np.rint(shares)
    is_near = np.abs(shares - nearest) <= NEAR + np.abs(shares) * RELATIVE
    whole: Ints = np.where(is_near, nearest, np.floor(shares)).astype(np.int64)
    return whole


def _with_room(log: Log, entries: int, book: Book) -> Log:
    """Return the log with room for all that can happen in a chunk of so many entries.

    A symbol that is held or waits at the chunk's beginning, and each entry, is at most one order that buys and one
    that leaves again, and at most one rejection and one trade.
    """
    once = entries + len(book.quantity)
    room = {ORDERS: 2 * once, FILLS: 2 * once, REJECTIONS: once, TRADES: once}
    parts = {
        "order": ORDERS,
        "rejection": REJECTIONS,
        "fill": FILLS,
        "fill_money": FILLS,
        "trade": TRADES,
        "trade_money": TRADES,
    }
    grown = {}
    for name, kind in parts.items():
        rows, count = getattr(log, name), int(log.counts[kind])
        if len(rows) < count + room[kind]:
            larger = np.empty((count + room[kind] + count // 2, rows.shape[1]), rows.dtype)
            larger[:count] = rows[:count]
            grown[name] = larger
    return log._replace(**grown)


def _terms(strategy: DeclaredStrategy, settings: Settings) -> Terms:
    rules = strategy.rules
    return Terms(
        float(settings.commission),
        float(settings.commission_per_share),
        float(settings.commission_fixed),
        float(settings.commission_minimum),
        float(settings.slippage),
        float(settings.slippage_fixed),
        float(settings.ruin),
        np.array([_BASES.get(type(rule), ON_ENTRY) for rule in rules], np.int64),
        np.array([_factor(rule) for rule in rules], np.float64),
        np.array([rule.rising for rule in rules], np.bool_),
    )


_BASES: dict[type, int] = {TrailingStop: ON_HIGHEST, TimeExit: ON_TIME}


def _factor(rule: Rule) -> float:
    if isinstance(rule, TimeExit):
        return float(rule.bars)
    return 1.0 + rule.fraction if isinstance(rule, TakeProfit) else 1.0 - rule.fraction
