"""Worker processes for the trials of one market under one build: started once, kept for the sweeps to come.

Each is a fresh Python that runs `engine.trial_worker`, with one thread a library, in a session of its own so that
Ctrl-C reaches only the process that asked. It gets the bars as an open file that has no name, and so can't be left
behind. It ends when its input does: no worker outlives the process that started it.
"""

from __future__ import annotations

import json
import logging
import os
import random
import selectors
import signal
import subprocess
import sys
import tempfile
import weakref
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

import polars as pl
import pyarrow as pa
from pyarrow import ipc

from engine.counting import work
from engine.errors import InputError
from engine.pipeline import Feed
from engine.strategy_names import Encoded
from engine.trial_worker import row_of
from engine.trials import TrialRow

log = logging.getLogger("engine.sweep")
DEATHS = 3
REHEARSAL = -2  # in place of a trial's place: one that has a row already, run to have all code loaded
STARTING = -1  # what a worker was doing that died before it was ready, in place of a trial
_ONE_THREAD = ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Left(NamedTuple):
    """A trial that the workers can't run, and why."""

    why: str


class CannotStartError(Exception):
    """No worker can be started; the text says why."""


@dataclass(frozen=True)
class Task:
    """The trials of one sweep by their places, as JSON, with the settings and the modules that they name."""

    settings: Encoded
    trials: Mapping[int, Encoded]
    modules: Mapping[str, str]
    folder: str
    path: Sequence[str]

    def opening(self) -> Encoded:
        """Return what a worker has to know before the first trial."""
        return {name: getattr(self, name) for name in ("settings", "modules", "folder", "path")}


@dataclass(eq=False)
class Worker:
    """A worker process: the places of the trials that it was sent and has not answered, the first of them running."""

    process: subprocess.Popen[bytes]
    sent: deque[int] = field(default_factory=deque)
    ready: bool = False
    rehearsing: bool = False
    rest: bytes = b""

    def send(self, what: Encoded) -> None:
        """Write a line. To one that has died it is lost; its end of output then tells."""
        with suppress(BrokenPipeError):
            _pipe(self.process.stdin).write(json.dumps(what).encode() + b"\n")
            _pipe(self.process.stdin).flush()

    def receive(self) -> tuple[list[Any], bool]:
        """Return the answers that have come, and whether more can."""
        came = os.read(_pipe(self.process.stdout).fileno(), 1 << 16)
        *lines, self.rest = (self.rest + came).split(b"\n")
        return [json.loads(line) for line in lines], bool(came)

    def kill(self) -> None:
        """Kill the process, and all that it has started."""
        with suppress(ProcessLookupError, PermissionError):  # macOS: not permitted where all have ended
            os.killpg(self.process.pid, signal.SIGKILL)

    def bury(self) -> None:
        """Wait for a killed process, and close its pipes."""
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):
                _pipe(pipe).close()


