"""`optimize replay`."""

from __future__ import annotations

import click

from optimizer.checking import build_named
from optimizer.commands.shared import processes_of, project, sets
from optimizer.errors import CheckError, InputError
from optimizer.golden import open_golden
from optimizer.progress import Progress, make_console
from optimizer.replay import replay as run_again


@click.command()
@click.argument("case", metavar="SET/INPUT/SCENARIO")
@click.option(
    "--build",
    "names",
    default="build",
    show_default=True,
    help="Names with commas between, or the accepted build.",
)
@click.option("--until", metavar="TIMESTAMP", help="The last one to run, as the data writes it; all if not given.")
def replay(case: str, names: str, until: str | None) -> None:
    """Run a golden case again under the reference and a build, and show where they part.

    The report of a divergence ends with such a command. With --until both run on the data up to that timestamp only,
    and the state of the account there is shown: cash, positions with their water marks, open orders.

    \b
    optimize replay generated/market/sma_cross --build vectorization/array_feed --until 2010-06-01

    Exit code 1 where they differ.
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    config = project()
    set_name, _, name = case.partition("/")
    if "/" not in name:
        raise InputError(f"no case {case!r}", hint="Write SET/INPUT/SCENARIO, such as generated/market/sma_cross")
    label, build = build_named(config, names)
    golden = open_golden(config, sets(config, set_name)[0])
    if golden is None:
        hint = "Set EXACT_CHANGE_DATA to the folder that has it"
        raise InputError(f"the data of {set_name} is not on this machine", hint=hint)
    progress = Progress(make_console())
    stage = progress.stage(f"Running {case} under the reference and {label}")
    with processes_of(config) as (processes, scratch), stage:
        done = run_again(golden, processes, name, build, until, scratch)
    if done.divergence is not None:
        progress.say(str(done.divergence))
        raise CheckError(f"{label} differs from the reference on {case} up to {done.until}")
    progress.say(f"EXACT      {case} up to {done.until}: {label} gives the reference's bits")
    for line in done.state:
        progress.say(f"           {line}")
