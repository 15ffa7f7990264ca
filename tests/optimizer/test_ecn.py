"""Notices keep their numbers, say where they are damaged, and are accepted only as they were measured."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from engine.subject import SUBJECT
from optimizer.config import find_config
from optimizer.ecn import ACCEPTED, Front, find_notice, notices, read_notice, seal_of, set_status, write_notice
from optimizer.ecn_life import accept
from optimizer.errors import InputError
from optimizer.golden import open_golden
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
    written, new = write_notice(tmp_path / "ecn", FRONT, "# ECN-0000: a body\n")
    assert new
    assert written.path.name == "ECN-0001-once.md"
    read = read_notice(written.path)
    assert read == written
    sealed = replace(FRONT, ecn="ECN-0001")
    assert read.front == replace(sealed, seal=seal_of(sealed, read.body))
    assert read.body == "# ECN-0001: a body\n"


def test_the_same_proposal_measured_again_keeps_its_number_and_is_renewed(tmp_path: Path) -> None:
    write_notice(tmp_path / "ecn", FRONT, "old")
    notice, new = write_notice(tmp_path / "ecn", replace(FRONT, ratio=2.0), "new")
    assert (notice.front.ecn, new, len(list(notices(tmp_path / "ecn")))) == ("ECN-0001", True, 1)
    assert find_notice(tmp_path / "ecn", "ecn-0001").front.ratio == 2.0


@pytest.mark.parametrize(
    "change", [{"source_digest": "c"}, {"build_before": ()}, {"optimization": "caching/twice"}, {"golden_digest": "e"}]
)
def test_another_proposal_gets_another_number(tmp_path: Path, change: dict) -> None:
    write_notice(tmp_path / "ecn", FRONT, "one")
    notice, _ = write_notice(tmp_path / "ecn", replace(FRONT, **change), "two")
    assert notice.front.ecn == "ECN-0002"


def test_an_accepted_notice_is_left_as_it_is(tmp_path: Path) -> None:
    notice, _ = write_notice(tmp_path / "ecn", FRONT, "signed")
    set_status(notice, ACCEPTED)
    again, written = write_notice(tmp_path / "ecn", replace(FRONT, ratio=9.0), "other")
    assert not written
    assert again.body == "signed"
    assert again.front.status == ACCEPTED


def test_two_at_once_never_take_the_same_number(tmp_path: Path) -> None:
    fronts = [replace(FRONT, optimization=f"caching/number_{number}") for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        numbers = [
            notice.front.ecn for notice, _ in pool.map(lambda front: write_notice(tmp_path / "ecn", front, "x"), fronts)
        ]
    assert len(set(numbers)) == 12


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no front matter", "no front matter"),
        ("---\n: : :\n---\nbody", "not YAML"),
        ("---\n- a list\n---\nbody", "not a list of fields"),
        ("---\necn: ECN-0001\n---\nbody", "lacks title"),
        (
            "---\n" + "\n".join(f"{name}: []" for name in Front.__dataclass_fields__) + "\n---\n",
            "no good value for ecn, title",
        ),
    ],
)
def test_a_notice_edited_by_hand_says_where_it_does_not_parse(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "ECN-0001-x.md"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_notice(path)
    assert str(path) in str(caught.value)


def test_an_unknown_number_lists_the_known_ones(tmp_path: Path) -> None:
    write_notice(tmp_path / "ecn", FRONT, "x")
    with pytest.raises(InputError, match=r"no notice 'ECN-0042'.*ECN-0001"):
        find_notice(tmp_path / "ecn", "ECN-0042")


def test_only_what_was_measured_on_this_very_build_and_golden_set_is_accepted(tmp_path: Path) -> None:
    candidate = next(one for one in SUBJECT.candidates() if one.name == "caching/feature_cache")
    good = replace(FRONT, optimization=candidate.name, source_digest=candidate.source_digest, build_before=())
    wrong = {
        "was measured on": replace(good, build_before=("caching/none",)),
        "was edited since": replace(good, source_digest="c" * 64),
        "found the change slower": replace(good, verdict="slower"),
        "is withdrawn": replace(good, status="withdrawn"),
        "the golden set is not": replace(good, golden_digest="d" * 64),
    }
    for number, (message, front) in enumerate(wrong.items()):
        folder = tmp_path / str(number) / "ecn"
        write_notice(folder, front, "x")
        with pytest.raises(InputError, match=message):
            accept(EmptyBuild(), folder, "ECN-0001", golden_digest="a" * 64)


class EmptyBuild:
    """The engine's subject, with nothing accepted."""

    def __getattr__(self, name: str):
        return getattr(SUBJECT, name)

    def accepted(self) -> dict[str, str]:
        return {}


def test_an_accepted_change_stands_in_the_build_and_can_not_be_accepted_twice(optimize, project: Path) -> None:
    (project / "engine" / "build.toml").write_text("# a comment stays\n[build]\n")
    for path in (project / "reports" / "ecn").glob("*.md"):
        path.unlink()
    (project / "reports" / "ecn" / "highest").unlink(missing_ok=True)
    golden = open_golden(find_config(project), SUBJECT.golden_sets()[0])
    assert golden is not None
    candidate = next(one for one in SUBJECT.candidates() if one.name == "vectorization/array_feed")
    front = replace(
        FRONT,
        optimization=candidate.name,
        source_digest=candidate.source_digest,
        build_before=(),
        build_after=(candidate.name,),
        golden_digest=golden.digest,
    )
    write_notice(project / "reports" / "ecn", front, "# ECN-0000\n")
    done = optimize("ecn", "accept", "ECN-0001", cwd=project)
    assert done.returncode == 0, done.stderr
    build = (project / "engine" / "build.toml").read_text()
    assert '"vectorization/array_feed" = "ECN-0001"' in build
    assert "# a comment stays" in build
    again = optimize("ecn", "accept", "ECN-0001", cwd=project)
    assert again.returncode == 2
    assert "ECN-0001 is accepted" in again.stderr
    write_notice(project / "reports" / "ecn", replace(front, build_before=("caching/other",)), "# ECN-0000\n")
    assert optimize("ecn", "accept", "ECN-0002", cwd=project).returncode == 0
    assert '"vectorization/array_feed" = "ECN-0002"' in (project / "engine" / "build.toml").read_text()
    assert [one.front.status for one in notices(project / "reports" / "ecn")] == ["superseded", "accepted"]
    checked = optimize("check", "--set", "generated", "--matrix", "none", cwd=project)
    assert checked.returncode == 0, checked.stderr
    assert "EXACT" in checked.stdout
    assert "notices, " in checked.stdout, "that of the line, and that of the golden set"


def test_untrusted_text_stays_text_in_markdown() -> None:
    assert escape_markdown("<b>|x|\n# [a](b)") == r"\<b\>\|x\| \# \[a\](b)"
    assert escape_markdown("snake_case _and_") == r"snake_case \_and\_"
    assert code_span("a`b|c\nd") == "``a`b\\|c d``"
