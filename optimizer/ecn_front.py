"""The front matter of an Engine Change Notice: its fields, what they may hold, and the seal over what it claims."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from datetime import date
from typing import Any

from optimizer.printable import is_held_back

PROPOSED, ACCEPTED, REJECTED = "proposed", "accepted", "rejected"
WITHDRAWN, SUPERSEDED = "withdrawn", "superseded"
STATUSES = (PROPOSED, ACCEPTED, REJECTED, WITHDRAWN, SUPERSEDED)
NUMBER = re.compile(r"ECN-\d{4,}")
DECIDED = ("status", "decided_at", "why", "seal")
"""What is not claimed: it comes about when people decide, so no seal is over it."""


@dataclass(frozen=True)
class Front:
    """The front matter of a notice. Seconds, bytes, ratios before / after; what was not measured is None.

    Those with a default are newer than the first notices and may be missing. `bounds` is the interval that the verdict
    rests on, `seconds` the medians before and after of the figure that is judged, `sources` the SHA-256 of each
    optimization of `build_after`, `outputs_digest` one digest of what the judged workload gave, `seal` what `seal_of`
    returned when the notice was written.
    """

    ecn: str
    title: str
    status: str
    focus: str
    optimization: str
    build_before: tuple[str, ...]
    build_after: tuple[str, ...]
    golden_digest: str
    source_digest: str
    hardware: str
    verdict: str
    ratio: float | None
    ci95: tuple[float, float] | None
    run: str
    bounds: tuple[float, float] | None = None
    pairs: int | None = None
    seconds: tuple[float, float] | None = None
    peak_bytes: tuple[float, float] | None = None
    workload: Mapping[str, Any] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    engine_digest: str | None = None
    outputs_digest: str | None = None
    determinism: Mapping[str, Any] | None = None
    machine: str | None = None
    decided_at: str | None = None
    why: str | None = None
    seal: str | None = None

    def is_same_proposal(self, other: Front) -> bool:
        """Whether the other notice proposes the same sources for the same build, proven on the same golden set."""
        return (self.optimization, self.build_before, self.source_digest, self.golden_digest) == (
            other.optimization,
            other.build_before,
            other.source_digest,
            other.golden_digest,
        )

    def written(self) -> dict[str, Any]:
        """Return the fields as a file has them: lists, and none that only says that it was not known."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if name in REQUIRED or value not in (None, {})
        }


REQUIRED = tuple(one.name for one in fields(Front) if one.default is MISSING and one.default_factory is MISSING)
OPTIONAL = tuple(one.name for one in fields(Front) if one.name not in REQUIRED)


def claims_of(front: Front) -> dict[str, Any]:
    """Return what a notice claims in its front matter."""
    return {name: value for name, value in front.written().items() if name not in DECIDED}


def body_digest(body: str) -> str:
    """Return the SHA-256 of a notice's text; white space at its ends is not claimed."""
    return hashlib.sha256(body.strip().encode()).hexdigest()


def seal_of(front: Front, body: str) -> str:
    """Return the SHA-256 over all that a notice claims: its front matter but for what people decide, and its text.

    It tells an edit from the notice that was written. Whoever edits can also compute it anew: the ledger, the run's
    own file and version control have the one that was written, and a replay asks the machine itself.
    """
    said = {"front": claims_of(front), "body": body_digest(body)}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def front_of(values: Mapping[str, Any]) -> tuple[Front | None, list[str]]:
    """Return the front matter that these values make, or the names of those that are not of their kind."""
    found = {name: _taken(value) for name, value in values.items()}
    wrong = [name for name, value in found.items() if not _fits(name, value)]
    return (None, wrong) if wrong else (Front(**found), [])


def _taken(value: Any) -> Any:
    """Return a value as Front has it; YAML reads a time without quotes as one, and it is a text here."""
    if isinstance(value, list):
        return tuple(value)
    return value.isoformat() if isinstance(value, date) else value


def _fits(name: str, value: object) -> bool:
    if value is None and name in (*OPTIONAL, "ratio", "ci95") and name != "sources":
        return True
    return _KINDS.get(name, _is_text)(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not any(map(is_held_back, value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(map(_is_number, value))


def _is_build(value: object) -> bool:
    return isinstance(value, tuple) and all(map(_is_text, value))


def _is_json(value: object) -> bool:
    """Whether a value is one that JSON has, with texts that can be shown."""
    if isinstance(value, dict):
        return all(_is_text(key) and _is_json(one) for key, one in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    return value is None or isinstance(value, bool) or _is_number(value) or _is_text(value)


_KINDS: dict[str, Callable[[object], bool]] = {
    "ecn": lambda value: isinstance(value, str) and NUMBER.fullmatch(value) is not None,
    "status": lambda value: value in STATUSES,
    "build_before": _is_build,
    "build_after": _is_build,
    "ratio": _is_number,
    "ci95": _is_pair,
    "bounds": _is_pair,
    "seconds": _is_pair,
    "peak_bytes": _is_pair,
    "pairs": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "workload": lambda value: isinstance(value, dict) and _is_json(value),
    "determinism": lambda value: isinstance(value, dict) and _is_json(value),
    "sources": lambda value: isinstance(value, dict) and all(map(_is_text, (*value, *value.values()))),
}
