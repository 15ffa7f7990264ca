"""The Subject protocol: all that the optimizer knows of an engine.

An engine takes part by naming, under `[tool.optimize] subject`, an object with these methods. Builds are ordered
names of optimizations over the reference; the empty build is the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

Outputs = Mapping[str, pl.DataFrame]
"""The outputs of one run, by name; a table that has them is located by its `timestamp` and `symbol` columns."""
Build = tuple[str, ...]


class WorkloadSpec(Protocol):
    """What a candidate is judged on: a figure of a scenario."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def scenario(self) -> str:
        """The scenario."""
        ...

    @property
    def figure(self) -> str:
        """One of optimizer.benchmark.FIGURES: run, cold, kept or load."""
        ...

    @property
    def form(self) -> str | None:
        """The suffix of the file that the data is given in, or None where it is given as it comes."""
        ...


class Candidate(Protocol):
    """An optimization as a reviewer is shown it."""

    @property
    def name(self) -> str:
        """Its name, focus/name."""
        ...

    @property
    def focus(self) -> str:
        """What kind of cure it is."""
        ...

    @property
    def component(self) -> str:
        """The component that it replaces."""
        ...

    @property
    def requires(self) -> tuple[str, ...]:
        """What must stand before it in a build."""
        ...

    @property
    def after(self) -> tuple[str, ...]:
        """What stands before it where a build has both."""
        ...

    @property
    def workload(self) -> WorkloadSpec:
        """What it is judged on."""
        ...

    @property
    def title(self) -> str:
        """One line: what changes."""
        ...

    @property
    def how(self) -> str:
        """How it works."""
        ...

    @property
    def exact(self) -> str:
        """Why no bit can change."""
        ...

    @property
    def risk(self) -> str:
        """What to look out for."""
        ...

    @property
    def path(self) -> Path:
        """Its source."""
        ...

    @property
    def source_digest(self) -> str:
        """SHA-256 of its source."""
        ...


class GoldenSet(Protocol):
    """Inputs and the scenarios on them."""

    @property
    def name(self) -> str:
        """Its folder."""
        ...

    @property
    def about(self) -> str:
        """One line for people."""
        ...

    @property
    def inputs(self) -> Mapping[str, Callable[[], pl.DataFrame] | None]:
        """What makes each input; None for a file from outside, which is known by its name and digest."""
        ...

    @property
    def cases(self) -> Sequence[tuple[str, str]]:
        """Pairs of an input and a scenario."""
        ...

    @property
    def documents(self) -> Mapping[str, Mapping[str, Any]]:
        """The documents of the cases that the fuzzer has drawn, by `input/scenario`."""
        ...

    @property
    def on_bad_bars(self) -> str:
        """Refuse or drop."""
        ...

    @property
    def keep_outputs(self) -> bool:
        """Whether the outputs are kept beside their digests."""
        ...


class Session(Protocol):
    """Loaded data under one build."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done to the data on loading."""
        ...

    @property
    def symbols(self) -> int:
        """How many symbols."""
        ...

    @property
    def timestamps(self) -> int:
        """How many timestamps."""
        ...

    @property
    def rows(self) -> int:
        """How many bars."""
        ...

    @property
    def bars(self) -> pl.DataFrame:
        """The data as it was loaded, which no run may change; sorted by timestamp."""
        ...

    def asked(self) -> Outputs:
        """Return what the run that was prepared last is given beside the data, as tables: no run may change it."""
        ...

    def until(self, last: int) -> Session:
        """Return the session of the data up to a timestamp, given as the number that stands for it in the data."""
        ...

    def settle(self) -> None:
        """Wait until all that runs have started beside them is ready."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Return what was counted, by name, since this was last asked: what caches found, what was left out."""
        ...

    def prepare(self, scenario: str) -> Callable[[], Callable[[], Outputs]]:
        """Return a scenario, ready to run; what a run returns lays the outputs out as tables."""
        ...

    def prepare_drawn(self, document: Mapping[str, Any]) -> Callable[[], Callable[[], Outputs]]:
        """Return a case that the fuzzer has drawn, ready to run.

        A document is JSON: `form`, the suffix of the file that the data is in, and what the engine itself has written.
        """
        ...

    def under(self, names: Sequence[str]) -> Session:
        """Return a session of the same data under another build; read anew where that build reads by other code."""
        ...


