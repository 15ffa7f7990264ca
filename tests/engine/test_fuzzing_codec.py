"""Drawn cases as JSON: what is read back runs to the same bits, and what is damaged is named."""

from __future__ import annotations

import copy
import json
import math
import struct
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import load
from engine.errors import InputError
from engine.features import SMA, DataColumn, Feature
from engine.fuzzing.accounts import accounts
from engine.fuzzing.actions import Replace, Submit
from engine.fuzzing.case import FORMS, Case
from engine.fuzzing.cases import drawn_cases
from engine.fuzzing.codec import decode, encode
from engine.fuzzing.markets import Market, markets
from engine.fuzzing.running import WRITERS, run_case, twin_market, twin_of
from engine.fuzzing.script import Script
from engine.fuzzing.scripts import FEATURES, Choices, cases, declared, plain_strategies
from engine.model import Settings
from engine.rules import StopLoss
from engine.strategy import Strategy
from optimizer.parity import table_digest
from tests.properties.comparing import assert_same
from tests.properties.examples import examples

SPECIAL = (0.0, -0.0, math.inf, -math.inf, math.nan, -math.nan, 5e-324, 0.1, 1.7976931348623157e308)
PAYLOAD = struct.unpack(">d", bytes.fromhex("fff8000000000abc"))[0]


@st.composite
def drawn_strategies(draw: st.DrawFn) -> tuple[Market, Strategy, Settings]:
    market, scale = draw(markets())
    choices = Choices(market, scale)
    return market, draw(st.one_of(declared(choices), plain_strategies(choices))), draw(accounts())


@examples(30)
@given(st.one_of(cases(features=FEATURES), drawn_strategies()))
def test_what_is_read_back_runs_to_the_same_bits(case: tuple[Market, Strategy, Settings]) -> None:
    market, strategy, settings = case
    written = json.dumps(encode(Case(strategy, settings)), allow_nan=False)
    read = decode(json.loads(written))
    loaded = load(market.table(), build=())
    assert_same(run_case(loaded, Case(strategy, settings))(), run_case(loaded, read)())


@examples(50)
@given(drawn_cases())
def test_every_drawn_document_is_read_and_written_the_same(drawn: tuple[Any, dict[str, Any]]) -> None:
    _, document = drawn
    assert encode(decode(json.loads(json.dumps(document)))) == document


@pytest.mark.parametrize("value", [*SPECIAL, PAYLOAD])
def test_a_float_keeps_its_bits(value: float) -> None:
    script = Script((Submit(0, "A", value, terms=(("limit", value),)), Replace(1, 0, None, value)))
    read = decode(json.loads(json.dumps(encode(Case(script, Settings())), allow_nan=False))).strategy
    assert isinstance(read, Script)
    submit, replaced = read.actions
    assert isinstance(submit, Submit)
    assert isinstance(replaced, Replace)
    bits = {struct.pack(">d", one) for one in (submit.amount, submit.terms[0][1], replaced.price)}
    assert bits == {struct.pack(">d", value)}


def test_a_whole_number_does_not_become_a_float() -> None:
    read = decode(json.loads(json.dumps(encode(Case("swept_rules", Settings(), {"bars": [1, 5], "stop": [1.0]})))))
    assert [type(one) for values in (read.parameters or {}).values() for one in values] == [int, int, float]


def _document() -> dict[str, Any]:
    script = Script((Submit(0, "A", 1.0),), features=(SMA(2), DataColumn("score")), rules=(StopLoss(0.5),))
    return encode(Case(script, Settings()))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda one: one.update(schema=99), "the document is not a drawn case that this version knows"),
        (lambda one: one.pop("twin"), r"the document is damaged \(twin\)"),
        (lambda one: one.update(more=1), r"the document is damaged \(more\)"),
        (lambda one: one.update(form=".pickle"), r"form is unknown: '\.pickle'; choose from \.arrow"),
        (lambda one: one.update(twin=-1), "twin is not a whole number"),
        (lambda one: one.update(workers=None), "workers is missing"),
        (lambda one: one.update(strategy={"maker": "os.system"}), "strategy is no Strategy|strategy is damaged"),
        (lambda one: one.update(strategy={"maker": "eval"}, parameters={}), "strategy is none that a sweep knows"),
        (lambda one: one.update(parameters={}), "strategy is none that a sweep knows"),
        (
            lambda one: one.update(strategy={"maker": "swept_rules"}, parameters={"stop": ["x"]}),
            "parameters has a value that is no number",
        ),
        (lambda one: one.update(settings={"type": "Popen", "fields": {}}), "settings is of an unknown type 'Popen'"),
        (lambda one: one.update(settings={"tuple": []}), "settings is no Settings"),
        (lambda one: one["settings"]["fields"].update(cash="much"), r"settings\.cash is of another type"),
        (lambda one: one["settings"]["fields"].update(cash=-1.0), "settings is damaged .*cash of -1.0"),
        (lambda one: one["settings"]["fields"].update(cash={"float": "nan 00"}), r"settings\.cash is damaged"),
        (lambda one: one["settings"]["fields"].update(cash={"float": "1e3"}), r"settings\.cash is damaged"),
        (lambda one: one["settings"]["fields"].update(coins=1.0), "settings is damaged"),
        (lambda one: one["strategy"]["fields"].update(rules=[]), r"strategy\.rules is of another type"),
        (
            lambda one: one["strategy"]["fields"].update(actions={"tuple": [{"type": "SMA", "fields": {"length": 1}}]}),
            r"strategy\.actions is of another type",
        ),
        (
            lambda one: one["strategy"]["fields"]["actions"]["tuple"][0]["fields"].pop("symbol"),
            r"strategy\.actions\[0\]\.symbol is missing",
        ),
    ],
)
def test_a_damaged_document_is_named(change: Any, what: str) -> None:
    document = copy.deepcopy(_document())
    change(document)
    with pytest.raises(InputError, match=what) as caught:
        decode(document, where="case.json")
    assert caught.value.where == "case.json"
    assert "draw it again" in caught.value.hint


@pytest.mark.parametrize("document", [None, [], "text", 1, {}])
def test_what_is_no_document_is_refused(document: object) -> None:
    with pytest.raises(InputError, match="is not a drawn case"):
        decode(document)


def test_what_is_not_known_is_not_written() -> None:
    class Own(Feature):
        kind = "own"

    with pytest.raises(InputError, match="a Own can't be written down"):
        encode(Case(Script(features=(Own(1),)), Settings()))


def test_a_twin_differs_in_one_row_alone(bars: Any) -> None:
    twin = twin_of(bars, 5)
    assert table_digest(twin) != table_digest(bars)
    assert [here != there for here, there in zip(bars.rows(), twin.rows(), strict=True)] == [False, True, False, False]


@pytest.mark.parametrize("form", FORMS)
def test_a_case_on_a_twin_runs_over_the_twin(bars: Any, form: str, tmp_path: Any) -> None:
    path = tmp_path / f"bars{form}"
    WRITERS[form](bars, path)
    loaded = load(path, build=())
    case = Case(Script((Submit(0, "A", 1.0),)), Settings(), form=form, twin=1)
    expected = run_case(load(twin_of(bars, 1), build=()), case)()
    assert_same(expected, run_case(twin_market(loaded, path, case), case)())


def test_the_engine_does_without_hypothesis() -> None:
    code = "import sys, engine, engine.subject; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
