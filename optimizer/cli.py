"""The command line: `optimize`, its options and its subcommands."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from optimizer.benchmark import Workload
from optimizer.checking import check_all, check_data
from optimizer.config import Config, find_config
from optimizer.ecn import accept, find_notice, notices
from optimizer.errors import CheckError, InputError
from optimizer.files import write_with
from optimizer.golden import Golden, open_golden, record
from optimizer.processes import Processes
from optimizer.progress import Progress, make_console
from optimizer.reporters.notice import write_change
from optimizer.reporters.pages import write_pages
from optimizer.reporters.run_json import write_run
from optimizer.reporters.terminal import print_change, print_profile, print_summary
from optimizer.runner import Run, Runner, chosen, new_run
from optimizer.suite import bench_suite

_BAD_BARS = click.Choice(["refuse", "drop"])


class Guarded(click.Group):
    """Turns the errors that people can act on into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            return super().invoke(ctx)
        except InputError as error:
            _fail(str(error), error.exit_code)
        except CheckError as error:
            _fail(str(error), error.exit_code)
        except OSError as error:
            _fail(f"{error.filename or 'a file'}: {error.strerror or error}", InputError.exit_code)
        except KeyboardInterrupt:
            _fail("interrupted: what was finished before is whole and kept, nothing else was written", 130)
        except Exception as error:
            if hasattr(error, "what") and hasattr(error, "hint"):
                _fail(str(error), InputError.exit_code)
            raise


def _interrupt(*_: object) -> None:
    """Treat a request to end like Ctrl-C, so that no worker is left behind."""
    raise KeyboardInterrupt


def _fail(text: str, code: int) -> None:
    make_console(stderr=True).print(f"optimize: {' '.join(text.split())}", markup=False)
    sys.exit(code)


def _config() -> Config:
    return find_config(Path.cwd())


