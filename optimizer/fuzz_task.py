"""The worker's task `fuzz`: draw cases, and hold builds to the reference on each, until one differs or time is up.

Before a build runs a case, the case and the build's name are on disk: where the process does not come back, whoever
started it finds both there. What differs is shrunk by Hypothesis; the last case that differs is the smallest.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from optimizer.fewer_bars import fewer_bars
from optimizer.files import write_json
from optimizer.observing import Job, attempt
from optimizer.parity import digests_of
from optimizer.subject import Outputs, Session, Subject

ROUND = 100  # examples that Hypothesis draws from one seed
MOST_BYTES = 8 << 30  # of memory on top: a candidate that asks for more is told that there is none
BARS, CASE, RUNNING, PROGRESS = "bars.arrow", "case.json", "running.json", "progress.json"
Build = Sequence[str]


class TimeUp(BaseException):
    """The time is over; of a kind that Hypothesis lets through."""


class DiffersError(Exception):
    """A build does not do what the reference does."""


def fuzz(subject: Subject, job: Job) -> dict[str, Any]:
    """Draw rounds of cases until there is a find, the examples are done, or the time is up.

    A job has `builds` by name, `seed`, `round` (how many have been), `examples` (or None), `seconds`,
    `shrink_seconds`, and the `folder` in which the case of the moment stands.
    """
    _limit_memory()
    loop = _Loop(subject, job)
    number: int = job["round"]
    with contextlib.suppress(TimeUp):
        while not loop.failing and loop.wanted():
            number += 1
            _draw_round(loop, [job["seed"], number], min(ROUND, loop.wanted()))
    if loop.failing:
        loop.leave_out_bars()
    return {"examples": loop.examples, "round": number, "failing": loop.failing}


def _limit_memory() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if os.name == "posix" else 0
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, hard))


def _draw_round(loop: _Loop, seed: Sequence[int], examples: int) -> None:
    """Draw examples from one seed; where one differs it is shrunk before this returns."""
    # Hypothesis is imported where it is used: no other task needs it
    from hypothesis import HealthCheck, Phase, Verbosity, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import Flaky

    from optimizer.uniform import BACKEND

    @settings(
        backend=BACKEND,
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )
    @seeded(json.dumps(list(seed)))
    @given(loop.subject.drawn_cases([tuple(build) for build in loop.builds.values()]))
    def one(drawn: tuple[pl.DataFrame, dict[str, Any]]) -> None:
        loop.example(*drawn)

    with contextlib.suppress(DiffersError, Flaky):  # flaky is what depends on what ran before: the last one stands
        one()


class _Loop:
    """What examples have in common: the builds, the clock, and the last case that differed."""

    def __init__(self, subject: Subject, job: Job) -> None:
        self.subject = subject
        self.builds: Mapping[str, Build] = job["builds"]
        self.examples = 0
        self.failing: list[str] = []
        self._most: int | None = job["examples"]
        self._folder = Path(job["folder"])
        self._shrink_seconds: float = job["shrink_seconds"]
        self._end = time.monotonic() + job["seconds"]

    def wanted(self) -> int:
        """Return how many examples there are to draw, as far as that is known."""
        return ROUND if self._most is None else max(self._most - self.examples, 0)

    def example(self, table: pl.DataFrame, document: Mapping[str, Any]) -> None:
        """Hold the builds to the reference on one case.

        Raises:
            DiffersError: where one differs.
            TimeUp: where the time is over.
        """
        if time.monotonic() > self._end:
            raise TimeUp
        if self.failing:  # it is being shrunk
            if self._still_differs(table, document):
                raise DiffersError
            return
        trial = Trial(self.subject, self._folder, table, document)
        self.examples += 1
        write_json(self._folder / PROGRESS, {"examples": self.examples})
        if failing := [name for name, build in self.builds.items() if trial.differs(name, build)]:
            self.failing = failing
            self._end = time.monotonic() + self._shrink_seconds
            trial.keep(failing)
            raise DiffersError

    def _still_differs(self, table: pl.DataFrame, document: Mapping[str, Any]) -> bool:
        """Keep a smaller case, where the first of those that differ still does."""
        trial = Trial(self.subject, self._folder, table, document)
        name = self.failing[0]
        if differs := trial.differs(name, self.builds[name]):
            trial.keep(self.failing)
        return differs

    def leave_out_bars(self) -> None:
        """Make the case that was kept smaller by what Hypothesis can't leave out."""
        kept = self._folder / "found"
        document = json.loads((kept / CASE).read_text())
        bars = pl.read_ipc(kept / BARS).rechunk()
        fewer_bars(bars, lambda left: self._still_differs(left, document), seconds=self._shrink_seconds / 2.0)


