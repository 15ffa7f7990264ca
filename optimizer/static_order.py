"""Rules of the static look: results that hang on the order in which something is walked."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from optimizer.static_found import Found, Rule
from optimizer.static_kinds import POLARS, SET, Source

_WALKING = frozenset(
    f"builtins.{one}"
    for one in "list tuple enumerate zip map filter iter next reversed sum sorted min max".split()  # noqa: SIM905 - as words
)
_LISTING = ("os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob")
_SORTS = ("sort", "sort_by", "arg_sort_by", "top_k", "bottom_k")


def sorting(source: Source, node: ast.AST) -> Iterator[Found]:
    """Sorts that leave ties in no order."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)):
        return
    name, keywords = source.dotted(node.func), {keyword.arg: keyword.value for keyword in node.keywords}
    kind = keywords.get("kind")
    attribute = node.func.attr if isinstance(node.func, ast.Attribute) and not name else ""
    receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
    if name in ("numpy.argsort", "numpy.sort") or attribute == "argsort":
        if not (isinstance(kind, ast.Constant) and kind.value in ("stable", "mergesort")) and "stable" not in keywords:
            text = "ties come in an order that changes with the processor: add kind='stable'"
            yield Found("unstable-sort", node, f"{(name or attribute).replace('numpy.', 'np.')}: {text}")
        return
    by = node.args or "by" in keywords
    if attribute in _SORTS and by and "maintain_order" not in keywords and source.kind(receiver) == POLARS:
        yield Found("unstable-sort", node, f".{attribute}() leaves ties in no order: add maintain_order=True")


def row_order(source: Source, node: ast.AST) -> Iterator[Found]:
    """What Polars gives in an order that changes with its threads."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)) or source.dotted(node.func):
        return
    keywords = {keyword.arg for keyword in node.keywords}
    attribute = node.func.attr
    joined = attribute == "join" and keywords & {"on", "left_on", "how"}
    if attribute not in ("group_by", "unique", "value_counts", "partition_by") and not joined:
        return
    if not keywords & {"maintain_order", "sort"} and attribute != "partition_by" and not source.is_harmless(node):
        text = f".{attribute}() gives rows in an order that changes with the threads: add maintain_order, or sort"
        yield Found("row-order", node, text)


def unordered(source: Source, node: ast.AST) -> Iterator[Found]:
    """Walks over sets, and over what a folder lists."""
    if isinstance(node, ast.expr) and _is_walked(source, node) and not source.is_harmless(node):
        if source.kind(node) == SET:
            text = "the order of a set changes with PYTHONHASHSEED and with addresses: walk sorted(...)"
            yield Found("set-order", node, text)
        elif _is_listing(source, node):
            yield Found("listing-order", node, "files are listed in no order: walk sorted(...)")
    match node:
        case ast.Call(func=ast.Attribute(attr="pop", value=value), args=[]) if source.kind(value) == SET:
            yield Found("set-order", node, "pop() takes any element of a set: choose one by its value")


def _is_walked(source: Source, node: ast.expr) -> bool:
    """Whether an expression is gone through one by one."""
    match source.parents.get(node):
        case ast.For(iter=iterated) | ast.AsyncFor(iter=iterated) | ast.comprehension(iter=iterated):
            return iterated is node
        case ast.Starred() | ast.YieldFrom():
            return True
        case ast.Call(func=func, args=args) if node in args:
            name = source.dotted(func)
            method = func.attr if isinstance(func, ast.Attribute) else ""
            return (
                name in _WALKING
                or method in ("join", "extend", "fromkeys", "writelines", "appendleft")
                or name.startswith(("itertools.", "numpy.", "polars.", "functools.reduce", "collections.deque"))
            )
    return False


def _is_listing(source: Source, node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = source.dotted(node.func)
    method = node.func.attr if isinstance(node.func, ast.Attribute) and not name else ""
    return name in _LISTING or method in ("iterdir", "glob", "rglob")


ORDER: tuple[Rule, ...] = (sorting, row_order, unordered)
