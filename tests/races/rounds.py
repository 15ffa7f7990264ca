"""The rounds: fresh processes in an order that is drawn, and the accounts of all of ours held to be the same."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.races.cold import cold_start
from tests.races.contenders import Entry

ROOT = Path(__file__).parents[2]
_SLOW = 1.0  # seconds a run
_MODULES = {"ours": "our_side", "floor": "floor_side", "vectorbt": "vectorbt_side"}


class DifferentError(Exception):
    """Two of our contenders gave different accounts."""


@dataclass
class Found:
    """What the processes said: seconds by workload and contender, digests by workload, and what else each told."""

    entries: Sequence[Entry]
    times: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    digests: dict[str, tuple[str, str]] = field(default_factory=dict)
    told: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def add(self, entry: Entry, said: Mapping[str, Any]) -> None:
        """Keep what a process said.

        Raises:
            DifferentError: where its account is another than those of the same workload before.
        """
        for name, seconds in said["times"].items():
            self.times.setdefault((entry.workload, name), []).append(seconds)
            self.told[entry.workload, name] = dict(said)
        if digest := said.get("digest"):
            first, by = self.digests.setdefault(entry.workload, (digest, entry.names[0]))
            if digest != first:
                raise DifferentError(f"{entry.workload}: {entry.names[0]} gives another account than {by}")

    @property
    def order(self) -> list[tuple[str, str]]:
        """Every workload and contender that has times, in the order of the entries."""
        named = [(entry.workload, name) for entry in self.entries for name in entry.names]
        return [one for one in named if one in self.times]

    def contenders(self, workload: str) -> list[str]:
        """Return the contenders of a workload that have times, in the order of the entries."""
        return [name for place, name in self.order if place == workload]

    def median(self, workload: str, contender: str) -> float | None:
        """Return the median over the processes, in seconds; None where it was not measured."""
        times = self.times.get((workload, contender))
        return median(times) if times else None


def race(
    entries: Sequence[Entry],
    *,
    most: int,
    seed: int,
    scratch: Path,
    peers: str,
    tick: Callable[[str], None],
    seconds: float = math.inf,
) -> Found:
    """Run every entry in its rounds, at most so many, each round in a new order; what is slow goes into fewer.

    A round that would not end within so many seconds since the first one began goes without what takes more than 1 s a
    run, or else is not run; the first one always is.

    Raises:
        DifferentError: where accounts differ. In the first round each contender is looked at, so before any figure
            is told.
        RuntimeError: where a process fails.
    """
    found, order = Found(entries), random.Random(seed)  # noqa: S311 - shuffling runs, not keeping secrets
    for entry in entries:
        if entry.side == "cold":
            tick("what earlier processes keep")
            run_entry(entry, scratch, peers)  # it finds what this one leaves on disk
    took: dict[int, float] = {}
    start = time.monotonic()
    for number in range(most):
        drawn = [place for place, one in enumerate(entries) if number < min(most, _rounds(one, found))]
        left = seconds - (time.monotonic() - start)
        if took and sum(took[place] for place in drawn) > left:
            drawn = [place for place in drawn if not _is_slow(entries[place], found)]
            if sum(took[place] for place in drawn) > left:
                break
        order.shuffle(drawn)
        for count, place in enumerate(drawn, 1):
            entry, began = entries[place], time.monotonic()
            tick(f"round {number + 1}, {count} of {len(drawn)}: {entry.workload}, {entry.names[0]}")
            found.add(entry, run_entry(entry, scratch, peers))
            took[place] = time.monotonic() - began
    return found


def _is_slow(entry: Entry, found: Found) -> bool:
    """Whether a run takes so long that few rounds have to do; a cold start is a run by itself, and needs many."""
    return entry.side != "cold" and (found.median(entry.workload, entry.names[0]) or 0.0) >= _SLOW


def _rounds(entry: Entry, found: Found) -> int:
    return min(entry.rounds, entry.few) if _is_slow(entry, found) else entry.rounds


def run_entry(entry: Entry, scratch: Path, peers: str) -> dict[str, Any]:
    """Run one process to its end, and return what it told; our caches are kept in a folder of the workload's own.

    Raises:
        RuntimeError: where it fails, with the last that it said.
    """
    caches = {"EXACT_CHANGE_CACHE": str(scratch / "caches" / entry.workload.replace(" ", "-"))}
    if entry.side == "cold":
        return cold_start(entry.job, caches)
    python = peers if entry.side == "vectorbt" else sys.executable
    command = [python, "-W", "ignore", "-m", f"tests.races.{_MODULES[entry.side]}", json.dumps(entry.job)]
    environment = {**os.environ, **caches, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{entry.workload}, {entry.names[0]} failed:\n{done.stderr[-2000:]}")
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said
