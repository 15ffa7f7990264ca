"""Adding an optimization to any focus is one file: the one that CONTRIBUTING.md shows is added, and it runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine import FOCUSES
from optimizer.ecn import read_notice

ROOT = Path(__file__).parents[2]
HELD_TO_THE_REFERENCE = """
import sys
from engine import load
from engine.scenarios import SCENARIOS, blemished_market, run_scenario
from optimizer.parity import digests_of

builds = [load(blemished_market(), build=build) for build in ((), *((name,) for name in sys.argv[1:]))]
for name in ("sma_cross", "restless", "gated", "sweep_rules"):
    reference, *changed = (digests_of(run_scenario(market, SCENARIOS[name])()) for market in builds)
    assert all(digests == reference for digests in changed), name
"""


def added(project: Path, focus: str) -> str:
    """Write the example of the document into a focus; return its name in the catalog."""
    document = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    folder = project / "engine" / "optimizations" / focus.replace("-", "_")
    (folder / "kept_features.py").write_text(block)
    return f"{focus}/kept_features"


def test_one_file_is_all_that_an_optimization_needs(optimize, project: Path) -> None:
    """In any focus: it is listed, and gives the reference's bits."""
    names = [added(project, focus) for focus in FOCUSES]
    listed = optimize("catalog", cwd=project).stdout
    for name in names:
        assert re.search(rf"^{name} +features +Compute each feature once per market", listed, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", HELD_TO_THE_REFERENCE, *names], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_optimization_that_the_document_shows_gets_its_notice(optimize, project: Path) -> None:
    name = added(project, "caching")
    done = optimize("--only", name, "--profile", "quick", "--budget", "1", cwd=project)
    assert done.returncode in (0, 3), done.stderr  # 3 where the machine is too noisy to measure on
    (change,) = json.loads((project / "reports" / "latest" / "run.json").read_text())["changes"]
    assert change["parity"]["exact"]
    notice = read_notice(next((project / "reports" / "ecn").glob("*-kept_features.md")))
    assert notice.front.title == "Compute each feature once per market, not once per run."
    assert notice.front.verdict == change["verdict"]
