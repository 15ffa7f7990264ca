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

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return self.result is not None


class Processes:
    """Runs jobs for one project, each in a process of its own, under one folder for their files."""

    def __init__(self, config: Config, folder: Path, *, timeout: float = 900.0) -> None:
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
        """
        base = self._folder / f"{next(self._numbers):04d}-{task}"
        job_path, result_path, log_path = (base.with_suffix(end) for end in (".job.json", ".result.json", ".log"))
        whole = {"task": task, "subject": self._config.subject_name, "build": list(build), "result": str(result_path)}
        write_json(job_path, whole | dict(job))
        own = caches or base.with_suffix(".caches")
        status = self._wait_for(job_path, log_path, {**self._config.subject.caches_in(own), **(env or {})}, watch)
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
        command = [sys.executable, "-m", "optimizer.worker", str(job_path)]
        with log_path.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command,
                cwd=self._config.root,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process)
            try:
                if watch and (why := _watched(process, watch, self._timeout)):
                    return why
                code = process.wait(self._timeout)
            except subprocess.TimeoutExpired:
                return f"timed out after {self._timeout:g} s"
            finally:
                _end(process)
                self._running.discard(process)
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with code {code}" if code else ""

    def _observation(self, result_path: Path, log_path: Path, status: str) -> Observation:
        if status or not result_path.exists():
            tail = log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            return Observation(None, " ".join(["the process", status or "left no result", *tail]), {}, 0)
        found = json.loads(result_path.read_text(encoding="utf-8"))
        error = found.get("error")
        refused = None
        if error and error["refused"]:
            refused = InputError(error["what"], where=error["where"], hint=error["hint"])
        text = f"{error['type']}: {error['text']} (at {error['at']})" if error else ""
        return Observation(found.get("result"), text, found.get("canaries", {}), found["peak_bytes"], refused)


def _watched(process: subprocess.Popen[bytes], watch: Callable[[], str], timeout: float) -> str:
    """Wait for the end of a process, or for the watch to say why it is to be ended."""
    end = time.monotonic() + timeout
    while process.poll() is None and time.monotonic() < end:
        if why := watch():
            return why
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
    return "" if process.poll() is not None else f"timed out after {timeout:g} s"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all its children, where it still runs."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
