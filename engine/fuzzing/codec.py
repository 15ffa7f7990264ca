"""Drawn cases as JSON, by name and by value: so that one can be kept, read, and run by another process.

Only what stands in `KNOWN` is written or made: there is no code in a document, and nothing is imported for one. A
float is a JSON number where it is finite, which Python writes with all its bits, else {"float": ...}.
"""

from __future__ import annotations

import math
import struct
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any, NoReturn, Union, get_args, get_origin, get_type_hints

from engine import features, gates
from engine.errors import InputError
from engine.fuzzing import actions
from engine.fuzzing.case import FORMS, Case
from engine.fuzzing.makers import MAKERS
from engine.fuzzing.script import Script
from engine.model import Settings
from engine.ranking import DeclaredRanking
from engine.rules import StopLoss, TakeProfit, TimeExit, TrailingStop
from engine.strategy import Above, CrossesAbove, DeclaredStrategy, Notional, Strategy

SCHEMA = 1
Document = dict[str, Any]
KNOWN: dict[str, type] = {
    one.__name__: one
    for one in (
        *(*features.KNOWN, gates.MinDollarVolume, gates.MinPrice, gates.MaxATRPercent, gates.MinMomentum),
        *(StopLoss, TakeProfit, TrailingStop, TimeExit, Above, CrossesAbove, Notional, DeclaredStrategy),
        DeclaredRanking,
        *(actions.Submit, actions.Cancel, actions.Replace, actions.Target, actions.When, Script, Settings),
    )
}
_KEYS = ("schema", "form", "twin", "workers", "strategy", "settings", "parameters")
_HINT = "A drawn case is written by the fuzzer: restore the file, or draw it again"


def encode(case: Case) -> Document:
    """Return a case as JSON has it.

    Raises:
        InputError: where it has something that is not known.
    """
    swept = case.parameters
    return {
        "schema": SCHEMA,
        "form": case.form,
        "twin": case.twin,
        "workers": case.workers,
        "strategy": {"maker": case.strategy} if isinstance(case.strategy, str) else _encoded(case.strategy),
        "settings": _encoded(case.settings),
        "parameters": None if swept is None else {name: _encoded(list(values)) for name, values in swept.items()},
    }


def decode(document: object, where: object = "a drawn case") -> Case:
    """Return the case of a document.

    Raises:
        InputError: where it is not one that `encode` writes.
    """
    return _Decoder(where).case(document)


def _encoded(value: object) -> Any:
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": _float_text(value)}
    if type(value) is list:
        return [_encoded(one) for one in value]
    if type(value) is tuple:
        return {"tuple": [_encoded(one) for one in value]}
    name = type(value).__name__
    if KNOWN.get(name) is not type(value):
        raise InputError(f"a {name} can't be written down", where="a drawn case", hint=f"Known: {', '.join(KNOWN)}")
    kind: type = KNOWN[name]
    return {"type": name, "fields": {one.name: _encoded(getattr(value, one.name)) for one in _made_of(kind)}}


def _float_text(value: float) -> str:
    """Return an infinity by its name, and a NaN by its bits."""
    return repr(value) if math.isinf(value) else f"nan {struct.pack('>d', value).hex()}"


def _float_of(text: str) -> float:
    if text in ("inf", "-inf"):
        return float(text)
    name, _, bits = text.partition(" ")
    value: float = struct.unpack(">d", bytes.fromhex(bits))[0]
    if name != "nan" or value == value:
        raise ValueError(f"{text!r} is neither an infinity nor a NaN")
    return value


@cache
def _made_of(kind: Any) -> tuple[Field[Any], ...]:
    """Return the fields that a class is made from."""
    return tuple(one for one in fields(kind) if one.init)


