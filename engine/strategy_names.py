"""Strategies and their parameters as JSON: by name and by value, so that another process can make the same.

A class or function is its module and name; a frozen dataclass is its type and the fields that make it; a partial is
what it calls, with what. Nothing is pickled: what has no name that can be imported, or would not come back the same,
is refused.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from functools import partial
from types import ModuleType
from typing import Any

from engine.module_state import module_digest, with_neighbours

Encoded = Any  # what json writes and reads


class UnsendableError(Exception):
    """A value that another process can't make; the text says why."""


class Encoder:
    """Turns values into JSON, and notes the modules that they name, with their digests."""

    def __init__(self) -> None:
        self.modules: dict[str, str] = {}

    def encode(self, value: object) -> Encoded:
        """Return a value in a form that `decode` makes the same value of.

        Raises:
            UnsendableError: where there is none.
        """
        if value is None or type(value) in (bool, str):
            return value
        if type(value) is int:
            return {"int": hex(value)}
        if type(value) is float:
            if value != value:
                raise UnsendableError("a NaN has bits that get lost on the way")
            return value
        if type(value) is list:
            return [self.encode(one) for one in value]
        if type(value) is tuple:
            return {"tuple": [self.encode(one) for one in value]}
        if type(value) is partial:
            keywords = {name: self.encode(one) for name, one in value.keywords.items()}
            return {"partial": self._name(value.func), "with": [self.encode(one) for one in value.args]} | {
                "keywords": keywords
            }
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._dataclass(value)
        return {"name": self._name(value)}

    def _dataclass(self, value: Any) -> Encoded:
        if not type(value).__dataclass_params__.frozen:
            raise UnsendableError(f"{_told(value)} is a dataclass that is not frozen")
        made_of = {one.name: self.encode(getattr(value, one.name)) for one in dataclasses.fields(value) if one.init}
        encoded = {"type": self._name(type(value)), "fields": made_of}
        try:
            again = decode(encoded)
            same = bool(again == value) and getattr(again, "__dict__", None) == getattr(value, "__dict__", None)
        except Exception as error:
            raise UnsendableError(f"{_told(value)} can't be made again ({error})") from error
        if not same:
            raise UnsendableError(f"{_told(value)} is not the same when it is made again from its fields")
        return encoded

    def _name(self, value: object) -> str:
        """Return `module:name`, where that is what the value is found by."""
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if not isinstance(module, str) or not isinstance(name, str):
            raise UnsendableError(f"{_told(value)} is neither a plain value nor a named class or function")
        if module == "__main__":
            raise UnsendableError(f"{name} stands in __main__, which other processes can't import")
        if "<" in name:
            raise UnsendableError(f"{name} of {module} is local, and has no name to import it by")
        found: Any = sys.modules.get(module)
        if not isinstance(found, ModuleType):
            raise UnsendableError(f"{name} is of {module}, which is no module")
        if module not in self.modules and not module.startswith("engine."):  # the engine is what the build says
            self.modules |= {one.__name__: module_digest(one) for one in with_neighbours(found)}
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is not value:
            raise UnsendableError(f"{name} of {module} is not what is found there by that name")
        return f"{module}:{name}"


def decode(encoded: Encoded) -> Any:
    """Return the value that was encoded."""
    if isinstance(encoded, list):
        return [decode(one) for one in encoded]
    if not isinstance(encoded, dict):
        return encoded
    if "int" in encoded:
        return int(encoded["int"], 16)
    if "tuple" in encoded:
        return tuple(decode(one) for one in encoded["tuple"])
    if "partial" in encoded:
        keywords = {name: decode(one) for name, one in encoded["keywords"].items()}
        return partial(_find(encoded["partial"]), *map(decode, encoded["with"]), **keywords)
    if "type" in encoded:
        return _find(encoded["type"])(**{name: decode(one) for name, one in encoded["fields"].items()})
    return _find(encoded["name"])


def _find(named: str) -> Any:
    module, _, name = named.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _told(value: object) -> str:
    return f"a {type(value).__name__}"
