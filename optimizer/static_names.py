"""What the names of a source file stand for, as far as its text alone tells."""

from __future__ import annotations

import ast
import builtins
from collections import defaultdict
from collections.abc import Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
Bound = ast.expr | None
"""What a name was bound to; None where one can't tell."""


class Names:
    """A parsed file, with what its names stand for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.nodes = list(ast.walk(self.tree))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self.imported: dict[str, str] = {}
        self.bound: dict[tuple[ast.AST, str], list[tuple[str, Bound]]] = defaultdict(list)
        self._names: set[str] = set()
        for node in self.nodes:
            self._bind(node)

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what the node stands in, from the inside."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def dotted(self, node: ast.AST | None) -> str:
        """Return the whole dotted name that an expression stands for: "numpy.sum", "builtins.sum"; "" if unknown."""
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value)
            return f"{base}.{node.attr}" if base else ""
        if isinstance(node, ast.Call) and self.dotted(node.func) == "builtins.getattr" and len(node.args) > 1:
            base, name = self.dotted(node.args[0]), node.args[1]
            return f"{base}.{name.value!s}" if base and isinstance(name, ast.Constant) else ""
        if not isinstance(node, ast.Name):
            return ""
        if node.id in self.imported:
            return self.imported[node.id]
        if node.id in self._names:
            return self._of_one_assignment(node)
        return f"builtins.{node.id}" if hasattr(builtins, node.id) else ""

    def is_of_module(self, node: ast.AST, name: str) -> bool:
        """Whether a function stands around a node, and a name in it is the module's and none of its own."""
        around = [one for one in self.above(node) if isinstance(one, FUNCTIONS)]
        return bool(around) and not any((one, name) in self.bound for one in around)

    def _bind(self, node: ast.AST) -> None:
        match node:
            case ast.Import(names=names):
                for one in names:
                    self.imported[one.asname or one.name.split(".")[0]] = (
                        one.name if one.asname else one.name.split(".")[0]
                    )
            case ast.ImportFrom(module=module, names=names, level=0):
                self.imported |= {one.asname or one.name: f"{module}.{one.name}" for one in names}
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._names.add(node.name)
            case ast.arg(arg=name, annotation=annotation):
                self._add(self.parents[self.parents[node]], name, "annotation", annotation)
            case ast.AnnAssign(target=target, annotation=annotation):
                self._assign(node, target, "annotation", annotation)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(node, target, "value", value)
            case ast.AugAssign(target=target, value=value):
                self._assign(node, target, "value", value)
            case ast.NamedExpr(target=target, value=value):
                self._assign(node, target, "value", value)
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
                self._assign(node, target, "element", value)
            case ast.comprehension(target=target, iter=value):
                self._assign(node, target, "element", value)

    def _assign(self, node: ast.AST, target: ast.expr, how: str, value: Bound) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for one in target.elts:
                self._assign(node, one, how, None)
        elif isinstance(target, ast.Name):
            self._add(self._scope(node), target.id, how, value)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
            owner = next((one for one in self.above(node) if isinstance(one, ast.ClassDef)), self.tree)
            self.bound[owner, f"self.{target.attr}"].append((how, value))

    def _add(self, scope: ast.AST, name: str, how: str, value: Bound) -> None:
        self.bound[scope, name].append((how, value))
        self._names.add(name)

    def _scope(self, node: ast.AST) -> ast.AST:
        return next((one for one in self.above(node) if isinstance(one, FUNCTIONS)), self.tree)

    def _of_one_assignment(self, node: ast.Name) -> str:
        """Follow `add = np.sum`, once."""
        for scope in (*(one for one in self.above(node) if isinstance(one, FUNCTIONS)), self.tree):
            if bound := self.bound.get((scope, node.id)):
                how, value = bound[0]
                plain = len(bound) == 1 and how == "value" and isinstance(value, ast.Name | ast.Attribute)
                same = isinstance(value, ast.Name) and value.id in self._names
                return self.dotted(value) if plain and not same else ""
        return ""
