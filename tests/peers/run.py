"""Hold our engine against the peers: `python -m peers.run PYTHON_OF_THE_PEERS`, which `make peers` does."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from peers.make_markets import write_markets
from peers.market import read_market
from peers.processes import run_side
from peers.report import print_table, write_page
from peers.scenarios import MARKETS, SCENARIOS
from peers.speed import measure
from peers.verdicts import Verdict, judge

ENGINES = ("backtrader", "vectorbt", "zipline", "pyalgotrade")
TOLD = ("engine", "version", "scenario", "trades", "equal", "differences", "why")
ROOT = Path(__file__).parents[2]


def compare_all(folder: Path, python: str) -> list[Verdict]:
    """Run every scenario in every engine and in ours, and judge them."""
    write_markets(folder)
    for engine in ENGINES:
        run_side(f"{engine}_side", str(folder), python=python)
    run_side("our_side", str(folder), *ENGINES)
    markets = {name: read_market(folder / f"{name}.csv") for name in MARKETS}
    ours = json.loads((folder / "ours.json").read_text())
    verdicts = []
    for engine in ENGINES:
        told = json.loads((folder / f"{engine}.json").read_text())
        verdicts += [
            judge(
                engine=engine,
                version=told["version"],
                scenario=scenario,
                ours=ours[engine][name],
                theirs=told["scenarios"][name],
                market=markets[scenario.market],
            )
            for name, scenario in SCENARIOS.items()
        ]
    return verdicts


def main() -> int:
    """Write the reports and docs/PEERS.md; return 1 where a difference has no known cause."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", help="the Python of the environment that the peers are installed in")
    parser.add_argument("--no-speed", action="store_true", help="compare only; the page keeps the last speeds")
    parser.add_argument("--repetitions", type=int, default=5, help="of each speed")
    options = parser.parse_args()
    reports = ROOT / "reports"
    folder = reports / "peers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    verdicts = compare_all(folder, options.python)
    rows = [{name: getattr(one, name) for name in TOLD} for one in verdicts]
    (reports / "peers.json").write_text(json.dumps(rows, indent=1) + "\n")
    speeds_file = reports / "peers-speed.json"
    if not options.no_speed:
        speeds_file.write_text(json.dumps(measure(options.python, folder, options.repetitions), indent=1) + "\n")
    speeds = json.loads(speeds_file.read_text()) if speeds_file.exists() else None
    write_page(ROOT / "docs" / "PEERS.md", verdicts, speeds)
    print_table(verdicts, speeds)
    return int(any(one.is_unexplained for one in verdicts))


if __name__ == "__main__":
    sys.exit(main())
