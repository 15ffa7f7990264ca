"""The account: cash, value and equity, from the fills alone, to the last bit."""

from __future__ import annotations

import polars as pl
from hypothesis import given

from engine.fuzzing.scripts import Drawn, cases
from tests.properties.comparing import assert_same, run
from tests.properties.examples import examples
from tests.properties.recounting import accounts_from_fills


@examples(100)
@given(cases())
def test_cash_value_and_equity_follow_from_the_fills_at_every_bar_to_the_last_bit(
    case: Drawn,
) -> None:
    market, script, settings = case
    result = run(market, script, settings)
    expected = pl.DataFrame(accounts_from_fills(result, settings), schema=result.equity.drop("timestamp").schema)
    assert_same({"equity": expected}, {"equity": result.equity.drop("timestamp")})
    assert result.equity["timestamp"].equals(result.bars["timestamp"].unique(maintain_order=True))


@examples(100)
@given(cases(borrow_rate=(0.05, 30.0), short=(True,)))
def test_borrow_fees_follow_from_what_is_short_at_each_close(case: Drawn) -> None:
    market, script, settings = case
    result = run(market, script, settings)
    expected = [row.borrow_fees for row in accounts_from_fills(result, settings)]
    assert result.equity["borrow_fees"].to_list() == expected


@examples(100)
@given(cases())
def test_the_table_of_positions_agrees_with_the_equity_until_ruin(case: Drawn) -> None:
    market, script, settings = case
    result = run(market, script, settings)
    by_time = result.positions.group_by("timestamp", maintain_order=True).agg("value")
    values: dict[object, list[float]] = dict(zip(by_time["timestamp"].to_physical(), by_time["value"], strict=True))
    equity = result.equity
    for moment, row in zip(equity["timestamp"].to_physical(), equity.iter_rows(named=True), strict=True):
        total = 0.0
        for value in values.get(moment, []):
            total += value
        assert (total, len(values.get(moment, []))) == (row["value"], row["positions"])
        if row["equity"] < settings.ruin:
            break


@examples(100)
@given(cases(short=(False,)))
def test_without_short_no_position_is_below_zero(case: Drawn) -> None:
    market, script, settings = case
    result = run(market, script, settings)
    assert (result.positions["quantity"] > 0.0).all()
    assert (result.trades["quantity"] > 0.0).all()
    assert (result.equity["borrow_fees"] == 0.0).all()


@examples(100)
@given(
    cases(
        short=(False,),
        leverage=(1.0,),
        commission_fixed=(0.0,),
        commission_minimum=(0.0,),
        commission_per_share=(0.0,),
        cash=(150.5, 1_000.0, 100.0),
    )
)
def test_the_cash_of_a_cash_account_never_falls_below_zero(case: Drawn) -> None:
    """Where commission is a part of the notional: a sale may bring less than a fixed one, so that cash runs out."""
    market, script, settings = case
    assert (run(market, script, settings).equity["cash"] >= 0.0).all()


@examples(100)
@given(cases(ruin=(9_990.0, 100.0, 0.0), cash=(10_000.0, 150.5)))
def test_a_ruined_account_trades_no_more(case: Drawn) -> None:
    market, script, settings = case
    result = run(market, script, settings)
    ruined = result.equity.filter(pl.col("equity") < settings.ruin)
    if len(ruined):
        moment = ruined["timestamp"].to_physical()[0]
        for table in result.account().values():
            if "symbol" in table.columns:
                assert (table["timestamp"].to_physical() <= moment).all()
        assert len(ruined.drop("timestamp").unique()) == 1


@examples(100)
@given(cases())
def test_a_trades_pnl_is_its_price_difference_less_its_commission(case: Drawn) -> None:
    market, script, settings = case
    for trade in run(market, script, settings).trades.iter_rows(named=True):
        gross = (trade["exit_price"] - trade["entry_price"]) * trade["quantity"]
        assert trade["pnl"] == gross - trade["commission"]
        assert trade["mfe"] >= 0.0 >= trade["mae"]
        assert trade["slippage"] >= 0.0
        assert trade["bars"] >= 0
