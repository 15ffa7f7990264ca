"""An engine that is wrong in every way that a machine can bring out: each scenario depends on what must not matter.

The recorded bits are what it gives itself, in the environment as it is. It is a subject as the optimizer sees one, of
which only what a worker and the matrix use is there; it is copied into a project of its own, never imported by tests.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

Tables = Mapping[str, pl.DataFrame]


def numbers(count: int) -> Any:
    return np.random.default_rng(0).random(count)


def one(value: float) -> Any:
    return np.array([value])


def walks_a_set() -> Any:
    """The order of addition is that of a set of texts."""
    worth = {f"SYM{place}": value for place, value in enumerate(numbers(200).tolist())}
    total = 0.0
    for symbol in set(worth):
        total += worth[symbol]
    return one(total)


def calls_exp() -> Any:
    """NumPy's exponential function decides."""
    return np.exp(np.linspace(-20.0, 20.0, 4001))


def sorts_ties() -> Any:
    """Ties come in the order of a sort that is not stable."""
    return np.argsort(np.round(numbers(1000) * 50)).astype(np.float64)


def calls_the_c_library() -> Any:
    return np.array([math.exp(0.01 * step) for step in range(4000)])


def multiplies_matrices() -> Any:
    return one(numbers(1_000_000) @ numbers(1_000_000))


def sums_groups() -> Any:
    """Polars adds floats in groups."""
    table = pl.DataFrame({"group": np.arange(200_000) % 7, "value": numbers(200_000)})
    return table.group_by("group", maintain_order=True).agg(pl.col("value").sum())["value"].to_numpy()


def reduces_in_parallel() -> Any:
    """Numba's threads each add a part."""
    import numba

    def add(values: Any) -> float:
        total = 0.0
        for place in numba.prange(len(values)):
            total += values[place]
        return total

    return one(numba.njit(parallel=True)(add)(numbers(100_001)))


def adds_with_fastmath() -> Any:
    """The compiler may reorder the additions, and does so by what the processor can."""
    import numba

    def add(values: Any) -> float:
        total = 0.0
        for place in range(len(values)):
            total += values[place]
        return total

    return one(numba.njit(fastmath=True)(add)(numbers(100_001)))


def reads_the_local_clock() -> Any:
    return one(float(time.localtime(1_700_000_000).tm_hour))


def reads_text_by_the_locale() -> Any:
    """A file of texts is read without its encoding being named."""
    path = cache_folder() / "name.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("Nestlé".encode())
    return one(float(len(path.read_text())))  # on purpose: no encoding


_memo: dict[str, float] = {}


def remembers(value: float) -> Any:
    """The key of a memo leaves out what the value depends on: who comes first decides."""
    return one(_memo.setdefault("feature", value))


def trusts_its_cache() -> Any:
    """What was kept is read as it is."""
    path = cache_folder() / "kept.bin"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbers(100).tobytes())
    return np.frombuffer(path.read_bytes()[: 8 * (path.stat().st_size // 8)])


def adds_in_chunks() -> Any:
    """Each worker adds its chunk, and the sums are added."""
    return one(sum(float(np.cumsum(part)[-1]) for part in np.array_split(numbers(10_000), int(workers()))))


def races() -> Any:
    """Threads append what they have done, whoever is first."""
    done: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.0001 * (time.perf_counter_ns() % 7))
        done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return np.array(done, dtype=np.float64)


def holds() -> Any:
    """The one scenario that is right: left to right, in a stated order."""
    total = 0.0
    for value in numbers(1000).tolist():
        total += value
    return one(total)


SCENARIOS: dict[str, Callable[[], Any]] = {
    function.__name__: function
    for function in (
        *(walks_a_set, calls_exp, sorts_ties, calls_the_c_library, multiplies_matrices, sums_groups),
        *(reduces_in_parallel, adds_with_fastmath, reads_the_local_clock, reads_text_by_the_locale),
        *(trusts_its_cache, adds_in_chunks, races, holds),
    )
} | {"remembers_one": partial(remembers, 1.0), "remembers_two": partial(remembers, 2.0)}


def cache_folder() -> Path:
    return Path(os.environ["VARYING_CACHE"])


def workers() -> str:
    return os.environ.get("VARYING_WORKERS", "1")


@dataclass(frozen=True)
class GoldenSet:
    """One table of bars, and scenarios on it."""

    name: str
    cases: Sequence[tuple[str, str]]
    about: str = "an engine that is wrong"
    on_bad_bars: str = "refuse"
    keep_outputs: bool = True

    @property
    def inputs(self) -> Mapping[str, Callable[[], pl.DataFrame]]:
        return {"bars": lambda: pl.DataFrame({"timestamp": [1, 2], "symbol": ["A", "A"], "close": [1.0, 2.0]})}

    @property
    def documents(self) -> Mapping[str, Any]:
        return {}


@dataclass
class Session:
    """The bars under a build: an empty one does not race."""

    build: Sequence[str]
    bars: pl.DataFrame
    notes: tuple[str, ...] = ()
    symbols: int = 1
    timestamps: int = 2
    rows: int = 2

    def asked(self) -> Tables:
        return {}

    def settle(self) -> None:
        """Nothing is started."""

    def counts(self) -> dict[str, int]:
        return {"parts added": int(workers())} if workers() != "1" else {}

    def prepare(self, scenario: str) -> Callable[[], Callable[[], Tables]]:
        def run() -> Callable[[], Tables]:
            values = SCENARIOS[scenario]() if self.build or scenario != "races" else np.arange(32.0)
            return lambda: {"equity": pl.DataFrame({"value": values})}

        return run


class Subject:
    """What the workers and the matrix ask of a subject."""

    name = "varying"
    stages = ("equity",)
    input_errors: tuple[type[Exception], ...] = ()
    knobs: Mapping[str, Mapping[str, str]] = {"workers 3": {"VARYING_WORKERS": "3"}}
    source_root = Path(__file__).parent

    def candidates(self) -> list[Any]:
        return []

    def golden_sets(self) -> list[GoldenSet]:
        steady = [("bars", name) for name in SCENARIOS if name != "races"]
        return [GoldenSet("steady", steady), GoldenSet("racing", [("bars", "races"), ("bars", "holds")])]

    def caches_in(self, folder: Path) -> dict[str, str]:
        return {"VARYING_CACHE": str(folder)}

    def load(self, names: Sequence[str], data: Path, on_bad_bars: str) -> Session:  # noqa: ARG002 - the protocol's
        return Session(names, pl.read_ipc(data))

    def state(self, outputs: Tables, bars: pl.DataFrame, moment: int, symbol: str) -> list[str]:  # noqa: ARG002
        return []


SUBJECT = Subject()
