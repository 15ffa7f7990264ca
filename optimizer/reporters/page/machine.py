"""The parts on the machine: hardware, settings, recommendations, and how far the instrument can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optimizer.recommendations import recommendations
from optimizer.reporters.page import facts, values
from optimizer.reporters.page.blocks import (
    Block,
    Code,
    Inline,
    Line,
    Missing,
    Section,
    say,
    table,
)
from optimizer.reporters.page.documents import Documents
from optimizer.reporters.page.values import (
    Document,
    at,
    count,
    items,
    number,
    records,
    size,
    text,
)

_HARDWARE = "optimize hardware"
_CALIBRATE = "make calibrate"


def hardware_section(documents: Documents) -> Section:
    """Tell what machine the figures are from, and the settings that it calls for."""
    found, title = facts.hardware_of(documents), "Hardware and settings"
    if not found:
        return Section("hardware", title, (Missing("The machine that the figures are from.", _HARDWARE),))
    rows = [(name, told) for name, told in _machine(found) if told != values.NOT_MEASURED]
    blocks: list[Block] = [table("The machine", ("part", "what it is"), rows)]
    lacking = [name for name, told in _machine(found) if told == values.NOT_MEASURED]
    if lacking:
        blocks.append(Missing(f"{', '.join(lacking)}.", _HARDWARE))
    settings = at(documents.run, "settings") or at(found, "settings")
    blocks.append(_settings(settings) if settings else Missing("Recommended settings.", _HARDWARE))
    return Section("hardware", title, tuple(blocks))


def _machine(found: Document) -> Iterator[tuple[str, str]]:
    physical, limit = number(found, "physical_cores"), number(found, "cpu_limit")
    cores = count(number(found, "cores"))
    cores += f", {count(physical)} of them physical" if physical is not None else ""
    yield "processor", text(found, "cpu") or values.NOT_MEASURED
    yield "cores", cores + (f", limited to {limit:.3g} cores" if limit is not None else "")
    caches = [f"{name} {size(number({'value': one}, 'value'))}" for name, one in items(found, "caches")]
    yield "caches", ", ".join(caches) or values.NOT_MEASURED
    clock = [f"{name} {one:,.0f} MHz" for name, one in items(found, "frequency_mhz") if isinstance(one, int | float)]
    yield "frequency", ", ".join(clock) or values.NOT_MEASURED
    yield "SIMD level", text(found, "simd") or values.NOT_MEASURED
    yield "memory", _memory(found)
    yield "memory bandwidth", _rate(number(found, "bandwidth_bytes_per_second"))
    yield (
        "storage",
        " on ".join(filter(None, (text(found, "storage", key) for key in ("kind", "filesystem"))))
        or values.NOT_MEASURED,
    )
    yield "sequential reading", _rate(number(found, "storage", "sequential_read_bytes_per_second"))
    random = number(found, "storage", "random_read_per_second")
    yield "random reading", f"{random:,.0f} reads/s" if random is not None else values.NOT_MEASURED
    yield "system", text(found, "system") or values.NOT_MEASURED
    versions = {
        **{name: text(found, name) for name in ("python", "numpy", "polars", "numba")},
        **dict(items(found, "versions")),
    }
    yield "versions", ", ".join(f"{name} {one}" for name, one in versions.items() if one) or values.NOT_MEASURED
    prints = [f"{key} {text(found, key)}" for key in ("machine", "fingerprint") if text(found, key)]
    yield "fingerprint", ", ".join(prints) or values.NOT_MEASURED


def _memory(found: Document) -> str:
    whole = number(found, "memory_bytes")
    if whole is None:
        return values.NOT_MEASURED
    told = [size(whole)]
    for name, key in (("available", "memory_available_bytes"), ("limit", "memory_limit_bytes"), ("swap", "swap_bytes")):
        value = number(found, key)
        told += [f"{name} {size(value)}"] if value is not None else []
    return ", ".join(told)


def _rate(value: float | None) -> str:
    return f"{size(value)}/s" if value is not None else values.NOT_MEASURED


def _settings(settings: Any) -> Block:
    rows = [
        (Code(name), _setting(name, value), text(settings, "why", name) or "-")
        for name, value in items(settings)
        if name != "why"
    ]
    return table("Recommended settings of this machine", ("setting", "#value", "why"), rows)


_UNITS = {"workers": "workers", "rows": "rows", "bytes": "bytes"}


def _setting(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_setting(str(key), one)}" for key, one in value.items())
    return values.figure(value, next((unit for key, unit in _UNITS.items() if key in name), ""))


def recommendations_section(documents: Documents) -> Section:
    """Tell what to expect of a laptop, a server and a CI runner, and whether that is measured or modelled."""
    title = "On other machines"
    kinds = [row for row in _recommended(documents) if records(row, "figures")]
    if not kinds:
        return Section("recommendations", title, (Missing("What to expect of other machines.", _HARDWARE),))
    heads = [f"#{text(kind, 'kind')}" for kind in kinds]
    assumed: list[tuple[Inline | Line, ...]] = [("assumed", *(_assumed(at(kind, "assumed")) for kind in kinds))]
    settings = dict.fromkeys(name for kind in kinds for name, _ in items(kind, "settings") if name != "why")
    assumed += [(Code(name), *(_setting(name, at(kind, "settings", name)) for kind in kinds)) for name in settings]
    named = [{text(one, "name"): one for one in records(kind, "figures")} for kind in kinds]
    figures: list[tuple[Inline | Line, ...]] = [
        (name, *(_expected(of_kind.get(name)) for of_kind in named))
        for name in dict.fromkeys(name for of_kind in named for name in of_kind)
    ]
    first = say(
        "Measured is what was measured here, on the kind of machine that this one is nearest to; the rest is modelled."
    )
    blocks = (
        first,
        table("Three kinds of machine, and the settings for each", ("setting", *heads), assumed),
        table("What to expect of each", ("figure", *heads), figures),
        table("How these figures were found", ("how", "basis", "of", "figures"), _how(kinds)),
    )
    return Section("recommendations", title, blocks)


def _expected(one: Document | None) -> str:
    if one is None:
        return values.NOT_MEASURED
    return f"{values.figure(at(one, 'value'), text(one, 'unit'))}, {text(one, 'basis') or 'of unknown basis'}"


def _how(kinds: list[Document]) -> list[tuple[Inline | Line, ...]]:
    """Return each way in which figures were found, with the figures and the kinds of machines."""
    found: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
    for kind in kinds:
        for one in records(kind, "figures"):
            of = found.setdefault((text(one, "how"), text(one, "basis")), {"kinds": {}, "figures": {}})
            of["kinds"][text(kind, "kind")] = None
            of["figures"][text(one, "name")] = None
    return [(how, basis, ", ".join(of["kinds"]), "; ".join(of["figures"])) for (how, basis), of in found.items()]


def _recommended(documents: Documents) -> Iterator[Document]:
    """Yield the rows of the machine kinds, from the run's document or else worked out of the documents."""
    if rows := records(documents.run, "recommendations"):
        yield from rows
        return
    given = {
        "run": documents.run,
        "scaling": documents.scaling,
        "hardware": facts.hardware_of(documents),
        "profile_after": documents.after,
    }
    yield from records({"rows": recommendations(given)}, "rows")


def _assumed(value: object) -> str:
    """Return what a kind of machine is assumed to have, in words."""
    memory, cores = number(value, "memory_bytes"), number(value, "cores")
    told = [values.plural(cores, "core")] if cores is not None else []
    told += [f"{size(memory)} of memory"] if memory is not None else []
    told += [one for name, one in items(value) if isinstance(one, str) and name not in ("cores", "memory_bytes")]
    return ", ".join(told) or (value if isinstance(value, str) else "")
