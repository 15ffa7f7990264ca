"""A small project to check and to record: two scenarios, one accepted change with its notice."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Done = subprocess.CompletedProcess[str]
ACCEPTED = "vectorization/array_feed"
_SMALL = '''

@dataclass(frozen=True)
class _Small(EngineSubject):
    """The engine, with a golden set of two scenarios."""

    def golden_sets(self):
        first = super().golden_sets()[0]
        cases = [("market", "level"), ("market", "gated")]
        return [GoldenSet(first.name, first.about, {"market": first.inputs["market"]}, cases)]


SUBJECT = _Small()
'''
_SIGNED = """
from pathlib import Path
from optimizer.commands.shared import first_golden
from optimizer.config import find_config
from optimizer.ecn import Front, set_status, write_notice

config = find_config(Path.cwd())
one = next(one for one in config.subject.candidates() if one.name == {name!r})
front = Front(
    ecn="ECN-0000", title=one.title, status="proposed", focus=one.focus, optimization=one.name, build_before=(),
    build_after=(one.name,), golden_digest=first_golden(config).digest, source_digest=one.source_digest,
    hardware="a machine", verdict="faster", ratio=1.5, ci95=(1.4, 1.6), run="20260101T000000Z-0000",
)
notice, _ = write_notice(config.reports / "ecn", front, "# ECN-0000\\n")
set_status(notice, "accepted")
"""


def run_python(project: Path, *arguments: object, env: dict[str, str] | None = None) -> Done:
    """Run Python in a project, on the project's own code."""
    command = [sys.executable, *map(str, arguments)]
    ci = dict.fromkeys(("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"), "")  # a CI server may be what runs the tests
    whole = os.environ | ci | (env or {})
    return subprocess.run(command, cwd=project, env=whole, capture_output=True, text=True, check=False)


@pytest.fixture
def python_in() -> Callable[..., Done]:
    """Python in a project's folder."""
    return run_python


@pytest.fixture
def run_in() -> Callable[..., Done]:
    """The command in a project's folder."""
    return lambda project, *arguments, env=None: run_python(project, "-m", "optimizer.cli", *arguments, env=env)


@pytest.fixture
def digest_of() -> Callable[[Path], str]:
    """One digest of all that is in a folder but what git ignores."""

    def digest(folder: Path) -> str:
        found = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                found.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest()

    return digest


@pytest.fixture(scope="session")
def small_template(tmp_path_factory: pytest.TempPathFactory, copy_project: Callable[[Path], Path]) -> Path:
    """A small project as it was recorded and signed, to copy from."""
    project = copy_project(tmp_path_factory.mktemp("small") / "project")
    subject = project / "engine" / "subject.py"
    subject.write_text(subject.read_text() + _SMALL)
    shutil.rmtree(project / "golden")
    shutil.rmtree(project / "reports" / "ecn")
    (project / "engine" / "build.toml").write_text(f'[build]\n"{ACCEPTED}" = "ECN-0001"\n')
    record = ("-m", "optimizer.cli", "golden", "record", "--reason", "a beginning")
    for arguments in (record, ("-c", _SIGNED.format(name=ACCEPTED))):
        done = run_python(project, *arguments)
        assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def small_project(small_template: Path, tmp_path: Path) -> Path:
    """A small project that a test may change."""
    return Path(shutil.copytree(small_template, tmp_path / "small"))
