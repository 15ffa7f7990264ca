"""The fuzzer finds what is wrong and makes it small, and a find becomes a golden scenario."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from engine.catalog import accepted_build, build_of, catalog
from engine.subject import SUBJECT
from optimizer.commands.fuzz import builds_to_fuzz
from optimizer.config import Config, find_config
from optimizer.errors import InputError
from optimizer.found import SET, found_set, golden_sets, read_kept
from optimizer.fuzz_task import Bits
from optimizer.fuzzing import DIVERGENCE, Found, Fuzzed, fuzz
from optimizer.golden import open_golden
from optimizer.processes import Processes

ROOT = Path(__file__).parents[2]
WRONG = '''"""Do something else after the first trade of a run."""
import os
from dataclasses import replace
from engine.catalog import optimization

@optimization(component="loop")
def {name}(inner):
    def run(feed, features, passes, broker, strategy):
        result = inner(feed, features, passes, broker, strategy)
        if len(result.trades):
            {what}
        return result
    return run
'''
WAYS = {
    "drops_a_trade": "return replace(result, trades=result.trades[:-1])",
    "raises": "raise ValueError('a trade')",
    "leaves": "os._exit(7)",
    "hangs": "while True: pass",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, copy_project: Callable[[Path], Path]) -> Path:
    """A copy of the project with one wrong candidate of each kind."""
    copy = copy_project(tmp_path_factory.mktemp("fuzzed") / "project")
    shutil.rmtree(copy / "golden" / "us500")
    for name, what in WAYS.items():
        (copy / "engine" / "optimizations" / "early_exit" / f"{name}.py").write_text(WRONG.format(name=name, what=what))
    return copy


@pytest.fixture(scope="module")
def fuzzed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Fuzzed:
    """What comes of fuzzing them: a process after the other, since two of them end theirs."""
    scratch = tmp_path_factory.mktemp("scratch")
    config = find_config(project)
    builds = {name: (f"early-exit/{name}",) for name in WAYS}
    order = {name: builds[name] for name in ("drops_a_trade", "raises", "leaves", "hangs")}
    processes = Processes(config, scratch)
    return fuzz(config, processes, order, seconds=200.0, seed=1, scratch=scratch, tick=lambda _: None, limit=8.0)


def found_of(fuzzed: Fuzzed, name: str) -> Found:
    return next(found for found in fuzzed.found if name in found.builds)


@pytest.mark.slow
def test_a_candidate_that_ends_its_process_is_found_with_its_case(fuzzed: Fuzzed) -> None:
    found = found_of(fuzzed, "leaves")
    assert "ended with code 7" in found.divergence
    assert read_kept(found.folder).document["schema"] == 1


@pytest.mark.slow
def test_a_candidate_that_does_not_come_back_is_found_with_its_case(fuzzed: Fuzzed) -> None:
    found = found_of(fuzzed, "hangs")
    assert "gave no sign of life for 8 s" in found.divergence
    assert len(pl.read_ipc(found.folder / "bars.arrow")) == found.bars


@pytest.mark.slow
def test_a_find_is_shrunk_to_few_bars(fuzzed: Fuzzed) -> None:
    found = found_of(fuzzed, "drops_a_trade")
    assert found.bars <= 6
    assert "trades" in found.divergence
    assert (found.folder / DIVERGENCE).read_text().strip() == found.divergence


@pytest.mark.slow
def test_what_a_candidate_raises_is_a_difference_too(fuzzed: Fuzzed) -> None:
    """Each build is in one find: two that differ on the same case share it, and none is looked at after its first."""
    assert sorted(name for found in fuzzed.found for name in found.builds) == sorted(WAYS)


@pytest.mark.slow
def test_a_find_becomes_a_golden_scenario_that_fails_the_candidate(fuzzed: Fuzzed, project: Path, optimize) -> None:
    folder = found_of(fuzzed, "drops_a_trade").folder
    added = optimize("golden", "add", folder, "--reason", "a trade is lost", "--name", "lost_trade", cwd=project)
    assert added.returncode == 0, added.stderr
    checked = optimize("check", "--set", SET, "--build", "early-exit/drops_a_trade", "--matrix", "none", cwd=project)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "found/lost_trade/drawn" in checked.stdout
    config = find_config(project)
    golden = open_golden(config, golden_sets(config)[-1])
    assert golden is not None
    assert golden.cases()[0]["drawn"] == read_kept(folder).document
    again = optimize("golden", "add", folder, "--reason", "again", "--name", "other", cwd=project)
    assert again.returncode == 2
    assert "already, as 'lost_trade'" in again.stderr


@pytest.mark.slow
def test_no_build_differs_on_a_fixed_share_of_examples(tmp_path: Path) -> None:
    """The share of fuzzing that CI does: the same examples each time, on each optimization and the accepted build."""
    config = find_config(ROOT)
    builds = builds_to_fuzz(config)
    assert set(builds) == {"the accepted build", *(one.name for one in catalog())}
    processes = Processes(config, tmp_path)
    done = fuzz(config, processes, builds, seconds=600.0, seed=5, scratch=tmp_path, tick=lambda _: None, examples=60)
    assert [found.divergence for found in done.found] == []
    assert done.examples == 60


def test_the_builds_to_fuzz_are_each_optimization_and_the_accepted_build() -> None:
    builds = builds_to_fuzz(find_config(ROOT))
    assert builds["the accepted build"] == tuple(accepted_build())
    assert all(build == build_of(name) for name, build in builds.items() if name != "the accepted build")


@pytest.mark.parametrize(
    ("expected", "obtained", "same"),
    [
        ([0.0], [0.0], True),
        ([0.0], [-0.0], False),
        ([float("nan")], [float("nan")], True),
        ([1.0], [1.0, 1.0], False),
        ([None], [0.0], False),
    ],
)
def test_bits_are_compared(expected: list[float], obtained: list[float], same: bool) -> None:
    tables = [pl.DataFrame({"x": values}, schema={"x": pl.Float64}) for values in (expected, obtained)]
    assert Bits({"t": tables[0]}).same(Bits({"t": tables[1]})) is same


def test_tables_that_are_laid_out_otherwise_are_the_same() -> None:
    table = pl.DataFrame({"x": [1.0, 2.0], "name": ["one", "another that is longer"]})
    apart = pl.concat([table[:1], table[1:]], rechunk=False)
    assert Bits({"t": table}).same(Bits({"t": apart}))
    assert not Bits({"t": table}).same(Bits({"u": table}))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A case as the fuzzer keeps it."""
    folder = tmp_path / "kept"
    folder.mkdir()
    pl.DataFrame({"x": [1.0]}).write_ipc(folder / "bars.arrow")
    (folder / "case.json").write_text(json.dumps({"schema": 1, "name": "one", "case": {"schema": 1}}))
    return folder


