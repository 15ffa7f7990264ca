"""The parts on the machine: hardware, settings, recommendations, and how far the instrument can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optimizer.recommendations import recommendations
from optimizer.reporters.page import facts, values
from optimizer.reporters.page.blocks import (
    Block,
    Code,
    Heading,
    Inline,
    Line,
    Missing,
    Section,
    aside,
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
    rows = list(_recommended(documents))
    if not rows:
        return Section("recommendations", title, (Missing("Recommendations for other machines.", _HARDWARE),))
    blocks: list[Block] = [
        say("Measured figures are from this run; modelled ones follow from them by the rule that stands beside.")
    ]
    for row in rows:
        blocks.append(Heading(text(row, "kind") or "a machine"))
        if assumed := _assumed(at(row, "assumed")):
            blocks.append(aside(f"Assumed: {assumed}."))
        settings = at(row, "settings")
        if isinstance(settings, Mapping) and settings:
            told = [f"{name} {_setting(name, one)}" for name, one in settings.items() if name != "why"]
            blocks.append(aside(f"Settings: {', '.join(told)}."))
        figures: list[tuple[Inline | Line, ...]] = [
            (
                text(one, "name"),
                values.figure(at(one, "value"), text(one, "unit")),
                text(one, "basis"),
                text(one, "how"),
            )
            for one in records(row, "figures")
        ]
        if figures:
            caption = f"What to expect of a {text(row, 'kind')}"
            blocks.append(table(caption, ("figure", "#value", "basis", "how it was found"), figures))
    return Section("recommendations", title, tuple(blocks))


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
    if isinstance(value, Mapping):
        return ", ".join(
            f"{str(name).replace('_', ' ')} {values.figure(one, _unit(str(name)))}" for name, one in value.items()
        )
    return value if isinstance(value, str) else ""


def _unit(name: str) -> str:
    return "bytes" if "bytes" in name else "cores" if name == "cores" else ""
