"""Which builds are checked, under which names, and how they are spread over processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.checking import Task, _batches, build_named, builds_to_check
from optimizer.config import find_config
from optimizer.golden import Golden, open_golden


def test_builds_have_the_names_that_people_give_them(project: Path) -> None:
    config = find_config(project)
    accepted = tuple(config.subject.accepted())
    assert build_named(config, "reference")[1] == ()
    assert build_named(config, "build")[1] == accepted
    assert build_named(config, ", ".join(accepted))[1] == accepted
    builds = builds_to_check(config)
    assert next(iter(builds.values())) == accepted
    assert all(name in build for name, build in list(builds.items())[1:])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 15, 40])
def test_builds_are_spread_over_processes_without_losing_one(project: Path, count: int) -> None:
    config = find_config(project)
    golden = open_golden(config, config.subject.golden_sets()[0])
    assert isinstance(golden, Golden)
    tasks = [Task(golden, str(number), (), "", number % 5 == 0) for number in range(count)]
    batches = list(_batches(tasks))
    assert sorted(int(task.name) for batch in batches for task in batch) == list(range(count))
    assert max(map(len, batches)) <= 4
    for batch in batches:
        assert len({task.twice for task in batch}) == 1
