"""Where the time goes within the costliest functions: line by line, by line_profiler."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any

from line_profiler import LineProfiler

from optimizer.profilers.functions import Place, functions_at
from optimizer.profilers.part import part_of
from optimizer.subject import Session, Subject

ROWS = 5_000  # of the data, for the scenarios that are longer than the first


@contextmanager
def watched(functions: Iterable[FunctionType]) -> Iterator[LineProfiler]:
    """Watch the lines of functions while the block lasts; afterwards they have the code that they had before.

    line_profiler marks a function by giving it a copy of its code that is padded, so that is what is put back.
    """
    before = {id(function): (function, function.__code__) for function in functions}
    profiler = LineProfiler()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of functions that wrap others: both are watched
            for function, _ in before.values():
                profiler.add_function(function)
        with profiler:
            yield profiler
    finally:
        for function, code in before.values():
            function.__code__ = code


def profile_lines(subject: Subject, session: Session, job: dict[str, Any]) -> dict[str, Any]:
    """Load and run scenarios once, and tell of every line of the functions of the job: hits, and seconds.

    A function that these do not run is watched in the longer scenarios, on a part of the data; `lines_on` says in
    which.
    The seconds of a line have those of what it calls with them, and what watching costs: they say how a function's
    time is divided, not how long it is.
    """
    prepared = [session.prepare(scenario) for scenario in job["watched"]]
    prepared[0]()  # what is made on the first run, such as closures, is there now
    places = [(one["file"], one["line"]) for one in job["functions"]]
    found = functions_at(places, subject.source_root)
    lines = _lines_in(
        [lambda: subject.load(job["build"], Path(job["data"]), job["on_bad_bars"]), *prepared], found, subject
    )
    missing = {place: functions for place, functions in found.items() if not lines[place]}
    part, what = part_of(session, ROWS)
    if missing and job["longer"]:
        lines |= _lines_in([part.prepare(scenario) for scenario in job["longer"]], missing, subject)
    longer = f"{', '.join(job['longer'])} on {what}"
    whole = f"loading and {', '.join(job['watched'])}"
    return {
        "lines": {f"{file}:{line}": told for (file, line), told in lines.items()},
        "lines_on": {f"{file}:{line}": longer if (file, line) in missing else whole for file, line in lines},
    }


def _lines_in(
    runs: Iterable[Callable[[], object]], functions: Mapping[Place, Sequence[FunctionType]], subject: Subject
) -> dict[Place, list[dict[str, Any]]]:
    """Return the lines of functions, by their places, as runs hit them."""
    everything = {id(one): one for at_place in functions.values() for one in at_place}
    starts = {place: {one.__code__.co_firstlineno for one in at_place} for place, at_place in functions.items()}
    with watched(everything.values()) as profiler:
        for run in runs:
            run()
    stats = profiler.get_stats()
    lines: dict[Place, list[dict[str, Any]]] = {}
    for (name, start, _), timings in stats.timings.items():
        path = Path(name)
        if path.is_relative_to(subject.source_root):
            file = path.relative_to(subject.source_root).as_posix()
            lines.setdefault((file, start), []).extend(_told(path, timings, stats.unit))
    return {
        (file, line): [told for start in sorted(starts[file, line]) for told in lines.get((file, start), [])]
        for file, line in functions
    }


def _told(path: Path, timings: Iterable[tuple[int, int, int]], unit: float) -> list[dict[str, Any]]:
    timings = list(timings)
    total = sum(took for _, _, took in timings) or 1
    return [
        {
            "line": line,
            "text": linecache.getline(str(path), line).strip(),
            "hits": hits,
            "seconds": took * unit,
            "share": took / total,
        }
        for line, hits, took in timings
        if hits
    ]
