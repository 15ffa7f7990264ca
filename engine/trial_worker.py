"""The other side of a parallel sweep: runs trials for the process that started it.

Run as `python -m engine.trial_worker`. It is told what to do in lines of JSON, and answers in them: one that says with
which build, on which bars; then, for each sweep, one that says under which settings, and one a trial. It ends when
the other side does, even in the middle of a trial.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from queue import SimpleQueue
from typing import IO, Any

import polars as pl
import pyarrow as pa
from pyarrow import ipc

from engine.catalog import compose
from engine.metrics import Metrics
from engine.model import Settings
from engine.module_state import module_digest
from engine.pipeline import Feed, Loaded, Pipeline
from engine.reference.sweep import run_trial
from engine.strategy_names import Encoded, decode
from engine.trials import Trial, TrialRow

Answer = dict[str, Any]


def main() -> None:
    """Answer line after line; the end of the lines ends the process."""
    lines, answers = _take_channels()
    told: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(lines, told), daemon=True).start()

    def answer(what: Answer) -> None:
        answers.write(json.dumps(what).encode() + b"\n")
        answers.flush()

    try:
        start = json.loads(told.get())
        pipeline = compose(start["build"])
        feed = pipeline.feed(Loaded(_mapped(start["bars"]), ()))
    except Exception as error:  # noqa: BLE001 - whatever it is, the sweep goes on without workers
        answer({"failed": f"{type(error).__name__}: {error}"})
        return
    answer({"ready": True})
    run: Callable[[Encoded], Answer] = _unopened
    while True:
        line = json.loads(told.get())
        if "settings" in line:
            run = _opened(pipeline, feed, line)
        else:
            answer({"place": line["place"]} | run(line))


def _take_channels() -> tuple[IO[bytes], IO[bytes]]:
    """Return standard input and output, and put others in their place: a strategy may read and print as it likes."""
    lines, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return lines, answers


def _read(lines: IO[bytes], told: SimpleQueue[bytes]) -> None:
    for line in lines:
        told.put(line)
    os._exit(0)  # nobody is there to be answered, whatever is being run


def _mapped(file: int) -> pl.DataFrame:
    """Return the table of an Arrow file that this process was given open; its numbers stay in the file."""
    mapped = mmap.mmap(file, 0, access=mmap.ACCESS_READ)
    return pl.DataFrame(pl.from_arrow(ipc.open_file(pa.BufferReader(pa.py_buffer(mapped))).read_all()))


def _unopened(_: Encoded) -> Answer:
    return {"left": "no sweep was opened"}


def _opened(pipeline: Pipeline, feed: Feed, sweep: Answer) -> Callable[[Encoded], Answer]:
    """Return what runs the trials of a sweep, in the surroundings of the process that asks for it."""
    try:
        os.chdir(sweep["folder"])
        sys.path[:] = sweep["path"]
        importlib.invalidate_caches()
        settings: Settings = decode(sweep["settings"])
        for name, digest in sweep["modules"].items():
            if _digest_of(name) != digest:
                return _leave(f"{name} is not what its file says any more, or has state")
    except BaseException as error:  # noqa: BLE001 - a module may raise what it likes when it is imported
        return _leave(f"it can't be imported in another process ({type(error).__name__}: {error})")

    def run(line: Encoded) -> Answer:
        try:
            parameters = {name: decode(value) for name, value in line["parameters"].items()}
            row = run_trial(pipeline, feed, Trial(decode(line["strategy"]), parameters), settings)
        except BaseException as error:  # noqa: BLE001 - what run_trial lets through is to be raised over there
            return {"left": f"it raised {type(error).__name__}"}
        return row_answer(_refused(row))

    return run


@cache  # exact: of what it was when it was imported
def _digest_of(name: str) -> str:
    """Return the digest of a module as it was imported here, whatever trials have done to it since."""
    return module_digest(importlib.import_module(name))


def _leave(why: str) -> Callable[[Encoded], Answer]:
    return lambda _: {"left": why}


def _refused(row: TrialRow) -> TrialRow:
    """Return the row, or an error where something in this process makes the processor flush small numbers to zero."""
    if 1e-308 * float("0.1") == 0.0:
        return TrialRow(None, None, "ArithmeticError: denormal numbers are flushed to zero in this process")
    return row


def row_answer(row: TrialRow) -> Answer:
    """Return a row as JSON, with the bits of its numbers."""
    metrics = row.metrics and [
        struct.pack("<d", value).hex() if type(value) is float else value
        for value in (getattr(row.metrics, field.name) for field in fields(Metrics))
    ]
    return {"metrics": metrics, "digest": row.digest, "error": row.error}


def row_of(answer: Answer) -> TrialRow:
    """Return the row of an answer."""
    metrics = answer["metrics"] and Metrics(
        *(
            struct.unpack("<d", bytes.fromhex(value))[0] if isinstance(value, str) else value
            for value in answer["metrics"]
        )
    )
    return TrialRow(metrics, answer["digest"], answer["error"])


if __name__ == "__main__":
    main()
