"""What may become of a notice, numbers that are never given twice, and notices that were edited by hand."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.subject import SUBJECT
from optimizer.ecn import ACCEPTED, PROPOSED, STATUSES, Front, find_notice, notices, read_notice, seal_of, set_status
from optimizer.ecn import write_notice as write
from optimizer.ecn_life import TRANSITIONS, reject, withdraw
from optimizer.errors import InputError
from optimizer.ledger import LEDGER, Ledger
from optimizer.printable import printable

ROOT = Path(__file__).parents[2]
FRONT = Front(
    ecn="ECN-0000",
    title="Do it once",
    status=PROPOSED,
    focus="caching",
    optimization="caching/feature_cache",
    build_before=(),
    build_after=("caching/feature_cache",),
    golden_digest="a" * 64,
    source_digest="b" * 64,
    hardware="a machine",
    verdict="faster",
    ratio=1.5,
    ci95=(1.4, 1.6),
    run="20260101T000000Z-0000",
    seconds=(1.5, 1.0),
    workload={"scenario": "sma_cross", "data": {"path": "a.parquet", "generated": False}},
    sources={"caching/feature_cache": "b" * 64},
)
_WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_ecn_life import FRONT, write
print(*[write(Path(sys.argv[1]), replace(FRONT, optimization=f"caching/{{sys.argv[2]}}_{{place}}"), "x")[0].front.ecn
        for place in range(10)])
"""


