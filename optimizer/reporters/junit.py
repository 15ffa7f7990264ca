"""The check as JUnit XML, which CI servers read: a suite a golden set, and one each for the matrix and the notices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from optimizer.files import write_with
from optimizer.outcomes import PARITY, Outcome, one_line

_NOT_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the outcomes as JUnit XML, whole or not at all."""
    tree = ET.ElementTree(_suites(outcomes))
    ET.indent(tree)
    write_with(path, lambda temporary: tree.write(temporary, encoding="utf-8", xml_declaration=True))


def _suites(outcomes: Sequence[Outcome]) -> ET.Element:
    root = ET.Element("testsuites", name="optimize check")
    names = dict.fromkeys(_suite_of(outcome) for outcome in outcomes)
    for name in names:
        its = [outcome for outcome in outcomes if _suite_of(outcome) == name]
        root.append(_suite(name, its))
    for key in ("tests", "failures"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{sum(outcome.seconds for outcome in outcomes):.3f}")
    return root


def _suite_of(outcome: Outcome) -> str:
    return outcome.set if outcome.kind == PARITY else outcome.kind


def _suite(name: str, outcomes: Sequence[Outcome]) -> ET.Element:
    suite = ET.Element("testsuite", name=_plain(name))
    for outcome in outcomes:
        suite.extend(_cases(outcome))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in suite)))
    suite.set("errors", "0")
    suite.set("skipped", str(sum(case.find("skipped") is not None for case in suite)))
    suite.set("time", f"{sum(outcome.seconds for outcome in outcomes):.3f}")
    return suite


def _cases(outcome: Outcome) -> Iterator[ET.Element]:
    """Yield a case a scenario where the scenarios are known; only the whole build was timed, so none has a time."""
    if not set(outcome.failed) <= set(outcome.cases) or not outcome.cases:
        yield _case(outcome, outcome.name, _failure(outcome) if not outcome.ok else None)
        return
    shown = next((name for name in outcome.failed if _diverges_in(outcome, name)), (*outcome.failed, "")[0])
    for scenario in outcome.cases:
        failure = None
        if scenario in outcome.failed:
            failure = _failure(outcome) if scenario == shown else _failure(outcome, f"see {outcome.name}: {shown}")
        yield _case(outcome, f"{outcome.name}: {scenario}", failure)


def _diverges_in(outcome: Outcome, scenario: str) -> bool:
    return outcome.divergence is not None and outcome.divergence.case == f"{outcome.set}/{scenario}"


def _case(outcome: Outcome, name: str, failure: ET.Element | None) -> ET.Element:
    case = ET.Element("testcase", classname=_plain(_suite_of(outcome)), name=_plain(name))
    if outcome.path:
        case.set("file", _plain(outcome.path))
    if outcome.skipped:
        ET.SubElement(case, "skipped", message=_plain(outcome.skipped))
    if failure is not None:
        case.append(failure)
    return case


def _failure(outcome: Outcome, told: str = "") -> ET.Element:
    """Return what failed: in full, or `told` where it stands elsewhere in full."""
    first = outcome.divergence.place if outcome.divergence else outcome.error or "other bits than recorded"
    failure = ET.Element("failure", type=outcome.verdict, message=_plain(told or one_line(first)))
    failure.text = _plain(told or outcome.detail)
    return failure


def _plain(text: str) -> str:
    """Return text with what XML can't hold, or would give back changed, written out."""
    return _NOT_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
