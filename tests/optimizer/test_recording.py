"""Recording is a deliberate act: whole or not at all, one at a time, told in a notice, and never a side effect."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from optimizer.config import find_config
from optimizer.golden_notice import golden_notices
from optimizer.recording import sole_writer

pytestmark = pytest.mark.slow

KILLED = """
import os, signal, sys
from pathlib import Path
from optimizer import recording
from optimizer.commands.shared import processes_of
from optimizer.config import find_config

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[1] == "with the new set complete":
    recording.what_moved = die
else:
    rename = Path.rename
    Path.rename = lambda path, target: die() if target.name == "generated" else rename(path, target)
config = find_config(Path.cwd())
with recording.sole_writer(config), processes_of(config) as (processes, scratch):
    recording.record_anew(config, config.subject.golden_sets()[0], processes, scratch, reason="never to be read")
"""


def test_what_moved_is_told_in_a_notice_and_nothing_moved_is_none(
    small_project: Path, run_in: Callable, digest_of: Callable[[Path], str]
) -> None:
    config = find_config(small_project)
    spec = config.subject.golden_sets()[0]
    assert [notice.front.set for notice in golden_notices(config.golden / "notices")] == [spec.name]
    before = digest_of(config.golden / spec.name / "expected")
    done = run_in(small_project, "golden", "record", "--reason", "again")
    assert "nothing moved, so there is no notice" in done.stdout
    assert digest_of(config.golden / spec.name / "expected") == before
    costs = small_project / "engine" / "reference" / "costs.py"
    source = costs.read_text()
    assert source.count("return max(commission,") == 1
    costs.write_text(source.replace("return max(commission,", "return 2.0 * max(commission,"))
    done = run_in(small_project, "golden", "record", "--reason", "fees are doubled")
    assert done.returncode == 0, done.stderr
    assert "2 changed; golden/notices/GCN-0002-generated.md tells what moved, and by how much" in done.stdout
    *_, notice = golden_notices(config.golden / "notices")
    assert notice.front.reason == "fees are doubled"
    text = notice.path.read_text()
    assert "| `market/level` | `fills` |" in text
    assert "commission 1" in text
    assert "fills.commission" in text
    assert str(small_project) not in text


@pytest.mark.parametrize("moment", ["with the new set complete", "with the old set moved aside"])
def test_a_recording_that_is_killed_leaves_the_old_set_whole(
    small_project: Path, python_in: Callable, digest_of: Callable[[Path], str], moment: str
) -> None:
    config = find_config(small_project)
    before = digest_of(config.golden)
    killed = python_in(small_project, "-c", KILLED, moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len([path for path in config.golden.glob(".*.*") if path.is_dir()]) >= 1, "it died too early"
    with sole_writer(config):  # the next one clears away what was left
        pass
    assert digest_of(config.golden) == before
    assert not [path for path in config.golden.glob(".*.*") if path.is_dir()]


def test_two_at_once_are_refused(small_project: Path, run_in: Callable, digest_of: Callable[[Path], str]) -> None:
    golden = small_project / "golden"
    before = digest_of(golden)
    with FileLock(golden / ".recording.lock"):
        done = run_in(small_project, "golden", "record", "--reason", "the second")
    assert done.returncode == 2
    assert "another recording of golden sets is under way. Wait for it to end" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert digest_of(golden) == before


def test_a_damaged_set_is_recorded_anew_and_the_notice_says_what_it_can_not_tell(
    small_project: Path, run_in: Callable
) -> None:
    config = find_config(small_project)
    (config.golden / "generated" / "manifest.json").write_text("{")
    done = run_in(small_project, "golden", "record", "--reason", "the manifest was lost")
    assert done.returncode == 0, done.stderr
    *_, notice = golden_notices(config.golden / "notices")
    assert (notice.front.digest_before, notice.front.added) == (None, 2)
    assert "Not told: the old manifest is damaged" in notice.path.read_text()
    assert json.loads((config.golden / "generated" / "manifest.json").read_text())["reason"] == "the manifest was lost"
