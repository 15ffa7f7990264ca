"""Finding the runs of a folder: their run.json files, and what the ledger still has of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from optimizer.errors import InputError
from optimizer.files import read_json
from optimizer.ledger import Ledger, look, tell_once
from optimizer.run_documents import RunDocument, run_document

LATEST = "latest"
_HINT = "Look at it, or delete it: the ledger may have the run"


def all_runs(out: Path, say: Callable[[str], None] = tell_once) -> list[RunDocument]:
    """Return the runs of a folder, the oldest first; what can't be read is said, and left out."""
    found = {run.run_id: run for run in look(out, Ledger.runs, say) or []}
    for path in sorted((out / "runs").glob("*/run.json")):
        try:
            run = read_run(path)
        except InputError as error:
            say(f"warning: left out: {error}")
            continue
        found[run.run_id] = run
    return sorted(found.values(), key=lambda run: (run.started_at, run.run_id))


def read_run(path: Path) -> RunDocument:
    """Read the run of a run.json.

    Raises:
        InputError: where it is missing, damaged, or no run.
    """
    return run_document(read_json(path, hint=_HINT), path)


def find_run(out: Path, name: str, runs: list[RunDocument]) -> RunDocument:
    """Return a run of these by its id, a prefix that only it has, or `latest`; or the run of a file or its folder.

    Raises:
        InputError: where there is none, or more than one.
    """
    path = Path(name)
    if path.is_file():
        return read_run(path)
    if (path / "run.json").is_file():
        return read_run(path / "run.json")
    if not runs:
        raise InputError("no run is here", where=out, hint="optimize makes one; --out names another folder")
    if name == LATEST:
        return runs[-1]
    found = [run for run in runs if run.run_id.startswith(name)]
    exact = [run for run in found if run.run_id == name]
    if len(found) == 1 or exact:
        return (exact or found)[0]
    if found:
        listed = ", ".join(run.run_id for run in found)
        raise InputError(f"{name!r} is the beginning of {len(found)} runs: {listed}", where=out, hint="Give more of it")
    known = ", ".join(run.run_id for run in runs[-10:])
    raise InputError(f"no run {name!r}", where=out, hint=f"The latest are: {known}; or give the path of a run.json")
