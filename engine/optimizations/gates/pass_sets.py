"""Ask a gate only about the bars on which a new threshold can make a difference.

How: The pass sets of the thresholds seen so far are kept as bits, in memory and under data/cache/gates/<gate hash>/.
A tightened gate looks only at what passed under the next looser threshold, a loosened one only at what failed under
the next tighter one; between two known thresholds only what lies between them is looked at. With no threshold known
the gate is computed in full.

Exact: A bar's figure does not depend on the threshold, so what passes a tighter gate passes a looser one. The bars
that are looked at are asked of the inner component. The gate hash holds the gate's kind, length and version, the
symbols, the digest of the data, and the code.

Risk: It pays from the second threshold on. A pass set takes a bit a bar and threshold, at most 64 sets a gate on
disk; the budget of the caches makes what was not used for long go. A set that is damaged or belongs to something
else is dropped, told, and computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from engine.arrays import as_flags
from engine.catalog import optimization
from engine.counting import work
from engine.data_keys import data_digest
from engine.disk import Key, cache_root, keep, kept, key_hash
from engine.gates import Gate
from engine.pipeline import Feed, GatesComponent
from engine.strategy import are_known_gates

MOST_KEPT = 64
Flags = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint8]


class PassSets:
    """The pass sets of one gate on one market, by threshold."""

    def __init__(self, key: Key, folder: Path) -> None:
        self._key = key
        self._folder = folder
        self._bits: dict[float, Bits | None] = dict.fromkeys(_thresholds(folder))  # None: on disk, not read yet

    def nearest(self, threshold: float, *, below: bool) -> tuple[float, Flags] | None:
        """Return the known set at this threshold, or at the next one below or above it."""
        while True:
            known = [one for one in self._bits if (one <= threshold if below else one >= threshold)]
            if not known:
                return None
            nearest = max(known) if below else min(known)
            flags = self._read(nearest)
            if flags is not None:
                return nearest, flags
            del self._bits[nearest]

    def _read(self, threshold: float) -> Flags | None:
        count = int(self._key["bars"])
        bits = self._bits[threshold]
        if bits is None:
            table = kept(_path(self._folder, threshold), self._key_of(threshold))
            if table is None or len(table) != count:
                return None
            self._bits[threshold] = np.packbits(table["passes"].to_numpy(), bitorder="little")
            return table["passes"].to_numpy()
        return np.unpackbits(bits, count=count, bitorder="little").view(np.bool_)

    def add(self, threshold: float, flags: Flags) -> None:
        """Keep a pass set."""
        if len(self._bits) < MOST_KEPT:
            keep(_path(self._folder, threshold), pl.DataFrame({"passes": flags}), self._key_of(threshold))
        self._bits[threshold] = np.packbits(flags, bitorder="little")

    def _key_of(self, threshold: float) -> Key:
        return dict(self._key) | {"threshold": threshold.hex()}


class IncrementalGates:
    """Evaluates gates by what is known of other thresholds, and counts what it asked and what it was spared."""

    def __init__(self, inner: GatesComponent) -> None:
        self._inner = inner
        self._sets: dict[str, PassSets] = {}

    def __call__(self, feed: Feed, gate: Gate, among: Sequence[int] | None) -> Sequence[bool]:
        """Return whether the gate passes on each bar."""
        if among is not None or not are_known_gates([gate]):
            return self._inner(feed, gate, among)
        sets = self._sets_of(feed, gate)
        threshold = float(gate.threshold)
        below, above = sets.nearest(threshold, below=True), sets.nearest(threshold, below=False)
        looser, tighter = (below, above) if gate.rising else (above, below)
        for found in (below, above):
            if found is not None and found[0] == threshold:
                work["gate evaluations spared"] += len(feed.bars)
                return as_flags(found[1])
        flags = self._between(feed, gate, looser and looser[1], tighter and tighter[1])
        sets.add(threshold, flags)
        return as_flags(flags)

    def _between(self, feed: Feed, gate: Gate, looser: Flags | None, tighter: Flags | None) -> Flags:
        """Ask about the bars that pass the looser gate and not the tighter one."""
        count = len(feed.bars)
        flags = np.zeros(count, np.bool_) if tighter is None else tighter.copy()
        open_ = np.ones(count, np.bool_) if looser is None else looser
        asked = np.flatnonzero(open_ & ~flags)
        whole = looser is None and tighter is None
        answers = self._inner(feed, gate, None if whole else asked.tolist())
        flags[asked] = np.asarray(answers, dtype=np.bool_)
        work["gate evaluations asked"] += len(asked)
        work["gate evaluations spared"] += count - len(asked)
        return flags

    def _sets_of(self, feed: Feed, gate: Gate) -> PassSets:
        key: Key = {
            "gate": type(gate).__name__,
            "length": gate.length,
            "version": gate.version,
            "bars": len(feed.bars),
            "data": data_digest(feed, ("high", "low", "close", "volume")),
        }
        name = key_hash(key)
        if name not in self._sets:
            self._sets[name] = PassSets(key, cache_root() / "gates" / name)
        return self._sets[name]


def _path(folder: Path, threshold: float) -> Path:
    return folder / f"{threshold.hex()}.arrow"


def _thresholds(folder: Path) -> list[float]:
    """Return the thresholds that a folder has sets of; what has another name is not ours."""
    found = []
    for path in sorted(folder.glob("*.arrow")):
        try:
            found.append(float.fromhex(path.stem))
        except ValueError:
            continue
    return found


@optimization(component="gates", after=["vectorization/column_gates"])
def pass_sets(inner: GatesComponent) -> GatesComponent:
    """Wrap the gates component."""
    return IncrementalGates(inner)
