"""The command line: `optimize`, its options and its subcommands."""

from __future__ import annotations

import signal
import sys
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
from optimizer.commands.profile import profile as profile_command
from optimizer.commands.replay import replay
from optimizer.commands.report import report
from optimizer.commands.run import FULL, PROFILES, Asked, run_command
from optimizer.commands.scale import scale
from optimizer.commands.shared import BAD_BARS, limited, project
from optimizer.errors import CheckError, InputError
from optimizer.knobs import MATRICES
from optimizer.limits import Limits
from optimizer.progress import make_console


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
    "--profile",
    type=click.Choice(PROFILES),
    default=FULL,
    show_default=True,
    help="Look also at lines, memory, I/O, caches, cores and repeated work, or only at where the time goes.",
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0.0, min_open=True),
    metavar="MINUTES",
    help="The time that measuring may take; what is not clear by then is told as inconclusive.",
)
@click.option(
    "--attribute", "attributes", is_flag=True, help="Also measure each change alone, and left out of the whole."
)
@limited
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
    profile: str,
    budget: float | None,
    attributes: bool,
    memory: int | None,
    cores: int | None,
    out: Path | None,
) -> None:
    """Make a trading engine fast, and prove that nothing else changed.

    Without a subcommand: profiles the engine, tries the optimizations of a focus one at a time, holds each to the
    golden set bit for bit and to other environments, measures it against what has passed so far, and writes an
    Engine Change Notice for each under reports/ecn/, and the report on all of it, reports/index.html.

    \b
    optimize --focus vectorization --data prices.parquet
    optimize --budget 10 --attribute
    optimize ecn accept ECN-0001
    optimize check

    Exit codes: 0 all sound; 1 a change was refused, or a check failed; 2 the input or the call is wrong;
    3 the measurement is void, since the control differed from itself.
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    if ctx.invoked_subcommand is not None:
        return
    limits = Limits(memory_bytes=memory, cores=cores)
    asked = Asked(focus, data, on_bad_bars, scenario, only, start, matrix, out, budget, limits, attributes, profile)
    ctx.exit(run_command(project(), asked))


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
    profile_command,
    replay,
    report,
    scale,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
