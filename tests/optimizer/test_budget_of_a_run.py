"""A run that has no time left says so, and claims nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import generate_market
from optimizer.ecn import notices


@pytest.mark.slow
def test_a_candidate_for_which_no_time_is_left_is_not_tried(small_project: Path, run_in: Callable[..., object]) -> None:
    """The budget is over before the first profile is: the notice says so, and the build stays as it was."""
    data = small_project / "prices.parquet"
    generate_market(symbols=8, bars=120).write_parquet(data)
    done = run_in(
        small_project, "--only", "caching/feature_cache", "--data", data, "--budget", "0.001", "--profile", "quick"
    )
    assert done.returncode == 0, done.stderr
    run = json.loads((small_project / "reports" / "latest" / "run.json").read_text())
    (change,) = run["changes"]
    assert (change["verdict"], change["reason"]) == ("inconclusive", "not tried: the time budget of the run was over")
    assert run["build_after"] == []
    assert run["measurement"]["budget_seconds"] == pytest.approx(0.06)
    assert run["aa_control"]["passed"] is None
    assert any(one.front.optimization == "caching/feature_cache" for one in notices(small_project / "reports" / "ecn"))
