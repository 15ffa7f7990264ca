"""The rates are counted right, and hold on a few comparisons; `make calibrate` takes hundreds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from optimizer.decision import Verdict
from tests.calibration.hogs import hogs
from tests.calibration.rates import aa_row, effect_row, holds, upper_bound
from tests.calibration.report import BEGIN, END, source, tables, write_page
from tests.calibration.run import ROOT, main
from tests.calibration.trials import Outcome, compare

_HOGGING = """
import sys, time
from tests.calibration.hogs import hogs
with hogs(2) as pids:
    print(*pids, flush=True)
    time.sleep(60)
"""


def outcomes(**counts: int) -> list[Outcome]:
    return [Outcome(Verdict(name), 1.0, 24) for name, count in counts.items() for _ in range(count)]


def document(called: int = 1) -> dict[str, object]:
    return {
        "command": "make calibrate",
        "hardware": "a machine, 2 cores",
        "date": "2026-01-02",
        "seconds": 1_800.0,
        "aa": [aa_row("quiet", outcomes(faster=called, equivalent=200 - called))],
        "effects": [effect_row(10.0, outcomes(faster=54, inconclusive=6))],
    }


@pytest.mark.parametrize(
    ("hits", "runs", "bound"), [(0, 10, 0.259), (1, 10, 0.394), (2, 10, 0.507), (5, 10, 0.778), (9, 10, 0.995)]
)
def test_the_upper_bound_is_that_of_clopper_and_pearson(hits: int, runs: int, bound: float) -> None:
    """To three digits, as their tables have it."""
    assert round(upper_bound(hits, runs), 3) == bound


@pytest.mark.parametrize("runs", [1, 60, 200])
def test_the_upper_bounds_of_none_and_of_all_but_one_have_a_formula(runs: int) -> None:
    assert upper_bound(0, runs) == pytest.approx(1 - 0.05 ** (1 / runs), abs=1e-12)
    assert upper_bound(runs - 1, runs) == pytest.approx(0.95 ** (1 / runs), abs=1e-12)


def test_where_all_are_hits_the_bound_is_1() -> None:
    assert upper_bound(10, 10) == 1.0


@pytest.mark.parametrize(("called", "kept"), [(0, True), (4, True), (5, False)])
def test_two_in_a_hundred_may_be_called_and_no_more(called: int, kept: bool) -> None:
    assert holds(document(called)) is kept


def test_the_tables_show_what_was_counted() -> None:
    told = "\n".join(tables(document()))
    assert "| quiet | 200 | 1 | 0.5% | 2.3% | 199 | 0 |" in told
    assert "| 10% | 1.111 | 60 | 54 | 90% | 0 | 6 | 1.000 | 24 |" in told


def test_the_page_keeps_all_but_what_is_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "MEASURING.md"
    page.write_text(f"# Before\n{BEGIN}\nold\n{END}\nafter\n")
    write_page(page, document())
    text = page.read_text()
    assert text.startswith(f"# Before\n{BEGIN}\n{source(document())}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    page.write_text("no markers")
    with pytest.raises(ValueError, match="lacks the markers"):
        write_page(page, document())


def test_the_page_in_the_docs_has_the_markers(tmp_path: Path) -> None:
    copy = tmp_path / "MEASURING.md"
    copy.write_text((ROOT / "docs" / "MEASURING.md").read_text())
    write_page(copy, document())
    assert "a machine, 2 cores" in copy.read_text()


def is_running(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ended_within(pids: list[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while any(map(is_running, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(is_running, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_hogs_are_ended_even_where_what_they_hog_fails() -> None:
    with suppress(KeyboardInterrupt), hogs(2) as pids:
        assert all(map(is_running, pids))
        raise KeyboardInterrupt
    assert not any(map(is_running, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_hogs_end_with_the_process_that_started_them_however_that_ends() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _HOGGING], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(one) for one in parent.stdout.readline().split()]
    try:
        assert len(pids) == 2
        assert all(map(is_running, pids))
        parent.kill()
        parent.wait()
        assert ended_within(pids, 20.0)
    finally:
        parent.stdout.close()
        for pid in filter(is_running, pids):
            os.kill(pid, 9)


@pytest.mark.slow
def test_equal_builds_are_next_to_never_called_different_and_a_large_gain_is_found() -> None:
    """A right instrument fails this in less than one of a thousand runs: each A/A call has at most 1 %."""
    equal = [compare(0.0, seed, most_rounds=9) for seed in range(6)]
    assert sum(one.called for one in equal) <= 1
    gains = [compare(50.0, seed, most_rounds=13) for seed in range(3)]
    assert not any(one.verdict is Verdict.SLOWER for one in gains)
    assert any(one.verdict is Verdict.FASTER for one in gains)


@pytest.mark.parametrize(("options", "told"), [(["--runs", "0"], "at least 1"), (["--pairs", "8"], "at least 9")])
def test_what_would_prove_nothing_is_refused(options: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.slow
def test_a_short_calibration_leaves_its_figures_and_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "MEASURING.md").read_text()
    assert main(["--runs", "1", "--pairs", "9", "--out", str(tmp_path)]) in (0, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["calibration-part.json"]
    assert "two hogs" in capsys.readouterr().out
    assert (ROOT / "docs" / "MEASURING.md").read_text() == page
