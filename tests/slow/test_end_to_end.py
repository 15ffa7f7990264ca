"""The main job on a small market, as a person runs it: files, notices, acceptance, check."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from engine import generate_market
from engine.subject import SUBJECT
from optimizer.ecn import read_notice

pytestmark = pytest.mark.slow

VERDICTS = {"faster", "leaner", "equivalent", "slower", "inconclusive", "diverged", "nondeterministic", "failed"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "prices.parquet"
    generate_market(symbols=150, bars=250, late=0.2).write_parquet(path)
    return path


def empty_build(project: Path) -> None:
    """Start over with nothing accepted and no notices."""
    (project / "engine" / "build.toml").write_text("# The accepted build.\n\n[build]\n")
    for path in (project / "reports" / "ecn").glob("*.md"):
        path.unlink()


def files_of(folder: Path) -> dict[Path, bytes]:
    """Return what is in a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_leaves_what_others_rely_on(optimize, project: Path, data: Path) -> None:
    empty_build(project)
    golden = files_of(project / "golden")
    done = optimize(
        "--only", "vectorization/array_feed", "--data", data, "--profile", "quick", "--budget", "1", cwd=project
    )
    assert files_of(project / "golden") == golden, "a run never touches the golden sets"
    run = json.loads((project / "reports" / "latest" / "run.json").read_text())
    assert {
        "schema",
        "run_id",
        "focus",
        "started_at",
        "hardware",
        "golden",
        "data",
        "hotspots",
        "changes",
        "aa_control",
        "total",
    } <= set(run)
    assert run["data"]["symbols"] == 150
    (change,) = run["changes"]
    assert change["verdict"] in VERDICTS
    refused = change["verdict"] == "slower"  # a noisy machine may say so; what is exact is never noisy
    assert done.returncode == (3 if run["aa_control"]["passed"] is False else 1 if refused else 0), done.stderr
    scenarios = len(SUBJECT.golden_sets()[0].cases) + len(SUBJECT.common_scenarios) + 1
    assert change["parity"] == {"exact": True, "scenarios": scenarios, "divergence": None}
    assert change["determinism"]["cells"] == change["determinism"]["identical"] >= 6
    assert change["workload"] == {"scenario": "sma_cross", "figure": "run", "data": "prices.parquet"}
    assert change["seconds"]["before"] > 0
    assert change["peak_bytes"]["after"] > 1 << 20
    assert (project / "reports" / "latest" / "report.html").is_file()
    (written,) = (project / "reports" / "ecn").glob("*-array_feed.md")
    notice = read_notice(written)
    assert notice.front.verdict == change["verdict"]
    assert "## Proof of parity and determinism" in notice.body
    assert "optimize --only vectorization/array_feed --data" in notice.body


def test_interrupting_a_run_leaves_no_half_written_run(project: Path, data: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "optimizer.cli", "--only", "vectorization/array_feed", "--data", str(data)],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list((project / "reports").glob("runs/*/jobs/*.result.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in told
    assert not list((project / "reports").glob("runs/*"))
    assert not (project / "reports" / "latest").exists()


def test_the_real_prices_run_exactly_under_the_accepted_build(optimize, us500: Path) -> None:
    done = optimize("check", "--data", us500, "--on-bad-bars", "drop")
    assert done.returncode == 0, done.stderr
    assert "EXACT" in done.stdout


def test_data_of_any_kind_can_be_checked(optimize, bars: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "tiny.csv"
    bars.reverse().write_csv(path)
    done = optimize("check", "--data", path, "--scenario", "restless")
    assert done.returncode == 0, done.stderr
    assert "rows were not in the order of timestamp and symbol: sorted" in done.stdout
