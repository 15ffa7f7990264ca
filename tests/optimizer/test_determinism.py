"""The matrix is a covering set, every knob in it has a canary, and a difference is put into words."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer import knobs
from optimizer.canaries import observed
from optimizer.cells import Seen, canaries_of, damage
from optimizer.culprits import culprits
from optimizer.determinism import Determinism, examine
from optimizer.errors import InputError
from optimizer.knobs import HOME, Cell, Deed, Setting, matrix_of
from optimizer.processes import Observation

OWN = {"workers 2": {"WORKERS": "2"}, "workers 3": {"WORKERS": "3"}}
HASH_1 = Setting(knobs.HASH_SEED, "1", {"PYTHONHASHSEED": "1"})
ZONE = Setting(knobs.ZONE, "Pacific/Chatham", {"TZ": "Pacific/Chatham"})


def cells_of(kind: str) -> list[Cell]:
    return [cell for chain in matrix_of(kind, OWN) for stage in chain for cell in stage]


def variables(kind: str) -> set[tuple[str, str]]:
    return {pair for cell in cells_of(kind) for setting in cell.settings for pair in setting.env.items()}


def test_the_full_matrix_turns_what_breaks_exactness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line of the matrix that the design asks for, on a machine with two cores."""
    monkeypatch.setattr(knobs, "_cores", lambda: 2)
    wanted = {
        *(("PYTHONHASHSEED", seed) for seed in ("0", "1", "2")),
        ("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR"),
        ("NPY_DISABLE_CPU_FEATURES", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"),
        ("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-FMA"),
        *((name, count) for name in ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS") for count in ("1", "4")),
        *(("NUMBA_CPU_NAME", "generic"), ("NUMBA_OPT", "0"), ("NUMBA_DISABLE_JIT", "1")),
        *(("TZ", "Pacific/Chatham"), ("LC_ALL", "C"), ("WORKERS", "2"), ("WORKERS", "3")),
    }
    assert wanted <= variables("full")
    assert {deed for cell in cells_of("full") for one in cell.settings if (deed := one.deed)} == set(Deed) - {""}


def test_the_quick_matrix_has_no_more_cells_than_a_run_can_wait_for() -> None:
    assert len(cells_of("quick")) <= 7
    assert variables("quick") < variables("full")


def test_home_comes_first_and_its_settings_are_those_of_the_environment() -> None:
    assert cells_of("full")[0] is HOME
    assert HOME.settings[0].env == {"PYTHONHASHSEED": "0"}


def test_a_machine_of_many_cores_turns_threads_to_one_two_and_four(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many threads as there are cores is what the environment has by itself."""
    monkeypatch.setattr(knobs, "_cores", lambda: 16)
    assert {("POLARS_MAX_THREADS", count) for count in ("1", "2", "4")} <= variables("quick")


def test_code_that_numba_would_take_for_other_code_has_a_cache_of_its_own() -> None:
    """NUMBA_OPT is not in Numba's key: in a shared cache, that cell would test nothing."""
    settings = [one for cell in cells_of("full") for one in cell.settings if "NUMBA_OPT" in one.env]
    assert settings
    assert all(one.env["NUMBA_CACHE_DIR"].startswith(knobs.FOLDER) for one in settings)


def test_every_canary_of_the_matrix_can_be_computed() -> None:
    names = {name for cell in cells_of("full") for name in canaries_of(cell)} - {"parallel sum", "machine code"}
    found = observed(names)
    assert set(found) == names
    assert not [text for text in found.values() if "Error" in text], found
    assert observed(names - {"race"}) == {name: text for name, text in found.items() if name != "race"}


def test_a_canary_that_can_not_be_computed_stays_put(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says why in every environment alike, so that its knob counts as without effect."""
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    assert "import of polars halted" in observed(["polars sum"])["polars sum"]


@pytest.mark.parametrize("deed", [Deed.FLIP, Deed.CUT, Deed.EXCHANGE])
def test_damage_is_done_to_every_kept_file(tmp_path: Path, deed: Deed) -> None:
    contents = {tmp_path / "one": b"abcdef", tmp_path / "below" / "two": b"ghijkl"}
    for path, content in contents.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    damage(tmp_path, Cell((Setting(knobs.KEPT_FILES, "damaged", deed=deed),)))
    assert all(path.read_bytes() != content for path, content in contents.items())


def seen(cell: Cell, *failed: str, error: str = "", unstable: bool = False) -> Seen:
    observation = Observation({"cases": []}, "", {}, 0)
    return Seen(cell, observation, 3, 3, failed, unstable, error, Path(), frozenset())


class Scripted:
    """Cells of which it is known beforehand what each setting alone gives."""

    def __init__(self, *guilty: Setting | None) -> None:
        self.guilty = guilty

    def alone(self, setting: Setting | None, cases: list[str]) -> Seen:
        return seen(HOME, *(cases if setting in self.guilty else ()))


def test_a_difference_is_put_down_to_the_one_setting_that_makes_it() -> None:
    (found,) = culprits(Scripted(ZONE), [seen(Cell((HASH_1, ZONE)), "m/a", "m/b")])  # type: ignore[arg-type]
    assert str(found) == "time zone Pacific/Chatham: m/a, m/b of 3 cases: something uses local time"


def test_a_difference_that_takes_several_names_all_of_them() -> None:
    (found,) = culprits(Scripted(), [seen(Cell((HASH_1, ZONE)), "m/a", unstable=True)])  # type: ignore[arg-type]
    assert str(found).startswith("hash seed 1 with time zone Pacific/Chatham: m/a of 3 cases: not the same twice there")


def test_a_difference_without_anything_turned_is_one_from_run_to_run() -> None:
    (found,) = culprits(Scripted(None), [seen(Cell((HASH_1, ZONE)), "m/a")])  # type: ignore[arg-type]
    assert str(found).startswith("from run to run: m/a of 3 cases: threads race each other")


def test_many_cases_are_counted_and_errors_told() -> None:
    failed = ["m/a", "m/b", "m/c", "m/d", "m/e"]
    (found,) = culprits(Scripted(HASH_1), [seen(Cell((HASH_1,)), *failed)])  # type: ignore[arg-type]
    assert "hash seed 1: m/a, m/b, m/c and 2 more of 3 cases" in str(found)


def test_holds_where_every_cell_gave_the_golden_bits() -> None:
    assert Determinism(6, 6, (), "", 0.0).holds
    assert not Determinism(6, 5, (), "hash seed 1: m/a", 0.0).holds


def test_an_unknown_matrix_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown matrix 'half'.*quick, full"):
        examine(None, None, (), Path(), matrix="half")  # type: ignore[arg-type]
