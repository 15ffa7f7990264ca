"""`optimize fuzz`."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from optimizer.checking import ACCEPTED, build_named
from optimizer.commands.shared import processes_of, project
from optimizer.config import Config
from optimizer.errors import CheckError, InputError
from optimizer.fuzzing import Found, fuzz
from optimizer.ordering import with_required
from optimizer.progress import Progress, make_console
from optimizer.subject import Build


def builds_to_fuzz(config: Config) -> dict[str, Build]:
    """Return the accepted build, and each optimization of the catalog on just what it requires."""
    subject = config.subject
    builds: dict[str, Build] = {}
    for one in subject.candidates():
        required, _ = with_required(subject, (), one)
        builds[one.name] = subject.extend(required, one.name)
    accepted = tuple(subject.accepted())
    return builds if accepted in (*builds.values(), ()) else {ACCEPTED: accepted, **builds}


@click.command("fuzz")
@click.option("--minutes", type=float, default=1.0, show_default=True, help="How long to draw cases.")
@click.option("--seed", type=int, default=0, show_default=True, help="What is drawn; another seed draws other cases.")
@click.option("--examples", type=click.IntRange(min=1), help="Draw at most so many cases.")
@click.option(
    "--build",
    "names",
    metavar="NAMES",
    help="Try this build only: names with commas between. Each optimization, and the accepted build, if not given.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where finds are kept; reports/found/ if not given."
)
def fuzz_command(minutes: float, seed: int, examples: int | None, names: str | None, out: Path | None) -> None:
    """Hold builds to the reference on cases that nobody thought of; exit 1 with the smallest that differs.

    Markets, strategies, accounts, sweeps and forms of files are drawn by Hypothesis. A case runs by the reference,
    then by each build twice, with cold caches and with warm ones, and every bit of every output is compared, also of
    what is raised. A build that ends its process, or does not come back, has differed. What differs is made smaller
    as long as it differs, and kept with its bars; the same seed draws the same cases.

    \b
    optimize fuzz --minutes 10 --seed 1
    optimize fuzz --build vectorization/array_feed,caching/feature_cache
    optimize golden add reports/found/NAME --reason "..."

    The last line makes a find part of the golden sets, so that it stays found.
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    if not 0.0 < minutes < float("inf"):
        raise InputError(f"{minutes:g} minutes", hint="Give a number above 0: --minutes 0.5 are 30 seconds")
    config = project()
    out = out.resolve() if out else config.reports / "found"
    builds = dict([build_named(config, names)]) if names else builds_to_fuzz(config)
    progress = Progress(make_console())
    with processes_of(config) as (processes, scratch):
        with progress.stage(f"Fuzzing {_counted(len(builds), 'build')} for {minutes:g} min from seed {seed}"):
            done = fuzz(
                config,
                processes,
                builds,
                seconds=minutes * 60.0,
                seed=seed,
                scratch=scratch,
                tick=progress.tick,
                examples=examples,
            )
        for found in done.found:
            progress.say(_told(config, found, _kept(found, out)))
    rate = done.examples / done.seconds if done.seconds else 0.0
    progress.say(f"{_counted(done.examples, 'example')} in {done.seconds:.0f} s, {rate:.1f} a second, seed {seed}")
    if done.found:
        raise CheckError(f"{_counted(len(done.found), 'case')} found on which a build differs from the reference")
    progress.say(f"EXACT      on every example: {', '.join(builds)}")


def _kept(found: Found, out: Path) -> Path:
    """Put a find where it stays, in place of one of the same name, which is the same case."""
    folder = out / found.name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(found.folder, folder)
    return folder


def _told(config: Config, found: Found, folder: Path) -> str:
    """Return a find in lines: who differs, where first, and what to type next."""
    shown = config.relative(folder)
    build = next(iter(found.builds.values()))
    lines = [
        f"DIVERGED   {', '.join(found.builds)}   build: [{', '.join(build)}]",
        found.divergence,
        f"case       {shown}   {_counted(found.bars, 'bar')}, found after {_counted(found.examples, 'example')}",
        f"reproduce  optimize fuzz --build {','.join(build)} --seed {found.seed}",
        f'next       optimize golden add {shown} --reason "..."',
    ]
    return "\n".join(lines)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
