"""The fuzzer: cases that nobody thought of, drawn by Hypothesis, on which builds are held to the reference.

The loop runs in a process of its own, so that a candidate that ends it, or does not come back, is a find like any
other. See `optimizer.fuzz_task` for what the process does.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from optimizer.comparing import compare
from optimizer.config import Config
from optimizer.errors import CheckError
from optimizer.files import write_json, write_text
from optimizer.fuzz_task import BARS, CASE, PROGRESS, RUNNING
from optimizer.processes import Processes
from optimizer.subject import Build

DIVERGENCE = "divergence.txt"
SCHEMA = 1
LIMIT_SECONDS = 60.0  # without a sign of life, after which a case is taken for one that hangs
SHRINK_SECONDS = 25.0  # and half as long to leave out bars
LONGEST_SECONDS = 240.0  # of one process: then a fresh one goes on
ALONE = "it does not show in a process of its own: it depends on what ran before"


@dataclass(frozen=True)
class Found:
    """A case on which builds do not do what the reference does: kept in a folder with its bars."""

    name: str
    builds: Mapping[str, Build]
    folder: Path
    divergence: str
    bars: int
    examples: int
    seed: int


@dataclass(frozen=True)
class Fuzzed:
    """What came of fuzzing: how many examples in how many seconds, and what was found."""

    examples: int
    seconds: float
    found: tuple[Found, ...]


def fuzz(
    config: Config,
    processes: Processes,
    builds: Mapping[str, Build],
    *,
    seconds: float,
    seed: int,
    scratch: Path,
    tick: Callable[[str], None],
    examples: int | None = None,
    limit: float = LIMIT_SECONDS,
) -> Fuzzed:
    """Hold builds to the reference on drawn cases until all of them have differed, or the time is up.

    Args:
        config: the project.
        processes: what starts the processes.
        builds: what is held, by name; one that has differed is left out of what follows.
        seconds: after which no further example is drawn.
        seed: what is drawn depends on it, on the builds, and on the examples alone.
        scratch: a folder for the finds.
        tick: told how far it is.
        examples: at most so many.
        limit: seconds without a sign of life, after which a case is taken for one that hangs.

    Raises:
        CheckError: where the reference itself ends the process.
    """
    hunt = _Hunt(config, processes, dict(builds), seed, scratch, tick, limit)
    hunt.run(seconds, examples)
    return Fuzzed(hunt.examples, time.monotonic() - hunt.start, tuple(hunt.found))


class _Hunt:
    """Processes one after the other: each goes on where the one before has ended."""

    def __init__(
        self,
        config: Config,
        processes: Processes,
        builds: dict[str, Build],
        seed: int,
        scratch: Path,
        tick: Callable[[str], None],
        limit: float,
    ) -> None:
        self._config, self._processes = config, processes
        self._builds = builds
        self._seed = seed
        self._scratch = scratch
        self._tick = tick
        self._limit = limit
        self._round = 0
        self.start = time.monotonic()
        self.examples = 0
        self.found: list[Found] = []

    def run(self, seconds: float, examples: int | None) -> None:
        """Start processes until there is nothing left to do."""
        while self._builds:
            left = seconds - (time.monotonic() - self.start)
            more = None if examples is None else examples - self.examples
            if left <= 0 or more == 0:
                return
            self._one_process(min(left, LONGEST_SECONDS), more)

    def _one_process(self, seconds: float, examples: int | None) -> None:
        folder = self._scratch / f"process-{self._round}-{len(self.found)}"
        folder.mkdir(parents=True)
        job = {
            "builds": {name: list(build) for name, build in self._builds.items()},
            "seed": self._seed,
            "round": self._round,
            "examples": examples,
            "seconds": seconds,
            "shrink_seconds": SHRINK_SECONDS,
            "folder": str(folder),
        }
        watch = _Watch(folder, self._limit, lambda done: self._tick(f"{self.examples + done} examples"))
        seen = self._processes.run("fuzz", (), job, watch=watch)
        self.examples += _progress(folder)
        if seen.result is None:
            self._round += 1
            self._ended(folder, seen.error)
            return
        self._round = seen.result["round"]
        if seen.result["failing"]:
            self._keep(folder / "found", seen.result["failing"], "")
        shutil.rmtree(folder)

    def _ended(self, folder: Path, error: str) -> None:
        """Take a process that did not come back for a find, where it was at work on a candidate."""
        found = folder / "found"
        if found.exists():  # it ended while a find was shrunk: that one stands
            self._keep(found, json.loads((found / RUNNING).read_text())["failing"], "")
            return
        running = folder / RUNNING
        name = json.loads(running.read_text())["running"] if running.exists() else ""
        if name not in self._builds:
            raise CheckError(f"the fuzzer failed: {error}")
        self._keep(folder / "now", [name], error)

    def _keep(self, case: Path, failing: Sequence[str], error: str) -> None:
        builds = {name: self._builds.pop(name) for name in failing}
        document = json.loads((case / CASE).read_text(encoding="utf-8"))
        digest = hashlib.sha256((case / BARS).read_bytes() + (case / CASE).read_bytes()).hexdigest()[:8]
        name = f"{failing[0].split(',')[-1].split('/')[-1].replace(' ', '-')}-{digest}"
        folder = self._scratch / "found" / name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(case / BARS, folder / BARS)
        told = error or self._told(folder, document, name, next(iter(builds.values())))
        head = {"schema": SCHEMA, "name": name, "seed": self._seed, "examples": self.examples}
        write_json(folder / CASE, head | {"builds": {one: list(of) for one, of in builds.items()}, "case": document})
        write_text(folder / DIVERGENCE, f"{told}\n")
        rows = _rows(folder / BARS)
        self.found.append(Found(name, builds, folder, told, rows, self.examples, self._seed))

    def _told(self, folder: Path, document: Mapping[str, Any], name: str, build: Build) -> str:
        """Return the divergence as text, from fresh processes of both sides."""
        data = folder / BARS
        if document["form"] != data.suffix:
            data = self._scratch / f"{name}{document['form']}"
            self._config.subject.write_as(document["form"], folder / BARS, data)
        case = {"data": str(data), "on_bad_bars": "refuse", "scenario": "drawn", "drawn": dict(document)}
        scratch = self._scratch / "compare" / name
        try:
            found = compare(self._processes, case, control=(), candidate=build, scratch=scratch, name=name)
        except CheckError as error:
            return str(error)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return str(found) if found else ALONE


class _Watch:
    """Looks at what the process has on disk: tells how far it is, and when it has stood still for too long."""

    def __init__(self, folder: Path, limit: float, tell: Callable[[int], None]) -> None:
        self._folder = folder
        self._limit = limit
        self._tell = tell
        self._last: object = None
        self._since = time.monotonic()

    def __call__(self) -> str:
        """Return why the process is to be ended, or nothing."""
        path = self._folder / RUNNING
        sign = path.stat().st_mtime_ns if path.exists() else None
        now = time.monotonic()
        if sign != self._last:
            self._last, self._since = sign, now
            self._tell(_progress(self._folder))
        elif sign is not None and now - self._since > self._limit:
            return f"gave no sign of life for {self._limit:g} s"
        return ""


def _progress(folder: Path) -> int:
    path = folder / PROGRESS
    done: int = json.loads(path.read_text())["examples"] if path.exists() else 0
    return done


def _rows(path: Path) -> int:
    return len(pl.read_ipc(path))
