"""Python 3.11, 3.12 and 3.13 give the same golden digests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")

pytestmark = pytest.mark.slow


def interpreter(version: str) -> str | None:
    """Return an interpreter of this version that runs: from the path, or from where pyenv keeps its own."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [shutil.which(f"python{version}"), *sorted(root.glob(f"versions/{version}.*/bin/python"))]
    for place in filter(None, places):
        done = subprocess.run(
            [place, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.stdout.strip() == version:
            return str(place)
    return None


@pytest.fixture(scope="session")
def uv() -> str:
    found = shutil.which("uv", path=f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip("uv is not there: run the tests by `make test`")
    return found


def environment(uv: str, python: str, venv: Path) -> str:
    """Install what is locked for an interpreter; return that of the new environment."""
    subprocess.run([uv, "venv", "--quiet", "--python", python, str(venv)], check=True)
    installed = str(venv / "bin" / "python")
    lock = str(ROOT / "requirements.lock")
    subprocess.run([uv, "pip", "sync", "--quiet", "--python", installed, "--require-hashes", lock], check=True)
    return installed


@pytest.mark.parametrize("version", VERSIONS)
def test_gives_the_recorded_bits(version: str, uv: str, project: Path, tmp_path: Path) -> None:
    """Both the reference and the accepted build give the digests that were recorded once, on one version."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    own = sys.version.startswith(f"{version}.")  # the tests' own environment holds the very same packages
    python = sys.executable if own else environment(uv, python, tmp_path / "venv")
    for side in ("--reference", "--build"):
        done = subprocess.run(
            [python, "-m", "optimizer.cli", "golden", "check", "--set", "generated", side],
            cwd=project,
            env=os.environ | ({} if own else {"XDG_CACHE_HOME": str(tmp_path / "cache")}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"Python {version} {side}: {done.stdout}{done.stderr}"
        assert "EXACT" in done.stdout
    print(f"Python {version}: the same digests")
