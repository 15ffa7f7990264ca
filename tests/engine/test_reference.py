"""What the reference means, by hand: every figure here can be checked with a pencil."""

from __future__ import annotations

import math
from datetime import date

import polars as pl
import pytest

from engine import (
    SMA,
    Bar,
    Context,
    InputError,
    Settings,
    StopLoss,
    Strategy,
    TakeProfit,
    TrailingStop,
    load,
)
from engine.generate import weekdays
from engine.reference.features import sma
from engine.rules import Rule

Row = tuple[float, float, float, float] | None


def market(**symbols: list[Row]) -> pl.DataFrame:
    """Return bars from (open, high, low, close) lists; None is a missing bar."""
    rows = [
        (day, symbol, *bar, 1_000.0)
        for symbol, series in symbols.items()
        for day, bar in zip(weekdays(len(series)), series, strict=True)
        if bar is not None
    ]
    columns = ["timestamp", "symbol", "open", "high", "low", "close", "volume"]
    return pl.DataFrame(rows, schema=columns, orient="row")


class Script(Strategy):
    """Submits the orders that are written for a bar, by its place: {(step, symbol): quantity}."""

    def __init__(self, orders: dict[tuple[int, str], int], rules: tuple[Rule, ...] = ()) -> None:
        self.orders = orders
        self.rules = rules

    def on_bar(self, context: Context, bar: Bar) -> None:
        step = weekdays(100).index(bar.timestamp)
        if quantity := self.orders.get((step, bar.symbol)):
            context.submit_order(bar.symbol, quantity)


def run(bars: pl.DataFrame, strategy: Strategy, settings: Settings | None = None):
    return load(bars, build=()).run(strategy, settings or Settings(cash=10_000.0))


FLAT: Row = (100.0, 100.0, 100.0, 100.0)


def test_an_order_fills_at_the_next_open_with_costs() -> None:
    bars = market(A=[FLAT, (102.0, 105.0, 101.0, 104.0)])
    result = run(bars, Script({(0, "A"): 10}), Settings(10_000.0, commission=0.001, slippage=0.01))
    fill = result.fills.row(0, named=True)
    assert fill["timestamp"] == date(2010, 1, 5)
    assert fill["price"] == 102.0 * 1.01
    assert fill["commission"] == 102.0 * 1.01 * 10 * 0.001
    equity = result.equity.row(1, named=True)
    assert equity["value"] == 1_040.0
    assert equity["cash"] == 10_000.0 - (102.0 * 1.01 * 10 + fill["commission"])
    assert equity["equity"] == equity["cash"] + equity["value"]


def test_what_is_submitted_on_the_last_bar_never_fills() -> None:
    result = run(market(A=[FLAT, FLAT]), Script({(1, "A"): 10}))
    assert len(result.orders) == 1
    assert result.fills.is_empty()


def test_a_missing_bar_fills_nothing_and_the_last_close_marks_it() -> None:
    bars = market(A=[FLAT, (100.0, 110.0, 100.0, 108.0), None, FLAT], B=[FLAT] * 4)
    result = run(bars, Script({(0, "A"): 10, (1, "A"): -10}))
    assert result.fills["timestamp"].to_list() == [date(2010, 1, 5), date(2010, 1, 7)]
    assert result.equity["value"].to_list() == [0.0, 1_080.0, 1_080.0, 0.0]


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((99.0, 100.0, 95.0, 98.0), 95.0),  # touched
        ((99.0, 100.0, 90.0, 98.0), 95.0),  # passed on the way
        ((93.0, 94.0, 90.0, 92.0), 93.0),  # gapped through: the open
        ((99.0, 100.0, 95.00000000000001, 98.0), None),  # missed by one ulp
    ],
)
def test_a_stop_loss_fills_at_its_level_or_at_the_open_that_gapped_through_it(bar: Row, price: float | None) -> None:
    result = run(market(A=[FLAT, FLAT, bar]), Script({(0, "A"): 10}, (StopLoss(0.05),)))
    assert result.trades["exit_price"].to_list() == ([] if price is None else [price])


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((101.0, 126.0, 100.0, 120.0), 125.0),
        ((130.0, 131.0, 128.0, 129.0), 130.0),
        ((101.0, 124.9, 100.0, 120.0), None),
    ],
)
def test_a_take_profit_fills_at_its_level_or_at_the_better_open(bar: Row, price: float | None) -> None:
    result = run(market(A=[FLAT, FLAT, bar]), Script({(0, "A"): 10}, (TakeProfit(0.25),)))
    assert result.trades["exit_price"].to_list() == ([] if price is None else [price])


