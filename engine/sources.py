"""The digest of the engine's sources: what other code has compiled or computed is not taken for this code's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]|import[ \t]+([\w., \t]+))", re.MULTILINE)
_NAME = re.compile(rb"[\w.]+")


@cache
def code_digest() -> str:
    """Return the SHA-256 of every source of the engine, with its place."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def module_digest(module: str) -> str | None:
    """Return the SHA-256 of a module of the engine and of all modules of the engine that it imports, in turn.

    That is all which the compiled code of its functions can be made of; of a package, each module counts as imported.
    None where it is not the engine's.
    """
    if _path_of(module) is None:
        return None
    found, left = {module}, [module]
    while left:
        new = set(_imports_of(left.pop())) - found
        found |= new
        left += new
    digest = hashlib.sha256()
    for name in sorted(found):
        digest.update(name.encode() + b"\0" + _source_of(name) + b"\0")
    return digest.hexdigest()


@cache
def _imports_of(module: str) -> tuple[str, ...]:
    return tuple(part for name in named_in(_source_of(module)) for part in _parts_of(name))


def _parts_of(module: str) -> Iterator[str]:
    """Yield a module that is the engine's, and, where it is a package, those in it."""
    if (path := _path_of(module)) is not None:
        yield module
        if path.stem == "__init__":
            yield from (f"{module}.{one.stem}" for one in sorted(path.parent.glob("[!_]*.py")))


def named_in(source: bytes) -> Iterator[str]:
    """Yield the names of the modules that a source imports, or imports from."""
    for origin, names in _IMPORT.findall(source):
        if origin.startswith(b"."):
            raise ValueError(f"a relative import, from {origin.decode()}: the engine's modules name each other in full")
        yield from (name.decode() for name in _NAME.findall(origin or names))


@cache
def _source_of(module: str) -> bytes:
    path = _path_of(module)
    return b"" if path is None else path.read_bytes()


@cache
def _path_of(module: str) -> Path | None:
    """Return the file of a module of the engine; None where there is none."""
    package, _, rest = module.partition(".")
    if package != PACKAGE.name:
        return None
    place = PACKAGE.joinpath(*rest.split(".")) if rest else PACKAGE
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)
