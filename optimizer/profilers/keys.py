"""What an argument or a result is, in a few bytes: two values with the same key are the same to the last bit.

Numbers, texts, dates and what is built of them are known by value, arrays by their bytes. A table is known by its
identity, since nothing changes one in place here. A container with more than MOST_BYTES is known by its identity,
its length and a sample of what it holds. What has a state of its own is known by that state, as far as it is small.
What is none of this, such as an open file or a generator, has no key.
"""

from __future__ import annotations

import enum
import hashlib
import marshal  # exact: written to be hashed, and never read
from datetime import date, time, timedelta
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np
import polars as pl

MOST_BYTES = 8 << 20
_SAMPLED = 16
_LARGE = 4_096  # members, above which an argument is sampled
_MOST_PARTS = 400  # objects that are looked at for one key
_WORK_OF_A_KEY, _WORK_OF_A_PART = 3_000, 1_000
_PLAIN = frozenset({int, float, complex, str, bytes, bool, type(None), type(Ellipsis)})
_BY_IDENTITY = (FunctionType, BuiltinFunctionType, ModuleType, type, pl.DataFrame, pl.Series, pl.Expr)


class NoKeyError(Exception):
    """This value can't be told from others."""


class Keys:
    """Makes keys; what it knows by identity alone it keeps alive, so that no other gets the same identity.

    `work` grows with what has been done, about 1 for a nanosecond: a clock that does not depend on the machine.
    """

    def __init__(self) -> None:
        self._kept: dict[int, object] = {}
        self._parts = 0
        self.work = 0

    def of(self, value: object, *, whole: bool = False) -> bytes:
        """Return the key of a value; `whole` forbids samples and identities, as for a result.

        Raises:
            NoKeyError: where it has none.
        """
        self._parts = 0
        self.work += _WORK_OF_A_KEY
        try:
            text = self._text(value, whole)
        finally:
            self.work += self._parts * _WORK_OF_A_PART
        self.work += 2 * len(text)
        return text if len(text) <= 16 else hashlib.blake2b(text, digest_size=16).digest()

    def _text(self, value: object, whole: bool) -> bytes:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise NoKeyError("it has too many parts")
        kind = type(value)
        if kind in _PLAIN:
            return _marshalled(value)
        if kind in (list, tuple, dict, set, frozenset):
            return self._container(value, whole)
        return type(value).__qualname__.encode() + b"\0" + self._other(value, whole)

    def _container(self, value: Any, whole: bool) -> bytes:
        if len(value) > _LARGE and not whole and type(value) in (list, tuple):
            step = len(value) // _SAMPLED
            return self._identity(value) + b"".join(self._text(one, whole) for one in value[::step])
        if type(value) not in (set, frozenset):  # whose order is that of hashes
            try:
                return _marshalled(value)
            except NoKeyError:
                pass  # it holds what is not plain: member by member, then
        parts = [self._text(one, whole) for one in (value.items() if type(value) is dict else value)]
        if type(value) in (set, frozenset):
            parts.sort()
        return type(value).__name__.encode() + b"".join(b"%d:" % len(part) + part for part in parts)

    def _other(self, value: Any, whole: bool) -> bytes:
        if isinstance(value, np.ndarray):
            return _array(value)
        if isinstance(value, (np.generic, date, time, timedelta, enum.Enum)):
            return repr(value).encode()
        if isinstance(value, MethodType):
            return self._identity(value.__func__) + self._text(value.__self__, whole)
        if isinstance(value, memoryview) and value.nbytes <= MOST_BYTES:
            return value.tobytes()
        if whole and isinstance(value, pl.DataFrame | pl.Series):
            return _table(value)
        if isinstance(value, _BY_IDENTITY):
            return self._identity(value)
        if isinstance(value, tuple):  # a named one
            return self._container(tuple(value), whole)
        if isinstance(value, MappingProxyType):
            return self._container(dict(value), whole)
        return self._state(value, whole)

    def _state(self, value: Any, whole: bool) -> bytes:
        """Return the state of an object; only one of a class of Python's own has all of it where it can be seen."""
        if not _is_plain_class(type(value)):
            raise NoKeyError(f"{type(value).__name__} keeps its state where it can't be seen")
        names = [name for one in type(value).__mro__ for name in _slots(one)]
        state = {name: getattr(value, name) for name in names if hasattr(value, name)}
        if hasattr(value, "__dict__"):
            state |= vars(value)
        return self._container(state, whole)

    def _identity(self, value: object) -> bytes:
        self._kept[id(value)] = value
        size = len(value) if hasattr(value, "__len__") and not isinstance(value, type) else 0
        return b"%d,%d;" % (id(value), size)


_plain: dict[type, bool] = {}


def _is_plain_class(kind: type) -> bool:
    """Whether a class, and all that it is derived from, is written in Python: those below object have these marks."""
    if kind not in _plain:
        first = [one for one in kind.__mro__ if one.__bases__ == (object,)]
        _plain[kind] = bool(first) and all("__weakref__" in vars(one) or "__slots__" in vars(one) for one in first)
    return _plain[kind]


def _slots(kind: type) -> list[str]:
    slots = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    hidden = f"_{kind.__name__.lstrip('_')}"
    return [f"{hidden}{name}" if name.startswith("__") and not name.endswith("__") else name for name in names]


def _marshalled(value: Any) -> bytes:
    """Return plain values, and containers of them, as bytes: exact to the bit, and 1 is not 1.0."""
    try:
        text = marshal.dumps(value, 2)  # a version that does not write which of two equal values is the same object
    except ValueError:
        raise NoKeyError("it holds what is not plain") from None
    if len(text) > MOST_BYTES:
        raise NoKeyError("it is too large")
    return text


def _array(value: np.ndarray[Any, Any]) -> bytes:
    if value.dtype.hasobject or value.nbytes > MOST_BYTES:
        raise NoKeyError("an array of objects, or a large one")
    return f"{value.dtype.str}{value.shape}".encode() + value.tobytes()


def _table(value: pl.DataFrame | pl.Series) -> bytes:
    table = value.to_frame() if isinstance(value, pl.Series) else value
    if table.estimated_size() > MOST_BYTES:
        raise NoKeyError("a large table")
    return repr(table.schema).encode() + table.hash_rows().to_numpy().tobytes()
