"""The worker's main task: run cases under a build, and tell what came out, bit for bit.

What a run raises is an output, too: a table `exception`. Inputs are looked at before and after. Nothing is kept of a
case but digests, unless it is asked for.
"""

from __future__ import annotations

import gc
import hashlib
import os
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from optimizer.around import LOAD
from optimizer.files import write_with
from optimizer.limits import is_of_the_machine
from optimizer.parity import EXCEPTION, digests_of, table_digest
from optimizer.prefixes import running_digests
from optimizer.subject import Outputs, Session, Subject

Job = dict[str, Any]
SMALL = 200_000  # bars: so many are digested after every case, and not only after all of them


class RefusedData(Exception):  # noqa: N818 - it is the data that is at fault, not the program
    """The engine refused the data on loading it."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def told(error: Exception) -> dict[str, Any]:
    """Return an exception as JSON has it; one that is not about the data is given with its place."""
    reason = error.reason if isinstance(error, RefusedData) else error
    frame = traceback.extract_tb(reason.__traceback__)[-1]
    return {
        "type": type(reason).__name__,
        "text": str(reason),
        "at": f"{Path(frame.filename).name}:{frame.lineno} {frame.name}",
        "what": str(getattr(reason, "what", "")),
        "where": str(getattr(reason, "where", "")),
        "hint": str(getattr(reason, "hint", "")),
        "refused": reason is not error,
        "memory": isinstance(reason, MemoryError),
    }


def load(subject: Subject, job: Job) -> tuple[Session, int]:
    """Load a job's data; return it with the nanoseconds that this took."""
    start = time.perf_counter_ns()
    try:
        session = subject.load(job["build"], Path(job["data"]), job["on_bad_bars"])
    except subject.input_errors as error:
        raise RefusedData(error) from error
    return session, time.perf_counter_ns() - start


def outputs_of_builds(subject: Subject, job: Job) -> dict[str, Any]:
    """Do the job of `outputs` for several builds, one after the other, each with caches and a folder of its own."""
    found = {}
    for one in job["builds"]:
        os.environ.update(subject.caches_in(Path(job["caches"]) / one["folder"]))
        folder = str(Path(job["folder"]) / one["folder"])
        found[one["name"]] = outputs(subject, job | {"build": one["build"], "folder": folder})
        gc.collect()
    return found


def outputs(subject: Subject, job: Job) -> dict[str, Any]:
    """Run every case, and again with warm caches where `twice` says so; keep the outputs that are not as expected.

    Where `fail_fast` says so, the first case that is not as expected is the last.
    """
    inputs: dict[str, _Input] = {}
    cases: list[dict[str, Any]] = []
    for case in job["cases"]:
        one = inputs.get(case["input"]) or inputs.setdefault(case["input"], _Input(subject, job | case))
        cases.append(_observed(job, case, one))
        same = cases[-1]["digests"] == cases[-1]["again"] == case.get("expected", cases[-1]["digests"])
        if job.get("fail_fast") and (one.changed or not same):
            break
    return {"cases": cases, "loaded": {name: one.told(job) for name, one in inputs.items()}}


class _Input:
    """One input as a build has loaded it, or what it raised on loading it."""

    def __init__(self, subject: Subject, case: Job) -> None:
        self.name = case["input"]
        self.session: Session | None = None
        self.error: Exception | None = None
        self.changed = ""
        try:
            session, _ = load(subject, case)
            if case.get("until") is not None:
                session = session.until(case["until"])
            self.session = session
            self._before = table_digest(session.bars)
            self._notes = "\0".join(session.notes)
            self._small = session.rows <= SMALL
        except Exception as error:  # noqa: BLE001 - whatever it raises is what is observed
            _pass_on(error)
            self.error = error

    def look(self, after: str) -> None:
        """Note the first case after which an input is not what it was; large ones are looked at in the end only."""
        if self.session is not None and self._small and not self.changed:
            self._compare(after)

    def told(self, job: Job) -> dict[str, Any]:
        """Return what is known of it, after all cases; its tables are kept where all or what differs is asked for."""
        if self.session is None:
            return {"digest": None, "changed": ""}
        if not self.changed:
            self._compare("one of the cases")
        if job["keep"] != "none":
            keep({LOAD: self.session.bars}, Path(job["folder"]) / self.name)
        digest = hashlib.sha256(f"{self._before}\0{self._notes}".encode()).hexdigest()
        return {"digest": digest, "changed": self.changed}

    def _compare(self, after: str) -> None:
        assert self.session is not None  # noqa: S101
        if table_digest(self.session.bars) != self._before:
            self.changed = f"{after} changed its input: bars"


