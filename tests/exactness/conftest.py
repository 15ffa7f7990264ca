"""What the tests of exactness share: computations in fresh processes, and a look at the engine's own sources."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from engine.subject import SUBJECT
from optimizer.static_look import Remark, files_of, look_at

ROOT = Path(__file__).parents[2]
Fresh = Callable[..., str]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """Run Python in a process of its own, with settings of its environment; return what it prints."""
    cache = tmp_path_factory.mktemp("numba")

    def run(code: str, *arguments: str, cwd: Path = ROOT, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=cwd,
            env={**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(scope="session")
def engine_remarks() -> tuple[Remark, ...]:
    """What the static look says of the reference, of every optimization, and of what they import of the engine."""
    files = {SUBJECT.source_root / name for name in SUBJECT.components}
    files |= {path for one in SUBJECT.candidates() for path in files_of(SUBJECT, one)}
    return look_at(SUBJECT, sorted(files))


@pytest.fixture(scope="session")
def engine_is_free_of(engine_remarks: tuple[Remark, ...]) -> Callable[..., None]:
    """Hold the engine to having no remark of some rules."""

    def check(*rules: str) -> None:
        assert [str(remark) for remark in engine_remarks if remark.rule in rules] == []

    return check


@pytest.fixture(scope="session")
def must_move(fresh: Fresh) -> Callable[..., None]:
    """Hold the matrix to seeing what moves: the canary of a knob has to move wherever a result does.

    Where the knob has no effect on this machine, nothing was shown: the test is skipped.
    """

    def check(outputs: Sequence[str], canary: str, *environments: Mapping[str, str]) -> None:
        if len(set(outputs)) < 2:
            pytest.skip(f"{environments} have no effect on this machine")
        code = f"from optimizer.canaries import observed; print(observed([{canary!r}]))"
        assert len({fresh(code, **environment) for environment in environments}) > 1, canary

    return check
