"""The kinds of profile, by name: each is taken in a process of its own, since they disturb each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from optimizer.profilers.cachegrind import profile_cachegrind, run_once
from optimizer.profilers.counters import profile_caches
from optimizer.profilers.cpu import profile_run
from optimizer.profilers.lines import profile_lines
from optimizer.profilers.memory import profile_memory
from optimizer.profilers.parallel import profile_parallel
from optimizer.profilers.reading import profile_reading
from optimizer.profilers.repeats import profile_repeats
from optimizer.subject import Session, Subject

Kind = Callable[[Subject, Session, dict[str, Any]], dict[str, Any]]
CPU, CACHEGRIND = "cpu", "cachegrind"
_KINDS: dict[str, Kind] = {
    CPU: profile_run,
    "lines": profile_lines,
    "memory": profile_memory,
    "io": profile_reading,
    "caches": profile_caches,
    "parallel": profile_parallel,
    "redundant": profile_repeats,
    CACHEGRIND: profile_cachegrind,
    "run once": run_once,
}
ALL_KINDS = tuple(name for name in _KINDS if name not in (CACHEGRIND, "run once"))
"""The kinds that are taken unless others are named."""


def profile(subject: Subject, session: Session, job: dict[str, Any]) -> dict[str, Any]:
    """Take a job's kind of profile, of where the time goes if it names none; with the shape of the data."""
    shape = {"symbols": session.symbols, "timestamps": session.timestamps, "rows": session.rows}
    return _KINDS[job.get("kind", CPU)](subject, session, job) | {"notes": list(session.notes)} | shape
