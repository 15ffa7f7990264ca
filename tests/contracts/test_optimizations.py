"""What every optimization keeps, walked over the catalog: a new file is tested with no edit here."""

from __future__ import annotations

from functools import partial

import pytest

from engine import Market, Optimization, catalog, load
from engine.catalog import build_of
from engine.markets import blemished_market, scored_market, ties_market, with_score
from engine.scenarios import SCENARIOS, Scenario, run_scenario
from engine.subject import SUBJECT
from optimizer.observing import attempt
from optimizer.parity import digests_of, first_divergence, table_digest
from optimizer.subject import Outputs

HELD = {name: SCENARIOS[name] for _, name in SUBJECT.golden_sets()[0].cases}  # the others are these on fewer symbols
MARKETS = {"market": scored_market(), "ties": with_score(ties_market())}


def outputs_of(loaded: Market, scenario: Scenario) -> Outputs:
    """Return what a run gives, or what it raises, as an output."""
    outputs, _ = attempt(partial(run_scenario, loaded, scenario), {})
    return outputs


STAGES = ("features", "gates", "rejections", "fills", "trades", "orders", "equity", "sweep")


@pytest.fixture(scope="module")
def expected() -> dict[str, Outputs]:
    """The reference's outputs of every scenario."""
    markets = {market: load(table, build=()) for market, table in MARKETS.items()}
    return {
        f"{market}/{name}": outputs_of(loaded, scenario)
        for market, loaded in markets.items()
        for name, scenario in HELD.items()
    }


@pytest.mark.parametrize("one", catalog(), ids=lambda one: one.name)
def test_gives_the_references_bits_on_every_scenario_cold_and_warm(one: Optimization, expected) -> None:
    build = build_of(one.name)
    for market, table in MARKETS.items():
        loaded = load(table, build=build)
        for name, scenario in HELD.items():
            for _ in range(2):
                outputs = outputs_of(loaded, scenario)
                divergence = first_divergence(expected=expected[f"{market}/{name}"], obtained=outputs, stages=STAGES)
                assert divergence is None, f"{market}/{name}\n{divergence}"


@pytest.mark.parametrize("one", catalog(), ids=lambda one: one.name)
def test_leaves_its_inputs_untouched(one: Optimization) -> None:
    table = blemished_market()
    before = table_digest(table)
    scenario = SCENARIOS["sma_cross"]
    strategy = scenario.make()
    load(table, build=build_of(one.name)).run(strategy, scenario.settings)
    assert table_digest(table) == before
    assert strategy == scenario.make()


@pytest.mark.parametrize("one", catalog(), ids=lambda one: one.name)
def test_does_not_depend_on_what_ran_before(one: Optimization) -> None:
    loaded = load(blemished_market(), build=build_of(one.name))
    names = ["level", "sma_cross", "restless", "level"]
    digests = [digests_of(loaded.run(SCENARIOS[name].make(), SCENARIOS[name].settings).outputs()) for name in names]
    assert digests[0] == digests[3]


def test_all_optimizations_together_give_the_references_bits(expected, whole_build: tuple[str, ...]) -> None:
    assert len(whole_build) == len(catalog())
    loaded = load(scored_market(), build=whole_build)
    for name, scenario in HELD.items():
        outputs = outputs_of(loaded, scenario)
        assert digests_of(outputs) == digests_of(expected[f"market/{name}"])
