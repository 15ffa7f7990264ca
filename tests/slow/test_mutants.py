"""One wrong operator in any optimization, and the check exits 1 and names the place."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.catalog import build_of

pytestmark = pytest.mark.slow

MUTANTS = {
    "a fill at the close in place of the open": (
        "vectorization/compiled_loop.py",
        "market.open[book.cursor[symbol] + 1]",
        "market.close[book.cursor[symbol] + 1]",
    ),
    "cash that has to be more than enough": (
        "vectorization/compiled_loop.py",
        "if cost > book.cash[0]:",
        "if cost >= book.cash[0]:",
    ),
    "one share more": (
        "vectorization/compiled_loop.py",
        "np.floor(shares)).astype(np.int64)",
        "np.floor(shares)).astype(np.int64) + 1",
    ),
    "a stop that has to be passed": (
        "vectorization/masked_rules.py",
        "high >= level if rule.rising else low <= level",
        "high >= level if rule.rising else low < level",
    ),
    "a delisted symbol that runs on into the next one's bars": (
        "vectorization/compiled_loop.py",
        "following < market.starts[symbol + 1] and",
        "following <= market.starts[symbol + 1] and",
    ),
    "a held symbol that is delisted and runs on": (
        "vectorization/compiled_loop.py",
        "bar == starts[symbol + 1] or",
        "bar > starts[symbol + 1] or",
    ),
    "a second block that starts a bar late": (
        "../compiled_features.py",
        "range(warm, end, BLOCK)",
        "range(warm, end, BLOCK + 1)",
    ),
    "not where both hold": ("vectorization/awaited_bars.py", "entry | signal_of(", "entry ^ signal_of("),
    "above, or equal": (
        "../arrays.py",
        "signal[bar] = left[bar] > right[bar]",
        "signal[bar] = left[bar] >= right[bar]",
    ),
    "entries alone": ("vectorization/awaited_bars.py", "entry | signal_of(", "entry & signal_of("),
    "a window that is one bar late": (
        "../compiled_features.py",
        "closes[bar - length + 1 :]",
        "closes[bar - length :]",
    ),
    "highs for opens": ("../arrays.py", "[matrix[self.step] for", "[arrays.fields[1][self.step] for"),
    "a close of the bar before": (
        "vectorization/soa_broker.py",
        "step = step_of(self._bars)\n",
        "step = step_of(self._bars) - 1\n",
    ),
    "quantities of before the fill": (
        "vectorization/soa_broker.py",
        "self._held_arrays = None\n        super()._hold",
        "super()._hold",
    ),
    "a water mark that sees its own bar late": (
        "vectorization/masked_rules.py",
        "np.where(low < lowest, low, lowest)",
        "np.where(low < lowest, lowest, low)",
    ),
    "a short watched as a long": (
        "vectorization/masked_rules.py",
        "rules is not None or not long",
        "rules is not None",
    ),
    "rules of its own, forgotten": ("vectorization/masked_rules.py", "rules is not None or not long", "not long"),
    "a margin account run as a cash account": ("vectorization/compiled_loop.py", '"short", "leverage", ', ""),
    "a time exit that is a bar late": (
        "vectorization/compiled_loop.py",
        "book.bars[symbol] >= factor",
        "book.bars[symbol] > factor",
    ),
    "an excursion without the exit": (
        "vectorization/compiled_loop.py",
        "max(book.highest[symbol], price)",
        "book.highest[symbol]",
    ),
    "a commission without its minimum": (
        "vectorization/compiled_loop.py",
        "return max(asked, terms.commission_minimum)",
        "return asked",
    ),
    "a smoothing that weighs the past too much": (
        "../compiled_features.py",
        "gain = (gain * (length - 1) +",
        "gain = (gain * length +",
    ),
    "a key without the configuration": (
        "caching/feature_cache.py",
        "feature_key(feed, feature)",
        "feature_key(feed, features[0])",
    ),
    "a kept feature of another configuration": (
        "caching/persistent_features.py",
        "**feature_key(feed, feature)._asdict()}",
        '**feature_key(feed, feature)._asdict(), "config_hash": ""}',
    ),
    "what a tighter gate says, asked of the looser one": (
        "gates/pass_sets.py",
        "(below, above) if gate.rising else (above, below)",
        "(above, below) if gate.rising else (below, above)",
    ),
    "a first bar that is passed over": (
        "vectorization/column_gates.py",
        "if bar - needed < first:",
        "if bar - needed <= first:",
    ),
    "a gate that has to be passed": (
        "vectorization/column_gates.py",
        "figure >= threshold if rising",
        "figure - 0.02 >= threshold if rising",
    ),
    "what is held, not shown outside its gates": (
        "early_exit/passing_bars.py",
        "if (bar := bars.get(self._names[number])) is not None:",
        "if number in passing_here and (bar := bars.get(self._names[number])) is not None:",
    ),
    "a tail that is a row short": (
        "early_exit/ruined_account.py",
        "timestamps[len(equity) :]",
        "timestamps[len(equity) + 1 :]",
    ),
    "a store with highs for all": (
        "io/matrix_store.py",
        "field: layout.matrices[field].ravel()",
        'field: layout.matrices["high"].ravel()',
    ),
    "a compiled account that lives on": (
        "vectorization/compiled_loop.py",
        "log.equity[step, 2] >= ruin",
        "log.equity[step, 2] >= 0.0 * ruin",
    ),
}


def accept(project: Path, build: Iterable[str]) -> None:
    """Make this the project's accepted build."""
    lines = "\n".join(f'"{name}" = "ECN-0000"' for name in build)
    (project / "engine" / "build.toml").write_text(f"[build]\n{lines}\n")


