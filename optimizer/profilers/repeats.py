"""Redundant work: the same function of the engine, called with the same arguments, that gave the same again."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from optimizer.profilers.keys import Keys, NoKeyError
from optimizer.profilers.part import part_of
from optimizer.subject import Session, Subject

ROWS = 20_000
LEAST_SHARE, LEAST_SECONDS = 0.001, 0.0005  # of a run: less is not worth a line
_KEY_WORK = 300_000_000  # for the keys of one function; then no further call of it is looked at
_ALL_KEY_WORK = 3_000_000_000
_TRIES = 20  # calls without a key, after which a function is let be
_MOST_KEPT = 200_000
_SHOWN = 12
_OF_A_RUN = 0.5  # a call that takes more of a run is the run, and no part of it that could be kept
_LAZY = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass(slots=True)
class _Function:
    """What is known of one function."""

    names: tuple[str, ...]
    calls: int = 0
    looked_at: int = 0
    repeated: int = 0
    seconds: float = 0.0
    again: int = 0
    again_seconds: float = 0.0
    work: int = 0
    failed: int = 0
    left: str = ""
    gives: bool = False
    results: dict[bytes, tuple[int, bytes, float]] = field(default_factory=dict)


@dataclass(slots=True)
class _Call:
    """A call that has not returned yet."""

    function: _Function
    values: tuple[object, ...]
    key: bytes
    within: bool
    earlier: tuple[int, bytes, float] | None
    start: float
    spent: float


class Watcher:
    """Looks at every call of the engine's functions, by `sys.setprofile`."""

    def __init__(self, root: Path) -> None:
        self._root = f"{root}/"
        self._functions: dict[CodeType, _Function | None] = {}
        self._open: dict[int, _Call] = {}
        self._repeating = 0
        self._keys = Keys()
        self._counted = 0
        self._spent = 0.0
        self._run = 0
        self._run_seconds = float("inf")

    @contextmanager
    def watching(self, run: int, run_seconds: float) -> Iterator[None]:
        """Watch one run, by its number; `run_seconds` is what the first took, where it is not the first."""
        self._run, self._run_seconds = run, run_seconds
        self._open.clear()
        self._repeating = 0
        sys.setprofile(self._see)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _see(self, frame: FrameType, event: str, value: object) -> None:
        if event == "call":
            code = frame.f_code
            function = self._functions.get(code, 0)
            if function == 0:
                function = self._functions[code] = self._new(code)
            if function is not None:
                assert isinstance(function, _Function)  # noqa: S101
                function.calls += 1
                if not function.left:
                    self._called(frame, function)
        elif event == "return" and (call := self._open.pop(id(frame), None)) is not None:
            self._returned(call, value)

    def _new(self, code: CodeType) -> _Function | None:
        if not code.co_filename.startswith(self._root) or code.co_flags & _LAZY or code.co_name.startswith("<"):
            return None
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
        return _Function((*code.co_varnames[:count], *code.co_freevars))

    def _called(self, frame: FrameType, function: _Function) -> None:
        began = time.perf_counter()
        local = frame.f_locals
        values = tuple(local.get(name) for name in function.names)
        try:
            key = self._keys.of(values)
        except NoKeyError:
            function.failed += 1
            if function.failed >= _TRIES and not function.results:
                function.left = "their arguments can't be compared"
        except Exception:  # noqa: BLE001 - looking at the engine's own objects may run its code, whatever that does
            function.left = "their arguments can't be looked at"
        else:
            earlier = function.results.get(key)
            known = earlier is not None and (earlier[0] == self._run or earlier[2] < _OF_A_RUN * self._run_seconds)
            call = _Call(function, values, key, self._repeating > 0, earlier if known else None, 0.0, 0.0)
            self._repeating += known
            self._open[id(frame)] = call
            self._charge(function, began)
            call.spent, call.start = self._spent, time.perf_counter()
            return
        self._charge(function, began)

    def _returned(self, call: _Call, value: object) -> None:
        began = time.perf_counter()
        took = began - call.start - (self._spent - call.spent)
        function = call.function
        self._repeating -= call.earlier is not None
        try:
            if self._keys.of(call.values) != call.key:
                function.left = "they change what they are given"
                function.results.clear()
                function.gives = False
            else:
                function.gives = function.gives or value is not None
                self._compare(call, self._keys.of(value, whole=True), took)
        except Exception:  # noqa: BLE001 - as above
            function.failed += 1
            if function.failed >= _TRIES and not function.looked_at:
                function.left = "what they return can't be compared"
        self._charge(function, began)

    def _compare(self, call: _Call, result: bytes, took: float) -> None:
        function, earlier = call.function, call.earlier
        function.looked_at += 1
        if earlier is not None and earlier[1] == result and not call.within:
            if earlier[0] == self._run:
                function.repeated += 1
                function.seconds += took
            else:
                function.again += 1
                function.again_seconds += took
        if len(function.results) < _MOST_KEPT:
            function.results[call.key] = self._run, result, took

    def _charge(self, function: _Function, began: float) -> None:
        spent = time.perf_counter() - began
        self._spent += spent
        function.work += self._keys.work - self._counted
        self._counted = self._keys.work
        if function.work > _KEY_WORK and not function.left:
            function.left = "only their first calls were compared: the others would take too long"
        if self._keys.work > _ALL_KEY_WORK and not function.left:
            function.left = "only their first calls were compared: all in all it took too long"

    def found(self, root: Path, run_seconds: float) -> list[dict[str, Any]]:
        """Return what was called again within a run, that which cost most first."""
        return self._rows(root, run_seconds, lambda one: (one.repeated, one.seconds))

    def known(self, root: Path, run_seconds: float) -> list[dict[str, Any]]:
        """Return what the second run called as the first had, that which cost most first."""
        return self._rows(root, run_seconds, lambda one: (one.again, one.again_seconds))

    def _rows(
        self, root: Path, run_seconds: float, told: Callable[[_Function], tuple[int, float]]
    ) -> list[dict[str, Any]]:
        least = max(LEAST_SECONDS, LEAST_SHARE * run_seconds)
        rows: list[dict[str, Any]] = [
            {
                "function": code.co_name,
                "file": Path(code.co_filename).relative_to(root).as_posix(),
                "line": code.co_firstlineno,
                "calls": one.looked_at,
                "distinct": len(one.results),
                "repeated": told(one)[0],
                "seconds_repeated": told(one)[1],
            }
            for code, one in self._functions.items()
            if one is not None and one.gives and told(one)[1] >= least
        ]
        rows.sort(key=lambda row: (-row["seconds_repeated"], row["file"], row["line"]))
        return rows[:_SHOWN]

    def left(self) -> dict[str, int]:
        """Return how many functions were not looked at, or not to the end, by why."""
        reasons = [one.left for one in self._functions.values() if one is not None and one.left]
        return {why: reasons.count(why) for why in sorted(set(reasons))}


def profile_repeats(subject: Subject, session: Session, job: dict[str, Any]) -> dict[str, Any]:
    """Run a scenario twice, and tell which calls gave what an earlier one with equal arguments had given.

    A call counts where no call of its function changed an argument, where some call returned something, and where it
    returned the same to the last bit. A call within one that counts already does not count again. What is read from
    a global variable or a file is not seen; nor are generators, compiled functions, other threads and processes.
    """
    part, what = part_of(session, ROWS)
    prepared = part.prepare(job["scenario"])
    prepared()
    watcher = Watcher(subject.source_root)
    first = _watched(watcher, prepared, 1, float("inf"))
    _watched(watcher, prepared, 2, first)
    return {
        "redundant": watcher.found(subject.source_root, first),
        "known_by_next_run": watcher.known(subject.source_root, first),
        "redundant_run_seconds": first,
        "redundant_on": what,
        "not_compared": watcher.left(),
    }


def _watched(watcher: Watcher, run: Callable[[], object], number: int, run_seconds: float) -> float:
    """Return the seconds that a run takes under watch, without those of looking."""
    spent, start = watcher._spent, time.perf_counter()
    with watcher.watching(number, run_seconds):
        run()
    return time.perf_counter() - start - (watcher._spent - spent)
