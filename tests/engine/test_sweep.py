"""A sweep is a row a trial, in order, the same as single runs; a trial that fails fails alone."""

from __future__ import annotations

import polars as pl
import pytest

from engine import Context, InputError, Settings, Strategy, SweepInterrupted, generate_market, load, sweep
from engine.digest import result_digest
from engine.metrics import metrics_of
from engine.model import Bar
from engine.scenarios import COSTS, Chance, PlainSmaCross, level_with

BARS = generate_market(symbols=4, bars=120)
GRID = {"stop_loss": [0.02, 0.05], "take_profit": [0.04, 0.1, 0.2]}


def test_a_grid_has_a_row_a_combination_with_the_last_name_fastest() -> None:
    table = sweep(level_with, GRID, BARS, COSTS)
    assert table["trial"].to_list() == [1, 2, 3, 4, 5, 6]
    assert table.select("stop_loss", "take_profit").rows()[:4] == [(0.02, 0.04), (0.02, 0.1), (0.02, 0.2), (0.05, 0.04)]
    assert table["error"].null_count() == 6


def test_every_row_is_what_a_single_run_gives() -> None:
    market = load(BARS, build=())
    for row in market.sweep(level_with, GRID, COSTS).iter_rows(named=True):
        result = market.run(level_with(row["stop_loss"], row["take_profit"]), COSTS)
        assert row["digest"] == result_digest(result)
        assert row["final_equity"] == result.equity["equity"][-1]
        assert row["trades"] == len(result.trades)


def test_points_are_taken_in_the_order_given() -> None:
    points = [{"fast": 10, "slow": 20}, {"fast": 2, "slow": 5}]
    table = sweep(PlainSmaCross, points, BARS)
    assert table.select("fast", "slow").rows() == [(10, 20), (2, 5)]


def test_a_declared_strategy_can_be_swept_by_its_parts() -> None:
    base = level_with(0.05, 0.1)
    table = sweep(base, {"size": [base.size]}, BARS)
    assert len(table) == 1


def test_a_trial_that_raises_is_a_row_with_its_error_and_the_others_go_on() -> None:
    table = sweep(level_with, {"stop_loss": [0.05, 1.5, 0.1], "take_profit": [0.1]}, BARS)
    assert table["error"].is_null().to_list() == [True, False, True]
    assert "a stop-loss of 1.5" in table["error"][1]
    assert table["final_equity"].is_null().to_list() == [False, True, False]


def test_a_strategy_that_raises_on_a_bar_is_a_row_too() -> None:
    class Fails(Strategy):
        def __init__(self, at: int) -> None:
            self.at = at

        def on_bar(self, context: Context, bar: Bar) -> None:  # noqa: ARG002
            self.at -= 1
            if self.at == 0:
                raise ZeroDivisionError("no")

    assert sweep(Fails, {"at": [5, 10_000]}, BARS)["error"].to_list() == ["ZeroDivisionError: no", None]


class Interrupted(Strategy):
    """Stands for a person who presses Ctrl-C while the third point runs."""

    def __init__(self, number: int) -> None:
        self.number = number

    def on_bar(self, context: Context, bar: Bar) -> None:  # noqa: ARG002
        """Do nothing, or interrupt."""
        if self.number == 3:
            raise KeyboardInterrupt


def test_ctrl_c_keeps_the_rows_that_are_done() -> None:
    market = load(BARS, build=())
    with pytest.raises(SweepInterrupted, match="after 2 of 4 trials") as caught:
        market.sweep(Interrupted, {"number": [1, 2, 3, 4]})
    assert caught.value.table.equals(market.sweep(Interrupted, {"number": [1, 2]}))


def test_chance_is_seeded_by_the_point_and_not_by_its_place() -> None:
    market = load(BARS, build=())
    digests = {
        row["odds"]: row["digest"] for row in market.sweep(Chance, {"odds": [0.1, 0.2, 0.3]}).iter_rows(named=True)
    }
    for row in market.sweep(Chance, {"odds": [0.3, 0.1]}).iter_rows(named=True):
        assert row["digest"] == digests[row["odds"]]
    assert len(set(digests.values())) == 3


@pytest.mark.parametrize("parameters", [{}, {"stop_loss": []}, []])
def test_a_sweep_without_a_trial_is_refused(parameters) -> None:
    with pytest.raises(InputError, match="without a trial"):
        sweep(level_with, parameters, BARS)


def test_a_parameter_that_the_strategy_does_not_know_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'stop'.*stop_loss, take_profit"):
        sweep(level_with, {"stop": [0.1]}, BARS)


def test_trials_with_other_parameters_than_the_first_are_refused() -> None:
    with pytest.raises(InputError, match="the same parameters"):
        sweep(PlainSmaCross, [{"fast": 2}, {"slow": 5}], BARS)


def test_a_plain_strategy_that_is_made_already_is_refused() -> None:
    with pytest.raises(InputError, match="made already"):
        sweep(PlainSmaCross(), {"fast": [2]}, BARS)


def test_the_metrics_follow_from_their_formulas() -> None:
    settings = Settings(cash=100_000.0, commission=0.001)
    result = load(BARS, build=()).run(level_with(0.05, 0.1), settings)
    metrics = metrics_of(result, settings)
    equity = pl.concat([pl.Series("equity", [settings.cash]), result.equity["equity"]])
    assert metrics.max_drawdown == pytest.approx((1.0 - equity / equity.cum_max()).max())
    assert metrics.total_return == pytest.approx(equity[-1] / settings.cash - 1.0)
    assert metrics.commission == pytest.approx(result.fills["commission"].sum())
    assert metrics.win_rate == pytest.approx((result.trades["pnl"] > 0.0).mean())
    assert metrics.trades == len(result.trades)
