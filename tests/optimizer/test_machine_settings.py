"""The settings that the optimizer recommends are the engine's own, with a reason for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.machine import this_machine
from engine.settings import as_document, derived
from engine.subject import SUBJECT
from optimizer.hardware import hardware_profile
from optimizer.machine_settings import NAMES, Settings, recommended
from optimizer.recommendations import KINDS
from optimizer.subject import Tunable


def test_the_engine_takes_settings() -> None:
    assert isinstance(SUBJECT, Tunable)
    assert SUBJECT.settings_file.is_file()


def test_an_engine_that_takes_no_settings_gets_none() -> None:
    assert recommended(hardware_profile(), 10, object()) is None


def test_what_is_recommended_is_what_the_engine_derives_itself(tmp_path: Path) -> None:
    profile, machine = hardware_profile(folder=tmp_path), this_machine(tmp_path)
    told, own = recommended(profile, None, SUBJECT), derived(machine)
    assert told is not None
    assert (told.workers, told.chunk_rows, told.io, told.mmap) == (own.workers, own.chunk_rows, own.io, own.mmap)
    assert as_document(own).keys() == told.document().keys()


def test_symbols_bound_the_workers_and_every_setting_has_its_reason() -> None:
    told = recommended(KINDS[1].hardware(), 5, SUBJECT)
    assert isinstance(told, Settings)
    assert told.workers == 5
    assert told.why.keys() == set(NAMES)
    assert told.why["workers"] == "one a symbol: fewer than 0.75 of 32 cores"


@pytest.mark.parametrize(("kind", "workers", "gibibytes"), [(0, 6, 4.8), (1, 24, 38.4), (2, 2, 2.4)])
def test_each_kind_of_machine_gets_three_quarters_of_its_cores_and_30_percent_of_its_memory(
    kind: int, workers: int, gibibytes: float
) -> None:
    told = recommended(KINDS[kind].hardware(), None, SUBJECT)
    assert told is not None
    assert told.workers == workers
    assert told.cache_bytes == int(gibibytes * 2**30)


def test_a_profile_of_nothing_still_gives_settings() -> None:
    told = recommended({}, None, SUBJECT)
    assert told is not None
    assert told.workers == 1
    assert "assumed" in told.why["cache_bytes"]
