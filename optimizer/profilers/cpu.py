"""Where the time goes: a sampled call tree, by function and by component of the engine."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyinstrument import Profiler
from pyinstrument.frame import Frame
from pyinstrument.renderers import HTMLRenderer

from optimizer.files import write_text
from optimizer.subject import Session, Subject

_INTERVAL = 0.001
_LEAST_SECONDS = 0.4
_SHOWN = 12


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
    prepared = [session.prepare(scenario) for scenario in job["scenarios"]]
    profiler = Profiler(interval=_INTERVAL)
    runs, end = 0, time.perf_counter() + _LEAST_SECONDS
    with profiler:
        while runs == 0 or time.perf_counter() < end:
            subject.load(job["build"], Path(job["data"]), job["on_bad_bars"])
            for run in prepared:
                run()
            runs += 1
    html = profiler.output(HTMLRenderer(show_all=False))
    write_text(Path(job["folder"]) / "profile.html", html)
    recorded = profiler.last_session
    root = recorded.root_frame() if recorded else None
    spots = hotspots(root, subject, runs) if root is not None else []
    seconds = sum(spot.seconds for spot in spots)
    return {"scenarios": job["scenarios"], "hotspots": [asdict(spot) for spot in spots], "seconds": seconds}


def hotspots(root: Frame, subject: Subject, runs: int) -> list[Hotspot]:
    """Return the engine's functions, the costliest first; foreign frames count for the function that called them."""
    seconds: dict[tuple[str, int, str], float] = defaultdict(float)
    for key, spent in _own_times(root, subject.source_root, None):
        seconds[key] += spent / runs
    total = sum(seconds.values()) or 1.0
    return [
        Hotspot(function, file, line, component_of(subject, file), spent, spent / total)
        for (file, line, function), spent in sorted(seconds.items(), key=lambda item: -item[1])
    ]


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
