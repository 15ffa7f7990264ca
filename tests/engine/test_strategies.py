"""The example strategies run as they are shown, trade as they are meant to, and mean the same under every build."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import fields
from types import ModuleType

import polars as pl
import pytest

import engine.strategies
from engine import (
    RSI,
    SMA,
    Above,
    Bar,
    Bars,
    Context,
    CrossesAbove,
    DataColumn,
    DeclaredStrategy,
    InputError,
    Notional,
    Result,
    Settings,
    Strategy,
    generate_market,
    load,
)
from engine.markets import minute_market, scored_market, with_score
from engine.scenarios import EXAMPLES, SCENARIOS
from engine.strategies.model_ranking import ModelRanking
from engine.strategies.pairs import Pairs, z_score
from engine.strategies.random_orders import SETTINGS, RandomOrders
from engine.strategies.rsi_reversal import rsi_reversal
from engine.strategies.sma_cross import sma_cross
from engine.strategy import is_declared
from optimizer.parity import digests_of

NAMES = sorted(module.name for module in pkgutil.iter_modules(engine.strategies.__path__))
MARKETS = {"scored": scored_market, "minutes": minute_market}


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"engine.strategies.{name}")


def run(name: str, market: str = "scored", build: tuple[str, ...] | None = ()) -> Result:
    scenario = SCENARIOS[name]
    return load(MARKETS[market](), build=build).run(scenario.make(), scenario.settings)


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """What each example comes to under the reference, on the generated market."""
    return {name: run(name) for name in EXAMPLES}


def test_there_are_ten_and_the_package_tells_of_each() -> None:
    assert len(NAMES) == 10
    for name in NAMES:
        assert f"| `{name}` |" in (engine.strategies.__doc__ or "")
        assert f"example_{name}" in EXAMPLES


@pytest.mark.parametrize("name", NAMES)
def test_runs_as_its_documentation_shows(name: str) -> None:
    done = doctest.testmod(module_of(name))
    assert done.attempted >= 4
    assert done.failed == 0


@pytest.mark.parametrize("name", EXAMPLES)
def test_gives_the_same_bits_twice_and_under_every_build(
    name: str, results: dict[str, Result], whole_build: tuple[str, ...]
) -> None:
    """One strategy object runs again and again, on the reference, the accepted build and all that the catalog has."""
    expected = digests_of(results[name].outputs())
    strategy, settings = SCENARIOS[name].make(), SCENARIOS[name].settings
    for build in ((), None, whole_build):
        market = load(scored_market(), build=build)
        for _ in range(2):
            assert digests_of(market.run(strategy, settings).outputs()) == expected


@pytest.mark.parametrize("name", EXAMPLES)
def test_trades_on_the_generated_market(name: str, results: dict[str, Result]) -> None:
    result = results[name]
    assert len(result.fills) > 10
    if name != "example_buy_and_hold":
        assert len(result.trades) >= 5
    assert result.equity["equity"].min() > 0.0


def test_the_examples_use_every_setting() -> None:
    used = [SCENARIOS[name].settings for name in EXAMPLES]
    for field in fields(Settings):
        assert any(getattr(settings, field.name) != field.default for settings in used), field.name
    assert {settings.fill_at for settings in used} == {"next_open", "this_close", "next_close"}


def test_random_orders_bring_about_all_that_can_happen_to_an_order(results: dict[str, Result]) -> None:
    random = [result for name, result in results.items() if name.startswith("example_random_orders")]

    def seen(table: str, column: str) -> set[object]:
        return set(pl.concat([getattr(result, table)[column] for result in random]))

    assert seen("orders", "kind") == {"market", "limit", "stop", "stop_limit", "trailing_stop"}
    assert seen("orders", "day") == {False, True}
    assert seen("orders", "reason") == {
        *("signal", "leave", "shown"),
        *("stop_loss", "take_profit", "trailing_stop", "time_exit"),
    }
    assert seen("rejections", "reason") == {
        *("less than a lot", "below the minimum notional", "worth nothing after its costs", "outside its gates"),
        *("not enough cash", "more than is held", "not enough margin"),
    }
    assert seen("cancellations", "reason") == {
        *("cancelled", "replaced", "expired", "other leg filled", "position closed"),
        "the bar's volume is used up",
    }
    assert seen("trades", "reason") >= {"signal", "stop_loss", "take_profit", "trailing_stop", "time_exit"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_fills_and_what_ends_of_an_order_is_never_more_than_it_asks_for(
    name: str, results: dict[str, Result]
) -> None:
    result = results[name]
    assert not result.rejections["order_id"].is_duplicated().any()
    parts = [table.select("order_id", "quantity") for table in (result.fills, result.rejections, result.cancellations)]
    done = pl.concat(parts).group_by("order_id").agg(done=pl.col("quantity").sum())
    orders = result.orders.join(done, on="order_id")
    assert (orders["done"] * orders["quantity"] >= 0.0).all()
    assert (orders["done"].abs() <= orders["quantity"].abs() + 1e-9).all()


def test_random_orders_go_short_borrow_and_are_ruined(results: dict[str, Result]) -> None:
    result = results["example_random_orders"]
    assert (result.trades["quantity"] < 0.0).any()
    assert (result.trades["quantity"] > 0.0).any()
    assert (result.fills["quantity"] % 1.0 != 0.0).any()
    assert result.equity["borrow_fees"][-1] > 0.0
    ruined = results["example_random_orders_ruin"].equity
    assert ruined["equity"][-1] < SCENARIOS["example_random_orders_ruin"].settings.ruin
    assert ruined["equity"].rle().struct.field("len")[-1] > 1


def test_the_seed_decides() -> None:
    market = load(generate_market(symbols=4, bars=100), build=())
    one, again, other = (digests_of(market.run(RandomOrders(seed), SETTINGS).outputs()) for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.parametrize(
    ("name", "least"), [("example_brackets", 10), ("example_random_orders_often", 1), ("example_sma_cross", 0)]
)
def test_minutes_keep_their_time_where_an_hour_is_struck_twice(
    name: str, least: int, whole_build: tuple[str, ...]
) -> None:
    """Day orders end with the day of New York, fees count the time that has passed, and all builds agree."""
    expected = run(name, "minutes")
    for build in (None, whole_build):
        assert digests_of(run(name, "minutes", build).outputs()) == digests_of(expected.outputs())
    times = expected.equity["timestamp"]
    assert times.equals(minute_market()["timestamp"].unique(maintain_order=True))
    assert times.dt.replace_time_zone(None).is_duplicated().sum() == 120  # one o'clock to two, twice
    expired = expected.cancellations.filter(pl.col("reason") == "expired").join(expected.orders, on="order_id")
    assert len(expired) >= least
    assert (expired["timestamp"].dt.date() > expired["timestamp_right"].dt.date()).all()


class Short(Strategy):
    """Sells ten shares of everything short, and waits."""

    def on_bar(self, context: Context, bar: Bar) -> None:
        if context.get_position(bar.symbol) is None:
            context.submit_order(bar.symbol, -10)


def test_a_borrow_fee_counts_the_hour_that_is_struck_twice_as_two() -> None:
    settings = Settings(short=True, borrow_rate=1.0)
    in_new_york = load(minute_market(), build=()).run(Short(), settings).equity
    by_utc = minute_market().with_columns(pl.col("timestamp").dt.convert_time_zone("UTC"))
    fees = load(by_utc, build=()).run(Short(), settings).equity["borrow_fees"]
    assert in_new_york["borrow_fees"].equals(fees)
    assert fees[-1] > 0.0
    assert fees[1:].diff().drop_nulls().min() > 0.0


def test_a_model_may_rank_by_any_column_of_numbers() -> None:
    bars = scored_market()
    for column in ("score", "volume"):
        result = load(bars, build=()).run(ModelRanking(column, count=2), Settings())
        assert result.equity["positions"].max() == 2
    with pytest.raises(InputError, match="no column 'other' in the data"):
        load(bars, build=()).run(ModelRanking("other"), Settings())


def test_a_score_is_not_known_before_its_bars() -> None:
    scored = with_score(generate_market(symbols=2, bars=8))
    assert scored["score"].null_count() == 10
    close = scored.filter(pl.col("symbol") == "S0001")["close"]
    assert scored.filter(pl.col("symbol") == "S0001")["score"][5] == 1.0 - close[5] / close[0]


def test_a_pair_that_does_not_trade_and_a_ratio_that_stands_still_are_let_be() -> None:
    bars = generate_market(symbols=2, bars=100)
    assert load(bars, build=()).run(Pairs("S0000", "not there"), Settings(short=True)).orders.is_empty()
    assert z_score([2.0, 2.0, 2.0]) == 0.0
    assert z_score([1.0, 2.0, 3.0]) == 1.0


def test_the_declared_examples_are_declared() -> None:
    assert is_declared(sma_cross())
    assert is_declared(rsi_reversal())


# Conditions on a level: what rsi_reversal needs.


@pytest.mark.parametrize(
    ("condition", "day"),
    [
        (Above(SMA(1), 10.0), 1),
        (Above(10, SMA(1)), 0),
        (CrossesAbove(SMA(1), 10.0), 1),
        (CrossesAbove(10.0, SMA(1)), 2),
        (CrossesAbove(SMA(1), 9.0), 1),  # at the level is not above it
        (Above(9.0, SMA(1)), None),
        (CrossesAbove(DataColumn("volume"), 1e3), 4),
    ],
)
def test_a_side_of_a_condition_may_be_a_level(condition: Above, day: int | None, whole_build: tuple[str, ...]) -> None:
    closes = [9.0, 11.0, 9.0, 11.0, 10.0]
    bars = generate_market(symbols=1, bars=5).with_columns(
        *(pl.Series(name, closes) for name in ("open", "high", "low", "close")),
        volume=pl.Series([1_000.0, 1_000.0, 1_000.0, 1_000.0, 1_001.0]),
    )
    strategy = DeclaredStrategy(condition, Above(SMA(1), 1e6), Notional(100.0))
    assert is_declared(strategy)
    for build in ((), None, whole_build):
        orders = load(bars, build=build).run(strategy, Settings()).orders
        assert orders["timestamp"].to_list() == ([] if day is None else [bars["timestamp"][day]])


@pytest.mark.parametrize("wrong", [True, float("nan"), float("inf"), "30", None])
def test_a_level_that_is_no_finite_number_is_refused(wrong: object) -> None:
    with pytest.raises(InputError, match="A side is a feature, or a finite number"):
        Above(RSI(14), wrong)
    with pytest.raises(InputError, match="A side is a feature, or a finite number"):
        CrossesAbove(wrong, RSI(14))


def test_a_condition_needs_a_feature() -> None:
    with pytest.raises(InputError, match="One side at least has to be a feature"):
        Above(2.0, 1.0)


def test_a_level_is_kept_as_a_float() -> None:
    assert Above(RSI(14), 30) == Above(RSI(14), 30.0)
    assert type(Above(RSI(14), 30).right) is float
    assert DeclaredStrategy(Above(RSI(14), 30), Above(70, SMA(3)), Notional(1.0)).features == (RSI(14), SMA(3))


# What random orders have found.


class Script(Strategy):
    """Does what is written for a day, counted from 0."""

    def __init__(self, *days: Callable[[Context], object] | None) -> None:
        self.days = list(days)

    def on_bars(self, context: Context, bars: Bars) -> None:  # noqa: ARG002 - days count, not bars
        if self.days and (act := self.days.pop(0)):
            act(context)


def days(*prices: float, volume: float = 1_000.0) -> pl.DataFrame:
    """Return bars of one symbol, A, each standing at one price."""
    flat = {name: list(prices) for name in ("open", "high", "low", "close")}
    times = generate_market(symbols=1, bars=len(prices))["timestamp"]
    return pl.DataFrame({"timestamp": times, "symbol": ["A"] * len(prices), **flat}).with_columns(volume=pl.lit(volume))


def test_without_volume_nothing_fills_where_impact_counts() -> None:
    strategy = Script(lambda context: context.submit_order("A", 10))
    result = load(days(10.0, 10.0, 10.0, volume=0.0), build=()).run(strategy, Settings(volume_impact=0.1))
    assert len(result.orders) == 1
    assert result.fills.is_empty()


def test_a_leg_that_fills_more_than_the_other_has_left_ends_it() -> None:
    """The stop sells 16 of its 20, as far as the volume goes; nothing is left of the target for 10."""
    strategy = Script(
        lambda context: context.submit_order("A", 10, take_profit=120.0, stop_loss=90.0),
        lambda context: context.submit_order("A", 10),
        lambda context: context.replace_order(3, quantity=-20),
    )
    bars = days(100.0, 100.0, 100.0, 89.0, 89.0, 125.0, volume=160.0)
    result = load(bars, build=()).run(strategy, Settings(volume_limit=0.1))
    assert result.fills.select("order_id", "quantity").rows() == [(1, 10.0), (4, 10.0), (5, -16.0), (5, -4.0)]
    ended = result.cancellations.select("order_id", "quantity", "reason").rows()
    assert ended == [(3, -10.0, "replaced"), (2, -10.0, "other leg filled")]
