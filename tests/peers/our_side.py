"""The scenarios in our engine: once for each peer, with the settings that make the two mean the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import polars as pl

from engine import Settings, Strategy, load
from peers.market import Market, read_market
from peers.our_strategies import FromTheClose, FromTheNextBar, Wishes, to_cent
from peers.scenarios import CASH, MARKETS, SCENARIOS, Exits, Scenario
from peers.trades import Run, Trade

Maker = Callable[[Market, Scenario], Strategy]


@dataclass(frozen=True)
class Way:
    """How our engine is set for one scenario of one peer."""

    make: Maker
    fill_at: str = "next_open"
    at_closes: bool = False
    told: str = ""


def _like_backtrader(scenario: Scenario) -> Way:
    return Way(FromTheNextBar, told=_orders(scenario, "`StopLoss` rule"))


def _like_vectorbt(scenario: Scenario) -> Way:
    if not scenario.has_exits:
        return Way(Wishes)
    kinds = {_from_the_close(one, scenario.sides): None for one in scenario.exits if one.count}
    return Way(FromTheClose, "this_close", told=", ".join(kinds))


def _like_zipline(scenario: Scenario) -> Way:
    if not scenario.has_exits:
        return Way(Wishes, "next_close")
    return Way(
        lambda market, scenario: FromTheNextBar(market, scenario, one_stop=True, rounded=to_cent),
        at_closes=True,
        told=f"bars of closes; {_orders(scenario, 'the nearer level')}",
    )


LIKE: Mapping[str, Callable[[Scenario], Way]] = {
    "backtrader": _like_backtrader,
    "vectorbt": _like_vectorbt,
    "zipline": _like_zipline,
    "pyalgotrade": _like_backtrader,
}


def _from_the_close(exits: Exits, sides: tuple[int, ...]) -> str:
    """Tell how `FromTheClose` lets a position end."""
    if exits.bracket:
        return "bracket"
    if exits.stop_loss is not None and exits.trailing is not None:
        return "bracket with `replace_order`"
    if exits.count == 1 and exits.trailing is not None and sides == (-1,):
        return "`trail=`"
    return "rules"


def _orders(scenario: Scenario, both_stops: str) -> str:
    """Tell how `FromTheNextBar` lets positions end; `both_stops` is what stands for a stop-loss beside a trail."""
    exits = scenario.exits
    alone = [one for one in exits if one.count == 1]
    kinds = {
        "`stop=`": any(one.take_profit is None for one in alone),
        "`limit=`": any(one.take_profit is not None for one in alone),
        "bracket": any(one.bracket for one in exits),
        "bracket, priced later": any(one.count > 1 and not one.bracket for one in exits),
        both_stops: any(one.stop_loss is not None and one.trailing is not None for one in exits),
        "`replace_order`": any(one.trailing is not None for one in exits),
    }
    return ", ".join(kind for kind, is_used in kinds.items() if is_used)


def run(market: Market, scenario: Scenario, peer: str) -> Run:
    """Run one scenario as one peer does."""
    way = LIKE[peer](scenario)
    settings = Settings(
        cash=CASH,
        commission=scenario.commission,
        commission_per_share=scenario.commission_per_share,
        slippage=scenario.slippage,
        slippage_fixed=scenario.slippage_fixed,
        fill_at=way.fill_at,
        short=scenario.sells_short,
    )
    bars = frame_of(market.at_closes() if way.at_closes else market)
    result = load(bars, build=()).run(way.make(market, scenario), settings)
    if len(result.rejections):
        raise RuntimeError(f"rejected: {result.rejections.row(0, named=True)}")
    bar_of = {day: number for number, day in enumerate(market.dates)}
    trades = [
        Trade(
            row["symbol"],
            bar_of[row["entry_timestamp"]],
            bar_of[row["timestamp"]],
            row["quantity"],
            row["entry_price"],
            row["exit_price"],
            row["commission"],
            row["pnl"],
        )
        for row in result.trades.iter_rows(named=True)
    ]
    trades.sort(key=lambda trade: (trade.symbol, trade.entry_bar))
    return Run(trades, result.equity["equity"][-1], _told(settings, way))


def _told(settings: Settings, way: Way) -> str:
    """Tell what is not as by default, but for the cash."""
    changed = [
        f"{field.name}={getattr(settings, field.name)!r}"
        for field in fields(Settings)
        if field.name != "cash" and getattr(settings, field.name) != field.default
    ]
    return "; ".join(part for part in (f"`Settings({', '.join(changed)})`", way.told) if part)


def frame_of(market: Market) -> pl.DataFrame:
    """Return the bars as a table, by timestamp and symbol."""
    symbols = market.symbols
    rows = [(number, symbol) for number in range(len(market.dates)) for symbol in symbols]
    columns = {name: [values[symbol][number] for number, symbol in rows] for name, values in market.columns.items()}
    stamps = {"timestamp": [market.dates[number] for number, _ in rows], "symbol": [symbol for _, symbol in rows]}
    return pl.DataFrame({**stamps, **columns})


def main(folder: Path, peers: list[str]) -> None:
    """Write `ours.json`: for each peer the scenarios, told as the peers tell theirs."""
    markets = {name: read_market(folder / f"{name}.csv") for name in MARKETS}
    told = {}
    for peer in peers:
        told[peer] = {name: asdict(run(markets[one.market], one, peer)) for name, one in SCENARIOS.items()}
        print(f"  ours, as {peer}: {sum(len(one['trades']) for one in told[peer].values())} trades", flush=True)
    (folder / "ours.json").write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
