"""Which focus could help a hotspot, and why: every sentence cites the figures that it follows from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CHEAP_SECONDS = 5e-6  # a hit: a line that takes less is interpreted, and spends most of it on that
MANY_HITS = 1_000
LEAST_SHARE = 0.01  # of the profiled time
_ONE_CORE = 1.3  # busy cores, below which a run is one process's work
_MOSTLY, _LEAST_PART = 0.5, 0.1

Document = Mapping[str, Any]
Components = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Advice:
    """A focus that could help, the share of the profiled time that it is about, and the evidence.

    Without a component it is about the whole run; `place` is the `file:line` of the one function that it is about.
    """

    focus: str
    share: float
    why: str
    hotspots: tuple[str, ...] = ()
    component: str | None = None
    place: str | None = None


def advise(profile: Document, components: Components) -> list[Advice]:
    """Return what the evidence of a profile speaks for, the largest share first.

    `components` has, for each focus that there is, the components that its candidates replace.
    """
    rules = (_caching, _vectorization, _io, _gates, _parallelism, _early_exit)
    found = [advice for rule in rules for advice in rule(profile, components) if advice.focus in components]
    return sorted(found, key=lambda one: (-one.share, one.focus, one.hotspots))


def by_focus(advice: Sequence[Advice]) -> list[Advice]:
    """Return one piece of advice a focus: its shares added, and the reason of the largest."""
    groups: dict[str, list[Advice]] = defaultdict(list)
    for one in advice:
        groups[one.focus].append(one)
    merged = [
        Advice(
            focus,
            min(1.0, sum(one.share for one in group)),
            group[0].why,
            tuple(dict.fromkeys(name for one in group for name in one.hotspots)),
        )
        for focus, group in groups.items()
    ]
    return sorted(merged, key=lambda one: (-one.share, one.focus))


def order_reason(profile: Document, candidate: Any) -> str:
    """Return why a candidate comes where it does: what its component took, and what speaks for its focus.

    What speaks for it may have been seen in an earlier profile than the shares: `evidence_of` says of which build.
    """
    component, focus = candidate.component, candidate.focus
    share = profile["components"].get(component, 0.0)
    told = f"{component} took {share:.0%} of the time" if share >= 0.005 else f"{component} took next to no time"
    evidence = [one for one in profile.get("evidence", ()) if one["focus"] == focus]
    reasons = [one["why"] for one in evidence if one["component"] in (component, None)]
    if not reasons:
        return f"{told}; nothing in the profile speaks for {focus} in particular"
    whose = f"in the profile of {profile['evidence_of']}, " if "evidence_of" in profile else ""
    return f"{told}, {focus} could help: {whose}{reasons[0]}"


def _caching(profile: Document, _: Components) -> Iterator[Advice]:
    """What was computed again from the same arguments could have been kept: within a run, or for the next one."""
    took = profile.get("redundant_run_seconds") or 0.0
    if not took:
        return
    for one in profile.get("redundant") or ():
        why = (
            f"{one['function']} was called {_counted(one['calls'], 'time')} in two runs, with "
            f"{_counted(one['distinct'], 'set')} of arguments: {_counted(one['repeated'], 'call')} of "
            f"{_seconds(one['seconds_repeated'])} gave again what the same run had already"
        )
        yield _about(one, "caching", min(1.0, one["seconds_repeated"] / (2 * took)), why)
    for one in profile.get("known_by_next_run") or ():
        why = (
            f"the next run over the same data called {one['function']} again with the same arguments: "
            f"{_counted(one['repeated'], 'call')} of {_seconds(one['seconds_repeated'])}, of a run of {_seconds(took)}"
        )
        yield _about(one, "caching", min(1.0, one["seconds_repeated"] / took), why)


def _vectorization(profile: Document, _: Components) -> Iterator[Advice]:
    """Cheap lines that are interpreted again and again could be one operation on an array."""
    for spot in _shown(profile):
        cheap = [line for line in spot.get("lines", ()) if _is_cheap(line)]
        part = sum(line["share"] for line in cheap)
        if part < _LEAST_PART:
            continue
        hottest = max(cheap, key=lambda line: (line["seconds"], -line["line"]))
        cost = hottest["seconds"] / hottest["hits"] * 1e9
        why = (
            f"line {hottest['line']} of {spot['function']} was interpreted {hottest['hits']:,} times "
            f"{_where(spot)}, at {cost:,.0f} ns under the profiler; such lines are {part:.0%} of it"
        )
        yield _about(spot, "vectorization", spot["share"] * min(1.0, part), why)


def _is_cheap(line: Mapping[str, Any]) -> bool:
    return bool(line["hits"] >= MANY_HITS and line["seconds"] / line["hits"] <= CHEAP_SECONDS)


def _io(profile: Document, _: Components) -> Iterator[Advice]:
    """What is spent while data is loaded could be read in another way, or not at all."""
    io = profile.get("io") or {}
    for spot in _shown(profile):
        loading = spot.get("loading_seconds") or 0.0
        if loading < _MOSTLY * spot["seconds"]:
            continue
        read, calls, off = io.get("load_read_bytes"), io.get("load_read_calls"), io.get("load_off_cpu_seconds")
        facts = [
            f"{_seconds(loading)} of the {_seconds(spot['seconds'])} of {spot['function']} pass while data is loaded"
        ]
        if read is not None and calls is not None:
            facts.append(f"loading reads {_bytes(read)} in {_counted(calls, 'call')}")
        if off is not None:
            facts.append(f"and is off the processor for {_seconds(off)} of its {_seconds(io['load_seconds'])}")
        yield _about(spot, "io", spot["share"], ", ".join(facts))


def _gates(profile: Document, components: Components) -> Iterator[Advice]:
    """Where the time goes into the gates, there are bars that need not be asked about."""
    for spot in _shown(profile):
        if spot["component"] not in components.get("gates", ()):
            continue
        hits = max((line["hits"] for line in spot.get("lines", ())), default=0)
        asked = f"; its busiest line ran {hits:,} times {_where(spot)}" if hits else ""
        why = f"{spot['function']}, which evaluates gates, took {spot['share']:.0%} of the time{asked}"
        yield _about(spot, "gates", spot["share"], why)


def _parallelism(profile: Document, _: Components) -> Iterator[Advice]:
    """A scenario that could use all cores, and keeps one busy."""
    seen = profile.get("parallel") or {}
    if not seen or seen["cores"] < 2 or seen["busy_cores"] > _ONE_CORE:
        return
    seconds = profile.get("scenario_seconds") or {}
    whole = sum(seconds.values())
    part = seconds.get(seen["scenario"], 0.0) / whole if whole else 0.0
    busy = f"{seen['busy_cores']:.1f} of {seen['cores']} cores"
    why = f"{seen['scenario']} took {_seconds(seen['wall_seconds'])} and kept {busy} busy"
    if part:
        why += f"; it is {part:.0%} of the time of all scenarios"
    yield Advice("parallelism", part * (1.0 - max(1.0, seen["busy_cores"]) / seen["cores"]), why)


def _early_exit(profile: Document, components: Components) -> Iterator[Advice]:
    """Bars that gates shut, and timestamps after which nothing changes, as they were counted in the outputs."""
    seconds = profile.get("scenario_seconds") or {}
    whole = sum(seconds.values())
    names = tuple(spot["function"] for spot in _shown(profile) if spot["component"] in components.get("early-exit", ()))
    for scenario, seen in (profile.get("idle") or {}).items():
        part = seconds.get(scenario, 0.0) / whole if whole else 0.0
        shut = seen["shut"] / seen["flagged"] if seen["flagged"] else 0.0
        still = seen["still"] / seen["timestamps"] if seen["timestamps"] else 0.0
        if shut >= _MOSTLY:
            why = f"in {scenario} gates shut {seen['shut']:,} of {seen['flagged']:,} bars ({shut:.0%})"
            yield Advice("early-exit", part * shut, why, names)
        elif still >= _MOSTLY:
            why = (
                f"in {scenario} nothing changes any more in the last {seen['still']:,} of {seen['timestamps']:,} "
                f"timestamps"
            )
            yield Advice("early-exit", part * still, why, names)


def _where(spot: Mapping[str, Any]) -> str:
    """Return in what lines were watched."""
    return f"in {spot['lines_on']}"


def _about(spot: Mapping[str, Any], focus: str, share: float, why: str) -> Advice:
    """Return advice about one function."""
    return Advice(focus, share, why, (spot["function"],), spot["component"], f"{spot['file']}:{spot['line']}")


def _shown(profile: Document) -> list[Mapping[str, Any]]:
    return [spot for spot in profile["hotspots"] if spot["share"] >= LEAST_SHARE]


def _counted(count: float, what: str) -> str:
    return f"{count:,.0f} {what}" if count == 1 else f"{count:,.0f} {what}s"


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1.0 else f"{value * 1e3:.3g} ms"


def _bytes(value: float) -> str:
    return f"{value / 2**20:.1f} MiB" if value >= 2**20 else f"{value / 2**10:.0f} KiB"
