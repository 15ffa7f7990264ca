"""What the instrument is attacked with: each variant is one change of the engine's sources, with a name in plain words.

Edits are listed in `edits`. Candidate files are found by walking their folders, `wrong/<focus>/<name>.py` and
`rewrites/<focus>/<name>.py`: what one is called stands in the first line of its docstring.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.edits import EDITS

HERE = Path(__file__).parent
OPERATOR, BY_HAND, REWRITE = "operator", "by hand", "rewrite"


@dataclass(frozen=True)
class Variant:
    """One change. `file` is below engine/, `optimization` the one that is tried, on what it requires.

    An edit has the text that stands in the file once, and what it becomes; a candidate file has its `source`.
    """

    name: str
    kind: str
    operator: str
    file: str
    optimization: str
    right: str = ""
    wrong: str = ""
    source: Path | None = None
    equivalent: str = ""

    @property
    def is_right(self) -> bool:
        """Whether it has to pass: a rewrite, or an edit that is argued to change no bit."""
        return self.kind == REWRITE or bool(self.equivalent)

    @property
    def slug(self) -> str:
        """Its name, as that of a folder."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:80]

    def apply(self, engine: Path) -> None:
        """Change a copy of the engine.

        Raises:
            ValueError: where the text to be changed does not stand there exactly once.
        """
        path = engine / self.file
        if self.source is not None:
            shutil.copy(self.source, path)
            return
        text = path.read_text(encoding="utf-8")
        if (count := text.count(self.right)) != 1:
            raise ValueError(f"{self.name}: {self.right!r} stands {count} times in {self.file}")
        path.write_text(text.replace(self.right, self.wrong), encoding="utf-8")


def variants() -> list[Variant]:
    """Return all of them: edits, wrong candidates, rewrites."""
    found = [
        *(
            Variant(one.name, OPERATOR, one.operator, one.file, one.on, one.right, one.wrong, None, one.equivalent)
            for one in EDITS
        ),
        *_written("wrong", BY_HAND),
        *_written("rewrites", REWRITE),
    ]
    names = [one.name for one in found]
    if doubles := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two variants have one name: {', '.join(sorted(doubles))}")
    return found


def _written(folder: str, kind: str) -> Iterator[Variant]:
    for path in sorted((HERE / folder).glob("*/*.py")):
        title = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0].rstrip(".")
        focus = path.parent.name
        name = f"{focus.replace('_', '-')}/{path.stem}"
        title = title[:1].lower() + title[1:]
        yield Variant(title, kind, kind, f"optimizations/{focus}/{path.name}", name, source=path)
