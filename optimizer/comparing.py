"""Two builds on one case: the first place where they differ, with the state around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from optimizer.around import LOAD, with_surroundings
from optimizer.errors import CheckError, InputError
from optimizer.parity import Divergence, first_divergence
from optimizer.processes import Processes
from optimizer.subject import Build, Outputs

LOOKS_AHEAD = "they agree on the data up to there: the candidate uses what comes after it"


def compare(
    processes: Processes,
    case: Mapping[str, Any],
    *,
    control: Build,
    candidate: Build,
    scratch: Path,
    name: str,
    until: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Divergence | None:
    """Run two builds on a case, each twice in its process, and return the first place where they differ.

    Args:
        processes: what starts the processes.
        case: its `data`, `on_bad_bars` and `scenario`, as a job has them.
        control: the build that is right.
        candidate: the build that is looked at.
        scratch: a folder for what they give.
        name: what the case is called in the divergence.
        until: the last timestamp of the data that they are given, as the number that stands for it; all if None.
        tell: given what was done to the data on loading it.

    Raises:
        InputError: where the control refuses the data.
        CheckError: where a process gives no result, or the control gives two.
    """
    asked = dict(case) | {"input": "workload", "until": until}
    changed = ""
    for side, build in (("control", control), ("candidate", candidate)):
        job = {"cases": [asked], "keep": "all", "folder": str(scratch / side)}
        seen = processes.run("outputs", build, job)
        if seen.result is None:
            raise CheckError(f"the {side} failed on {name}: {seen.error}")
        found = seen.result["cases"][0]
        if side == "control":
            if found.get("error", {}).get("refused"):
                error = found["error"]
                raise InputError(error["what"], where=error["where"], hint=error["hint"])
            if found["digests"] != found["again"]:
                raise CheckError(f"the control gives two results on {name}")
            for note in found.get("notes", ()):
                tell(note)
        asked["expected"] = found["digests"]
        changed = seen.result["loaded"]["workload"]["changed"]
    if changed:
        raise CheckError(f"the candidate {changed}")
    folders = [scratch / side / "workload" for side in ("control", "candidate")]
    expected, obtained = (read_outputs(folder / case["scenario"]) for folder in folders)
    loads = [read_outputs(folder) for folder in folders]
    return located(
        processes, expected=expected | loads[0], obtained=obtained | loads[1], bars=loads[0].get(LOAD), name=name
    )


def located(
    processes: Processes, *, expected: Outputs, obtained: Outputs, bars: pl.DataFrame | None, name: str
) -> Divergence | None:
    """Return the first divergence of outputs that are at hand, with the state around it."""
    subject = processes.subject
    found = first_divergence(expected=expected, obtained=obtained, stages=(LOAD, *subject.stages), case=name)
    if found is None:
        return None
    return with_surroundings(found, expected=expected, obtained=obtained, bars=bars, state=subject.state)


def read_outputs(folder: Path, names: Iterable[str] | None = None) -> dict[str, pl.DataFrame]:
    """Return the outputs that a worker left in a folder: all of them, or those of these names."""
    paths = sorted(folder.glob("*.arrow")) if names is None else [folder / f"{name}.arrow" for name in names]
    return {path.stem: pl.read_ipc(path) for path in paths if path.exists()}