class WithBuild:
    """The engine's subject, with another accepted build."""

    def __init__(self, accepted: dict[str, str]) -> None:
        self._accepted = accepted

    def __getattr__(self, name: str):
        return getattr(SUBJECT, name)

    def accepted(self) -> dict[str, str]:
        return self._accepted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of notices, with that of FRONT in it."""
    write(tmp_path / "ecn", FRONT, "# ECN-0000\n\nIt took 12 s.\n")
    return tmp_path / "ecn"


def test_a_decision_stands_in_the_notice_and_in_the_ledger_and_leaves_the_seal_whole(folder: Path) -> None:
    sealed = find_notice(folder, "ECN-0001")
    done = reject(WithBuild({}), folder, "ECN-0001", why="it is not worth the file")
    read = read_notice(done.path)
    assert (read.front.status, read.front.why) == ("rejected", "it is not worth the file")
    assert read.front.decided_at
    assert read.front.seal == sealed.front.seal == read.seal == seal_of(read.front, read.body)
    with Ledger(folder.parent / LEDGER) as ledger:
        (row,) = ledger.decisions("ECN-0001")
    assert (row["decision"], row["why"], row["seal"]) == ("rejected", "it is not worth the file", read.seal)
    assert row["at"] == read.front.decided_at


@pytest.mark.parametrize("decide", [reject, withdraw])
@pytest.mark.parametrize("status", STATUSES)
def test_only_what_the_table_allows_is_done(folder: Path, decide, status: str) -> None:
    set_status(find_notice(folder, "ECN-0001"), status)
    wanted = {reject: "rejected", withdraw: "withdrawn"}[decide]
    if wanted in TRANSITIONS[status]:
        assert decide(WithBuild({}), folder, "ECN-0001", why="so").front.status == wanted
        return
    with pytest.raises(InputError, match=f"ECN-0001 is {status}, and can't be {wanted}"):
        decide(WithBuild({}), folder, "ECN-0001", why="so")
    assert find_notice(folder, "ECN-0001").front.status == status


def test_what_the_build_stands_on_leaves_the_build_first(folder: Path) -> None:
    set_status(find_notice(folder, "ECN-0001"), ACCEPTED)
    subject = WithBuild({"caching/feature_cache": "ECN-0001"})
    with pytest.raises(
        InputError,
        match=r"ECN-0001 is in the accepted build.*Delete its line.*first, then decide, then run optimize check",
    ):
        withdraw(subject, folder, "ECN-0001", why="rolled back")
    assert find_notice(folder, "ECN-0001").front.status == ACCEPTED
    assert withdraw(WithBuild({}), folder, "ECN-0001", why="rolled back").front.status == "withdrawn"


def test_a_decision_without_a_reason_is_none(folder: Path) -> None:
    with pytest.raises(InputError, match="needs a reason"):
        reject(WithBuild({}), folder, "ECN-0001", why="  ")


def test_measuring_anew_renews_no_notice_that_a_person_has_decided_on(folder: Path) -> None:
    reject(WithBuild({}), folder, "ECN-0001", why="no")
    notice, written = write(folder, replace(FRONT, ratio=9.0), "anew")
    assert not written
    assert (notice.front.status, notice.front.ratio) == ("rejected", 1.5)


def test_what_the_measurement_has_rejected_is_renewed_by_measuring_anew(tmp_path: Path) -> None:
    write(tmp_path / "ecn", replace(FRONT, status="rejected", verdict="slower"), "x")
    notice, written = write(tmp_path / "ecn", FRONT, "anew")
    assert (written, notice.front.ecn, notice.front.status) == (True, "ECN-0001", PROPOSED)


@pytest.mark.parametrize("kept", ["the mark", "the ledger"])
def test_the_number_of_a_notice_that_was_deleted_is_not_given_again(folder: Path, kept: str) -> None:
    find_notice(folder, "ECN-0001").path.unlink()
    (folder.parent / LEDGER if kept == "the mark" else folder / "highest").unlink()
    notice, _ = write(folder, replace(FRONT, source_digest="c"), "x")
    assert notice.front.ecn == "ECN-0002"


def test_a_mark_that_says_nothing_names_its_line(folder: Path) -> None:
    (folder / "highest").write_text("# a comment\n<<<<<<< ours\nECN-0041\n")
    with pytest.raises(InputError, match=r"highest, line 2: does not say which number was the last.*higher one"):
        write(folder, replace(FRONT, source_digest="c"), "x")


def test_two_processes_at_once_never_take_the_same_number(tmp_path: Path) -> None:
    script = _WRITER.format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", script, str(tmp_path / "ecn")]
    both = [subprocess.Popen([*command, name], cwd=ROOT, stdout=subprocess.PIPE, text=True) for name in ("one", "two")]
    numbers = " ".join(process.communicate(timeout=60)[0] for process in both).split()
    assert [process.returncode for process in both] == [0, 0]
    assert sorted(numbers) == [f"ECN-{number:04d}" for number in range(1, 21)]
    assert len(list(notices(tmp_path / "ecn"))) == 20
    with Ledger(tmp_path / LEDGER) as ledger:
        assert ledger.highest_number() == 20


def test_every_digit_of_a_notice_is_under_its_seal(folder: Path) -> None:
    path = find_notice(folder, "ECN-0001").path
    text = path.read_text()
    seal = re.search(r"^seal: (\w+)$", text, re.MULTILINE)
    assert seal is not None
    for place in [found.start() for found in re.finditer(r"\d", text)]:
        path.write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])
        try:
            edited = read_notice(path)
        except InputError:  # a digit in the name of a field
            continue
        assert edited.seal != edited.front.seal, text[place - 20 : place + 20]


def test_the_notices_of_this_project_parse() -> None:
    found = list(notices(ROOT / "reports" / "ecn"))
    assert len(found) >= 34
    assert all(one.front.status in STATUSES for one in found)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("status: proposed", "status: maybe", "no good value for status"),
        ("ratio: 1.5", "ratio: fast", "no good value for ratio"),
        ("ratio: 1.5", "ratio: .nan", "no good value for ratio"),
        ("ratio: 1.5", "ratio: 1.5\nratio: 2.5", "a field twice"),
        ("ratio: 1.5", "rat: 1.5\nratio: 1.5", "a field of no known name"),
        ("focus: caching", "focus: 'caching", "not YAML"),
        ("focus: caching", "focus: &a caching\nrun: *a", "refers back to itself"),
        ("title: Do it once", 'title: "\\e[2J"', "no good value for title"),
        ("title: Do it once", 'title: "\\u202egnp"', "no good value for title"),
        ("seconds:\n- 1.5\n- 1.0", "seconds: [1.5]", "no good value for seconds"),
    ],
)
def test_a_notice_that_was_edited_by_hand_names_the_line(folder: Path, old: str, new: str, message: str) -> None:
    path = find_notice(folder, "ECN-0001").path
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as caught:
        read_notice(path)
    stands = path.read_text().split("\n").index(new.split("\n")[0 if "no known" in message else -1]) + 1
    assert f"{path}, line {stands}:" in str(caught.value)


def test_a_title_that_would_steer_a_terminal_is_written_as_text(tmp_path: Path) -> None:
    notice, _ = write(tmp_path / "ecn", replace(FRONT, title="a\x1b[31mred\u202e"), "x")
    assert notice.front.title == "a\ufffd[31mred\ufffd"
    assert read_notice(notice.path) == notice


def test_what_a_terminal_obeys_does_not_reach_it() -> None:
    assert printable("a\x1b]0;x\x07b\x9bc\u200b\u2028d\r\ne") == "a\ufffd]0;x\ufffdb\ufffdc\ufffd d e"
    assert printable("a\n\tb\x1b", lines=True) == "a\n\tb\ufffd"


@pytest.mark.slow
def test_the_commands_of_a_notices_life(run_in, small_project: Path) -> None:
    """List by status, show without control characters, and refuse what the build stands on."""
    listed = run_in(small_project, "ecn", "list", "--status", "accepted")
    assert listed.stdout.startswith("ECN-0001  accepted   faster")
    assert run_in(small_project, "ecn", "list", "--status", "withdrawn").stdout == ""
    refused = run_in(small_project, "ecn", "withdraw", "ECN-0001", "--why", "so")
    assert refused.returncode == 2
    assert "build.toml: ECN-0001 is in the accepted build" in refused.stderr
    (small_project / "engine" / "build.toml").write_text("[build]\n")
    path = next((small_project / "reports" / "ecn").glob("ECN-0001-*.md"))
    path.write_text(path.read_text() + "a \x1b[2J trick\n")
    shown = run_in(small_project, "ecn", "show", "ECN-0001")
    assert "a \ufffd[2J trick" in shown.stdout
    assert "\x1b" not in shown.stdout
    done = run_in(small_project, "ecn", "withdraw", "ECN-0001", "--why", "rolled back")
    assert done.stdout.strip() == "ECN-0001 withdrawn: rolled back. Next: commit the notice"
    assert "why: rolled back" in path.read_text()
