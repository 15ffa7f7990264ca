"""The check as GitHub annotations: lines that its runner shows at the file that is to blame."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.outcomes import Outcome, failures

_IN_TEXT = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = _IN_TEXT | {":": "%3A", ",": "%2C"}


def annotations_of(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a workflow command for every failure."""
    return [_annotation(outcome) for outcome in failures(outcomes)]


def _annotation(outcome: Outcome) -> str:
    place = {"file": outcome.path, "line": "1"} if outcome.path else {}
    given = place | {"title": f"{outcome.verdict} {outcome.label}"}
    properties = ",".join(f"{name}={_escaped(value, _IN_PROPERTIES)}" for name, value in given.items())
    return f"::error {properties}::{_escaped(outcome.detail or outcome.verdict, _IN_TEXT)}"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)
