"""How the engine compiles: one set of Numba options, and a code cache that can't go stale.

Numba's own cache key leaves out the options and the sources of what a function calls, so the cache folder is
named after a digest of both: for a module of the engine, of the sources that it imports. Where the sources stand is no
part of it: a copy of the engine finds what another has compiled. Import this module before Numba.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import logging
import os
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from engine.sources import code_digest, module_digest

log = logging.getLogger("engine.cache")
_OPTIONS: dict[str, Any] = {
    "error_model": "numpy",  # a division by zero gives inf, as in NumPy, and leaves the loop free to be vectorized
    "nogil": True,
}  # no fastmath: reordered or fused additions change bits
Function = TypeVar("Function", bound=Callable[..., Any])


_ALSO = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "ENABLE_AVX", "DISABLE_INTEL_SVML")
"""Settings of Numba's that change its code and are not in its key; the processor is."""


def _digest_with(sources: str) -> str:
    settings = [str(getattr(numba.config, name)) for name in _ALSO]
    named = repr((sys.version_info[:2], sorted(_OPTIONS.items()), settings, sources))
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def _cache_root() -> Path:
    """Return the folder for all code that is kept; in the user's cache unless the environment says."""
    if root := os.environ.get("NUMBA_CACHE_DIR"):  # exact: where code is kept, not which
        return Path(root)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"  # exact: where code is kept
    return Path(base) / "exact-change" / "numba"


os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")  # its functions differ in the last bit