@pytest.fixture(scope="module")
def checked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, copy_project, optimize_in
) -> dict[str, subprocess.CompletedProcess[str]]:
    """What the check says to each mutant: two at a time, since a check keeps one core busy.

    The build is the changed optimization on what it requires, so that no other can hide it.
    """
    folder = tmp_path_factory.mktemp("mutants")

    def check(number: int, name: str) -> subprocess.CompletedProcess[str]:
        file, right, wrong = MUTANTS[name]
        project = copy_project(folder / str(number))
        path = project / "engine" / "optimizations" / file
        focus = path.parent.name.replace("_", "-")
        accept(project, build_of("vectorization/compiled_loop" if ".." in file else f"{focus}/{path.stem}"))
        source = path.read_text()
        assert source.count(right) == 1, f"{name}: {right!r} stands {source.count(right)} times in {file}"
        path.write_text(source.replace(right, wrong))
        return optimize_in("golden", "check", "--build", "--set", "generated", cwd=project)

    asked = [item.callspec.params["name"] for item in request.session.items if "checked" in item.fixturenames]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(asked, pool.map(check, range(len(asked)), asked), strict=True))


@pytest.mark.parametrize("name", MUTANTS)
def test_the_check_catches(checked: dict[str, subprocess.CompletedProcess[str]], name: str) -> None:
    done = checked[name]
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DIVERGED" in done.stdout
    assert re.search(r"first at   20\d\d-\d\d-\d\d.*  (symbol \w+|the whole account)  \w+\.[\w() ]+", done.stdout), (
        done.stdout
    )
    assert "Traceback" not in done.stderr


def test_the_check_passes_what_was_not_changed(optimize, project: Path, whole_build: tuple[str, ...]) -> None:
    accept(project, whole_build)
    done = optimize("check", "--set", "generated", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_check_catches_a_worker_that_rounds(optimize, project: Path) -> None:
    accept(project, ["parallelism/spawned_trials"])
    path = project / "engine" / "trial_worker.py"
    source = path.read_text()
    right = 'struct.pack("<d", value).hex()'
    assert source.count(right) == 1
    path.write_text(source.replace(right, 'struct.pack("<d", round(value, 9)).hex()'))
    done = optimize("golden", "check", "--build", "--set", "generated", cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"DIVERGED.*scenarios\n.*sweep\.", done.stdout, re.DOTALL), done.stdout
    assert "Traceback" not in done.stderr