@pytest.mark.parametrize("damage", ["{", "[]", "{}", '{"schema": 9, "name": "one", "case": {}}'])
def test_a_damaged_case_is_named(kept: Path, damage: str) -> None:
    (kept / "case.json").write_text(damage)
    with pytest.raises(InputError, match=r"case\.json: is damaged"):
        read_kept(kept)


def test_bars_that_are_missing_or_cut_are_named(kept: Path) -> None:
    (kept / "bars.arrow").write_bytes((kept / "bars.arrow").read_bytes()[:40])
    with pytest.raises(InputError, match=r"bars\.arrow: is damaged"):
        read_kept(kept)
    (kept / "bars.arrow").unlink()
    with pytest.raises(InputError, match=r"bars\.arrow: is missing"):
        read_kept(kept)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path, "engine.subject:SUBJECT", tmp_path / "golden", tmp_path / "reports", ())


def test_there_is_no_set_of_what_was_found_until_a_case_is_added(config: Config) -> None:
    assert found_set(config) is None
    assert [spec.name for spec in golden_sets(config)] == [spec.name for spec in SUBJECT.golden_sets()]


@pytest.mark.parametrize("manifest", [None, "{", '{"inputs": {}}', '{"inputs": {}, "cases": {"one": {}}}', "[]"])
def test_a_damaged_set_of_what_was_found_is_named(config: Config, manifest: str | None) -> None:
    (config.golden / SET).mkdir(parents=True)
    if manifest is not None:
        (config.golden / SET / "manifest.json").write_text(manifest)
    with pytest.raises(InputError, match=r"found.manifest\.json: is (damaged|missing)"):
        found_set(config)
