"""The part on the benchmark of the accepted build and of its pieces."""

from __future__ import annotations

from typing import Any

from optimizer.reporters.page import values
from optimizer.reporters.page.blocks import (
    Block,
    Code,
    Missing,
    Section,
    table,
)
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.values import (
    Document,
    number,
    records,
    seconds,
    text,
)

_BENCHED = {"run": "warm run", "cold": "first run", "load": "loading", "compile": "compiling, once"}


def bench_section(documents: Documents) -> Section:
    """Tell what the benchmark of the accepted build and the suite of its pieces gave."""
    title = "The accepted build and its pieces"
    rows = [row for row in _bench_rows(documents.bench) if text(row, "contender") or text(row, "workload")]
    blocks: list[Block] = []
    if rows:
        heads = ("workload", "build", "figure", "#median", "#least", "#most", "#processes")
        blocks.append(
            table(
                "Times of the accepted build and the reference",
                heads,
                [
                    (
                        text(row, "workload"),
                        text(row, "contender"),
                        _BENCHED.get(text(row, "figure"), text(row, "figure")) or "warm run",
                        *(seconds(number(row, key)) for key in ("median_s", "min_s", "max_s")),
                        values.plural(number(row, "runs") or 0, "process", "processes"),
                    )
                    for row in rows
                ],
            )
        )
    else:
        blocks.append(Missing("Reference and accepted build side by side.", "optimize bench"))
    pieces = records(documents.pieces, "benchmarks")
    if pieces:
        parts = [
            (
                Code(text(one, "name")),
                seconds(number(one, "stats", "median")),
                seconds(number(one, "stats", "min")),
                values.plural(number(one, "stats", "rounds") or 0, "round"),
            )
            for one in pieces
        ]
        blocks.append(table("The pieces alone (pytest-benchmark)", ("piece", "#median", "#least", "#rounds"), parts))
    else:
        blocks.append(Missing("The pieces alone.", "optimize bench"))
    return Section("bench", title, tuple(blocks))


def _bench_rows(document: Any) -> list[Document]:
    """Return the rows of a benchmark: a list by itself, or the list in an object."""
    return records({"rows": document}, "rows") or records(document, "rows") or records(document, "results")
