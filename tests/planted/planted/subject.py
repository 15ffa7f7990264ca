"""The faulty engine and the sound one as one subject: a scenario each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl

from planted import faulty, loading, sound

_RUNS = {"faulty": faulty.run, "sound": sound.run, "crash": None}


class Workload(NamedTuple):
    """What a candidate is judged on."""

    name: str = "faulty"
    scenario: str = "faulty"
    figure: str = "run"
    form: str | None = None


_WORKLOAD = Workload()


@dataclass(frozen=True)
class Session:
    """Bars, and counts of a cache that nobody uses."""

    bars: pl.DataFrame
    notes: tuple[str, ...] = ()
    counted: dict[str, int] = field(default_factory=lambda: {"found": 0, "not found": 0})

    @property
    def symbols(self) -> int:
        """How many symbols."""
        return self.bars["symbol"].n_unique()

    @property
    def timestamps(self) -> int:
        """How many timestamps."""
        return self.bars["timestamp"].n_unique()

    @property
    def rows(self) -> int:
        """How many bars."""
        return len(self.bars)

    def until(self, last: int) -> Session:
        """Return the bars up to a timestamp."""
        return replace(self, bars=self.bars.filter(pl.col("timestamp").to_physical() <= last))

    def settle(self) -> None:
        """Nothing runs beside."""

    def counts(self) -> Mapping[str, int]:
        """Return what was counted, three hits and a miss a run, and begin anew."""
        counts = dict(self.counted)
        self.counted.update(dict.fromkeys(self.counted, 0))
        return counts

    def prepare(self, scenario: str) -> Callable[[], Callable[[], Mapping[str, pl.DataFrame]]]:
        """Return a scenario, ready to run."""
        return partial(self._run, scenario)

    def _run(self, scenario: str) -> Callable[[], Mapping[str, pl.DataFrame]]:
        self.counted["found"] += 3
        self.counted["not found"] += 1
        equity = _RUNS[scenario](self.bars["close"].to_list())
        table = pl.DataFrame({"timestamp": range(100), "equity": [equity] * 90 + [0.0] * 10})
        flags = pl.DataFrame({"timestamp": range(4), "symbol": ["A"] * 4, "gate": [True, False, False, False]})
        return lambda: {"equity": table, "gates": flags}


@dataclass(frozen=True)
class Candidate:
    """A candidate that only says what it is for."""

    name: str
    focus: str
    component: str
    workload: Workload = _WORKLOAD
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    path: Path = Path("/nowhere/candidate.py")


@dataclass(frozen=True)
class Subject:
    """What the profiles ask of a subject."""

    name: str = "planted"
    focuses: tuple[str, ...] = ("caching", "vectorization", "io", "parallelism", "gates", "early-exit")
    input_errors: tuple[type[Exception], ...] = ()
    default_workload: Workload = _WORKLOAD
    common_scenarios: tuple[str, ...] = ()
    source_root: Path = Path(__file__).parent
    components: Mapping[str, str] = field(
        default_factory=lambda: {"faulty.py": "work", "sound.py": "work", "loading.py": "loader"}
    )
    cache_counts: Mapping[str, tuple[str, str]] = field(default_factory=lambda: {"store": ("found", "not found")})
    knobs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def candidates(self) -> Sequence[Candidate]:
        """Return a candidate of each focus, for the component that its kind of cure is about."""
        about = {"io": "loader", "gates": "gates"}
        return [Candidate(f"{focus}/one", focus, about.get(focus, "work")) for focus in self.focuses]

    def scenarios(self) -> Mapping[str, str]:
        """Return the scenarios."""
        return dict.fromkeys(_RUNS, "an engine")

    def caches_in(self, folder: Path) -> Mapping[str, str]:  # noqa: ARG002 - it keeps none
        """Return nothing: there are no caches."""
        return {}

    def check_build(self, names: Sequence[str]) -> None:
        """Let all names be a build."""

    def accepted(self) -> dict[str, str]:
        """Return the accepted build: the reference."""
        return {}

    def load(self, names: Sequence[str], data: Path, on_bad_bars: str) -> Session:  # noqa: ARG002 - one build alone
        """Load bars."""
        return Session(loading.read(data))


SUBJECT = Subject()