def test_a_trailing_stop_follows_the_high_of_earlier_bars_only() -> None:
    rising = (100.0, 200.0, 100.0, 190.0)  # its own high moves the mark after its low was looked at
    result = run(
        market(A=[FLAT, FLAT, rising, (160.0, 165.0, 140.0, 150.0)]), Script({(0, "A"): 10}, (TrailingStop(0.25),))
    )
    assert result.trades.select("timestamp", "exit_price", "reason").rows() == [
        (date(2010, 1, 7), 150.0, "trailing_stop")
    ]


def test_a_position_can_be_stopped_on_the_bar_that_it_was_opened_on() -> None:
    result = run(market(A=[FLAT, (100.0, 101.0, 80.0, 90.0)]), Script({(0, "A"): 10}, (StopLoss(0.05),)))
    assert result.trades.select("entry_timestamp", "timestamp", "exit_price").rows() == [
        (date(2010, 1, 5), date(2010, 1, 5), 95.0)
    ]


def test_where_stop_and_target_are_both_reached_the_first_declared_counts() -> None:
    wide = (100.0, 130.0, 90.0, 100.0)
    for rules, reason in (
        ((StopLoss(0.05), TakeProfit(0.25)), "stop_loss"),
        ((TakeProfit(0.25), StopLoss(0.05)), "take_profit"),
    ):
        result = run(market(A=[FLAT, FLAT, wide]), Script({(0, "A"): 10}, rules))
        assert result.trades["reason"].to_list() == [reason]


def test_an_open_beyond_a_target_comes_before_a_low_beyond_a_stop() -> None:
    result = run(
        market(A=[FLAT, FLAT, (130.0, 131.0, 90.0, 95.0)]), Script({(0, "A"): 10}, (StopLoss(0.05), TakeProfit(0.25)))
    )
    assert result.trades.select("exit_price", "reason").rows() == [(130.0, "take_profit")]


def test_a_queued_exit_fills_first_and_the_stop_finds_nothing() -> None:
    crash = (99.0, 99.0, 50.0, 60.0)
    result = run(market(A=[FLAT, FLAT, crash]), Script({(0, "A"): 10, (1, "A"): -10}, (StopLoss(0.05),)))
    assert result.trades.select("exit_price", "quantity", "reason").rows() == [(99.0, 10, "signal")]


def test_the_sale_of_more_than_is_held_is_rejected_with_the_reason() -> None:
    result = run(market(A=[FLAT] * 3), Script({(0, "A"): 10, (1, "A"): -11}))
    assert result.rejections.select("order_id", "quantity", "reason").rows() == [(2, -11, "more than is held")]
    assert result.equity["positions"].to_list() == [0, 1, 1]


def test_a_buy_may_cost_all_the_cash_but_no_more() -> None:
    bars = market(A=[FLAT, FLAT])
    assert len(run(bars, Script({(0, "A"): 100})).fills) == 1
    rejected = run(bars, Script({(0, "A"): 101}))
    assert rejected.fills.is_empty()
    assert rejected.rejections["reason"].to_list() == ["not enough cash"]


def test_orders_fill_in_the_order_of_their_submission_so_the_first_gets_the_cash() -> None:
    result = run(market(A=[FLAT, FLAT], B=[FLAT, FLAT]), Script({(0, "A"): 60, (0, "B"): 60}))
    assert result.fills["symbol"].to_list() == ["A"]
    assert result.rejections["symbol"].to_list() == ["B"]


def test_additions_average_the_entry_price_and_sales_of_a_part_keep_it() -> None:
    bars = market(A=[FLAT, FLAT, (200.0, 200.0, 200.0, 200.0), (180.0,) * 4])
    result = run(bars, Script({(0, "A"): 10, (1, "A"): 10, (2, "A"): -5}), Settings(10_000.0, commission=0.01))
    trade = result.trades.row(0, named=True)
    assert trade["entry_price"] == 150.0
    assert trade["commission"] == 30.0 * 0.25 + 9.0
    assert trade["pnl"] == (180.0 - 150.0) * 5 - trade["commission"]


