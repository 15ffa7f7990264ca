"""Holding builds to a golden set: every case, twice, bit for bit, and the inputs untouched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from optimizer.around import LOAD
from optimizer.comparing import LOOKS_AHEAD, compare, located, read_outputs
from optimizer.golden import Golden
from optimizer.parity import EXCEPTION, Divergence
from optimizer.prefixes import first_part
from optimizer.processes import Processes
from optimizer.subject import Build

BY_DIGESTS = "found by running digests: only the data up to the end of the part in which they differ was run again"


@dataclass(frozen=True)
class CheckResult:
    """How a build did on a golden set."""

    cases: int
    failed: tuple[str, ...]
    divergence: Divergence | None
    error: str
    first_seconds: float

    @property
    def exact(self) -> bool:
        """Whether every case gave the expected bits, twice, and no input was changed."""
        return not self.failed


def check(golden: Golden, processes: Processes, build: Build, scratch: Path) -> CheckResult:
    """Hold a build to a set: every case twice in one fresh process, so that its caches are cold, then warm.

    Where the build has kept something on disk, or works in parallel, a second process is held to the set, too: it finds
    what was kept, and has one of the engine's own knobs turned, such as the number of workers.
    """
    return check_builds(golden, processes, {"": build}, scratch)[""]


def check_builds(
    golden: Golden,
    processes: Processes,
    builds: Mapping[str, Build],
    scratch: Path,
    *,
    twice: bool = True,
    fail_fast: bool = False,
) -> dict[str, CheckResult]:
    """Hold builds to a set, one after the other in one process, each with caches of its own; every case twice.

    With `fail_fast` the first case of a build that differs is the last that is run.

    Starting a process takes as long as all cases of a small set. Where the process does not live to the end, each
    build is tried again in one of its own, so that one that crashes fails alone.
    """
    folders = {name: str(number) for number, name in enumerate(builds)}
    results = _held(golden, processes, builds, scratch, folders, twice=twice, fail_fast=fail_fast)
    caches = scratch / ".caches"
    again = {
        name: build
        for name, build in builds.items()
        if results[name].exact
        and (
            any(path.is_file() for path in (caches / folders[name]).rglob("*"))
            or any(one.startswith("parallelism/") for one in build)
        )
    }
    if again:
        results |= _held(golden, processes, again, scratch, folders, twice=False, turned=True)
    shutil.rmtree(caches, ignore_errors=True)
    return results


def _held(
    golden: Golden,
    processes: Processes,
    builds: Mapping[str, Build],
    scratch: Path,
    folders: Mapping[str, str],
    *,
    twice: bool,
    turned: bool = False,
    fail_fast: bool = False,
) -> dict[str, CheckResult]:
    """Run builds in one process; with one of the engine's own knobs turned where that is asked for."""
    job = {
        "cases": _again(golden) if turned else golden.cases(),
        "keep": "different",
        "folder": str(scratch),
        "running": not golden.spec.keep_outputs,
        "twice": twice,
        "fail_fast": fail_fast,
        "builds": [{"name": name, "build": build, "folder": folders[name]} for name, build in builds.items()],
        "caches": str(scratch / ".caches"),
    }
    env = next(iter(processes.knobs.values()), {}) if turned else {}
    seen = processes.run("outputs of builds", (), job, env)
    if seen.result is None and len(builds) > 1:
        return {
            name: check(golden, processes, build, scratch / "alone" / folders[name]) for name, build in builds.items()
        }
    results = {}
    for name, build in builds.items():
        result = None if seen.result is None else seen.result[name]
        results[name] = judge(golden, result, seen.error, scratch / folders[name], processes, build)
    return results


def _again(golden: Golden) -> list[dict[str, Any]]:
    """Return the cases for a second process: of a large set the first, which loads the data, and those of trials."""
    cases = golden.cases()
    if golden.spec.keep_outputs:
        return cases
    entries = golden.manifest["cases"]
    running = [entries[name].get("running", {}).get("until") for name in _names(cases)]
    return cases[:1] + [case for case, until in zip(cases[1:], running[1:], strict=True) if not until]


