"""What a module holds, as one digest: a process that finds another has other code, or other values, in it.

A module may have been edited, reloaded or patched since this process imported it. The digest is of the module in
memory, not of its file: its functions, its classes, and its plain values, among them those in lists and dictionaries.
What a module uses of others in its folder counts with them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import numpy as np

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


def module_digest(module: ModuleType) -> str:
    """Return the digest of all that is defined in a module."""
    digest = hashlib.sha256()
    reader = _Reader(module.__name__)
    for name, value in sorted(vars(module).items()):
        if not name.startswith("__"):
            digest.update(f"{name}={reader.text(value)}\n".encode(errors="backslashreplace"))
    return digest.hexdigest()


def with_neighbours(module: ModuleType) -> list[ModuleType]:
    """Return a module, and those of its folder and below that it uses, but none that is installed, and no engine."""
    found = {module.__name__: module}
    folder = Path(getattr(module, "__file__", None) or "/nowhere/module.py").parent
    pending = [module]
    while pending:
        for name in set(_used(pending.pop())) - set(found):  # exact: each is looked at once, in any order
            file = getattr(sys.modules.get(name), "__file__", None)
            if file and folder in Path(file).parents and "site-packages" not in file and not name.startswith("engine."):
                found[name] = sys.modules[name]
                pending.append(found[name])
    return list(found.values())


def _used(module: ModuleType) -> Iterator[str]:
    for value in vars(module).values():
        if isinstance(value, ModuleType):
            yield value.__name__
        elif isinstance(value, FunctionType | type):
            yield value.__module__


class _Reader:
    """Puts values into words that any process with the same code has for them; of what is not known, its type."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._told: set[int] = set()

    def text(self, value: object, above: frozenset[int] = frozenset()) -> str:
        """Return a value in words; `above` has what it stands in."""
        if type(value) in _PLAIN:
            return repr(value)
        if isinstance(value, FunctionType | type):
            if value.__module__ != self._module or id(value) in self._told:  # exact: while the class is alive
                return f"{value.__module__}.{value.__qualname__}"
            self._told.add(id(value))  # exact: as above; once is enough: many values may be of one class
        if id(value) in above:  # exact: while the value is alive
            return "(above)"
        above = above | {id(value)}  # exact: while the value is alive
        if isinstance(value, set | frozenset):
            return f"{type(value).__name__}{sorted(self.text(one, above) for one in value)}"
        if isinstance(value, dict):
            return str(sorted((self.text(key, above), self.text(one, above)) for key, one in value.items()))
        return f"{type(value).__name__}({', '.join(self.text(one, above) for one in _parts(value))})"


def _parts(value: object) -> Sequence[object]:
    """Return what makes a value what it is, as far as it is known how to look at it."""
    if isinstance(value, CodeType):
        return value.co_code, value.co_names, value.co_varnames, value.co_consts
    if isinstance(value, FunctionType):
        return value.__code__, value.__defaults__, value.__kwdefaults__, _closure(value)
    if isinstance(value, type):
        return value.__bases__, {name: one for name, one in vars(value).items() if _counts(name, one)}
    if isinstance(value, tuple | list):
        return value
    if isinstance(value, property):
        return value.fget, value.fset
    if isinstance(value, classmethod | staticmethod):
        return (value.__func__,)
    if isinstance(value, cached_property | partial):
        return value.func, *getattr(value, "args", ()), getattr(value, "keywords", None)
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if dataclasses.is_dataclass(value):
        return type(value), *(getattr(value, one.name, None) for one in dataclasses.fields(value))
    inside = getattr(value, "__dict__", {})
    return inside.get("__wrapped__"), inside.get("py_func")  # of what is cached, and of what Numba compiles


def _closure(function: FunctionType) -> list[object]:
    contents: list[object] = []
    for cell in function.__closure__ or ():
        try:
            contents.append(cell.cell_contents)
        except ValueError:  # not filled yet
            contents.append(None)
    return contents


def _counts(name: str, value: object) -> bool:
    """Whether a class's attribute is code or a value of its own; Python's notes about the class are not."""
    return isinstance(value, FunctionType) or not name.startswith("__")
