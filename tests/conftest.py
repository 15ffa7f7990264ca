"""What the tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import polars as pl
import pytest

from engine.catalog import build_of, catalog, extend

ROOT = Path(__file__).parents[1]
US500 = "us500_2007_2017_daily.parquet"
MANY_RUNS = ("contracts", "large", "properties")  # folders of tests that are marked many_runs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no core waits at the end for what another has begun last."""
    for item in items:
        if item.path.parent.name in MANY_RUNS:
            item.add_marker("many_runs")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Coverage would take what runs the engine again and again three times as long; others cover the same lines."""
    if not item.get_closest_marker("many_runs"):
        return (yield)
    trace = sys.gettrace()
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(trace)


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The engine's caches: a folder of each test's own."""
    monkeypatch.setenv("EXACT_CHANGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def us500() -> Path:
    """The real prices; where they are absent, what needs them is skipped and says so."""
    folders = [*os.environ.get("EXACT_CHANGE_DATA", "").split(os.pathsep), str(ROOT.parent / "shared" / "data")]
    found = next((Path(folder) / US500 for folder in folders if folder and (Path(folder) / US500).is_file()), None)
    if found is None:
        pytest.skip(f"{US500} is not on this machine: set EXACT_CHANGE_DATA to its folder")
    return found


@pytest.fixture(scope="session")
def whole_build() -> tuple[str, ...]:
    """The build of all that the catalog has."""
    build: tuple[str, ...] = ()
    for one in catalog():
        for name in build_of(one.name):
            build = build if name in build else extend(build, name)
    return build


@pytest.fixture
def bars() -> pl.DataFrame:
    """Four good bars of two symbols."""
    return pl.DataFrame(
        {
            "timestamp": ["2024-01-02", "2024-01-02", "2024-01-03", "2024-01-03"],
            "symbol": ["A", "B", "A", "B"],
            "open": [10.0, 20.0, 11.0, 21.0],
            "high": [12.0, 22.0, 13.0, 23.0],
            "low": [9.0, 19.0, 10.0, 20.0],
            "close": [11.0, 21.0, 12.0, 22.0],
            "volume": [100.0, 200.0, 100.0, 0.0],
        }
    ).with_columns(pl.col("timestamp").str.to_date())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that a test may change."""
    return copied_project(tmp_path / "project")


def copied_project(copy: Path) -> Path:
    """Copy what the project is made of, without its tests."""
    copy.mkdir()
    for name in ("engine", "optimizer", "ecn_templates", "golden"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copytree(ROOT / "reports" / "ecn", copy / "reports" / "ecn")
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


Optimize = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def optimize(tmp_path: Path) -> Optimize:
    """Run the command as a person does, in a project's folder, with its output in a pipe."""
    return optimizer_of(tmp_path.parent / "cache")


def optimizer_of(caches: Path) -> Optimize:
    """Return the command, with a folder for what it compiles."""

    def run(
        *arguments: object, cwd: Path = ROOT, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "optimizer.cli", *map(str, arguments)],
            cwd=cwd,
            env=os.environ | {"XDG_CACHE_HOME": str(caches)} | (env or {}),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def copy_project() -> Callable[[Path], Path]:
    """What makes a copy of the project, for tests that need many."""
    return copied_project


@pytest.fixture(scope="session")
def optimize_in(tmp_path_factory: pytest.TempPathFactory) -> Optimize:
    """The command, as `optimize`, for tests that run many at once."""
    return optimizer_of(tmp_path_factory.mktemp("caches"))
