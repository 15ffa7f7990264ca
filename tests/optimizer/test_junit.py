"""The JUnit file is XML whatever the engine says, and tells every scenario of every build."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.outcomes import DETERMINISM, INPUT, NOTICES, PARITY, Outcome
from optimizer.parity import Divergence
from optimizer.reporters.junit import write_junit

DIVERGENCE = Divergence("fills", "price", "2011-08-08", "BAC", "100.48", "100.49", "7 ulp above", "3 fills", "small/b")
EXACT = Outcome("the accepted build", "small", ("io/a",), PARITY, ok=True, scenarios=2, seconds=1.5, cases=("a", "b"))
DIVERGED = replace(EXACT, name="io/a", ok=False, divergence=DIVERGENCE, failed=("a", "b"), path="engine/a.py")
CELLS = Outcome("the accepted build", "small", (), DETERMINISM, ok=False, scenarios=20, error="hash seed 1: a")
UNSIGNED = Outcome("io/a (ECN-0001)", "", (), NOTICES, ok=False, error="it was edited")


def written(path: Path, *outcomes: Outcome) -> ET.Element:
    write_junit(path, outcomes)
    return ET.parse(path).getroot()  # noqa: S314 - our own file


def test_a_suite_stands_for_each_set_the_matrix_and_the_notices(tmp_path: Path) -> None:
    root = written(tmp_path / "j.xml", EXACT, DIVERGED, CELLS, UNSIGNED)
    assert [suite.get("name") for suite in root] == ["small", "determinism", "notices"]
    assert [suite.get("tests") for suite in root] == ["4", "1", "1"]
    assert [suite.get("failures") for suite in root] == ["2", "1", "1"]
    assert (root.get("tests"), root.get("failures"), root.get("time")) == ("6", "4", "3.000")


def test_a_case_stands_for_each_scenario_of_each_build(tmp_path: Path) -> None:
    suite = written(tmp_path / "j.xml", EXACT, DIVERGED)[0]
    names = [case.get("name") for case in suite]
    assert names == ["the accepted build: a", "the accepted build: b", "io/a: a", "io/a: b"]
    assert [case.find("failure") is not None for case in suite] == [False, False, True, True]
    assert suite[2].get("file") == "engine/a.py"


def test_the_divergence_stands_in_full_where_it_was_found_and_the_others_point_there(tmp_path: Path) -> None:
    suite = written(tmp_path / "j.xml", DIVERGED)[0]
    other, diverged = (case.find("failure") for case in suite)
    assert other is not None
    assert diverged is not None
    assert str(DIVERGENCE) in str(diverged.text)
    assert diverged.get("message") == "2011-08-08 symbol BAC fills.price"
    assert diverged.get("type") == "DIVERGED"
    assert other.get("message") == "see io/a: b"


def test_what_was_not_checked_is_skipped_and_not_passed(tmp_path: Path) -> None:
    suite = written(tmp_path / "j.xml", Outcome("all builds", "real", (), PARITY, ok=True, skipped="no data"))[0]
    (skipped,) = suite.findall("testcase/skipped")
    assert (suite.get("skipped"), skipped.get("message")) == ("1", "no data")


@pytest.mark.parametrize("text", ["\x00\x1b[31m", "]]>", '<b a="\'&">', "\ud800", "\r\n", "\ufffe", "a\tb"])
def test_text_of_any_kind_is_escaped(tmp_path: Path, text: str) -> None:
    check_text(tmp_path / "j.xml", text)


@settings(deadline=None)  # each writes a file to disk, and another test may keep the disk busy
@given(st.text())
def test_any_text_leaves_the_file_xml(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    check_text(tmp_path_factory.getbasetemp() / "any.xml", text)


def check_text(path: Path, text: str) -> None:
    failed = Outcome(
        f"n{text}", f"s{text}", (text,), PARITY, ok=False, error=text, failed=(text,), cases=(text, f"x{text}")
    )
    refused = Outcome("the check", "", (), INPUT, ok=False, error=text, path=text)
    root = written(path, failed, refused)
    assert root.get("failures") == "2"
    assert root[0].get("name") == "s" + "".join(map(held, text))


def held(character: str) -> str:
    """Return a character where XML 1.0 can hold it (production 2, `Char`), else its number."""
    code = ord(character)
    legal = code in (0x9, 0xA) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
    return character if legal else f"\\x{code:02x}"
