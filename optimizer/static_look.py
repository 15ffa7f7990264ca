"""A static look at an optimization: what in its sources can change bits, told with the line.

It reads text and runs nothing, so it only warns: parity and the determinism matrix decide. It is meant to be quiet
about what is exact; what it can't know is told by `# exact: why` at the end of the line, which a reviewer reads.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from optimizer.static_arithmetic import ARITHMETIC
from optimizer.static_kinds import Source
from optimizer.static_order import ORDER
from optimizer.static_surroundings import SURROUNDINGS
from optimizer.subject import Candidate, Subject

_EXACT = re.compile(r"#\s*exact:\s*(.*)")


@dataclass(frozen=True)
class Remark:
    """What a reviewer should look at: a rule, a line, and what can change there; `reason` silences it."""

    rule: str
    path: str
    line: int
    text: str
    reason: str = ""

    def __str__(self) -> str:
        """As it is printed."""
        silenced = f" [exact: {self.reason}]" if self.reason else ""
        return f"{self.path}:{self.line}: {self.rule}: {self.text}{silenced}"


def look(subject: Subject, candidate: Candidate, *, silenced: bool = False) -> tuple[Remark, ...]:
    """Return the remarks on a candidate's file and on what it imports of the engine, in the order of files and lines.

    The files of the reference's components are left out: they give the outputs that all else is held to. With
    `silenced`, what a comment `# exact: why` answers is returned as well, with its reason.
    """
    return look_at(subject, files_of(subject, candidate), silenced=silenced)


def look_at(subject: Subject, paths: Iterable[Path], *, silenced: bool = False) -> tuple[Remark, ...]:
    """Return the remarks on these files."""
    root = _project_of(subject.source_root)
    found = (remark for path in paths for remark in _remarks(path, root))
    return tuple(remark for remark in found if silenced or not remark.reason)


def files_of(subject: Subject, candidate: Candidate) -> tuple[Path, ...]:
    """Return a candidate's file, then what it imports, directly or not, of the package that it belongs to."""
    reference = {subject.source_root / name for name in subject.components}
    pending, found = [candidate.path], [candidate.path]
    while pending:
        for path in _imported(pending.pop(), subject.source_root):
            if path not in found and path not in reference:
                found.append(path)
                pending.append(path)
    return (candidate.path, *sorted(found[1:]))


@cache
def _imported(path: Path, root: Path) -> tuple[Path, ...]:
    """Return the modules of the package that a file imports, or names in a text, as to be run."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=imported):
                names |= {one.name for one in imported}
            case ast.ImportFrom(module=str(module), names=imported, level=0):
                names |= {module, *(f"{module}.{one.name}" for one in imported)}
            case ast.Constant(value=str(text)) if text.startswith(f"{root.name}."):
                names.add(text)
    inside = [name.split(".")[1:] for name in names if re.fullmatch(rf"{root.name}(\.\w+)+", name)]
    paths = {root.joinpath(*parts).with_suffix(".py") for parts in inside}
    return tuple(sorted(one for one in paths if one.is_file()))


def _remarks(path: Path, root: Path) -> Iterator[Remark]:
    shown = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    reasons, found = _looked_at(path.read_text(encoding="utf-8"))
    for rule, line, text in found:
        yield Remark(rule, shown, line, text, reasons.get(line, ""))
    for line, reason in reasons.items():
        if not reason:
            yield Remark("no-reason", shown, line, "'# exact:' says no reason: write why no bit can change here")


@cache
def _looked_at(text: str) -> tuple[dict[int, str], list[tuple[str, int, str]]]:
    """Return the reasons that stand in a text, by line, and what the rules find in it."""
    source = Source(text)
    found = {
        (one.node.lineno, one.rule, one.text)  # type: ignore[attr-defined]  # every node that a rule points at has one
        for rule in (*ARITHMETIC, *ORDER, *SURROUNDINGS)
        for node in source.nodes
        for one in rule(source, node)
    }
    return dict(_reasons(text)), [(rule, line, told) for line, rule, told in sorted(found)]


def _reasons(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and (stated := _EXACT.search(token.string)):
            yield token.start[0], stated[1].strip()


def _project_of(source_root: Path) -> Path:
    """Return the folder that paths are told from: the one with the project's settings."""
    return next((one for one in source_root.parents if (one / "pyproject.toml").is_file()), source_root.parent)
