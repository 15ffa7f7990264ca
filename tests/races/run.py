"""Race: `python -m tests.races.run [PYTHON_OF_VECTORBT]`, which `make bench` does.

It writes its rows into reports/bench.json, beside those of `optimize bench`, and docs/BENCH.md with docs/ladder.svg;
a race that is not the whole one writes all of that into reports/race/, since its figures are not for a document.
It fails, and writes nothing, where two of our contenders give different accounts.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.races.beside import Beside
from tests.races.contenders import Entry, entries_of
from tests.races.inputs import shape_of, write_market, write_matrices
from tests.races.page import Facts, write_page
from tests.races.rounds import ROOT, DifferentError, Found, race
from tests.races.rows import write_rows
from tests.races.terminal import print_tables
from tests.races.workloads import FULL, QUICK, Size, Workload, real_prices, workloads

SEED = 20
BUDGET = 12.0  # minutes
_SHAPE = "%Y-%m-%d %H:%M"


def main(arguments: Sequence[str] | None = None) -> int:
    """Race, write and print; return 1 where accounts differ."""
    options = _options(arguments)
    size = QUICK if options.quick else FULL
    is_whole = not options.quick and not options.workload
    beside = Beside()
    with tempfile.TemporaryDirectory(prefix="exact-change-race-") as folder:
        scratch, start = Path(folder), time.perf_counter()
        chosen = [one for one in workloads(size) if not options.workload or one.name in options.workload]
        _tell(f"Making {len(chosen)} markets ...")
        shapes, entries = _prepared(chosen, size, scratch, options.peers)
        try:
            found = race(
                entries,
                most=options.rounds,
                seed=SEED,
                scratch=scratch,
                peers=options.peers or "",
                tick=_tell,
                seconds=options.budget * 60,
            )
        except DifferentError as error:
            print(f"DIVERGED: {error}")
            return 1
    facts = Facts(
        command="make bench" if is_whole else "python -m tests.races.run, in part",
        when=time.strftime(_SHAPE, time.gmtime()),
        minutes=(time.perf_counter() - start) / 60,
        beside=beside.cores(),
        shapes=shapes,
        workloads=chosen,
        missing=_missing(size, options.peers),
    )
    out, docs = (ROOT / "reports", ROOT / "docs") if is_whole else (ROOT / "reports" / "race",) * 2
    _write(found, facts, options.out or out, options.docs or docs)
    return 0


def _prepared(
    chosen: Sequence[Workload], size: Size, scratch: Path, peers: str | None
) -> tuple[dict[str, str], list[Entry]]:
    """Write the files of each workload; return how large its market is, and who runs it."""
    shapes, entries = {}, []
    for workload in chosen:
        data = write_market(workload, size, scratch)
        shapes[workload.name] = shape_of(data)
        matrices = write_matrices(workload, data, scratch) if workload.peers else None
        entries += entries_of(workload, data, matrices, has_vectorbt=peers is not None)
    return shapes, entries


def _write(found: Found, facts: Facts, out: Path, docs: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    docs.mkdir(parents=True, exist_ok=True)
    write_rows(out / "bench.json", found)
    write_page(docs, found, facts)
    print_tables(found, facts)


def _missing(size: Size, peers: str | None) -> list[str]:
    """Return what could not be raced here, a line each."""
    lines = [] if peers else ["vectorbt: its environment is not there (`make bench` sets it up)"]
    if size.has_real_prices and real_prices() is None:
        lines.append("us500: the real prices are not on this machine (EXACT_CHANGE_DATA names their folder)")
    return lines


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="?", help="the Python of vectorbt's environment; without, it is left out")
    parser.add_argument("--quick", action="store_true", help="tiny markets, to try it out; its figures mean nothing")
    parser.add_argument("--rounds", type=int, default=9, help="at most so many; each contender has its own number")
    parser.add_argument("--budget", type=float, default=BUDGET, help="minutes; no round begins that would end later")
    parser.add_argument("--workload", action="append", help="only this one; may be given again")
    parser.add_argument("--out", type=Path, help="where bench.json goes")
    parser.add_argument("--docs", type=Path, help="where BENCH.md and ladder.svg go")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    return options


def _tell(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the files and the process of the moment go, too
    sys.exit(main())
