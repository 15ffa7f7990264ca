"""Calls that can change bits, by the name of what is called: which rule they fall under, and what to write instead."""

from __future__ import annotations

import re
from typing import NamedTuple

_ADD = "add with += or np.add.accumulate(x)[-1], in the order of the reference"
_COMPARE = "compare with > and <, as the reference does"
_BYTES = "compare bytes"
_ARGUMENT = "a result must not depend on the environment: give it as an argument"
_LOOP = "write the products and additions out, in the order of the reference"
_ELEMENTARY = (
    r"exp|exp2|expm1|log|log2|log10|log1p|sin|cos|tan|asin|acos|atan|atan2|arcsin|arccos|arctan|arctan2|sinh|cosh|tanh"
    r"|asinh|acosh|atanh|arcsinh|arccosh|arctanh|cbrt|erf|erfc|gamma|lgamma|hypot|logaddexp2?|sinc|dist"
)


class Calls(NamedTuple):
    """A group of calls: `names` matches the whole dotted name; whole numbers are let pass where `but_ints`."""

    rule: str
    names: re.Pattern[str]
    text: str
    but_ints: bool = False


def _calls(rule: str, names: str, text: str, *, but_ints: bool = False) -> Calls:
    return Calls(rule, re.compile(names, re.VERBOSE), text, but_ints)


FUNCTIONS = (
    _calls(
        "sum",
        r"builtins\.sum",
        f"built-in sum adds floats one after another on Python 3.11, and compensated from 3.12 on: {_ADD}",
        but_ints=True,
    ),
    _calls(
        "sum",
        r"math\.(fsum|sumprod) | statistics\.(f?mean|p?stdev|p?variance|fsum|geometric_mean|harmonic_mean|correlation"
        r"|covariance|linear_regression)",
        f"{{name}} rounds once, where a sum rounds at every addition: {_ADD}",
    ),
    _calls(
        "sum",
        r"numpy\.((nan)?(sum|mean|std|var|prod) | average | trapezoid | (add|multiply|subtract)\.reduce(at)?)",
        f"{{name}} adds in pairs, and by the layout of the array (Numba's adds in order): {_ADD}",
        but_ints=True,
    ),
    _calls(
        "sum",
        r"polars\.((sum|mean)(_horizontal)? | std | var | corr | cov | rolling_\w+ | fold | reduce)",
        f"Polars adds in an order of its own, which changes with its threads: {_ADD}",
    ),
    _calls(
        "blas",
        r"numpy\.(dot|vdot|inner|matmul|einsum|tensordot|convolve|correlate|corrcoef|cov|polyfit|polyval|vander"
        r"|matvec|vecmat|vecdot|(linalg|fft)\.\w+)",
        f"{{name}} changes with the threads and the kernel of BLAS: {_LOOP}",
    ),
    _calls(
        "blas",
        r"(scipy|bottleneck|numexpr|torch|jax|cupy|sklearn)\.[\w.]+",
        f"{{name}} computes in an order of its own: {_LOOP}",
    ),
    _calls(
        "elementary",
        rf"(math|cmath|numpy)\.({_ELEMENTARY})",
        "{name} changes with the processor and the C library: a state path uses + - * / and comparisons, and sqrt",
    ),
    _calls(
        "elementary",
        r"math\.fma | (numpy|numba)\.\w*fma",
        "{name} rounds once, where a product and a sum round twice: write a * b + c",
    ),
    _calls(
        "power",
        r"(math|numpy|operator)\.(pow|power|float_power)",
        "{name} is not a product, and changes with the processor: write the products out",
    ),
    _calls(
        "rounding",
        r"numpy\.(round|around|round_|fix)",
        "{name} scales, rounds and scales back, unlike Python's round: round in whole ticks or lots",
    ),
    _calls(
        "max-min",
        r"numpy\.(maximum|minimum|fmax|fmin|clip)(\.(reduce|accumulate|reduceat))? | polars\.(max|min)_horizontal",
        f"{{name}} differs from Python's max and min where there is NaN or -0.0: {_COMPARE}",
    ),
    _calls(
        "float32",
        r"(numpy|polars|numba|pyarrow)\.(types\.)?([fF]loat(32|16)|half|single|csingle|complex64|c?longdouble)",
        "{name} does not hold a float64: keep float64 all the way",
    ),
    _calls(
        "tolerance",
        r"numpy\.(allclose|isclose|testing\.\w+) | math\.isclose | pytest\.approx | numpy\.array_equ(al|iv)"
        r" | polars\.testing\.\w+",
        "{name} calls equal what has not the same bits (-0.0 and 0.0, one NaN and another): compare bytes",
    ),
    _calls(
        "unstable-sort",
        r"numpy\.(argpartition|partition)",
        "{name} leaves ties in an order that changes with the processor: use np.argsort(x, kind='stable')",
    ),
    _calls(
        "clock",
        r"time\.(time|perf_counter|monotonic|process_time|thread_time)(_ns)? | time\.(localtime|gmtime|ctime)"
        r" | datetime\.(datetime\.(now|utcnow|today) | date\.today) | pandas\.Timestamp\.(now|today)",
        "{name} moves by itself: no result, key or choice of how to compute may depend on it",
    ),
    _calls(
        "random",
        r"random\.(?!Random|getstate|setstate|seed)\w+ | random\.SystemRandom"
        r" | numpy\.random\.(?!default_rng|Generator|RandomState|PCG64|SeedSequence|seed|[gs]et_state|Philox|MT19937"
        r"|SFC64)\w+ | secrets\.\w+ | uuid\.uuid[14] | os\.(urandom|getrandom)",
        "{name} has no seed of the trial's: draw from random.Random(seed)",
    ),
    _calls(
        "identity",
        r"builtins\.hash",
        "hash() of a text changes with PYTHONHASHSEED: use a digest (hashlib), or the value itself",
    ),
    _calls(
        "identity",
        r"builtins\.id",
        "id() is an address, which another object may have later, and which changes from run to run: use the value",
    ),
    _calls(
        "identity",
        r"os\.getpid | threading\.(get_ident|get_native_id|current_thread) | multiprocessing\.current_process",
        "{name} differs from run to run: no result or key may depend on it",
    ),
    _calls(
        "machine",
        r"os\.(cpu_count|sched_getaffinity|process_cpu_count|getloadavg) | multiprocessing\.cpu_count"
        r" | polars\.thread_pool_size | numba\.(get_num_threads|get_thread_id) | threading\.active_count"
        r" | platform\.\w+ | psutil\.\w+",
        "{name} differs from machine to machine: it may say how many work, never how additions are grouped",
    ),
    _calls("environment", r"os\.(getenv|environ\.(get|pop|items|copy|keys|values))", _ARGUMENT),
    _calls(
        "completion-order",
        r"(concurrent\.futures|asyncio|dask\.distributed)\.(as_completed|wait)",
        "{name} gives what is ready first: put results in their places, and add them up in order",
    ),
    _calls(
        "fork",
        r"os\.fork | os\.forkpty",
        "a fork of a process with threads can hang (Polars does): start a fresh process",
    ),
    _calls(
        "moving-key",
        r"os\.path\.(getmtime|getctime|getatime)",
        "{name} moves by itself: a key is the content and the code",
    ),
    _calls(
        "tolerance",
        r"numpy\.(interp|percentile|quantile|nanpercentile|nanquantile)",
        "{name} interpolates by a formula of its own: write it out, as the reference has it",
    ),
)
"""Functions, by their dotted name."""

