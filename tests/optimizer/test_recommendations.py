"""What to expect of three kinds of machine: measured where it was, modelled by a stated model, or not told."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from optimizer.expected import MEASURED, MODELLED, amdahl, parallel_part
from optimizer.recommendations import KINDS, nearest, recommendations

GIB = 1 << 30
MACHINE = {"cores": 2, "memory_bytes": 8 * GIB, "machine": "abc", "storage": {"kind": "ssd"}}
RUN = {
    "hardware": MACHINE,
    "totals": [
        {
            "workload": "sma_cross",
            "figure": "run",
            "reference_seconds": 10.0,
            "final_seconds": 0.5,
            "peak": {"before": 400, "after": 300, "ratio": 1.3, "ci95": None},
        }
    ],
}
SCALING = {
    "hardware": MACHINE,
    "points": [
        {"build": "final", "axis": "symbols", "symbols": count, "timestamps": 320, "seconds_median": count / 1000}
        | {"peak_bytes": count * (1 << 20), "error": None}
        for count in (1000, 10, 100)
    ],
    "fits": [
        {"build": "final", "axis": "symbols", "quantity": "seconds", "exponent": 1.0},
        {"build": "final", "axis": "symbols", "quantity": "bytes", "exponent": 1.0},
    ],
}
PROFILE = {"parallel": {"workers": 2, "efficiency": 0.9}}
HARDWARE = MACHINE | {
    "bandwidth_bytes_per_second": 1e10,
    "storage": {"kind": "ssd", "sequential_read_bytes_per_second": 1e9, "random_read_per_second": 5e3, "how": "direct"},
}


def settings_for(hardware: Any) -> dict[str, Any]:
    """Settings of three quarters of the cores."""
    return {"workers": max(1, math.floor(0.75 * hardware["cores"] + 0.5))}


def figures(documents: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the figures of a kind by their names."""
    row = next(row for row in recommendations(documents, settings_for) if row["kind"] == kind)
    return {one["name"]: one for one in row["figures"]}


def test_a_machine_is_of_the_kind_that_it_is_nearest_to() -> None:
    assert [nearest(kind.hardware()) for kind in KINDS] == list(KINDS)
    assert nearest({"cores": 10, "memory_bytes": 32 * GIB}) is KINDS[0]
    assert nearest({"cores": 64, "memory_bytes": 512 * GIB}) is KINDS[1]
    assert nearest({"cores": 2, "memory_bytes": 24 * GIB}) is KINDS[2]
    assert nearest({"cores": 2, "memory_bytes": None}) is None
    assert nearest({}) is None


def test_of_its_own_kind_the_figures_are_measured_and_of_others_modelled() -> None:
    own, other = figures({"run": RUN}, "CI runner"), figures({"run": RUN}, "laptop")
    assert own["sma_cross run, final build"] == {
        "name": "sma_cross run, final build",
        "value": 0.5,
        "unit": "s",
        "basis": MEASURED,
        "how": "run.json, totals, final_seconds",
    }
    assert other["sma_cross run, final build"]["basis"] == MODELLED
    assert "taken to be as fast" in other["sma_cross run, final build"]["how"]
    assert own["sma_cross run, reference, peak memory"]["value"] == 400


def test_documents_that_are_missing_give_no_figures() -> None:
    assert all(row["figures"] == [] for row in recommendations({}))
    assert [row["kind"] for row in recommendations({})] == ["laptop", "server", "CI runner"]
    assert figures({"run": {"hardware": MACHINE}}, "CI runner") == {}
    assert figures({"scaling": SCALING | {"points": []}, "hardware": MACHINE}, "server") == {}


@pytest.mark.parametrize("damage", [None, "text", 3, [], [1], {"totals": "x"}, {"totals": [None, {"peak": 4}]}])
def test_what_is_no_figure_is_left_out(damage: Any) -> None:
    documents = {"run": damage, "scaling": damage, "hardware": damage, "profile_after": damage}
    assert all(row["figures"] == [] for row in recommendations(documents, settings_for))


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, True, "1.0", None])
def test_a_time_that_is_no_time_is_left_out(value: Any) -> None:
    run = {"hardware": MACHINE, "totals": [{"workload": "w", "reference_seconds": value, "final_seconds": value}]}
    assert figures({"run": run}, "CI runner") == {}


def test_what_workers_keep_busy_follows_amdahls_law_from_the_measured_efficiency() -> None:
    documents = {"run": {"hardware": MACHINE}, "profile_after": PROFILE}
    own, server = figures(documents, "CI runner"), figures(documents, "server")
    measured = own["cores that a sweep in 2 processes keeps busy"]
    assert (measured["value"], measured["basis"]) == (1.8, MEASURED)
    modelled = server["cores that a sweep in 24 processes keeps busy"]
    part = (1 - 1 / 1.8) / (1 - 1 / 2)
    assert modelled["value"] == 1 / (1 - part + part / 24)
    assert modelled["basis"] == MODELLED
    assert "Amdahl" in modelled["how"]
    laptop = figures(documents | {"run": {"hardware": KINDS[1].hardware()}}, "CI runner")
    assert laptop["cores that a sweep in 2 processes keeps busy"]["basis"] == MODELLED


