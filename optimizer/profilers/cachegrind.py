"""A run under valgrind's simulated caches: slow, and the same on every machine. Only where it is asked for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from optimizer.files import write_json
from optimizer.profilers.part import part_of
from optimizer.subject import Session, Subject

ROWS = 5_000
CAPTURE = "cachegrind.out"
_SECONDS = 800.0
_LINE = re.compile(r"^==\d+== (.+?)\s*:\s+([\d,]+)", re.MULTILINE)
_NAMES = {
    "I refs": "instructions",
    "I1 misses": "first_instruction_misses",
    "D refs": "data_references",
    "D1 misses": "first_data_misses",
    "LLd misses": "last_data_misses",
    "LL misses": "last_misses",
}


def profile_cachegrind(subject: Subject, session: Session, job: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Have a process of its own load the data and run a scenario once over a part of it, under cachegrind.

    The counts are of that whole process, with starting Python and importing the engine.
    """
    if not shutil.which("valgrind"):
        return {"cachegrind": "unavailable: there is no valgrind on this machine"}
    folder = Path(job["folder"])
    inner, result = folder / "cachegrind.job.json", folder / "cachegrind.result.json"
    write_json(inner, job | {"kind": "run once", "result": str(result)})
    command = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=yes",
        f"--cachegrind-out-file={folder / CAPTURE}",
        *(sys.executable, "-m", "optimizer.worker", str(inner)),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
        found = counted(done.stderr)
        ran = result.exists() and "result" in json.loads(result.read_text(encoding="utf-8"))
    except (OSError, subprocess.SubprocessError) as error:
        return {"cachegrind": f"unavailable: valgrind failed ({type(error).__name__})"}
    finally:
        inner.unlink(missing_ok=True)
        result.unlink(missing_ok=True)
    if not ran or not found:
        return {"cachegrind": "unavailable: the engine does not run under valgrind on this machine"}
    _, what = part_of(session, ROWS)
    return {"cachegrind": found | {"on": what}, "files": {"cachegrind": CAPTURE}}


def run_once(subject: Subject, session: Session, job: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Run a scenario once over a part of the data, and look at nothing: others look at this process."""
    part, _ = part_of(session, ROWS)
    part.prepare(job["scenario"])()
    return {}


def counted(told: str) -> dict[str, int]:
    """Return what cachegrind counted, from what it told at its end."""
    pairs = [(" ".join(name.split()), value) for name, value in _LINE.findall(told)]
    return {_NAMES[name]: int(value.replace(",", "")) for name, value in pairs if name in _NAMES}
