"""Notices keep their numbers, say where they are damaged, and are accepted only as they were measured."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.ecn import ACCEPTED, Front, find_notice, notices, read_notice, set_status, write_notice
from optimizer.errors import InputError
from optimizer.reporters.templates import code_span, escape_markdown

FRONT = Front(
    ecn="ECN-0000",
    title="Do it once: and [keep] it",
    status="proposed",
    focus="caching",
    optimization="caching/once",
    build_before=("vectorization/array_feed",),
    build_after=("vectorization/array_feed", "caching/once"),
    golden_digest="a" * 64,
    source_digest="b" * 64,
    hardware="a machine",
    verdict="faster",
    ratio=1.5,
    ci95=(1.4, 1.6),
    run="20260101T000000Z-0000",
)


def test_a_notice_reads_back_as_it_was_written(tmp_path: Path) -> None:
    written, new = write_notice(tmp_path, FRONT, "# ECN-0000: a body\n")
    assert new
    assert written.path.name == "ECN-0001-once.md"
    read = read_notice(written.path)
    assert read == written
    assert read.front == replace(FRONT, ecn="ECN-0001")
    assert read.body == "# ECN-0001: a body\n"


def test_the_same_proposal_measured_again_keeps_its_number_and_is_renewed(tmp_path: Path) -> None:
    write_notice(tmp_path, FRONT, "old")
    notice, new = write_notice(tmp_path, replace(FRONT, ratio=2.0), "new")
    assert (notice.front.ecn, new, len(list(notices(tmp_path)))) == ("ECN-0001", True, 1)
    assert find_notice(tmp_path, "ecn-0001").front.ratio == 2.0


@pytest.mark.parametrize("change", [{"source_digest": "c"}, {"build_before": ()}, {"optimization": "caching/twice"}])
def test_another_proposal_gets_another_number(tmp_path: Path, change: dict) -> None:
    write_notice(tmp_path, FRONT, "one")
    notice, _ = write_notice(tmp_path, replace(FRONT, **change), "two")
    assert notice.front.ecn == "ECN-0002"


def test_an_accepted_notice_is_left_as_it_is(tmp_path: Path) -> None:
    notice, _ = write_notice(tmp_path, FRONT, "signed")
    set_status(notice, ACCEPTED)
    again, written = write_notice(tmp_path, replace(FRONT, ratio=9.0), "other")
    assert not written
    assert again.body == "signed"
    assert again.front.status == ACCEPTED


def test_two_at_once_never_take_the_same_number(tmp_path: Path) -> None:
    fronts = [replace(FRONT, optimization=f"caching/number_{number}") for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        numbers = [notice.front.ecn for notice, _ in pool.map(lambda front: write_notice(tmp_path, front, "x"), fronts)]
    assert len(set(numbers)) == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no front matter", "no front matter"),
        ("---\n: : :\n---\nbody", "not YAML"),
        ("---\n- a list\n---\nbody", "not a list of fields"),
        ("---\necn: ECN-0001\n---\nbody", "lacks title"),
    ],
)
def test_a_notice_edited_by_hand_says_where_it_does_not_parse(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "ECN-0001-x.md"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_notice(path)
    assert str(path) in str(caught.value)


def test_an_unknown_number_lists_the_known_ones(tmp_path: Path) -> None:
    write_notice(tmp_path, FRONT, "x")
    with pytest.raises(InputError, match=r"no notice 'ECN-0042'.*ECN-0001"):
        find_notice(tmp_path, "ECN-0042")


def test_untrusted_text_stays_text_in_markdown() -> None:
    assert escape_markdown("<b>|x|\n# [a](b)") == r"\<b\>\|x\| \# \[a\](b)"
    assert escape_markdown("snake_case _and_") == r"snake_case \_and\_"
    assert code_span("a`b|c\nd") == "``a`b\\|c d``"
