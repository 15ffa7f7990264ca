"""What a check found, as values that every reporter takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.parity import Divergence
from optimizer.subject import Build

PARITY, DETERMINISM, NOTICES, INPUT = "parity", "determinism", "notices", "input"


@dataclass(frozen=True)
class Outcome:
    """What one check of one thing came to: a build on a golden set, its matrix, a line of the build, an input."""

    name: str
    set: str
    build: Build
    kind: str
    ok: bool
    scenarios: int = 0
    seconds: float = 0.0
    divergence: Divergence | None = None
    error: str = ""
    failed: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()  # every scenario that was held to its recorded outputs
    skipped: str = ""  # why it was not checked
    notes: tuple[str, ...] = ()  # what proves nothing here, such as a knob without effect
    path: str = ""  # the file that is to blame, from the project's folder
    reproduce: str = ""

    @property
    def label(self) -> str:
        """What it is called in the output."""
        return one_line(f"{self.set}: {self.name}" if self.set else self.name)

    @property
    def verdict(self) -> str:
        """What it came to, in a word."""
        if self.skipped:
            return "SKIPPED"
        if self.ok:
            return {PARITY: "EXACT", DETERMINISM: "DETERMINISTIC"}.get(self.kind, "SOUND")
        if self.kind == PARITY:
            return "DIVERGED" if self.divergence or not self.error else "FAILED"
        return {DETERMINISM: "NONDETERMINISTIC", NOTICES: "UNSIGNED"}.get(self.kind, "REFUSED")

    @property
    def detail(self) -> str:
        """All that is known of a failure, on lines."""
        lines = []
        if self.build:
            lines.append(f"build      {one_line(', '.join(self.build))}")
        if self.failed:
            lines.append(f"failed     {one_line(', '.join(self.failed))}")
        if self.divergence:
            lines.append(str(self.divergence))
        if self.error:
            lines.append(f"error      {one_line(self.error)}")
        if self.reproduce and not (self.divergence and self.divergence.replay):
            lines.append(f"reproduce  {self.reproduce}")
        return "\n".join(lines)


def told(outcome: Outcome) -> str:
    """Return an outcome as the command prints it: a line, and all that is known where it failed."""
    head = f"{outcome.verdict:<10} {outcome.label}"
    if outcome.skipped:
        return f"{head}: {outcome.skipped}"
    if outcome.error and outcome.kind in (NOTICES, INPUT):
        return f"{head}: {one_line(outcome.error)}"
    if not outcome.ok:
        count = f"   {len(outcome.failed)} of {counted(len(outcome.cases), 'scenario')}" if outcome.cases else ""
        return f"{head}{count}\n{outcome.detail}"
    figures = [counted(outcome.scenarios, "scenario")] if outcome.scenarios else []
    figures += [f"{outcome.seconds:.1f} s"] if outcome.seconds else []
    notes = f"; without effect here: {', '.join(outcome.notes)}" if outcome.notes else ""
    return f"{head}{': ' if figures else ''}{', '.join(figures)}{notes}"


def one_line(text: str) -> str:
    """Return text without line breaks: what an engine says can't begin a line, where a CI server may read commands."""
    return " ".join(text.split())


def failures(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Return what is not as it has to be."""
    return tuple(outcome for outcome in outcomes if not outcome.ok)


def summary_line(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return what was checked, how much of it in a second, and how long all of it took."""
    builds = {outcome.build for outcome in outcomes if outcome.scenarios}
    held = sum(outcome.scenarios for outcome in outcomes)
    signed = sum(outcome.kind == NOTICES for outcome in outcomes)
    parts = [counted(len(builds), "build")] if builds else []
    parts += [f"{counted(held, 'scenario')} held to recorded bits, {held / seconds:.0f} a second"] if held else []
    parts += [f"{counted(signed, 'notice')}"] if signed else []
    return f"Checked {', '.join([*parts, f'{seconds:.1f} s in all'])}"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
