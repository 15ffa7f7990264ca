"""The compiled account does what the reference's broker does, to the last bit, on every kind of account."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import SMA, Above, DeclaredStrategy, Market, Notional, Result, Settings, StopLoss, generate_market, load
from engine.arrays import arrays_of, as_any
from engine.catalog import build_of, extend
from engine.compiled_account import counting
from engine.compiled_account.log import empty_log, has_room, with_room
from engine.compiled_account.state import QUEUED, UNCOUNTABLE, State, new_state
from engine.compiled_account.state import Market as Rows
from engine.compiled_account.steps import close_step, open_step, submit
from engine.compiled_account.tables import Tables
from engine.compiled_account.terms import MOST, covers, fee_rates, terms_of
from engine.grid import Grid
from engine.ladder.declared import DECLARED, above
from engine.markets import blemished_market, minute_market, with_score
from engine.model import Bars, FeatureTable, PassTable
from engine.optimizations.vectorization import compiled_accounts, compiled_ranking
from engine.reference.holdings import SECONDS_OF_A_YEAR, _seconds_between
from engine.strategy import Context, Strategy
from optimizer.parity import digests_of
from tests.engine.scripted import FLAT, market
from tests.properties.examples import examples

pytestmark = pytest.mark.many_runs

BUILD = extend(build_of("vectorization/compiled_accounts"), "vectorization/compiled_ranking")


@pytest.fixture(scope="module")
def markets() -> dict[str, tuple[Market, Market]]:
    """Markets under the reference and under the compiled loops."""
    tables = {
        "blemished": with_score(blemished_market()),
        "wide": with_score(generate_market(symbols=60, bars=70, late=0.3)),
    }
    return {name: (load(table, build=()), load(table, build=BUILD)) for name, table in tables.items()}


@pytest.fixture
def compiled_runs(monkeypatch: pytest.MonkeyPatch) -> list[Result | None]:
    """What the compiled loops have given; None where they left a run to the loop below."""
    runs: list[Result | None] = []
    for module in (compiled_accounts, compiled_ranking):
        inner = module._run

        def run(*arguments, inner=inner) -> Result | None:
            runs.append(inner(*arguments))
            return runs[-1]

        monkeypatch.setattr(module, "_run", run)
    return runs


def assert_same(expected: Result, obtained: Result) -> None:
    assert digests_of(obtained.outputs() | {"positions": obtained.positions}) == digests_of(
        expected.outputs() | {"positions": expected.positions}
    )


@pytest.mark.parametrize("scenario", DECLARED, ids=lambda one: one.name)
@pytest.mark.parametrize("name", ["blemished", "wide"])
def test_a_compiled_run_gives_the_references_bits(name: str, scenario, markets, compiled_runs) -> None:
    reference, compiled = (loaded.run(scenario.make(), scenario.settings) for loaded in markets[name])
    assert_same(reference, compiled)
    assert compiled_runs == [compiled], "it was run by the compiled loop"


@pytest.mark.parametrize("table", [blemished_market(), minute_market()], ids=["days", "minutes"])
def test_fees_are_by_the_time_that_has_truly_passed(table: pl.DataFrame) -> None:
    times, settings = table["timestamp"].unique(maintain_order=True).to_list(), Settings(short=True, borrow_rate=0.07)
    rates = fee_rates(settings, times)
    for step, (earlier, later) in enumerate(pairwise(times), start=1):
        assert rates[step] == settings.borrow_rate * (_seconds_between(earlier, later) / SECONDS_OF_A_YEAR)
    assert rates[0] == 0.0


STEPS = (1.0, 100.0, 7.0, 0.5, 0.1, 0.05, 0.01, 1.0 / 3.0, 1e-6)


@examples(100)
@given(step=st.sampled_from(STEPS), count=st.integers(-MOST, MOST), off=st.integers(-3, 3))
def test_lots_are_counted_as_the_grid_counts_them(step: float, count: int, off: int) -> None:
    """Also next to a whole number of them, by a few of the smallest steps that a float has."""
    grid, terms = Grid(step, "lot"), as_any(terms_of(Settings(lot=step), ()))
    state = new_state(1, 0.0)
    count = count % min(MOST, 2**62 // terms.lot_whole)
    assert counting.lots_value(terms, count) == grid.value(count)
    number = grid.value(count)
    for _ in range(abs(off)):
        number = float(np.nextafter(number, np.inf if off > 0 else -np.inf))
    assert counting.lots_below(terms, abs(number)) == grid.below(abs(number))
    taken = counting.lots_toward_zero(state, terms, number)
    assert taken == grid.toward_zero(number) or state.sizes[UNCOUNTABLE]


@examples(100)
@given(tick=st.sampled_from(STEPS), price=st.floats(0.0, 1e6))
def test_prices_are_put_on_ticks_as_the_grid_does(tick: float, price: float) -> None:
    grid, terms = Grid(tick, "tick"), as_any(terms_of(Settings(tick=tick), ()))
    state = new_state(1, 0.0)
    assert counting.on_tick(state, terms, price, True) == grid.value(grid.above(price))
    assert counting.on_tick(state, terms, price, False) == grid.value(grid.below(price))


def test_a_run_beyond_what_is_counted_exactly_is_left_to_the_loop_below(compiled_runs) -> None:
    bars = generate_market(symbols=3, bars=60)
    strategy = DeclaredStrategy(Above(SMA(1), SMA(2)), Above(SMA(2), SMA(1)), Notional(1e18))
    settings = Settings(cash=1e19, lot=0.01)
    reference, compiled = (load(bars, build=build).run(strategy, settings) for build in ((), BUILD))
    assert compiled_runs == [None]
    assert len(reference.fills) > 10
    assert_same(reference, compiled)
    assert not covers(Settings(lot=2.0**41), ())


@pytest.mark.parametrize(("cash", "filled"), [(10_000.0, True), (9_999.99999999999, False)])
def test_margin_that_is_met_to_the_last_bit_is_met(cash: float, filled: bool, compiled_runs) -> None:
    """What is worth exactly twice the equity: the rough sums can't tell, and all is added up."""
    bars = market(A=[FLAT, (100.0, 101.0, 100.0, 101.0), FLAT, FLAT])
    strategy = DeclaredStrategy(Above(SMA(1), SMA(2)), Above(SMA(2), SMA(1)), Notional(20_200.0))
    for leverage in (2.0, 1.9999):
        settings = Settings(cash=cash, leverage=leverage)
        reference, compiled = (load(bars, build=build).run(strategy, settings) for build in ((), BUILD))
        assert_same(reference, compiled)
        assert (len(compiled.fills) > 0) is (filled and leverage == 2.0)
    assert None not in compiled_runs


