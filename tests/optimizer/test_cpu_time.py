"""The processor time of what a process has started counts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from optimizer.cpu_time import others_ns

_BURN = "import time\nwhile time.process_time() < 0.2: pass\n"
_ALIVE = f"""
import subprocess, sys, time
from optimizer.cpu_time import others_ns
before = others_ns()
child = subprocess.Popen([sys.executable, "-c", {_BURN!r} + "print(flush=True)\\nimport sys; sys.stdin.read()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=sys.argv[1] == "apart")
child.stdout.readline()
print(others_ns() - before)
child.communicate()
print(others_ns() - before)
"""


def test_a_child_that_has_ended_counts() -> None:
    before = others_ns()
    subprocess.run([sys.executable, "-c", _BURN], check=True)
    assert others_ns() - before >= 0.2e9


@pytest.mark.skipif(sys.platform != "linux", reason="the clocks of other processes take Linux")
@pytest.mark.parametrize("session", ["shared", "apart"])
def test_a_child_that_still_runs_counts_once_before_it_ends_and_after(session: str) -> None:
    """Also in a session of its own, as the workers of a sweep have."""
    done = subprocess.run([sys.executable, "-c", _ALIVE, session], capture_output=True, text=True, check=True)
    alive, ended = map(int, done.stdout.split())
    assert 0.2e9 <= alive <= ended < 1.0e9
