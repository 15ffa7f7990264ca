"""The packed loop where it could differ: words of 64 symbols, missing bars, several trailing stops, used journals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from engine import (
    SMA,
    Above,
    CrossesAbove,
    DeclaredStrategy,
    Market,
    Notional,
    Settings,
    StopLoss,
    TakeProfit,
    TimeExit,
    TrailingStop,
    generate_market,
    load,
)
from engine.catalog import build_of
from engine.gates import MinPrice
from engine.markets import blemished_market, edges_market, minute_market, one_bar, ties_market
from engine.packed.journal import Desk
from engine.packed.result import PackedResult
from engine.packed.signals import signals_in
from optimizer.parity import digests_of

pytestmark = pytest.mark.many_runs

PACKED = (*build_of("vectorization/packed_loop"), "caching/signal_cache")
CROSS = DeclaredStrategy(CrossesAbove(SMA(3), SMA(8)), CrossesAbove(SMA(8), SMA(3)), Notional(9_000.0))
LEVEL = replace(CROSS, entry=Above(SMA(2), SMA(6)), exit=Above(SMA(6), SMA(2)))
COSTS = Settings(30_000.0, commission=0.001, slippage=0.0005, commission_minimum=1.5, slippage_fixed=0.01)
RULES = [
    (),
    (StopLoss(0.03),),
    (TrailingStop(0.06), TrailingStop(0.02), StopLoss(0.05)),
    (TimeExit(4), TakeProfit(0.04)),
    (TakeProfit(0.02), TakeProfit(0.01), TimeExit(9), TimeExit(3), TrailingStop(0.5)),
]


def assert_same_bits(table: pl.DataFrame, strategy: DeclaredStrategy, settings: Settings) -> None:
    """Assert that the packed loop runs it, and gives the reference's bits, twice."""
    expected = digests_of(load(table, build=()).run(strategy, settings).outputs())
    packed = load(table, build=PACKED)
    for _ in range(3):  # over the matrices, over prices side by side, and with a journal that was used
        result = packed.run(strategy, settings)
        assert isinstance(result, PackedResult)
        assert digests_of(result.outputs()) == expected


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: "+".join(rule.name for rule in rules) or "none")
@pytest.mark.parametrize("strategy", [CROSS, LEVEL], ids=["cross", "level"])
def test_gives_the_references_bits_under_any_rules(strategy: DeclaredStrategy, rules) -> None:
    assert_same_bits(blemished_market(), replace(strategy, rules=rules), COSTS)


@pytest.mark.parametrize("symbols", [1, 63, 64, 65, 128])
def test_gives_the_references_bits_where_words_end(symbols: int) -> None:
    assert_same_bits(generate_market(symbols=symbols, bars=40, late=0.3), replace(LEVEL, rules=RULES[2]), COSTS)


@pytest.mark.parametrize("market", [ties_market, minute_market, one_bar])
def test_gives_the_references_bits_on_the_golden_markets(market) -> None:
    assert_same_bits(market(), replace(LEVEL, rules=RULES[4]), COSTS)


def test_gates_may_be_a_list() -> None:
    assert_same_bits(blemished_market(), replace(LEVEL, gates=[MinPrice(60.0)]), COSTS)


def test_a_ruined_account_stands_still() -> None:
    assert_same_bits(blemished_market(), LEVEL, replace(COSTS, ruin=29_000.0))


def test_leaves_a_market_with_few_bars_to_the_loop_below() -> None:
    table = edges_market()
    assert len(table) < table["symbol"].n_unique() * table["timestamp"].n_unique() / 2
    assert not isinstance(load(table, build=PACKED).run(LEVEL), PackedResult)


@pytest.mark.parametrize("other", [{"short": True}, {"lot": 5.0}, {"fill_at": "this_close"}, {"volume_limit": 0.1}])
def test_leaves_other_accounts_to_the_loop_below(other) -> None:
    result = load(ties_market(), build=PACKED).run(LEVEL, replace(COSTS, **other))
    assert not isinstance(result, PackedResult)


def results_of(market: Market, count: int) -> list[PackedResult]:
    """Run one strategy after another, each with a larger position, and keep what they gave."""
    found = [market.run(replace(LEVEL, size=Notional(3_000.0 * (number + 1))), COSTS) for number in range(count)]
    assert all(isinstance(one, PackedResult) for one in found)
    return found  # type: ignore[return-value]


def test_results_that_live_side_by_side_keep_their_own() -> None:
    market = load(blemished_market(), build=PACKED)
    kept = [digests_of(one.outputs()) for one in results_of(market, 4)]
    together = results_of(market, 4)  # none of their tables is made before the last has run
    assert [digests_of(one.outputs()) for one in together] == kept
    assert len({one["equity"] for one in kept}) == 4


def test_a_table_stays_what_it_is_when_its_journal_is_written_to_again() -> None:
    market = load(blemished_market(), build=PACKED)
    result = market.run(LEVEL, COSTS)
    tables = result.account()
    expected = digests_of(tables)
    del result
    results_of(market, 3)
    assert digests_of(tables) == expected


def test_a_desk_lends_what_has_room_and_is_free() -> None:
    desk = Desk()
    first = desk.lend(10, 5)
    journal = first.journal
    journal.counts[:] = 7
    also = first
    del first
    assert desk.lend(10, 5).journal is not journal  # somebody holds it
    del also
    again = desk.lend(10, 5)  # what has come back last is lent first
    assert again.journal is journal
    assert journal.counts.tolist() == [0, 0, 0, 0]
    del again
    assert len(desk.lend(11, 5).journal.rejection_step) == 11
    assert len(desk.lend(3, 6).journal.positions) == 6


@pytest.mark.parametrize("symbols", [1, 8, 63, 64, 65, 130])
def test_flags_become_the_bits_of_their_symbols(symbols: int) -> None:
    flags = np.random.default_rng(symbols).random((7, symbols)) < 0.4
    words = signals_in(flags, ~flags).enter
    found = [[bool(int(words[step, one // 64]) >> (one % 64) & 1) for one in range(symbols)] for step in range(7)]
    assert found == flags.tolist()


def test_signals_are_found_once_for_all_rules_and_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.packed import signals

    market, asked = load(blemished_market(), build=PACKED), []
    find = signals.signals_of
    monkeypatch.setattr(signals, "signals_of", lambda *given: asked.append(given[0].entry) or find(*given))
    for rules in RULES:
        market.run(replace(LEVEL, rules=rules), COSTS)
    market.run(CROSS, COSTS)
    market.run(replace(LEVEL, size=Notional(1_000.0)), replace(COSTS, cash=10_000.0))
    assert asked == [LEVEL.entry, CROSS.entry]
