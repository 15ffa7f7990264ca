"""The trades that a side tells, from its fills; and the file that it tells them in."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from peers.market import Market, read_market
from peers.scenarios import MARKETS, SCENARIOS, Scenario


class NotSupportedError(Exception):
    """Raised by a side for a scenario that its engine can't express; the message says why."""


@dataclass(frozen=True)
class Fill:
    """Shares bought (above 0) or sold on a bar, counted from 0; `commission` is money."""

    symbol: str
    bar: int
    quantity: float
    price: float
    commission: float


@dataclass(frozen=True)
class Trade:
    """A position from its entry to its end: long (quantity above 0) or short, in shares.

    `commission` is money, that of both sides; `pnl` is net of it. None stands for what an engine does not tell.
    """

    symbol: str
    entry_bar: int
    exit_bar: int
    quantity: float
    entry_price: float
    exit_price: float
    commission: float | None = None
    pnl: float | None = None


@dataclass(frozen=True)
class Run:
    """One scenario in one engine.

    `equity` is the account at the last close, in money. `settings` tells how the engine was set, for people.
    """

    trades: Sequence[Trade]
    equity: float
    settings: str


def trades_of(fills: Iterable[Fill]) -> list[Trade]:
    """Return the closed trades of fills that open, close or reverse whole positions, sorted by symbol and entry.

    Raises:
        ValueError: where a fill adds to a position, or takes a part of it.
    """
    trades: list[Trade] = []
    held: dict[str, Fill] = {}
    for fill in fills:
        entry = held.pop(fill.symbol, None)
        if entry is None:
            held[fill.symbol] = fill
            continue
        left = entry.quantity + fill.quantity
        if entry.quantity * fill.quantity > 0.0 or left * entry.quantity > 0.0:
            raise ValueError(f"{fill} neither closes nor reverses {entry}")
        closing = -entry.quantity / fill.quantity  # the part of the fill that closes
        trades.append(
            Trade(
                fill.symbol,
                entry.bar,
                fill.bar,
                entry.quantity,
                entry.price,
                fill.price,
                entry.commission + fill.commission * closing,
            )
        )
        if left:
            held[fill.symbol] = replace(fill, quantity=left, commission=fill.commission * (1.0 - closing))
    return sorted(trades, key=lambda trade: (trade.symbol, trade.entry_bar))


def tell(
    engine: str, version: str, run: Callable[[Market, Scenario], Run], folder: Path, only: Sequence[str] = ()
) -> None:
    """Run the scenarios over the markets in `folder`; write `<engine>.json` there, and a line each."""
    markets = {name: read_market(folder / f"{name}.csv") for name in MARKETS}
    told = {}
    for name, scenario in SCENARIOS.items():
        if only and name not in only:
            continue
        start = time.perf_counter()
        try:
            told[name] = asdict(run(markets[scenario.market], scenario))
            what = f"{len(told[name]['trades'])} trades"
        except NotSupportedError as error:
            told[name] = {"not_supported": str(error)}
            what = "not supported"
        print(f"  {engine:<12} {name:<22} {what:<14} {time.perf_counter() - start:6.1f} s", flush=True)
    answer = {"engine": engine, "version": version, "python": platform.python_version(), "scenarios": told}
    (folder / f"{engine}.json").write_text(json.dumps(answer, indent=1))
