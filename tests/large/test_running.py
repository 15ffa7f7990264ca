"""A run in chunks has the bits of a run in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from engine import (
    ATR,
    EMA,
    RSI,
    SMA,
    Above,
    CrossesAbove,
    DataColumn,
    DeclaredStrategy,
    Highest,
    MaxATRPercent,
    MinDollarVolume,
    Momentum,
    Notional,
    Settings,
    StopLoss,
    TakeProfit,
    TimeExit,
    TrailingStop,
    Volatility,
    generate_market,
    run,
)
from engine.large import run_large, signals, store
from engine.markets import (
    blemished_market,
    edges_market,
    long_market,
    minute_market,
    one_bar,
    scored_market,
    ties_market,
    two_symbols,
)
from engine.scenarios import SCENARIOS
from optimizer.parity import digests_of

WHOLE = 1_000_000
COSTS = Settings(
    cash=90_000.0, commission=0.001, commission_per_share=0.01, commission_fixed=1.0, commission_minimum=2.5,
    slippage=0.0005, slippage_fixed=0.001,
)  # fmt: skip
CROSS = DeclaredStrategy(
    CrossesAbove(SMA(3), SMA(8)),
    CrossesAbove(SMA(8), SMA(3)),
    Notional(20_000.0),
    (StopLoss(0.05), TrailingStop(0.08), TakeProfit(0.1), TimeExit(9)),
)
MARKETS: dict[str, Callable[[], pl.DataFrame]] = {
    "blemished": blemished_market,
    "ties": ties_market,
    "edges": edges_market,
    "long": long_market,
    "minutes": minute_market,
    "one bar": one_bar,
    "two symbols": two_symbols,
    "late": lambda: generate_market(symbols=9, bars=130, late=0.5),
}


@pytest.fixture
def written(tmp_path: Path) -> Callable[[pl.DataFrame], Path]:
    """Write a market as a file."""

    def write(bars: pl.DataFrame) -> Path:
        bars.write_parquet(tmp_path / "market.parquet", row_group_size=97)
        return tmp_path / "market.parquet"

    return write


def _assert_same(strategy: DeclaredStrategy, settings: Settings, path: Path, chunk: int, build=None) -> None:
    expected = digests_of(run(strategy, _load(path), settings).account())
    result = run_large(strategy, path, settings, chunk=chunk, build=build)
    assert digests_of(result.account()) == expected


def _load(path: Path):
    from engine import load

    return load(path, build=())


@pytest.mark.parametrize("chunk", [1, 7, 64, WHOLE])
@pytest.mark.parametrize("market", MARKETS)
def test_every_market_in_chunks_of_any_length_has_the_reference_s_bits(
    written: Callable[[pl.DataFrame], Path], monkeypatch: pytest.MonkeyPatch, market: str, chunk: int
) -> None:
    monkeypatch.setattr(signals, "BLOCK_BYTES", 8 * 240 * 4)  # few symbols at a time
    monkeypatch.setattr(store, "ROWS", 101)
    path = written(MARKETS[market]())
    quick = replace(CROSS, entry=CrossesAbove(SMA(1), SMA(2)), exit=CrossesAbove(SMA(2), SMA(1)))
    for strategy, settings in ((CROSS, COSTS), (quick, replace(COSTS, ruin=89_000.0)), (quick, Settings())):
        _assert_same(strategy, settings, path, chunk)


ACCOUNTS = {
    "margin, short": replace(COSTS, short=True, leverage=2.0, borrow_rate=0.05),
    "volume": replace(COSTS, volume_limit=0.0001, volume_impact=0.1),
    "lots and ticks": replace(COSTS, lot=0.1, tick=0.01, minimum_notional=500.0),
    "this close": replace(COSTS, fill_at="this_close"),
    "next close": replace(COSTS, fill_at="next_close", leverage=1.5, ruin=85_000.0),
}


@pytest.mark.parametrize("chunk", [1, 50])
@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_kind_of_account_and_both_sides_have_the_reference_s_bits(
    written: Callable[[pl.DataFrame], Path], account: str, chunk: int
) -> None:
    path = written(blemished_market())
    level = replace(CROSS, entry=Above(SMA(5), SMA(20)), exit=Above(SMA(20), SMA(5)))
    for side in ("long", "short"):
        _assert_same(replace(level, side=side), ACCOUNTS[account], path, chunk)
    assert len(run_large(level, path, ACCOUNTS[account]).trades) > 4


@pytest.mark.parametrize("build", [None, ()], ids=["accepted build", "reference"])
def test_every_feature_and_gates_have_the_reference_s_bits(
    written: Callable[[pl.DataFrame], Path], monkeypatch: pytest.MonkeyPatch, build: tuple[str, ...] | None
) -> None:
    monkeypatch.setattr(signals, "BLOCK_BYTES", 8 * 240 * 4)
    path = written(scored_market())
    pairs = [
        (EMA(5), SMA(20)), (RSI(10), 55.0), (ATR(5), ATR(14)), (Volatility(10), 0.02), (Momentum(9), 0.0),
        (SMA(1), Highest(1)), (DataColumn("score"), 0.0),
    ]  # fmt: skip
    gates = (MinDollarVolume(5, 50_000_000.0), MaxATRPercent(7, 3.5))
    for left, right in pairs:
        for one in ((), gates):
            strategy = DeclaredStrategy(
                Above(left, right), Above(right, left), Notional(5_000.0), (StopLoss(0.05),), one
            )
            _assert_same(strategy, COSTS, path, 50, build)


@pytest.mark.parametrize("scenario", ["sma_cross", "level", "gated", "ruined", "tight_cash", "cross_trailing", "quick"])
def test_declared_golden_scenarios_have_the_reference_s_bits(
    written: Callable[[pl.DataFrame], Path], scenario: str
) -> None:
    one = SCENARIOS[scenario]
    _assert_same(one.make(), one.settings, written(blemished_market()), 31)
