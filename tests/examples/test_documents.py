"""What the documents show is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.digest import result_digest

ROOT = Path(__file__).parents[2]


def python_blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


def test_the_example_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = python_blocks("README.md")
    exec(block, {})  # noqa: S102 - our own document
    assert "exit_price" in capsys.readouterr().out


def test_the_three_styles_of_a_strategy_make_the_same_trades(capsys: pytest.CaptureFixture[str]) -> None:
    *styles, matrices = python_blocks("docs/STRATEGIES.md")
    results = [_run_block(block)["result"] for block in styles]
    assert len(results) == 3
    assert len({result_digest(result) for result in results}) == 1
    assert len({*capsys.readouterr().out.splitlines()}) == 1
    assert len(_run_block(matrices)["account"].trades) > 0


def _run_block(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102 - our own document
    return names


def test_the_example_of_the_package_runs() -> None:
    import doctest

    assert doctest.testmod(engine).failed == 0


def test_every_target_of_the_makefile_that_is_for_people_tells_what_it_does() -> None:
    targets = re.findall(r"^([a-z]+):(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"help", "demo", "test", "lint", "check", "bench"} <= {name for name, _ in targets}
    assert all("## " in rest for _, rest in targets)


def test_the_demo_tries_a_change_of_each_focus() -> None:
    (names,) = re.findall(r"^DEMO := ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    tried = names.replace("\\", " ").split()
    assert set(tried) <= {one.name for one in engine.catalog()}
    assert sorted(name.split("/")[0] for name in tried) == sorted(engine.FOCUSES)


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_test_that_a_document_names_is_there() -> None:
    text = (ROOT / "docs" / "EXACTNESS.md").read_text(encoding="utf-8")
    for line in text.splitlines():
        path = None
        for file, name in re.findall(r"`([\w/]+\.py)?(?:::(\w+))?`", line):
            if file:
                places = [ROOT / "tests" / "exactness" / file, ROOT / "tests" / file]
                path = next((place for place in places if place.exists()), None)
            if file or name:
                assert path is not None, line
                assert not name or f"def {name}(" in path.read_text(encoding="utf-8"), line
