"""`optimize look`."""

from __future__ import annotations

import click

from optimizer.commands.shared import project
from optimizer.errors import InputError
from optimizer.progress import make_console
from optimizer.static_look import look as look_at


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME ...]")
@click.option(
    "--all", "show_all", is_flag=True, help="Show also what a comment '# exact: why' answers, with the reason."
)
def look(names: tuple[str, ...], show_all: bool) -> None:
    """Read optimizations, and what they import of the engine, for what can change bits.

    It warns with the line, and exits 0: parity and the determinism matrix decide. A remark is answered at the end
    of its line, by a comment '# exact: ' and why no bit can change there.
    """
    subject = project().subject
    known = {one.name: one for one in subject.candidates()}
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"unknown optimization {unknown[0]!r}", hint=f"Choose from {', '.join(known)}")
    chosen = [known[name] for name in names] or list(known.values())
    remarks = sorted(
        {remark for one in chosen for remark in look_at(subject, one, silenced=show_all)},
        key=lambda remark: (remark.path, remark.line, remark.rule),
    )
    console = make_console()
    for remark in remarks:
        console.print(str(remark), markup=False, highlight=False, soft_wrap=True)
    open_ = sum(1 for remark in remarks if not remark.reason)
    answered = f", {len(remarks) - open_} answered" if show_all else ""
    count = "1 remark" if open_ == 1 else f"{open_} remarks"
    console.print(f"{count}{answered} on {len(chosen)} optimization{'s' if len(chosen) != 1 else ''}", markup=False)
