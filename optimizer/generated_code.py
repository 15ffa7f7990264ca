"""A look at the code that Numba has generated: whether it fuses a product and a sum into one instruction.

A fused multiply-add rounds once where the source rounds twice. LLVM makes none of plain products and sums unless a
flag allows it, so that one in an engine's own function tells of such a flag, or of a compiler that has changed.
"""

from __future__ import annotations

import gc
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numba.core.dispatcher import Dispatcher

_FUSED = re.compile(r"^\s+(vfn?m(?:add|sub)\w*|vfm(?:addsub|subadd)\w*|fn?m(?:add|sub)|fml[as])\s", re.MULTILINE)
_SYMBOL = re.compile(r"^\"?([\w$.@]+)\"?:", re.MULTILINE)


def fused_instructions(source_root: Path) -> tuple[str, ...]:
    """Return the fused multiply-adds in the functions below a folder that this process has compiled.

    Each is told as `path:line function: 3 vfmadd213sd`. Only a function's own code counts, with what was inlined into
    it, and not what Numba brings along.
    """
    found: dict[str, None] = {}
    for function, signature in _compiled(source_root):
        own = _own_code(function, signature)
        counts = Counter(match[1] for match in _FUSED.finditer(own))
        if counts:
            told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
            found[f"{_name(function, source_root)}: {told}"] = None
    return tuple(sorted(found))


def not_looked_at(source_root: Path) -> tuple[str, ...]:
    """Return the functions below a folder whose code came from a code cache: Numba keeps no text of it.

    A process with an empty NUMBA_CACHE_DIR compiles all anew, and can be looked at.
    """
    cached = {_name(one, source_root) for one, signature in _compiled(source_root) if _is_cached(one, signature)}
    return tuple(sorted(cached))


def _compiled(source_root: Path) -> Iterator[tuple[Any, Any]]:
    """Yield the compiled functions of a folder with each signature that they were compiled for."""
    held = [value for module in list(sys.modules.values()) for value in vars(module).values()]
    seen: set[int] = set()
    for value in (*held, *gc.get_objects()):  # those of modules may have been frozen out of the collector's sight
        if issubclass(type(value), Dispatcher) and id(value) not in seen:  # a dead proxy has no class to ask for
            seen.add(id(value))
            if Path(value.py_func.__code__.co_filename).is_relative_to(source_root):
                yield from ((value, signature) for signature in list(value.overloads))


def _is_cached(function: Any, signature: Any) -> bool:
    return bool(getattr(function.overloads[signature].library, "_disable_inspection", False))


def _own_code(function: Any, signature: Any) -> str:
    """Return the assembly of a function itself, without what was linked to it; empty where there is no text."""
    if _is_cached(function, signature):
        return ""
    assembly = function.inspect_asm(signature)
    symbols = list(_SYMBOL.finditer(assembly))
    wanted = function.overloads[signature].fndesc.mangled_name
    starts = [match for match in symbols if not match[1].startswith(".L")]
    for match, following in zip(starts, [*starts[1:], None], strict=True):
        if match[1] == wanted:
            return str(assembly[match.end() : following.start() if following else len(assembly)])
    return str(assembly)  # inlined where it is called: all that is there is looked at


def _name(function: Any, source_root: Path) -> str:
    code = function.py_func.__code__
    path = Path(code.co_filename).relative_to(source_root.parent).as_posix()
    return f"{path}:{code.co_firstlineno} {function.py_func.__qualname__}"
