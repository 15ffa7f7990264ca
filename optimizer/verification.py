"""What came of verifying a notice: a line a claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from optimizer.printable import printable


class Standing(StrEnum):
    """How a claim stands on this machine."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNCHECKED = "could not be checked"
    DIFFERS = "differs"  # told, no failure: another machine, another version
    LEFT_OUT = "left out"  # not asked for, or there is nothing to compare with
    VOID = "void"  # the measurement is, since the control differed from itself


@dataclass(frozen=True)
class Line:
    """A claim, how it stands, and what was found."""

    claim: str
    standing: Standing
    told: str

    def __str__(self) -> str:
        """As the command prints it."""
        return f"{self.standing.value:<20}  {self.claim:<12}  {printable(self.told)}"


@dataclass(frozen=True)
class Verification:
    """All claims of a notice."""

    ecn: str
    lines: Sequence[Line]

    @property
    def exit_code(self) -> int:
        """Return 0 where all that was asked for holds, 1 where a claim does not or could not be checked, 3 if void."""
        standings = {line.standing for line in self.lines}
        if standings & {Standing.FAILS, Standing.UNCHECKED}:
            return 1
        return 3 if Standing.VOID in standings else 0

    @property
    def verdict(self) -> str:
        """One line: what it came to."""
        counts = [(one, sum(line.standing is one for line in self.lines)) for one in Standing]
        told = ", ".join(f"{count} {one.value}" for one, count in counts if count)
        word = {0: "verified", 1: "NOT verified", 3: "not verified: the measurement is void"}[self.exit_code]
        return f"{self.ecn} {word}: {told}"
