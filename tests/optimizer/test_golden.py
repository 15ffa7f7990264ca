"""A golden set that was tampered with, cut off, or lost is named as such."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.config import Config, find_config
from optimizer.errors import InputError
from optimizer.golden import open_golden


@pytest.fixture
def config(project: Path) -> Config:
    return find_config(project)


def spec(config: Config):
    return config.subject.golden_sets()[0]


def test_the_recorded_set_opens_and_its_digest_is_stable(config: Config) -> None:
    golden = open_golden(config, spec(config))
    assert golden is not None
    assert golden.digest == open_golden(config, spec(config)).digest
    assert len(golden.cases()) == len(spec(config).cases)


@pytest.mark.parametrize("name", ["inputs/market.arrow", "expected/market/level/fills.arrow"])
@pytest.mark.parametrize("damage", ["tampered", "truncated", "missing"])
def test_a_damaged_file_is_named(config: Config, name: str, damage: str) -> None:
    path = config.golden / "generated" / name
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if damage == "truncated" else data[:-9] + b"\x00" + data[-8:])
    with pytest.raises(InputError, match="missing" if damage == "missing" else "SHA-256 differs") as caught:
        open_golden(config, spec(config))
    assert str(path) in str(caught.value)
    assert "optimize golden record" in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({"schema": 99, "inputs": {}, "cases": {}})])
def test_a_damaged_manifest_is_named(config: Config, text: str) -> None:
    (config.golden / "generated" / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json"):
        open_golden(config, spec(config))


def test_a_manifest_that_lacks_a_case_is_refused(config: Config) -> None:
    path = config.golden / "generated" / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["cases"]["market/level"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="market/level"):
        open_golden(config, spec(config))


def test_a_file_that_no_case_uses_is_named(config: Config) -> None:
    path = config.golden / "generated" / "expected" / "market" / "gone" / "fills.arrow"
    path.parent.mkdir()
    path.write_bytes(b"left over")
    with pytest.raises(InputError, match="in no case of the golden set"):
        open_golden(config, spec(config))


@pytest.mark.parametrize("change", [{"inputs": {}}, {"inputs": []}, {"cases": []}, {"inputs": None}])
def test_a_manifest_of_another_shape_is_refused(config: Config, change: dict) -> None:
    path = config.golden / "generated" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=r"manifest\.json"):
        open_golden(config, spec(config))


def test_a_case_without_digests_is_refused(config: Config) -> None:
    path = config.golden / "generated" / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["cases"]["market/level"]["digests"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="is damaged"):
        open_golden(config, spec(config))


def test_outside_data_that_is_absent_is_no_failure(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXACT_CHANGE_DATA", raising=False)
    assert open_golden(config, config.subject.golden_sets()[-1]) is None


def test_outside_data_that_is_not_the_recorded_file_is_refused(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "us500_2007_2017_daily.parquet").write_bytes(b"something else")
    monkeypatch.setenv("EXACT_CHANGE_DATA", str(tmp_path))
    with pytest.raises(InputError, match="SHA-256 differs"):
        open_golden(config, config.subject.golden_sets()[-1])
