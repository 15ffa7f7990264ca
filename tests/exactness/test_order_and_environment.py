"""Order and environment: what a process is surrounded by must not reach a result."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import background, generate_market, load
from engine.arrays import stable_order
from engine.scenarios import SCENARIOS, run_scenario
from engine.subject import SUBJECT
from optimizer.config import find_config
from optimizer.processes import Processes
from optimizer.static_look import Remark, look_at

ROOT = Path(__file__).parents[2]
TIES = """
import hashlib, numpy as np
ties = np.random.default_rng(0).integers(0, 30, 20_000)
digest = lambda order: hashlib.sha256(order.tobytes()).hexdigest()[:12]
print(digest(np.argsort(ties)), digest(np.argsort(ties, kind="stable")))
"""
FLUSH = '''
"""Sets the processor to flush small numbers to zero, as some foreign libraries do when they are loaded."""
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("0fae17c3"))  # ldmxcsr [rdi]; ret
call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
def flush():
    call(ctypes.addressof(ctypes.c_uint32(0x1F80 | 0x8040)))
'''
ON_X86 = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64") or os.name != "posix", reason="the instruction is one of x86-64"
)


def test_an_unstable_sort_breaks_ties_by_the_processor(fresh, must_move) -> None:
    """np.argsort without kind="stable" does; a stable one does not."""
    levels = ("", "X86_V4 AVX512_ICL AVX512_SPR", "X86_V4 AVX512_ICL AVX512_SPR X86_V3")
    told = [fresh(TIES, NPY_DISABLE_CPU_FEATURES=level).split() for level in levels]
    assert len({stable for _, stable in told}) == 1
    environments = [{"NPY_DISABLE_CPU_FEATURES": level} for level in levels]
    must_move([plain for plain, _ in told], "numpy functions", *environments)


def test_the_engine_sorts_stably(engine_is_free_of: Callable[..., None], engine_remarks: tuple[Remark, ...]) -> None:
    """What Polars sorts by a key without ties needs no more: positions, by symbol and time."""
    numbers = np.random.default_rng(0).integers(0, 5, 1000)
    assert stable_order(numbers, 5).tolist() == sorted(range(1000), key=numbers.tolist().__getitem__)
    engine_is_free_of("listing-order", "completion-order")
    unstable = {remark.path for remark in engine_remarks if remark.rule in ("unstable-sort", "row-order")}
    assert unstable <= {"engine/positions.py"}


def test_the_order_of_a_set_changes_with_the_hash_seed(fresh) -> None:
    """So that sets are sorted before they are walked: a sum in their order changes, too."""
    run = """
prices = {f"S{number}": 1.0 / (number + 1) for number in range(50)}
total = ordered = 0.0
for name in set(prices):
    total += prices[name]
for name in sorted(set(prices)):
    ordered += prices[name]
print(total.hex(), ordered.hex())
"""
    told = [fresh(run, PYTHONHASHSEED=str(seed)).split() for seed in range(4)]
    assert len({total for total, _ in told}) > 1
    assert len({ordered for _, ordered in told}) == 1


@ON_X86
def test_flush_to_zero_changes_python_and_numpy_alike(fresh, tmp_path: Path) -> None:
    """And the sentinel, 1e-308 * 0.1 != 0, tells."""
    (tmp_path / "foreign.py").write_text(FLUSH)
    run = """
import numpy as np, foreign
small = float("1e-308")
print(small * 0.1 == 0.0, bool((np.full(9, small) * 0.1 == 0.0).all()))
foreign.flush()
print(small * 0.1 == 0.0, bool((np.full(9, small) * 0.1 == 0.0).all()))
"""
    assert fresh(run, cwd=tmp_path, PYTHONPATH=str(tmp_path)).splitlines() == ["False False", "True True"]


@pytest.fixture
def job(tmp_path: Path) -> dict[str, Any]:
    """One small case, for a worker of the optimizer."""
    data = tmp_path / "market.parquet"
    generate_market(symbols=2, bars=30).write_parquet(data)
    case = {"input": "market", "data": str(data), "on_bad_bars": "refuse", "scenario": "level"}
    return {"cases": [case], "folder": str(tmp_path), "keep": "none", "twice": False}


@ON_X86
@pytest.mark.parametrize("where", ["engine/subject.py", "engine/optimizations/io/matrix_store.py"])
def test_a_worker_that_flushes_small_numbers_is_refused(project: Path, tmp_path: Path, job, where: str) -> None:
    """The sentinel is looked at before a run, when all is imported, and after it."""
    (project / "foreign.py").write_text(FLUSH)
    source = project / where
    text = source.read_text()
    if "optimizations" in where:
        text = text.replace(
            "        folder = cache_root()", "        __import__('foreign').flush()\n        folder = cache_root()"
        )
    else:
        text += "\n__import__('foreign').flush()\n"
    assert "foreign" in text
    source.write_text(text)
    build = ("vectorization/array_feed", "io/matrix_store")
    seen = Processes(find_config(project), tmp_path).run("outputs", build, job, {"PYTHONPATH": str(project)})
    assert not seen.ok
    assert "denormal numbers are flushed to zero" in seen.error


@ON_X86
def test_a_trial_in_a_process_that_flushes_small_numbers_is_an_error(fresh, tmp_path: Path) -> None:
    """In every worker of a sweep, too."""
    (tmp_path / "foreign.py").write_text(FLUSH)
    run = """
import foreign
from engine.trial_worker import _refused
from engine.trials import TrialRow
print(_refused(TrialRow(None, "digest", None)).error)
foreign.flush()
print(_refused(TrialRow(None, "digest", None)).error)
"""
    told = fresh(run, PYTHONPATH=f"{tmp_path}:{ROOT}").splitlines()
    assert told == ["None", "ArithmeticError: denormal numbers are flushed to zero in this process"]


@pytest.mark.many_runs
def test_no_process_is_forked(engine_is_free_of: Callable[..., None]) -> None:
    """Polars can hang after a fork: workers are processes of their own, started anew."""
    engine_is_free_of("fork")
    everything = sorted(path for folder in ("engine", "optimizer") for path in (ROOT / folder).rglob("*.py"))
    assert [str(remark) for remark in look_at(SUBJECT, everything) if remark.rule == "fork"] == []


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads the processes from /proc")
def test_the_workers_of_a_sweep_are_fresh_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXACT_CHANGE_WORKERS", "2")
    market = load(generate_market(symbols=3, bars=60), build=["parallelism/spawned_trials"])
    run_scenario(market, SCENARIOS["sweep_rules"])()
    background.settle()
    children = [
        (path / "cmdline").read_bytes().split(b"\0")
        for path in Path("/proc").glob("[0-9]*")
        if _parent_of(path) == os.getpid()
    ]
    workers = [command for command in children if b"engine.trial_worker" in command]
    assert len(workers) == 2
    assert all(command[0].decode() == sys.executable for command in workers)


def _parent_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def test_thread_caps_count_only_before_the_first_import(fresh) -> None:
    """They stand in the environment when a worker starts; set later they do nothing."""
    run = """
import os, sys
if sys.argv[1] == "late":
    import numba, polars
os.environ |= dict.fromkeys(("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"), "1")
import numba, polars
print(polars.thread_pool_size(), numba.config.NUMBA_NUM_THREADS)
"""
    two = {"POLARS_MAX_THREADS": "2", "NUMBA_NUM_THREADS": "2"}
    assert fresh(run, "early", **two) == "1 1"
    assert fresh(run, "late", **two).split()[0] == "2"
