"""The rounds: fresh processes in an order that is drawn, and the accounts of all of ours held to be the same."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.races.cold import cold_start
from tests.races.contenders import Entry

ROOT = Path(__file__).parents[2]
_SLOW, _VERY_SLOW = 1.0, 12.0  # seconds a run
_FEW, _VERY_FEW = 3, 2  # rounds


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
    entries: Sequence[Entry], *, most: int, seed: int, scratch: Path, peers: str, tick: Callable[[str], None]
) -> Found:
    """Run every entry in its rounds, at most so many, each round in a new order; what is slow goes into fewer.

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
    for number in range(most):
        drawn = [one for one in entries if number < min(most, _rounds(one, found))]
        order.shuffle(drawn)
        for place, entry in enumerate(drawn, 1):
            tick(f"round {number + 1}, {place} of {len(drawn)}: {entry.workload}, {entry.names[0]}")
            found.add(entry, run_entry(entry, scratch, peers))
    return found


def _rounds(entry: Entry, found: Found) -> int:
    seconds = found.median(entry.workload, entry.names[0])
    if seconds is None or seconds < _SLOW:
        return entry.rounds
    return min(entry.rounds, _FEW if seconds < _VERY_SLOW else _VERY_FEW)


def run_entry(entry: Entry, scratch: Path, peers: str) -> dict[str, Any]:
    """Run one process to its end, and return what it told; our caches are kept in a folder of the workload's own.

    Raises:
        RuntimeError: where it fails, with the last that it said.
    """
    caches = {"EXACT_CHANGE_CACHE": str(scratch / "caches" / entry.workload.replace(" ", "-"))}
    if entry.side == "cold":
        return cold_start(entry.job, caches)
    python, module = (peers, "vectorbt_side") if entry.side == "vectorbt" else (sys.executable, f"{_OURS[entry.side]}")
    command = [python, "-W", "ignore", "-m", f"tests.races.{module}", json.dumps(entry.job)]
    environment = {**os.environ, **caches, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{entry.workload}, {entry.names[0]} failed:\n{done.stderr[-2000:]}")
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said


_OURS = {"ours": "our_side", "floor": "floor_side"}
