"""What a worker observes of a case: outputs, failures, and whether the inputs are what they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.markets import bad_market, blemished_market
from engine.subject import EngineSubject, Session
from optimizer.observing import outputs
from optimizer.parity import EXCEPTION


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "bars.arrow"
    blemished_market().write_ipc(path)
    return path


def job(data: Path, *scenarios: str, keep: str = "none") -> dict[str, Any]:
    cases = [{"input": "bars", "scenario": one, "data": str(data), "on_bad_bars": "refuse"} for one in scenarios]
    return {"build": (), "cases": cases, "keep": keep, "folder": str(data.parent / "kept")}


def test_what_a_run_raises_is_its_output(data: Path) -> None:
    (seen,) = outputs(EngineSubject(), job(data, "raises", keep="all"))["cases"]
    assert list(seen["digests"]) == [EXCEPTION]
    assert seen["digests"] == seen["again"]
    assert seen["error"]["type"] == "RuntimeError"
    kept = pl.read_ipc(data.parent / "kept" / "bars" / "raises" / "exception.arrow").row(0, named=True)
    assert kept["type"] == "RuntimeError"
    assert "cash 99" in kept["text"]


def test_data_that_is_refused_is_an_output_that_does_not_depend_on_where_the_data_lies(tmp_path: Path) -> None:
    digests = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        bad_market().write_ipc(tmp_path / folder / "bad.arrow")
        found = outputs(EngineSubject(), job(tmp_path / folder / "bad.arrow", "sma_cross"))
        assert found["cases"][0]["error"]["refused"]
        assert found["loaded"]["bars"] == {"digest": None, "changed": ""}
        digests.append(found["cases"][0]["digests"])
    assert digests[0] == digests[1]


@dataclass
class Meddling(Session):
    """A session whose runs change what they are given."""

    what: str = ""

    def prepare(self, scenario: str) -> Callable[[], Callable[[], Mapping[str, pl.DataFrame]]]:
        run = super().prepare(scenario)
        self._settings = replace(self._settings)  # those of a scenario are shared with other tests

        def meddle() -> Callable[[], Mapping[str, pl.DataFrame]]:
            done = run()
            if self.what == "bars":
                self.market = self.market.only(pl.col("symbol") != "S0000")
            elif self.what == "strategy":
                self._strategy.count = 1
            else:
                object.__setattr__(self._settings, "cash", self._settings.cash + 1.0)  # they are frozen, and yet
            return done

        return meddle


@dataclass(frozen=True)
class MeddlingSubject(EngineSubject):
    """The engine, with such sessions."""

    what: str = ""

    def load(self, names: Any, data: Path, on_bad_bars: str) -> Session:
        session = super().load(names, data, on_bad_bars)
        return Meddling(
            session.market, session.notes, session.symbols, session.timestamps, session.rows, what=self.what
        )


@pytest.mark.parametrize(
    ("what", "told"),
    [("bars", "bars"), ("strategy", "strategy and settings"), ("settings", "strategy and settings")],
)
def test_an_input_that_was_changed_is_named_with_the_case(data: Path, what: str, told: str) -> None:
    scenario = "restless"
    found = outputs(MeddlingSubject(what=what), job(data, scenario))["loaded"]["bars"]
    assert found["changed"] == f"{scenario} changed its input: {told}"


def test_inputs_that_were_left_alone_are_said_to_be(data: Path) -> None:
    assert outputs(EngineSubject(), job(data, "restless"))["loaded"]["bars"]["changed"] == ""


def test_fail_fast_ends_with_the_first_case_that_is_not_as_expected(data: Path) -> None:
    asked = job(data, "level", "restless", "quick") | {"fail_fast": True}
    asked["cases"][1]["expected"] = {"fills": "another digest"}
    seen = outputs(EngineSubject(), asked)["cases"]
    assert [case["scenario"] for case in seen] == ["level", "restless"]


def test_a_load_that_tells_something_else_is_another_load(data: Path, tmp_path: Path) -> None:
    shuffled = tmp_path / "shuffled.arrow"
    pl.read_ipc(data).reverse().write_ipc(shuffled)
    digests = [outputs(EngineSubject(), job(path, "level"))["loaded"]["bars"]["digest"] for path in (data, shuffled)]
    assert digests[0] != digests[1]  # the bars are the same; the second load says that it has sorted them
