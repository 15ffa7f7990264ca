"""Starting jobs in fresh processes, and waiting for what they observe."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.config import Config
from optimizer.errors import InputError
from optimizer.files import write_json
from optimizer.limits import NO_LIMITS, Limits
from optimizer.standstill import Standstill
from optimizer.subject import Build, Subject

_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Observation:
    """What one process observed: a result, or the error that took its place."""

    result: dict[str, Any] | None
    error: str
    canaries: dict[str, str]
    peak_bytes: int
    refused: InputError | None = None
    out_of_memory: bool = False

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return self.result is not None


class Processes:
    """Runs jobs for one project, each in a process of its own, under one folder for their files and under limits.

    A process ends with the one that started it, however that one ends.
    """

    def __init__(self, config: Config, folder: Path, *, timeout: float = 900.0, limits: Limits = NO_LIMITS) -> None:
        limits.check()
        self.limits = limits
        self._config = config
        self._folder = folder
        self._timeout = timeout
        self._numbers = itertools.count(1)
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(
        self,
        task: str,
        build: Build,
        job: Mapping[str, Any],
        env: Mapping[str, str] | None = None,
        caches: Path | None = None,
        watch: Callable[[], str] | None = None,
    ) -> Observation:
        """Run one job and wait for it; whatever goes wrong is observed.

        The engine keeps its caches in the folder `caches`; in an empty one, which is removed, if none is given.
        `watch` is called again and again while it runs: what it returns, if it is a text, is why the process is ended.
        `refused` in the observation is set where the engine refused the data itself on loading it.

        Raises:
            InputError: where the process can't write what it found: then nothing was observed.
        """
        base = self._folder / f"{next(self._numbers):04d}-{task}"
        job_path, result_path, log_path = (base.with_suffix(end) for end in (".job.json", ".result.json", ".log"))
        whole = {"task": task, "subject": self._config.subject_name, "build": list(build), "result": str(result_path)}
        write_json(job_path, whole | dict(job))
        own = caches or base.with_suffix(".caches")
        whole_env = {**self.limits.environment(), **self._config.subject.caches_in(own), **(env or {})}
        try:
            status = self._wait_for(job_path, log_path, whole_env, watch)
        finally:
            if caches is None:
                shutil.rmtree(own, ignore_errors=True)
        return self._observation(result_path, log_path, status)

    @property
    def knobs(self) -> Mapping[str, Mapping[str, str]]:
        """The subject's own environments that must not matter."""
        return self._config.subject.knobs

    @property
    def subject(self) -> Subject:
        """The engine of the project."""
        return self._config.subject

    def stop(self) -> None:
        """End whatever still runs."""
        for process in list(self._running):
            _end(process)

    def _wait_for(self, job_path: Path, log_path: Path, env: Mapping[str, str], watch: Callable[[], str] | None) -> str:
        command = self.limits.command([sys.executable, "-m", "optimizer.worker", str(job_path)])
        with log_path.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command,
                cwd=self._config.root,
                env={**os.environ, **env},
                stdin=subprocess.PIPE,  # by its end a worker knows that this process has ended
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process)
            try:
                if why := self._watched(process, watch):
                    return why
                code = process.wait(self._timeout)
            except subprocess.TimeoutExpired:
                return f"timed out after {self._timeout:g} s"
            finally:
                _end(process)
                self._running.discard(process)
        if code == os.EX_IOERR:
            hint = "Is the disk full, or may it not be written to? Make room, or choose another folder"
            raise InputError("a process can't write what it found", where=self._config.relative(log_path), hint=hint)
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with code {code}" if code else ""

    def _watched(self, process: subprocess.Popen[bytes], watch: Callable[[], str] | None) -> str:
        """Wait for the end of a process, or for a reason to end it: the watch's, or that it waits for ever.

        The latter is looked for where memory is limited: a library that can't have what it asked for may do so.
        """
        still = Standstill(process.pid) if self.limits.memory_bytes is not None else None
        if watch is None and still is None:
            return ""
        end = time.monotonic() + self._timeout
        while process.poll() is None and time.monotonic() < end:
            if watch and (why := watch()):
                return why
            if still and (why := still()):
                return why
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)
        return "" if process.poll() is not None else f"timed out after {self._timeout:g} s"

    def _observation(self, result_path: Path, log_path: Path, status: str) -> Observation:
        if status or not result_path.exists():
            log = log_path.read_text(encoding="utf-8", errors="replace").strip()
            how = " ".join([status or "left no result", *log.splitlines()[-1:]])
            told = self.limits.of_end(how, log)
            return Observation(None, f"the process {told}", {}, 0, out_of_memory=told == self.limits.of_memory())
        found = json.loads(result_path.read_text(encoding="utf-8"))
        error = found.get("error")
        refused = None
        if error and error["refused"]:
            refused = InputError(error["what"], where=error["where"], hint=error["hint"])
        text = f"{error['type']}: {error['text']} (at {error['at']})" if error else ""
        if memory := bool(error and error["memory"]):
            text = f"the process {self.limits.of_memory()}"
        result, canaries = found.get("result"), found.get("canaries", {})
        return Observation(result, text, canaries, found["peak_bytes"], refused, out_of_memory=memory)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all its children, where it still runs."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdin is not None:
        process.stdin.close()
