"""The catalog of optimizations: found by walking their folder, never listed by hand.

An optimization is one file, `engine/optimizations/<focus>/<name>.py`, with one decorated function that takes
a component and returns a faster one. Its name is its file's, its focus its folder's, and its module docstring
is its notice: the first line is the title, and paragraphs that begin with `How:`, `Exact:` and `Risk:` tell
the reviewer how it works, why no bit can change, and what to look out for.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import InputError
from engine.pipeline import Pipeline
from engine.reference.broker import Broker
from engine.reference.features import compute_features
from engine.reference.feed import DataFeed
from engine.reference.gates import evaluate_gate
from engine.reference.loader import load_bars
from engine.reference.loop import run_loop
from engine.reference.rules import PositionRules
from engine.reference.sweep import run_trials

FOCUSES = ("caching", "vectorization", "io", "parallelism", "gates", "early-exit")
REFERENCE = Pipeline(
    loader=load_bars,
    feed=DataFeed,
    features=compute_features,
    gates=evaluate_gate,
    rules=PositionRules,
    broker=Broker,
    loop=run_loop,
    sweep=run_trials,
)
BUILD_FILE = Path(__file__).with_name("build.toml")
OPTIMIZATIONS = Path(__file__).with_name("optimizations")


@dataclass(frozen=True)
class Optimization:
    """A named replacement of one component."""

    name: str
    component: str
    apply: Callable[[Any], Any]
    requires: tuple[str, ...]
    after: tuple[str, ...]
    workload: str | None
    path: Path
    doc: str

    @property
    def focus(self) -> str:
        """What kind of cure it is: the folder it stands in."""
        return self.name.split("/")[0]


_registered: dict[str, Optimization] = {}  # exact: filled while modules are imported


def optimization(
    *, component: str, requires: Sequence[str] = (), after: Sequence[str] = (), workload: str | None = None
) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Register the decorated function as the optimization of this file.

    Args:
        component: the part of the pipeline that it takes and returns.
        requires: optimizations that must stand before it in a build.
        after: optimizations that, where a build has them, stand before it: they would replace what it wraps,
            or have nothing left to do once it covers their work.
        workload: what it is judged on, by its name in `engine.scenarios.WORKLOADS`; that of its component if None.
    """
    known = [field.name for field in fields(Pipeline) if field.name != "build"]
    if component not in known:
        raise InputError(f"unknown component {component!r}", hint=f"Choose from {', '.join(known)}")

    def register(apply: Callable[[Any], Any]) -> Callable[[Any], Any]:
        module = inspect.getmodule(apply)
        path = Path(inspect.getfile(apply))
        name = f"{path.parent.name.replace('_', '-')}/{path.stem}"
        _registered[name] = Optimization(
            name=name,
            component=component,
            apply=apply,
            requires=tuple(requires),
            after=tuple(after),
            workload=workload,
            path=path,
            doc=inspect.getdoc(module) or "",
        )
        return apply

    return register


@cache
def catalog() -> tuple[Optimization, ...]:
    """Return every optimization, by name."""
    package = importlib.import_module("engine.optimizations")
    for module in pkgutil.walk_packages(package.__path__, "engine.optimizations."):
        _import(module.name)
    return tuple(_registered[name] for name in sorted(_registered))


def _import(module: str) -> None:
    try:
        importlib.import_module(module)
    except Exception as error:
        where = module.replace(".", "/") + ".py"
        hint = "Correct the file, or take it out of the folder"
        raise InputError(f"can't be imported ({type(error).__name__}: {error})", where=where, hint=hint) from error


def find(name: str) -> Optimization:
    """Return the optimization of this name; of the catalog, only its file is imported."""
    focus, _, stem = name.replace("-", "_").partition("/")
    if name not in _registered and stem.isidentifier() and (OPTIMIZATIONS / focus / f"{stem}.py").is_file():
        _import(f"engine.optimizations.{focus}.{stem}")
    if name not in _registered:
        known = ", ".join(one.name for one in catalog())
        raise InputError(f"unknown optimization {name!r}", hint=f"Choose from {known}")
    return _registered[name]


def is_imported(name: str) -> bool:
    """Whether the file of an optimization has been imported."""
    return name in _registered


def compose(names: Iterable[str]) -> Pipeline:
    """Return the pipeline of a build: the reference with these optimizations applied, in this order."""
    pipeline = REFERENCE
    applied: list[str] = []
    for name in names:
        chosen = find(name)
        if missing := [needed for needed in chosen.requires if needed not in applied]:
            raise InputError(f"{name} requires {', '.join(missing)} before it", where="build")
        if name in applied:
            raise InputError(f"{name} stands in the build twice", where="build")
        if late := [other for other in applied if name in find(other).after]:
            raise InputError(f"{name} must stand before {', '.join(late)}", where="build")
        inner = getattr(pipeline, chosen.component)
        pipeline = replace(pipeline, **{chosen.component: chosen.apply(inner)})
        applied.append(name)
    return replace(pipeline, build=tuple(applied))


def extend(build: Sequence[str], name: str) -> tuple[str, ...]:
    """Return the build with one more optimization, in the given order as far as each may stand there."""
    pending = [*build, name]
    ordered: list[str] = []
    while pending:
        waits = {one: {*find(one).requires, *find(one).after} & set(pending) for one in pending}
        chosen = next((one for one in pending if not waits[one] - {one}), pending[0])
        pending.remove(chosen)
        ordered.append(chosen)
    return tuple(ordered)


def build_of(name: str) -> tuple[str, ...]:
    """Return the build of an optimization on just what it requires."""
    build: tuple[str, ...] = ()
    for needed in find(name).requires:
        for one in build_of(needed):
            build = build if one in build else extend(build, one)
    return extend(build, name)


def accepted_build() -> dict[str, str]:
    """Return the accepted build, in order: each optimization with the ECN that accepted it."""
    try:
        table = tomllib.loads(BUILD_FILE.read_text(encoding="utf-8")).get("build", {})
    except (OSError, ValueError) as error:
        raise InputError(f"can't be read ({error})", where=BUILD_FILE) from error
    if not isinstance(table, dict) or not all(isinstance(ecn, str) for ecn in table.values()):
        raise InputError("is damaged", where=BUILD_FILE, hint='Below [build] every line is "focus/name" = "ECN-NNNN"')
    return dict(table)
