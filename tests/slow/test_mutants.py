"""A share of the attack for CI: wrong variants of every optimization are caught, and correct rewrites pass.

`make mutants` runs all of it, with the matrix and the fuzzer.
"""

from __future__ import annotations

import re

import pytest

from engine.catalog import catalog
from tests.mutants.attack import Attack, Row
from tests.mutants.project import ROOT
from tests.mutants.stages import PARITY, optimize
from tests.mutants.variants import variants

pytestmark = pytest.mark.slow

WRONG = (
    "a fill at the close in place of the open",
    "an account that trades a bar more after its ruin",
    "worth added in pairs",
    "a halt that spoils the highest price",
    "a target by the entry and a part of it",
    "the last symbol called first",
    "what passes and what is held, in the order of a set of names",
    "a mean by the reciprocal",
    "a not-a-number with its sign turned",
    "numbers of bars from one",
    "a missing bar that is zero",
    "a momentum that looks into the symbol before",
    "a pass set whatever the length",
    "the last feature kept for all",
    "read an ulp off",
    "starts for ends",
    "a copy that is a row short",
    "whatever market was loaded first",
    "a worker that rounds",
    "an answer taken for that of another trial",
    "a memo by the name of the strategy, which recalls a run over other data",
    "a process that ends where an account has leverage",
    "cancellations left out",
    "a water mark that stays where it is",
    "signals kept without the gates that they are for",
    "a borrow fee that is told and not paid",
    "positions that grow before others shrink",
    "slices that show what gates hold back",
    "a feature of the step before",
    "what is held and not awaited",
    "a short position that trails its high",
    "positions that are not looked up again",
)
RIGHT = (
    "averages by a generator that is sent one close after another",
    "rules in tables, one for each field of a position, looked through backwards",
    "a loader that reads by Arrow what is Arrow or Parquet",
)


@pytest.fixture(scope="module")
def rows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """What is said of each variant: two at a time, since a check keeps one core busy."""
    here = [item for item in request.session.items if item.path == request.path and "rows" in item.fixturenames]
    asked = [item.callspec.params["name"] for item in here]
    by_name = {one.name: one for one in variants()}
    attack = Attack(tmp_path_factory.mktemp("mutants"), (PARITY,))
    return {row.name: row for row in attack.run([by_name[name] for name in asked], 2, lambda _: None)}


@pytest.mark.parametrize("name", WRONG)
def test_parity_catches(rows: dict[str, Row], name: str) -> None:
    """And the report names the place, or what became of the process."""
    assert rows[name].caught_by == (PARITY,), rows[name]
    place = r"\w+\.[\w():]+|the process"
    assert re.search(place, rows[name].report), rows[name]


@pytest.mark.parametrize("name", RIGHT)
def test_parity_passes(rows: dict[str, Row], name: str) -> None:
    assert rows[name].as_expected, rows[name]


def test_the_share_has_every_optimization() -> None:
    by_name = {one.name: one for one in variants()}
    assert {one.name for one in catalog()} <= {by_name[name].optimization for name in WRONG}


def test_parity_passes_what_was_not_changed(whole_build: tuple[str, ...]) -> None:
    done = optimize(ROOT, "check", "--set", "generated", "--matrix", "none", "--build", ",".join(whole_build))
    assert done.returncode == 0, done.stdout + done.stderr
