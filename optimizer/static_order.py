"""Rules of the static look: results that hang on an order, or on what surrounds the process."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from optimizer.static_found import Found, Rule, is_off
from optimizer.static_kinds import POLARS, SET, Source

_CHANGING = frozenset(
    ("append", "extend", "add", "update", "insert", "pop", "remove", "clear", "setdefault", "discard", "appendleft")
)
_PICKLES = ("pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "diskcache", "_pickle")
_UNPICKLED = "what is unpickled is run, and its bits are not checked: keep Arrow with a digest"
_ENVIRONMENT = "a result must not depend on the environment: give it as an argument"
_SORTS = ("sort", "sort_by", "arg_sort_by", "top_k", "bottom_k")
_UNSEEDED = frozenset(
    (
        "random.Random",
        "random.seed",
        *(f"numpy.random.{one}" for one in ("seed", "default_rng", "RandomState", "PCG64")),
    )
)


def sorting(source: Source, node: ast.AST) -> Iterator[Found]:
    """Sorts that leave ties in no order."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)):
        return
    name, keywords = source.dotted(node.func), {keyword.arg: keyword.value for keyword in node.keywords}
    kind = keywords.get("kind")
    attribute = node.func.attr if isinstance(node.func, ast.Attribute) and not name else ""
    receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
    if name in ("numpy.argsort", "numpy.sort") or attribute == "argsort":
        if not (isinstance(kind, ast.Constant) and kind.value in ("stable", "mergesort")) and "stable" not in keywords:
            text = "ties come in an order that changes with the processor: add kind='stable'"
            yield Found("unstable-sort", node, f"{(name or attribute).replace('numpy.', 'np.')}: {text}")
        return
    by = node.args or "by" in keywords
    if attribute in _SORTS and by and "maintain_order" not in keywords and source.kind(receiver) == POLARS:
        yield Found("unstable-sort", node, f".{attribute}() leaves ties in no order: add maintain_order=True")