def test_equity_is_added_in_symbol_order() -> None:
    """0.1 + 0.2 + 0.3 depends on the order: from the left it is 0.6000000000000001."""
    prices = {"A": 0.1, "B": 0.2, "C": 0.3}
    bars = market(**{name: [(price,) * 4] * 2 for name, price in prices.items()})
    result = run(bars, Script({(0, "C"): 1, (0, "A"): 1, (0, "B"): 1}))
    assert result.equity["value"].to_list() == [0.0, 0.1 + 0.2 + 0.3]
    assert 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1


def test_sma_is_the_mean_of_the_window_and_undefined_before_it() -> None:
    means = sma([1.0, 2.0, 4.0, 8.0], 3)
    assert math.isnan(means[0])
    assert math.isnan(means[1])
    assert means[2:] == [7.0 / 3, 14.0 / 3]


def test_a_feature_has_the_symbols_own_bars_and_never_a_later_one() -> None:
    seen = []

    class Look(Strategy):
        features = (SMA(2),)

        def on_bar(self, context: Context, bar: Bar) -> None:
            if bar.symbol == "A":
                seen.append(
                    (context.feature("sma_2", "A"), context.feature("sma_2", "B"), context.feature("sma_2", "A", ago=9))
                )

    run(market(A=[FLAT, None, (200.0,) * 4], B=[FLAT, FLAT, (400.0,) * 4]), Look())
    assert [tuple("nan" if math.isnan(value) else value for value in row) for row in seen] == [
        ("nan", "nan", "nan"),
        (150.0, 250.0, "nan"),
    ]


@pytest.mark.parametrize("quantity", [0, float("nan"), float("inf"), "ten"])
def test_an_order_that_is_not_for_a_number_of_shares_is_refused_where_it_is_submitted(quantity: object) -> None:
    class Wrong(Strategy):
        def on_bar(self, context: Context, bar: Bar) -> None:
            context.submit_order(bar.symbol, quantity)  # type: ignore[arg-type]

    with pytest.raises(InputError, match="A finite number, and not 0"):
        run(market(A=[FLAT]), Wrong())


def test_an_order_for_an_unknown_symbol_is_refused() -> None:
    class Unknown(Strategy):
        def on_bar(self, context: Context, bar: Bar) -> None:  # noqa: ARG002
            context.submit_order("NOWHERE", 1)

    with pytest.raises(InputError, match="'NOWHERE', which is not in the data"):
        run(market(A=[FLAT]), Unknown())


def test_a_strategy_that_keeps_state_starts_afresh_in_every_run() -> None:
    class Once(Strategy):
        done = False

        def on_bar(self, context: Context, bar: Bar) -> None:
            if not self.done:
                self.done = True
                context.submit_order(bar.symbol, 1)

    loaded = load(market(A=[FLAT, FLAT]), build=())
    strategy = Once()
    assert [len(loaded.run(strategy).fills) for _ in range(2)] == [1, 1]


def test_a_strategy_can_not_look_ahead() -> None:
    class Ahead(Strategy):
        features = (SMA(1),)

        def on_bar(self, context: Context, bar: Bar) -> None:
            context.feature("sma_1", bar.symbol, ago=-1)

    with pytest.raises(InputError, match="1 bars ahead"):
        run(market(A=[FLAT, FLAT]), Ahead())


def test_an_hour_that_is_struck_twice_is_two_timestamps() -> None:
    hours = pl.datetime_range(
        pl.datetime(2024, 11, 3, 4), pl.datetime(2024, 11, 3, 8), "1h", time_zone="UTC", eager=True
    )
    bars = pl.DataFrame({"timestamp": hours.dt.convert_time_zone("America/New_York"), "symbol": "A", "volume": 1.0})
    bars = bars.with_columns(pl.lit(10.0).alias(price) for price in ("open", "high", "low", "close"))
    assert len(run(bars, Strategy()).equity) == 5
