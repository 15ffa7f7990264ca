"""Attack the instrument: `python -m tests.mutants.run`, which `make mutants` does."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.mutants.attack import Attack, Row
from tests.mutants.project import ROOT
from tests.mutants.report import print_table, summary, write_page
from tests.mutants.stages import LOOK, STAGES
from tests.mutants.variants import Variant, variants

REPORTS = ROOT / "reports"
_SHOWN = 90


def main() -> int:
    """Write the reports and docs/MUTANTS.md; return 1 where something escaped or a right variant was refused."""
    options = _options()
    everything = variants()
    chosen = _chosen(everything, options)
    is_whole = len(chosen) == len(everything) and set(options.stages) == {LOOK, *STAGES}
    report = REPORTS / ("mutants.json" if is_whole else "mutants-part.json")
    keys = {one.name: _key(one, options.stages) for one in chosen}
    known = _known(report) if options.resume else {}
    start = time.perf_counter()
    rows: dict[str, Row] = {name: known[key] for name, key in keys.items() if key in known}
    left = [one for one in chosen if one.name not in rows]
    print(f"{len(chosen)} variants, {len(left)} to run, {options.jobs} at a time", flush=True)

    def tell(row: Row) -> None:
        rows[row.name] = row
        print(_line(row, len(rows), len(chosen)), flush=True)
        _write(report, keys, rows, time.perf_counter() - start)

    with tempfile.TemporaryDirectory(prefix="exact-change-mutants-") as folder:
        for _ in Attack(Path(folder), options.stages).run(left, options.jobs, tell):
            pass
    ordered = [rows[one.name] for one in chosen]
    _write(report, keys, rows, time.perf_counter() - start)
    if is_whole:
        write_page(ROOT / "docs" / "MUTANTS.md", ordered)
    print_table(ordered)
    return int(not all(row.as_expected for row in ordered))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="the variants whose name has one of these texts in it"
    )
    parser.add_argument("--share", metavar="N/M", help="the N-th of M parts")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--resume", action="store_true", help="keep the rows of the last report where nothing changed")
    parser.add_argument("--stages", nargs="+", choices=[LOOK, *STAGES], default=[LOOK, *STAGES], help="only these")
    return parser.parse_args()


def _chosen(everything: Sequence[Variant], options: argparse.Namespace) -> list[Variant]:
    chosen = [one for one in everything if not options.only or any(text in one.name for text in options.only)]
    if options.share:
        number, of = map(int, options.share.split("/"))
        chosen = chosen[number - 1 :: of]
    if not chosen:
        raise SystemExit(f"no variant is called {' or '.join(options.only or [options.share])}")
    return chosen


def _key(variant: Variant, stages: Sequence[str]) -> str:
    """Return a digest of a variant and of all that judges it."""
    digest = hashlib.sha256(f"{_judges()} {sorted(stages)} {variant}".encode())
    if variant.source is not None:
        digest.update(variant.source.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _judges() -> str:
    """Return a digest of the engine, the optimizer, the golden sets and the attack itself."""
    digest = hashlib.sha256()
    for folder, pattern in (("engine", "*.py"), ("optimizer", "*.py"), ("golden", "manifest.json")):
        for path in sorted((ROOT / folder).rglob(pattern)):
            digest.update(path.read_bytes())
    digest.update(Path(__file__).with_name("stages.py").read_bytes())
    return digest.hexdigest()


def _known(report: Path) -> dict[str, Row]:
    """Return the rows of a report by their keys."""
    if not report.is_file():
        return {}
    found = {}
    for told in json.loads(report.read_text(encoding="utf-8"))["rows"]:
        key = told.pop("key")
        row = Row(**told | {"caught_by": tuple(told["caught_by"]), "remarks": tuple(told["remarks"])})
        if not row.broken:
            found[key] = row
    return found


def _line(row: Row, done: int, of: int) -> str:
    verdict = "BROKEN" if row.broken else "ESCAPED" if row.expected == "caught" else "REFUSED"
    if row.as_expected:
        verdict = ", ".join(row.caught_by) or "passes"
    return f"{done:>4}/{of}  {row.seconds:5.1f} s  {verdict:<20}  {row.name}   {row.report[:_SHOWN]}"


def _write(path: Path, keys: Mapping[str, str], rows: Mapping[str, Row], seconds: float) -> None:
    done = [name for name in keys if name in rows]
    told = [rows[name].told() | {"key": keys[name]} for name in done]
    path.parent.mkdir(exist_ok=True)
    head = summary([rows[name] for name in done]) | {"seconds": round(seconds, 1)}
    path.write_text(json.dumps(head | {"rows": told}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
