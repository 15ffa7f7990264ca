"""A drawn case: all of a run but its bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.model import Settings
from engine.strategy import Strategy

FORMS = (".arrow", ".csv", ".parquet")
"""The forms of file that bars are given in."""


@dataclass(frozen=True)
class Case:
    """A strategy and its account; or a sweep, where `strategy` names what makes the strategies from `parameters`.

    `form` is that of the file with the bars. Where `twin` is not None, the same runs over these bars first, and what
    counts is what it then does over others, which differ in the prices of row number `twin`: so that what is kept of
    one market and taken for another shows. `workers` is how
    many processes a sweep is given; 0 leaves that to the build.
    """

    strategy: Strategy | str
    settings: Settings
    parameters: Mapping[str, Sequence[float]] | None = None
    form: str = ".arrow"
    twin: int | None = None
    workers: int = 0
