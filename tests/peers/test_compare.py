"""The comparison with other engines tells every kind of difference; the engines themselves run in `make peers`."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import pytest

from peers.causes import cause_of
from peers.compare import differences
from peers.market import Market, read_market, write_market
from peers.scenarios import SCENARIOS
from peers.trades import Fill, Trade, trades_of
from peers.verdicts import Verdict, judge
from peers.wishes import ENTER, HOLD, LEAVE, NOTHING, PROTECT, Desk, reversal

LONG = Trade("A", 3, 7, 100.0, 50.0, 52.0, 1.0, 199.0)
SHORT = Trade("B", 4, 9, -10.0, 20.0, 18.0, 0.5, 19.5)


def whats(ours: list[Trade], theirs: list[Trade]) -> list[str]:
    return [one.what for one in differences(ours=ours, theirs=theirs)]


def test_the_same_trades_in_another_order_are_the_same() -> None:
    assert whats([LONG, SHORT], [SHORT, LONG]) == []


def test_a_missing_trade_is_told() -> None:
    assert whats([LONG], [LONG, SHORT]) == ["missing: only theirs has it"]


def test_a_surplus_trade_is_told() -> None:
    assert whats([LONG, SHORT], [LONG]) == ["surplus: only ours has it"]


@pytest.mark.parametrize("field", ["quantity", "entry_price", "exit_price", "commission", "pnl"])
def test_a_number_that_is_off_by_more_than_a_rounding_is_told(field: str) -> None:
    value = getattr(LONG, field)
    apart = 2e-9 * (5_000.0 if field in ("commission", "pnl") else value)  # money, relative to what was traded
    assert whats([replace(LONG, **{field: value + apart})], [LONG])[0].startswith(field)
    assert whats([replace(LONG, **{field: value + apart / 100.0})], [LONG]) == []


def test_another_side_is_told() -> None:
    assert whats([replace(LONG, quantity=-100.0)], [LONG]) == ["quantity -100.0, theirs 100.0"]


def test_another_exit_bar_is_told() -> None:
    assert whats([replace(LONG, exit_bar=8)], [LONG]) == ["exit_bar 8, theirs 7"]


def test_another_entry_bar_is_a_missing_and_a_surplus_trade() -> None:
    assert len(whats([replace(LONG, entry_bar=2)], [LONG])) == 2


def test_what_an_engine_does_not_tell_is_not_compared() -> None:
    assert whats([LONG], [replace(LONG, commission=None, pnl=None)]) == []


def test_two_trades_with_one_entry_can_not_be_compared() -> None:
    with pytest.raises(ValueError, match="same entry"):
        differences(ours=[LONG, LONG], theirs=[LONG])


def test_a_fill_that_reverses_closes_one_trade_and_opens_another_with_its_part_of_the_commission() -> None:
    fills = [Fill("A", 1, 100.0, 10.0, 1.0), Fill("A", 5, -200.0, 11.0, 4.0), Fill("A", 8, 100.0, 9.0, 1.0)]
    assert trades_of(fills) == [
        Trade("A", 1, 5, 100.0, 10.0, 11.0, 3.0),
        Trade("A", 5, 8, -100.0, 11.0, 9.0, 3.0),
    ]


@pytest.mark.parametrize("quantity", [50.0, -50.0])
def test_a_fill_that_adds_or_takes_a_part_is_refused(quantity: float) -> None:
    with pytest.raises(ValueError, match="neither closes nor reverses"):
        trades_of([Fill("A", 1, 100.0, 10.0, 1.0), Fill("A", 5, quantity, 11.0, 4.0)])


def test_a_market_reads_back_as_it_was_written(market: Market, tmp_path: Path) -> None:
    write_market(market, tmp_path / "market.csv")
    assert read_market(tmp_path / "market.csv") == market


def test_a_desk_enters_protects_once_and_leaves() -> None:
    desk = Desk(1)
    bars = [(0, 0.0), (1, 0.0), (0, 10.0), (1, 10.0), (-1, 10.0), (1, 0.0)]
    wishes = [desk.wish(signal, position) for signal, position in bars]
    assert wishes == [NOTHING, ENTER, PROTECT, HOLD, LEAVE, ENTER]


def test_a_desk_does_not_enter_on_the_bar_on_which_a_stop_has_ended_its_position() -> None:
    desk = Desk(-1)
    wishes = [desk.wish(-1, position) for position in (0.0, -10.0, 0.0, 0.0)]
    assert wishes == [ENTER, PROTECT, NOTHING, ENTER]


def test_a_reversal_goes_through_zero_only_for_the_other_side() -> None:
    assert [reversal(*case) for case in ((1, 0.0, 10), (-1, 10.0, 10), (1, 10.0, 10), (0, 10.0, 10))] == [10, -20, 0, 0]


@pytest.fixture
def market() -> Market:
    """Two bars of one symbol; the second opens beyond a target of 1 % and falls to a stop of 1 %."""
    prices = {"open": [100.0, 102.0], "high": [100.0, 103.0], "low": [100.0, 98.0], "close": [100.0, 100.1]}
    columns = {name: {"A": values} for name, values in {**prices, "volume": [1e6, 1e6]}.items()}
    return Market([date(2024, 1, 2), date(2024, 1, 3)], columns, {"A": [1, 0]})


AT_OPEN, AT_STOP = Trade("A", 0, 1, 100.0, 100.0, 102.0, 0.0), Trade("A", 0, 1, 100.0, 100.0, 99.0, 0.0)


def verdict(market: Market, theirs: Trade, equity: float, engine: str = "backtrader") -> Verdict:
    ours = {"trades": [asdict(AT_OPEN)], "equity": 10_200.0, "settings": ""}
    told = {"trades": [asdict(theirs)], "equity": equity, "settings": ""}
    scenario = SCENARIOS["gap_over_target"]
    return judge(engine=engine, version="1", scenario=scenario, ours=ours, theirs=told, market=market)


def test_an_equal_scenario_has_no_reason(market: Market) -> None:
    one = verdict(market, AT_OPEN, 10_200.0)
    assert (one.equal, one.differences, one.why) == (True, 0, "")


def test_a_known_cause_is_told_with_its_source(market: Market) -> None:
    one = verdict(market, AT_STOP, 9_900.0)
    assert (one.equal, one.differences, one.is_unexplained) == (False, 1, False)
    assert "BackBroker.next" in one.why


def test_a_price_that_the_cause_does_not_lead_to_is_unexplained(market: Market) -> None:
    assert verdict(market, replace(AT_STOP, exit_price=99.5), 9_950.0).is_unexplained


def test_the_cause_of_one_engine_does_not_explain_another(market: Market) -> None:
    assert verdict(market, AT_STOP, 9_900.0, engine="zipline").is_unexplained


def test_an_account_that_ends_elsewhere_is_unexplained(market: Market) -> None:
    one = verdict(market, AT_OPEN, 10_200.01)
    assert (one.equal, one.differences, one.is_unexplained) == (False, 1, True)


def test_a_trade_on_other_bars_has_no_cause(market: Market) -> None:
    (difference,) = differences(ours=[AT_OPEN], theirs=[replace(AT_STOP, exit_bar=0)])
    assert cause_of(difference, "backtrader", SCENARIOS["gap_over_target"], market) is None


def test_what_an_engine_can_not_express_is_not_supported() -> None:
    one = judge(
        engine="x",
        version="1",
        scenario=SCENARIOS["stop_loss"],
        ours={},
        theirs={"not_supported": "it has no stops"},
        market=Market([], {}, {}),
    )
    assert (one.equal, one.differences, one.why) == (False, 0, "not supported: it has no stops")


def test_sixteen_scenarios_are_compared_and_two_stand_apart() -> None:
    assert [one.apart for one in SCENARIOS.values()].count(False) == 16
    assert [one.apart for one in SCENARIOS.values()].count(True) == 2
