"""Rules of the static look: results that hang on what surrounds the process, or is left behind in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from optimizer.static_found import Found, Rule, is_off
from optimizer.static_kinds import Source

_CHANGING = frozenset(
    ("append", "extend", "add", "update", "insert", "pop", "remove", "clear", "setdefault", "discard", "appendleft")
)
_PICKLES = ("pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "diskcache", "_pickle")
_UNPICKLED = "what is unpickled is run, and its bits are not checked: keep Arrow with a digest"
_UNCHECKED = ("numpy.fromfile", "numpy.load", "numpy.memmap", "numpy.loadtxt", "numpy.genfromtxt", "numpy.lib.format")
_ENVIRONMENT = "a result must not depend on the environment: give it as an argument"
_UNSEEDED = frozenset(
    (
        "random.Random",
        "random.seed",
        *(f"numpy.random.{one}" for one in ("seed", "default_rng", "RandomState", "PCG64")),
    )
)
_TIMES_OF_FILES = frozenset(f"st_{kind}time{end}" for kind in "mca" for end in ("", "_ns")) | {"st_ino"}
_FORK = "a fork of a process with threads can hang (Polars does): start a fresh process"
_ZONES = (
    "datetime.datetime.fromtimestamp",
    "datetime.date.fromtimestamp",
    "time.mktime",
    "time.strftime",
    "time.tzset",
)


def chance(source: Source, node: ast.AST) -> Iterator[Found]:
    """Generators of random numbers that are not given a seed."""
    if isinstance(node, ast.Call) and not node.args and not node.keywords and source.dotted(node.func) in _UNSEEDED:
        yield Found("random", node, f"{source.dotted(node.func)} without a seed: give it the trial's")


def environment(source: Source, node: ast.AST) -> Iterator[Found]:
    """Variables of the environment, the locale's encoding, the clock's zone, times of files."""
    match node:
        case ast.Subscript(value=value, ctx=ast.Load()) if source.dotted(value) == "os.environ":
            yield Found("environment", node, _ENVIRONMENT)
        case ast.Compare(comparators=[value]) if source.dotted(value) == "os.environ":
            yield Found("environment", node, _ENVIRONMENT)
        case ast.Attribute(attr=attr) if attr in _TIMES_OF_FILES:
            yield Found("moving-key", node, f"{attr} moves by itself: a key is the content and the code")
        case ast.Call(func=func, keywords=keywords) if _is_text(source, node) and not _has(keywords, "encoding"):
            yield Found("locale", node, f"{ast.unparse(func)} takes the encoding from the locale: add encoding='utf-8'")
        case ast.Call(func=func, args=args, keywords=keywords) if source.dotted(func) in _ZONES:
            if len(args) < 2 and not _has(keywords, "tz"):
                yield Found("locale", node, f"{source.dotted(func)} takes the zone of the machine: name one")


def _is_text(source: Source, call: ast.Call) -> bool:
    if isinstance(call.func, ast.Attribute) and call.func.attr == "read_text":
        return not call.args
    if source.dotted(call.func) != "builtins.open" or len(call.args) > 3:
        return False
    mode = call.args[1] if len(call.args) > 1 else next((one.value for one in call.keywords if one.arg == "mode"), None)
    return mode is None or (isinstance(mode, ast.Constant) and "b" not in str(mode.value))


def _has(keywords: list[ast.keyword], name: str) -> bool:
    return any(one.arg == name for one in keywords)


def files(source: Source, node: ast.AST) -> Iterator[Found]:
    """What is read back from a file and trusted."""
    match node:
        case ast.Import(names=names) if any(one.name.split(".")[0] in _PICKLES for one in names):
            yield Found("pickle", node, _UNPICKLED)
        case ast.ImportFrom(module=str(module)) if module.split(".")[0] in _PICKLES:
            yield Found("pickle", node, _UNPICKLED)
        case ast.keyword(arg="allow_pickle", value=value) if not is_off(value):
            yield Found("pickle", value, _UNPICKLED)
        case ast.Call(func=func) if source.dotted(func) in _UNCHECKED:
            text = "reads what it finds, damaged or not: keep a digest with it, and look at it when it is read"
            yield Found("unchecked-file", node, f"{source.dotted(func).replace('numpy.', 'np.')} {text}")


def memory(source: Source, node: ast.AST) -> Iterator[Found]:
    """Ways around what may not be written to."""
    text = "goes around what protects inputs, which all builds share: write into a copy"
    match node:
        case ast.Call(func=func, args=[target, *_]) if source.dotted(func) == "builtins.object.__setattr__":
            if not (isinstance(target, ast.Name) and target.id == "self"):
                yield Found("changed-input", node, f"object.__setattr__ {text}")
        case ast.Call(func=ast.Attribute(attr="setflags"), keywords=keywords) if _has(keywords, "write"):
            yield Found("changed-input", node, f"setflags(write=...) {text}")
        case ast.Assign(targets=[ast.Attribute(value=ast.Attribute(attr="flags"), attr="writeable")]):
            yield Found("changed-input", node, f"flags.writeable {text}")
        case ast.Attribute(attr=attr) if source.dotted(node).startswith(("ctypes.", "numpy.ctypeslib.")):
            if isinstance(source.parents.get(node), ast.Call):
                yield Found("changed-input", node, f"{attr} {text}")


def forks(source: Source, node: ast.AST) -> Iterator[Found]:
    """Processes that begin as a copy of this one."""
    if not isinstance(node, ast.Call):
        return
    name = ast.unparse(node.func)
    if name.endswith(("get_context", "set_start_method")):
        if node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == "fork":
            yield Found("fork", node, f"{name}: {_FORK}")
    elif source.dotted(node.func).endswith("ProcessPoolExecutor") and not _has(node.keywords, "mp_context"):
        yield Found("fork", node, f"ProcessPoolExecutor without mp_context: {_FORK}")


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
            case ast.AugAssign(target=ast.Attribute() as target) | ast.Assign(targets=[ast.Attribute() as target]):
                yield ast.unparse(target)
            case ast.Assign(targets=[ast.Name(id=name)]) if name in foreign:
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in _CHANGING:
                if name not in own - foreign:
                    yield name


def kept_state(source: Source, node: ast.AST) -> Iterator[Found]:
    """What a module keeps from run to run: a memo, above all."""
    text = "stays from run to run: its key must hold all that a value depends on, the data and the settings among it"
    if isinstance(node, ast.FunctionDef):
        for one in node.decorator_list:
            name = source.dotted(one.func if isinstance(one, ast.Call) else one)
            if name in ("functools.cache", "functools.lru_cache") and (node.args.args or node.args.kwonlyargs):
                yield Found("kept-state", one, f"what {node.name} returns {text}")
    if isinstance(node, ast.Assign | ast.AnnAssign) and source.parents[node] is source.tree:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and _is_written(source, target.id):
            yield Found("kept-state", node, f"{target.id} {text}")


def _is_written(source: Source, name: str) -> bool:
    """Whether a function of the module writes into what the module holds under a name."""
    for one in source.nodes:
        match one:
            case ast.Global(names=names) if name in names:
                return True
            case ast.Subscript(value=ast.Name(id=held), ctx=ast.Store()) if held == name:
                return source.is_of_module(one, name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=held), attr=attr)) if held == name and attr in _CHANGING:
                return source.is_of_module(one, name)
    return False


SURROUNDINGS: tuple[Rule, ...] = (chance, environment, files, memory, forks, shared_state, kept_state)
