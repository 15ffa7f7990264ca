"""`optimize check` on a small project: what it prints and writes, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.slow

NAME = "vectorization/array_feed"
FILE = "engine/optimizations/vectorization/array_feed.py"
WRONG = '''"""Sell at a better price."""
import os
from pathlib import Path

from engine.catalog import optimization

{before}


@optimization(component="broker")
def wrong(inner):
    def make(feed, settings, rules):
        broker = inner(feed, settings, rules)
        fill = broker._execute
        if {cheats}:
            broker._execute = lambda one, bar, price: fill(one, bar, price if one.units > 0 else bar.high)
        return broker

    return make
'''
GOES_WRONG_ONCE = """
runs = []
once = Path({once!r})


def goes_wrong_now():
    runs.append(1)
    if len(runs) != 2 or once.exists():
        return False
    once.touch()
    return True
"""


def add_wrong(project: Path, cheats: str, before: str = "") -> None:
    path = project / "engine" / "optimizations" / "caching" / "wrong.py"
    path.write_text(WRONG.format(cheats=cheats, before=before))


def test_a_sound_build_passes_and_everything_is_written_down(
    small_project: Path, run_in: Callable, digest_of: Callable[[Path], str], tmp_path: Path
) -> None:
    page, before = tmp_path / "page.md", digest_of(small_project / "golden")
    page.write_text("from an earlier step\n")
    done = run_in(
        small_project,
        *("check", "--matrix", "none", "--junit", tmp_path / "j.xml", "--summary", tmp_path / "s.md"),
        env={"GITHUB_STEP_SUMMARY": str(page), "GITHUB_ACTIONS": "true"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "EXACT      generated: the accepted build: 2 scenarios" in done.stdout
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("Checked 1 build, 2 scenarios held to recorded bits, ")
    assert last.endswith("s in all")
    assert "::" not in done.stdout
    root = ET.parse(tmp_path / "j.xml").getroot()  # noqa: S314 - our own file
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in root] == [
        ("generated", "2", "0"),
        ("notices", "2", "0"),
    ]
    assert (tmp_path / "s.md").read_text().startswith("# optimize check: nothing else changed\n")
    assert page.read_text() == "from an earlier step\n" + (tmp_path / "s.md").read_text()
    assert digest_of(small_project / "golden") == before, "a check never touches the golden sets"


def test_an_edited_optimization_needs_a_new_notice(small_project: Path, run_in: Callable, tmp_path: Path) -> None:
    path = small_project / FILE
    path.write_text(path.read_text() + "\n# the same, and yet another file\n")
    env = {"GITHUB_ACTIONS": "true"}
    done = run_in(small_project, "check", "--matrix", "none", "--junit", tmp_path / "j.xml", env=env)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"UNSIGNED   {NAME} (ECN-0001): {NAME} was edited since ECN-0001 was accepted" in done.stdout
    assert f"optimize --only {NAME} --from build, then optimize ecn accept" in done.stdout
    assert f"::error file={FILE},line=1,title=UNSIGNED {NAME} (ECN-0001)::" in done.stdout
    assert "EXACT      generated: the accepted build" in done.stdout, "the bits are right all the same"
    assert f"1 failed: {NAME} (ECN-0001) (unsigned)" in done.stderr
    (failure,) = ET.parse(tmp_path / "j.xml").getroot().iter("failure")  # noqa: S314 - our own file
    assert "optimize ecn accept" in str(failure.get("message"))


def test_a_build_that_differs_is_shown_where_it_first_does(small_project: Path, run_in: Callable) -> None:
    add_wrong(small_project, "True")
    env = {"GITHUB_ACTIONS": "true"}
    done = run_in(small_project, "check", "--build", f"{NAME},caching/wrong", "--matrix", "none", env=env)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"DIVERGED   generated: {NAME},caching/wrong   2 of 2 scenarios" in done.stdout
    assert "fills.price" in done.stdout
    assert "UNSIGNED" not in done.stdout, "notices are for the accepted build"
    assert "::error file=engine/build.toml,line=1,title=DIVERGED generated" in done.stdout


def test_what_differed_once_and_never_again_is_shown_where_it_did(small_project: Path, run_in: Callable) -> None:
    """A second run that goes wrong by chance: it is told of what was kept of it, since no other run shows it."""
    once = small_project / "once"
    add_wrong(small_project, "goes_wrong_now()", GOES_WRONG_ONCE.format(once=str(once)))
    done = run_in(small_project, "check", "--build", f"{NAME},caching/wrong", "--matrix", "none")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "fills.price" in done.stdout


def test_a_build_that_differs_in_a_cell_is_nondeterministic_and_the_knob_is_named(
    small_project: Path, run_in: Callable
) -> None:
    add_wrong(small_project, "os.environ.get('PYTHONHASHSEED') == '1'")
    done = run_in(small_project, "check", "--build", "caching/wrong", "--matrix", "quick")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "EXACT      generated: caching/wrong" in done.stdout
    assert "NONDETERMINISTIC generated: caching/wrong" in done.stdout
    assert "hash seed" in done.stdout.lower().replace("pythonhashseed", "hash seed")


def test_a_damaged_golden_file_ends_in_exit_code_2_and_no_old_result_stays(
    small_project: Path, run_in: Callable, tmp_path: Path
) -> None:
    manifest = small_project / "golden" / "generated" / "manifest.json"
    document = json.loads(manifest.read_text())
    document["reason"] = "another"
    manifest.write_text(json.dumps(document))
    (tmp_path / "j.xml").write_text("<testsuites><!-- all is well --></testsuites>")
    done = run_in(small_project, "check", "--junit", tmp_path / "j.xml")
    assert done.returncode == 2
    assert "manifest.json: was edited" in done.stderr
    (failure,) = ET.parse(tmp_path / "j.xml").getroot().iter("failure")  # noqa: S314 - our own file
    assert failure.get("type") == "REFUSED"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--build", "caching/nothing"], "unknown optimization 'caching/nothing'"),
        (["--data", "x.parquet", "--junit", "j.xml"], "--data goes with --on-bad-bars and --scenario alone"),
        (["--matrix", "huge"], "'huge' is not one of 'none', 'quick', 'full'"),
    ],
)
def test_a_wrong_call_is_told(small_project: Path, run_in: Callable, arguments: list[str], message: str) -> None:
    done = run_in(small_project, "check", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
