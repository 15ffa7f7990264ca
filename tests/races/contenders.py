"""Who runs each workload: the reference, the rungs of the accepted build, the whole of it, vectorbt, and the floors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.catalog import accepted_build, find
from engine.scenarios import COMPONENT_WORKLOADS
from optimizer.hardware import hardware_profile
from tests.races import strategies
from tests.races.inputs import levels_of
from tests.races.workloads import QUICK, Workload, is_sweep, workloads

REFERENCE, STORE, MATRICES = "reference", "final build, prepared store", "final build, plain matrices"
RUST, RUST_WHOLE = "vectorbt rust", "vectorbt rust, with equity and trades"
NUMBA, NUMBA_WHOLE = "vectorbt numba", "vectorbt numba, with equity and trades"
STREAM, READ, READ_STORE = "streaming floor", "reading floor", "reading floor, its store"
FILE, COLD, COLD_INSIDE = "file to results", "cold start", "cold start, after the interpreter's"
TWO_TRIALS = "reference, first and last trial"
_ASSUMED_CACHE = 32 << 20
_MOST_STREAMED = 1 << 30


@dataclass(frozen=True)
class Entry:
    """A process that times contenders of a workload: its side, what it is told, and in how many rounds it runs.

    `few` is the number of rounds where a run takes long.
    """

    workload: str
    names: tuple[str, ...]
    side: str
    job: Mapping[str, Any]
    rounds: int = 5
    few: int = 3


def rungs(workload: Workload, raced: frozenset[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return each rung's name and its build: the accepted one up to it, as far as it matters for a warm run.

    A rung of W is what runs over a loaded market; but what is judged on another workload of the race is a rung there.
    """
    build: tuple[str, ...] = ()
    for name in accepted_build():
        known = find(name)
        if known.component in ("loader", "sweep"):
            continue
        build = (*build, name)
        judged_on = known.workload or COMPONENT_WORKLOADS.get(known.component, "cross")
        if workload.judged_on == (judged_on if judged_on in raced else "cross"):
            yield name, build


def entries_of(workload: Workload, data: Path, matrices: Path | None, has_vectorbt: bool) -> Iterator[Entry]:
    """Return all that run a workload, from its files; what is not W goes into fewer rounds."""
    for entry in _entries(workload, data, matrices, has_vectorbt):
        yield entry if workload.name == "W" else replace(entry, rounds=3, few=2)


def _entries(workload: Workload, data: Path, matrices: Path | None, has_vectorbt: bool) -> Iterator[Entry]:
    job = {"data": str(data), "scenario": workload.scenario, "on_bad_bars": workload.on_bad_bars}
    final = tuple(accepted_build())

    def ours(name: str, build: tuple[str, ...], kind: str = "run") -> Entry:
        return Entry(workload.name, (name,), "ours", {**job, "name": name, "build": build, "kind": kind})

    if is_sweep(workload):
        yield ours(TWO_TRIALS, (), "trials")
        yield ours(STORE, final, "sweep")
    else:
        yield ours(REFERENCE, ())
        raced = frozenset(one.judged_on for one in workloads_with_rungs())
        for name, build in rungs(workload, raced) if workload.judged_on else ():
            yield ours(name, build)
        yield ours(STORE, final)
    if workload.market is None:
        yield ours(FILE, final, "file")
        names = (READ, READ_STORE)
        yield Entry(workload.name, names, "floor", {**job, "names": names, "kind": "read"})
    if workload.name == "W":
        names = (COLD, COLD_INSIDE)
        yield replace(Entry(workload.name, names, "cold", {**job, "names": names}), rounds=9)
        if matrices:
            given = {"name": MATRICES, "kind": "matrices", "matrices": str(matrices)}
            yield Entry(workload.name, (MATRICES,), "ours", {**job, **given})
            yield Entry(workload.name, (STREAM,), "floor", _stream(matrices))
    if matrices and has_vectorbt and workload.peers:
        yield from _peers(workload, matrices)


def workloads_with_rungs() -> tuple[Workload, ...]:
    """Return the workloads that optimizations are judged on, as far as the engine has them."""
    return tuple(one for one in workloads(QUICK) if one.judged_on)


def _stream(matrices: Path) -> dict[str, Any]:
    hardware = hardware_profile()
    cache = max(filter(None, hardware["caches"].values()), default=_ASSUMED_CACHE)
    room = hardware["memory_available_bytes"] or hardware["memory_bytes"] or 8 * _MOST_STREAMED
    wanted = min(2 * cache, _MOST_STREAMED, room // 8)
    return {"matrices": str(matrices), "name": STREAM, "bytes": wanted, "kind": "stream"}


def _peers(workload: Workload, matrices: Path) -> Iterator[Entry]:
    settings = strategies.find(workload.scenario).settings
    job = {
        "matrices": str(matrices),
        "levels": levels_of(workload),
        "cash": settings.cash,
        "commission": settings.commission,
        "slippage": settings.slippage,
    }
    whole = () if is_sweep(workload) else (RUST_WHOLE,)
    yield _peer(workload, (RUST, *whole), {**job, "engine": "rust"})
    if workload.name == "W":  # a new process compiles it anew, so this one goes into fewer rounds
        yield replace(_peer(workload, (NUMBA, NUMBA_WHOLE), {**job, "engine": "numba"}), rounds=3)


def _peer(workload: Workload, names: tuple[str, ...], job: Mapping[str, Any]) -> Entry:
    return Entry(workload.name, names, "vectorbt", {**job, "names": names})
