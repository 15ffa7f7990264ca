"""What the expressions of a source file are: whole numbers, sets, frames of Polars; as far as its text alone tells."""

from __future__ import annotations

import ast
import re

from optimizer.static_names import FUNCTIONS, Bound, Names

INTS, SET, POLARS, FLOAT, UNKNOWN = "ints", "set", "polars", "float", ""

_SETS = re.compile(r"(\w+\.)?(set|frozenset|Set|FrozenSet|AbstractSet|MutableSet)\b")
_WHOLE = re.compile(
    r"\b(int|bool|Ints|Bools|u?int(8|16|32|64)|UInt(8|16|32|64)|Int(8|16|32|64)|bool_|Boolean|integer)\b"
)
_BROKEN = re.compile(r"float|Float|Any|Decimal|object|str")
_FRAMES = re.compile(r"\b(pl\.|polars\.)?(DataFrame|LazyFrame|Series|Expr)\b")
_COUNTING = re.compile(
    r"builtins\.(len|int|ord|id|hash|bool|isinstance|any|all|range|hasattr|callable)"
    r"|numpy\.(flatnonzero|arg\w+|count_nonzero|searchsorted|digitize|isnan|isfinite|isinf|isin|packbits|unpackbits"
    r"|logical_\w+|signbit|lexsort|equal|not_equal|greater\w*|less\w*)"
)
_COUNTING_METHODS = frozenset(
    [
        "count",
        "bit_count",
        "index",
        "find",
        "startswith",
        "endswith",
        "is_null",
        "is_not_null",
        "is_nan",
        "is_in",
        "is_between",
        "is_duplicated",
        "is_unique",
        "n_unique",
        "null_count",
        "eq",
        "ne",
        "gt",
        "lt",
        "ge",
        "le",
        "arg_sort",
        "arg_true",
        "cum_count",
        "len",
        "height",
        "isdecimal",
        "isdigit",
    ]
)
_PASSED_ON = frozenset(
    ("builtins.sorted", "builtins.list", "builtins.tuple", "builtins.min", "builtins.max", "builtins.abs")
)
_OUT_OF_POLARS = frozenset(
    [
        "to_numpy",
        "to_list",
        "to_arrow",
        "to_dict",
        "to_dicts",
        "item",
        "row",
        "rows",
        "iter_rows",
        "to_torch",
        "to_pandas",
    ]
)
_SET_METHODS = frozenset(("union", "intersection", "difference", "symmetric_difference"))
_SET_OPERATORS = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.Sub)
_HARMLESS = frozenset(f"builtins.{name}" for name in ("sorted", "min", "max", "len", "set", "frozenset", "any", "all"))
_ORDER_LOST = frozenset(["sort", "len", "n_unique", "is_empty", "issubset", "issuperset", "isdisjoint", "height"])
_HANDED_ON = frozenset(
    f"builtins.{name}" for name in ("map", "filter", "zip", "enumerate", "list", "tuple", "iter", "reversed")
)


