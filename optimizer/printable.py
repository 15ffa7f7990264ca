"""Text from outside as a terminal may be given it."""

from __future__ import annotations

import unicodedata

_HELD_BACK = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # control, direction and format, halves, private, line ends
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def printable(text: object, *, lines: bool = False) -> str:
    """Return text with every character that a terminal obeys, or that hides what stands there, replaced.

    With `lines`, line ends and tabs stay; without, they become spaces, so that the text stays on its line.
    """
    kept = "\n\t" if lines else ""
    told = str(text) if lines else " ".join(str(text).split())
    return "".join(_REPLACED if one not in kept and is_held_back(one) else one for one in told)


def is_held_back(character: str) -> bool:
    """Whether a terminal would obey this character rather than show it, or show others elsewhere for it."""
    return unicodedata.category(character) in _HELD_BACK
