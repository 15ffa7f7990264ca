"""The whole profile of a build: each kind in a process of its own, put together into one document."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optimizer.errors import CheckError
from optimizer.files import write_json, write_text
from optimizer.processes import Observation, Processes
from optimizer.profilers import advice
from optimizer.profilers.cpu import CALL_TREE, RAW, Hotspot, by_component, component_of
from optimizer.profilers.kinds import ALL_KINDS, CACHEGRIND, CPU
from optimizer.reporters.flame import flame_graph
from optimizer.subject import Build, Subject

__all__ = ["ALL_KINDS", "CACHEGRIND", "document_of", "hotspots_of", "order_reason", "profile_build"]

SCHEMA = 1
FLAME_GRAPH = "flame.html"
_WATCHED, _LEAST_WATCHED = 10, 0.01
_PARTS = ("memory", "io", "caches", "parallel", "redundant", "cachegrind")

order_reason = advice.order_reason


def profile_build(
    processes: Processes,
    build: Build,
    job: Mapping[str, Any],
    folder: Path,
    *,
    tick: Callable[[str], None],
    kinds: Collection[str] = ALL_KINDS,
) -> dict[str, Any]:
    """Profile a build; write the files into `folder`, and the document beside it as `<folder>.json`.

    Args:
        processes: what starts the processes.
        build: what is profiled.
        job: the data, what to do with bad bars, the `scenarios`, the first of which the kinds beside that of where the
            time goes look at, and the scenarios to `warm_up` with.
        folder: where the raw data, the flame graph and the reports of other tools go.
        tick: called with what is done just now.
        kinds: what is asked for; where the time goes is always looked at, since the rest follows from it.

    Returns:
        The document. A part whose process failed is null, and `failures` says why.

    Raises:
        InputError: where the data is refused.
        CheckError: where the build fails while it is seen where its time goes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    subject = processes.subject
    whole = dict(job) | {"folder": str(folder), "scenario": job["scenarios"][0]}
    tick("where the time goes")
    seen = processes.run("profile", build, whole | {"kind": CPU})
    cpu = _needed(seen, build)
    write_text(folder / FLAME_GRAPH, flame_graph(cpu["tree"], f"loading and {', '.join(job['scenarios'])}"))
    found: dict[str, dict[str, Any]] = {}
    failures: dict[str, str] = {}
    for kind in kinds:
        extra = _extra(kind, cpu, subject)
        if kind == CPU or extra is None:
            continue
        tick(kind)
        seen = processes.run("profile", build, whole | extra | {"kind": kind})
        if seen.result is None:
            failures[kind] = seen.error
        else:
            found[kind] = seen.result
    document = document_of(build, cpu, found, failures, subject, folder.name)
    write_json(folder.with_name(f"{folder.name}.json"), document)
    return document


def _needed(seen: Observation, build: Build) -> dict[str, Any]:
    if seen.refused is not None:
        raise seen.refused
    if seen.result is None:
        name = f"[{', '.join(build)}]" if build else "the reference"
        raise CheckError(f"{name} failed: {seen.error}")
    return seen.result


def _extra(kind: str, cpu: Mapping[str, Any], subject: Subject) -> dict[str, Any] | None:
    """Return what a kind's job needs beside the rest; None where there is nothing for it to look at."""
    if kind == "lines":
        functions = [spot for spot in cpu["hotspots"] if spot["share"] >= _LEAST_WATCHED][:_WATCHED]
        seconds = cpu["scenario_seconds"]
        first = cpu["scenarios"][0]
        others = [one for one in cpu["scenarios"] if one != first and seconds[one] <= seconds[first]]
        longer = [one for one in cpu["scenarios"] if one not in (first, *others)]  # such as sweeps
        return {"functions": functions, "watched": [first, *others], "longer": longer}
    if kind == "parallel":
        scenario = next((one.workload.scenario for one in subject.candidates() if one.focus == "parallelism"), None)
        return None if scenario is None else {"parallel": scenario}
    return {}


def document_of(
    build: Sequence[str],
    cpu: Mapping[str, Any],
    found: Mapping[str, Mapping[str, Any]],
    failures: Mapping[str, str],
    subject: Subject,
    folder: str,
) -> dict[str, Any]:
    """Put what the kinds have found into one document; a part that was not measured is null."""
    lines = found.get("lines", {}).get("lines", {})
    spots = [
        spot
        | {
            "loading_seconds": cpu["loading"].get(f"{spot['file']}:{spot['line']}", 0.0),
            "lines": lines.get(f"{spot['file']}:{spot['line']}", []),
            "lines_on": found.get("lines", {}).get("lines_on", {}).get(f"{spot['file']}:{spot['line']}"),
        }
        for spot in cpu["hotspots"]
    ]
    files = {"flame_graph": FLAME_GRAPH, "call_tree": CALL_TREE, "call_tree_raw": RAW}
    for one in found.values():
        files |= one.get("files", {})
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "build": list(build),
        "scenarios": cpu["scenarios"],
        "scenario": cpu["scenarios"][0],
        **{name: cpu[name] for name in ("symbols", "timestamps", "rows", "notes")},
        "seconds": cpu["seconds"],
        "load_seconds": cpu["load_seconds"],
        "scenario_seconds": cpu["scenario_seconds"],
        "components": by_component(hotspots_of({"hotspots": spots})),
        "hotspots": spots,
        **{name: found.get(name, {}).get(name) for name in _PARTS},
        **{
            name: found.get("redundant", {}).get(name)
            for name in ("redundant_run_seconds", "redundant_on", "known_by_next_run", "not_compared")
        },
        "idle": cpu["idle"],
        "failures": dict(failures),
        "files": {name: f"{folder}/{file}" for name, file in files.items() if file},
    }
    for one in (*(document["redundant"] or ()), *(document["known_by_next_run"] or ())):
        one["component"] = component_of(subject, one["file"])
    document["caches"] = document["caches"] or {"own": None, "hardware": None}
    return document | _advice(document, subject)


def _advice(document: dict[str, Any], subject: Subject) -> dict[str, Any]:
    components: dict[str, set[str]] = {focus: set() for focus in subject.focuses}
    for candidate in subject.candidates():
        components.setdefault(candidate.focus, set()).add(candidate.component)
    found = advice.advise(document, components)
    own: dict[str | None, list[dict[str, str]]] = {}
    for one in found:
        own.setdefault(one.place, []).append({"focus": one.focus, "why": one.why})
    spots = [spot | {"advice": own.get(f"{spot['file']}:{spot['line']}", [])} for spot in document["hotspots"]]
    merged = [
        {"focus": one.focus, "share": one.share, "why": one.why, "hotspots": list(one.hotspots)}
        for one in advice.by_focus(found)
    ]
    return {
        "hotspots": spots,
        "advice": merged,
        "evidence": [asdict(one) | {"hotspots": list(one.hotspots)} for one in found],
    }


def hotspots_of(document: Mapping[str, Any]) -> list[Hotspot]:
    """Return the hotspots of a document."""
    names = Hotspot.__dataclass_fields__
    return [Hotspot(**{name: spot[name] for name in names}) for spot in document["hotspots"]]
