"""Rules of the static look: arithmetic that can give other bits, and what compilers make of it."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from optimizer.static_calls import FRAME_METHODS, FUNCTIONS, METHODS, Calls
from optimizer.static_found import Found, Rule, is_off
from optimizer.static_kinds import INTS, POLARS, Source, whole_dtype

_FLAGS = frozenset(("fastmath", "contract", "reassoc", "nsz", "arcp", "afn", "fast", "nnan", "ninf"))
_NARROW = frozenset(("float32", "f4", "<f4", "=f4", "float16", "f2", "longdouble"))
_FAST = "lets the compiler reorder or fuse additions, which changes bits: take the flag out"


def calls(source: Source, node: ast.AST) -> Iterator[Found]:
    """Calls by their name."""
    name = source.dotted(node) if isinstance(node, ast.Name | ast.Attribute | ast.Call) else ""
    if name and not name.endswith("Error"):
        yield from _matching(FUNCTIONS, source, node, name)
    elif isinstance(node, ast.Attribute) and not name and isinstance(source.parents.get(node), ast.Call):
        groups = (*METHODS, *FRAME_METHODS) if source.kind(node.value) == POLARS else METHODS
        yield from _matching(groups, source, node, node.attr)


def _matching(groups: tuple[Calls, ...], source: Source, node: ast.AST, name: str) -> Iterator[Found]:
    parent = source.parents.get(node)
    call = parent if isinstance(parent, ast.Call) and parent.func is node else None
    if call is None and name.startswith("builtins.") and isinstance(parent, ast.Call) and name != "builtins.sum":
        return  # handed to something, such as a key
    for group in groups:
        if not group.names.fullmatch(name):
            continue
        if group.but_ints and call is not None and _is_of_ints(source, call):
            continue
        if group.rule == "identity" and _in_hash_method(source, node):
            continue
        shown = name.replace("builtins.", "").replace("numpy.", "np.")
        yield Found(group.rule, node, group.text.format(name=shown))
        return


def _is_of_ints(source: Source, call: ast.Call) -> bool:
    """Whether what is added is whole numbers, whose sum is the same in any order."""
    outer = source.parents.get(call)
    if whole_dtype(call) or (isinstance(outer, ast.Call) and source.dotted(outer.func) == "builtins.int"):
        return True
    method = isinstance(call.func, ast.Attribute) and not source.dotted(call.func)
    summed = call.func.value if method and isinstance(call.func, ast.Attribute) else call.args[0] if call.args else None
    return source.kind(summed) == INTS


def _in_hash_method(source: Source, node: ast.AST) -> bool:
    return any(isinstance(one, ast.FunctionDef) and one.name == "__hash__" for one in source.above(node))


def rounding(source: Source, node: ast.AST) -> Iterator[Found]:
    """Python's round with digits; and without, in compiled code, where it is Numba's."""
    if isinstance(node, ast.Call) and source.dotted(node.func) == "builtins.round":
        digits = len(node.args) + len(node.keywords) > 1
        if digits or any(isinstance(one, ast.FunctionDef) and one.decorator_list for one in source.above(node)):
            text = "round() of NumPy and of Numba differ from Python's: round in whole ticks or lots"
            yield Found("rounding", node, text)


def powers(source: Source, node: ast.AST) -> Iterator[Found]:
    """The operator **, unless of constants or of whole numbers."""
    sides = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        sides = node.left, node.right
    elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Pow):
        sides = node.target, node.value
    if sides is None or all(isinstance(side, ast.Constant) for side in sides):
        return
    if not all(source.kind(side) == INTS for side in sides):
        yield Found("power", node, "x ** 2 is not x * x, and changes with the processor: write the products out")


def narrow_types(source: Source, node: ast.AST) -> Iterator[Found]:
    """Types of less than 64 bits, by their name in a text that is given to something."""
    given = isinstance(source.parents.get(node), ast.Call | ast.keyword | ast.Dict)
    if given and isinstance(node, ast.Constant) and node.value in _NARROW:
        yield Found("float32", node, f"{node.value!s} does not hold a float64: keep float64 all the way")


def products(_: Source, node: ast.AST) -> Iterator[Found]:
    """The operator @."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
        yield Found(
            "blas", node, "@ changes with the threads and the kernel of BLAS: write the products and additions out"
        )