class Subject(Protocol):
    """An engine that can be optimized."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def focuses(self) -> tuple[str, ...]:
        """The focuses that a candidate may have."""
        ...

    @property
    def stages(self) -> tuple[str, ...]:
        """The outputs, in the order in which they come about within a timestamp."""
        ...

    @property
    def input_errors(self) -> tuple[type[Exception], ...]:
        """The errors that mean bad input; each has `what`, `where` and `hint`."""
        ...

    @property
    def default_workload(self) -> WorkloadSpec:
        """What the whole build is judged on."""
        ...

    @property
    def common_scenarios(self) -> tuple[str, ...]:
        """The scenarios, small ones, that every candidate is measured on beside its own."""
        ...

    @property
    def knobs(self) -> Mapping[str, Mapping[str, str]]:
        """Environments of the engine's own that must not matter, by what they set; counts tell whether they did."""
        ...

    @property
    def cache_counts(self) -> Mapping[str, tuple[str, str]]:
        """The engine's own caches: under which names a session counts what each found, and what it did not find."""
        ...

    @property
    def build_file(self) -> Path:
        """Where the accepted build stands."""
        ...

    @property
    def source_root(self) -> Path:
        """The folder of its sources."""
        ...

    @property
    def components(self) -> Mapping[str, str]:
        """The component that each source file (relative to the root) belongs to."""
        ...

    def candidates(self) -> Sequence[Candidate]:
        """Return all optimizations."""
        ...

    def scenarios(self) -> Mapping[str, str]:
        """Return what each scenario is about, by name."""
        ...

    def golden_sets(self) -> Sequence[GoldenSet]:
        """Return the golden sets."""
        ...

    def default_data(self) -> tuple[str, pl.DataFrame]:
        """Return the data of a run where none is named, with a file name for it."""
        ...

    def caches_in(self, folder: Path) -> Mapping[str, str]:
        """Return the environment of a process that keeps its caches in this folder."""
        ...

    def write_as(self, form: str, data: Path, target: Path) -> None:
        """Write a file of bars, bad rows and all, in another form."""
        ...

    def check_build(self, names: Sequence[str]) -> None:
        """Raise where these do not make a build."""
        ...

    def extend(self, names: Sequence[str], name: str) -> Build:
        """Return the build with one more optimization, where it may stand."""
        ...

    def accepted(self) -> dict[str, str]:
        """Return the accepted build, each optimization with its notice."""
        ...

    def accept(self, name: str, ecn: str) -> Build:
        """Put an optimization into the accepted build."""
        ...

    def load(self, names: Sequence[str], data: Path, on_bad_bars: str) -> Session:
        """Load data under a build."""
        ...

    def state(self, outputs: Outputs, bars: pl.DataFrame, moment: int, symbol: str) -> list[str]:
        """Return the state after a timestamp, from the outputs of a run, in lines; `symbol` is always told of."""
        ...

    def check_drawn(self, document: Mapping[str, Any], where: object) -> None:
        """Raise an input error where this is no document of a drawn case; `where` is what it names."""
        ...

    def drawn_cases(self, builds: Sequence[Build]) -> Any:
        """Return a Hypothesis strategy of pairs, data and a document for `prepare_drawn`, to try these builds on."""
        ...


@runtime_checkable
class Tunable(Protocol):
    """A subject whose engine takes settings of the machine; an engine need not."""

    @property
    def settings_file(self) -> Path:
        """Where the settings stand."""
        ...

    def settings_for(self, hardware: Mapping[str, Any], symbols: int | None) -> Mapping[str, Any]:
        """Return the settings for a machine, as `optimizer.hardware` tells of it, and a market of so many symbols.

        Keys: `workers`, `chunk_rows` (rows), `cache_bytes`, `io` ("ssd" or "hdd"), `mmap`, and `why`, a sentence for
        each of them.
        """
        ...

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Put settings into the engine's file."""
        ...


@runtime_checkable
class ScaledData(Protocol):
    """A subject that generates data of any size, which `optimize scale` needs; no subject has to."""

    def scaled_data(self, *, symbols: int, timestamps: int) -> pl.DataFrame:
        """Return data of so many symbols, each with a bar at every timestamp."""
        ...
