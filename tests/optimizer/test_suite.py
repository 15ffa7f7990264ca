"""The benchmarks of the pieces: run by the command, kept without the machine's name, told where there are none."""

from __future__ import annotations

import io
import json
import platform
from pathlib import Path

import pytest
from rich.console import Console

from optimizer.config import Config
from optimizer.errors import CheckError, InputError
from optimizer.progress import Progress
from optimizer.suite import bench_pieces

_PIECE = "def test_piece(benchmark):\n    assert benchmark(sum, [1, 2]) == {result}\n"


def config_of(root: Path, benchmarks: str | None) -> Config:
    folder = None if benchmarks is None else root / benchmarks
    return Config(root, "engine.subject:SUBJECT", root / "golden", root / "reports", (), folder)


def told_by(config: Config) -> str:
    told = io.StringIO()
    bench_pieces(config, config.reports / "bench-pieces.json", Progress(Console(file=told, width=140)))
    return told.getvalue()


def project_with(root: Path, result: int) -> Config:
    (root / "pieces").mkdir()
    (root / "pieces" / "test_pieces.py").write_text(_PIECE.format(result=result))
    return config_of(root, "pieces")


def test_the_pieces_are_measured_and_kept_without_the_name_of_the_machine(tmp_path: Path) -> None:
    config = project_with(tmp_path, 3)
    assert "test_piece" in told_by(config)
    kept = json.loads((config.reports / "bench-pieces.json").read_text())
    (piece,) = kept["benchmarks"]
    assert piece["stats"]["median"] > 0.0
    assert kept["machine_info"]["python_version"] == platform.python_version()
    assert "node" not in kept["machine_info"]


def test_a_piece_that_fails_ends_the_command_and_nothing_is_kept(tmp_path: Path) -> None:
    config = project_with(tmp_path, 4)
    with pytest.raises(CheckError, match=r"the pieces failed: FAILED pieces/test_pieces\.py::test_piece"):
        told_by(config)
    assert not config.reports.exists()


def test_a_project_that_names_no_benchmarks_is_told_how_to(tmp_path: Path) -> None:
    config = config_of(tmp_path, None)
    assert "[tool.optimize] benchmarks" in told_by(config)
    assert not config.reports.exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder"):
        told_by(config_of(tmp_path, "nowhere"))
