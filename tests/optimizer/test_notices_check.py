"""Every line of the accepted build has an accepted notice for its present source, or the check says what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.subject import SUBJECT
from optimizer.config import Config
from optimizer.ecn import ACCEPTED, Front, Notice, set_status, write_notice
from optimizer.errors import InputError
from optimizer.front_matter import write_front_matter
from optimizer.golden import Golden
from optimizer.golden_notice import golden_notices, write_golden_notice
from optimizer.moved import Moved
from optimizer.notices_check import check_golden_notices, check_notices
from optimizer.ordering import without
from optimizer.outcomes import Outcome

NAME = "vectorization/column_gates"
GOLDEN = Golden(SUBJECT.golden_sets()[0], Path("golden/generated"), {"inputs": {}, "cases": {}}, {})
CANDIDATE = next(one for one in SUBJECT.candidates() if one.name == NAME)
FRONT = Front(
    ecn="ECN-0000",
    title=CANDIDATE.title,
    status="proposed",
    focus=CANDIDATE.focus,
    optimization=NAME,
    build_before=(),
    build_after=(NAME,),
    golden_digest=GOLDEN.digest,
    source_digest=CANDIDATE.source_digest,
    hardware="a machine",
    verdict="faster",
    ratio=1.5,
    ci95=(1.4, 1.6),
    run="20260101T000000Z-0000",
)


class WithBuild:
    """The engine's subject, with another accepted build."""

    def __init__(self, accepted: dict[str, str]) -> None:
        self._accepted = accepted

    def __getattr__(self, name: str):
        return getattr(SUBJECT, name)

    def accepted(self) -> dict[str, str]:
        return self._accepted


def project_with(folder: Path, accepted: dict[str, str]) -> Config:
    """Return a project that has accepted this build."""
    config = Config(folder, "engine.subject:SUBJECT", folder / "golden", folder / "reports", ())
    config.__dict__["subject"] = WithBuild(accepted)
    return config


def signed(folder: Path, front: Front = FRONT, status: str = ACCEPTED) -> Notice:
    """Write a notice into the project in this folder."""
    return set_status(write_notice(folder / "reports" / "ecn", front, "# ECN-0000\n")[0], status)


def only(found: list[Outcome]) -> Outcome:
    (outcome,) = found
    return outcome


def test_an_accepted_notice_for_these_very_sources_is_sound(tmp_path: Path) -> None:
    signed(tmp_path)
    outcome = only(check_notices(project_with(tmp_path, {NAME: "ECN-0001"}), GOLDEN))
    assert (outcome.ok, outcome.error, outcome.name) == (True, "", f"{NAME} (ECN-0001)")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source_digest": "c" * 64}, f"{NAME} was edited since ECN-0001 was accepted"),
        ({"golden_digest": "c" * 64}, "the golden set is not the one that ECN-0001 was proven on"),
        ({"optimization": "io/other"}, "ECN-0001 is the notice of io/other"),
    ],
)
def test_a_notice_that_is_not_for_what_stands_there_says_which_command_writes_another(
    tmp_path: Path, change: dict[str, str], message: str
) -> None:
    signed(tmp_path, replace(FRONT, **change))
    outcome = only(check_notices(project_with(tmp_path, {NAME: "ECN-0001"}), GOLDEN))
    assert not outcome.ok
    assert message in outcome.error
    assert f"optimize --only {NAME} --from build, then optimize ecn accept" in outcome.error
    assert outcome.path.endswith("column_gates.py")


@pytest.mark.parametrize("status", ["rejected", "withdrawn", "superseded"])
def test_a_notice_that_nobody_accepted_does_not_count(tmp_path: Path, status: str) -> None:
    signed(tmp_path, status=status)
    outcome = only(check_notices(project_with(tmp_path, {NAME: "ECN-0001"}), GOLDEN))
    assert f"ECN-0001 is {status}, not accepted" in outcome.error


def test_a_line_that_was_added_by_hand_is_told_to_go_through_the_notice(tmp_path: Path) -> None:
    signed(tmp_path, status="proposed")
    outcome = only(check_notices(project_with(tmp_path, {NAME: "ECN-0001"}), GOLDEN))
    assert "delete the line, then: optimize ecn accept ECN-0001" in outcome.error


