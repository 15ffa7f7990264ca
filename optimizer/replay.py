"""Replaying a golden case under two builds, up to a timestamp: where they part, and the state on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from optimizer.around import LOAD
from optimizer.comparing import compare, read_outputs
from optimizer.errors import CheckError, InputError
from optimizer.golden import Golden
from optimizer.parity import Divergence
from optimizer.processes import Processes
from optimizer.subject import Build


@dataclass(frozen=True)
class Replayed:
    """What a replay showed: the first divergence, or the state in which both sides end."""

    divergence: Divergence | None
    until: str
    state: tuple[str, ...]


def case_of(golden: Golden, name: str) -> dict[str, Any]:
    """Return the case INPUT/SCENARIO of a golden set, as a job has it.

    Raises:
        InputError: where there is none.
    """
    cases = {f"{case['input']}/{case['scenario']}": case for case in golden.cases()}
    if name not in cases:
        raise InputError(f"no case {name!r} in {golden.spec.name}", hint=f"The set has {', '.join(cases)}")
    return {key: value for key, value in cases[name].items() if key != "expected"}


def replay(golden: Golden, processes: Processes, name: str, build: Build, until: str | None, scratch: Path) -> Replayed:
    """Run the reference and a build on the case INPUT/SCENARIO, up to a timestamp if one is given.

    Raises:
        InputError: where there is no such case or timestamp.
        CheckError: where the reference can't load the data.
    """
    case = case_of(golden, name)
    bars = _bars(processes, case, scratch)
    moment, shown = _moment(bars, until)
    label = f"{golden.spec.name}/{name}"
    last = None if until is None else moment
    folder = scratch / "replay"
    found = compare(processes, case, control=(), candidate=build, scratch=folder, name=label, until=last)
    if found is not None:
        return Replayed(found, shown, ())
    outputs = read_outputs(folder / "control" / "workload" / case["scenario"])
    return Replayed(None, shown, tuple(processes.subject.state(outputs, bars, moment, "")))


def _bars(processes: Processes, case: dict[str, Any], scratch: Path) -> pl.DataFrame:
    """Return the bars of a case, as the reference loads them."""
    job = {"cases": [case], "twice": False, "keep": "all", "folder": str(scratch / "bars")}
    seen = processes.run("outputs", (), job)
    path = scratch / "bars" / case["input"] / f"{LOAD}.arrow"
    if seen.result is None or not path.exists():
        raise CheckError(f"the reference can't load the data of {case['input']}: {seen.error}")
    return pl.read_ipc(path)


def _moment(bars: pl.DataFrame, until: str | None) -> tuple[int, str]:
    """Return the number that stands for a timestamp, written as the data writes it; the last one if none is given."""
    times = bars["timestamp"].unique().sort()
    texts = [str(one) for one in times.to_list()]
    if until is None:
        return int(times.to_physical()[-1]), texts[-1]
    if until not in texts:
        hint = f"The data has {texts[0]} to {texts[-1]}; write a timestamp as it does"
        raise InputError(f"no timestamp {until!r}", hint=hint)
    place = len(texts) - 1 - texts[::-1].index(until)  # an hour that is struck twice: the later one
    return int(times.to_physical()[place]), until
