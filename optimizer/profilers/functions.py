"""Finding the function objects that a profile has named by file and line."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType

Place = tuple[str, int]
"""A file, relative to the engine's folder, and the line on which a function begins."""


def functions_at(places: Iterable[Place], root: Path) -> dict[Place, list[FunctionType]]:
    """Return the functions of the engine that run the code at each place; several where closures share their code.

    What has no function object of its own, as a generator expression or the body of an inner function that nobody
    holds just now, is found in the function that it is written in. What Numba compiles is left out: its Python code
    does not run.
    """
    compiled = {id(one.py_func) for one in gc.get_objects() if type(one).__name__ == "CPUDispatcher"}
    own: dict[Place, list[FunctionType]] = defaultdict(list)
    around: dict[Place, list[FunctionType]] = defaultdict(list)
    for function in gc.get_objects():
        if type(function) is not FunctionType or id(function) in compiled:
            continue
        path = Path(function.__code__.co_filename)
        if not path.is_relative_to(root):
            continue
        file = path.relative_to(root).as_posix()
        own[file, function.__code__.co_firstlineno].append(function)
        for code in _inner(function.__code__):
            around[file, code.co_firstlineno].append(function)
    return {place: own.get(place) or around.get(place, []) for place in places}


def _inner(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inner(constant)