class Pool:
    """The workers of one feed. It does not keep the feed alive, and ends with it."""

    def __init__(self, feed: Feed, build: tuple[str, ...]) -> None:
        self.build = build
        self._feed = weakref.ref(feed)
        self._modules: dict[str, str] = {}
        self._workers: list[Worker] = []
        self._selector = selectors.DefaultSelector()
        self._bars = _written(feed.bars)
        owner = os.getpid()  # exact: whose workers they are
        self.close = weakref.finalize(feed, _close, owner, self._workers, self._selector, self._bars)

    def fits(self, feed: Feed, build: tuple[str, ...], modules: Mapping[str, str]) -> bool:
        """Whether it is alive, for this feed and build, and has not imported another state of these modules."""
        known = all(self._modules.get(name, digest) == digest for name, digest in modules.items())
        return self.close.alive and self._feed() is feed and self.build == build and known

    def start(self, task: Task, count: int, rehearsal: Encoded | None) -> None:
        """Start workers for a sweep, and do not wait for them; each runs a rehearsal, where one is given.

        Raises:
            CannotStartError: where none can be started.
        """
        self._modules |= task.modules
        self._staff(task.opening(), count)
        if rehearsal is None:
            return
        for worker in self._workers:
            worker.rehearsing = True
            worker.send({"place": REHEARSAL, **rehearsal})

    def ready(self) -> bool:
        """Whether all workers that were started wait for trials, or have something to be seen to, or are gone."""
        if not self.close.alive:
            return True
        while any(worker.rehearsing or not worker.ready for worker in self._workers):
            heard = self._selector.select(0)
            if not heard:
                return False
            for key, _ in heard:
                answers, goes_on = key.data.receive()
                for answer in answers:
                    _taken(key.data, answer)
                if not goes_on:
                    return True
        return bool(self._workers)

    def run(self, task: Task, count: int) -> Iterator[tuple[int, TrialRow | Left]]:
        """Run trials in so many workers; yield what each comes to, as it is done.

        Whatever ends this early, Ctrl-C among it, ends the workers.
        """
        self._modules |= task.modules
        waiting = deque(in_order(list(task.trials)))
        try:
            yield from self._run(task, count, waiting)
        except CannotStartError as error:
            unanswered = [*waiting, *(place for worker in self._workers for place in worker.sent)]
            self.close()
            yield from ((place, Left(str(error))) for place in sorted(unanswered))
        except BaseException:
            self.close()
            raise

    def _run(self, task: Task, count: int, waiting: deque[int]) -> Iterator[tuple[int, TrialRow | Left]]:
        opening = task.opening()
        deaths: Counter[int] = Counter()
        for worker in self._workers:
            worker.send(opening)
        while waiting or any(worker.sent for worker in self._workers):
            busy = sum(1 for worker in self._workers if worker.sent)
            wanted = min(count, busy + len(waiting))
            if (there := self._staff(opening, wanted)) < wanted:
                count = there
            self._hand_out(task, count, waiting)
            for key, _ in self._selector.select():
                answers, goes_on = key.data.receive()
                for answer in answers:
                    if (done := _taken(key.data, answer)) is not None:
                        work["trials run in workers"] += 1
                        yield done
                if not goes_on:
                    yield from self._replace(key.data, waiting, deaths)

    def _staff(self, opening: Encoded, count: int) -> int:
        """Start the workers that are missing; return how many there can be."""
        while len(self._workers) < count:
            try:
                worker = _started(self._bars)
            except OSError as error:
                if self._workers:
                    log.info("%d workers in place of %d: %s", len(self._workers), count, error)
                    return len(self._workers)
                raise CannotStartError(f"no worker process can be started ({error})") from error
            self._workers.append(worker)
            self._selector.register(_pipe(worker.process.stdout), selectors.EVENT_READ, worker)
            worker.send({"build": list(self.build), "bars": self._bars.fileno()})
            worker.send(opening)
        return len(self._workers)

    def _hand_out(self, task: Task, count: int, waiting: deque[int]) -> None:
        """Give every worker a trial, and one ahead while there are many, so that none waits for this process."""
        for ahead in (0, 1):
            for worker in self._workers[:count]:
                if len(waiting) > ahead * count and len(worker.sent) == ahead:
                    place = waiting.popleft()
                    worker.sent.append(place)
                    worker.send({"place": place} | task.trials[place])

    def _replace(
        self, worker: Worker, waiting: deque[int], deaths: Counter[int]
    ) -> Iterator[tuple[int, TrialRow | Left]]:
        """Bury a worker that has died: what it was running counts a death, the rest was not begun."""
        self._selector.unregister(_pipe(worker.process.stdout))
        self._workers.remove(worker)
        worker.kill()
        worker.bury()
        if not worker.ready:
            died = STARTING
        elif worker.sent:
            died = worker.sent[0]
        else:
            return
        deaths[died] += 1
        if deaths[died] == DEATHS:
            if died == STARTING:
                waiting.extendleft(reversed(worker.sent))
                raise CannotStartError(f"worker processes end while they start (code {worker.process.returncode})")
            worker.sent.popleft()
            yield died, TrialRow(None, None, "WorkerDied: the process of this trial ended three times")
        waiting.extendleft(reversed(worker.sent))


def in_order(places: list[int]) -> list[int]:
    """Return trials in the order in which they are handed out: as they come, or EXACT_CHANGE_TRIAL_ORDER=shuffled."""
    order = os.environ.get("EXACT_CHANGE_TRIAL_ORDER", "")  # exact: which goes first; trials share no sums
    if order not in ("", "shuffled"):
        raise InputError(f"EXACT_CHANGE_TRIAL_ORDER is {order!r}", hint="shuffled, or nothing")
    if order:
        random.Random(0).shuffle(places)  # noqa: S311 - no secret, and the same order every time
        work["trials handed out of order"] += len(places)
    return places


def _taken(worker: Worker, answer: Any) -> tuple[int, TrialRow | Left] | None:
    """Take an answer; return what a trial came to, where it is of one."""
    if "failed" in answer:
        raise CannotStartError(f"a worker process can't start ({answer['failed']})")
    if "ready" in answer:
        worker.ready = True
        return None
    if answer["place"] == REHEARSAL:
        worker.rehearsing = False
        return None
    place = worker.sent.popleft()
    return place, Left(answer["left"]) if "left" in answer else row_of(answer)


def _started(bars: IO[bytes]) -> Worker:
    """Start a worker with the engine, the flags and the folder of this process."""
    home = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))  # exact: where a worker finds the engine
    flags = ["-P", *(["-" + "O" * sys.flags.optimize] if sys.flags.optimize else [])]
    process = subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, *flags, *(f"-W{option}" for option in sys.warnoptions), "-m", "engine.trial_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | dict.fromkeys(_ONE_THREAD, "1") | {"PYTHONPATH": path, "EXACT_CHANGE_WORKERS": "1"},
        pass_fds=(bars.fileno(),),
        start_new_session=True,
    )
    return Worker(process)


def _written(bars: pl.DataFrame) -> IO[bytes]:
    """Return an open file without a name that has the bars as uncompressed Arrow."""
    file = tempfile.TemporaryFile(prefix="exact-change-")  # noqa: SIM115 - the pool closes it
    try:
        arrow = bars.to_arrow(compat_level=pl.CompatLevel.oldest())
        with ipc.new_file(pa.PythonFile(file, "w"), arrow.schema) as writer:
            writer.write_table(arrow)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def _close(owner: int, workers: list[Worker], selector: selectors.BaseSelector, bars: IO[bytes]) -> None:
    """End all workers at once; a fork of the process that they belong to leaves them alone."""
    if os.getpid() != owner:  # exact: a fork ends no workers
        return
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.bury()
    workers.clear()
    selector.close()
    bars.close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 - for the type checker: both are opened as pipes
    return pipe
