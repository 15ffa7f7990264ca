"""The tables of the rates: in the terminal, and in docs/MEASURING.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optimizer.files import write_text

BEGIN, END = "<!-- calibration: written by make calibrate -->", "<!-- end of calibration -->"


def tables(document: Mapping[str, Any]) -> list[str]:
    """Return the rates as lines of Markdown."""
    lines = [
        "| equal builds | runs | called faster or slower | share | at most, with 95 % | equivalent | left open |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in document["aa"]:
        equal = row["equivalent"] + row["leaner"]
        lines.append(
            f"| {row['condition']} | {row['runs']} | {row['called']} | {row['share']:.1%} | {row['upper95']:.1%} "
            f"| {equal} | {row['inconclusive']} |"
        )
    lines += [
        "",
        "| less work | true ratio | runs | found faster | share | called slower | left open | median ratio | pairs |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in document["effects"]:
        left = row["inconclusive"] + row["equivalent"] + row["leaner"]
        lines.append(
            f"| {row['effect']:.0%} | {row['true_ratio']:.3f} | {row['runs']} | {row['found']} | {row['share']:.0%} "
            f"| {row['slower']} | {left} | {row['median_ratio']:.3f} | {row['median_pairs']:g} |"
        )
    return lines


def source(document: Mapping[str, Any]) -> str:
    """Return where and when the rates were measured, in a sentence."""
    return (
        f"Measured by `{document['command']}` on {document['hardware']}, on {document['date']}, "
        f"in {document['seconds'] / 60:.0f} minutes; `reports/calibration.json` has the figures."
    )


def write_page(path: Path, document: Mapping[str, Any]) -> None:
    """Put the tables between their markers in a page.

    Raises:
        ValueError: where the page has not both markers, in this order.
    """
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path.name} lacks the markers {BEGIN} and {END}")
    inner = "\n".join([source(document), "", *tables(document)])
    write_text(path, f"{before}{BEGIN}\n{inner}\n{END}{after}")
