"""The matrix brings out what depends on the environment, and names the knob under which it does."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from optimizer.config import Config, find_config
from optimizer.determinism import Determinism, examine
from optimizer.golden import Golden, open_golden, record
from optimizer.processes import Processes

pytestmark = pytest.mark.slow

ENGINE = Path(__file__).parent / "varying.py"
CAUGHT = {
    "walks_a_set": "hash seed 1",
    "calls_exp": "NumPy without X86_V4",
    "sorts_ties": "NumPy without X86_V4",
    "calls_the_c_library": "C library without AVX2 and FMA",
    "multiplies_matrices": "BLAS kernel Nehalem",
    "sums_groups": "Polars threads 1",
    "reduces_in_parallel": "Numba threads 1",
    "adds_with_fastmath": "Numba code for a generic processor",
    "reads_the_local_clock": "time zone Pacific/Chatham",
    "reads_text_by_the_locale": "locale C",
    "remembers_two": "cases in reverse",
    "trusts_its_cache": "own caches damaged",
    "adds_in_chunks": "workers 3",
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A project whose engine varies."""
    root = tmp_path_factory.mktemp("varying")
    shutil.copy(ENGINE, root / "varying_engine.py")
    (root / "pyproject.toml").write_text('[tool.optimize]\nsubject = "varying_engine:SUBJECT"\n')
    return find_config(root)


def examined(config: Config, number: int, matrix: str) -> tuple[bool, Determinism | None]:
    """Record a set in the environment as it is, and hold the same engine to it in all the others."""
    scratch = config.root / "scratch" / str(number)
    scratch.mkdir(parents=True)
    processes = Processes(config, scratch, timeout=300.0)
    spec = config.subject.golden_sets()[number]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONHASHSEED", "0")
        record(config, spec, processes, reason="to be varied", scratch=scratch)
    golden = open_golden(config, spec)
    assert isinstance(golden, Golden)
    result, found = examine(golden, processes, ("racing",), scratch / "matrix", matrix=matrix)
    return result.exact, found


@pytest.fixture(scope="module")
def found(config: Config) -> Determinism:
    exact, found = examined(config, 0, "full")
    assert exact, "in the environment as it is, the recorded bits come out"
    assert found is not None
    return found


@pytest.mark.parametrize("scenario", CAUGHT)
def test_names_the_knob_under_which_a_scenario_varies(found: Determinism, scenario: str) -> None:
    knob = CAUGHT[scenario]
    if knob in found.no_effect:
        pytest.skip(f"{knob} has no effect on this machine, so that nothing can vary under it")
    assert f"{knob}: " in found.differing, found.differing
    told = next(part for part in found.differing.split("; ") if part.startswith(f"{knob}: "))
    assert re.search(rf"bars/{scenario}\b", told), found.differing


def test_blames_a_knob_for_what_varies_under_it_alone(found: Determinism) -> None:
    """Several scenarios differ in one cell, each under another of its settings: they are told apart."""
    told = {part.split(": ")[0]: part for part in found.differing.split("; ")}
    assert "holds" not in found.differing
    assert told["time zone Pacific/Chatham"].startswith(
        "time zone Pacific/Chatham: bars/reads_the_local_clock of 15 cases: something uses local time"
    )


def test_shows_the_first_divergence_in_a_cell(found: Determinism) -> None:
    assert not found.holds
    assert found.divergence is not None
    assert "steady/bars/" in str(found.divergence)


def test_a_race_is_told_as_one_that_needs_no_knob(config: Config) -> None:
    """Threads race each other: the same process, started again, gives other bits."""
    exact, found = examined(config, 1, "quick")
    assert not exact
    assert found is not None
    assert not found.holds
    assert found.differing.startswith("from run to run: bars/races of 2 cases: threads race each other")
