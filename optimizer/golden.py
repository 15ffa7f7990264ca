"""The golden set: recorded once, on purpose, from the reference; checked ever after."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from optimizer.config import Config
from optimizer.errors import InputError
from optimizer.files import read_json, sha256_of, write_json, write_with
from optimizer.parity import table_digest
from optimizer.processes import Processes
from optimizer.subject import GoldenSet, Outputs

_RECORD = 'Restore it from version control, or record the set anew: optimize golden record --reason "..."'
_OUTSIDE = "It is data from outside: name the folder of the right file in EXACT_CHANGE_DATA, or record the set anew"
_SCHEMA = 2


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
            "inputs": {name: [entry["digest"], entry["loaded"]] for name, entry in parts["inputs"].items()},
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
                "drawn": self.spec.documents.get(f"{name}/{scenario}"),
            }
            for name, scenario in self.spec.cases
        ]

    def loaded(self) -> dict[str, str | None]:
        """Return the digest of each input as the reference loads it; None where it is refused."""
        return {name: entry["loaded"] for name, entry in self.manifest["inputs"].items()}

    def expected(self, case: str) -> Outputs | None:
        """Return the recorded outputs of a case, or None where only their digests are kept."""
        if not self.spec.keep_outputs:
            return None
        names = self.manifest["cases"][case]["digests"]
        return {name: pl.read_ipc(self.folder / "expected" / case / f"{name}.arrow") for name in names}


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
    if manifest.get("sha256") != seal(manifest):
        raise InputError("was edited: it is not the manifest that was recorded", where=path, hint=_RECORD)


def seal(manifest: Mapping[str, Any]) -> str:
    """Return the digest of what a manifest says, so that an edit by hand is told from a file that was changed."""
    said = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _opened(config: Config, spec: GoldenSet, folder: Path, manifest: dict[str, Any]) -> Golden | None:
    inputs: dict[str, Path] = {}
    known = {folder / "manifest.json"}
    for name, entry in manifest["inputs"].items():
        path = folder / "inputs" / file_of(name) if entry["kept"] else find_data(config, name)
        if path is None:
            return None
        _verify(path, entry, _RECORD if entry["kept"] else _OUTSIDE)
        inputs[name] = path
    for case, entry in manifest["cases"].items():
        dict(entry["digests"])
        for name, file in entry.get("files", {}).items():
            known.add(folder / "expected" / case / f"{name}.arrow")
            _verify(folder / "expected" / case / f"{name}.arrow", file)
    known |= set(inputs.values())
    if surplus := sorted(path for path in folder.rglob("*") if path.is_file() and path not in known):
        raise InputError("is in no case of the golden set", where=surplus[0], hint=_RECORD)
    return Golden(spec, folder, manifest, inputs)


def find_data(config: Config, name: str) -> Path | None:
    """Return an outside input by its name, from the folders of the configuration or of EXACT_CHANGE_DATA."""
    extra = [Path(part) for part in os.environ.get("EXACT_CHANGE_DATA", "").split(os.pathsep) if part]
    return next((folder / name for folder in (*extra, *config.data) if (folder / name).is_file()), None)


def record(
    config: Config,
    spec: GoldenSet,
    processes: Processes,
    *,
    reason: str,
    scratch: Path,
    ready: Callable[[Path], object] = lambda _: None,
) -> Path | None:
    """Record a set from the reference in place of what was there, whole or not at all.

    `ready` is given the folder of the new set just before it takes the place of the old one.
    Returns None where an outside input is absent.
    """
    config.golden.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=config.golden, prefix=f".{spec.name}."))
    try:
        inputs: dict[str, dict[str, Any]] = {}
        paths: dict[str, Path] = {}
        for name, make in spec.inputs.items():
            path = _made_input(folder / "inputs" / file_of(name), make()) if make else find_data(config, name)
            if path is None:
                return None
            paths[name] = path
            digest = table_digest(pl.read_ipc(path)) if path.suffix == ".arrow" else sha256_of(path)
            inputs[name] = {"kept": make is not None, **_file_entry(path), "digest": digest}
        cases, loaded = _recorded_cases(spec, processes, paths, folder, scratch)
        for name, entry in inputs.items():
            entry["loaded"] = loaded[name]
        head = {"schema": _SCHEMA, "set": spec.name, "about": spec.about, "reason": reason}
        manifest = head | {"inputs": inputs, "cases": cases}
        write_json(folder / "manifest.json", manifest | {"sha256": seal(manifest)})
        folder.chmod(0o755)
        ready(folder)
        put_in_place(folder, config.golden / spec.name)
        return config.golden / spec.name / "manifest.json"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _recorded_cases(
    spec: GoldenSet, processes: Processes, inputs: Mapping[str, Path], folder: Path, scratch: Path
) -> tuple[dict[str, dict[str, Any]], dict[str, str | None]]:
    """Run the reference on every case; return what is recorded of each, and the digest of each input as loaded."""
    wanted = [
        {
            "input": name,
            "scenario": scenario,
            "data": str(inputs[name]),
            "on_bad_bars": spec.on_bad_bars,
            "drawn": spec.documents.get(f"{name}/{scenario}"),
        }
        for name, scenario in spec.cases
    ]
    keep = "all" if spec.keep_outputs else "none"
    job = {"cases": wanted, "keep": keep, "folder": str(scratch / spec.name), "running": not spec.keep_outputs}
    observed = processes.run("outputs", (), job)
    if observed.result is None:
        raise InputError(f"the reference failed: {observed.error}", where=spec.name)
    cases = {}
    for case in observed.result["cases"]:
        name = f"{case['input']}/{case['scenario']}"
        if case["digests"] != case["again"]:
            raise InputError("the reference gave two results", where=f"{spec.name}: {name}")
        cases[name] = {"digests": case["digests"], "rows": case["rows"]}
        if name in spec.documents:
            cases[name]["drawn"] = spec.documents[name]
        if "running" in case:
            cases[name]["running"] = case["running"]
        if spec.keep_outputs:
            cases[name]["files"] = _keep(scratch / spec.name / name, folder / "expected" / name, case["digests"])
    loaded = observed.result["loaded"]
    if changed := next((one["changed"] for one in loaded.values() if one["changed"]), ""):
        raise InputError(f"the reference changed its input: {changed}", where=spec.name)
    return cases, {name: one["digest"] for name, one in loaded.items()}


def put_in_place(new: Path, place: Path) -> None:
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


def file_of(name: str) -> str:
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


def _keep(source: Path, target: Path, digests: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    files = {}
    for name in digests:
        data = (source / f"{name}.arrow").read_bytes()
        write_with(target / f"{name}.arrow", lambda temporary, data=data: temporary.write_bytes(data))  # type: ignore[misc]
        files[name] = _file_entry(target / f"{name}.arrow")
    return files


def _file_entry(path: Path) -> dict[str, Any]:
    return {"sha256": sha256_of(path), "bytes": path.stat().st_size}


def _verify(path: Path, entry: Mapping[str, Any], hint: str = _RECORD) -> None:
    if not path.is_file():
        raise InputError("is missing from the golden set", where=path, hint=hint)
    if (size := path.stat().st_size) < entry["bytes"]:
        told = f"is truncated: it has {size} of the {entry['bytes']} bytes that were recorded"
        raise InputError(told, where=path, hint=hint)
    if sha256_of(path) != entry["sha256"]:
        raise InputError(
            "was changed: it is not the file that was recorded, its SHA-256 differs", where=path, hint=hint
        )
