"""A notice against what else is written of it: the ledger, the run's own file, and its seal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.claims import figures_of
from optimizer.ecn import Notice
from optimizer.ecn_front import body_digest, claims_of
from optimizer.errors import InputError
from optimizer.files import read_json
from optimizer.ledger import Ledger, look
from optimizer.run_documents import listed, mapping
from optimizer.verification import Line, Standing

TEXT = "the text"


@dataclass(frozen=True)
class Records:
    """What is known of a notice beside its file; lists are empty and mappings None where nothing is."""

    written: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    run: Mapping[str, Any] | None


def records_of(notice: Notice, out: Path) -> Records:
    """Return what the ledger and the run's file of a folder know of a notice."""
    ecn, run_id = notice.front.ecn, notice.front.run
    written = look(out, lambda ledger: ledger.notices(ecn)) or []
    decisions = look(out, lambda ledger: ledger.decisions(ecn)) or []
    run: Mapping[str, Any] | None = None
    path = out / "runs" / run_id / "run.json"
    if Path(run_id).name == run_id and path.is_file():
        try:
            run = read_json(path, hint="")
        except InputError:
            run = None
    if run is None:
        run = next((one.raw for one in look(out, Ledger.runs) or [] if one.run_id == run_id), None)
    return Records(written, decisions, run)


def record_lines(notice: Notice, records: Records) -> list[Line]:
    """Return how a notice stands against its seal, the ledger and its run."""
    return [_seal(notice, records), _ledger(notice, records), _run(notice, records), *_status(notice, records)]


def _seal(notice: Notice, records: Records) -> Line:
    if notice.front.seal is None:
        told = "the notice is older than seals, or its seal was taken out: whether it was edited can't be told"
        return Line("seal", Standing.UNCHECKED, told)
    if notice.front.seal == notice.seal:
        return Line("seal", Standing.HOLDS, f"not edited since it was written ({notice.seal[:12]})")
    changed = _edited(notice, records)
    told = ", ".join(changed) if changed else "what can't be told: neither the ledger nor the run's file is here"
    return Line("seal", Standing.FAILS, f"edited since it was written: {told}")


def _edited(notice: Notice, records: Records) -> list[str]:
    if records.written:
        return _against(notice, records.written[0]) or ["the seal itself"]
    entry = _entry(notice, records)
    return _differing(claims_of(notice.front), entry) or ["not in what the run's file tells"] if entry else []


def _against(notice: Notice, written: Mapping[str, Any]) -> list[str]:
    """Return what is not as the ledger has it."""
    fields = _differing(claims_of(notice.front), {**dict.fromkeys(claims_of(notice.front)), **_claimed(written)})
    return fields + ([TEXT] if body_digest(notice.body) != written["body_sha256"] else [])


def _claimed(written: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in written["front"].items() if name not in ("status", "decided_at", "why", "seal")
    }


def _differing(have: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return the fields that are not as they were, with both values."""
    return [
        f"{name} (was {value!s:.60}, is {have.get(name)!s:.60})"
        for name, value in wanted.items()
        if have.get(name) != value
    ]


def _ledger(notice: Notice, records: Records) -> Line:
    if not records.written:
        return Line("ledger", Standing.LEFT_OUT, "the ledger here does not know the notice")
    same = next((one for one in records.written if one["seal"] == notice.seal), None)
    if same:
        return Line("ledger", Standing.HOLDS, f"it has the notice as it is, written {same['written_at']}")
    changed = ", ".join(_against(notice, records.written[0]))
    return Line("ledger", Standing.FAILS, f"it has the notice otherwise: {changed}")


def _run(notice: Notice, records: Records) -> Line:
    entry = _entry(notice, records)
    if not entry:
        return Line("run", Standing.LEFT_OUT, f"run {notice.front.run} is not here")
    if changed := _differing(claims_of(notice.front), entry):
        return Line("run", Standing.FAILS, f"it found something else: {', '.join(changed)}")
    return Line("run", Standing.HOLDS, f"it found what the notice says: {', '.join(entry)}")


def _entry(notice: Notice, records: Records) -> dict[str, Any]:
    """Return the claims of a notice as its run has them: those of its figures that the notice has."""
    run = records.run or {}
    entries = [mapping(one) for one in listed(run.get("changes"))]
    entry = next((one for one in entries if one.get("name") == notice.front.optimization), None)
    if entry is None:
        return {}
    figures = {name: list(value) if isinstance(value, tuple) else value for name, value in figures_of(entry).items()}
    have = claims_of(notice.front)
    figures = {name: value for name, value in figures.items() if name in have}
    golden = mapping(run.get("golden")).get("digest")
    plain = {"verdict": entry.get("verdict"), "focus": entry.get("focus"), "golden_digest": golden}
    return plain | {"build_before": list(listed(entry.get("control")))} | figures


def _status(notice: Notice, records: Records) -> list[Line]:
    """Tell where the ledger knows of another decision: it is no claim, so it is no failure."""
    statuses = [one for one in records.decisions if not one["decision"].startswith(("verif", "not verif"))]
    if not statuses or statuses[-1]["decision"] == notice.front.status:
        return []
    last = statuses[-1]
    return [
        Line("status", Standing.DIFFERS, f"{notice.front.status} here, {last['decision']} in the ledger, {last['at']}")
    ]
