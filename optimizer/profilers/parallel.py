"""How many cores a run keeps busy: CPU seconds of this process and all below it over the time that passed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from optimizer.cpu_time import running_ns
from optimizer.subject import Session, Subject

_LEAST_SECONDS = 0.5
_MOST_RUNS = 5
_AT_WORK = 0.05  # of the time: a process that was busy for less did not take part


def profile_parallel(subject: Subject, session: Session, job: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Run a scenario under the clock: again where the first run has started workers, which are there by then.

    `efficiency` is the CPU seconds over wall seconds times `workers`, the processes that took part; `busy_cores` is
    the CPU seconds over the wall seconds, threads of libraries included. Only processes that still live are counted.
    """
    run = session.prepare(job["parallel"])
    wall, spent, runs = _timed(run)
    if len(spent) > 1 or wall < _LEAST_SECONDS:
        session.settle()
        wall, spent, runs = _timed(run)
    workers = max(1, sum(cpu >= _AT_WORK * wall for cpu in spent.values()))
    cpu = sum(spent.values())
    return {
        "parallel": {
            "scenario": job["parallel"],
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "workers": workers,
            "efficiency": cpu / (wall * workers),
            "busy_cores": cpu / wall,
            "wall_seconds": wall / runs,
            "cpu_seconds": cpu / runs,
        }
    }


def _timed(run: Callable[[], object]) -> tuple[float, dict[int, float], int]:
    """Run for a while; return the wall seconds, the CPU seconds of each process, and how many runs that were."""
    before, start, runs = _cpu_of_processes(), time.perf_counter(), 0
    while runs < _MOST_RUNS and (runs == 0 or time.perf_counter() - start < _LEAST_SECONDS):
        run()
        runs += 1
    wall = time.perf_counter() - start
    return wall, {one: cpu - before.get(one, 0.0) for one, cpu in _cpu_of_processes().items()}, runs


def _cpu_of_processes() -> dict[int, float]:
    """Return the CPU seconds of this process and of every living one below it."""
    return {pid: used / 1e9 for pid, used in running_ns().items()} | {os.getpid(): time.process_time()}
