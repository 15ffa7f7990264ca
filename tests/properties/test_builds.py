"""Every build gives the reference's bits, on whatever market, strategy and account; and leaves its inputs alone."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import load
from engine.catalog import accepted_build, build_of, catalog
from engine.digest import result_digest
from engine.fuzzing.accounts import PLAIN, accounts
from engine.fuzzing.markets import Market, markets
from engine.fuzzing.scripts import FEATURES, Choices, Drawn, cases, declared, plain_strategies
from engine.model import Settings
from engine.scenarios import level_with
from engine.strategy import DeclaredStrategy, Strategy
from optimizer.parity import table_digest
from tests.properties.comparing import assert_same
from tests.properties.examples import examples

OF_RUNS = [one.name for one in catalog() if one.component not in ("loader", "sweep")]
OF_SWEEPS = [one.name for one in catalog() if one.component == "sweep"]
OF_LOADS = [one.name for one in catalog() if one.component == "loader"]
SCRIPTS = st.one_of(cases(features=FEATURES), cases(features=FEATURES, **PLAIN))


@st.composite
def declared_cases(draw: st.DrawFn) -> tuple[Market, DeclaredStrategy, Settings]:
    """Draw a market, a declared strategy for it, and an account."""
    market, scale = draw(markets())
    return market, draw(declared(Choices(market, scale))), draw(st.one_of(accounts(**PLAIN), accounts()))


def builds(whole: Sequence[str]) -> dict[str, Sequence[str]]:
    """Return the builds of runs: each optimization on what it requires, the accepted ones, and all there are."""
    return {name: build_of(name) for name in OF_RUNS} | {"accepted": tuple(accepted_build()), "whole": whole}


@examples(50)
@given(case=SCRIPTS)
def test_every_build_does_with_any_script_what_the_reference_does_and_shows_it_the_same(
    whole_build: tuple[str, ...], case: Drawn
) -> None:
    market, script, settings = case
    table, watched = market.table(), script.watched()
    expected = load(table, build=()).run(watched, settings)
    for name, build in builds(whole_build).items():
        watching = script.watched()
        obtained = load(table, build=build).run(watching, settings)
        assert_same(expected.outputs(), obtained.outputs(), name)
        assert result_digest(expected) == result_digest(obtained), name
        assert watched.seen == watching.seen, name


def assert_every_build_agrees(
    whole_build: tuple[str, ...], market: Market, strategy: Strategy, settings: Settings
) -> None:
    """Assert that every build gives the reference's outputs."""
    table = market.table()
    expected = load(table, build=()).run(strategy, settings)
    for name, build in builds(whole_build).items():
        obtained = load(table, build=build).run(strategy, settings)
        assert_same(expected.outputs(), obtained.outputs(), name)
        assert result_digest(expected) == result_digest(obtained), name


@examples(50)
@given(case=declared_cases())
def test_every_build_does_with_any_declared_strategy_what_the_reference_does(
    whole_build: tuple[str, ...], case: tuple[Market, DeclaredStrategy, Settings]
) -> None:
    assert_every_build_agrees(whole_build, *case)


@st.composite
def plain_cases(draw: st.DrawFn) -> tuple[Market, Strategy, Settings]:
    """Draw a market, a plain strategy for it that waits or takes arrays, and an account."""
    market, scale = draw(markets())
    return market, draw(plain_strategies(Choices(market, scale))), draw(st.one_of(accounts(**PLAIN), accounts()))


@examples(50)
@given(case=plain_cases())
def test_every_build_does_with_any_plain_strategy_what_the_reference_does(
    whole_build: tuple[str, ...], case: tuple[Market, Strategy, Settings]
) -> None:
    assert_every_build_agrees(whole_build, *case)


@pytest.mark.parametrize("build", [(), None], ids=["reference", "accepted build"])
@examples(25)
@given(case=st.one_of(SCRIPTS, declared_cases(), plain_cases()))
def test_a_run_can_be_repeated_and_changes_neither_its_strategy_nor_its_data(
    build, case: tuple[Market, Strategy, Settings]
) -> None:
    market, strategy, settings = case
    table, before = market.table(), copy.deepcopy(strategy)
    bits = table_digest(table)
    loaded = load(table, build=build)
    digests = {result_digest(one.run(strategy, settings)) for one in (loaded, loaded, load(table, build=build))}
    assert len(digests) == 1
    assert strategy == before
    assert table_digest(table) == bits
    assert table_digest(loaded.feed.bars) == table_digest(load(table, build=()).feed.bars)


WRITERS = {".csv": pl.DataFrame.write_csv, ".parquet": pl.DataFrame.write_parquet, ".feather": pl.DataFrame.write_ipc}


@pytest.mark.parametrize("name", OF_LOADS)
@examples(10)
@given(case=SCRIPTS, suffix=st.sampled_from(sorted(WRITERS)))
def test_every_loader_gives_the_references_bars_cold_and_warm(name: str, case: Drawn, suffix: str) -> None:
    market, script, settings = case
    if suffix == ".csv":
        market = replace(market, calendar="days")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"bars{suffix}"
        WRITERS[suffix](market.table(), path)
        expected = load(path, build=())
        for _ in range(2):
            obtained = load(path, build=build_of(name))
            assert table_digest(obtained.feed.bars) == table_digest(expected.feed.bars)
            assert obtained.notes == expected.notes
            assert_same(expected.run(script, settings).outputs(), obtained.run(script, settings).outputs(), name)


@pytest.mark.parametrize("name", OF_SWEEPS)
@examples(2)
@given(case=declared_cases())
def test_every_sweep_gives_the_references_rows(name: str, case: tuple[Market, DeclaredStrategy, Settings]) -> None:
    market, _, settings = case
    stops = {"stop_loss": [0.05, 0.25, 1.5], "take_profit": [0.1, 0.5]}  # a stop of 150 % raises
    expected = load(market.table(), build=()).sweep(level_with, stops, settings)
    with patch.dict(os.environ, {"EXACT_CHANGE_WORKERS": "2"}):
        obtained = load(market.table(), build=build_of(name)).sweep(level_with, stops, settings)
    assert table_digest(expected) == table_digest(obtained)
