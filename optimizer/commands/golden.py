"""`optimize golden`."""

from __future__ import annotations

import click

from optimizer.checking import check_all
from optimizer.commands.shared import processes_of, project, sets
from optimizer.errors import InputError
from optimizer.golden import record
from optimizer.progress import Progress, make_console


@click.group()
def golden() -> None:
    """Record the golden sets, or check that the reference still gives them."""


@golden.command("record")
@click.option("--reason", required=True, help="Why the expected outputs change; it stands in the manifest.")
@click.option("--set", "set_name", help="Record one golden set only.")
def golden_record(reason: str, set_name: str | None) -> None:
    """Record the golden sets from the reference: a deliberate act, never a side effect."""
    if not reason.strip():
        raise InputError("the reason is empty", hint="Say why the expected outputs change")
    config = project()
    progress = Progress(make_console())
    for spec in sets(config, set_name):
        with processes_of(config) as (processes, scratch):
            with progress.stage(f"Recording {spec.name}: {len(spec.cases)} scenarios"):
                path = record(config, spec, processes, reason=reason, scratch=scratch)
            told = config.relative(path) if path else "skipped, its data is not on this machine"
            progress.say(f"{spec.name}: {told}")


@golden.command("check")
@click.option("--set", "set_name", help="Check one golden set only.")
@click.option(
    "--build/--reference", "accepted", default=False, help="Check the accepted build or, as default, the reference."
)
def golden_check(set_name: str | None, accepted: bool) -> None:
    """Verify every golden file, and that the reference still gives these bits."""
    config = project()
    build = tuple(config.subject.accepted()) if accepted else ()
    progress = Progress(make_console())
    with processes_of(config) as (processes, scratch):
        check_all(
            config,
            processes,
            scratch,
            progress,
            set_name,
            builds={"the accepted build" if accepted else "the reference": build},
        )
