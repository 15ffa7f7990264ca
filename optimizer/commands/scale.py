"""`optimize scale`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from optimizer.commands.shared import limited, processes_of, project
from optimizer.config import Config
from optimizer.errors import CheckError, InputError
from optimizer.files import write_json
from optimizer.hardware import hardware_profile
from optimizer.limits import Limits
from optimizer.progress import Progress, make_console
from optimizer.reporters.scale_text import scale_lines
from optimizer.scaling import Scaling
from optimizer.scaling_points import Plan

_SYMBOLS = "10,30,100,300,1000,2000"
_TIMESTAMPS = "100,300,1000,3000"
_FIXED_SYMBOLS, _FIXED_TIMESTAMPS = 100, 250  # what the other axis is left at


def _counts(_: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Return whole numbers with commas between, in order, each once."""
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isdecimal() and 1 <= int(part) <= 1_000_000 for part in parts):
        what = f"{value!r} is no list of sizes: whole numbers with commas between, such as 10,30,100"
        raise click.BadParameter(what, param=param)
    return tuple(sorted({int(part) for part in parts}))


@click.command()
@click.option(
    "--symbols", callback=_counts, default=_SYMBOLS, show_default=True, metavar="N,N,...", help="Numbers of symbols."
)
@click.option(
    "--timestamps",
    callback=_counts,
    default=_TIMESTAMPS,
    show_default=True,
    metavar="N,N,...",
    help="Numbers of timestamps.",
)
@click.option("--scenario", help="What is run; that of the default workload if not given.")
@click.option(
    "--budget",
    type=click.FloatRange(min=0.0, min_open=True),
    default=6.0,
    show_default=True,
    metavar="MINUTES",
    help="The time that it may take; what would take longer is left out, and told.",
)
@limited
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where scaling.json goes; reports/ if not given."
)
def scale(
    symbols: tuple[int, ...],
    timestamps: tuple[int, ...],
    scenario: str | None,
    budget: float,
    memory: int | None,
    cores: int | None,
    out: Path | None,
) -> None:
    """Measure how time and memory grow with the size of the market, and write scaling.json.

    Reference and accepted build run on generated markets, each in fresh processes: with more and more symbols over
    250 timestamps, and more and more timestamps of 100 symbols. Told are the median of a warm run, the largest memory
    of its process, and the exponent b of time ~ size^b with its interval. All builds must give the same bits.

    With --memory or --cores it tells what happens where there is less of them; a process that needs more memory than
    it is given ends, and is told as such. docs/SCALING.md says what else happens under limits.

    \b
    optimize scale
    optimize scale --symbols 10,100,1000 --timestamps 250 --budget 2
    optimize scale --memory 512M --cores 1 --out /tmp/limits
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    config, progress = project(), Progress(make_console())
    scenario = _scenario(config, scenario)
    out = (out or config.reports).resolve()
    plan = Plan(symbols, timestamps, _FIXED_SYMBOLS, _FIXED_TIMESTAMPS, scenario, budget * 60.0)
    builds = {"reference": (), "final": tuple(config.subject.accepted())}
    with processes_of(config, Limits(memory, cores)) as (processes, scratch):
        scaling = Scaling(processes, plan, builds, scratch, progress.tick)
        with progress.stage(f"Measuring {len(scaling.points)} points, at most {budget:g} minutes"):
            scaling.measure()
        document = scaling.document(" ".join(["optimize", *sys.argv[1:]]), hardware_profile())
    write_json(out / "scaling.json", document)
    for line in scale_lines(document):
        progress.say(line)
    progress.say(f"Written to {config.relative(out / 'scaling.json')}")
    if not any(point.told for point in scaling.points):
        raise CheckError("no point could be measured: see above why")


def _scenario(config: Config, named: str | None) -> str:
    scenario = named or config.subject.default_workload.scenario
    if scenario not in config.subject.scenarios():
        raise InputError(f"unknown scenario {scenario!r}", hint=f"Choose from {', '.join(config.subject.scenarios())}")
    return scenario
