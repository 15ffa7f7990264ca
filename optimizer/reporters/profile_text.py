"""What `optimize profile` prints: a profile as people read it on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optimizer.reporters.templates import mebibytes, percent, seconds

_SPOTS, _LINES, _ROWS = 8, 3, 5
_UNAVAILABLE = "unavailable"

Document = Mapping[str, Any]


def lines_of(document: Document) -> Iterator[str]:
    """Yield the lines of a profile document, part after part; what was not measured says so."""
    yield from _where(document)
    for part in (_memory, _reading, _caches, _cachegrind, _parallel, _redundant, _advice):
        lines = list(part(document))
        if lines:
            yield ""
            yield from lines
    if document["failures"]:
        yield ""
        yield from (f"Failed: {kind}: {why}" for kind, why in document["failures"].items())


def _where(document: Document) -> Iterator[str]:
    build = f"[{', '.join(document['build'])}]" if document["build"] else "The reference"
    took = seconds(document["seconds"])
    yield f"{build} took {took} under the profiler for loading and one run of {', '.join(document['scenarios'])}"
    shares = [f"{name} {percent(share)}" for name, share in document["components"].items() if share >= 0.005]
    yield f"Components: {', '.join(shares)}"
    yield ""
    yield "Hotspots"
    for spot in [spot for spot in document["hotspots"] if spot["share"] >= 0.01][:_SPOTS]:
        yield f"  {percent(spot['share']):>5}  {spot['function']}  {spot['file']}:{spot['line']}  ({spot['component']})"
        costly = sorted(spot["lines"], key=lambda line: (-line["seconds"], line["line"]))[:_LINES]
        for line in costly:
            hits = f"{line['hits']:>9,} times"
            yield f"         {percent(line['share']):>5} of it  {hits}  {line['line']:>4}  {line['text']}"
        for one in spot["advice"]:
            yield f"         {one['focus']}: {one['why']}"


def _memory(document: Document) -> Iterator[str]:
    memory = document["memory"]
    if memory is None:
        return
    yield (
        f"Memory: peak {mebibytes(memory['peak_bytes'])}, {memory['allocations']:,} allocations "
        f"of {mebibytes(memory['allocated_bytes'])} in all; most of the peak:"
    )
    for one in memory["top"][:_ROWS]:
        yield f"  {mebibytes(one['bytes']):>8}  {one['function']}  {one['file']}:{one['line']}"
    if not memory["leaks"]:
        yield f"  Nothing grows from run to run ({memory['leaks_on']})"
    for one in memory["leaks"]:
        size = f"{one['per_run_bytes'] / 1024:,.0f} KiB a run"
        yield f"  LEAK  {size} stay after {one['function']}  {one['file']}:{one['line']}  ({memory['leaks_on']})"


def _reading(document: Document) -> Iterator[str]:
    io = document["io"]
    if io is None:
        return
    yield (
        f"I/O: read {_bytes(io['read_bytes'])} in {_number(io['read_calls'])} calls, "
        f"{_bytes(io['device_read_bytes'])} of it from the device; wrote {_bytes(io['written_bytes'])}"
    )
    wait = _UNAVAILABLE if io["wait_seconds"] is None else seconds(io["wait_seconds"])
    yield (
        f"  Waiting for devices: {wait}; off the processor: {seconds(io['off_cpu_seconds'])} of "
        f"{seconds(io['wall_seconds'])}; page faults: {io['major_faults']:,} major, {io['minor_faults']:,} minor"
    )


def _caches(document: Document) -> Iterator[str]:
    caches = document["caches"]
    if caches["own"] is None:
        return
    asked = {name: one for name, one in caches["own"].items() if one["rate"] is not None}
    told = [f"{name} {percent(one['rate'])} of {one['hits'] + one['misses']:,}" for name, one in asked.items()]
    yield f"Own caches in two runs: {', '.join(told) or 'none was asked'}"
    hardware = caches["hardware"]
    if isinstance(hardware, str):
        yield f"Processor's caches: {hardware}"
    else:
        yield f"Processor's caches: {', '.join(f'{name} {count:,.0f}' for name, count in hardware.items())}"


def _cachegrind(document: Document) -> Iterator[str]:
    found = document["cachegrind"]
    if isinstance(found, str):
        yield f"Cachegrind: {found}"
    elif found:
        counts = ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in found.items() if name != "on")
        yield f"Cachegrind, of a whole process on {found['on']}: {counts}"


def _parallel(document: Document) -> Iterator[str]:
    seen = document["parallel"]
    if seen is None:
        return
    processes = "1 process" if seen["workers"] == 1 else f"{seen['workers']} processes"
    yield (
        f"Parallel: {seen['scenario']} took {seconds(seen['wall_seconds'])} of wall and "
        f"{seconds(seen['cpu_seconds'])} of CPU time: {seen['busy_cores']:.2f} of {seen['cores']} cores busy, "
        f"{percent(seen['efficiency'])} efficiency in {processes}"
    )


def _redundant(document: Document) -> Iterator[str]:
    found = document["redundant"]
    if found is None:
        return
    yield (
        f"Computed again within a run from the same arguments, on {document['redundant_on']}:"
        if found
        else (f"Nothing that could be compared was computed again within a run, on {document['redundant_on']}")
    )
    for one in found[:_ROWS]:
        yield f"  {_again(one)}; {one['distinct']:,} distinct of {one['calls']:,} calls in two runs"
    if document["known_by_next_run"]:
        yield "Computed again by the next run over the same data:"
    for one in document["known_by_next_run"][:_ROWS]:
        yield f"  {_again(one)}"
    left = document["not_compared"] or {}
    if left:
        told = ", ".join(f"{count} functions ({why})" for why, count in left.items())
        yield f"  Not compared, or not to the end: {told}"


def _again(one: Mapping[str, Any]) -> str:
    calls = "1 call" if one["repeated"] == 1 else f"{one['repeated']:,} calls"
    return f"{one['function']}  {one['file']}:{one['line']}  {calls} of {seconds(one['seconds_repeated'])}"


def _advice(document: Document) -> Iterator[str]:
    if document["advice"]:
        yield "What could help"
    for one in document["advice"]:
        yield f"  {one['focus']:<13} {percent(one['share']):>5} of the time: {one['why']}"


def _bytes(value: float | None) -> str:
    if value is None:
        return _UNAVAILABLE
    return f"{value / 2**20:.1f} MiB" if value >= 2**20 else f"{value / 2**10:.1f} KiB"


def _number(value: float | None) -> str:
    return _UNAVAILABLE if value is None else f"{value:,.0f}"
