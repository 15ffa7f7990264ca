"""`optimize golden`."""

from __future__ import annotations

from pathlib import Path

import click

from optimizer.checking import ACCEPTED, REFERENCE, check_all, refuse
from optimizer.commands.shared import processes_of, project, sets
from optimizer.config import Config
from optimizer.errors import InputError
from optimizer.found import SET, add, read_kept
from optimizer.progress import Progress, make_console
from optimizer.recording import Recorded, record_anew, sole_writer


@click.group()
def golden() -> None:
    """Record the golden sets, or check that the reference still gives them."""


@golden.command("record")
@click.option("--reason", required=True, help="Why the expected outputs change; it stands in the manifest and notice.")
@click.option("--set", "set_name", help="Record one golden set only.")
def golden_record(reason: str, set_name: str | None) -> None:
    """Record the golden sets from the reference: a deliberate act, never a side effect.

    Where an output moved, a golden change notice under golden/notices/ tells what and by how much.
    """
    if not reason.strip():
        raise InputError("the reason is empty", hint="Say why the expected outputs change")
    config = project()
    progress = Progress(make_console())
    with sole_writer(config):
        for spec in sets(config, set_name):
            with processes_of(config) as (processes, scratch):
                with progress.stage(f"Recording {spec.name}: {len(spec.cases)} scenarios"):
                    recorded = record_anew(config, spec, processes, scratch, reason=reason)
                progress.say(f"{spec.name}: {_told(config, recorded)}")


def _told(config: Config, recorded: Recorded | None) -> str:
    if recorded is None:
        return "skipped, its data is not on this machine"
    manifest, moved = config.relative(recorded.manifest), recorded.moved
    if recorded.notice is None:
        return f"{manifest}: nothing moved, so there is no notice"
    counts = f"{len(moved.added)} added, {len(moved.removed)} removed, {len(moved.changed)} changed"
    return f"{manifest}: {counts}; {config.relative(recorded.notice.path)} tells what moved, and by how much"


@golden.command("add")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--reason", required=True, help="Why the case is kept; it stands in the manifest and the notice.")
@click.option("--name", help="What it is called in the set; as it was found if not given.")
def golden_add(folder: Path, reason: str, name: str | None) -> None:
    """Add a case that `optimize fuzz` has kept in FOLDER to the golden set `found`, as the reference runs it.

    From then on `optimize check` holds every build to it. What the set has already is not recorded again.
    """
    if not reason.strip():
        raise InputError("the reason is empty", hint="Say why the case is kept")
    config = project()
    progress = Progress(make_console())
    kept = read_kept(folder)
    with sole_writer(config), processes_of(config) as (processes, scratch), progress.stage(f"Recording {kept.name}"):
        added, notice = add(config, kept, processes, scratch, reason=reason, name=name)
    progress.say(f"{SET}/{added}: added, with what the reference gives; {config.relative(notice.path)} tells of it")
    progress.say(f"Next: optimize check --set {SET}, then commit the set with the notice")


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
        outcomes = check_all(
            config,
            processes,
            scratch,
            progress,
            set_name,
            builds={ACCEPTED if accepted else REFERENCE: build},
        )
    refuse(outcomes)
