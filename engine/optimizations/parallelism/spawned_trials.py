"""Run the trials of a sweep in several processes, as many as the machine has cores for.

How: Fresh worker processes, never forked, get the bars as a mapped Arrow file and compose the same build; each has
one thread a library. A trial goes to them as the names and values that make its strategy, and comes back as the bits
of its row. The workers stay for further sweeps over the market, and end with it, with Ctrl-C, or with the process
that started them. The first trials run in this process: workers are started when the rest of a sweep looks worth it,
and take over when they are there and have all code loaded, for which each runs a short trial that has its row already.
The trial of a worker that dies runs again; at the third death its row says so.
EXACT_CHANGE_WORKERS is the number of workers, started at once; without it the settings say it (engine/settings.toml).

Exact: A worker runs a trial as the reference does, by the same build, over the same bits, with the seed that comes
from the trial. A strategy's module, with those of its folder that it uses, has to hold the same in the worker as
here, and values have to come back equal; what can't be sent so runs in this process.

Risk: Starting the workers takes a second or more of every core, at the first sweep over a market that is worth it and
again after another market had its turn; the sweep that pays for it may gain nothing. Each worker lays out a market of
its own in memory. A strategy of `__main__`, which is where a script or a notebook defines it, has no name that a worker
can import: such a sweep stays in one process, and the log says so. What a program sets in its own process, such as
warning filters, `numpy.seterr`, the environment, or a patch to the engine or to an installed package, is not looked at;
and trials that hand something on to the next by a global variable do so only within their worker. So too for the order
of a set of texts, which differs from process to process unless PYTHONHASHSEED is set.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from engine.background import begun
from engine.catalog import optimization
from engine.errors import InputError
from engine.model import Settings
from engine.pipeline import Feed, Pipeline, SweepComponent
from engine.settings import settings
from engine.strategy_names import Encoded, Encoder, UnsendableError
from engine.trials import Trial, TrialRow
from engine.worker_pool import CannotStartError, Left, Pool, Task

log = logging.getLogger("engine.sweep")
WORTH_SECONDS = 0.1  # of trials that are left, for which workers are started
REHEARSED_SECONDS = 0.1  # a trial, above which it does not matter that a worker loads compiled code in its first


class SpawnedTrials:
    """Runs what can be sent in workers, and leaves the rest to the inner component."""

    def __init__(self, inner: SweepComponent) -> None:
        self._inner = inner

    def __call__(
        self, pipeline: Pipeline, feed: Feed, trials: Sequence[Trial], settings: Settings
    ) -> Iterator[tuple[int, TrialRow]]:
        """Run every trial; yield its place and its row as it is done."""
        sweep = Sweep(self._inner, pipeline, feed, trials, settings)
        left: dict[int, str] = {}
        try:
            if (count := workers_for(len(trials))) > 1:
                for place, done in _in_workers(sweep, count):
                    if isinstance(done, Left):
                        left[place] = done.why
                    else:
                        yield place, done
                for why, number in Counter(left.values()).items():
                    log.warning("%d of %d trials run in this process: %s", number, len(trials), why)
            else:
                left = dict.fromkeys(range(len(trials)), "")
            for place in sorted(left):
                yield place, sweep.run_here(place)
        except BaseException:
            _end_workers()
            raise


@dataclass(frozen=True)
class Sweep:
    """What a sweep is to run, and the component that runs it in this process."""

    inner: SweepComponent
    pipeline: Pipeline
    feed: Feed
    trials: Sequence[Trial]
    settings: Settings

    def run_here(self, place: int) -> TrialRow:
        """Run one trial in this process."""
        ((_, row),) = self.inner(self.pipeline, self.feed, [self.trials[place]], self.settings)
        return row


def workers_for(trials: int) -> int:
    """Return the number of workers for so many trials."""
    named = os.environ.get("EXACT_CHANGE_WORKERS", "")  # exact: how many work
    if named:
        if not named.isdecimal() or int(named) < 1:
            raise InputError(f"EXACT_CHANGE_WORKERS is {named!r}", hint="The number of worker processes: 1 or more")
        return min(int(named), trials)
    return min(settings().workers, trials)


_in_use = threading.Lock()
_pool: Pool | None = None  # exact: processes, no values; the one that is alive, so that they do not pile up


def _in_workers(sweep: Sweep, count: int) -> Iterator[tuple[int, TrialRow | Left]]:
    task, unsendable = _task_of(sweep.trials, sweep.settings)
    yield from unsendable.items()
    if not task.trials:
        return
    if not _in_use.acquire(blocking=False):
        yield from ((place, Left("another sweep has the workers")) for place in task.trials)
        return
    try:
        waiting = deque(task.trials)
        try:
            yield from _until_workers_are_there(sweep, task, count, waiting)
            pool = _pool_for(sweep.feed, sweep.pipeline.build, task) if waiting else None
        except (OSError, CannotStartError) as error:
            yield from ((place, Left(f"workers can't be started ({error})")) for place in waiting)
            return
        if pool is not None:
            yield from pool.run(replace(task, trials={place: task.trials[place] for place in waiting}), count)
    finally:
        _in_use.release()


def _until_workers_are_there(
    sweep: Sweep, task: Task, count: int, waiting: deque[int]
) -> Iterator[tuple[int, TrialRow]]:
    """Run trials here, until it shows that the rest is worth workers, and then until they are ready."""
    known = _pool is not None and _pool.fits(sweep.feed, sweep.pipeline.build, task.modules)
    pool = _pool if known else None
    if pool is None and os.environ.get("EXACT_CHANGE_WORKERS"):  # exact: who starts
        return
    first = True
    while waiting and not (pool is not None and pool.ready()):
        start = time.perf_counter()  # exact: who runs a trial, not what it comes to
        place = waiting.popleft()
        row = sweep.run_here(place)
        took = time.perf_counter() - start  # exact: as above
        if pool is None and not first and took * len(waiting) > WORTH_SECONDS:
            pool = _pool_for(sweep.feed, sweep.pipeline.build, task)
            pool.start(task, count, task.trials[place] if took < REHEARSED_SECONDS else None)
            begun(pool.ready)
        first = False  # the first may have been loading code, which the rest will not
        yield place, row


def _end_workers() -> None:
    """End the workers, where no other sweep has them: nothing is to be left of one that ended early."""
    if _in_use.acquire(blocking=False):
        try:
            if _pool is not None:
                _pool.close()
        finally:
            _in_use.release()


def _pool_for(feed: Feed, build: tuple[str, ...], task: Task) -> Pool:
    global _pool
    if _pool is None or not _pool.fits(feed, build, task.modules):
        if _pool is not None:
            _pool.close()
        _pool = Pool(feed, build)
    return _pool


def _task_of(trials: Sequence[Trial], settings: Settings) -> tuple[Task, dict[int, Left]]:
    """Return the trials that can be sent, and why the others can't."""
    encoder = Encoder()
    strategies: dict[int, Encoded] = {}
    sendable: dict[int, Encoded] = {}
    left: dict[int, Left] = {}
    how: Encoded = None
    for place, trial in enumerate(trials):
        try:
            how = how or encoder.encode(settings)
            if id(trial.strategy) not in strategies:  # exact: the trial keeps it alive
                strategies[id(trial.strategy)] = encoder.encode(trial.strategy)  # exact: as above
            if not all(type(name) is str for name in trial.parameters):
                raise UnsendableError("a parameter has a name that is not text")
            parameters = {name: encoder.encode(value) for name, value in trial.parameters.items()}
        except UnsendableError as error:
            left[place] = Left(f"{error}; put it into a module to use all cores")
        else:
            sendable[place] = {"strategy": strategies[id(trial.strategy)], "parameters": parameters}  # exact: as above
    path = [os.path.abspath(one) for one in sys.path if isinstance(one, str)]  # noqa: PTH100 - "" is this folder
    return Task(how, sendable, encoder.modules, os.path.abspath(""), path), left  # noqa: PTH100


@optimization(component="sweep")
def spawned_trials(inner: SweepComponent) -> SweepComponent:
    """Wrap the sweep."""
    return SpawnedTrials(inner)
