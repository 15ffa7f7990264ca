"""Gates: what they mean, and that what is known of one threshold is only used where it says something."""

from __future__ import annotations

import logging
import math
import random
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from engine import (
    SMA,
    Above,
    Context,
    DeclaredStrategy,
    InputError,
    MaxATRPercent,
    MinDollarVolume,
    MinMomentum,
    MinPrice,
    Notional,
    Settings,
    Strategy,
    generate_market,
    load,
)
from engine.counting import taken
from engine.gates import Gate
from engine.model import Bar
from engine.reference.gates import evaluate_gate
from engine.scenarios import blemished_market, gated_with

INCREMENTAL = ("gates/pass_sets",)


def market(rows: list[tuple[float, float, float, float, float]], symbol: str = "A") -> pl.DataFrame:
    """Return one symbol's bars of (open, high, low, close, volume), from 2024-01-01 on."""
    days = [date(2024, 1, 1) + timedelta(number) for number in range(len(rows))]
    table = pl.DataFrame(rows, schema=["open", "high", "low", "close", "volume"], orient="row")
    return table.cast(pl.Float64).with_columns(pl.Series("timestamp", days), symbol=pl.lit(symbol))


FOUR = market([(10, 11, 9, 10, 100), (10, 14, 10, 12, 50), (12, 12, 11, 11, 200), (11, 20, 11, 20, 10)])


@pytest.mark.parametrize(
    ("gate", "passes"),
    [
        (MinPrice(11.0), [False, True, True, True]),
        (MinDollarVolume(2, 800.0), [False, True, True, True]),  # 1000, 600, 2200, 200: means 800, 1400, 1200
        (MinDollarVolume(2, 800.0000001), [False, False, True, True]),
        (MinMomentum(1, 0.0), [False, True, False, True]),
        (MinMomentum(2, 0.1), [False, False, True, True]),  # 11 / 10 - 1 is a little more than 0.1
        (MaxATRPercent(1, 20.0), [True, False, True, False]),  # ranges 2, 4, 1, 9 of closes 10, 12, 11, 20
        (MaxATRPercent(2, 24.0), [False, False, True, False]),  # means 3, 2.5, 5
    ],
)
def test_a_gate_compares_its_figure_with_its_threshold(gate: Gate, passes: list[bool]) -> None:
    feed = load(FOUR, build=()).feed
    assert evaluate_gate(feed, gate) == passes
    assert evaluate_gate(feed, gate, among=[1, 3]) == [passes[1], passes[3]]


def test_a_figure_never_reaches_into_another_symbol() -> None:
    both = pl.concat([FOUR, FOUR.with_columns(symbol=pl.lit("B"))])
    feed = load(both.sort("timestamp", "symbol"), build=()).feed
    for gate in (MinMomentum(2, -1.0), MinDollarVolume(3, 0.0), MaxATRPercent(2, 1e9)):
        flags = evaluate_gate(feed, gate)
        assert flags[:4] == flags[4:]
        assert not flags[4]


def test_the_true_range_of_a_gap_is_from_the_close_before() -> None:
    gap = market([(10, 10, 10, 10, 1), (20, 21, 20, 20, 1), (5, 5, 4, 5, 1)])
    feed = load(gap, build=()).feed
    assert evaluate_gate(feed, MaxATRPercent(1, 55.1)) == [True, True, False]  # 11 of 20 is 55 %; 16 of 5 is 320 %
    assert evaluate_gate(feed, MaxATRPercent(1, 54.9)) == [True, False, False]


@pytest.mark.parametrize(
    "make",
    [
        lambda: MinPrice(math.nan),
        lambda: MinMomentum(0, 0.1),
        lambda: MaxATRPercent(14, math.inf),
        lambda: MinDollarVolume(-1, 5.0),
    ],
)
def test_a_gate_that_can_mean_nothing_is_refused(make) -> None:
    with pytest.raises(InputError):
        make()


