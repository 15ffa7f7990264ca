"""A new process starts without what it does not need, and never with what is stale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite import binding

from engine import generate_market, load
from engine.catalog import catalog
from engine.disk import content_of, reading_ahead
from engine.jit import undefined_symbols

START = """
import sys
import engine
assert "numba" not in sys.modules
from engine.counting import work
from engine.strategies.sma_cross import SETTINGS, sma_cross
market = engine.load(sys.argv[1])
result = market.run(sma_cross(3, 8), SETTINGS)
print("ready to compile" if "numba.np.npyimpl" in sys.modules else "only loaded")
print("coverage" in sys.modules, "yaml" in sys.modules, "tomlkit" in sys.modules)
print(sorted(name for name in sys.modules if name.startswith("engine.optimizations.")))
from optimizer.parity import digests_of
print(digests_of(result.outputs()))
"""


def _started(path: Path, caches: Path, **variables: str) -> list[str]:
    env = os.environ | {"XDG_CACHE_HOME": str(caches), "EXACT_CHANGE_CACHE": str(caches)} | variables
    env.pop("NUMBA_CACHE_DIR", None)
    command = [sys.executable, "-c", START, str(path)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.slow
def test_a_process_that_finds_its_code_does_not_make_ready_to_compile(tmp_path: Path) -> None:
    """The first lays the market out and compiles, the second maps it, and finds code for arrays of the same form."""
    path = tmp_path / "market.parquet"
    generate_market(symbols=6, bars=90).write_parquet(path)
    first, second = (_started(path, tmp_path / "caches") for _ in range(2))
    assert first[0] == "ready to compile"
    assert second[0] == "only loaded"
    assert second[1] == "False False False"
    assert len(eval(second[2])) < len(catalog()) + 7  # noqa: S307 - a list of our own: not all optimizations
    assert first[3] == second[3]
    other = _started(path, tmp_path / "caches", NUMBA_OPT="2")
    assert other[0] == "ready to compile"  # the code of other options is not taken
    assert other[3] == first[3]


CALLS_FAR = """
target triple = "x86_64-unknown-linux-gnu"
declare i32 @numba_far(i32)
define i32 @near(i32 %x) {
  %y = call i32 @numba_far(i32 %x)
  ret i32 %y
}
"""


def test_what_object_code_takes_from_elsewhere_is_read_from_its_symbols() -> None:
    """For Linux on any machine: LLVM, which compiles for others as well, needs no compiler beside it."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    module = binding.parse_assembly(CALLS_FAR)
    code = binding.Target.from_triple(module.triple).create_target_machine().emit_object(module)
    names = undefined_symbols(code)
    assert names is not None
    assert "numba_far" in names
    assert "near" not in names
    assert undefined_symbols(b"\xcf\xfa\xed\xfe" + code[4:]) is None


def test_a_content_that_was_read_ahead_is_used_once_and_never_later(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    with reading_ahead(path):
        first = content_of(path)
        path.write_bytes(b"two")
        second = content_of(path)
    assert first != second
    with reading_ahead(path):
        pass  # nobody asked
    path.write_bytes(b"one")
    assert content_of(path) == first
    with reading_ahead(tmp_path / "absent"):
        assert content_of(tmp_path / "absent") is None


def test_a_file_that_was_written_to_is_loaded_anew(tmp_path: Path) -> None:
    path = tmp_path / "market.parquet"
    for bars in (20, 30, 20):
        generate_market(symbols=2, bars=bars).write_parquet(path)
        assert load(path).feed.bars.height == 2 * bars
