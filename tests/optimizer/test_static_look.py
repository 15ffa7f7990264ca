"""The static look finds what can change bits, is quiet about what can't, and is answered only by a reason."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from engine.subject import SUBJECT
from optimizer.static_look import Remark, files_of, look, look_at

WRONG = [
    # the compiler
    ("fast-math", "import numba\n@numba.njit(error_model='numpy', fastmath=True)\ndef f(x): return x"),
    ("fast-math", "import numba\nf = numba.njit(fastmath={'contract'}, error_model='numpy')(g)"),
    ("fast-math", "from numba import njit\nOPTIONS = {'nogil': True, 'fastmath': {'reassoc'}}\nf = njit(**OPTIONS)(g)"),
    ("fast-math", "OPTIONS['fastmath'] = True"),
    ("fast-math", "total = builder.fadd(a, b, flags=('reassoc',))"),
    ("fast-math", "import os\nos.environ.setdefault('NUMBA_DISABLE_INTEL_SVML', '0')"),
    ("fast-math", "import os\nos.environ['NUMBA_CPU_FEATURES'] = '+fma'"),
    ("fast-math", "binding.set_option('', '-fp-contract=fast')"),
    ("error-model", "import numba\n@numba.njit\ndef f(x): return x"),
    ("code-cache", "from numba import njit\n@njit(cache=True, error_model='numpy')\ndef f(x): return x"),
    ("parallel", "from numba import njit\n@njit(parallel=True, error_model='numpy')\ndef f(x): return x"),
    ("parallel", "from numba import prange\ndef f(x, y):\n    for i in prange(9):\n        y[i] = x[i]"),
    (
        "parallel-sum",
        "import numba\ndef f(x):\n    t = 0.0\n    for i in numba.prange(9):\n        t += x[i]\n    return t",
    ),
    ("parallel-sum", "import numba as nb\ndef f(x, t):\n    for i in nb.prange(9):\n        t[0] += x[i]"),
    # the order of addition
    ("sum", "total = sum(prices)"),
    ("sum", "total = sum(price * share for price, share in held)"),
    ("sum", "def f(closes: list[float]): return sum(closes) / len(closes)"),
    ("sum", "add = sum\ntotal = add(prices)"),
    ("sum", "from functools import partial\nadd = partial(map, sum, rows)"),
    ("sum", "from math import fsum\ntotal = fsum(prices)"),
    ("sum", "import statistics as st\nmiddle = st.mean(prices)"),
    ("sum", "import numpy as np\ntotal = np.sum(prices)"),
    ("sum", "import numpy as np\ntotal = getattr(np, 'sum')(prices)"),
    ("sum", "from numpy import add\ntotal = add.reduce(prices)"),
    ("sum", "import numpy as np\nadd = np.mean\ntotal = add(prices)"),
    ("sum", "total = prices.sum()"),
    ("sum", "def f(closes: Floats): return closes[1:].mean()"),
    ("sum", "import polars as pl\nx = frame.group_by('symbol', maintain_order=True).agg(pl.col('pnl').sum())"),
    ("sum", "import polars as pl\nx = frame.select(pl.sum('pnl'))"),
    ("sum", "x = frame['close'].rolling_mean(20)"),
    ("sum", "import polars as pl\nx = pl.col('close').ewm_mean(span=20)"),
    ("blas", "import numpy as np\ntotal = np.dot(a, b)"),
    ("blas", "total = a.dot(b)"),
    ("blas", "total = a @ b"),
    ("blas", "import numpy as np\nx = np.convolve(closes, np.ones(5) / 5.0)"),
    ("blas", "import numpy as np\nx = np.linalg.norm(a)"),
    ("blas", "import numpy as np\nx = np.corrcoef(a, b)"),
    ("blas", "from scipy.signal import lfilter\nx = lfilter(a, b, closes)"),
    # elementary functions and rounding
    ("elementary", "import math\nx = math.exp(y)"),
    ("elementary", "from math import log as ln\nx = ln(y)"),
    ("elementary", "import numpy as np\nx = np.tanh(y)"),
    ("elementary", "import polars as pl\nx = pl.col('close').log()"),
    ("elementary", "import math\nx = math.fma(a, b, c)"),
    ("power", "def f(x: float): return x ** 2"),
    ("power", "x **= 0.5"),
    ("power", "import numpy as np\nx = np.power(y, 2)"),
    ("power", "import math\nx = math.pow(y, 2)"),
    ("rounding", "x = round(price, 2)"),
    ("rounding", "import numpy as np\nx = np.round(price, 2)"),
    ("rounding", "from engine.jit import compiled\n@compiled\ndef f(x): return round(x)"),
    ("rounding", "import polars as pl\nx = pl.col('price').round(2)"),
    ("max-min", "import numpy as np\nx = np.maximum(a, b)"),
    ("max-min", "import numpy as np\nx = np.maximum.accumulate(a)"),
    ("float32", "import numpy as np\nx = closes.astype(np.float32)"),
    ("float32", "x = closes.astype('f4')"),
    ("float32", "import polars as pl\nx = frame.cast({'close': pl.Float32})"),
    ("reciprocal", "import polars as pl\nx = pl.col('close') / 3.0"),
    ("reciprocal", "import polars as pl\ndef f(frame: pl.DataFrame, n: int): return frame['close'] / n"),
    ("tolerance", "import numpy as np\nif np.allclose(a, b): pass"),
    ("tolerance", "import numpy as np\nif np.array_equal(a, b): pass"),
    # order
    ("unstable-sort", "import numpy as np\nx = np.argsort(y)"),
    ("unstable-sort", "x = y.argsort(kind='quicksort')"),
    ("unstable-sort", "import numpy as np\nx = np.argpartition(y, 3)"),
    ("unstable-sort", "import polars as pl\ndef f(x: pl.DataFrame): return x.sort('timestamp')"),
    ("row-order", "x = frame.group_by('symbol').agg(y)"),
    ("row-order", "x = frame['symbol'].unique().to_list()"),
    ("row-order", "x = frame.join(other, on='symbol')"),
    ("set-order", "for name in {'a', 'b'}: pass"),
    ("set-order", "def f(held: set[str]): return [value(one) for one in held]"),
    ("set-order", "held = set(names)\nx = list(held)"),
    ("set-order", "x = tuple(frozenset(names) | {other})"),
    ("set-order", "x = [*{one for one in names}]"),
    ("set-order", "class A:\n    def __init__(self): self.held = set()\n    def f(self): return ','.join(self.held)"),
    ("set-order", "held = {1, 2}\nfirst = held.pop()"),
    ("set-order", "x = {one: 1.0 for one in set(names)}"),
    ("set-order", "x = max({1, 2}, key=price)"),
    ("set-order", "for name in a.keys() - b.keys(): pass"),
    ("listing-order", "import os\nfor name in os.listdir(folder): pass"),
    ("listing-order", "x = [read(path) for path in folder.glob('*.arrow')]"),
    ("completion-order", "from concurrent.futures import as_completed\nfor one in as_completed(jobs): pass"),
    ("completion-order", "for row in pool.imap_unordered(run, trials): pass"),
    # what surrounds the process
    ("clock", "import time\nstart = time.perf_counter()"),
    ("clock", "from datetime import date\nkey = date.today()"),
    ("clock", "import datetime\nkey = datetime.datetime.now()"),
    ("random", "import random\nx = random.gauss(0, 1)"),
    ("random", "import random\nx = random.Random()"),
    ("random", "import numpy as np\nx = np.random.default_rng()"),
    ("random", "import numpy as np\nx = np.random.rand(3)"),
    ("random", "from uuid import uuid4\nkey = uuid4()"),
    ("random", "import os\nkey = os.urandom(8)"),
    ("identity", "key = hash(symbol)"),
    ("identity", "key = id(feed)"),
    ("machine", "import os\nchunk = len(closes) // os.cpu_count()"),
    ("environment", "import os\nfast = os.environ.get('FAST')"),
    ("environment", "import os\nfast = os.environ['FAST']"),
    ("environment", "import os\nfast = 'FAST' in os.environ"),
    ("environment", "from os import getenv\nfast = getenv('FAST')"),
    ("moving-key", "key = path.stat().st_mtime"),
    ("locale", "x = path.read_text()"),
    ("locale", "with open('notes.txt') as file: pass"),
    ("locale", "from datetime import datetime\nx = datetime.fromtimestamp(0)"),
    ("changed-input", "object.__setattr__(settings, 'cash', 1.0)"),
    ("changed-input", "values.setflags(write=True)"),
    ("changed-input", "values.flags.writeable = True"),
    ("changed-input", "import ctypes\nctypes.memmove(target, source, 8)"),
    ("unchecked-file", "import numpy as np\nx = np.fromfile(path)"),
    ("kept-state", "_runs = {}\ndef run(key):\n    _runs[key] = 1"),
    ("kept-state", "last = None\ndef run(value):\n    global last\n    last = value"),
    ("kept-state", "from functools import cache\n@cache\ndef run(name): return name"),
    ("pickle", "import pickle"),
    ("pickle", "from joblib import Memory"),
    ("pickle", "import numpy as np\nx = np.load(path, allow_pickle=True)"),
    ("fork", "import os\nos.fork()"),
    ("fork", "import multiprocessing\nx = multiprocessing.get_context('fork')"),
    ("fork", "from concurrent.futures import ProcessPoolExecutor\nx = ProcessPoolExecutor(2)"),
    (
        "shared-state",
        "from threading import Thread\ntotals = [0.0]\ndef run(x):\n    totals[0] += x\n"
        "Thread(target=run, args=(1.0,)).start()",
    ),
    (
        "shared-state",
        "from concurrent.futures import ThreadPoolExecutor\nclass A:\n"
        "    def add(self, x):\n        self.total = self.total + x\n"
        "    def run(self):\n        ThreadPoolExecutor().map(self.add, [1.0])",
    ),
    (
        "shared-state",
        "from concurrent.futures import ThreadPoolExecutor\nrows = []\ndef run(x):\n    rows.append(x)\n"
        "with ThreadPoolExecutor() as pool:\n    list(pool.map(run, trials))",
    ),
]

RIGHT = [
    "from engine.jit import compiled\n@compiled\ndef f(x):\n    t = 0.0\n    for v in x:\n        t += v\n    return t",
    "import numba\n@numba.njit(fastmath=False, error_model='numpy')\ndef f(x): return x",
    "count = sum(1 for one in names if one)",
    "count = sum(price > 0.0 for price in prices)",
    "count = sum(len(one) for one in names)",
    "def f(sizes: list[int]): return sum(sizes) + sum(size * 2 for size in sizes)",
    "import numpy as np\nx = np.add.accumulate(values)[-1] + np.cumsum(values)[-1] + np.sqrt(values)",
    "import numpy as np\ncount = np.isnan(x).sum() + (x > 1.0).sum() + np.count_nonzero(x)",
    "import numpy as np\ndef f(flags: Bools): return flags.sum()",
    "import numpy as np\nx = np.argsort(y, kind='stable'), np.lexsort((a, b)), y.argsort(kind='stable')",
    "import math\nx = math.sqrt(a) + math.floor(b) + math.isnan(c) + math.inf",
    "x = 2.0**53 + 10**3\nn = len(y) ** 2",
    "x = round(price / tick)",
    "x = max(a, b) + min(a, b)",
    "import polars as pl\nx = pl.col('close') / pl.col('open') + pl.col('close') / 2.0 + pl.col('close').cum_sum()",
    "import polars as pl\nx = frame.group_by('symbol', maintain_order=True).agg(pl.col('close').last())",
    "import polars as pl\nx = frame['symbol'].unique().sort().to_list(), frame['symbol'].unique(maintain_order=True)",
    "import polars as pl\ndef f(x: pl.DataFrame): return x.sort('step', maintain_order=True), x['step'].sort()",
    "import polars as pl\ndef f(x: pl.Series, n: int): return x.to_numpy() / n",
    "names.sort()\nx = ','.join(names)",
    "def f(held: set[str]): return sorted(held), len(held), max(held), 'a' in held, held | {'b'}",
    "def f(held: set[str]): return sorted(name.lower() for name in held), {name.lower() for name in held}",
    "def f(held: set[str]): return any(name > 'a' for name in held) and all(map(str.isupper, held))",
    "x = [*sorted({1, 2})]\nfor name in {'a': 1, 'b': 2}: pass",
    "for path in sorted(folder.glob('*.arrow')): pass\ncount = len(list(folder.iterdir()))",
    "import random\nimport numpy as np\ndraw, other = random.Random(seed), np.random.default_rng(seed)",
    "class A:\n    def __hash__(self): return hash(self.name)",
    "import os\nos.environ.setdefault('NUMBA_DISABLE_INTEL_SVML', '1')\nenv = os.environ | {'A': '1'}",
    "import hashlib, time, datetime\nx = hashlib.sha256(b'').hexdigest()\ntime.sleep(1)\ny = datetime.date(2024, 1, 2)",
    "from threading import Thread\ndef run(lines, told):\n    for line in lines:\n        told.put(line)\n"
    "Thread(target=run, args=(a, b)).start()",
    "x = path.read_text(encoding='utf-8')\nwith open('notes', 'rb') as file: pass\ny = path.open('rb')",
    "from datetime import UTC, datetime\nx = datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(0, tz=UTC)",
    "class A:\n    def __init__(self): object.__setattr__(self, 'name', 'a')",
    "NAMES = {'a': 1}\ndef run():\n    NAMES = {}\n    NAMES['b'] = 1\n    return NAMES",
    "from functools import cache, cached_property\n@cache\ndef digest(): return 1",
    "from concurrent.futures import ThreadPoolExecutor\n"
    "def run(x):\n    done = []\n    done.append(x)\n    return done\n"
    "with ThreadPoolExecutor() as pool:\n    rows = list(pool.map(run, trials))",
    "def sum(values):\n    return values[0]\nx = sum(prices)",
    "log.info('%s', x)\nfirst = rows.pop()\nmean = table.mean",
]


def remarks_on(text: str, folder: Path) -> tuple[Remark, ...]:
    path = folder / "candidate.py"
    path.write_text(dedent(text), encoding="utf-8")
    return look_at(SUBJECT, [path])


@pytest.mark.parametrize(("rule", "text"), WRONG)
def test_what_can_change_bits_is_remarked_on(rule: str, text: str, tmp_path: Path) -> None:
    assert rule in {remark.rule for remark in remarks_on(text, tmp_path)}


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_exact_is_left_alone(text: str, tmp_path: Path) -> None:
    assert remarks_on(text, tmp_path) == ()


def test_a_remark_names_its_line_and_what_to_write_instead(tmp_path: Path) -> None:
    (remark,) = remarks_on("import numpy as np\n\ntotal = (\n    np.sum(x)\n)\n", tmp_path)
    assert (remark.path, remark.line, remark.rule) == ("candidate.py", 4, "sum")
    assert "np.add.accumulate" in remark.text
    assert str(remark).startswith("candidate.py:4: sum: np.sum adds in pairs")


def test_a_reason_on_its_line_answers_a_remark_and_is_kept(tmp_path: Path) -> None:
    text = "import time\na = time.time()  # exact: of the log alone\nb = time.time()\n"
    assert [remark.line for remark in remarks_on(text, tmp_path)] == [3]
    answered, open_ = look_at(SUBJECT, [tmp_path / "candidate.py"], silenced=True)
    assert (answered.reason, open_.reason) == ("of the log alone", "")
    assert str(answered).endswith("[exact: of the log alone]")


@pytest.mark.parametrize("comment", ["# exact:", "# exact:   "])
def test_without_a_reason_nothing_is_silenced(comment: str, tmp_path: Path) -> None:
    found = remarks_on(f"import time\na = time.time()  {comment}\n", tmp_path)
    assert {remark.rule for remark in found} == {"clock", "no-reason"}


def test_a_comment_in_a_text_answers_nothing(tmp_path: Path) -> None:
    assert remarks_on("x = sum(y), '# exact: no'\n", tmp_path) != ()


@pytest.mark.parametrize("candidate", SUBJECT.candidates(), ids=lambda one: one.name)
def test_helpers_are_looked_at_and_the_reference_is_not(candidate) -> None:
    own, *helpers = (path.relative_to(SUBJECT.source_root).as_posix() for path in files_of(SUBJECT, candidate))
    assert own == candidate.path.relative_to(SUBJECT.source_root).as_posix()
    assert "jit.py" in helpers or "vectorization/array_feed" not in candidate.requires
    assert not set(helpers) & set(SUBJECT.components)


def test_what_a_helper_runs_by_its_name_is_looked_at() -> None:
    (sweep,) = (one for one in SUBJECT.candidates() if one.name == "parallelism/spawned_trials")
    assert SUBJECT.source_root / "trial_worker.py" in files_of(SUBJECT, sweep)


def test_what_is_computed_by_the_present_optimizations_has_no_remark() -> None:
    """Where they look at clocks, addresses or the environment is for the reviewer; no arithmetic is."""
    told = {"clock", "identity", "environment", "machine", "random", "set-order", "kept-state"}
    found = {remark for one in SUBJECT.candidates() for remark in look(SUBJECT, one) if remark.rule not in told}
    assert found == set()


def test_the_command_prints_remarks_and_ends_with_their_count(optimize, project: Path) -> None:
    path = project / "engine" / "optimizations" / "caching" / "feature_cache.py"
    path.write_text(path.read_text() + "\n\nTOTAL = sum([0.1] * 10)\nNAMES = list({'a'})  # exact: one name\n")
    helper = project / "engine" / "counting.py"
    helper.write_text(helper.read_text() + "\n\nSTARTED = __import__('time').time() ** 0.5\n")
    done = optimize("look", "caching/feature_cache", cwd=project)
    assert done.returncode == 0
    *lines, count = done.stdout.splitlines()
    assert count == f"{len(lines)} remarks on 1 optimization"
    assert [line.split(": ")[1] for line in lines if "feature_cache.py:" in line] == ["sum"]
    assert [line.split(": ")[1] for line in lines if "engine/counting.py:" in line and "work" not in line] == ["power"]
    shown = optimize("look", "caching/feature_cache", "--all", cwd=project).stdout
    assert "[exact: one name]" in shown
    assert re.search(rf"^{len(lines)} remarks, \d+ answered on 1 optimization$", shown, re.MULTILINE)


def test_an_unknown_name_lists_the_known_ones(optimize) -> None:
    done = optimize("look", "caching/nothing")
    assert done.returncode == 2
    assert "unknown optimization 'caching/nothing'. Choose from caching/feature_cache" in done.stderr
