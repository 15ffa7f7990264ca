"""The table in the terminal, what the report counts, and docs/MUTANTS.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.mutants.attack import Row, false_alarms
from tests.mutants.stages import LOOK, STAGES
from tests.mutants.variants import BY_HAND, OPERATOR, REWRITE

_HEAD = """\
# The attack

`make mutants` changes the engine on purpose, one change at a time, and asks the instrument about each: wrong variants
that have to be caught, and correct rewrites that have to pass. It writes this page and `reports/mutants.json`, and
fails where one escaped or a rewrite was refused.

Each variant is a copy of the project with one change, held by the commands that a person types: `optimize look`,
which only warns; then, each where the one before has passed, parity with the golden set (`optimize check --matrix
none`), the fuzzer (`optimize fuzz --minutes 1 --seed 0`) and the determinism matrix (`optimize check --matrix full`);
for a rewrite a quarter of a minute and the quick matrix. The build is the changed optimization on just what it
requires, so that no other can hide it; one for sweeps is also tried with two workers, which sweeps as short as the
golden ones do not start by themselves.
"""

_LIMITS = """\
## What this does not prove

The set is what we could think of. A variant that is wrong only on some later date, on another kind of machine, or on
data unlike any that the golden set has and the fuzzer draws, would pass parity, matrix and fuzzer; the static look
warns of the clock and of what differs between machines, and a person reads the notice.
"""


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Return what the report counts: wrong variants, those caught, those argued to be equivalent, and false alarms."""
    wrong = [row for row in rows if row.expected == "caught"]
    return {
        "total": len(wrong),
        "caught": sum(row.as_expected for row in wrong),
        "equivalent": sum(bool(row.equivalent) for row in rows),
        "rewrites": sum(row.kind == REWRITE for row in rows),
        "false_alarms": len(false_alarms(rows)),
        "escaped": [row.name for row in rows if not row.as_expected],
        "caught_by": _caught_by(wrong),
    }


def print_table(rows: Sequence[Row]) -> None:
    """Print who caught what, and what nobody did."""
    for line in _table(rows):
        print(line.replace("**", ""))
    for row in rows:
        if not row.as_expected:
            what = "BROKEN " if row.broken else "ESCAPED" if row.expected == "caught" else "REFUSED"
            print(f"{what}  {row.name}  ({row.file})  {row.report}")
    print(_sentence(rows))


def write_page(path: Path, rows: Sequence[Row]) -> None:
    """Write the page."""
    parts = [_HEAD, _sentence(rows) + "\n", "## Who caught what\n", *_table(rows), ""]
    parts += ["`static look` counts new remarks, whoever refused the variant in the end.\n"]
    parts += ["## Operators on the present sources\n", *_listed(row for row in rows if row.kind == OPERATOR)]
    parts += ["", "## Written by hand\n", *_listed(row for row in rows if row.kind == BY_HAND)]
    parts += ["", "## Correct rewrites\n", *_rewrites(row for row in rows if row.kind == REWRITE), "", _LIMITS]
    path.write_text("\n".join(parts), encoding="utf-8")


def _sentence(rows: Sequence[Row]) -> str:
    told = summary(rows)
    equivalent = f"; {told['equivalent']} more change no bit, and the table says why" if told["equivalent"] else ""
    return (
        f"{told['caught']} of {told['total']} wrong variants are caught{equivalent}. "
        f"{told['rewrites'] - told['false_alarms']} of {told['rewrites']} correct rewrites pass."
    )


def _caught_by(rows: Iterable[Row]) -> dict[str, int]:
    counts = Counter(stage for row in rows for stage in row.caught_by)
    return {stage: counts[stage] for stage in (LOOK, *STAGES)}


def _table(rows: Sequence[Row]) -> list[str]:
    """Return a line for each operator, and one for all."""
    lines = ["| operator | variants | " + " | ".join((LOOK, *STAGES)) + " | escaped |", "| --- |" + " ---: |" * 6]
    wrong = [row for row in rows if row.expected == "caught"]
    groups = {operator: [row for row in wrong if row.operator == operator] for operator in _operators(wrong)}
    for name, members in [*groups.items(), ("**all**", wrong)]:
        told = [str(count) if count else "" for count in _caught_by(members).values()]
        escaped = sum(not row.as_expected for row in members)
        lines.append(f"| {name} | {len(members)} | " + " | ".join(told) + f" | {escaped or ''} |")
    return lines


def _operators(rows: Sequence[Row]) -> list[str]:
    counts = Counter(row.operator for row in rows)
    return sorted(counts, key=lambda operator: (operator == BY_HAND, -counts[operator], operator))


def _listed(rows: Iterable[Row]) -> list[str]:
    lines = ["| variant | operator | file | caught by | the first place that was told |", "| --- " * 5 + "|"]
    for row in rows:
        by = f"none: {row.equivalent}" if row.equivalent else ", ".join(row.caught_by) or "**nobody**"
        lines.append(f"| {row.name} | {row.operator} | {_short(row.file)} | {by} | {_cell(row.report)} |")
    return lines


def _rewrites(rows: Iterable[Row]) -> list[str]:
    lines = ["| rewrite | file | verdict | remarks of the static look |", "| --- | --- | --- | ---: |"]
    for row in rows:
        verdict = "passes" if row.as_expected else f"**refused** by {', '.join(row.caught_by)}: {_cell(row.report)}"
        lines.append(f"| {row.name} | {_short(row.file)} | {verdict} | {len(row.remarks) or ''} |")
    return lines


def _short(file: str) -> str:
    return f"`{file.removeprefix('optimizations/').removesuffix('.py')}`"


def _cell(text: str) -> str:
    return text.split(" equal before")[0].replace("|", "\\|")
