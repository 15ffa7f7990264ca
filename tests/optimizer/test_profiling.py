"""What is planted in a test engine is found and named by the real profilers, and a sound engine is not accused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from optimizer.config import find_config
from optimizer.errors import CheckError
from optimizer.processes import Processes
from optimizer.profiling import ALL_KINDS, order_reason, profile_build

PLANTED = Path(__file__).parents[1] / "planted"
Document = dict[str, Any]
pytestmark = pytest.mark.slow  # each kind of profile is a process of its own


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with the planted engine, and bars for it."""
    project = tmp_path_factory.mktemp("profiles") / "project"
    shutil.copytree(PLANTED, project, ignore=shutil.ignore_patterns("__pycache__"))
    bars = pl.DataFrame(
        {
            "timestamp": [number // 2 for number in range(2_000)],
            "symbol": ["A", "B"] * 1_000,
            "close": [1.0 + number % 17 / 16 for number in range(2_000)],
        }
    )
    bars.write_parquet(project / "bars.parquet")
    path, modules = list(sys.path), set(sys.modules)
    yield project
    sys.path[:] = path  # importing the subject has put the project's folder first
    for name in [name for name in sys.modules if name not in modules and name.partition(".")[0] == "planted"]:
        del sys.modules[name]


def profiled(project: Path, scenario: str, *kinds: str) -> Document:
    job = {
        "data": str(project / "bars.parquet"),
        "on_bad_bars": "refuse",
        "scenarios": [scenario],
        "warm_up": [],
    }
    (project / "jobs" / scenario).mkdir(parents=True, exist_ok=True)
    processes = Processes(find_config(project), project / "jobs" / scenario)
    folder = project / "out" / scenario / "-".join(kinds or ("all",))
    return profile_build(processes, (), job, folder, tick=lambda _: None, kinds=kinds or ALL_KINDS)


@pytest.fixture(scope="module")
def faulty(planted: Path) -> Document:
    """The whole profile of the engine with the faults."""
    return profiled(planted, "faulty")


@pytest.fixture(scope="module")
def sound(planted: Path) -> Document:
    """The whole profile of the engine without them."""
    return profiled(planted, "sound", "lines", "memory", "redundant")


def test_the_planted_hotspot_comes_first_with_its_costliest_line(faulty: Document) -> None:
    first = faulty["hotspots"][0]
    assert (first["function"], first["file"], first["component"]) == ("grind", "faulty.py", "work")
    assert first["share"] > 0.4
    costliest = max(first["lines"], key=lambda line: line["hits"])
    assert costliest["text"] in ("total += close", "for close in closes:")
    assert costliest["hits"] >= 400 * 2_000
    assert faulty["components"]["work"] > 0.8


def test_the_planted_leak_is_named_with_its_bytes_a_run(faulty: Document) -> None:
    (leak,) = faulty["memory"]["leaks"]
    assert (leak["function"], leak["file"]) == ("remember", "faulty.py")
    assert abs(leak["per_run_bytes"] - 300_000) < 1_024  # the list that keeps it grows, too, now and then
    assert leak["bytes"] >= 2 * 300_000
    assert faulty["memory"]["peak_bytes"] > 300_000


def test_the_planted_redundant_call_is_counted(faulty: Document) -> None:
    weigh = next(one for one in faulty["redundant"] if one["function"] == "weigh")
    assert (weigh["file"], weigh["distinct"], weigh["calls"]) == ("faulty.py", 4, 800)
    assert weigh["repeated"] == 2 * 396
    assert weigh["seconds_repeated"] > 0.0


def test_each_fault_speaks_for_its_cure_and_cites_the_figures(faulty: Document) -> None:
    advice = {one["focus"]: one for one in faulty["advice"]}
    assert "grind" in advice["vectorization"]["hotspots"]
    assert "line" in advice["vectorization"]["why"]
    assert "weigh" in advice["caching"]["hotspots"]
    assert "800 times" in advice["caching"]["why"]
    assert "4 sets of arguments" in advice["caching"]["why"]
    assert "read" in {spot["function"] for spot in faulty["hotspots"]}
    assert advice["early-exit"]["why"] == "in faulty gates shut 3 of 4 bars (75%)"
    grind = faulty["hotspots"][0]
    assert [one["focus"] for one in grind["advice"]] == ["vectorization"]


def test_the_sound_engine_is_not_accused(sound: Document) -> None:
    assert sound["memory"]["leaks"] == []
    assert sound["redundant"] == []
    assert not [one for one in sound["advice"] if one["focus"] == "vectorization"]
    assert all("the next run" in one["why"] for one in sound["evidence"] if one["focus"] == "caching")


def test_what_is_read_and_what_caches_find_is_counted(planted: Path, faulty: Document) -> None:
    size = (planted / "bars.parquet").stat().st_size
    assert faulty["io"]["load_read_bytes"] >= size
    assert faulty["io"]["load_read_calls"] >= size // 64
    assert faulty["caches"]["own"]["store"] == {"hits": 6, "misses": 2, "rate": 0.75}
    hardware = faulty["caches"]["hardware"]
    assert hardware["cycles"] > 0 if isinstance(hardware, dict) else hardware.startswith("unavailable: ")
    assert faulty["parallel"]["workers"] == 1


def test_every_file_that_the_document_names_is_there_and_its_pages_need_no_network(
    planted: Path, faulty: Document
) -> None:
    out = planted / "out" / "faulty"
    assert json.loads((out / "all.json").read_text()) == faulty
    assert set(faulty["files"]) == {"flame_graph", "call_tree", "call_tree_raw", "memory_capture", "memory_report"}
    for name in faulty["files"].values():
        assert (out / name).stat().st_size > 1_000
    flames = (out / faulty["files"]["flame_graph"]).read_text()
    assert "grind faulty.py:" in flames
    assert "http" not in flames
    assert "<script" not in flames


def test_a_kind_that_fails_leaves_its_part_null_and_says_why(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.profiling._extra", lambda *_: {"scenario": "nowhere"})
    found = profiled(planted, "faulty", "io")
    assert found["io"] is None
    assert "KeyError" in found["failures"]["io"]
    assert found["hotspots"][0]["function"] == "grind"


def test_an_engine_that_crashes_ends_the_profile_with_its_error(planted: Path) -> None:
    with pytest.raises(CheckError, match="the reference failed: TypeError"):
        profiled(planted, "crash", "io")


def test_the_order_of_a_candidate_is_told_with_its_figures(planted: Path, faulty: Document) -> None:
    subject = find_config(planted).subject
    told = {one.focus: order_reason(faulty, one) for one in subject.candidates()}
    assert told["vectorization"].startswith("work took ")
    assert "vectorization could help: line" in told["vectorization"]
    assert "weigh was called 800 times" in told["caching"]
    (work,) = (one for one in subject.candidates() if one.focus == "vectorization")
    later = order_reason({**faulty, "evidence_of": "the reference"}, work)
    assert "vectorization could help: in the profile of the reference, line" in later
    assert told["gates"] == "gates took next to no time; nothing in the profile speaks for gates in particular"


def test_the_command_prints_each_part_and_writes_where_it_says(planted: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "optimizer.cli", "profile", "--data", "bars.parquet", "--out", str(tmp_path)]
    done = subprocess.run(
        [*command, "--kind", "redundant", "--kind", "memory"],
        cwd=planted,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "LEAK  " in done.stdout
    assert "weigh  faulty.py:" in done.stdout
    assert "vectorization" not in done.stdout  # no line was watched, so nothing speaks for it
    found = json.loads((tmp_path / "profile.json").read_text())
    assert (tmp_path / found["files"]["memory_report"]).is_file()
    assert found["io"] is None


def test_an_unknown_kind_lists_the_known(planted: Path) -> None:
    command = [sys.executable, "-m", "optimizer.cli", "profile", "--kind", "disk"]
    done = subprocess.run(command, cwd=planted, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown kind 'disk'" in done.stderr
    assert "redundant" in done.stderr
