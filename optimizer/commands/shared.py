"""What the commands share: the project, its processes, its golden sets, and what a run is judged on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from optimizer.benchmark import Workload
from optimizer.config import Config, find_config
from optimizer.errors import InputError
from optimizer.files import write_with
from optimizer.found import golden_sets
from optimizer.golden import Golden, open_golden
from optimizer.limits import NO_LIMITS, Limits, parse_size
from optimizer.processes import Processes
from optimizer.subject import GoldenSet

BAD_BARS = click.Choice(["refuse", "drop"])


def _size(_: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a size of memory in bytes."""
    try:
        return None if value is None else parse_size(value)
    except InputError as error:
        raise click.BadParameter(str(error), param=param) from error


def limited(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --memory and --cores, as `memory` in bytes and `cores`; None where they are not given."""
    about = "The memory that each process may ask for, such as 512M."
    memory = click.option("--memory", metavar="SIZE", callback=_size, help=about)
    cores = click.option("--cores", type=click.IntRange(min=1), help="How many cores the processes share.")
    return memory(cores(command))


def project() -> Config:
    """Return the settings of the project that one is in."""
    return find_config(Path.cwd())


def workload(config: Config, out: Path, data: Path | None, on_bad_bars: str, scenario: str | None) -> Workload:
    """Return what a run is judged on; a market is generated into `out` where no data is named."""
    scenario = scenario or config.subject.default_workload.scenario
    if scenario not in config.subject.scenarios():
        raise InputError(f"unknown scenario {scenario!r}", hint=f"Choose from {', '.join(config.subject.scenarios())}")
    if data is None:
        name, table = config.subject.default_data()
        data = out / "data" / name
        write_with(data, table.write_parquet)
    if not data.is_file():
        raise InputError("no such file", where=data, hint="Give the path of a file with bars")
    return Workload(str(data.resolve()), on_bad_bars, scenario)


def first_golden(config: Config) -> Golden:
    """Return the set that candidates are held to: the first of the subject's."""
    golden = open_golden(config, config.subject.golden_sets()[0])
    assert golden is not None, "the first golden set has its inputs with it"  # noqa: S101
    return golden


def _timeout() -> float:
    """Return the seconds after which a process is ended that does not come back: EXACT_CHANGE_TIMEOUT, or 900."""
    named = os.environ.get("EXACT_CHANGE_TIMEOUT") or "900"
    if not named.isdecimal() or int(named) < 1:
        raise InputError(f"EXACT_CHANGE_TIMEOUT is {named!r}", hint="A number of seconds: 1 or more")
    return float(named)


@contextmanager
def processes_of(config: Config, limits: Limits = NO_LIMITS) -> Iterator[tuple[Processes, Path]]:
    """Give what starts processes, and a folder for scratch files that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="exact-change-") as folder:
        processes = Processes(config, Path(folder), timeout=_timeout(), limits=limits)
        try:
            yield processes, Path(folder)
        finally:
            processes.stop()


def sets(config: Config, name: str | None) -> list[GoldenSet]:
    """Return the golden set of this name, or all of them."""
    known = golden_sets(config)
    if name is None:
        return known
    if found := [spec for spec in known if spec.name == name]:
        return found
    raise InputError(f"unknown golden set {name!r}", hint=f"Choose from {', '.join(spec.name for spec in known)}")
