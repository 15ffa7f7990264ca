"""The set of the attack is whole: every edit has its place, and nothing of the engine is left out."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.catalog import catalog
from tests.mutants.attack import CAUGHT, PASSES, Row, false_alarms
from tests.mutants.edits import EDITS
from tests.mutants.project import ROOT
from tests.mutants.report import summary
from tests.mutants.stages import LOOK, PARITY
from tests.mutants.variants import BY_HAND, OPERATOR, REWRITE, variants


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_edit_changes_what_stands_once_in_its_file(edit) -> None:
    assert (ROOT / "engine" / edit.file).read_text(encoding="utf-8").count(edit.right) == 1
    assert edit.wrong != edit.right


def test_there_are_enough_of_each_kind() -> None:
    kinds = Counter(one.kind for one in variants() if not one.equivalent)
    assert kinds[OPERATOR] + kinds[BY_HAND] >= 125
    assert kinds[BY_HAND] >= 25
    assert kinds[REWRITE] >= 12


def test_every_optimization_is_attacked_by_an_operator() -> None:
    assert {one.name for one in catalog()} == {edit.on for edit in EDITS}


def test_an_edited_file_is_still_python() -> None:
    """A variant that can't be compiled would be refused, but prove nothing."""
    for edit in EDITS:
        text = (ROOT / "engine" / edit.file).read_text(encoding="utf-8").replace(edit.right, edit.wrong)
        assert compile(text, edit.name, "exec").co_code, edit.name


def _row(expected: str, *caught_by: str, kind: str = OPERATOR, report: str = "") -> Row:
    return Row("name", kind, "comparison", "arrays.py", expected, caught_by, 1.0, report)


def test_a_warning_of_the_static_look_alone_catches_nothing_and_refuses_nothing() -> None:
    assert not _row(CAUGHT, LOOK).as_expected
    assert _row(PASSES, LOOK, kind=REWRITE).as_expected


def test_a_refused_rewrite_is_a_false_alarm_and_an_escaped_variant_is_counted() -> None:
    rows = [_row(PASSES, PARITY, kind=REWRITE), _row(CAUGHT), _row(CAUGHT, PARITY)]
    told = summary(rows)
    assert (told["total"], told["caught"], told["false_alarms"], told["equivalent"]) == (2, 1, 1, 0)
    assert false_alarms(rows) == rows[:1]


def test_a_broken_attack_is_not_taken_for_a_catch() -> None:
    assert not _row(CAUGHT, PARITY, report="BROKEN: the command ended with 2").as_expected