def test_two_gates_of_one_name_are_refused() -> None:
    strategy = DeclaredStrategy(
        Above(SMA(1), SMA(2)), Above(SMA(2), SMA(1)), Notional(5.0), gates=(MinPrice(1.0), MinPrice(2.0))
    )
    with pytest.raises(InputError, match="two gates min_price"):
        load(FOUR, build=()).run(strategy)


class Buyer(Strategy):
    """Buys a share on every bar that it is shown, of every symbol that there is."""

    features = ()
    gates = (MinPrice(11.0),)

    def __init__(self) -> None:
        self.shown: list[tuple[str, float]] = []

    def on_bar(self, context: Context, bar: Bar) -> None:
        """Note the bar and buy."""
        self.shown.append((bar.symbol, bar.close))
        for symbol in ("A", "B"):
            context.submit_order(symbol, 1)


@pytest.mark.parametrize("build", [(), ("vectorization/array_feed", "early-exit/passing_bars")])
def test_a_strategy_is_shown_what_passes_or_is_held_and_buys_only_what_passes(build: tuple[str, ...]) -> None:
    low = FOUR.with_columns(pl.col("open", "high", "low", "close") / 10.0, symbol=pl.lit("B"))
    result = load(pl.concat([FOUR, low]).sort("timestamp", "symbol"), build=build).run(Buyer(), Settings(cash=1_000.0))
    assert result.rejections["symbol"].to_list() == ["B"] * 3
    assert result.rejections["reason"].unique().to_list() == ["outside its gates"]
    assert result.fills["symbol"].to_list() == ["A", "A"]
    assert result.gates["min_price"].to_list() == [False, False, True, False, True, False, True, False]


def test_a_position_can_be_left_outside_the_gates() -> None:
    rows = [(10, 10, 10, 10, 1), (12, 12, 12, 12, 1), (12, 12, 9, 9, 1), (9, 9, 9, 9, 1)]
    strategy = DeclaredStrategy(Above(SMA(1), SMA(2)), Above(SMA(2), SMA(1)), Notional(100.0), gates=(MinPrice(11.0),))
    result = load(market(rows), build=()).run(strategy)
    assert result.fills["quantity"].to_list() == [8, -8]


def test_a_gate_loses_bars_as_it_is_tightened() -> None:
    feed = load(blemished_market(), build=()).feed
    for make, loose, tight in (
        (lambda x: MinMomentum(20, x), -0.1, 0.1),
        (lambda x: MaxATRPercent(14, x), 5.0, 2.0),
        (lambda x: MinDollarVolume(10, x), 1e6, 1e8),
        (MinPrice, 10.0, 100.0),
    ):
        wide, narrow = evaluate_gate(feed, make(loose)), evaluate_gate(feed, make(tight))
        assert all(a or not b for a, b in zip(wide, narrow, strict=True))
        assert sum(wide) > sum(narrow)


def test_pass_sets_ask_only_where_a_threshold_can_make_a_difference() -> None:
    loaded = load(blemished_market(), build=INCREMENTAL)
    feed, gates = loaded.feed, loaded.pipeline.gates
    bars = len(feed.bars)
    taken()
    first = list(gates(feed, MinMomentum(20, 0.0), None))
    assert taken() == {"gate evaluations asked": bars, "gate evaluations spared": 0}
    tighter = list(gates(feed, MinMomentum(20, 0.1), None))
    assert taken()["gate evaluations asked"] == sum(first)  # only what passed
    gates(feed, MinMomentum(20, -0.1), None)
    assert taken()["gate evaluations asked"] == bars - sum(first)  # only what failed
    between = list(gates(feed, MinMomentum(20, 0.05), None))
    assert taken()["gate evaluations asked"] == sum(first) - sum(tighter)  # only what lies between
    assert list(gates(feed, MinMomentum(20, 0.05), None)) == between
    assert taken() == {"gate evaluations spared": bars}


