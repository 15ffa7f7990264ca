"""Trials: the points of a parameter sweep, and the rows that they come to."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from engine.errors import InputError
from engine.metrics import Metrics
from engine.strategy import Strategy

Value = float | int | str | bool
Parameters = Mapping[str, Sequence[Value]] | Sequence[Mapping[str, Value]]
StrategyMaker = Callable[..., Strategy]


@dataclass(frozen=True)
class Trial:
    """One point of a sweep: a strategy, and the parameters that make it."""

    strategy: Strategy | StrategyMaker
    parameters: Mapping[str, Value]

    def make(self) -> Strategy:
        """Return the strategy with these parameters."""
        if isinstance(self.strategy, Strategy):
            return dataclasses.replace(self.strategy, **self.parameters)  # type: ignore[type-var]  # checked by trials_of
        return self.strategy(**self.parameters)

    @property
    def seed(self) -> int:
        """The seed of chance in this trial: from its parameters, never from where or when it runs."""
        return int.from_bytes(hashlib.sha256(repr(sorted(self.parameters.items())).encode()).digest()[:4], "big")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python's and NumPy's own generators for a while; afterwards they go on as if nothing had been."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is what strategies use
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C during a sweep: `table` has the rows that were done by then, as the sweep would have given them."""

    def __init__(self, table: pl.DataFrame, trials: int) -> None:
        super().__init__(f"the sweep was interrupted after {len(table)} of {trials} trials; .table has their rows")
        self.table = table


@dataclass(frozen=True)
class TrialRow:
    """What a trial came to: its metrics and the digest of what happened to its account, or its error."""

    metrics: Metrics | None
    digest: str | None
    error: str | None


def trials_of(strategy: Strategy | StrategyMaker, parameters: Parameters) -> list[Trial]:
    """Return the trials, in order: those of a list as they stand, those of a grid with the last name fastest.

    Args:
        strategy: a class or function that takes the parameters by name, or a strategy that is a dataclass.
        parameters: for each name its values, all combinations of which are tried; or a list of points.

    Raises:
        InputError: where there is no trial, or the strategy does not know a parameter.
    """
    if isinstance(parameters, Mapping):
        points = [dict(zip(parameters, values, strict=True)) for values in itertools.product(*parameters.values())]
        points = points if parameters else []
    else:
        points = [dict(point) for point in parameters]
    if not points:
        raise InputError("a sweep without a trial", hint="Give each parameter at least one value")
    known = _parameters_of(strategy)
    for point in points:
        if known is not None and (unknown := [name for name in point if name not in known]):
            hint = f"Choose from {', '.join(known)}"
            raise InputError(f"the strategy does not know the parameter {unknown[0]!r}", hint=hint)
        if set(point) != set(points[0]):
            raise InputError("the trials do not have the same parameters", hint=f"The first has {', '.join(points[0])}")
    return [Trial(strategy, point) for point in points]


def _parameters_of(strategy: Strategy | StrategyMaker) -> list[str] | None:
    """Return the names that a strategy takes; None where it takes any."""
    if isinstance(strategy, Strategy):
        known: dict[str, dataclasses.Field[object]] | None = getattr(strategy, "__dataclass_fields__", None)
        if known is None:
            hint = "Give the class, or a function that makes the strategy from the parameters"
            raise InputError(f"a {type(strategy).__name__} that is made already can't be given parameters", hint=hint)
        return [name for name, field in known.items() if field.init]
    taken = inspect.signature(strategy).parameters.values()
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken):
        return None
    return [one.name for one in taken]


def sweep_table(trials: Sequence[Trial], rows: Mapping[int, TrialRow]) -> pl.DataFrame:
    """Return a row for each trial that has one, in order: number, parameters, metrics, digest, error."""
    done = sorted(rows)
    columns: dict[str, list[object]] = {"trial": [place + 1 for place in done]}
    for name in trials[0].parameters:
        columns[name] = [trials[place].parameters[name] for place in done]
    for field in fields(Metrics):
        columns[field.name] = [
            getattr(metrics, field.name) if (metrics := rows[place].metrics) else None for place in done
        ]
    columns["digest"] = [rows[place].digest for place in done]
    columns["error"] = [rows[place].error for place in done]
    numbers = {field.name: pl.Int64 if field.type == "int" else pl.Float64 for field in fields(Metrics)}
    return pl.DataFrame(columns, schema_overrides={**numbers, "digest": pl.String, "error": pl.String})
