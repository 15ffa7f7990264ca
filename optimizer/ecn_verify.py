"""Verifying a notice: its claims replayed on this machine, a line each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from optimizer.claims import engine_digest, outputs_digest, sources_of
from optimizer.config import Config
from optimizer.decision import EXACT, Verdict
from optimizer.determinism import Determinism, examine
from optimizer.ecn import Notice
from optimizer.ecn_front import Front
from optimizer.ecn_records import record_lines, records_of
from optimizer.ecn_replay import BITS, RATIO, VERDICT, digests_of, timing_lines, workload_fault, workload_of
from optimizer.errors import CheckError, InputError
from optimizer.files import sha256_of, write_with
from optimizer.golden import Golden, find_data
from optimizer.hardware import hardware_line, hardware_profile
from optimizer.holding import CheckResult
from optimizer.ledger import keep
from optimizer.processes import Processes
from optimizer.progress import Progress
from optimizer.run_documents import machine_of, mapping
from optimizer.verification import Line, Standing, Verification

_OLDER = "the notice does not tell: it is older than this claim"


@dataclass(frozen=True)
class Verifier:
    """What verifying notices shares: the project, its golden set, processes, and what was asked for."""

    config: Config
    out: Path
    golden: Golden
    processes: Processes
    scratch: Path
    progress: Progress
    quick: bool = False
    data: Path | None = None
    matrix: str = "quick"

    def verify(self, notice: Notice) -> Verification:
        """Replay the claims of a notice and append what came of it to the ledger.

        What the notice was written on comes first. Where that is not here, nothing is run: it would prove nothing.

        Raises:
            InputError: where the data that was named can't be read, or there is no such matrix.
        """
        lines: list[Line] = []
        for line in self._lines(notice):
            lines.append(line)
            self.progress.say(str(line))
        found = Verification(notice.front.ecn, lines)
        self._record(notice, found)
        return found

    def _lines(self, notice: Notice) -> Iterator[Line]:
        front = notice.front
        first = [*record_lines(notice, records_of(notice, self.out)), *self.sources(front), self._golden(front)]
        yield from first
        yield self.engine(front)
        yield self._hardware(front)
        if any(line.standing is Standing.FAILS for line in first):
            told = "not replayed: the notice, or what it was written on, is not what it was"
            yield from (Line(claim, Standing.UNCHECKED, told) for claim in ("parity", VERDICT, RATIO))
            return
        yield from self._proof(front)
        yield from self._measured(front)

    def sources(self, front: Front) -> Iterator[Line]:
        """Tell whether the sources of a notice's build are those that it was written on."""
        known = sources_of(self.config.subject.candidates(), front.build_after)
        hint = "" if front.sources else " (of its build it does not tell)"
        wanted = {**front.sources, front.optimization: front.source_digest}
        absent = [name for name in front.build_after if name not in known]
        edited = [name for name, digest in wanted.items() if known.get(name, digest) != digest]
        if absent or edited:
            parts = [f"edited since: {', '.join(edited)}"] if edited else []
            parts += [f"no longer there: {', '.join(absent)}"] if absent else []
            yield Line("sources", Standing.FAILS, "; ".join(parts))
        elif set(wanted) != set(front.build_after):
            yield Line("sources", Standing.UNCHECKED, f"{front.optimization} is what it was{hint}")
        else:
            yield Line("sources", Standing.HOLDS, f"{len(wanted)} files are what they were: {', '.join(wanted)}")

    def _golden(self, front: Front) -> Line:
        have, want = self.golden.digest, front.golden_digest
        if have == want:
            return Line("golden set", Standing.HOLDS, f"{self.golden.spec.name}, {have[:12]}")
        return Line("golden set", Standing.FAILS, f"{have[:12]} here, proven on {want[:12]}")

    def engine(self, front: Front) -> Line:
        """Tell whether the engine's other sources are what they were."""
        have = engine_digest(self.config.subject.source_root)
        if front.engine_digest is None:
            return Line("engine", Standing.LEFT_OUT, _OLDER)
        if front.engine_digest == have:
            return Line("engine", Standing.HOLDS, f"all its sources are what they were ({have[:12]})")
        told = "some of its sources were changed elsewhere, outside of what this build replaces by name"
        return Line("engine", Standing.DIFFERS, f"{told} ({have[:12]}, was {front.engine_digest[:12]})")

    def _hardware(self, front: Front) -> Line:
        have = hardware_line(hardware_profile())
        if have == front.hardware and self._same_machine(front):
            return Line("hardware", Standing.HOLDS, f"as it was: {have}")
        return Line("hardware", Standing.DIFFERS, f"here {have}; measured on {front.hardware}")

    def _same_machine(self, front: Front) -> bool:
        profile = hardware_profile()
        if front.machine is None:
            return hardware_line(profile) == front.hardware
        return front.machine == machine_of(profile)

    def _proof(self, front: Front) -> Iterator[Line]:
        """Hold the notice's build to the golden set and the matrix, as the run has done."""
        with self.progress.stage(f"Holding {front.ecn}'s build to the golden set, and to other environments"):
            result, determinism = examine(
                self.golden, self.processes, front.build_after, self.scratch / "golden", matrix=self.matrix
            )
        yield _parity(front, result, determinism)
        if determinism is None:
            return
        cells = f"{determinism.identical} of {determinism.cells} cells of the {determinism.matrix} matrix"
        asked = mapping(front.determinism).get("matrix")
        note = f"; the run held it to the {asked} one" if asked not in (None, determinism.matrix) else ""
        wanted = front.verdict != Verdict.NONDETERMINISTIC
        stands = Standing.HOLDS if determinism.holds == wanted else Standing.FAILS
        told = f"{cells} gave the golden bits{note}{'; other bits under ' if determinism.differing else ''}"
        yield Line("determinism", stands, told + determinism.differing)

    def _measured(self, front: Front) -> Iterator[Line]:
        if front.ratio is None:
            told = f"the run has not measured it ({front.verdict}): there is no figure to hold"
            yield Line(VERDICT, Standing.LEFT_OUT, told)
            return
        path, line = self._data(front)
        yield line
        if path is None:
            yield from (Line(claim, Standing.UNCHECKED, "without the data") for claim in (BITS, VERDICT, RATIO))
            return
        claimed = mapping(front.workload)
        if fault := workload_fault(self.config.subject, claimed):
            yield Line("workload", Standing.FAILS, fault)
            return
        workload = workload_of(self.config.subject, claimed, path, self.scratch)
        try:
            with self.progress.stage(f"Running {', '.join(workload.scenarios)} once"):
                digests = digests_of(self.processes, front, workload)
        except CheckError as error:
            yield Line(BITS, Standing.FAILS, str(error))
            return
        have = outputs_digest(self.golden.digest, digests)
        if have != front.outputs_digest:
            told = f"the judged workload gives {have[:12]}, {str(front.outputs_digest)[:12]} claimed"
            yield Line(BITS, Standing.UNCHECKED if front.outputs_digest is None else Standing.FAILS, told)
            return
        yield Line(BITS, Standing.HOLDS, f"the judged workload gives the bits that it gave ({have[:12]})")
        if self.quick:
            yield from (Line(claim, Standing.LEFT_OUT, "--quick leaves out the timing") for claim in (VERDICT, RATIO))
            return
        with self.progress.stage(f"Measuring {front.optimization} against its control anew, on {workload.label}"):
            lines = timing_lines(
                self.processes,
                front,
                workload,
                digests,
                self.scratch,
                tick=self.progress.tick,
                same_machine=self._same_machine(front),
            )
        yield from lines

    def _data(self, front: Front) -> tuple[Path | None, Line]:
        """Return the data that was measured on, where it is here, and the line that tells of it."""
        claimed = mapping(mapping(front.workload).get("data"))
        if not claimed:
            return None, Line("data", Standing.UNCHECKED, _OLDER)
        want, name = str(claimed.get("sha256")), Path(str(claimed.get("path"))).name
        if claimed.get("generated") and self.data is None:
            _, table = self.config.subject.default_data()
            path = self.scratch / "generated" / name
            write_with(path, table.write_parquet)
            made, line = _held(path, f"generated anew: {name}", want)
            if made is None and (other := self._other_writer(front)):
                line = Line(
                    "data", Standing.UNCHECKED, f"{name} was written by {other}, which may lay it out otherwise"
                )
            return made, line
        if self.data is not None:
            return _held(self.data, f"{self.data.name}, as named", want)
        there = [self.config.root / str(claimed.get("path")), self.out / "data" / name, find_data(self.config, name)]
        found = [path for path in there if path is not None and path.is_file()]
        right = next((path for path in found if sha256_of(path) == want), None)
        if right is not None:
            return right, Line("data", Standing.HOLDS, f"{name}, SHA-256 {want[:12]}")
        told = f"{name} is not on this machine: give its path by --data, or its folder in EXACT_CHANGE_DATA"
        if found:
            told = f"{name} is here with other content: give the right file by --data"
        return None, Line("data", Standing.UNCHECKED, told)

    def _other_writer(self, front: Front) -> str:
        """Return the version of Polars that a notice was measured with, which wrote its data, where it is not ours."""
        told = next((part.strip() for part in front.hardware.split(",") if part.strip().startswith("polars ")), "")
        return "" if told == f"polars {hardware_profile()['polars']}" else told or "another version of Polars"

    def _record(self, notice: Notice, found: Verification) -> None:
        """Append what came of it to the ledger."""
        decision = {0: "verified", 1: "not verified", 3: "not verified: void"}[found.exit_code]
        details = {"quick": self.quick, "lines": [[one.claim, one.standing.value, one.told] for one in found.lines]}
        machine = machine_of(hardware_profile())
        keep(
            self.out,
            lambda ledger: ledger.append_decision(
                found.ecn, decision, found.verdict, seal=notice.seal, machine=machine, details=details
            ),
        )