class Source(Names):
    """A parsed file, with what its names stand for and what its expressions are."""

    def kind(self, node: ast.AST | None, depth: int = 6) -> str:
        """Return what an expression is, where that is plain: whole numbers (or a container of them), a set, ..."""
        if depth == 0 or node is None:
            return UNKNOWN
        match node:
            case ast.Constant(value=bool() | int()) | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return INTS
            case ast.Constant(value=float()):
                return FLOAT
            case ast.Set() | ast.SetComp():
                return SET
            case ast.BinOp():
                return self._of_operation(node, depth)
            case ast.UnaryOp(operand=inner) | ast.NamedExpr(value=inner) | ast.Starred(value=inner):
                return self.kind(inner, depth - 1)
            case ast.ListComp(elt=inner) | ast.GeneratorExp(elt=inner):
                return INTS if self.kind(inner, depth - 1) == INTS else UNKNOWN
            case ast.IfExp(body=one, orelse=other):
                return self._agreed([one, other], depth)
            case ast.BoolOp(values=values):
                return self._agreed(values, depth)
            case ast.List(elts=values) | ast.Tuple(elts=values) if values:
                return INTS if self._agreed(values, depth) == INTS else UNKNOWN
            case ast.Call():
                return self._of_call(node, depth)
            case ast.Subscript(value=inner):
                found = self.kind(inner, depth - 1)
                return found if found in (INTS, POLARS) else UNKNOWN
            case ast.Attribute():
                return self._of_attribute(node, depth)
            case ast.Name(id=name):
                return self._of_name(node, name, depth)
        return UNKNOWN

    def is_harmless(self, node: ast.AST) -> bool:
        """Whether the order of what an expression yields is lost again: inside sorted(), len(), set(), and the like."""
        parent = self.parents.get(node)
        if isinstance(parent, ast.comprehension):
            owner = self.parents[parent]
            return isinstance(owner, ast.SetComp) or (not isinstance(owner, ast.DictComp) and self.is_harmless(owner))
        if isinstance(parent, ast.Starred):
            return isinstance(self.parents[parent], ast.Set) or self.is_harmless(parent)
        if isinstance(parent, ast.Attribute):
            outer = self.parents.get(parent)
            return parent.attr in _ORDER_LOST or (isinstance(outer, ast.Call) and self.is_harmless(outer))
        if not isinstance(parent, ast.Call):
            return False
        name = self.dotted(parent.func)
        keyed = any(
            keyword.arg == "key" for keyword in parent.keywords
        )  # what ties stays in the order in which it came
        if name == "builtins.sum":
            return self.kind(node) == INTS
        return (name in _HARMLESS and not keyed) or (name in _HANDED_ON and self.is_harmless(parent))

    def _agreed(self, values: list[ast.expr], depth: int) -> str:
        kinds = {self.kind(value, depth - 1) for value in values}
        return kinds.pop() if len(kinds) == 1 else UNKNOWN

    def _of_bound(self, bound: list[tuple[str, Bound]], depth: int) -> str:
        kinds = set()
        for how, value in bound:
            if how == "annotation":
                kinds.add(_of_annotation(value))
            else:
                found = self.kind(value, depth - 1)
                kinds.add(found if how == "value" or found == INTS else UNKNOWN)
        return kinds.pop() if len(kinds) == 1 else UNKNOWN

    def _of_name(self, node: ast.AST, name: str, depth: int) -> str:
        if self.imported.get(name, "").startswith("polars"):
            return POLARS
        for scope in (*(one for one in self.above(node) if isinstance(one, FUNCTIONS)), self.tree):
            if bound := self.bound.get((scope, name)):
                return self._of_bound(bound, depth)
        return UNKNOWN

    def _of_attribute(self, node: ast.Attribute, depth: int) -> str:
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            for owner in self.above(node):
                if bound := self.bound.get((owner, f"self.{node.attr}")):
                    return self._of_bound(bound, depth)
        return POLARS if self.kind(node.value, depth - 1) == POLARS else UNKNOWN

    def _of_operation(self, node: ast.BinOp, depth: int) -> str:
        left, right = self.kind(node.left, depth - 1), self.kind(node.right, depth - 1)
        if isinstance(node.op, _SET_OPERATORS) and (
            SET in (left, right) or _is_keys(node.left) or _is_keys(node.right)
        ):
            return SET
        if POLARS in (left, right):
            return POLARS
        whole = left == right == INTS and not isinstance(node.op, ast.Div | ast.Pow)
        return INTS if whole else UNKNOWN

    def _of_call(self, node: ast.Call, depth: int) -> str:
        name = self.dotted(node.func)
        if name in ("builtins.set", "builtins.frozenset"):
            return SET
        if _COUNTING.fullmatch(name) or (name == "builtins.round" and len(node.args) == 1):
            return INTS
        if name.startswith("numpy.") and whole_dtype(node):
            return INTS
        if name == "numpy.arange":
            return self._agreed(node.args, depth)
        if name in _PASSED_ON and node.args:
            return INTS if self._agreed(node.args, depth) == INTS else UNKNOWN
        if name.startswith("polars."):
            return POLARS
        if not isinstance(node.func, ast.Attribute):
            return UNKNOWN
        if node.func.attr in _COUNTING_METHODS or (node.func.attr in ("astype", "cast") and whole_dtype(node)):
            return INTS
        receiver = self.kind(node.func.value, depth - 1)
        if node.func.attr in _OUT_OF_POLARS:
            return UNKNOWN
        if receiver == SET and node.func.attr in (*_SET_METHODS, "copy"):
            return SET
        return receiver if receiver == POLARS or (receiver == INTS and node.func.attr == "copy") else UNKNOWN


def whole_dtype(call: ast.Call) -> bool:
    """Whether a call names a type of whole numbers, as an argument or as `dtype`."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg in ("dtype", "return_dtype"))]
    texts = [ast.unparse(one) for one in given if isinstance(one, ast.Name | ast.Attribute | ast.Constant)]
    return any(_WHOLE.search(text) and not _BROKEN.search(text) for text in texts)


def _of_annotation(annotation: Bound) -> str:
    text = ast.unparse(annotation) if annotation is not None else ""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        text = annotation.value
    if _SETS.match(text):
        return SET
    if _FRAMES.search(text) and not re.match(r"(dict|list|tuple|Mapping|Sequence)\b", text):
        return POLARS
    return INTS if _WHOLE.search(text) and not _BROKEN.search(text) else UNKNOWN


def _is_keys(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "items")