def test_a_notice_that_is_not_there_is_missed(tmp_path: Path) -> None:
    outcome = only(check_notices(project_with(tmp_path, {NAME: "ECN-0007"}), GOLDEN))
    assert "ECN-0007 is not in reports/ecn; restore it from version control" in outcome.error


def test_two_notices_of_one_number_are_told_apart_by_nobody(tmp_path: Path) -> None:
    path = signed(tmp_path).path
    path.with_name("ECN-0001-other.md").write_text(path.read_text())
    outcome = only(check_notices(project_with(tmp_path, {NAME: "ECN-0001"}), GOLDEN))
    assert "ECN-0001 is the number of two notices, ECN-0001-column_gates.md and ECN-0001-other.md" in outcome.error


def test_a_line_whose_optimization_is_gone_is_told(tmp_path: Path) -> None:
    signed(tmp_path, replace(FRONT, optimization="io/gone"))
    outcome = only(check_notices(project_with(tmp_path, {"io/gone": "ECN-0001"}), GOLDEN))
    assert "io/gone is in the build, and not in the catalog" in outcome.error


def test_a_damaged_notice_is_an_input_error(tmp_path: Path) -> None:
    signed(tmp_path).path.write_text("nothing")
    with pytest.raises(InputError, match="no front matter"):
        check_notices(project_with(tmp_path, {NAME: "ECN-0001"}), GOLDEN)


def test_the_repository_has_a_notice_of_every_line_of_its_build() -> None:
    """Whether each is up to date is what `optimize check` says."""
    root = Path(__file__).parents[2]
    config = Config(root, "engine.subject:SUBJECT", root / "golden", root / "reports", ())
    assert [one.name.split()[0] for one in check_notices(config, GOLDEN)] == list(SUBJECT.accepted())
    assert not [one.error for one in check_notices(config, GOLDEN) if "is not in" in one.error]


def moved_to(digest: str) -> Moved:
    return Moved("generated", None, digest, (), ("market/level",), (), (), ())


def test_a_golden_set_is_the_one_of_its_latest_change_notice(tmp_path: Path) -> None:
    config = project_with(tmp_path, {})
    assert check_golden_notices(config, [GOLDEN]) == []
    write_golden_notice(config.golden / "notices", moved_to("c" * 64), reason="first")
    outcome = only(check_golden_notices(config, [GOLDEN]))
    assert "golden set generated is not the one of its latest change notice, GCN-0001" in outcome.error
    write_golden_notice(config.golden / "notices", moved_to(GOLDEN.digest), reason="second")
    assert only(check_golden_notices(config, [GOLDEN])).ok


def test_a_change_notice_edited_by_hand_says_which_field_is_wrong(tmp_path: Path) -> None:
    config = project_with(tmp_path, {})
    notice = write_golden_notice(config.golden / "notices", moved_to("c" * 64), reason="first")
    fields = {"gcn": 1, "set": "generated", "reason": "x", "digest_before": None, "digest_after": "d"}
    write_front_matter(notice.path, {**fields, "added": "many", "removed": 0, "changed": 0}, "")
    with pytest.raises(InputError, match="no good value for gcn, added"):
        list(golden_notices(config.golden / "notices"))


def test_an_accepted_optimization_is_measured_anew_on_the_build_without_it_and_what_requires_it() -> None:
    build = ("vectorization/array_feed", "vectorization/column_gates", "vectorization/awaited_bars")
    requires = {one.name: one.requires for one in SUBJECT.candidates()}
    assert without(SUBJECT, build, ["vectorization/column_gates"]) == (build[0], build[2])
    dependents = [name for name in build if "vectorization/array_feed" in requires[name]]
    assert without(SUBJECT, build, ["vectorization/array_feed"]) == tuple(
        name for name in build[1:] if name not in dependents
    )
    assert without(SUBJECT, build, []) == build


def test_an_accepted_notice_that_no_line_of_the_build_has_is_to_be_withdrawn(tmp_path: Path) -> None:
    signed(tmp_path)
    outcome = only(check_notices(project_with(tmp_path, {}), GOLDEN))
    assert not outcome.ok
    assert "ECN-0001 is accepted, and no line of" in outcome.error
    assert "optimize ecn withdraw ECN-0001 --why" in outcome.error