@pytest.mark.parametrize(("efficiency", "part"), [(1.0, 1.0), (0.5, 0.0), (0.2, 0.0), (1.3, 1.0)])
def test_the_parallel_part_is_between_none_and_all(efficiency: float, part: float) -> None:
    """An efficiency above 1, or one that makes two workers slower than one, is noise to the model."""
    assert parallel_part(efficiency, 2) == part
    assert amdahl(part, 1) == 1.0


def test_one_worker_tells_nothing_of_more() -> None:
    documents = {"run": {"hardware": MACHINE}, "profile_after": {"parallel": {"workers": 1, "efficiency": 1.0}}}
    assert figures(documents, "server") == {}


def test_the_time_of_a_market_is_a_point_or_follows_the_fit() -> None:
    name = "a run over 500 symbols, final build"
    fitted = figures({"scaling": SCALING, "hardware": MACHINE}, "CI runner")[name]
    assert (fitted["value"], fitted["basis"]) == (0.5, MODELLED)
    assert "power law" in fitted["how"]
    point = SCALING["points"][0] | {"symbols": 500, "seconds_median": 0.7}
    documents = {"scaling": SCALING | {"points": [*SCALING["points"], point]}, "hardware": MACHINE}
    assert figures(documents, "CI runner")[name]["basis"] == MEASURED
    assert figures(documents, "CI runner")[name]["value"] == 0.7
    assert figures(documents, "laptop")[name]["basis"] == MODELLED


def test_points_of_another_machine_are_not_measured_here() -> None:
    point = SCALING["points"][0] | {"symbols": 500, "seconds_median": 0.7}
    scaling = SCALING | {"points": [point], "hardware": MACHINE | {"machine": "other"}}
    told = figures({"scaling": scaling, "hardware": MACHINE}, "CI runner")
    assert told["a run over 500 symbols, final build"]["basis"] == MODELLED


def test_a_point_that_failed_is_no_point() -> None:
    failed = [point | {"error": "out of memory"} for point in SCALING["points"]]
    assert figures({"scaling": SCALING | {"points": failed}, "hardware": MACHINE}, "CI runner") == {}


def test_the_largest_market_is_what_70_percent_of_the_memory_holds() -> None:
    told = figures({"scaling": SCALING, "hardware": MACHINE}, "server")
    largest = told["most symbols of 320 timestamps, final build"]
    assert largest["value"] == math.floor(0.7 * 128 * 1024)
    assert largest["basis"] == MODELLED


def test_what_an_empty_process_has_does_not_grow_with_the_market() -> None:
    points = [point | {"peak_bytes": point["peak_bytes"] + GIB} for point in SCALING["points"]]
    scaling = SCALING | {"points": points, "baseline_bytes": GIB}
    told = figures({"scaling": scaling, "hardware": MACHINE}, "server")
    assert told["most symbols of 320 timestamps, final build"]["value"] == math.floor(0.7 * 128 * 1024 - 1024)


def test_the_limit_of_the_control_group_is_the_memory_that_counts() -> None:
    limited = MACHINE | {"memory_limit_bytes": 4 * GIB}
    told = figures({"scaling": SCALING, "hardware": limited}, "CI runner")
    assert told["most symbols of 320 timestamps, final build"]["value"] == math.floor(0.7 * 4 * 1024)


def test_the_speed_of_memory_and_storage_is_told_of_the_machine_alone() -> None:
    own = figures({"hardware": HARDWARE}, "CI runner")
    assert {one["unit"] for one in own.values()} == {"bytes/s", "reads/s"}
    assert all(one["basis"] == MEASURED for one in own.values())
    assert figures({"hardware": HARDWARE}, "laptop") == {}


def test_without_an_engine_the_settings_are_those_that_were_written() -> None:
    hardware = MACHINE | {"settings_of_kinds": {"server": {"workers": 24}}, "settings": {"workers": 2}}
    rows = recommendations({"hardware": hardware})
    assert [row["settings"] for row in rows] == [{}, {"workers": 24}, {"workers": 2}]
    rows = recommendations({"hardware": hardware, "run": RUN | {"settings": {"workers": 1}}})
    assert rows[2]["settings"] == {"workers": 1}


def test_every_row_is_json_and_every_figure_has_its_unit_and_its_reason() -> None:
    documents = {"run": RUN, "scaling": SCALING, "hardware": HARDWARE, "profile_after": PROFILE}
    rows = recommendations(documents, settings_for)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    every = [figure for row in rows for figure in row["figures"]]
    assert len(every) > 15
    assert all(one["unit"] and one["how"] and one["basis"] in (MEASURED, MODELLED) for one in every)
