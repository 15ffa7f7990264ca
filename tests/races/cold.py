"""The cold start: a new process, from its start to the result of W, with what earlier ones have kept on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

_ROOT = Path(__file__).parents[2]
CODE = """\
import time
start = time.perf_counter()
import json, sys
from engine import (
    SMA, CrossesAbove, DeclaredStrategy, Notional, Settings, StopLoss, TakeProfit, TrailingStop, load
)
fast, slow = SMA(10), SMA(50)
rules = (StopLoss(0.05), TrailingStop(0.08), TakeProfit(0.10))
strategy = DeclaredStrategy(CrossesAbove(fast, slow), CrossesAbove(slow, fast), Notional(20_000.0), rules)
result = load(sys.argv[1]).run(strategy, Settings(cash=1_000_000.0, commission=0.001, slippage=0.0005))
counts = {name: len(table) for name, table in result.account().items()}
print(json.dumps([time.perf_counter() - start, counts]), flush=True)
from engine.digest import result_digest
print(result_digest(result), flush=True)
"""
"""What a user would write for W: it says how long it took inside, and then the digest, which is not timed."""


def cold_start(job: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Start it, and return what `clock.tell` would tell: from outside until the result is there, and from inside.

    Raises:
        RuntimeError: where it fails.
    """
    outside, inside = job["names"]
    command = [sys.executable, "-c", CODE, job["data"]]
    start = perf_counter()
    with subprocess.Popen(
        command, cwd=_ROOT, env={**os.environ, **environment}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = perf_counter() - start
        digest, said = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the cold start failed:\n{said[-2000:]}")
    took, counts = json.loads(line)
    return {"times": {outside: seconds, inside: took}, "digest": digest.strip(), "counts": counts}
