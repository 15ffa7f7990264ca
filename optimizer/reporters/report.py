"""The report: one page without network, and the same as Markdown, from the documents of a run."""

from __future__ import annotations

from pathlib import Path

from optimizer.files import write_text
from optimizer.reporters.page import (
    benches,
    ending,
    exactness,
    lead,
    machine,
    profile,
    resources,
    scale,
    tried,
    trust,
    worth,
)
from optimizer.reporters.page.blocks import Section
from optimizer.reporters.page.documents import PAGE, Documents, newest_run, read_documents
from optimizer.reporters.page.values import text
from optimizer.reporters.templates import render


def write_report(out: Path) -> Path:
    """Write the report on the newest run as `index.html` and `index.md`, with the ways to the other runs' pages.

    It is made of the run's documents and the notices of `out`, and of nothing else.

    Returns:
        The path of the page.

    Raises:
        InputError: where there is no run.
    """
    _write(read_documents(out, newest_run(out), out), out / "index.html", out / "index.md")
    return out / "index.html"


def write_run_page(out: Path, folder: Path) -> Path:
    """Write the same of one run into its folder, as `report.html` and `summary.md`; return the path of the page."""
    documents = read_documents(out, folder, folder)
    _write(documents, folder / PAGE, folder / "summary.md")
    return folder / PAGE


def _write(documents: Documents, page: Path, markdown: Path) -> None:
    run = documents.run
    values = {
        "title": f"Run {text(run, 'run_id') or documents.folder.name}",
        "focus": text(run, "focus") or "unknown",
        "started_at": text(run, "started_at"),
        "lead": lead.lead_of(documents),
        "action": lead.action_of(documents),
        "keys": lead.keys_of(documents),
        "about": lead.about_of(documents),
        "damaged": documents.damaged,
        "sections": sections_of(documents),
    }
    write_text(page, render("report.html.j2", **values))
    write_text(markdown, render("report.md.j2", **values))


def sections_of(documents: Documents) -> list[Section]:
    """Return the parts of the report, in order."""
    return [
        tried.ladder_section(documents),
        tried.tried_section(documents),
        trust.control_section(documents),
        exactness.exactness_section(documents),
        exactness.refused_section(documents),
        worth.attribution_section(documents),
        resources.memory_section(documents),
        profile.profile_section(documents),
        profile.hotspots_section(documents),
        resources.system_section(documents),
        worth.order_section(documents),
        scale.scaling_section(documents),
        machine.hardware_section(documents),
        machine.recommendations_section(documents),
        trust.calibration_section(documents),
        benches.bench_section(documents),
        ending.notices_section(documents),
        ending.reproduce_section(documents),
        ending.words_section(),
        ending.runs_section(documents),
    ]
