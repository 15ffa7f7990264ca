"""Run W-large: `python -m tests.large.run`, which `make large` does.

The declared moving-average cross over 2,000 symbols and 25,200 timestamps, 50 million bars: written as Parquet, laid
out, and run in chunks, each in a process of its own whose peak memory is read at its end (VmHWM, with whatever is
mapped). Before that, a market that fits into memory is run both ways, and the digests of the account are compared. It
writes reports/large.json, and returns 1 where they differ or a run takes more than 1.5 GB. It needs 4 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from optimizer.files import write_json

ROOT = Path(__file__).parents[2]
MOST_BYTES = 1_500_000_000
SMALL = (500, 2_520)
LARGE = (2_000, 25_200)


def write(path: Path, symbols: int, bars: int) -> dict[str, Any]:
    """Write the market."""
    from engine.large import write_market

    write_market(path, symbols=symbols, bars=bars)
    return {"file_bytes": path.stat().st_size}


def lay_out(path: Path, symbols: int, bars: int) -> dict[str, Any]:  # noqa: ARG001 - stages are called alike
    """Lay it out on disk."""
    from engine.large import prepare

    store = prepare(path, path.parent)
    return {"bars": store.bars, "chunk": store.chunk}


def run(path: Path, symbols: int, bars: int) -> dict[str, Any]:  # noqa: ARG001
    """Run over the store that is there, twice: the first run may compile."""
    from engine.large import prepare, run_large
    from engine.scenarios import SCENARIOS

    scenario = SCENARIOS["sma_cross"]
    begun = time.perf_counter()
    store = prepare(path, path.parent)
    opened = time.perf_counter()
    seconds = []
    for _ in range(2):
        result = None  # of the first run
        start = time.perf_counter()
        result = run_large(scenario.make(), store, scenario.settings)
        seconds.append(time.perf_counter() - start)
    assert result is not None
    return {
        "peak_bytes": peak_bytes(),  # without what the digests take
        "open_seconds": opened - begun,
        "first_seconds": seconds[0],
        "run_seconds": seconds[1],
        "bars_per_second": store.bars / seconds[1],
        "trades": len(result.trades),
        "digests": _digests(result.account()),
    }


def run_whole(path: Path, symbols: int, bars: int) -> dict[str, Any]:  # noqa: ARG001
    """Run in memory, by the accepted build."""
    from engine import load
    from engine.scenarios import SCENARIOS

    scenario = SCENARIOS["sma_cross"]
    return {"digests": _digests(load(path).run(scenario.make(), scenario.settings).account())}


def _digests(tables: Any) -> dict[str, str]:
    from optimizer.parity import digests_of

    return dict(digests_of(tables))


STAGES: dict[str, Callable[[Path, int, int], dict[str, Any]]] = {
    one.__name__: one for one in (write, lay_out, run, run_whole)
}


def measured(stage: str, path: Path, symbols: int, bars: int) -> dict[str, Any]:
    """Run a stage in a process of its own; return what it tells, its seconds and its peak memory in bytes."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "tests.large.run", "--stage", stage, "--path", str(path)]
    size = ["--symbols", str(symbols), "--bars", str(bars)]
    env = os.environ | {"EXACT_CHANGE_CACHE": str(path.parent / "cache")}
    done = subprocess.run([*command, *size], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"process_seconds": time.perf_counter() - begun}


def peak_bytes() -> int:
    """Return the most memory that this process has had, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write and print; return 1 where the promise is broken."""
    options = _options(arguments)
    if options.stage:
        told = STAGES[options.stage](options.path, options.symbols, options.bars)
        print(json.dumps({"peak_bytes": peak_bytes()} | told))
        return 0
    with tempfile.TemporaryDirectory(prefix="exact-change-large-") as folder:
        small = Path(folder) / "small.parquet"
        both = {stage: measured(stage, small, *SMALL) for stage in ("write", "run", "run_whole")}
        same = both["run"]["digests"] == both["run_whole"]["digests"]
        print(f"{SMALL[0]:,} x {SMALL[1]:,}: in chunks {'as' if same else 'NOT AS'} in memory, to the last bit")
        large = Path(folder) / "large.parquet"
        stages = {}
        for stage in ("write", "lay_out", "run"):
            stages[stage] = measured(stage, large, options.symbols, options.bars)
            print(_line(stage, stages[stage], options.symbols, options.bars), flush=True)
    size = {"symbols": options.symbols, "timestamps": options.bars}
    write_json(ROOT / "reports" / "large.json", size | {"same_as_in_memory": same, "small": both, "large": stages})
    most = max(stages[stage]["peak_bytes"] for stage in ("lay_out", "run"))
    return int(not same or most > MOST_BYTES)


def _line(stage: str, told: dict[str, Any], symbols: int, bars: int) -> str:
    more = "" if stage != "run" else (
        f"; run {told['run_seconds']:.2f} s ({told['first_seconds']:.2f} at first), "
        f"{told['bars_per_second'] / 1e6:.1f} million bars/s, {told['trades']:,} trades"
    )  # fmt: skip
    peak = told["peak_bytes"] / 1e6
    return f"{symbols:,} x {bars:,} {stage}: {told['process_seconds']:.1f} s, peak {peak:,.0f} MB{more}"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=LARGE[0])
    parser.add_argument("--bars", type=int, default=LARGE[1], help="timestamps")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
