"""Numba: fused instructions, stale code and other functions, and what keeps them out of the engine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from engine import jit
from engine.jit import numba
from optimizer.benchmark import Arm, Workload
from optimizer.config import find_config
from optimizer.golden import open_golden
from optimizer.processes import Observation, Processes
from optimizer.static_look import Remark

ROOT = Path(__file__).parents[2]
AVERAGE = """
import os
import numba, numpy as np
OPTIONS = {"error_model": "numpy", "_nrt": False, **eval(os.environ.get("OPTIONS", "{}"))}
@numba.njit(cache="CACHE" in os.environ, **OPTIONS)
def average(values, averages, weight):
    present = values[0]
    for bar in range(len(values)):
        present = (values[bar] - present) * weight + present
        averages[bar] = present
"""
RUN = """
import hashlib, importlib, os, sys
from pathlib import Path
import numpy as np
from optimizer.generated_code import fused_instructions, not_looked_at
values = np.random.default_rng(11).random(10_000)
for options in sys.argv[1:]:
    os.environ["OPTIONS"] = options
    sys.modules.pop("averages", None)
    averages = importlib.import_module("averages")
    means = np.empty_like(values)
    averages.average(values, means, 0.1)
    folder = Path.cwd()
    print(hashlib.sha256(means.tobytes()).hexdigest(), fused_instructions(folder), not_looked_at(folder), sep="|")
    averages.average = averages = None
"""
PLAIN, CONTRACT, FAST = "{}", "{'fastmath': {'contract'}}", "{'fastmath': True}"
WITH_FMA = pytest.mark.skipif(
    not any(level in numba.core.codegen.get_host_cpu_features() for level in ("+fma", "+neon")),
    reason="this processor has no fused multiply-add",
)


@pytest.fixture
def averages(fresh, tmp_path: Path) -> Callable[..., list[list[str]]]:
    """Compile an average with one set of options after another; tell each digest, what is fused, what was not seen."""
    (tmp_path / "averages.py").write_text(AVERAGE)

    def run(*options: str, **environment: str) -> list[list[str]]:
        told = fresh(RUN, *options, cwd=tmp_path, PYTHONPATH=f"{tmp_path}:{ROOT}", **environment)
        return [line.split("|") for line in told.splitlines()]

    return run


@WITH_FMA
def test_plain_code_has_no_fused_multiply_add_and_contracted_code_has(averages) -> None:
    """And contract, or fastmath, changes the values of an exponential average."""
    plain, fused = averages(PLAIN, CONTRACT)
    assert plain[1:] == ["()", "()"]
    assert re.match(r"\('[\w-]+/averages\.py:\d+ average: .*\b(vfn?m|fn?m|fml)", fused[1])
    assert plain[0] != fused[0]


def test_plain_code_for_another_processor_has_none_either() -> None:
    """In aarch64 cross-code: plain gives no fmadd, and contract does."""
    source = {}
    exec(AVERAGE, source)  # noqa: S102 - our own text
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    found = []
    for options in ({}, {"fastmath": {"contract"}}):
        function = numba.njit(error_model="numpy", _nrt=False, **options)(source["average"].py_func)
        function(np.ones(3), np.ones(3), 0.5)
        (code,) = function.inspect_llvm().values()
        code = re.sub(r'target (datalayout|triple) = ".*"|"target-(cpu|features)"="[^"]*"', "", code)
        machine = llvm.Target.from_triple("aarch64-unknown-linux-gnu").create_target_machine(opt=3)
        module = llvm.parse_assembly(code)
        module.triple, module.data_layout = "aarch64-unknown-linux-gnu", str(machine.target_data)
        found.append(bool(re.search(r"\b(fn?madd|fn?msub|fmla|fmls)\b", machine.emit_assembly(module))))
    assert found == [False, True]


def test_no_flag_that_reorders_or_fuses_stands_in_the_engine(engine_is_free_of: Callable[..., None]) -> None:
    engine_is_free_of("fast-math", "parallel", "parallel-sum", "error-model", "code-cache")
    assert not set(jit._OPTIONS) & {"fastmath", "parallel"}


@pytest.mark.slow
def test_the_code_of_every_optimization_has_no_fused_instruction(tmp_path: Path, whole_build: tuple[str, ...]) -> None:
    """Asked of a worker that has compiled all of it anew; a code cache would hide it."""
    config = find_config(ROOT)
    golden = open_golden(config, config.subject.golden_sets()[0])
    assert golden is not None
    wanted = ("scored/example_sma_cross", "market/gated", "market/sma_cross")
    cases = [case for case in golden.cases() if f"{case['input']}/{case['scenario']}" in wanted]
    job = {"cases": cases, "folder": str(tmp_path), "keep": "none", "twice": False}
    seen = Processes(config, tmp_path).run("look", whole_build, job, {"NUMBA_CACHE_DIR": str(tmp_path / "code")})
    assert seen.result is not None, seen.error
    assert (seen.result["fused"], seen.result["not_seen"]) == ([], [])


@pytest.mark.slow
def test_the_cache_of_numba_leaves_out_the_options(averages, tmp_path: Path) -> None:
    """The same function compiled with fastmath and then plain gives the fast-math code; its text is not kept."""
    ((anew, *_),) = averages(PLAIN)
    fast, after = averages(FAST, PLAIN, CACHE="1", NUMBA_CACHE_DIR=str(tmp_path / "code"))
    if fast[0] == anew:
        pytest.skip("fastmath changes nothing on this processor")
    assert after[0] == fast[0]
    assert re.search(r"averages\.py:\d+ average", after[2])


def test_the_cache_of_numba_is_stale_after_an_edit_of_an_imported_file(fresh, tmp_path: Path) -> None:
    (tmp_path / "costs.py").write_text("import numba\n@numba.njit\ndef cost(price):\n    return price * 2.0\n")
    (tmp_path / "fills.py").write_text(
        "import numba\nfrom costs import cost\n@numba.njit(cache=True)\ndef fill(price):\n    return cost(price)\n"
    )
    run = """
