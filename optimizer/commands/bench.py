"""`optimize bench`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from optimizer.attribution import attribute
from optimizer.benchmark import Workload
from optimizer.commands.shared import processes_of, project, workload
from optimizer.config import Config
from optimizer.files import write_json
from optimizer.processes import Processes
from optimizer.progress import Progress, make_console
from optimizer.suite import bench_pieces, bench_suite


@click.command()
@click.option("--attribute", "attributes", is_flag=True, help="Also measure what each change of the build is worth.")
@click.option(
    "--budget",
    type=click.FloatRange(min=0.0, min_open=True),
    default=15.0,
    show_default=True,
    metavar="MINUTES",
    help="The time that --attribute may take.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where the files go; reports/ if not given."
)
def bench(attributes: bool, budget: float, out: Path | None) -> None:
    """Time the reference and the accepted build side by side, and write bench.json.

    Told apart are a warm run, the first run, compiling, and loading. The project's pytest-benchmark suite, where
    pyproject.toml names its folder, is run as well, and its JSON kept as bench-pieces.json. With --attribute, each
    change of the build is measured alone and left out of it, which takes minutes: attribution.json.

    \b
    optimize bench
    optimize bench --attribute --budget 10
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    config, progress = project(), Progress(make_console())
    out = (out or config.reports).resolve()
    with processes_of(config) as (processes, scratch):
        wanted = workload(config, scratch, None, "refuse", None)
        bench_suite(config, processes, wanted, out / "bench.json", progress, scratch)
        bench_pieces(config, out / "bench-pieces.json", progress)
        if attributes:
            _attribute(config, processes, wanted, out / "attribution.json", progress, scratch, budget * 60.0)


def _attribute(
    config: Config,
    processes: Processes,
    wanted: Workload,
    path: Path,
    progress: Progress,
    scratch: Path,
    budget_seconds: float,
) -> None:
    final = tuple(config.subject.accepted())
    with progress.stage(f"Measuring what each of {len(final)} changes is worth"):
        document = attribute(
            processes,
            wanted,
            final,
            config.subject,
            tick=progress.tick,
            caches=scratch / "attribution",
            trials={},
            deadline=time.monotonic() + budget_seconds,
        )
    write_json(path, document)
    for line in _lines(document):
        progress.say(line)
    progress.say(f"written to {config.relative(path)}")


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Return a table of what each change is worth."""
    yield f"{'change':<32} {'alone':>22} {'left out':>22}  judged on"
    for one in document["changes"]:
        alone, left_out = _text(one["alone"]), _text(one["left_out"])
        yield f"{one['name']:<32} {alone:>22} {left_out:>22}  {one['workload']}"
        if one["error"]:
            yield f"  {one['error']}"


def _text(ratio: Mapping[str, Any] | None) -> str:
    if ratio is None:
        return "not measured"
    return f"{ratio['ratio']:.3g}x ({ratio['ci95'][0]:.3g} to {ratio['ci95'][1]:.3g})"