METHODS = (
    _calls(
        "sum",
        r"sum | mean | std | var | product | prod",
        f".{{name}}() of NumPy adds in pairs, of Polars by its threads: {_ADD}",
        but_ints=True,
    ),
    _calls(
        "sum",
        r"ewm_\w+ | rolling_\w+ | nansum | nanmean | sum_horizontal",
        "{name} updates a running sum, which drifts from the sum of the window: add each window oldest first",
    ),
    _calls("blas", r"dot", f".{{name}}() changes with the threads and the kernel of BLAS: {_LOOP}"),
    _calls(
        "completion-order",
        r"imap_unordered",
        "{name} gives what is ready first: use imap, or put results in their places",
    ),
    _calls("rounding", r"round | round_sig_figs", ".{name}() is not Python's round: round in whole ticks or lots"),
)
"""Methods, by their name, whatever they are called on."""

FRAME_METHODS = (
    _calls(
        "elementary",
        rf"{_ELEMENTARY}",
        ".{name}() changes with the processor: a state path uses + - * / and comparisons, and sqrt",
    ),
    _calls("power", r"pow", ".{name}() is not a product: write the products out"),
    _calls(
        "max-min",
        r"clip | (max|min)_horizontal",
        ".{name}() differs from Python's max and min where there is NaN or -0.0",
    ),
    _calls("tolerance", r"equals", ".{name}() calls -0.0 and 0.0, and all NaN, equal: compare bytes"),
)
"""Methods of Polars, by their name, where what they are called on is plainly Polars."""
