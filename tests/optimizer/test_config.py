"""Paths in files are told from the project's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.config import find_config
from optimizer.errors import InputError


def test_a_path_is_told_from_the_projects_folder_and_never_from_the_machines(project: Path) -> None:
    config = find_config(project)
    assert config.relative(project / "reports" / "x.md") == "reports/x.md"
    assert config.relative(project.parent / "data" / "x.parquet") == "../data/x.parquet"
    assert config.relative(Path("/far/away/x.parquet")) == "x.parquet"


def test_the_project_is_found_from_a_folder_within(project: Path) -> None:
    assert find_config(project / "engine" / "reference").root == project


@pytest.mark.parametrize(
    ("text", "message"),
    [("[tool.optimize]\n", "names no subject"), ("[tool", "can't be read"), ("[tool.x]\n", "no project")],
)
def test_a_project_that_names_no_engine_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        find_config(tmp_path)


def test_a_subject_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.optimize]\nsubject = "nothing.here:THING"\n')
    with pytest.raises(InputError, match=r"nothing\.here:THING: the subject can't be imported"):
        _ = find_config(tmp_path).subject
