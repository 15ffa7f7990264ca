"""The golden set: recorded once, on purpose, from the reference; checked ever after."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
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
        return {name: pl.read_ipc(self.folder / "expected" / case / f"{name}.arrow") for name in names}


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
        InputError: where a file of the set is missing, damaged, surplus, or not the one that was recorded.
    """
    folder = config.golden / spec.name
    path = folder / "manifest.json"
    manifest = read_json(path, hint=_RECORD)
    try:
        _check_manifest(manifest, spec, path)
        return _opened(config, spec, folder, manifest)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"is damaged ({type(error).__name__}: {error})", where=path, hint=_RECORD) from error


def _check_manifest(manifest: dict[str, Any], spec: GoldenSet, path: Path) -> None:
    if manifest.get("schema") != _SCHEMA:
        raise InputError("is not a manifest that this version knows", where=path, hint=_RECORD)
    cases = {f"{name}/{scenario}" for name, scenario in spec.cases}
    for what, wanted in (("inputs", set(spec.inputs)), ("cases", cases)):
        if differs := wanted ^ set(dict(manifest[what])):
            raise InputError(
                f"does not have the {what} of the set ({', '.join(sorted(differs))})", where=path, hint=_RECORD
            )


def _opened(config: Config, spec: GoldenSet, folder: Path, manifest: dict[str, Any]) -> Golden | None:
    inputs: dict[str, Path] = {}
    known = {folder / "manifest.json"}
    for name, entry in manifest["inputs"].items():
        path = folder / "inputs" / _file_of(name) if entry["kept"] else find_data(config, name)
        if path is None:
            return None
        _verify(path, entry["sha256"])
        inputs[name] = path
    for case, entry in manifest["cases"].items():
        dict(entry["digests"])
        for name, sha256 in entry.get("files", {}).items():
            known.add(folder / "expected" / case / f"{name}.arrow")
            _verify(folder / "expected" / case / f"{name}.arrow", sha256)
    known |= set(inputs.values())
    if surplus := sorted(path for path in folder.rglob("*") if path.is_file() and path not in known):
        raise InputError("is in no case of the golden set", where=surplus[0], hint=_RECORD)
    return Golden(spec, folder, manifest, inputs)


def find_data(config: Config, name: str) -> Path | None:
    """Return an outside input by its name, from the folders of the configuration or of EXACT_CHANGE_DATA."""
    extra = [Path(part) for part in os.environ.get("EXACT_CHANGE_DATA", "").split(os.pathsep) if part]
    return next((folder / name for folder in (*extra, *config.data) if (folder / name).is_file()), None)


def record(config: Config, spec: GoldenSet, processes: Processes, *, reason: str, scratch: Path) -> Path | None:
    """Record a set from the reference in place of what was there, whole or not at all.

    Returns None where an outside input is absent.
    """
    config.golden.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=config.golden, prefix=f".{spec.name}."))
    try:
        inputs: dict[str, dict[str, Any]] = {}
        paths: dict[str, Path] = {}
        for name, make in spec.inputs.items():
            path = _made_input(folder / "inputs" / _file_of(name), make()) if make else find_data(config, name)
            if path is None:
                return None
            paths[name] = path
            digest = table_digest(pl.read_ipc(path)) if path.suffix == ".arrow" else sha256_of(path)
            inputs[name] = {"kept": make is not None, "sha256": sha256_of(path), "digest": digest}
        cases = _recorded_cases(spec, processes, paths, folder, scratch)
        head = {"schema": _SCHEMA, "set": spec.name, "about": spec.about, "reason": reason}
        write_json(folder / "manifest.json", head | {"inputs": inputs, "cases": cases})
        folder.chmod(0o755)
        _put_in_place(folder, config.golden / spec.name)
        return config.golden / spec.name / "manifest.json"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _recorded_cases(
    spec: GoldenSet, processes: Processes, inputs: Mapping[str, Path], folder: Path, scratch: Path
) -> dict[str, dict[str, Any]]:
    wanted = [
        {"input": name, "scenario": scenario, "data": str(inputs[name]), "on_bad_bars": spec.on_bad_bars}
        for name, scenario in spec.cases
    ]
    keep = "all" if spec.keep_outputs else "none"
    observed = processes.run("outputs", (), {"cases": wanted, "keep": keep, "folder": str(scratch / spec.name)})
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
    return cases


def _put_in_place(new: Path, place: Path) -> None:
    """Swap a folder in; what stood there comes back where that fails."""
    old = new.with_suffix(".old")
    if place.exists():
        place.rename(old)
    try:
        new.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def check(golden: Golden, processes: Processes, build: Build, scratch: Path) -> CheckResult:
    """Hold a build to a set: every case twice in one fresh process, so that its caches are cold, then warm.

    A second process, which finds what the first has kept on disk and has one of the engine's own knobs turned, is held
    to the set, too.
    """
    job = {"cases": golden.cases(), "keep": "different", "folder": str(scratch)}
    caches = scratch / ".caches"
    try:
        seen = processes.run("outputs", build, job, caches=caches)
        result = judge(golden, seen.result, seen.error, scratch)
        if result.exact:
            turned = next(iter(processes.knobs.values()), {})
            seen = processes.run("outputs", build, job | {"twice": False}, turned, caches=caches)
            result = judge(golden, seen.result, seen.error, scratch)
    finally:
        shutil.rmtree(caches, ignore_errors=True)
    return result


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
    return {path.stem: pl.read_ipc(path) for path in sorted(folder.glob("*.arrow"))}


def _names(cases: list[dict[str, Any]]) -> Iterator[str]:
    return (f"{case['input']}/{case['scenario']}" for case in cases)


def _file_of(name: str) -> str:
    """Return the file of an input: Arrow, unless its name says otherwise."""
    return name if Path(name).suffix in (".csv", ".parquet") else f"{name}.arrow"


def _made_input(path: Path, table: pl.DataFrame) -> Path:
    def write(temporary: Path) -> None:
        if path.suffix == ".csv":
            table.write_csv(temporary)
        elif path.suffix == ".parquet":
            table.write_parquet(temporary)
        else:
            table.write_ipc(temporary, compression="zstd")

    write_with(path, write)
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
