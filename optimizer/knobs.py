"""The knobs of the environment that must not matter, and the matrix that turns them.

The matrix is a covering set, not the full product: every setting stands in a cell, most cells have several. Where a
cell differs, its settings are turned one by one afterwards (optimizer.culprits): combining them costs no clarity.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MATRICES = ("quick", "full")
FOLDER = "{folder}"  # in a value: the folder of the chain that the cell stands in


class Deed(StrEnum):
    """What a setting does beside setting variables."""

    NOTHING = ""
    REVERSE = "run the cases in reverse"
    SMALL = "run the cases of small inputs only"
    CODE = "look at what Numba keeps"
    WARM = "find what the cells before have kept"
    FLIP = "flip a byte in the middle of every kept file"
    CUT = "cut every kept file to half"
    EXCHANGE = "give every kept file the content of another"
    TOGETHER = "share the folder with a second process at the same time"


KEPT = (Deed.WARM, Deed.FLIP, Deed.CUT, Deed.EXCHANGE, Deed.TOGETHER)
"""What is done with the files that a build keeps."""


@dataclass(frozen=True)
class Knob:
    """Something that can be turned: its canary is "" where its effect shows from outside."""

    name: str
    canary: str
    hint: str


@dataclass(frozen=True)
class Setting:
    """A knob in one of its positions."""

    knob: Knob
    value: str
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    deed: Deed = Deed.NOTHING

    @property
    def name(self) -> str:
        """What it is called where it makes a difference."""
        return f"{self.knob.name} {self.value}".strip()


@dataclass(frozen=True)
class Cell:
    """One fresh process and what is turned in it; `twice` runs every case a second time in it."""

    settings: tuple[Setting, ...]
    twice: bool = False

    @property
    def name(self) -> str:
        """All its settings."""
        return " · ".join(setting.name for setting in self.settings)

    def does(self, deed: Deed) -> bool:
        """Whether one of its settings does this."""
        return any(setting.deed is deed for setting in self.settings)


Stage = tuple[Cell, ...]
"""Cells that run at the same time."""
Chain = tuple[Stage, ...]
"""Stages that follow each other and keep their files in one folder."""

HASH_SEED = Knob("hash seed", "set order", "something walks a set, or sorts by hash(): put it in order first")
NUMPY = Knob(
    "NumPy without",
    "numpy functions",
    'np.exp and the like change with the processor, as does argsort without kind="stable" on ties',
)
C_LIBRARY = Knob(
    "C library without",
    "C functions",
    "math.exp, log, sin or ** change with the processor: use + - * / and comparisons only",
)
BLAS_KERNEL = Knob("BLAS kernel", "matrix product", "dot, @ or corrcoef add in an order of the kernel's own")
BLAS = Knob("BLAS threads", "matrix product", "dot, @ or corrcoef add in an order that changes with the threads")
POLARS = Knob(
    "Polars threads",
    "polars sum",
    "a sum or mean of floats, or rows without maintain_order, depend on how Polars cuts the work, or threads race",
)
NUMBA = Knob(
    "Numba threads", "parallel sum", "a reduction over prange depends on how the loop is cut, or its iterations race"
)
TARGET = Knob(
    "Numba code for", "machine code", "compiled code depends on the processor: look for fastmath and contract"
)
OPTIMIZED = Knob(
    "NUMBA_OPT", "machine code", "compiled code depends on its optimization: fastmath, or undefined values"
)
INTERPRETED = Knob(
    "Numba off",
    "machine code",
    "compiled code does not mean what its Python says: integers that wrap, indices out of range, rounding, fastmath",
)
ZONE = Knob("time zone", "time zone", "something uses local time")
LOCALE = Knob("locale", "locale", "something reads or writes text by the locale: name the encoding and the format")
ORDER = Knob("cases in", "", "something is handed on from case to case: a cache whose key leaves something out")
CODE = Knob("code cache", "", "compiled code that was kept is not the code of these sources, or compiling changes it")
KEPT_FILES = Knob(
    "own caches",
    "",
    "a kept file is trusted: check its key and the digest of its values on reading, and put files in place in one step",
)
RACE = Knob("from run to run", "race", "threads race each other, or a result depends on the clock or on chance")

_V4 = "X86_V4 AVX512_ICL AVX512_SPR"  # NumPy 2.4's names: an old one only warns
COMPILED = Knob("compiled functions", "compiled functions", "")  # not a knob: without any, Numba's do nothing
_SEEDS = [Setting(HASH_SEED, seed, {"PYTHONHASHSEED": seed}) for seed in ("0", "1", "2")]
_NO_V4 = Setting(NUMPY, "X86_V4", {"NPY_DISABLE_CPU_FEATURES": _V4})
_NO_V3 = Setting(NUMPY, "X86_V3", {"NPY_DISABLE_CPU_FEATURES": f"X86_V3 {_V4}"})
_NO_FMA = Setting(C_LIBRARY, "AVX2 and FMA", {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"})
_OLD_KERNEL = Setting(BLAS_KERNEL, "Nehalem", {"OPENBLAS_CORETYPE": "Nehalem"})
_GENERIC = Setting(TARGET, "a generic processor", {"NUMBA_CPU_NAME": "generic"})
_PLAIN_CODE = Setting(OPTIMIZED, "0", {"NUMBA_OPT": "0", "NUMBA_CACHE_DIR": f"{FOLDER}/code-0"})  # not in Numba's key
_NO_JIT = Setting(INTERPRETED, "", {"NUMBA_DISABLE_JIT": "1"}, Deed.SMALL)
_CHATHAM = Setting(ZONE, "Pacific/Chatham", {"TZ": "Pacific/Chatham"})
_LOCALE_C = Setting(LOCALE, "C", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
_REVERSED = Setting(ORDER, "reverse", deed=Deed.REVERSE)
_OWN_CODE = {"NUMBA_CACHE_DIR": f"{FOLDER}/code"}
COLD_CODE = Setting(CODE, "cold", _OWN_CODE, Deed.CODE)
WARM_CODE = Setting(CODE, "warm", _OWN_CODE, Deed.CODE)
_WARM = Setting(KEPT_FILES, "warm", deed=Deed.WARM)
_FLIPPED = Setting(KEPT_FILES, "damaged", deed=Deed.FLIP)
_CUT = Setting(KEPT_FILES, "cut short", deed=Deed.CUT)
_EXCHANGED = Setting(KEPT_FILES, "exchanged", deed=Deed.EXCHANGE)
_TOGETHER = Setting(KEPT_FILES, "with a second writer", deed=Deed.TOGETHER)

HOME = Cell((_SEEDS[0],), twice=True)
"""The environment as it is, in which every canary is computed once."""


def _threads(count: int, *, blas: bool = False) -> tuple[Setting, ...]:
    text = str(count)
    found = [
        Setting(POLARS, text, {"POLARS_MAX_THREADS": text}),
        Setting(NUMBA, text, {"NUMBA_NUM_THREADS": text}),
    ]
    if blas:
        found.append(Setting(BLAS, text, {"OPENBLAS_NUM_THREADS": text, "OMP_NUM_THREADS": text}))
    return tuple(found)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_OWN = "work that is cut or placed otherwise is rounded on its way, handed on from part to part, or added up otherwise"


def matrix_of(kind: str, subject_knobs: Mapping[str, Mapping[str, str]]) -> tuple[Chain, ...]:
    """Return the chains of cells of a matrix, HOME being the first cell of the first one.

    `subject_knobs` are the engine's own, by what they set. As many threads as there are cores is HOME's own setting.
    """
    own = [Setting(Knob(name, "", f"{_told(env)}: {_OWN}"), "", env) for name, env in subject_knobs.items()]
    one, two, four = (() if count == _cores() else _threads(count, blas=count == 1) for count in (1, 2, 4))
    writers = (
        Cell((_SEEDS[1], *one, _NO_V4, _CHATHAM, _REVERSED, _TOGETHER)),
        Cell((_SEEDS[2], *four, _NO_FMA, _OLD_KERNEL, _LOCALE_C, _TOGETHER), twice=True),
    )
    more = [(Cell((setting,)),) for setting in own[2:]]
    if kind == "quick":
        at_home: list[Stage] = [(HOME,), (Cell((COLD_CODE, _WARM)),), (Cell((WARM_CODE, *own[:1], _FLIPPED)),)]
        return tuple(at_home), (writers, (Cell((_NO_V3, *two, *own[1:2], _WARM)),), *more)
    at_home = [
        (HOME,),
        (Cell((COLD_CODE, _GENERIC, *two, _WARM)),),
        (Cell((WARM_CODE, _GENERIC, *own[:1], _FLIPPED)),),
        (Cell((_NO_JIT, *own[1:2], _CUT)),),
    ]
    return tuple(at_home), (writers, (Cell((_PLAIN_CODE, _NO_V3, *four, _EXCHANGED)),), *more)


def _told(env: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in env.items())