class Bits:
    """The bits of outputs, to be compared with others: by their bytes in a file, which is fast, else by digests."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self._files = {name: _file_of(table) for name, table in outputs.items()}

    @cached_property
    def _digests(self) -> dict[str, str]:
        return digests_of(self._outputs)

    def same(self, other: Bits) -> bool:
        """Whether every bit of every output is equal; tables that are may still be laid out otherwise in a file."""
        return self._files == other._files or self._digests == other._digests


def _file_of(table: pl.DataFrame) -> bytes:
    file = BytesIO()
    table.write_ipc(file)
    return file.getvalue()


class Trial:
    """One case, the reference's outputs on it, and how a build's compare with them."""

    def __init__(self, subject: Subject, folder: Path, table: pl.DataFrame, document: Mapping[str, Any]) -> None:
        self._subject = subject
        self._folder = folder
        self._document = document
        now = folder / "now"
        now.mkdir(parents=True, exist_ok=True)
        self._bars, self._case = now / BARS, now / CASE
        table.write_ipc(self._bars)
        self._case.write_text(json.dumps(document, allow_nan=False))
        self._data = self._bars
        if document["form"] != self._bars.suffix:
            self._data = now / f"bars{document['form']}"
            subject.write_as(document["form"], self._bars, self._data)
        self._note("the reference")
        self._session = subject.load((), self._data, "refuse")
        self._loaded = Bits({"bars": self._session.bars})
        session, run = self._prepared(())
        self._expected = self._run(run)
        if session is not None:
            session.settle()

    def keep(self, failing: Sequence[str]) -> None:
        """Keep the case as the last that differed."""
        kept = self._folder / "found"
        kept.mkdir(exist_ok=True)
        shutil.copyfile(self._bars, kept / BARS)
        shutil.copyfile(self._case, kept / CASE)
        write_json(kept / RUNNING, {"failing": list(failing)})

    def differs(self, name: str, build: Build) -> bool:
        """Whether a build gives other outputs, cold or warm, loads other data, or changes what it is given."""
        self._note(name)
        caches = self._folder / "caches"
        os.environ.update(self._subject.caches_in(caches))
        try:
            session, run = self._prepared(build)
            asked = Bits(session.asked()) if session else None
            if not all(self._expected.same(self._run(run)) for _ in range(2)):
                return True
            if session is None or asked is None:
                return False
            session.settle()
            return self._kept_differs(build, caches) or not (
                self._loaded.same(Bits({"bars": session.bars}))
                and session.notes == self._session.notes
                and asked.same(Bits(session.asked()))
            )
        finally:
            shutil.rmtree(caches, ignore_errors=True)

    def _kept_differs(self, build: Build, caches: Path) -> bool:
        """Whether a session that finds what another has kept on disk gives other outputs, or loads other data."""
        if not caches.exists():
            return False
        session, run = self._prepared(build)
        loaded = self._loaded if session is None else Bits({"bars": session.bars})
        return not (self._loaded.same(loaded) and self._expected.same(self._run(run)))

    def _note(self, name: str) -> None:
        (self._folder / RUNNING).write_text(json.dumps({"running": name}))

    def _prepared(self, build: Build) -> tuple[Session | None, Callable[[], Callable[[], Outputs]]]:
        """Return a session of a build and the case ready to run; what it raises is raised where it runs."""
        try:
            session = self._session.under(build)
            return session, session.prepare_drawn(self._document)
        except Exception as error:  # noqa: BLE001 - what the engine raises is compared, not handled
            return None, partial(_raise, error)

    def _run(self, run: Callable[[], Callable[[], Outputs]]) -> Bits:
        return Bits(attempt(run, {"data": str(self._data)})[0])


def _raise(error: Exception) -> Callable[[], Outputs]:
    raise error
