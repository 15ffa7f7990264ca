"""Where the time goes: a sampled call tree, by function and by component of the engine."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyinstrument import Profiler
from pyinstrument.frame import Frame
from pyinstrument.renderers import HTMLRenderer

from optimizer.files import write_text, write_with
from optimizer.profilers.idle import idle_in
from optimizer.subject import Outputs, Session, Subject

_INTERVAL, _LONG_INTERVAL = 0.001, 0.002
_LONG_ROWS = 20_000
_LEAST_SECONDS = 0.4
_SHOWN = 12
_LEAST_OF_TREE = 0.002  # of the time: what is narrower can't be seen in a flame graph
CALL_TREE, RAW = "profile.html", "profile.pyisession"


@dataclass(frozen=True)
class Hotspot:
    """A function of the engine: the seconds a run spends in it and in what it calls outside the engine."""

    function: str
    file: str
    line: int
    component: str
    seconds: float
    share: float


def profile_run(subject: Subject, session: Session, job: dict[str, Any]) -> dict[str, Any]:
    """Profile loading and one run of each scenario, as often as gives enough samples; write the call tree as HTML.

    The scenarios to warm up with run first, so that loading compiled code is not taken for a part of the engine.
    """
    for scenario in job["warm_up"]:
        session.prepare(scenario)()
    prepared = {scenario: session.prepare(scenario) for scenario in job["scenarios"]}
    profiler = Profiler(interval=_INTERVAL if session.rows <= _LONG_ROWS else _LONG_INTERVAL)
    runs, end = 0, time.perf_counter() + _LEAST_SECONDS
    with profiler:
        while runs == 0 or time.perf_counter() < end:
            loading = _load(subject, job)
            took, laid_out = _run_all(prepared)
            runs += 1
    folder = Path(job["folder"])
    write_text(folder / CALL_TREE, profiler.output(HTMLRenderer()))
    recorded = profiler.last_session
    if recorded is not None:
        write_with(folder / RAW, lambda path: recorded.save(str(path)))
    root = recorded.root_frame() if recorded else None
    spots = hotspots(root, subject, runs) if root is not None else []
    return {
        "scenarios": job["scenarios"],
        "hotspots": [asdict(spot) for spot in spots],
        "seconds": sum(spot.seconds for spot in spots),
        "scenario_seconds": took,
        "load_seconds": loading,
        "loading": _while_loading(root, subject, runs) if root is not None else {},
        "idle": {scenario: idle_in(lay_out()) for scenario, lay_out in laid_out.items()},
        "tree": tree_of(root, subject.source_root, runs) if root is not None else None,
    }


def _load(subject: Subject, job: dict[str, Any]) -> float:
    """Load; this function's frame marks loading in the call tree."""
    start = time.perf_counter()
    subject.load(job["build"], Path(job["data"]), job["on_bad_bars"])
    return time.perf_counter() - start


def _run_all(
    prepared: Mapping[str, Callable[[], Callable[[], Outputs]]],
) -> tuple[dict[str, float], dict[str, Callable[[], Outputs]]]:
    took, laid_out = {}, {}
    for scenario, run in prepared.items():
        start = time.perf_counter()
        laid_out[scenario] = run()
        took[scenario] = time.perf_counter() - start
    return took, laid_out


def hotspots(root: Frame, subject: Subject, runs: int) -> list[Hotspot]:
    """Return the engine's functions, the costliest first; foreign frames count for the function that called them."""
    seconds: dict[tuple[str, int, str], float] = defaultdict(float)
    for key, spent in _own_times(root, subject.source_root, None):
        seconds[key] += spent / runs
    total = sum(seconds.values()) or 1.0
    return [
        Hotspot(function, file, line, component_of(subject, file), spent, spent / total)
        for (file, line, function), spent in sorted(seconds.items(), key=lambda item: (-item[1], item[0]))
    ]


def _while_loading(root: Frame, subject: Subject, runs: int) -> dict[str, float]:
    """Return the seconds that each function, as `file:line`, takes while data is loaded."""
    seconds: dict[str, float] = defaultdict(float)
    pending = [root]
    while pending:
        frame = pending.pop()
        if frame.function == _load.__name__ and frame.file_path == __file__:
            for (file, line, _), spent in _own_times(frame, subject.source_root, None):
                seconds[f"{file}:{line}"] += spent / runs
        else:
            pending.extend(frame.children)
    return dict(seconds)


def tree_of(frame: Frame, root: Path, runs: int, least: float | None = None) -> dict[str, Any]:
    """Return a frame with what it called, the widest first, as far as it can be seen; seconds are of one run."""
    least = frame.time * _LEAST_OF_TREE if least is None else least
    path = Path(frame.file_path) if frame.file_path else None
    own = path is not None and path.is_relative_to(root)
    place = "" if path is None else path.relative_to(root).as_posix() if own else path.name
    merged: dict[tuple[str, str | None, int | None], dict[str, Any]] = {}
    for child in frame.children:
        if child.time >= least:
            merged[child.function, child.file_path, child.line_no] = tree_of(child, root, runs, least)
    below = sorted(merged.values(), key=lambda one: (-one["seconds"], one["function"]))
    return {
        "function": frame.function,
        "place": f"{place}:{frame.line_no}" if place else "",
        "engine": own,
        "seconds": frame.time / runs,
        "below": below,
    }


def component_of(subject: Subject, file: str) -> str:
    """Return the component that a source file belongs to."""
    if file in subject.components:
        return subject.components[file]
    for candidate in subject.candidates():
        if candidate.path.as_posix().endswith(f"/{file}"):
            return candidate.component
    return "shared"


def by_component(spots: list[Hotspot]) -> dict[str, float]:
    """Return the share of the time of each component, the largest first."""
    shares: dict[str, float] = defaultdict(float)
    for spot in spots:
        shares[spot.component] += spot.share
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


Key = tuple[str, int, str]


def _own_times(frame: Frame, root: Path, owner: Key | None) -> Iterator[tuple[Key, float]]:
    """Yield the engine function that each frame's own time belongs to."""
    path = Path(frame.file_path) if frame.file_path else None
    if path is not None and path.is_relative_to(root):
        owner = (path.relative_to(root).as_posix(), frame.line_no or 0, frame.function)
    own = frame.time - sum(child.time for child in frame.children)
    if owner is not None and own > 0:
        yield owner, own
    for child in frame.children:
        yield from _own_times(child, root, owner)


def shown(spots: list[Hotspot]) -> list[Hotspot]:
    """Return those that are worth a line."""
    return [spot for spot in spots if spot.share >= 0.01][:_SHOWN]