def _held(path: Path, told: str, want: str) -> tuple[Path | None, Line]:
    if not path.is_file():
        raise InputError("no such file", where=path, hint="Give the path of the file that was measured on")
    have = sha256_of(path)
    if have == want:
        return path, Line("data", Standing.HOLDS, f"{told}, SHA-256 {want[:12]}")
    return None, Line("data", Standing.FAILS, f"{told}: SHA-256 {have[:12]}, measured on {want[:12]}")


def _parity(front: Front, result: CheckResult, determinism: Determinism | None) -> Line:
    """Return whether the build gives the golden bits where the notice says so, and does not where it says that."""
    exact = result.exact
    told = (
        f"{result.cases} golden scenarios, each run twice: the same bits"
        if exact
        else (
            result.error
            or f"{len(result.failed)} of {result.cases} golden scenarios differ ({', '.join(result.failed)})"
        )
    )
    if front.verdict in EXACT:
        return Line("parity", Standing.HOLDS if exact else Standing.FAILS, told)
    if front.verdict == Verdict.NONDETERMINISTIC:
        shown = determinism is not None and not determinism.holds
        return Line("parity", Standing.HOLDS if shown else Standing.UNCHECKED, f"{told}; {front.verdict} claimed")
    return Line("parity", Standing.FAILS if exact else Standing.HOLDS, f"{told}; {front.verdict} claimed")
