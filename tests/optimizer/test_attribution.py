"""What each change is worth: which builds tell it, that all are held to the reference's bits, and what is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine import generate_market
from engine.subject import SUBJECT
from optimizer.attribution import Arms, _differing, _own, _told, arms_of
from optimizer.benchmark import Arm, Workload
from optimizer.processes import Observation

FINAL = ("vectorization/array_feed", "vectorization/column_features", "vectorization/awaited_bars", "io/matrix_store")


def candidate(name: str) -> Any:
    return next(one for one in SUBJECT.candidates() if one.name == name)


def test_alone_is_the_reference_with_the_change_and_what_it_requires() -> None:
    arms = arms_of(SUBJECT, FINAL, candidate("vectorization/awaited_bars"))
    assert arms.alone == FINAL[:3]
    assert arms.alone_with == list(FINAL[:2])


def test_left_out_is_the_build_without_the_change_and_what_requires_it() -> None:
    arms = arms_of(SUBJECT, FINAL, candidate("vectorization/column_features"))
    assert arms.left_out == ("vectorization/array_feed", "io/matrix_store")
    assert arms.left_out_with == ["vectorization/awaited_bars"]


def arm(build: tuple[str, ...], seconds: list[float]) -> Arm:
    runs = [
        {"load_ns": 1, "runs": {"level": [{"wall_ns": 1, "digests": {}}, {"wall_ns": int(one * 1e9), "digests": {}}]}}
        for one in seconds
    ]
    return Arm(build, Workload("m.parquet", "refuse", "level"), [Observation(run, "", {}, 1) for run in runs])


def test_ratios_are_before_over_after_and_a_build_that_fails_has_none() -> None:
    arms = Arms("a", ("a",), ("b",), ("a", "b"))
    measured: dict[tuple[str, ...], Arm | str] = {
        (): arm((), [4.0] * 6),
        ("a",): arm(("a",), [2.0] * 6),
        ("b",): "gives other bits on level",
        ("a", "b"): arm(("a", "b"), [1.0] * 6),
    }
    told = _told(arms, Workload("m.parquet", "refuse", "level"), measured, {"ratio": 3.0, "ci95": (2.0, 4.0)})
    assert told["alone"] == {"ratio": 2.0, "ci95": [2.0, 2.0]}
    assert told["on_build"] == {"ratio": 3.0, "ci95": [2.0, 4.0]}
    assert told["left_out"] is None
    assert told["error"] == "left out: gives other bits on level"


def test_too_few_rounds_for_an_interval_give_no_ratio() -> None:
    arms = Arms("a", ("a",), (), ("a",))
    few = {(): arm((), [4.0] * 5), ("a",): arm(("a",), [2.0] * 5)}
    told = _told(arms, Workload("m.parquet", "refuse", "level"), few, None)
    assert (told["alone"], told["left_out"], told["on_build"], told["error"]) == (None, None, None, None)


@pytest.fixture
def market(tmp_path: Path) -> Path:
    path = tmp_path / "market.parquet"
    generate_market(symbols=10, bars=60).write_parquet(path)
    return path


def test_a_change_is_judged_on_its_own_workload_with_the_data_in_its_form(market: Path, tmp_path: Path) -> None:
    workload = Workload(str(market), "refuse", "level")
    own = _own(SUBJECT, workload, candidate("io/parquet_copy"), tmp_path / "forms")
    assert own.label == "loading and laying out the data from .csv"
    assert Path(own.data).is_file()
    assert _own(SUBJECT, workload, candidate("gates/pass_sets"), tmp_path).label.startswith(
        "sweep_gates, the first run"
    )


def test_a_run_that_gives_other_bits_is_found_by_its_scenario() -> None:
    measured = arm(("a",), [1.0, 2.0])
    assert _differing(measured, {"level": {}}) == ""
    assert _differing(measured, {"level": {"fills": "0"}}) == "gives other bits on level"


_SPOILS = '''"""Spoil."""
from engine.catalog import optimization


@optimization(component="features")
def spoils(inner):
    def compute(feed, features):
        raise RuntimeError('boom')
    return compute
'''
_MENDS = '''"""Mend."""
from engine.catalog import optimization
from engine.reference.features import compute_features


@optimization(component="features", after=["caching/spoils"])
def mends(inner):
    return compute_features
'''


@pytest.mark.slow
def test_a_change_that_works_on_the_build_only_is_told_and_not_ranked(python_in, project: Path, market: Path) -> None:
    """One change spoils the features, the other one mends them: together they are exact."""
    folder = project / "engine" / "optimizations" / "caching"
    (folder / "spoils.py").write_text(_SPOILS)
    (folder / "mends.py").write_text(_MENDS)
    code = f"""
import json
from pathlib import Path
from optimizer.attribution import attribute
from optimizer.benchmark import Workload
from optimizer.config import find_config
from optimizer.processes import Processes

config, folder = find_config(Path.cwd()), Path({str(market.parent)!r})
workload = Workload({str(market)!r}, "refuse", "all_features")
print(json.dumps(attribute(
    Processes(config, folder), workload, ("caching/spoils", "caching/mends"), config.subject, tick=lambda _: None,
    caches=folder / "caches", rounds=1, trials={{}}, own_workloads=False,
)))
"""
    done = python_in(project, "-c", code)
    assert done.returncode == 0, done.stderr
    spoils, mends = json.loads(done.stdout)["changes"]
    assert spoils["error"].startswith("alone: RuntimeError: boom")
    assert spoils["alone"] is None
    assert mends["error"].startswith("left out: RuntimeError: boom")
    assert (spoils["alone_with"], mends["left_out_with"]) == ([], [])


@pytest.mark.slow
def test_a_build_that_does_not_give_the_references_bits_ends_it(python_in, project: Path, market: Path) -> None:
    folder = project / "engine" / "optimizations" / "caching"
    (folder / "spoils.py").write_text(_SPOILS)
    code = f"""
from pathlib import Path
from optimizer.attribution import attribute
from optimizer.benchmark import Workload
from optimizer.config import find_config
from optimizer.errors import CheckError
from optimizer.processes import Processes

config, folder = find_config(Path.cwd()), Path({str(market.parent)!r})
try:
    attribute(
        Processes(config, folder), Workload({str(market)!r}, "refuse", "level"), ("caching/spoils",), config.subject,
        tick=lambda _: None, caches=folder / "caches", rounds=1, trials={{}}, own_workloads=False,
    )
except CheckError as error:
    print(error)
"""
    done = python_in(project, "-c", code)
    assert done.returncode == 0, done.stderr
    assert "the final build can't be measured: RuntimeError: boom" in done.stdout