def judge(
    golden: Golden,
    result: dict[str, Any] | None,
    error: str,
    scratch: Path,
    processes: Processes | None = None,
    build: Build = (),
) -> CheckResult:
    """Return how the observed cases compare with the recorded ones; `processes` finds out more where they differ."""
    wanted = dict(zip(_names(golden.cases()), golden.cases(), strict=True))
    if result is None:
        return CheckResult(len(wanted), tuple(wanted), None, error, 0.0)
    spoilt = _spoilt(golden, result)
    failed, told, first = [], "", 0.0
    for have in result["cases"]:
        name = f"{have['input']}/{have['scenario']}"
        want = wanted[name]
        first = first or have.get("first_ns", 0) / 1e9
        same = have["digests"] == have["again"] == want["expected"]
        if same and want["input"] not in spoilt:
            continue
        failed.append((name, have))
        if "error" in have and EXCEPTION not in want["expected"]:
            told = told or "{0}: {type}: {text} (at {at})".format(name, **have["error"])
    told = told or next((text for text in spoilt.values() if text), "")
    found = CheckResult(len(wanted), tuple(name for name, _ in failed), None, told, first)
    if failed and not told:
        name, have = failed[0]
        return replace(found, divergence=_divergence(golden, name, have, scratch, processes, build))
    return found


def _spoilt(golden: Golden, result: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs that were loaded otherwise than by the reference, or changed, with what is to be told."""
    return {
        name: one["changed"]
        for name, one in result["loaded"].items()
        if one["changed"] or one["digest"] != golden.loaded()[name]
    }


def _divergence(
    golden: Golden, case: str, have: Mapping[str, Any], scratch: Path, processes: Processes | None, build: Build
) -> Divergence | None:
    """Return the first divergence of a case, from what was recorded, or by running the reference beside the build."""
    if processes is None:
        return None
    entry = golden.manifest["cases"][case]
    label = f"{golden.spec.name}/{case}"
    expected = golden.expected(case)
    found = None
    if expected is not None and not have["digests"] == have["again"] == entry["digests"]:
        input_name = case.split("/")[0]
        bars = read_outputs(scratch / input_name, [LOAD]).get(LOAD)
        obtained = read_outputs(scratch / case)
        found = located(processes, expected=expected, obtained=obtained, bars=bars, name=label)
    if found is None:
        found = _by_reference(golden, case, have, scratch, processes, build)
    return found and replace(found, replay=replay_command(label, build, found))


def _by_reference(
    golden: Golden, case: str, have: Mapping[str, Any], scratch: Path, processes: Processes, build: Build
) -> Divergence | None:
    """Run reference and build again: only up to where their running digests part, where there are some."""
    entry = golden.manifest["cases"][case]
    asked = next(one for one in golden.cases() if f"{one['input']}/{one['scenario']}" == case)
    asked = {key: value for key, value in asked.items() if key != "expected"}
    part = first_part(entry["running"], have["running"]) if "running" in entry and "running" in have else None
    for place, until in enumerate([part, None] if part is not None else [None]):
        found = compare(
            processes,
            asked,
            control=(),
            candidate=build,
            scratch=scratch / f"compare-{place}",
            name=f"{golden.spec.name}/{case}",
            until=until,
        )
        if found is not None:
            note = "" if part is None else BY_DIGESTS if until is not None else LOOKS_AHEAD
            return replace(found, around=((f"note       {note}",) if note else ()) + found.around)
    return None


def replay_command(label: str, build: Build, divergence: Divergence) -> str:
    """Return the command that shows a divergence again, on the data up to it."""
    until = f" --until '{divergence.timestamp}'" if divergence.timestamp else ""
    return f"optimize replay {label} --build {','.join(build) or 'reference'}{until}"


def _names(cases: list[dict[str, Any]]) -> Iterator[str]:
    return (f"{case['input']}/{case['scenario']}" for case in cases)