@click.group(cls=Guarded, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--focus", default="all", show_default=True, help="What to try: a focus, or all of them.")
@click.option("--data", type=click.Path(path_type=Path), help="Bars to measure on; a generated market if not given.")
@click.option("--on-bad-bars", type=_BAD_BARS, default="refuse", show_default=True, help="What to do with bad rows.")
@click.option("--scenario", help="Judge all on a run of this scenario; on the workload of each if not given.")
@click.option("--only", multiple=True, metavar="NAME", help="Try only this optimization; may be given again.")
@click.option(
    "--from",
    "start",
    default="reference",
    show_default=True,
    metavar="BUILD",
    help="Start at the reference, at the accepted build (build), or at names with commas between.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where runs and notices go; reports/ if not given."
)
@click.version_option(package_name="exact-change")
@click.pass_context
def main(
    ctx: click.Context,
    focus: str,
    data: Path | None,
    on_bad_bars: str,
    scenario: str | None,
    only: tuple[str, ...],
    start: str,
    out: Path | None,
) -> None:
    """Make a trading engine fast, and prove that nothing else changed.

    Without a subcommand: profiles the engine, tries the optimizations of a focus one at a time, holds each to the
    golden set bit for bit and to other environments, measures it against what has passed so far, and writes an
    Engine Change Notice for each under reports/ecn/.

    \b
    optimize --focus vectorization --data prices.parquet
    optimize ecn accept ECN-0001
    optimize check

    Exit codes: 0 all sound; 1 a change was refused, or a check failed; 2 the input or the call is wrong;
    3 the measurement is void, since the control differed from itself.
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    if ctx.invoked_subcommand is not None:
        return
    config = _config()
    known = (*config.subject.focuses, "all")
    if focus not in known:
        raise InputError(f"unknown focus {focus!r}", hint=f"Choose from {', '.join(known)}")
    progress = Progress(make_console())
    first = _start(config, start)
    candidates = chosen(config, focus, only, first)
    if not candidates:
        rest = "that is not in the accepted build" if first else "yet"
        progress.say(f"Focus {focus} has no candidate {rest}. See optimize catalog, or add a file: CONTRIBUTING.md")
        return
    out = (out or config.reports).resolve()
    golden = _first_golden(config)
    workload = _workload(config, out, data, on_bad_bars, scenario)
    list(notices(out / "ecn"))  # a damaged notice is told before anything is measured
    run = new_run(config, out, focus, golden, workload, scenario_given=scenario is not None)
    run.data["generated"] = data is None
    ctx.exit(_carry_out(config, run, candidates, first, out, progress))


def _start(config: Config, start: str) -> tuple[str, ...]:
    """Return the build that a run starts at."""
    if start == "reference":
        return ()
    build = tuple(config.subject.accepted()) if start == "build" else tuple(start.split(","))
    config.subject.check_build(build)
    return build


def _carry_out(
    config: Config, run: Run, candidates: Sequence[Any], first: tuple[str, ...], out: Path, progress: Progress
) -> int:
    runner = Runner(config, run, progress)
    ecns: dict[str, str] = {}
    try:
        runner.start(first, candidates)
        print_profile(progress.console, run)
        for change in runner.try_all(candidates):
            notice, written = write_change(config, run, change, out / "ecn")
            ecns[change.candidate.name] = notice.front.ecn
            kept = "" if written else " (accepted before, left as it is)"
            print_change(progress.console, change, f"{notice.front.ecn}{kept}")
        runner.finish()
    except BaseException:
        runner.processes.stop()
        _leave_whole(run, ecns)
        raise
    write_run(run, ecns)
    write_pages(run, out, ecns)
    print_summary(progress.console, run, ecns, config.relative(out))
    return run.exit_code


def _leave_whole(run: Run, ecns: dict[str, str]) -> None:
    """Keep what an interrupted run has found out, since its notices name it; leave nothing where it found nothing."""
    if run.changes:
        write_run(run, ecns)
        return
    shutil.rmtree(run.folder, ignore_errors=True)
    with suppress(OSError):
        run.folder.parent.rmdir()  # where it was the first run


def _workload(config: Config, out: Path, data: Path | None, on_bad_bars: str, scenario: str | None) -> Workload:
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


def _first_golden(config: Config) -> Golden:
    """Return the set that candidates are held to: the first of the subject's."""
    golden = open_golden(config, config.subject.golden_sets()[0])
    assert golden is not None, "the first golden set has its inputs with it"  # noqa: S101
    return golden


@contextmanager
def _processes(config: Config) -> Iterator[tuple[Processes, Path]]:
    with tempfile.TemporaryDirectory(prefix="exact-change-") as folder:
        processes = Processes(config, Path(folder))
        try:
            yield processes, Path(folder)
        finally:
            processes.stop()


@main.command()
@click.option(
    "--data", type=click.Path(path_type=Path), help="Compare build and reference on these bars; nothing is recorded."
)
@click.option("--on-bad-bars", type=_BAD_BARS, default="refuse", show_default=True, help="What to do with bad rows.")
@click.option("--scenario", help="With --data: the strategy and settings; the engine's default if not given.")
@click.option("--set", "set_name", help="Check one golden set only.")
def check(data: Path | None, on_bad_bars: str, scenario: str | None, set_name: str | None) -> None:
    """Hold the accepted build to the golden sets; exit 1 with the first divergence where it fails.

    Each accepted optimization is checked on what it requires, too, so that none hides behind one that covers it.
    With --data the build is compared with the reference on any bars.
    """
    config = _config()
    progress = Progress(make_console())
    with _processes(config) as (processes, scratch):
        if data is not None:
            workload = _workload(config, scratch, data, on_bad_bars, scenario)
            check_data(config, processes, workload, scratch, progress)
        else:
            check_all(config, processes, scratch, progress, set_name)


@main.group()
def golden() -> None:
    """Record the golden sets, or check that the reference still gives them."""


@golden.command("record")
@click.option("--reason", required=True, help="Why the expected outputs change; it stands in the manifest.")
@click.option("--set", "set_name", help="Record one golden set only.")
def golden_record(reason: str, set_name: str | None) -> None:
    """Record the golden sets from the reference: a deliberate act, never a side effect."""
    if not reason.strip():
        raise InputError("the reason is empty", hint="Say why the expected outputs change")
    config = _config()
    progress = Progress(make_console())
    for spec in _sets(config, set_name):
        with _processes(config) as (processes, scratch):
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
    config = _config()
    build = tuple(config.subject.accepted()) if accepted else ()
    progress = Progress(make_console())
    with _processes(config) as (processes, scratch):
        check_all(
            config,
            processes,
            scratch,
            progress,
            set_name,
            builds={"the accepted build" if accepted else "the reference": build},
        )


def _sets(config: Config, name: str | None) -> list[Any]:
    sets = list(config.subject.golden_sets())
    if name is None:
        return sets
    if found := [spec for spec in sets if spec.name == name]:
        return found
    raise InputError(f"unknown golden set {name!r}", hint=f"Choose from {', '.join(spec.name for spec in sets)}")


@main.group()
def ecn() -> None:
    """List, show and accept Engine Change Notices."""


def _out_option(command: Callable[..., Any]) -> Callable[..., Any]:
    kind = click.Path(path_type=Path, file_okay=False)
    return click.option("--out", type=kind, help="Where the notices are, under ecn/; reports/ if not given.")(command)


def _notices_folder(config: Config, out: Path | None) -> Path:
    return (out or config.reports).resolve() / "ecn"


@ecn.command("list")
@_out_option
def ecn_list(out: Path | None) -> None:
    """List the notices with their status and verdict."""
    console = make_console()
    for notice in notices(_notices_folder(_config(), out)):
        front = notice.front
        ratio = f"{front.ratio:.3g}x" if front.ratio else "-"
        line = f"{front.ecn}  {front.status:<9} {front.verdict:<16} {ratio:>7}  {front.optimization}: {front.title}"
        console.print(line, markup=False)


@ecn.command("show")
@click.argument("number")
@_out_option
def ecn_show(number: str, out: Path | None) -> None:
    """Print a notice."""
    click.echo(find_notice(_notices_folder(_config(), out), number).path.read_text(encoding="utf-8"), nl=False)


@ecn.command("accept")
@click.argument("number")
@_out_option
def ecn_accept(number: str, out: Path | None) -> None:
    """Put a notice's change into the accepted build."""
    config = _config()
    digest = _first_golden(config).digest
    notice, build = accept(config.subject, _notices_folder(config, out), number, golden_digest=digest)
    console = make_console()
    console.print(f"{notice.front.ecn} accepted: {config.relative(config.subject.build_file)} now has", markup=False)
    for name in build:
        console.print(f"  {name}", markup=False)
    console.print("Next: optimize check, then commit the notice with the build", markup=False)


@main.command()
def catalog() -> None:
    """List the optimizations that there are."""
    config = _config()
    console = make_console()
    accepted = config.subject.accepted()
    for one in config.subject.candidates():
        mark = accepted.get(one.name, "")
        console.print(f"{one.name:<32} {one.component:<9} {mark:<9} {one.title}", markup=False)


@main.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where bench.json goes; reports/ if not given."
)
def bench(out: Path | None) -> None:
    """Time the reference and the accepted build side by side, and write bench.json."""
    config = _config()
    out = (out or config.reports).resolve()
    with _processes(config) as (processes, scratch):
        workload = _workload(config, scratch, None, "refuse", None)
        bench_suite(config, processes, workload, out / "bench.json", Progress(make_console()), scratch)


if __name__ == "__main__":
    main()
