"""How time and memory grow: the fit is exact where the law is, its interval holds, points are measured for real."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

from optimizer.config import find_config
from optimizer.errors import CheckError, InputError
from optimizer.power_law import fit_power_law, t_quantile
from optimizer.processes import Processes
from optimizer.reporters.scale_text import scale_lines
from optimizer.scaling import Scaling
from optimizer.scaling_points import Plan, Size

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e9])
def test_the_exponent_of_an_exact_law_is_found(exponent: float, factor: float) -> None:
    sizes = [10, 30, 100, 300, 1000, 2000]
    law = fit_power_law(sizes, [factor * size**exponent for size in sizes])
    assert law is not None
    assert law.exponent == pytest.approx(exponent, abs=1e-12)
    assert law.high - law.low < 1e-10
    assert law.points == 6
    if exponent:
        assert law.r2 == pytest.approx(1.0, abs=1e-12)


def test_the_interval_of_a_slope_is_that_of_the_textbook() -> None:
    """Worked by hand: x 0 to 3, y 0, 1, 1, 3 has slope 0.9, residuals of 0.7 in all, and t(0.975, 2) = 4.3027."""
    law = fit_power_law([math.exp(x) for x in range(4)], [math.exp(y) for y in (0, 1, 1, 3)])
    assert law is not None
    margin = 4.302653 * math.sqrt(0.7 / 2 / 5)
    assert (law.exponent, law.low, law.high) == pytest.approx((0.9, 0.9 - margin, 0.9 + margin), abs=1e-6)
    assert law.r2 == pytest.approx(1 - 0.7 / 4.75)


def test_the_interval_holds_the_exponent_as_often_as_it_says() -> None:
    draw = random.Random(5)  # noqa: S311 - for numbers that scatter, not for secrets
    sizes = [10, 30, 100, 300, 1000]
    held = 0
    for _ in range(2_000):
        law = fit_power_law(sizes, [size**1.3 * math.exp(draw.gauss(0.0, 0.2)) for size in sizes])
        assert law is not None
        held += law.low <= 1.3 <= law.high
    assert 0.935 <= held / 2_000 <= 0.965


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (10, 2.22814), (30, 2.04227)]
)
def test_students_t_is_that_of_the_tables(freedom: int, quantile: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(quantile, rel=1e-5)


@pytest.mark.parametrize("sizes", [[], [10, 20], [10, 10, 10]], ids=["none", "two", "one size"])
def test_too_few_points_have_no_exponent(sizes: list[int]) -> None:
    assert fit_power_law(sizes, [1.0 + size for size in sizes]) is None


def plan(symbols: tuple[int, ...], timestamps: tuple[int, ...] = (), budget: float = 300.0, passes: int = 1) -> Plan:
    return Plan(symbols, timestamps, 100, 60, "level", budget, passes)


def test_the_smallest_markets_come_first() -> None:
    assert plan((1000, 10), (50,)).sizes() == [
        Size("symbols", 10, 60),
        Size("timestamps", 100, 50),
        Size("symbols", 1000, 60),
    ]


def scaling_of(folder: Path, one: Plan, builds: dict[str, tuple[str, ...]]) -> Scaling:
    return Scaling(Processes(find_config(ROOT), folder), one, builds, folder, lambda _: None)


@pytest.mark.slow
def test_points_are_measured_in_fresh_processes_and_what_there_is_no_time_for_is_told(tmp_path: Path) -> None:
    builds: dict[str, tuple[str, ...]] = {"final": ("vectorization/array_feed",)}
    scaling = scaling_of(tmp_path, plan((3, 6, 12, 1_000_000)), builds)
    scaling.measure()
    document = scaling.document("optimize scale", {})
    json.dumps(document, allow_nan=False)
    told = [(one["build"], one["symbols"]) for one in document["points"]]
    assert told == [(build, size) for size in (3, 6, 12) for build in builds]
    for one in document["points"]:
        assert one["error"] is None
        assert one["rows"] == one["symbols"] * 60
        assert one["seconds_median"] > 0.0
        assert one["peak_bytes"] > document["baseline_bytes"]
    assert [(one["build"], one["symbols"]) for one in document["left_out"]] == [
        ("final", 1_000_000),
    ]
    assert all("it would have taken about" in one["why"] for one in document["left_out"])
    fits = {(one["build"], one["quantity"]): one for one in document["fits"]}
    law = fits["final", "seconds"]
    assert law["points"] == 3
    assert law["low"] <= law["exponent"] <= law["high"]
    lines = "\n".join(scale_lines(document))
    assert "final: time ~ symbols^" in lines
    assert "left out: final, 1000000 symbols, 60 timestamps: it would have taken" in lines
    point = scaling.points[0]
    point.digests.append({**point.digests[0], "fills": "0"})
    with pytest.raises(CheckError, match="final gives other bits with 3 symbols, 60 timestamps"):
        scaling._check_bits()


def test_where_no_process_can_start_the_limit_is_named(tmp_path: Path) -> None:
    from optimizer.limits import Limits

    processes = Processes(find_config(ROOT), tmp_path, limits=Limits(60 * 2**20))
    with pytest.raises(
        InputError, match=r"60 MiB of memory: no process can be started: .* needed more than the 60 MiB"
    ):
        Scaling(processes, plan((3,)), {"reference": ()}, tmp_path, lambda _: None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--symbols", "10,x"], "'10,x' is no list of sizes"),
        (["--memory", "5x"], "'5x' is no size of memory"),
        (["--cores", "9999"], "9999 cores can't be had"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(optimize, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = optimize("scale", *arguments, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
