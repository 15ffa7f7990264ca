"""The workflow file that docs/CI.md shows is one, and what it runs is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from optimizer.cli import main
from optimizer.outcomes import DETERMINISM, INPUT, NOTICES, PARITY, Outcome

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "CI.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"`(optimize [^`]*)`", DOCUMENT) + re.findall(r"^(optimize .*)$", DOCUMENT, re.MULTILINE)


def steps() -> list[dict[str, Any]]:
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    (job,) = yaml.safe_load(block)["jobs"].values()
    return list(job["steps"])


def parsed(command: str) -> click.Context:
    """Return the command as click understands it; a wrong option or command raises."""
    _, *arguments = shlex.split(command)
    with main.make_context("optimize", arguments) as context:
        rest = [*context._protected_args, *context.args]
        if rest:
            chosen = main.commands[rest[0]]
            if isinstance(chosen, click.Group):
                chosen, rest = chosen.commands[rest[1]], rest[1:]
            return chosen.make_context(rest[0], rest[1:], parent=context)
        return context


def test_actions_are_pinned_by_their_major_version() -> None:
    used = [step["uses"] for step in steps() if "uses" in step]
    assert {name.split("@")[0] for name in used} >= {"actions/checkout", "actions/setup-python"}
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", name) for name in used)


def test_the_workflow_may_only_read() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    document = yaml.safe_load(block)
    assert document["permissions"] == {"contents": "read"}
    assert set(document[True]) == {"pull_request", "push"}  # YAML 1.1 reads `on` as true
    assert "secrets." not in block


def test_every_command_of_the_workflow_is_there() -> None:
    targets = re.findall(r"^([\w./$()-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command in [step["run"] for step in steps() if "run" in step]:
        program, *arguments = shlex.split(command)
        if program == "make":
            assert arguments == [".venv/ready"]
            assert "$(READY)" in targets
        else:
            assert program == ".venv/bin/optimize"
            given = parsed(command).params
            assert given["matrix"] == "full"
            assert not given["no_notices"]
            uploaded = next(step["with"]["path"] for step in steps() if "upload" in step.get("uses", ""))
            assert all(given[name].as_posix().startswith(uploaded) for name in ("junit", "summary"))


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_every_command_that_the_text_names_is_one(command: str) -> None:
    assert parsed(command.replace("...", "x")).info_name in command.split()


def test_every_result_is_explained() -> None:
    explained = set(re.findall(r"`([A-Z]{4,})`", DOCUMENT))
    kinds = (PARITY, DETERMINISM, NOTICES, INPUT)
    results = [
        Outcome("a", "b", (), kind, ok=ok, error=error) for kind in kinds for ok in (True, False) for error in ("", "x")
    ]
    skipped = Outcome("a", "b", (), PARITY, ok=True, skipped="no data")
    assert {outcome.verdict for outcome in (*results, skipped)} <= explained