def _observed(job: Job, case: Job, one: _Input) -> dict[str, Any]:
    """Run a case, and again where that is asked for."""
    seen: dict[str, Any] = {"input": case["input"], "scenario": case["scenario"]}
    session = one.session
    if session is None:
        assert one.error is not None  # noqa: S101
        return seen | _failed(job, case, one.error)
    seen["notes"] = list(session.notes)
    session.counts()
    try:
        run = session.prepare_drawn(case["drawn"]) if case.get("drawn") else session.prepare(case["scenario"])
        before = _digests(session.asked())
    except Exception as error:  # noqa: BLE001 - as above
        _pass_on(error)
        return seen | _failed(job, case, error)
    start = time.perf_counter_ns()
    first, raised = attempt(run, case)
    seen["first_ns"] = time.perf_counter_ns() - start
    second, again = attempt(run, case) if job.get("twice", True) else (first, raised)
    if failure := raised or again:
        seen["error"] = told(failure)
    if changed := [name for name, digest in _digests(session.asked()).items() if digest != before[name]]:
        one.changed = one.changed or f"{case['scenario']} changed its input: {', '.join(changed)}"
    one.look(case["scenario"])
    return seen | _kept(job, case, first, second) | {"counts": dict(session.counts())}


def _failed(job: Job, case: Job, error: Exception) -> dict[str, Any]:
    """Return what is observed where there was nothing to run."""
    raised = _exception(error, case)
    return {"error": told(error)} | _kept(job, case, raised, raised)


def attempt(run: Callable[[], Callable[[], Outputs]], case: Job) -> tuple[Outputs, Exception | None]:
    """Return the outputs of a run; the table of its exception where it raises one, with that exception."""
    try:
        return run()(), None
    except Exception as error:  # noqa: BLE001 - what the engine raises is compared, not handled
        _pass_on(error)
        return _exception(error, case), error


def _pass_on(error: Exception) -> None:
    """Raise what is about the memory or the disk of the machine: it is no output of the engine."""
    reason = error.reason if isinstance(error, RefusedData) else error
    if is_of_the_machine(reason):
        raise reason


def _exception(error: Exception, case: Job) -> Outputs:
    """Return an exception as a table: its type and its text, in which the data's path is told by its name."""
    reason = error.reason if isinstance(error, RefusedData) else error
    text = str(reason).replace(case.get("data", "\0"), Path(case.get("data", "")).name)
    kind = type(reason)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {EXCEPTION: pl.DataFrame({"type": [name], "text": [text]}, schema={"type": pl.String, "text": pl.String})}


def _kept(job: Job, case: Job, first: Outputs, second: Outputs) -> dict[str, Any]:
    digests, again = digests_of(first), digests_of(second)
    expected = case.get("expected", digests)
    found: dict[str, Any] = {"digests": digests, "again": again}
    found["rows"] = {name: len(table) for name, table in first.items()}
    if job.get("running"):
        found["running"] = running_digests(first if digests != expected else second)
    if job["keep"] == "all" or (job["keep"] == "different" and not digests == again == expected):
        shown = second if digests == expected else first  # the one that differs, where only one does
        keep(shown, Path(job["folder"]) / case["input"] / case["scenario"])
    return found


def keep(tables: Outputs, folder: Path) -> None:
    """Write tables into a folder, a file each."""
    for name, table in tables.items():
        write_with(folder / f"{name}.arrow", lambda path, table=table: table.write_ipc(path, compression="zstd"))  # type: ignore[misc]


def _digests(tables: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    return {name: table_digest(table) for name, table in tables.items()}
