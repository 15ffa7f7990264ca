"""`optimize ecn`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from optimizer.commands.shared import first_golden, processes_of, project
from optimizer.config import Config
from optimizer.ecn import ACCEPTED, PROPOSED, STATUSES, Notice, find_notice, notices
from optimizer.ecn_life import accept, reject, withdraw
from optimizer.ecn_verify import Verifier
from optimizer.errors import InputError
from optimizer.knobs import MATRICES
from optimizer.printable import printable
from optimizer.progress import Progress, make_console


@click.group()
def ecn() -> None:
    """List, show, decide on and verify Engine Change Notices.

    \b
    optimize ecn list --status proposed
    optimize ecn show ECN-0007
    optimize ecn verify ECN-0007
    optimize ecn accept ECN-0007
    optimize ecn reject ECN-0007 --why "the gain is not worth the file"

    A notice is proposed, then accepted, rejected or withdrawn; an accepted one is superseded when another for the
    same optimization is accepted. Each decision stands in the notice and in the ledger. See docs/NOTICES.md.
    """  # noqa: D301 - click wants the character, which keeps the lines as they are


def _out_option(command: Callable[..., Any]) -> Callable[..., Any]:
    kind = click.Path(path_type=Path, file_okay=False)
    return click.option("--out", type=kind, help="Where the notices are, under ecn/; reports/ if not given.")(command)


def _why_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--why", required=True, help="The reason, for who reads the notice later.")(command)


def _notices_folder(config: Config, out: Path | None) -> Path:
    return (out or config.reports).resolve() / "ecn"


@ecn.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Those of this status only.")
@_out_option
def ecn_list(out: Path | None, status: str | None) -> None:
    """List the notices with their status and verdict.

    The ratio is before / after of the figure that each is judged on: above 1 is faster.
    """
    console = make_console()
    for notice in notices(_notices_folder(project(), out)):
        front = notice.front
        if status not in (None, front.status):
            continue
        ratio = f"{front.ratio:.3g}x" if front.ratio else "-"
        line = f"{front.ecn}  {front.status:<10} {front.verdict:<16} {ratio:>7}  {front.optimization}: {front.title}"
        console.print(
            printable(line, lines=True), markup=False
        )  # fields have no line ends: they are refused on reading


@ecn.command("show")
@click.argument("number")
@_out_option
def ecn_show(number: str, out: Path | None) -> None:
    """Print a notice."""
    path = find_notice(_notices_folder(project(), out), number).path
    click.echo(printable(path.read_text(encoding="utf-8"), lines=True), nl=False)


@ecn.command("accept")
@click.argument("number")
@click.option("--why", default="", help="The reason, for who reads the notice later.")
@_out_option
def ecn_accept(number: str, out: Path | None, why: str) -> None:
    """Put a notice's change into the accepted build.

    Its verdict has to be faster or leaner, its seal whole, its sources, build and golden set those that it was
    measured on. What was accepted for the same optimization before is superseded.
    """
    config = project()
    digest = first_golden(config).digest
    notice, build = accept(config.subject, _notices_folder(config, out), number, golden_digest=digest, why=why)
    console = make_console()
    console.print(f"{notice.front.ecn} accepted: {config.relative(config.subject.build_file)} now has", markup=False)
    for name in build:
        console.print(f"  {name}", markup=False)
    console.print("Next: optimize check, then commit the notice with the build", markup=False)


@ecn.command("reject")
@click.argument("number")
@_why_option
@_out_option
def ecn_reject(number: str, out: Path | None, why: str) -> None:
    """Reject a notice: you do not want the change.

    Where the accepted build has it, its line goes first: delete it, reject, then run optimize check.
    """
    config = project()
    _tell(reject(config.subject, _notices_folder(config, out), number, why=why))


@ecn.command("withdraw")
@click.argument("number")
@_why_option
@_out_option
def ecn_withdraw(number: str, out: Path | None, why: str) -> None:
    """Withdraw a notice: you do not stand by your proposal any more, or have rolled it back.

    Where the accepted build has it, its line goes first: delete it, withdraw, then run optimize check.
    """
    config = project()
    _tell(withdraw(config.subject, _notices_folder(config, out), number, why=why))


@ecn.command("verify")
@click.argument("numbers", nargs=-1, metavar="[NUMBER]...")
@click.option("--all", "everything", is_flag=True, help="Every notice that is proposed or accepted.")
@click.option("--quick", is_flag=True, help="Leave out the timing, and say so.")
@click.option("--data", type=click.Path(path_type=Path, dir_okay=False), help="The file that was measured on.")
@click.option(
    "--matrix", type=click.Choice(MATRICES), default="quick", show_default=True, help="In how many environments."
)
@_out_option
@click.pass_context
def ecn_verify(
    ctx: click.Context,
    numbers: tuple[str, ...],
    everything: bool,
    quick: bool,
    data: Path | None,
    matrix: str,
    out: Path | None,
) -> None:
    """Replay a notice's claims on this machine, a line each.

    \b
    optimize ecn verify ECN-0007
    optimize ecn verify --all --quick
    optimize ecn verify ECN-0007 --data prices.parquet

    Checks the seal, the digests of sources, golden set and data, parity and determinism, and measures the change
    anew: the verdict has to be confirmed, the ratio to lie within a tenth of the claimed interval. Other hardware,
    other versions, and engine sources that were changed elsewhere are told and are no failure.

    Exit codes: 0 all holds; 1 a claim does not hold, or could not be checked; 2 the call is wrong; 3 the measurement
    is void, since the control differed from itself.
    """  # noqa: D301 - click wants the character, which keeps the lines as they are
    config = project()
    base = (out or config.reports).resolve()
    wanted = [find_notice(base / "ecn", number) for number in dict.fromkeys(numbers)]
    if everything:
        wanted = [one for one in notices(base / "ecn") if one.front.status in (PROPOSED, ACCEPTED)]
    if bool(numbers) == everything:
        raise InputError("name notices, or give --all", hint="Such as optimize ecn verify ECN-0007")
    progress = Progress(make_console())
    codes = []
    for notice in wanted:
        progress.say(f"{notice.front.ecn}  {notice.front.optimization}")
        with processes_of(config) as (processes, scratch):
            golden = first_golden(config)
            verifier = Verifier(config, base, golden, processes, scratch, progress, quick, data, matrix)
            found = verifier.verify(notice)
        progress.say(found.verdict)
        codes.append(found.exit_code)
    ctx.exit(1 if 1 in codes else max(codes, default=0))


def _tell(notice: Notice) -> None:
    front = notice.front
    make_console().print(f"{front.ecn} {front.status}: {front.why}. Next: commit the notice", markup=False)
