"""The command line: `optimize`, its options and its subcommands."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from optimizer.commands.bench import bench
from optimizer.commands.catalog import catalog
from optimizer.commands.check import check
from optimizer.commands.compare import compare
from optimizer.commands.ecn import ecn
from optimizer.commands.fuzz import fuzz_command
from optimizer.commands.golden import golden
from optimizer.commands.hardware import hardware
from optimizer.commands.history import history
from optimizer.commands.look import look
from optimizer.commands.profile import profile
from optimizer.commands.replay import replay
from optimizer.commands.report import report
from optimizer.commands.scale import scale
from optimizer.commands.shared import BAD_BARS, first_golden, project, workload
from optimizer.config import Config
from optimizer.ecn import notices
from optimizer.errors import CheckError, InputError
from optimizer.knobs import MATRICES
from optimizer.ordering import without
from optimizer.progress import Progress, make_console
from optimizer.reporters.notice import write_change
from optimizer.reporters.pages import write_pages
from optimizer.reporters.run_json import write_run
from optimizer.reporters.terminal import print_change, print_profile, print_summary
from optimizer.runner import Run, Runner, chosen, new_run


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


@click.group(cls=Guarded, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--focus", default="all", show_default=True, help="What to try: a focus, or all of them.")
@click.option("--data", type=click.Path(path_type=Path), help="Bars to measure on; a generated market if not given.")
@click.option("--on-bad-bars", type=BAD_BARS, default="refuse", show_default=True, help="What to do with bad rows.")
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
    "--matrix",
    type=click.Choice(MATRICES),
    default="quick",
    show_default=True,
    help="How many environments each change is held to.",
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
    matrix: str,
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
    config = project()
    known = (*config.subject.focuses, "all")
    if focus not in known:
        raise InputError(f"unknown focus {focus!r}", hint=f"Choose from {', '.join(known)}")
    progress = Progress(make_console())
    first = _start(config, start, only)
    candidates = chosen(config, focus, only, first)
    if not candidates:
        rest = "that is not in the accepted build" if first else "yet"
        progress.say(f"Focus {focus} has no candidate {rest}. See optimize catalog, or add a file: CONTRIBUTING.md")
        return
    out = (out or config.reports).resolve()
    held_to = first_golden(config)
    wanted = workload(config, out, data, on_bad_bars, scenario)
    list(notices(out / "ecn"))  # a damaged notice is told before anything is measured
    run = new_run(config, out, focus, held_to, wanted, scenario_given=scenario is not None)
    run.data["generated"] = data is None
    runner = Runner(config, run, progress, matrix)
    ctx.exit(_carry_out(config, runner, run, candidates, first, out, progress))


def _start(config: Config, start: str, only: Sequence[str]) -> tuple[str, ...]:
    """Return the build that a run starts at; the accepted one without what is to be tried, where that is in it."""
    if start == "reference":
        return ()
    accepted = without(config.subject, tuple(config.subject.accepted()), only)
    build = accepted if start == "build" else tuple(start.split(","))
    config.subject.check_build(build)
    return build


def _carry_out(
    config: Config,
    runner: Runner,
    run: Run,
    candidates: Sequence[Any],
    first: tuple[str, ...],
    out: Path,
    progress: Progress,
) -> int:
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


for command in (
    bench,
    catalog,
    check,
    compare,
    ecn,
    fuzz_command,
    golden,
    hardware,
    history,
    look,
    profile,
    replay,
    report,
    scale,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
