"""A golden set that was tampered with, cut off, or lost is named as such."""

from __future__ import annotations

import json
from collections.abc import Callable
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
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-9] + b"\x00" + data[-8:], "was changed: .* its SHA-256 differs"),
        (lambda data: data + b"\x00", "was changed: .* its SHA-256 differs"),
        (lambda data: data[: len(data) // 2], r"is truncated: it has \d+ of the \d+ bytes that were recorded"),
        (lambda data: data[:0], "is truncated: it has 0 of the"),
        (None, "is missing from the golden set"),
    ],
    ids=["a byte", "longer", "half", "empty", "missing"],
)
def test_a_damaged_file_is_named_with_what_is_wrong_and_what_to_do(
    config: Config, name: str, damage: Callable[[bytes], bytes] | None, message: str
) -> None:
    path = config.golden / "generated" / name
    data = path.read_bytes()
    path.unlink()
    if damage is not None:
        path.write_bytes(damage(data))
    with pytest.raises(InputError, match=message) as caught:
        open_golden(config, spec(config))
    assert str(caught.value).startswith(str(path))
    assert 'Restore it from version control, or record the set anew: optimize golden record --reason "..."' in str(
        caught.value
    )
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is damaged"),
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ("{}", "is not a manifest that this version knows"),
        (json.dumps({"schema": 99, "inputs": {}, "cases": {}}), "is not a manifest that this version knows"),
        (None, "is missing"),
    ],
)
def test_a_damaged_manifest_is_named(config: Config, text: str | None, message: str) -> None:
    path = config.golden / "generated" / "manifest.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(InputError, match=rf"manifest\.json: {message}.*optimize golden record --reason"):
        open_golden(config, spec(config))


def other_digest(manifest: dict) -> None:
    manifest["cases"]["market/level"]["digests"]["fills"] = "0" * 64


def other_file(manifest: dict) -> None:
    manifest["cases"]["market/level"]["files"]["fills"]["sha256"] = "0" * 64


def lost_output(manifest: dict) -> None:
    del manifest["cases"]["market/level"]["digests"]["fills"]


def other_reason(manifest: dict) -> None:
    manifest["reason"] = "a better one"


def other_input(manifest: dict) -> None:
    manifest["inputs"]["market"]["digest"] = "0" * 64


def other_loading(manifest: dict) -> None:
    manifest["inputs"]["market"]["loaded"] = None


def unsealed(manifest: dict) -> None:
    del manifest["sha256"]


@pytest.mark.parametrize(
    "change", [other_digest, other_file, lost_output, other_reason, other_input, other_loading, unsealed]
)
def test_a_manifest_edited_by_hand_is_told_from_one_that_was_recorded(
    config: Config, change: Callable[[dict], None]
) -> None:
    path = config.golden / "generated" / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest, indent=2))
    with pytest.raises(InputError, match=r"manifest\.json: was edited: it is not the manifest that was recorded"):
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
    with pytest.raises(InputError, match="was edited"):
        open_golden(config, spec(config))


def test_outside_data_that_is_absent_is_no_failure(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EXACT_CHANGE_DATA", raising=False)
    assert open_golden(config, config.subject.golden_sets()[-1]) is None


def test_outside_data_that_is_not_the_recorded_file_is_refused(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "us500_2007_2017_daily.parquet").write_bytes(b"something else")
    monkeypatch.setenv("EXACT_CHANGE_DATA", str(tmp_path))
    with pytest.raises(InputError, match="is truncated: it has 14 of the"):
        open_golden(config, config.subject.golden_sets()[-1])
