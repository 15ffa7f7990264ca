"""The check as Markdown, for the page of a CI job."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.outcomes import Outcome, failures, summary_line
from optimizer.reporters.templates import render


def summary_of(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return the outcomes as Markdown, the failures first and in full."""
    failed = failures(outcomes)
    return render(
        "check.md.j2",
        sound=not failed,
        failed=failed,
        outcomes=sorted(outcomes, key=lambda outcome: outcome.ok),
        line=summary_line(outcomes, seconds),
    )
