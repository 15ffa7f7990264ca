"""How caches do: those of the engine, by its own counts, and those of the processor, where it counts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from optimizer.subject import Session, Subject

EVENTS = ("cycles", "instructions", "cache-references", "cache-misses", "branches", "branch-misses")
_PROBE_SECONDS = 20.0
_ATTACH_SECONDS = 0.3


def profile_caches(subject: Subject, session: Session, job: dict[str, Any]) -> dict[str, Any]:
    """Run a scenario twice over data that is loaded anew: own caches fill in the first run, and serve the second.

    The counters of the processor are those of a third run.
    """
    session.prepare(job["scenario"])()
    session.counts()
    loaded = subject.load(job["build"], Path(job["data"]), job["on_bad_bars"])
    run = loaded.prepare(job["scenario"])
    run()
    first = dict(loaded.counts())
    loaded.settle()
    run()
    second = dict(loaded.counts())
    own = {name: _rate(pair, first, second) for name, pair in subject.cache_counts.items()}
    return {
        "caches": {"own": own, "counts": {"first_run": first, "second_run": second}, "hardware": _hardware(run)},
    }


def _rate(pair: tuple[str, str], first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, Any]:
    hits, misses = (first.get(name, 0) + second.get(name, 0) for name in pair)
    return {"hits": hits, "misses": misses, "rate": hits / (hits + misses) if hits + misses else None}


def _hardware(run: Callable[[], object]) -> dict[str, float] | str:
    """Return what the processor counts in a run, or why it does not."""
    if not shutil.which("perf"):
        return "unavailable: there is no perf on this machine"
    try:
        if why := refused(_perf(["true"])):
            return f"unavailable: {why}"
        return counted(_around(run)) or "unavailable: perf counted nothing in the run"
    except (OSError, subprocess.SubprocessError) as error:
        return f"unavailable: perf failed ({error})"


def _perf(command: list[str]) -> str:
    done = subprocess.run(  # noqa: S603 - no shell
        ["perf", "stat", "-x,", "-e", ",".join(EVENTS), *command],  # noqa: S607 - what was found on the path
        capture_output=True,
        text=True,
        timeout=_PROBE_SECONDS,
        check=False,
    )
    return done.stderr


def _around(run: Callable[[], object]) -> str:
    """Return what perf tells of this process while a run lasts."""
    command = ["perf", "stat", "-x,", "-e", ",".join(EVENTS), "-p", str(os.getpid())]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # noqa: S603
    try:
        time.sleep(_ATTACH_SECONDS)  # until it has attached itself
        run()
        process.send_signal(signal.SIGINT)  # what makes it tell
        return process.communicate(timeout=_PROBE_SECONDS)[1]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def refused(told: str) -> str:
    """Return why perf can't count, from what it told in fields with commas between; nothing where it can."""
    lines = [line.split(",") for line in told.splitlines() if "," in line]
    without = [fields[2] for fields in lines if len(fields) > 2 and fields[0].startswith("<")]
    if without:
        return f"the machine does not count {', '.join(without)}"
    if not any(fields[0].isdecimal() for fields in lines):
        return " ".join(told.split())[:200] or "perf said nothing"
    return ""


def counted(told: str) -> dict[str, float]:
    """Return what perf counted, by event."""
    fields = [line.split(",") for line in told.splitlines()]
    return {one[2].partition(":")[0]: float(one[0]) for one in fields if len(one) > 2 and one[0].isdecimal()}
