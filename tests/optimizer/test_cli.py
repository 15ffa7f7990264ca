"""The command: its help, its messages, its exit codes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

COMMANDS = [
    [],
    ["check"],
    ["golden"],
    ["golden", "record"],
    ["golden", "check"],
    ["ecn"],
    ["ecn", "list"],
    ["ecn", "show"],
    ["ecn", "accept"],
    ["hardware"],
    ["profile"],
    ["scale"],
    ["history"],
    ["compare"],
    ["report"],
    ["catalog"],
    ["bench"],
    ["look"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_teaches_and_exits_0(optimize, command: list[str]) -> None:
    done = optimize(*command, "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert len(done.stdout.splitlines()) > 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--focus", "speed"], "unknown focus 'speed'. Choose from caching, vectorization, io"),
        (["--only", "caching/nothing"], "unknown optimization 'caching/nothing'. Choose from caching/feature_cache"),
        (["--scenario", "nothing"], "unknown scenario 'nothing'. Choose from sma_cross"),
        (["--data", "nowhere.parquet"], "nowhere.parquet: no such file"),
        (["check", "--set", "nothing"], "unknown golden set 'nothing'. Choose from generated, ladder, us500"),
        (["check", "--set", "us500"], "golden set us500 can't be checked: its data is not on this machine"),
        (["golden", "record", "--reason", " "], "the reason is empty"),
        (["ecn", "show", "ECN-9999"], "no notice 'ECN-9999'"),
        (["ecn", "accept", "ECN-9999"], "no notice 'ECN-9999'"),
    ],
)
def test_a_wrong_call_gets_one_line_and_exit_code_2(
    optimize, project: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    out = [] if arguments[0] in ("check", "golden", "ecn") else ["--out", tmp_path / "out"]
    done = optimize(*arguments, *out, cwd=project)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_golden_record_without_a_reason_is_a_wrong_call(optimize) -> None:
    done = optimize("golden", "record")
    assert done.returncode == 2
    assert "--reason" in done.stderr


def test_a_focus_without_candidates_says_so(optimize, project: Path) -> None:
    for path in (project / "engine" / "optimizations" / "io").glob("[!_]*.py"):
        path.unlink()
    done = optimize("--focus", "io", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "Focus io has no candidate yet" in done.stdout


def test_outside_a_project_it_says_what_is_needed(optimize, tmp_path: Path) -> None:
    done = optimize("catalog", cwd=tmp_path, env={"PYTHONPATH": str(Path(__file__).parents[2])})
    assert done.returncode == 2
    assert "[tool.optimize]" in done.stderr


@pytest.mark.parametrize("command", [[], ["check"]], ids=["run", "check"])
def test_bad_rows_end_with_one_line_and_leave_nothing_behind(
    optimize, bars: pl.DataFrame, tmp_path: Path, command: list[str]
) -> None:
    path = tmp_path / "bad.parquet"
    bars.with_columns(pl.when(pl.col("symbol") == "B").then(-1.0).otherwise(pl.col("low")).alias("low")).write_parquet(
        path
    )
    out = tmp_path / "out"
    done = optimize(*command, "--data", path, *([] if command else ["--out", out]))
    assert done.returncode == 2
    assert done.stderr.startswith("optimize: ")
    assert "2 bad rows. a price is zero or negative: 2 (first: row 2)" in done.stderr
    assert "--on-bad-bars drop" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not any(path.is_file() for path in out.rglob("*"))


def test_the_catalog_shows_every_optimization(optimize) -> None:
    done = optimize("catalog")
    assert done.returncode == 0
    assert "vectorization/compiled_loop" in done.stdout


def test_output_in_a_pipe_has_no_colour(optimize) -> None:
    assert "\x1b" not in optimize("ecn", "list").stdout + optimize("catalog").stdout