def row_order(source: Source, node: ast.AST) -> Iterator[Found]:
    """What Polars gives in an order that changes with its threads."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)) or source.dotted(node.func):
        return
    keywords = {keyword.arg for keyword in node.keywords}
    attribute = node.func.attr
    joined = attribute == "join" and keywords & {"on", "left_on", "how"}
    if attribute not in ("group_by", "unique", "value_counts", "partition_by") and not joined:
        return
    if not keywords & {"maintain_order", "sort"} and attribute != "partition_by" and not source.is_harmless(node):
        text = f".{attribute}() gives rows in an order that changes with the threads: add maintain_order, or sort"
        yield Found("row-order", node, text)


def unordered(source: Source, node: ast.AST) -> Iterator[Found]:
    """Walks over sets, and over what a folder lists."""
    if isinstance(node, ast.expr) and _is_walked(source, node) and not source.is_harmless(node):
        if source.kind(node) == SET:
            text = "the order of a set changes with PYTHONHASHSEED and with addresses: walk sorted(...)"
            yield Found("set-order", node, text)
        elif _is_listing(source, node):
            yield Found("listing-order", node, "files are listed in no order: walk sorted(...)")
    match node:
        case ast.Call(func=ast.Attribute(attr="pop", value=value), args=[]) if source.kind(value) == SET:
            yield Found("set-order", node, "pop() takes any element of a set: choose one by its value")


def _is_walked(source: Source, node: ast.expr) -> bool:
    """Whether an expression is gone through one by one."""
    match source.parents.get(node):
        case ast.For(iter=iterated) | ast.AsyncFor(iter=iterated) | ast.comprehension(iter=iterated):
            return iterated is node
        case ast.Starred() | ast.YieldFrom():
            return True
        case ast.Call(func=func, args=args) if node in args:
            name = source.dotted(func)
            method = func.attr if isinstance(func, ast.Attribute) else ""
            walking = [
                "list",
                "tuple",
                "enumerate",
                "zip",
                "map",
                "filter",
                "iter",
                "next",
                "reversed",
                "sum",
                "sorted",
                "min",
                "max",
            ]
            return (
                name in {f"builtins.{one}" for one in walking}
                or method in ("join", "extend", "fromkeys", "writelines", "appendleft")
                or name.startswith(("itertools.", "numpy.", "polars.", "functools.reduce", "collections.deque"))
            )
    return False


def _is_listing(source: Source, node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = source.dotted(node.func)
    method = node.func.attr if isinstance(node.func, ast.Attribute) and not name else ""
    return name in ("os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob") or method in (
        "iterdir",
        "glob",
        "rglob",
    )


def surroundings(source: Source, node: ast.AST) -> Iterator[Found]:
    """Random numbers without a seed, the environment, times of files, float32 by name, pickles, forks."""
    match node:
        case ast.Call(func=func, args=[], keywords=[]) if source.dotted(func) in _UNSEEDED:
            yield Found("random", node, f"{source.dotted(func)} without a seed: give it the trial's")
        case ast.Subscript(value=value, ctx=ast.Load()) if source.dotted(value) == "os.environ":
            yield Found("environment", node, _ENVIRONMENT)
        case ast.Compare(comparators=[value]) if source.dotted(value) == "os.environ":
            yield Found("environment", node, _ENVIRONMENT)
        case ast.Attribute(
            attr="st_mtime" | "st_mtime_ns" | "st_ctime" | "st_ctime_ns" | "st_atime" | "st_ino" as attr
        ):
            yield Found("moving-key", node, f"{attr} moves by itself: a key is the content and the code")
        case ast.Constant(value="float32" | "f4" | "<f4" | "=f4" | "float16" | "f2" | "longdouble"):
            yield Found("float32", node, f"{node.value!s} does not hold a float64: keep float64 all the way")
        case ast.Import(names=names) if any(one.name.split(".")[0] in _PICKLES for one in names):
            yield Found("pickle", node, _UNPICKLED)
        case ast.ImportFrom(module=str(module)) if module.split(".")[0] in _PICKLES:
            yield Found("pickle", node, _UNPICKLED)
        case ast.keyword(arg="allow_pickle", value=value) if not is_off(value):
            yield Found("pickle", value, _UNPICKLED)
        case ast.Call(func=ast.Attribute() | ast.Name() as func, args=[ast.Constant(value="fork"), *_]) if ast.unparse(
            func
        ).endswith(("get_context", "set_start_method")):
            yield Found(
                "fork", node, f"{ast.unparse(func)}: a fork of a process with threads can hang (Polars does): spawn"
            )
        case ast.Call(func=func, keywords=keywords) if source.dotted(func).endswith("ProcessPoolExecutor"):
            if "mp_context" not in {keyword.arg for keyword in keywords}:
                yield Found(
                    "fork", node, "ProcessPoolExecutor may fork, which can hang (Polars does): give mp_context spawn"
                )


def shared_state(source: Source, node: ast.AST) -> Iterator[Found]:
    """What threads are given to run, where it changes something that it does not own."""
    if not isinstance(node, ast.Call):
        return
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    given = [keyword.value for keyword in node.keywords if keyword.arg == "target"]
    if source.dotted(node.func) != "threading.Thread":
        given = (
            node.args[:1] if method in ("submit", "map", "starmap", "apply_async") and "Thread" in source.text else []
        )
    functions = {one.name: one for one in source.nodes if isinstance(one, ast.FunctionDef)}
    for one in given:
        name = one.attr if isinstance(one, ast.Attribute) else one.id if isinstance(one, ast.Name) else ""
        run = one if isinstance(one, ast.Lambda) else functions.get(name)
        if run is not None and (changed := next(_changes(run), None)) is not None:
            text = (
                f"runs in several threads, which change {changed} in any order: return values, and join them in order"
            )
            yield Found("shared-state", node, f"{ast.unparse(one)} {text}")


def _changes(function: ast.FunctionDef | ast.Lambda) -> Iterator[str]:
    """Yield what a function changes that is not its own."""
    own = {one.id for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    foreign = {name for one in ast.walk(function) if isinstance(one, ast.Global | ast.Nonlocal) for name in one.names}
    for one in ast.walk(function):
        match one:
            case ast.AugAssign(target=ast.Name(id=name)) if name in foreign:
                yield name
            case ast.AugAssign(target=ast.Subscript(value=ast.Name(id=name))) if name not in own - foreign:
                yield name
            case ast.AugAssign(target=ast.Attribute() as target):
                yield ast.unparse(target)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in _CHANGING:
                if name not in own - foreign:
                    yield name


ORDER: tuple[Rule, ...] = (sorting, row_order, unordered, surroundings, shared_state)