class Orders(Strategy):
    """Submits drawn quantities, one after another, over all symbols."""

    rules = (StopLoss(0.02),)

    def __init__(self, quantities: list[float]) -> None:
        self.quantities = quantities
        self.step = -1

    def on_bars(self, context: Context, bars: Bars) -> None:
        """Submit those of this timestamp."""
        self.step += 1
        for number, bar in enumerate(bars):
            if quantity := self.quantities[(self.step * 7 + number) % len(self.quantities)]:
                context.submit_order(bar.symbol, quantity)


def by_hand(loaded: Market, strategy: Orders, settings: Settings, chunk: int) -> Result:
    """Run the same orders through the kernels, with bars given in parts and logs that begin small."""
    arrays = arrays_of(loaded.feed)
    terms, rates = as_any(terms_of(settings, strategy.rules)), fee_rates(settings, arrays.times)
    state, log = new_state(len(arrays.symbols), settings.cash), empty_log(len(rates), events=1)
    state = state._replace(queue=state.queue[:1])
    for first in range(0, len(rates), chunk):
        rows = Rows(*(field[first : first + chunk].copy() for field in arrays.fields))
        for row in range(len(rows.open)):
            step = first + row
            state, log = with_room(state, log, len(arrays.symbols))
            assert has_room(state, log, len(arrays.symbols))
            open_step(state, log, terms, rows, row, step, rates[step])
            present = np.flatnonzero(~np.isnan(rows.open[row])).tolist()
            for number, symbol in enumerate(present):
                if quantity := strategy.quantities[(step * 7 + number) % len(strategy.quantities)]:
                    assert submit(state, log, terms, step, symbol, quantity, 0) >= 0
            assert close_step(state, log, terms, rows, row, step)
    reasons = ["signal", *(rule.name for rule in strategy.rules)]
    nothing = FeatureTable({}, dict(zip(arrays.symbols, arrays.starts, strict=False))), PassTable({}, {})
    return Tables(arrays.timestamps, arrays.symbols, log, reasons).result(loaded.feed, *nothing, settings)


KEEN = Settings(50_000.0, commission=0.001, slippage=0.001, short=True, leverage=3.0, borrow_rate=0.2)
ACCOUNTS = {
    "plain": Settings(30_000.0, 0.001, 0.0005),
    "margin": KEEN,
    "thin": replace(KEEN, volume_limit=2e-5, volume_impact=1e6, lot=0.5, tick=0.01),
    "this close": replace(KEEN, fill_at="this_close", minimum_notional=900.0),
    "next close": replace(KEEN, fill_at="next_close", volume_limit=1e-5, commission_minimum=3.0),
}


@pytest.mark.parametrize("chunk", [1, 7, 1_000])
@pytest.mark.parametrize("account", ACCOUNTS)
def test_orders_that_add_reduce_reverse_and_queue_up_book_as_in_the_reference(account: str, chunk: int) -> None:
    """Also where bars come in parts, and where the log has to grow at almost every step."""
    quantities = [10.0, 0.0, 25.0, -40.0, 0.3, -15.0, 0.0, 60.0, -7.0, 500.0, -90.0, 0.0, 33.0]
    table, settings = blemished_market(), ACCOUNTS[account]
    expected = load(table, build=()).run(Orders(quantities), settings)
    obtained = by_hand(load(table, build=("vectorization/array_feed",)), Orders(quantities), settings, chunk)
    assert digests_of(obtained.account()) == digests_of(expected.account())
    assert min(map(len, (obtained.fills, obtained.trades, obtained.rejections))) > 100


def test_room_is_made_for_what_waits() -> None:
    state: State = new_state(2, 1.0)._replace(queue=np.zeros((1, 2), np.int64))
    log = empty_log(3, events=1)
    state, log = with_room(state, log, 5)
    state.sizes[QUEUED] = len(state.queue)
    assert not has_room(state, log, 1)
    grown, longer = with_room(state, log, 1)
    assert len(grown.queue) > len(state.queue)
    assert longer.fill.shape[1] >= 2 * (len(state.queue) + 1)


def test_a_short_declared_strategy_mirrors_a_long_one_and_needs_an_account_that_may(markets) -> None:
    reference, compiled = markets["blemished"]
    free = Settings(short=True)
    long, short = (compiled.run(above(side=side, rules=()), free).fills["quantity"] for side in ("long", "short"))
    assert long.to_list() == (-short).to_list()
    refused = reference.run(above(side="short"), Settings()).rejections
    assert refused["reason"].unique().to_list() == ["more than is held"]
