"""The golden set: recorded once, on purpose, from the reference; checked ever after."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from optimizer.config import Config
from optimizer.errors import InputError
from optimizer.files import read_json, sha256_of, write_json, write_with
from optimizer.parity import Divergence, first_divergence, table_digest
from optimizer.processes import Processes
from optimizer.subject import Build, GoldenSet, Outputs

_RECORD = 'Restore it from version control, or record the set anew: optimize golden record --reason "..."'
_SCHEMA = 1


@dataclass(frozen=True)
class Golden:
    """A recorded set, verified: every file is the one that was recorded."""

    spec: GoldenSet
    folder: Path
    manifest: dict[str, Any]
    inputs: Mapping[str, Path]

    @property
    def digest(self) -> str:
        """One digest for the set: of its inputs and of every expected output."""
        parts = {"inputs": self.manifest["inputs"], "cases": self.manifest["cases"]}
        essence = {
            "inputs": {name: entry["digest"] for name, entry in parts["inputs"].items()},
            "cases": {name: case["digests"] for name, case in parts["cases"].items()},
        }
        return hashlib.sha256(json.dumps(essence, sort_keys=True).encode()).hexdigest()

    def cases(self) -> list[dict[str, Any]]:
        """Return the cases as a job has them, with the digests that are expected."""
        return [
            {
                "input": name,
                "scenario": scenario,
                "data": str(self.inputs[name]),
                "on_bad_bars": self.spec.on_bad_bars,
                "expected": self.manifest["cases"][f"{name}/{scenario}"]["digests"],
            }
            for name, scenario in self.spec.cases
        ]

    def expected(self, case: str) -> Outputs | None:
        """Return the recorded outputs of a case, or None where only their digests are kept."""
        if not self.spec.keep_outputs:
            return None
        names = self.manifest["cases"][case]["digests"]
        return {name: _read_table(self.folder / "expected" / case / f"{name}.arrow") for name in names}


@dataclass(frozen=True)
class CheckResult:
    """How a build did on a golden set."""

    cases: int
    failed: tuple[str, ...]
    divergence: Divergence | None
    error: str
    first_seconds: float

    @property
    def exact(self) -> bool:
        """Whether every case gave the expected bits, twice."""
        return not self.failed


def open_golden(config: Config, spec: GoldenSet) -> Golden | None:
    """Return a recorded set, or None where one of its outside inputs is not on this machine.

    Raises:
        InputError: where a file of the set is missing, damaged, or not the one that was recorded.
    """
    folder = config.golden / spec.name
    manifest = read_json(folder / "manifest.json", hint=_RECORD)
    if manifest.get("schema") != _SCHEMA or not {"inputs", "cases"} <= set(manifest):
        raise InputError("is not a manifest that this version knows", where=folder / "manifest.json", hint=_RECORD)
    wanted = {f"{name}/{scenario}" for name, scenario in spec.cases}
    if wanted != set(manifest["cases"]):
        differs = ", ".join(sorted(wanted ^ set(manifest["cases"])))
        raise InputError(
            f"does not have the cases of the set ({differs})", where=folder / "manifest.json", hint=_RECORD
        )
    inputs: dict[str, Path] = {}
    for name, entry in manifest["inputs"].items():
        path = folder / "inputs" / f"{name}.arrow" if entry["kept"] else find_data(config, name)
        if path is None:
            return None
        _verify(path, entry["sha256"])
        inputs[name] = path
    for case, entry in manifest["cases"].items():
        for name, sha256 in entry.get("files", {}).items():
            _verify(folder / "expected" / case / f"{name}.arrow", sha256)
    return Golden(spec, folder, manifest, inputs)


def find_data(config: Config, name: str) -> Path | None:
    """Return an outside input by its name, from the folders of the configuration or of EXACT_CHANGE_DATA."""
    extra = [Path(part) for part in os.environ.get("EXACT_CHANGE_DATA", "").split(os.pathsep) if part]
    return next((folder / name for folder in (*extra, *config.data) if (folder / name).is_file()), None)


def record(config: Config, spec: GoldenSet, processes: Processes, *, reason: str, scratch: Path) -> Path | None:
    """Record a set from the reference, replacing what was there; None where an outside input is absent."""
    folder = config.golden / spec.name
    inputs: dict[str, dict[str, Any]] = {}
    paths: dict[str, Path] = {}
    for name, make in spec.inputs.items():
        path = _made_input(folder / "inputs" / f"{name}.arrow", make()) if make else find_data(config, name)
        if path is None:
            return None
        paths[name] = path
        digest = table_digest(pl.read_ipc(path)) if make else sha256_of(path)
        inputs[name] = {"kept": make is not None, "sha256": sha256_of(path), "digest": digest}
    job = {
        "cases": [
            {"input": name, "scenario": scenario, "data": str(paths[name]), "on_bad_bars": spec.on_bad_bars}
            for name, scenario in spec.cases
        ],
        "keep": "all" if spec.keep_outputs else "none",
        "folder": str(scratch / spec.name),
    }
    observed = processes.run("outputs", (), job)
    if observed.result is None:
        raise InputError(f"the reference failed: {observed.error}", where=spec.name)
    cases = {}
    for case in observed.result["cases"]:
        name = f"{case['input']}/{case['scenario']}"
        if "error" in case or case["digests"] != case["again"]:
            raise InputError("the reference failed, or gave two results", where=f"{spec.name}: {name}")
        cases[name] = {"digests": case["digests"], "rows": case["rows"]}
        if spec.keep_outputs:
            cases[name]["files"] = _keep(scratch / spec.name / name, folder / "expected" / name, case["digests"])
    path = folder / "manifest.json"
    write_json(
        path,
        {"schema": _SCHEMA, "set": spec.name, "about": spec.about, "reason": reason, "inputs": inputs, "cases": cases},
    )
    return path


def check(
    golden: Golden, processes: Processes, build: Build, scratch: Path, env: Mapping[str, str] | None = None
) -> CheckResult:
    """Hold a build to a set: every case twice in one fresh process, so that its caches are cold, then warm."""
    job = {"cases": golden.cases(), "keep": "different", "folder": str(scratch)}
    seen = processes.run("outputs", build, job, env)
    return judge(golden, seen.result, seen.error, scratch)


def judge(golden: Golden, result: dict[str, Any] | None, error: str, scratch: Path) -> CheckResult:
    """Return how the observed cases compare with the recorded ones."""
    wanted = golden.cases()
    if result is None:
        return CheckResult(len(wanted), tuple(_names(wanted)), None, error, 0.0)
    failed, divergence, first = [], None, 0.0
    for want, have in zip(wanted, result["cases"], strict=True):
        name = f"{want['input']}/{want['scenario']}"
        first = first or have.get("first_ns", 0) / 1e9
        if "error" in have:
            failed.append(name)
            told = have["error"]
            error = error or f"{name}: {told['type']}: {told['text']} (at {told['at']})"
        elif not have["digests"] == have["again"] == want["expected"]:
            failed.append(name)
            divergence = divergence or divergence_of(golden, name, scratch)
    return CheckResult(len(wanted), tuple(failed), divergence, error, first)


def divergence_of(golden: Golden, case: str, scratch: Path) -> Divergence | None:
    """Return the first divergence of a case from what was recorded, where that is kept."""
    expected = golden.expected(case)
    if expected is None:
        return None
    return first_divergence(
        expected=expected,
        obtained=read_outputs(scratch / case),
        stages=tuple(golden.manifest["cases"][case]["digests"]),
        case=f"{golden.spec.name}/{case}",
    )


def read_outputs(folder: Path) -> Outputs:
    """Return the outputs that a worker left in a folder."""
    return {path.stem: pl.read_ipc(path, use_pyarrow=False) for path in sorted(folder.glob("*.arrow"))}


def _names(cases: list[dict[str, Any]]) -> Iterator[str]:
    return (f"{case['input']}/{case['scenario']}" for case in cases)


def _made_input(path: Path, table: pl.DataFrame) -> Path:
    write_with(path, lambda temporary: table.write_ipc(temporary, compression="zstd"))
    return path


def _keep(source: Path, target: Path, digests: Mapping[str, str]) -> dict[str, str]:
    sums = {}
    for name in digests:
        data = (source / f"{name}.arrow").read_bytes()
        write_with(target / f"{name}.arrow", lambda temporary, data=data: temporary.write_bytes(data))  # type: ignore[misc]
        sums[name] = sha256_of(target / f"{name}.arrow")
    return sums


def _verify(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise InputError("is missing from the golden set", where=path, hint=_RECORD)
    if sha256_of(path) != sha256:
        raise InputError("is not the file that was recorded: its SHA-256 differs", where=path, hint=_RECORD)


def _read_table(path: Path) -> pl.DataFrame:
    return pl.read_ipc(path)
