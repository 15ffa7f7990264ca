"""The other side of a process: does one job with one build, and writes down what it observed.

Run as `python -m optimizer.worker JOB.json`. A job and its result are JSON, tables go as Arrow; nothing is
pickled. A crash of the engine is an observation, written like any other.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

from optimizer.canaries import observed
from optimizer.config import load_subject
from optimizer.cpu_time import others_ns
from optimizer.files import write_json
from optimizer.fuzz_task import fuzz
from optimizer.limits import is_full_disk
from optimizer.observing import Job, load, outputs, outputs_of_builds, told
from optimizer.parity import digests_of
from optimizer.profilers.kinds import profile
from optimizer.subject import Outputs, Session, Subject


def main() -> None:
    """Do the job named on the command line."""
    _end_with_parent()
    path = Path(sys.argv[1])
    job: Job = json.loads(path.read_text(encoding="utf-8"))
    result: dict[str, Any]
    try:
        subject = load_subject(job["subject"], Path.cwd())
        subject.candidates()  # imported before any clock starts, whatever the build
        _refuse_flushed_denormals()
        result = {"result": _TASKS[job["task"]](subject, job)}
        _refuse_flushed_denormals()
        result["canaries"] = observed(job.get("canaries", ()))
    except Exception as error:  # noqa: BLE001 - whatever the engine raises is to be told, not to end in a traceback here
        if is_full_disk(error):
            os._exit(os.EX_IOERR)
        result = {"error": told(error)}
    result["peak_bytes"] = _peak_bytes()
    try:
        write_json(Path(job["result"]), result)
    except OSError:
        os._exit(os.EX_IOERR)
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(0)  # all is written; taking the interpreter down in order takes a tenth of a second


def _end_with_parent() -> None:
    """End this process, and what it has started, as soon as the one that started it is gone.

    That one holds the other end of standard input, a pipe that it never writes to; a strategy finds nothing there.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode) or os.getpgrp() != os.getpid():
        return  # it was started by hand
    pipe, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def wait() -> None:
        os.read(pipe, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def _measure(subject: Subject, job: Job) -> dict[str, Any]:
    """Load, then run each scenario once cold, and warm until there are enough runs; all outputs are digested."""
    loads = []
    for _ in range(job["loads"]):
        session, took = load(subject, job)
        loads.append(took)
    load_ns = median(loads)
    gc.freeze()  # what is imported and loaded stays, and need not be looked through before every run
    *others, judged = job["scenarios"]
    runs = {scenario: _runs(session, scenario, 0.0, job) for scenario in others}
    runs[judged] = _runs(session, judged, job["warm_seconds"], job)
    return {"load_ns": load_ns, "runs": runs}


def _runs(session: Session, scenario: str, warm_seconds: float, job: Job) -> list[dict[str, Any]]:
    """Run a scenario cold and warm; its first run has with it what was counted in it."""
    run = session.prepare(scenario)
    session.counts()
    runs = [_timed(run)]
    runs[0]["counts"] = dict(session.counts())
    session.settle()
    runs.append(_timed(run))
    while len(runs) <= job["most_runs"] and sum(one["wall_ns"] for one in runs[1:]) < warm_seconds * 1e9:
        runs.append(_timed(run))
    return runs


def _timed(run: Callable[[], Callable[[], Outputs]]) -> dict[str, Any]:
    others = others_ns()
    gc.collect()
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    lay_out = run()
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    cpu += others_ns() - others
    start = time.perf_counter_ns()
    laid_out = lay_out()
    tables = time.perf_counter_ns() - start
    return {"wall_ns": wall, "cpu_ns": cpu, "tables_ns": tables, "digests": digests_of(laid_out)}


def _profile(subject: Subject, job: Job) -> dict[str, Any]:
    session, _ = load(subject, job)
    return profile(subject, session, job)


def _look(subject: Subject, job: Job) -> dict[str, Any]:
    """Run the cases, then look at the code that was compiled for them; it takes an empty code cache to see all."""
    from optimizer.generated_code import fused_instructions, not_looked_at  # has Numba, which the engine sets up first

    root = subject.source_root
    return outputs(subject, job) | {"fused": list(fused_instructions(root)), "not_seen": list(not_looked_at(root))}


def _idle(_: Subject, __: Job) -> dict[str, Any]:
    """Do nothing, so that what a process takes for being there can be seen."""
    return {}


def _refuse_flushed_denormals() -> None:
    """Raise where something in this process has made the processor flush small numbers to zero."""
    if 1e-308 * float("0.1") == 0.0:
        raise ArithmeticError("denormal numbers are flushed to zero in this process: no result in it can be trusted")


def _peak_bytes() -> int:
    """Return the largest resident memory of this process; what its parent used before the start does not count."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


_TASKS: dict[str, Callable[[Subject, Job], dict[str, Any]]] = {
    "idle": _idle,
    "look": _look,
    "measure": _measure,
    "outputs": outputs,
    "outputs of builds": outputs_of_builds,
    "profile": _profile,
    "fuzz": fuzz,
}

if __name__ == "__main__":
    main()