def test_another_length_market_or_kind_is_computed_in_full() -> None:
    loaded = load(blemished_market(), build=INCREMENTAL)
    gates = loaded.pipeline.gates
    gates(loaded.feed, MinMomentum(20, 0.0), None)
    other = load(blemished_market().filter(pl.col("symbol") != "S0003"), build=()).feed
    for feed, gate in (
        (loaded.feed, MinMomentum(21, 0.0)),
        (loaded.feed, MinPrice(0.0)),
        (other, MinMomentum(20, 0.0)),
    ):
        taken()
        assert list(gates(feed, gate, None)) == evaluate_gate(feed, gate)
        assert taken()["gate evaluations asked"] == len(feed.bars)


def test_any_order_of_thresholds_gives_the_references_flags() -> None:
    loaded = load(blemished_market(), build=INCREMENTAL)
    chance = random.Random(3)  # noqa: S311 - not for secrets
    for _ in range(30):
        gate = chance.choice([MinMomentum(20, chance.uniform(-0.2, 0.2)), MaxATRPercent(14, chance.uniform(1.0, 5.0))])
        assert list(loaded.pipeline.gates(loaded.feed, gate, None)) == evaluate_gate(loaded.feed, gate)


@pytest.mark.many_runs
def test_a_sweep_that_tightens_and_loosens_is_spared_four_fifths_of_the_evaluations() -> None:
    points = [
        {"momentum": momentum, "atr_percent": atr_percent}
        for atr_percent in (4.0, 3.0, 3.5, 2.5)
        for momentum in (-0.1, 0.1, 0.0, 0.05, -0.05)
    ]
    bars = generate_market(symbols=30, bars=300)
    taken()
    swept = load(bars, build=INCREMENTAL).sweep(gated_with, points)
    counts = taken()
    asked, spared = counts["gate evaluations asked"], counts["gate evaluations spared"]
    assert asked + spared == 2 * len(points) * len(bars)
    assert spared >= 0.8 * (asked + spared)
    assert swept.equals(load(bars, build=()).sweep(gated_with, points))


def test_another_process_finds_the_pass_sets(cache_folder: Path) -> None:
    bars = blemished_market()
    load(bars, build=INCREMENTAL).sweep(gated_with, {"momentum": [0.0, 0.1], "atr_percent": [3.0]})
    assert len(list((cache_folder / "gates").glob("*/*.arrow"))) == 3
    taken()
    load(bars, build=INCREMENTAL).sweep(gated_with, {"momentum": [0.0, 0.1], "atr_percent": [3.0]})
    assert taken() == {"gate evaluations spared": 4 * len(bars)}


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        damage,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_text("not ours"),
    ],
)
def test_a_damaged_pass_set_is_dropped_told_and_computed_again(cache_folder: Path, caplog, harm) -> None:
    bars = blemished_market()
    gate = MinMomentum(20, 0.0)
    load(bars, build=INCREMENTAL).sweep(gated_with, {"momentum": [0.0], "atr_percent": [3.0]})
    expected = evaluate_gate(load(bars, build=()).feed, gate)
    loaded = load(bars, build=INCREMENTAL)
    loaded.pipeline.gates(loaded.feed, gate, None)
    for path in (cache_folder / "gates").glob("*/*.arrow"):
        harm(path)
    loaded = load(bars, build=INCREMENTAL)
    with caplog.at_level(logging.WARNING):
        assert list(loaded.pipeline.gates(loaded.feed, gate, None)) == expected
    assert "dropped, and computed again" in caplog.text


def test_the_pass_set_of_another_gate_in_its_place_is_not_taken(cache_folder: Path, caplog) -> None:
    bars = blemished_market()
    loaded = load(bars, build=INCREMENTAL)
    loaded.pipeline.gates(loaded.feed, MinMomentum(20, 0.0), None)
    (folder,) = (cache_folder / "gates").iterdir()
    (own,) = folder.iterdir()
    foreign = folder / f"{(0.3).hex()}.arrow"
    foreign.write_bytes(own.read_bytes())  # says that all that passes 0.0 passes 0.3
    again = load(bars, build=INCREMENTAL)
    assert list(again.pipeline.gates(again.feed, MinMomentum(20, 0.3), None)) == evaluate_gate(
        loaded.feed, MinMomentum(20, 0.3)
    )
    assert "belongs to another key" in caplog.text
