"""What the rules of the static look are, and give."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

from optimizer.static_kinds import Source


class Found(NamedTuple):
    """What a rule has found, where."""

    rule: str
    node: ast.AST
    text: str


Rule = Callable[[Source, ast.AST], Iterator[Found]]
"""Says what it finds at one node of a source file."""


def is_off(value: ast.AST) -> bool:
    """Whether an expression is a plain False, None or 0."""
    return isinstance(value, ast.Constant) and not value.value
