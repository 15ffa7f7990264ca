"""Trials: the points of a parameter sweep, and the rows that they come to."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

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


@dataclass(frozen=True)
class TrialRow:
    """What a trial came to: its metrics and the digest of its outputs, or its error."""

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


def sweep_table(trials: Sequence[Trial], rows: Sequence[TrialRow]) -> pl.DataFrame:
    """Return one row a trial: its number, its parameters, its metrics, the digest of its outputs, its error."""
    columns: dict[str, list[object]] = {"trial": list(range(1, len(trials) + 1))}
    for name in trials[0].parameters:
        columns[name] = [trial.parameters[name] for trial in trials]
    for field in fields(Metrics):
        columns[field.name] = [getattr(row.metrics, field.name) if row.metrics else None for row in rows]
    columns["digest"] = [row.digest for row in rows]
    columns["error"] = [row.error for row in rows]
    numbers = {field.name: pl.Int64 if field.type == "int" else pl.Float64 for field in fields(Metrics)}
    return pl.DataFrame(columns, schema_overrides={**numbers, "digest": pl.String, "error": pl.String})
