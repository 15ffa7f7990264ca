"""Running the cells of the determinism matrix: a fresh process each, held to the golden digests."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.golden import Golden
from optimizer.knobs import COLD_CODE, COMPILED, FOLDER, HOME, KEPT, POLARS, RACE, Cell, Chain, Deed, Setting, Stage
from optimizer.parity import EXCEPTION
from optimizer.processes import Observation, Processes
from optimizer.subject import Build

SMALL_BYTES = 2_000_000  # an input's file, up to which plain Python is fast enough in place of compiled code


@dataclass(frozen=True)
class Seen:
    """What a cell gave: the cases that did not have the golden bits, and the folder with their outputs.

    `cases` are those that it ran, of `all_cases`; `unstable` says whether one did not give the same twice; `deeds` are
    those that there was something for.
    """

    cell: Cell
    observation: Observation
    cases: int
    all_cases: int
    failed: tuple[str, ...]
    unstable: bool
    error: str
    folder: Path
    deeds: frozenset[Deed]

    @property
    def exact(self) -> bool:
        """Whether every case gave the golden bits."""
        return not self.failed and not self.error

    @property
    def digests(self) -> dict[str, Any]:
        """The digests of the first run of every case."""
        cases = self.observation.result["cases"] if self.observation.result else []
        return {f"{case['input']}/{case['scenario']}": case["digests"] for case in cases}

    @property
    def counted(self) -> frozenset[str]:
        """The names of what was counted in any case."""
        cases = self.observation.result["cases"] if self.observation.result else []
        return frozenset(name for case in cases for name in case.get("counts", {}))

    @property
    def first_seconds(self) -> float:
        """How long the first run of the first case took."""
        cases = self.observation.result["cases"] if self.observation.result else []
        return float(cases[0].get("first_ns", 0)) / 1e9 if cases else 0.0


class Cells:
    """Runs the cells of one build on one golden set."""

    def __init__(self, golden: Golden, processes: Processes, build: Build, scratch: Path) -> None:
        self._processes = processes
        self._build = build
        self._scratch = scratch
        self._loaded = golden.loaded()
        self._cases = {f"{case['input']}/{case['scenario']}": case for case in golden.cases()}
        self._stopped = threading.Event()
        self._canaries: frozenset[str] = frozenset()  # those of the matrix: HOME computes them all

    def run_all(self, chains: Sequence[Chain]) -> list[Seen]:
        """Run chains, two at a time; that of HOME first, after which the rest is left out where it is not exact."""
        cells = [cell for chain in chains for stage in chain for cell in stage]
        self._canaries = frozenset({COMPILED.canary}).union(*map(canaries_of, cells))
        folders = [self._scratch / f"chain-{number}" for number in range(len(chains))]
        with ThreadPoolExecutor(2) as pool:
            try:
                return [seen for chain in pool.map(self._run_chain, chains, folders) for seen in chain]
            except BaseException:
                self._stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                self._processes.stop()
                raise

    def alone(self, setting: Setting | None, cases: Iterable[str]) -> Seen:
        """Turn one setting and nothing else, or nothing at all, and run cases twice.

        What lives on files, or on the order of the cases, needs all of them, and a run before it.
        """
        settings = HOME.settings if setting is None else (*HOME.settings, setting)
        self._canaries = frozenset()
        cell, folder = (
            Cell(settings, twice=True),
            self._scratch / "alone" / (setting.name.replace("/", "-") if setting else "home"),
        )
        if setting is None or (setting.deed not in KEPT and setting.deed not in (Deed.REVERSE, Deed.CODE)):
            return self._run_stage((cell,), folder, only=frozenset(cases))[0]
        if setting.deed is Deed.TOGETHER:
            return min(self._run_stage((cell, cell), folder), key=lambda seen: seen.exact)
        if setting.deed is not Deed.REVERSE:
            before = self._run_stage((Cell(settings[:1] if setting.deed in KEPT else settings),), folder)[0]
            if not before.exact:
                return before
        return self._run_stage((cell,), folder)[0]

    def _run_chain(self, chain: Chain, folder: Path) -> list[Seen]:
        found: list[Seen] = []
        for number, stage in enumerate(chain):
            if self._stopped.is_set():
                break
            found += self._run_stage(stage, folder, number=number)
            if stage[0] is HOME and not found[0].exact:
                self._stopped.set()
        return found

    def _run_stage(
        self, stage: Stage, folder: Path, *, number: int = 0, only: frozenset[str] | None = None
    ) -> list[Seen]:
        own, codes = folder / "own", folder / "code"
        sound = _contents(own)
        for cell in stage:
            damage(own, cell)
        before, stamps = _contents(own), _stamps(own)

        def run(place: int) -> tuple[Observation, list[str], Path]:
            outputs = folder / f"outputs-{number}-{place}"
            return *self._observe(stage[place], folder, outputs, only), outputs

        with ThreadPoolExecutor(len(stage)) as pool:
            observed = list(pool.map(run, range(len(stage))))
        after = _contents(own)
        deeds = {
            Deed.WARM: bool(stamps.items() & _stamps(own).items()),
            Deed.TOGETHER: bool(after) and not before,
            Deed.CODE: any(codes.rglob("*.nbi")),
        } | dict.fromkeys((Deed.FLIP, Deed.CUT, Deed.EXCHANGE), bool(before.items() - after.items()))
        done = frozenset(deed for deed, moved in deeds.items() if moved)
        found = [
            self._judged(cell, names, observation, outputs, done)
            for cell, (observation, names, outputs) in zip(stage, observed, strict=True)
        ]
        if not all(seen.exact for seen in found):
            for path, content in sound.items():
                path.write_bytes(content)  # the cells to come are not to be blamed for the damage of this one
        return found

    def _observe(
        self, cell: Cell, folder: Path, outputs: Path, only: frozenset[str] | None
    ) -> tuple[Observation, list[str]]:
        names = [name for name in self._cases if only is None or name in only]
        if cell.does(Deed.SMALL):
            names = [name for name in names if Path(self._cases[name]["data"]).stat().st_size <= SMALL_BYTES]
        if cell.does(Deed.REVERSE):
            names.reverse()
        job = {
            "cases": [self._cases[name] for name in names],
            "folder": str(outputs),
            "keep": "different",
            "twice": cell.twice,
            "canaries": sorted(self._canaries if cell is HOME else self._canaries & canaries_of(cell)),
        }
        settings = (*HOME.settings, *cell.settings)
        env = {name: text.replace(FOLDER, str(folder)) for one in settings for name, text in one.env.items()}
        task = "look" if COLD_CODE in cell.settings else "outputs"  # what is compiled there can be looked at
        return self._processes.run(task, self._build, job, env, caches=folder / "own"), names

    def _judged(
        self, cell: Cell, names: Sequence[str], seen: Observation, outputs: Path, done: frozenset[Deed]
    ) -> Seen:
        """Compare digests; what differs is kept in a folder, where the first divergence is found."""
        if seen.result is None:
            return Seen(
                cell, seen, len(names), len(self._cases), tuple(names), False, seen.error or "no result", outputs, done
            )
        inputs = seen.result["loaded"].items()
        spoilt = {name for name, one in inputs if one["changed"] or one["digest"] != self._loaded[name]}
        failed, error, unstable = [], "", False
        for name, case in zip(names, seen.result["cases"], strict=True):
            expected = self._cases[name]["expected"]
            if case["digests"] == case["again"] == expected and case["input"] not in spoilt:
                continue
            failed.append(name)
            unstable = unstable or case["digests"] != case["again"]
            if "error" in case and EXCEPTION not in expected:
                error = error or "{type}: {text} (at {at})".format(**case["error"])
        return Seen(cell, seen, len(names), len(self._cases), tuple(failed), unstable, error, outputs, done)


def canaries_of(cell: Cell) -> frozenset[str]:
    """Return the canaries of what a cell turns."""
    knobs = {setting.knob for setting in cell.settings}
    if POLARS in knobs:
        knobs.add(RACE)
    return frozenset(knob.canary for knob in knobs if knob.canary)


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _contents(folder: Path) -> dict[Path, bytes]:
    """Return what the files of a folder hold; they are those of a golden set, so small."""
    return {path: path.read_bytes() for path in _files(folder)}


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return what changes where a file is written again."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in _files(folder)}


def damage(folder: Path, cell: Cell) -> None:
    """Do to every file that a build has kept what the cell says."""
    kept = _contents(folder)
    others = [*list(kept.values())[1:], *list(kept.values())[:1]]
    for (path, content), other in zip(kept.items(), others, strict=True):
        if cell.does(Deed.FLIP) and content:
            middle = len(content) // 2
            path.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
        elif cell.does(Deed.CUT):
            path.write_bytes(content[: len(content) // 2])
        elif cell.does(Deed.EXCHANGE):
            path.write_bytes(other)
