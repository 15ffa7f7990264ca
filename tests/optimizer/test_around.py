"""What stands around a divergence is told from both sides."""

from __future__ import annotations

import numpy as np
import polars as pl

from engine import load
from engine.markets import ties_market
from engine.scenarios import SCENARIOS
from engine.subject import SUBJECT
from optimizer.around import with_surroundings
from optimizer.parity import Divergence, first_divergence


def divergence_of(outputs: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> Divergence:
    found = first_divergence(expected=outputs, obtained=other, stages=SUBJECT.stages)
    assert found is not None
    return with_surroundings(found, expected=outputs, obtained=other, bars=ties_market(), state=SUBJECT.state)


def run() -> dict[str, pl.DataFrame]:
    scenario = SCENARIOS["cross_free"]
    return load(ties_market(), build=()).run(scenario.make(), scenario.settings).outputs()


def test_a_fill_that_is_missing_is_shown_with_the_bar_and_the_state_before_it() -> None:
    outputs = run()
    other = outputs | {"fills": outputs["fills"].filter(pl.col("order_id") != 9)}
    text = str(divergence_of(outputs, other))
    assert "symbol AT_STOP  fills.(missing row)     equal before: 8 fills, and all outputs" in text
    assert "bars       timestamp 2010-03-30  symbol AT_STOP" in text
    assert "low 95.0  close 98.0" in text
    assert "before     cash 920800.0" in text
    assert "control    fills: order_id 9  symbol AT_STOP  quantity -99.0  price 95.0" in text
    assert "candidate  holds 99 AT_STOP at 100.0" in text


def test_one_ulp_is_told_in_ulps_with_both_values_in_hex() -> None:
    outputs = run()
    values = outputs["equity"]["equity"].to_numpy().copy()
    values[5] = np.nextafter(values[5], np.inf)
    found = divergence_of(outputs, outputs | {"equity": outputs["equity"].with_columns(equity=values)})
    assert (found.output, found.field, found.distance) == ("equity", "equity", "1 ulp above")
    assert found.expected.startswith("0x1.")
    assert any(line.startswith("control    equity: cash") for line in found.around)


def test_a_divergence_that_has_no_place_in_time_has_no_surroundings() -> None:
    outputs = run()
    found = divergence_of(outputs, {name: table for name, table in outputs.items() if name != "trades"})
    assert (found.field, found.around) == ("(missing output)", ())