def reciprocals(source: Source, node: ast.AST) -> Iterator[Found]:
    """A Polars column over one number."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and source.kind(node.left) == POLARS):
        return
    right = node.right
    if isinstance(right, ast.Constant) and isinstance(right.value, int | float) and _is_power_of_two(right.value):
        return
    if source.kind(right) != POLARS:
        text = "Polars multiplies by the reciprocal of one number: divide in NumPy, or by a column of it"
        yield Found("reciprocal", node, text)


def _is_power_of_two(value: float) -> bool:
    return value != 0.0 and abs(math.frexp(value)[0]) == 0.5


def compiler_flags(_: Source, node: ast.AST) -> Iterator[Found]:
    """What lets a compiler reorder, fuse or leave out: as a keyword, in a dict, set on it, by the environment."""
    match node:
        case ast.keyword(arg="fastmath", value=value) if not is_off(value):
            yield Found("fast-math", value, f"fastmath {_FAST}")
        case ast.keyword(arg="flags", value=value) if _texts(value) & _FLAGS:
            yield Found("fast-math", value, f"flag {' '.join(sorted(_texts(value) & _FLAGS))} {_FAST}")
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if _texts(key) & {"fastmath"} and not is_off(value):
                    yield Found("fast-math", key or value, f"fastmath {_FAST}")
        case ast.Assign(targets=[ast.Subscript(slice=key)], value=value) if _texts(key) & {"fastmath"} and not is_off(
            value
        ):
            yield Found("fast-math", node, f"fastmath {_FAST}")
        case ast.Assign(targets=[ast.Attribute(attr=attr)]) if "fastmath" in attr.lower():
            yield Found("fast-math", node, f"{attr} {_FAST}")
        case ast.Constant(value=str(text)) if any(
            flag in text for flag in ("fp-contract=fast", "-ffast-math", "unsafe-fp-math")
        ):
            yield Found("fast-math", node, f"{text} {_FAST}")
        case ast.Constant(value="NUMBA_CPU_NAME" | "NUMBA_CPU_FEATURES" | "OPENBLAS_CORETYPE" | "MKL_CBWR" as text):
            yield Found("fast-math", node, f"{text} chooses other instructions: leave it to whoever runs the process")
        case ast.Call(args=[ast.Constant(value="NUMBA_DISABLE_INTEL_SVML"), ast.Constant(value=value)]) if value != "1":
            yield Found(
                "fast-math", node, "the functions of SVML differ in the last bit: NUMBA_DISABLE_INTEL_SVML is 1"
            )


def _texts(node: ast.AST | None) -> set[str]:
    if node is None:
        return set()
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def compiling(source: Source, node: ast.AST) -> Iterator[Found]:
    """Numba called directly, without what makes its results and its cache trustworthy."""
    if source.dotted(node) not in ("numba.njit", "numba.jit", "numba.vectorize", "numba.guvectorize"):
        return
    parent = source.parents.get(node)
    call = parent if isinstance(parent, ast.Call) and parent.func is node else None
    keywords = {keyword.arg: keyword.value for keyword in call.keywords} if call else {}
    if "error_model" not in keywords and None not in keywords:
        text = "error_model is left out: a division by zero raises; say 'python' or 'numpy', as the reference means it"
        yield Found("error-model", node, text)
    if "cache" in keywords and not is_off(keywords["cache"]) and "CACHE_DIR" not in source.text:
        text = (
            "Numba's cache key leaves out the options and what is imported: compile as the engine's other functions are"
        )
        yield Found("code-cache", node, text)
    if "parallel" in keywords and not is_off(keywords["parallel"]):
        text = "parallel=True lets threads share array sums, whose order then changes: leave it out"
        yield Found("parallel", keywords["parallel"], text)


def parallel_loops(source: Source, node: ast.AST) -> Iterator[Found]:
    """Loops that threads share: each turn may write its own element and nothing else."""
    if not (isinstance(node, ast.For) and isinstance(node.iter, ast.Call)):
        return
    if not (source.dotted(node.iter.func) or ast.unparse(node.iter.func)).endswith("prange"):
        return
    yield Found(
        "parallel", node, "prange: the order of its turns is not fixed; each may write its own element and nothing else"
    )
    turn = ast.unparse(node.target)
    for inner in ast.walk(node):
        if isinstance(inner, ast.AugAssign) and not _is_at(inner.target, turn) and not _is_local(node, inner):
            text = f"all turns of prange add to {ast.unparse(inner.target)}, in an order that changes with the threads"
            yield Found("parallel-sum", inner, f"{text}: write one element a turn, and add them up afterwards in order")


def _is_at(target: ast.expr, turn: str) -> bool:
    return isinstance(target, ast.Subscript) and any(
        isinstance(one, ast.Name) and one.id == turn for one in ast.walk(target.slice)
    )


def _is_local(loop: ast.For, change: ast.AugAssign) -> bool:
    """Whether a name is set anew in every turn before it is added to."""
    name = change.target.id if isinstance(change.target, ast.Name) else None
    return name is not None and any(
        isinstance(one, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name for target in one.targets)
        for one in loop.body
    )


ARITHMETIC: tuple[Rule, ...] = (
    calls,
    rounding,
    powers,
    products,
    narrow_types,
    reciprocals,
    compiler_flags,
    compiling,
    parallel_loops,
)