import sys
from pathlib import Path
import fills
print(fills.fill(1.0))
costs = Path("costs.py")
costs.write_text(costs.read_text().replace("2.0", "30.0"))
del sys.modules["costs"], sys.modules["fills"]
import fills
print(fills.fill(1.0), fills.cost(1.0))
"""
    told = fresh(run, cwd=tmp_path, PYTHONPATH=str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path / "code"))
    assert told.splitlines() == ["2.0", "2.0 30.0"]


def test_each_state_of_the_sources_and_options_has_a_code_cache_of_its_own(fresh, tmp_path: Path) -> None:
    """Named after a digest of the sources that a module imports, of the options, and of the Python."""
    shutil.copytree(ROOT / "engine", tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    run = """
from pathlib import Path
from engine import jit
from engine import sources
from engine.packed.kernel import loop

def folder():
    for one in (sources.module_digest, sources._imports_of, sources._source_of):
        one.cache_clear()
    return jit._folder_of("engine.packed.kernel")

print(loop._cache.cache_path)
print(folder())
jit._OPTIONS["fastmath"] = True
print(folder())
del jit._OPTIONS["fastmath"]
for name in ("large/store.py", "arrays.py"):
    edited = Path("engine", name)
    edited.write_text(edited.read_text() + "# edited")
    print(folder())
"""
    told = fresh(run, cwd=tmp_path, PYTHONPATH=str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path / "code")).splitlines()
    kept, same, other_option, not_imported, imported = told
    assert Path(kept).parent == tmp_path / "code"
    assert kept == same == not_imported
    assert len({kept, other_option, imported}) == 3


def test_the_functions_of_svml_are_left_out(fresh) -> None:
    """NUMBA_DISABLE_INTEL_SVML=1 is set before Numba is imported, whatever imports it first."""
    run = "import engine.jit, numba, os; print(os.environ['NUMBA_DISABLE_INTEL_SVML'], numba.config.USING_SVML)"
    assert fresh(run) == "1 False"


def test_compile_time_is_beside_the_steady_time_and_never_inside() -> None:
    """The first run, which compiles, is a figure of its own."""
    runs = [{"wall_ns": wall, "tables_ns": 0} for wall in (9_000_000_000, 1_000_000_000, 1_000_000_000)]
    seen = Observation({"load_ns": 0, "runs": {"cross": runs}}, "", {}, 0)
    arm = Arm((), Workload("bars.parquet", "refuse", "cross"), [seen])
    assert (arm.cold(), arm.warm()) == ([9.0], [1.0])


def test_parallel_sums_change_with_the_threads(fresh, must_move) -> None:
    """A prange reduction differs between 1 and 2 threads; Numba's own np.sum is sequential, unlike NumPy's."""
    run = """
import numba, numpy as np
@numba.njit(parallel=True)
def total(values):
    found = 0.0
    for place in numba.prange(len(values)):
        found += values[place]
    return found
@numba.njit
def summed(values):
    return np.sum(values)
values = np.random.default_rng(0).random(100_003)
one_by_one = np.add.accumulate(values)[-1]
print(summed(values) == one_by_one, np.sum(values) == one_by_one)
for threads in (1, numba.config.NUMBA_NUM_THREADS):
    numba.set_num_threads(threads)
    print(total(values).hex())
"""
    sequential, *totals = fresh(run, NUMBA_NUM_THREADS="2").splitlines()
    assert sequential == "True False"
    must_move(totals, "parallel sum", {"NUMBA_NUM_THREADS": "1"}, {"NUMBA_NUM_THREADS": "2"})


def test_prange_is_remarked_on(engine_remarks: tuple[Remark, ...]) -> None:
    """Only where each iteration writes its own element may it stand, with a reason; the engine has none."""
    assert not [remark for remark in engine_remarks if remark.rule.startswith("parallel")]
