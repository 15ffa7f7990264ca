"""A benchmark's history marks what moved; two runs side by side say what differs and what may not be compared."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from optimizer.commands.compare import compare
from optimizer.commands.history import history
from optimizer.errors import InputError
from optimizer.files import write_json
from optimizer.history import history_of
from optimizer.ledger import LEDGER, Ledger
from optimizer.run_comparison import BEYOND, NOT_COMPARABLE, WITHIN, compare_runs
from optimizer.run_documents import FINAL, RunDocument, run_document
from optimizer.run_finding import all_runs, find_run
from tests.optimizer.run_values import a_run


def on(day: int, bounds: tuple[float, float] = (1.8, 2.2), **changed: Any) -> dict[str, Any]:
    """Return a run of a day, with the interval that its change's verdict rests on."""
    run = copy.deepcopy(
        a_run(f"2026010{day}T000000Z-{day:04d}", started_at=f"2026-01-0{day}T00:00:00+00:00", **changed)
    )
    run["changes"][0]["seconds"] |= {"bounds": list(bounds), "ratio": sum(bounds) / 2}
    return run


def read(*runs: dict[str, Any]) -> list[RunDocument]:
    """Return runs as they are read."""
    return [run_document(run, "") for run in runs]


def moves(*runs: dict[str, Any], **asked: Any) -> list[str]:
    """Return how each point of the change's history moved."""
    return [
        point.moved for series in history_of(read(*runs), **asked) if series.name != FINAL for point in series.points
    ]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with a run in a file, one in the ledger alone, and one in both."""
    for run in (on(2), on(3, (3.0, 3.5))):
        write_json(tmp_path / "runs" / run["run_id"] / "run.json", run)
    with Ledger(tmp_path / LEDGER) as ledger:
        ledger.append_run(on(1))
        ledger.append_run(on(2))
    return tmp_path


def test_what_moved_beyond_both_intervals_is_marked_and_what_touches_is_not() -> None:
    assert moves(on(1, (1.8, 2.2)), on(2, (2.2, 2.6)), on(3, (2.7, 3.0)), on(4, (1.0, 1.1))) == ["", "", "up", "down"]


def test_a_ratio_is_held_against_the_last_one_of_the_same_hardware_data_and_control() -> None:
    other = {"cpu": "b", "machine": "n" * 12}
    assert moves(on(1), on(2, (5.0, 6.0), hardware=other), on(3, (3.0, 4.0))) == ["", "", "up"]
    data = {"path": "data/a.parquet", "sha256": "e" * 64}
    assert moves(on(1), on(2, (5.0, 6.0), data=data)) == ["", ""]
    control = on(2, (5.0, 6.0))
    control["changes"][0]["control"] = ["caching/first"]
    assert moves(on(1), control) == ["", ""]


def test_history_is_asked_by_optimization_scenario_figure_and_machine() -> None:
    runs = [on(1), on(2, hardware={"machine": "n" * 12})]
    assert [one.name for one in history_of(read(*runs))] == ["caching/once", FINAL]
    assert [one.name for one in history_of(read(*runs), wanted="caching/once")] == ["caching/once"]
    assert len(history_of(read(*runs), wanted="sma_cross")) == 2
    assert len(history_of(read(*runs), wanted="sma_cross, run")) == 2
    assert history_of(read(*runs), wanted="sma_cross, load") == []
    assert moves(*runs, machine="nnn") == [""]


def test_runs_are_found_in_files_and_in_the_ledger_and_each_once(out: Path) -> None:
    assert [run.run_id[:8] for run in all_runs(out)] == ["20260101", "20260102", "20260103"]


def test_a_run_that_can_not_be_read_is_told_and_left_out(out: Path) -> None:
    (out / "runs" / "20260103T000000Z-0003" / "run.json").write_text("{")
    said: list[str] = []
    assert len(all_runs(out, said.append)) == 2
    assert len(said) == 1
    assert "run.json: is damaged" in said[0]


def test_a_run_is_named_by_its_id_its_beginning_latest_or_its_file(out: Path) -> None:
    runs = all_runs(out)
    path = out / "runs" / runs[2].run_id
    for name in (runs[2].run_id, "20260103", "latest", str(path), str(path / "run.json")):
        assert find_run(out, name, runs).run_id == runs[2].run_id
    with pytest.raises(InputError, match="is the beginning of 3 runs: 20260101T"):
        find_run(out, "2026", runs)
    with pytest.raises(InputError, match=r"no run '9'.*The latest are: 20260101T.*path of a run.json"):
        find_run(out, "9", runs)
    with pytest.raises(InputError, match="no run is here"):
        find_run(out, "latest", [])


def test_runs_on_the_same_are_compared_by_their_intervals() -> None:
    within, beyond = compare_runs(*read(on(1), on(2))), compare_runs(*read(on(1), on(2, (2.3, 2.5))))
    assert [pair.standing for pair in within.pairs] == [WITHIN, WITHIN]
    assert [pair.standing for pair in beyond.pairs] == [BEYOND, WITHIN]
    assert within.differences == ()


def test_other_data_another_workload_and_another_control_are_not_compared() -> None:
    data = on(2, data={"path": "b.parquet", "sha256": "e" * 64})
    workload, control, form = on(2), on(2), on(2)
    workload["changes"][0]["workload"]["scenario"] = "level"
    control["changes"][0]["control"] = ["caching/first"]
    form["changes"][0]["workload"]["data"] = "a.csv"
    told = {
        "other data": data,
        "judged on another workload: sma_cross, run; level, run": workload,
        "measured on another control": control,
        "the data in another form: a.parquet and a.csv": form,
    }
    for why, run in told.items():
        pair = compare_runs(*read(on(1), run)).pairs[0]
        assert (pair.standing, pair.why) == (NOT_COMPARABLE, why)
    empty = run_document(on(2) | {"changes": []}, "")
    assert compare_runs(run_document(on(1), ""), empty).pairs[0].why == "only the first run has it"


def test_what_differs_between_two_runs_is_said() -> None:
    hardware = {"cpu": "b", "cores": 2, "memory_bytes": 8, "simd": "avx2", "system": "Linux", "machine": "n" * 12}
    second = on(2, hardware=hardware | {"numpy": "9"}, golden={"digest": "z" * 64}, build_after=[])
    second["changes"][0]["source_digest"] = "c" * 64
    found = [one.what for one in compare_runs(*read(on(1), second)).differences]
    assert found == ["machine", "cpu", "numpy", "golden set", "build after", "source of caching/once"]


def test_the_commands_print_lines_or_json(out: Path) -> None:
    shown = CliRunner().invoke(history, ["caching/once", "--out", str(out)])
    lines = shown.output.splitlines()
    assert lines[0] == "caching/once: sma_cross, run"
    assert [line.split()[1] for line in lines[1:]] == [f"2026010{day}T000000Z-000{day}" for day in (1, 2, 3)]
    assert "2.00 s -> 1.00 s" in lines[1]
    assert lines[3].endswith("faster        moved up")
    rows = json.loads(CliRunner().invoke(history, ["--out", str(out), "--json"]).output)
    assert [(row["name"], row["moved"]) for row in rows][:3] == [("caching/once", None)] * 2 + [("caching/once", "up")]
    told = CliRunner().invoke(compare, ["20260101", "latest", "--out", str(out)]).output
    assert "the same hardware, versions, golden set, data, sources and builds" in told
    assert "the difference is beyond the intervals" in told
    value = json.loads(CliRunner().invoke(compare, ["20260101", "latest", "--out", str(out), "--json"]).output)
    assert value["changes"][0]["standing"] == BEYOND
    assert value["totals"][0]["first"]["seconds_before"] == 2.0


def test_what_was_never_measured_lists_what_was(out: Path) -> None:
    asked = CliRunner().invoke(history, ["caching/twice", "--out", str(out)])
    assert isinstance(asked.exception, InputError)
    assert "nothing was measured of 'caching/twice'. There are: caching/once, sma_cross" in str(asked.exception)
    machine = CliRunner().invoke(history, ["--machine", "zz", "--out", str(out)])
    assert "no run on machine 'zz'. There are: mmmmmmmmmmmm" in str(machine.exception)