class _Decoder:
    """Reads a document, and tells in which part of it something is wrong."""

    def __init__(self, where: object) -> None:
        self._where = where

    def case(self, document: object) -> Case:
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            self._refuse("the document", "is not a drawn case that this version knows")
        if differs := set(_KEYS) ^ set(document):
            self._refuse("the document", f"is damaged ({', '.join(map(str, sorted(differs, key=str)))})")
        strategy, swept = document["strategy"], document["parameters"]
        case = Case(
            strategy=self._maker(strategy) if swept is not None else self._typed("strategy", strategy, Strategy),
            settings=self._typed("settings", document["settings"], Settings),
            parameters=None if swept is None else self._parameters(swept),
            form=document["form"],
            twin=document["twin"],
            workers=document["workers"],
        )
        if case.form not in FORMS:
            self._refuse("form", f"is unknown: {case.form!r}; choose from {', '.join(FORMS)}")
        for name in ("twin", "workers"):
            if (value := document[name]) is not None and (type(value) is not int or value < 0):
                self._refuse(name, "is not a whole number, 0 or more")
        if case.workers is None:
            self._refuse("workers", "is missing")
        return case

    def _refuse(self, part: str, what: str) -> NoReturn:
        raise InputError(f"{part} {what}", where=self._where, hint=_HINT)

    def _maker(self, encoded: object) -> str:
        name = encoded.get("maker") if isinstance(encoded, dict) and set(encoded) == {"maker"} else None
        if not isinstance(name, str) or name not in MAKERS:
            self._refuse("strategy", f"is none that a sweep knows; choose from {', '.join(MAKERS)}")
        return name

    def _parameters(self, encoded: object) -> Mapping[str, Sequence[float]]:
        if not isinstance(encoded, dict) or not all(isinstance(values, list) for values in encoded.values()):
            self._refuse("parameters", "is no list of values by name")
        found = {name: self._value(f"parameters.{name}", values) for name, values in encoded.items()}
        if not all(type(one) in (int, float) for values in found.values() for one in values):
            self._refuse("parameters", "has a value that is no number")
        return found

    def _typed(self, part: str, encoded: object, kind: type) -> Any:
        value = self._value(part, encoded)
        if not isinstance(value, kind):
            self._refuse(part, f"is no {kind.__name__}")
        return value

    def _value(self, part: str, encoded: object) -> Any:
        if encoded is None or isinstance(encoded, bool | int | str):
            return encoded
        if isinstance(encoded, float) and math.isfinite(encoded):
            return encoded
        if isinstance(encoded, list):
            return [self._value(f"{part}[{place}]", one) for place, one in enumerate(encoded)]
        match encoded:
            case {"tuple": list(values), **rest} if not rest:
                return tuple(self._value(f"{part}[{place}]", one) for place, one in enumerate(values))
            case {"float": str(text), **rest} if not rest:
                return self._made(part, lambda: _float_of(text))
            case {"type": str(name), "fields": dict(values), **rest} if not rest:
                return self._object(part, name, values)
            case _:
                return self._refuse(part, "is damaged")

    def _object(self, part: str, name: str, encoded: dict[str, Any]) -> Any:
        kind = KNOWN.get(name)
        if kind is None:
            self._refuse(part, f"is of an unknown type {name!r}; known: {', '.join(KNOWN)}")
        values = {field: self._value(f"{part}.{field}", one) for field, one in encoded.items()}
        hints = get_type_hints(kind)
        for field in _made_of(kind):
            if field.name not in values:
                if field.default is MISSING and field.default_factory is MISSING:
                    self._refuse(f"{part}.{field.name}", "is missing")
            elif not _fits(values[field.name], hints[field.name]):
                self._refuse(f"{part}.{field.name}", f"is of another type than a {name} has")
        return self._made(part, lambda: kind(**values))

    def _made(self, part: str, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except (InputError, TypeError, ValueError, struct.error) as error:
            self._refuse(part, f"is damaged ({error})")


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of an annotated type; whole numbers stand for floats, as in Python."""
    if hint is Any:
        return True
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        wanted = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return len(value) == len(wanted) and all(map(_fits, value, wanted))
    if hint in (int, float, str, bool):
        return type(value) is hint or (hint is float and type(value) is int)
    return isinstance(value, hint)
