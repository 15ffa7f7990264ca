"""`optimize profile`."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from optimizer.checking import build_named
from optimizer.commands.shared import BAD_BARS, processes_of, project, workload
from optimizer.config import Config
from optimizer.errors import InputError
from optimizer.files import write_json
from optimizer.profiling import ALL_KINDS, CACHEGRIND, profile_build
from optimizer.progress import Progress, make_console
from optimizer.reporters.profile_text import lines_of

_FOLDER = "profile"


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Bars to profile on; a generated market if not given.")
@click.option("--on-bad-bars", type=BAD_BARS, default="refuse", show_default=True, help="What to do with bad rows.")
@click.option("--scenario", help="Profile this scenario alone; those that candidates are judged on if not given.")
@click.option(
    "--from",
    "start",
    default="reference",
    show_default=True,
    metavar="BUILD",
    help="Profile the reference, the accepted build (build), or names with commas between.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="KIND",
    help=f"Only this kind, beside where the time goes; may be given again. Kinds: {', '.join(ALL_KINDS)}.",
)
@click.option("--cachegrind", is_flag=True, help="Also count in valgrind's simulated caches: takes minutes.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where the profile goes; reports/ if not given."
)
def profile(
    data: Path | None,
    on_bad_bars: str,
    scenario: str | None,
    start: str,
    kinds: tuple[str, ...],
    cachegrind: bool,
    out: Path | None,
) -> None:
    """Say where time and memory go, what is read, what is computed again, and which focus could help.

    Every kind of profile is taken in a process of its own. The summary is printed; the document profile.json and the
    folder profile/, with a flame graph, a call tree, memray's report and the raw data, stand in the folder --out.

    \b
    optimize profile
    optimize profile --data prices.parquet --from build
    optimize profile --scenario sma_cross --kind memory --kind redundant
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    if unknown := [kind for kind in kinds if kind not in ALL_KINDS]:
        raise InputError(f"unknown kind {unknown[0]!r}", hint=f"Choose from {', '.join(ALL_KINDS)}")
    config = project()
    label, build = build_named(config, start)
    out = (out or config.reports).resolve()
    progress = Progress(make_console())
    with processes_of(config) as (processes, scratch):
        wanted = workload(config, scratch, data, on_bad_bars, scenario)
        scenarios = [wanted.scenario] if scenario else _scenarios(config, wanted.scenario)
        job = replace(wanted, others=()).job() | {
            "scenarios": scenarios,
            "warm_up": list(config.subject.common_scenarios),
        }
        chosen = (*(kinds or ALL_KINDS), *((CACHEGRIND,) if cachegrind else ()))
        with progress.stage(f"Profiling {label}"):
            found = profile_build(processes, build, job, scratch / _FOLDER, tick=progress.tick, kinds=chosen)
        _move(scratch, out, found)
    for line in lines_of(found):
        progress.say(line)
    progress.say("")
    progress.say(f"Document: {_shown(config, out / _FOLDER)}.json")
    for name, file in found["files"].items():
        progress.say(f"  {name.replace('_', ' ')}: {_shown(config, out / file)}")


def _shown(config: Config, path: Path) -> str:
    return config.relative(path) if path.is_relative_to(config.root) else str(path)


def _scenarios(config: Config, first: str) -> list[str]:
    """Return the scenarios that candidates are judged on, the default one first."""
    own = [one.workload.scenario for one in config.subject.candidates()]
    return list(dict.fromkeys((first, *own)))


def _move(scratch: Path, out: Path, found: dict[str, Any]) -> None:
    """Put a profile that is whole in the place of the one before."""
    out.mkdir(parents=True, exist_ok=True)
    coming = Path(tempfile.mkdtemp(prefix=f".{_FOLDER}.", dir=out))
    try:
        shutil.copytree(scratch / _FOLDER, coming / _FOLDER)
        shutil.rmtree(out / _FOLDER, ignore_errors=True)
        (coming / _FOLDER).rename(out / _FOLDER)
    finally:
        shutil.rmtree(coming)
    write_json(out / f"{_FOLDER}.json", found)