@contextmanager
def _light_import(spared: Sequence[str]) -> Iterator[None]:
    """Import without collecting garbage, of which there is none, and as if what is spared were not installed."""
    hidden = [name for name in spared if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: it can't be imported
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
        for name in hidden:
            del sys.modules[name]


# a fifth of its time: coverage is for a tool that does not run here, and yaml for settings from the working directory
with _light_import(["coverage", "yaml"]):
    import numba as _numba
    from llvmlite import binding, ir
    from numba.core import cgutils, types
    from numba.core.caching import IndexDataCacheFile
    from numba.core.runtime import _nrt_python as runtime  # type: ignore[attr-defined]  # compiled
    from numba.cpython.unsafe.numbers import trailing_zeros
    from numba.extending import intrinsic

numba: Any = _numba  # its types know neither its configuration nor all of its options
_ROOT = _cache_root()
numba.config.CACHE_DIR = str(_ROOT / _digest_with(code_digest()))


def _can_keep(folder: Path) -> bool:
    """Whether code can be kept in a folder; Numba would else take that of the sources, where code can go stale."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        log.warning("%s: can't be written to (%s), so code is compiled in every process", folder, error.strerror)
        return False
    return True


_KEEPS = _can_keep(Path(numba.config.CACHE_DIR))


def _untyped(value: Any) -> Any:
    return value


def _spared(function: Any) -> Any:
    """Return a compiled function that goes on where its code can't be kept, on a full disk say, and tells."""
    if not hasattr(function, "_cache"):
        return function  # left as plain Python
    _keep_by_sources(function._cache, function.py_func.__module__)
    save = function._cache.save_overload

    def save_overload(signature: Any, code: Any) -> None:
        try:
            save(signature, code)
        except OSError as error:
            why = error.strerror or error
            log.warning("%s: its code can't be kept (%s), so it is compiled every time", function.__name__, why)

    function._cache.save_overload = save_overload
    function._cache.load_overload = _loader(function._cache)
    return function


def _keep_by_sources(cache: Any, module: str) -> None:
    """Keep the code of a module of the engine by a digest of its sources; that of others stays where Numba has it."""
    folder = _folder_of(module)
    if folder is None or not _KEEPS:
        return
    cache._cache_path = str(folder)
    cache._cache_file = _untyped(IndexDataCacheFile)(str(folder), cache._impl.filename_base, folder.name)
    cache._impl.locator.ensure_cache_path = lambda: folder.mkdir(parents=True, exist_ok=True)


def _folder_of(module: str) -> Path | None:
    sources = module_digest(module)
    return None if sources is None else _ROOT / f"{module}-{_digest_with(sources)}"


def _loader(cache: Any) -> Callable[[Any, Any], Any]:
    """Return what loads kept code without making ready to compile, which takes Numba 0.3 s, unless there is none.

    The code that was kept is found under the same key, and linked in the same way. What it calls is in it, but for
    the C functions of Numba and of its runtime: those of the runtime are named here, as `rtsys.initialize` does
    before it compiles what only new code is linked with.
    """
    make_ready_and_load = cache.load_overload

    def load_overload(signature: Any, context: Any) -> Any:
        _name_runtime()
        with cache._guard_against_spurious_io_errors():
            kept = cache._cache_file.load(cache._index_key(signature, context.codegen()))
            if kept is not None and _is_linkable(kept):
                return cache._impl.rebuild(context, kept)
        return make_ready_and_load(signature, context)

    return load_overload


@functools.cache
def _name_runtime() -> None:
    for name, address in runtime.c_helpers.items():
        binding.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


def _is_linkable(kept: Any) -> bool:
    """Whether all that kept code calls from outside is known: what is not would end the process."""
    code = kept[0][2][0]  # of the library: its name, its kind, and the object code with what others may link
    names = undefined_symbols(code) if isinstance(code, bytes) else None
    return names is not None and all(binding.address_of_symbol(name) is not None for name in names)


def undefined_symbols(code: bytes) -> list[str] | None:
    """Return the names of what object code takes from elsewhere; None where it is not 64-bit ELF, as on Linux."""
    if code[:6] != b"\x7fELF\2\1":
        return None
    place, count = struct.unpack_from("<Q", code, 40)[0], struct.unpack_from("<H", code, 60)[0]
    sections = [struct.unpack_from("<IIQQQQIIQQ", code, place + 64 * number) for number in range(count)]
    names = []
    for _, kind, _, _, start, size, texts, *_ in sections:
        if kind == 2:  # a table of symbols; the first is empty
            text = sections[texts][4]
            for entry in range(start + 24, start + size, 24):
                name, _, _, section = struct.unpack_from("<IBBH", code, entry)
                if section == 0:
                    names.append(code[text + name : code.index(b"\0", text + name)].decode())
    return names


def compiled(function: Function) -> Function:
    """Compile a function at its first call and keep the code on disk."""
    result: Function = _spared(numba.njit(cache=_KEEPS, **_OPTIONS)(function))
    return result


def compiled_in_place(function: Function) -> Function:
    """Compile a function that makes no arrays, only writes into those it is given.

    Numba then leaves out counting references to them, which took four fifths of the compiled loop's time.
    """
    result: Function = _spared(numba.njit(cache=_KEEPS, _nrt=False, **_OPTIONS)(function))
    return result


def inlined(function: Function) -> Function:
    """Compile a function as `compiled_in_place`, into those that call it.

    A call passes every array of a tuple as seven numbers, which takes longer than what a small function does.
    """
    result: Function = _spared(numba.njit(cache=_KEEPS, _nrt=False, forceinline=True, **_OPTIONS)(function))
    return result


def _prefetch(_: Any, array: Any, index: Any) -> Any:
    """Ask the processor to fetch `array[index]`, which need not exist, before it is needed. No value changes."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        _fetch(builder, builder.gep(data, [args[1]]))
        return context.get_dummy_value()

    return types.void(array, index), emit


def _fetch(builder: Any, place: Any) -> None:
    address = builder.bitcast(place, ir.IntType(8).as_pointer())
    flag = ir.IntType(32)
    function = _untyped(cgutils.get_or_insert_function)(
        builder.module,
        ir.FunctionType(ir.VoidType(), [address.type, flag, flag, flag]),
        "llvm.prefetch.p0",
    )
    read, keep, data_cache = ir.Constant(flag, 0), ir.Constant(flag, 3), ir.Constant(flag, 1)
    builder.call(function, [address, read, keep, data_cache])


def _prefetch_nothing(*_: Any) -> None:
    """Stand in for a prefetch where Numba leaves functions as plain Python (NUMBA_DISABLE_JIT=1)."""


def _lowest_bit(word: Any) -> int:
    return (int(word) & -int(word)).bit_length() - 1


if numba.config.DISABLE_JIT:
    prefetch, lowest_bit = _prefetch_nothing, _lowest_bit
else:
    prefetch, lowest_bit = _untyped(intrinsic)(_prefetch), _untyped(trailing_zeros)
    """The place of the lowest bit that is set in a word of 64 bits, from 0; the word is not 0."""
