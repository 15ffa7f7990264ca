"""The numbers of notices: given once, and never again, whatever becomes of a notice's file."""

from __future__ import annotations

import re
from pathlib import Path

from optimizer.ecn_front import NUMBER
from optimizer.errors import InputError
from optimizer.files import write_text
from optimizer.ledger import Ledger, look

NAME = re.compile(r"ECN-(\d{4,})-[\w.-]+\.md")
HIGHEST = "highest"
_TEXT = """# The highest number that a notice was ever given; commit it with the notices, so that none is given twice.
{number}
"""


def take_number(folder: Path) -> str:
    """Return the next number of a folder and note it as given; the caller holds the folder's lock.

    It is one above all that the folder's own mark, its files and the ledger beside it know. The mark is written
    before the notice: where a process ends between them a number is lost, and none is given twice.
    """
    there = [int(found[1]) for path in folder.glob("ECN-*.md") if (found := NAME.fullmatch(path.name))]
    known = look(folder.parent, Ledger.highest_number) or 0
    number = f"ECN-{max(*there, known, _marked(folder / HIGHEST), 0) + 1:04d}"
    write_text(folder / HIGHEST, _TEXT.format(number=number))
    return number


def _marked(path: Path) -> int:
    """Return the number of the mark, or 0 where there is none.

    Raises:
        InputError: where it can't be read; the line is told.
    """
    if not path.exists():
        return 0
    text = path.read_text(encoding="utf-8", errors="replace")
    said = [(place, line.strip()) for place, line in enumerate(text.splitlines(), 1)]
    said = [(place, line) for place, line in said if line and not line.startswith("#")]
    wrong = next((place for place, line in said if not NUMBER.fullmatch(line)), None)
    if wrong is not None or not said:
        hint = "One line of it has the highest number ever given, such as ECN-0042: take the higher one of a conflict"
        where = path if wrong is None else f"{path}, line {wrong}"
        raise InputError("does not say which number was the last", where=where, hint=hint)
    return max(int(line.removeprefix("ECN-")) for _, line in said)
