"""A run on a candidate that is wrong, or crashes: it is refused, and what is told names the place."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine import generate_market
from optimizer.ecn import read_notice

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "prices.parquet"
    generate_market(symbols=20, bars=120, late=0.2).write_parquet(path)
    return path


def test_a_wrong_candidate_is_refused_with_its_first_divergence_and_exit_code_1(
    small_project: Path, run_in: Callable[..., Done], data: Path
) -> None:
    path = small_project / "engine" / "optimizations" / "caching" / "wrong.py"
    path.write_text(
        '"""Sell at the high.\n\nHow: it cheats.\n"""\n'
        "from engine.catalog import optimization\n\n\n"
        '@optimization(component="broker")\n'
        "def wrong(inner):\n"
        "    def make(feed, settings, rules):\n"
        "        broker = inner(feed, settings, rules)\n"
        "        fill = broker._execute\n"
        "        broker._execute = lambda one, bar, price: fill(one, bar, price if one.units > 0 else bar.high)\n"
        "        return broker\n"
        "    return make\n"
    )
    done = run_in(small_project, "--only", "caching/wrong", "--data", data, "--profile", "quick")
    assert done.returncode == 1, done.stderr
    assert "DIVERGED    caching/wrong" in done.stdout
    run = json.loads((small_project / "reports" / "latest" / "run.json").read_text())
    (change,) = run["changes"]
    assert change["parity"]["exact"] is False
    assert change["parity"]["divergence"]["field"] == "price"
    notice = read_notice(next((small_project / "reports" / "ecn").glob("*-wrong.md")))
    assert (notice.front.status, notice.front.verdict) == ("rejected", "diverged")
    assert run_in(small_project, "ecn", "accept", notice.front.ecn).returncode == 2


def test_a_crashing_candidate_is_an_observation(small_project: Path, run_in: Callable[..., Done], data: Path) -> None:
    """And the profile of all kinds, which a run begins with where nothing else is asked for, stays with the run."""
    (small_project / "engine" / "optimizations" / "caching" / "crash.py").write_text(
        '"""Crash."""\n'
        "from engine.catalog import optimization\n\n\n"
        '@optimization(component="features")\n'
        "def crash(inner):\n"
        "    def compute(feed, features):\n"
        "        raise RuntimeError('boom')\n"
        "    return compute\n"
    )
    done = run_in(small_project, "--only", "caching/crash", "--data", data)
    assert done.returncode == 1
    assert "RuntimeError: boom (at crash.py:8 compute)" in done.stdout
    assert "Traceback" not in done.stderr
    profile = json.loads((small_project / "reports" / "latest" / "profile-before.json").read_text())
    assert profile["failures"] == {}
    assert all(profile[part] for part in ("hotspots", "memory", "io", "parallel")), "not only where the time goes"
