"""A golden change notice tells what moved, why and by how much; its number is its own for ever."""

from __future__ import annotations

import ast
import platform
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from optimizer.golden_notice import golden_notices, read_golden_notice, write_golden_notice
from optimizer.moved import Moved, MovedCase, MovedOutput

ROOT = Path(__file__).parents[2]
CASE = MovedCase("market/level", (MovedOutput("fills", 3, 4, {"price": "1.6e-16"}),), "first at   2024-01-03")
MOVED = Moved("small", "b" * 64, "a" * 64, ("market (changed)",), ("market/new",), ("market/gone",), (CASE,), ())


def test_a_notice_reads_back_as_it_was_written(tmp_path: Path) -> None:
    written = write_golden_notice(tmp_path, MOVED, reason="fees are rounded up\nnow")
    assert written.path.name == "GCN-0001-small.md"
    assert read_golden_notice(written.path) == written
    assert written.front.reason == "fees are rounded up now"
    assert (written.front.added, written.front.removed, written.front.changed) == (1, 1, 1)


def test_it_tells_what_moved_and_by_how_much(tmp_path: Path) -> None:
    text = write_golden_notice(tmp_path, MOVED, reason="why not").path.read_text()
    assert "# GCN-0001: golden set small was recorded anew" in text
    assert "**Why:** why not" in text
    assert "| `market/level` | `fills` | 3 to 4 | price 1.6e-16 |" in text
    assert "```\nfirst at   2024-01-03\n```" in text
    for name in ("`market (changed)`", "`market/new`", "`market/gone`"):
        assert f"- {name}" in text


def test_it_names_no_machine(tmp_path: Path) -> None:
    text = write_golden_notice(tmp_path, MOVED, reason="why not").path.read_text()
    assert str(tmp_path) not in text
    assert platform.node() not in text


def test_numbers_rise_and_are_not_given_again(tmp_path: Path) -> None:
    first, second = (write_golden_notice(tmp_path, MOVED, reason="x").path for _ in range(2))
    first.unlink()
    third = write_golden_notice(tmp_path, replace(MOVED, set="other"), reason="x").path
    assert [path.name for path in (second, third)] == ["GCN-0002-small.md", "GCN-0003-other.md"]
    assert [notice.front.gcn for notice in golden_notices(tmp_path)] == ["GCN-0002", "GCN-0003"]


def test_two_at_once_never_take_the_same_number(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: write_golden_notice(tmp_path, MOVED, reason="x"), range(8)))
    assert len({notice.path for notice in found}) == 8


def test_untrusted_text_stays_text(tmp_path: Path) -> None:
    evil = "a`|\n---\n# title <script>"
    case = MovedCase(evil, (MovedOutput(evil, 1, 1, {evil: "1"}),), f"```\n{evil}")
    moved = Moved(evil, None, "a" * 64, (evil,), (evil,), (evil,), (case,), (evil,))
    notice = write_golden_notice(tmp_path, moved, reason=evil)
    assert notice.path.parent == tmp_path
    assert read_golden_notice(notice.path).front.set == evil
    body = notice.path.read_text().split("\n---\n", 1)[1]
    outside = re.sub(r"``[^`].*?``", "", body.split("````")[0])  # what is shown as code needs no escaping
    assert not any(line.startswith("# title") for line in outside.splitlines())
    assert "\\<script" in outside
    assert not re.search(r"(?<!\\)<script", outside)


def test_nothing_but_the_commands_that_record_can_reach_what_records() -> None:
    """So a run, a check and a bench can't; that they leave the files alone is tested where they are run."""
    importing = {
        path.relative_to(ROOT).as_posix()
        for folder in ("optimizer", "engine")
        for path in (ROOT / folder).rglob("*.py")
        if _imports(path)
        & {"optimizer.recording.record_anew", "optimizer.golden.record", "optimizer.golden.put_in_place"}
    }
    assert importing == {"optimizer/commands/golden.py", "optimizer/recording.py", "optimizer/found.py"}


def _imports(path: Path) -> set[str]:
    """Return the full names that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    assert "optimizer.golden" not in found, f"{path}: import names from it, not the module"
    return found
