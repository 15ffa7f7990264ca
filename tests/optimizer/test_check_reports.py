"""What a check prints, and what it shows on the page and at the files of a CI job."""

from __future__ import annotations

from dataclasses import replace

from optimizer.outcomes import DETERMINISM, INPUT, NOTICES, PARITY, Outcome, summary_line, told
from optimizer.parity import Divergence
from optimizer.reporters.annotations import annotations_of
from optimizer.reporters.summary import summary_of

DIVERGENCE = Divergence("fills", "price", "2011-08-08", "BAC", "100.48", "100.49", "7 ulp above", "3 fills", "small/b")
EXACT = Outcome("the accepted build", "small", ("io/a",), PARITY, ok=True, scenarios=2, seconds=1.5, cases=("a", "b"))
DIVERGED = replace(EXACT, name="io/a", ok=False, divergence=DIVERGENCE, failed=("b",), path="engine/a.py")
CELLS = Outcome("the accepted build", "small", ("io/a",), DETERMINISM, ok=True, scenarios=20, notes=("hash seed",))
UNSIGNED = Outcome("io/a (ECN-0001)", "", (), NOTICES, ok=False, error="it | was <edited>")


def test_what_passed_is_one_line_and_what_failed_is_told_in_full() -> None:
    assert told(EXACT) == "EXACT      small: the accepted build: 2 scenarios, 1.5 s"
    assert told(CELLS).endswith("20 scenarios; without effect here: hash seed")
    assert told(DIVERGED).splitlines()[0] == "DIVERGED   small: io/a   1 of 2 scenarios"
    assert str(DIVERGENCE) in told(DIVERGED)


def test_a_knob_that_changes_the_bits_is_named() -> None:
    outcome = replace(CELLS, ok=False, error="POLARS_MAX_THREADS 4: market/sma_cross")
    assert told(outcome).startswith("NONDETERMINISTIC small: the accepted build")
    assert "POLARS_MAX_THREADS 4" in told(outcome)


def test_the_last_line_has_builds_scenarios_speed_and_time() -> None:
    line = summary_line([EXACT, DIVERGED, CELLS, UNSIGNED], 2.0)
    assert line == "Checked 1 build, 24 scenarios held to recorded bits, 12 a second, 1 notice, 2.0 s in all"


def test_an_error_of_the_engine_can_not_begin_a_line_which_a_runner_would_take_for_a_command() -> None:
    outcome = replace(DIVERGED, divergence=None, error="boom\n::set-output name=x::y\r::error::z")
    for text in (told(outcome), *annotations_of([outcome])):
        assert not any(line.startswith("::") for line in text.splitlines()[1:])
    assert len(annotations_of([outcome])[0].splitlines()) == 1


def test_an_annotation_stands_at_the_file_with_its_text_escaped() -> None:
    (line,) = annotations_of([EXACT, replace(DIVERGED, name="50%, a:b")])
    assert line.startswith("::error file=engine/a.py,line=1,title=DIVERGED small%3A 50%25%2C a%3Ab::build      io/a%0A")
    assert "fills.price" in line


def test_the_page_has_the_failures_in_full_and_a_row_for_everything() -> None:
    text = summary_of([EXACT, DIVERGED, CELLS, UNSIGNED], 2.0)
    assert text.startswith("# optimize check: refused\n")
    assert str(DIVERGENCE) in text
    assert text.count("\n| ") == 2 + 4
    assert "- **UNSIGNED** `io/a (ECN-0001)`: it \\| was \\<edited\\>" in text
    assert summary_of([EXACT], 1.0).startswith("# optimize check: nothing else changed\n")


def test_no_text_breaks_out_of_the_page() -> None:
    text = "``` \n# not a title\n|a|"
    outcome = Outcome(text, text, (text,), PARITY, ok=False, error=text, failed=(text,), cases=(text,))
    page = summary_of([outcome, replace(outcome, kind=INPUT)], 1.0)
    titles = [line for line in page.splitlines() if line.startswith("# ")]
    assert titles == ["# optimize check: refused"]
