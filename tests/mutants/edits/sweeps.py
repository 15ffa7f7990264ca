"""Trials in worker processes."""

from __future__ import annotations

from tests.mutants.edits.edit import edits

_SWEEP = "parallelism/spawned_trials"

EDITS = [
    *edits(
        "optimizations/parallelism/spawned_trials.py",
        (
            "the first trial for each that runs here",
            "wrong key",
            "[self.trials[place]], self.settings)",
            "[self.trials[0]], self.settings)",
        ),
        (
            "a row under the place before",
            "off by one bar",
            "        yield place, row\n",
            "        yield max(place - 1, 0), row\n",
        ),
        (
            "the parameters of a trial in one place",
            "swapped names",
            "parameters = {name: encoder.encode(value) for name, value in trial.parameters.items()}",
            "parameters = {\n"
            "                name: encoder.encode(trial.parameters[other])\n"
            "                for name, other in zip(trial.parameters, reversed(trial.parameters), strict=True)\n"
            "            }",
        ),
    ),
    *edits(
        "trial_worker.py",
        (
            "a worker that rounds",
            "rounding",
            'struct.pack("<d", value).hex() if',
            'struct.pack("<d", round(value, 9)).hex() if',
        ),
        (
            "a worker with an account of its own",
            "missing case",
            'settings: Settings = decode(sweep["settings"])',
            "settings = Settings()",
        ),
        (
            "an error that is not told",
            "missing case",
            '"digest": row.digest, "error": row.error}',
            '"digest": row.digest, "error": None}',
        ),
        (
            "a worker that draws another seed",
            "wrong key",
            'parameters = {name: decode(value) for name, value in line["parameters"].items()}',
            'parameters = {name: decode(value) for name, value in line["parameters"].items()}\n'
            '            importlib.import_module("random").seed = lambda _: None',
        ),
        on=_SWEEP,
    ),
    *edits(
        "worker_pool.py",
        (
            "an answer taken for that of another trial",
            "wrong key",
            "    place = worker.sent.popleft()\n    return place",
            "    place = worker.sent.pop()\n    return place",
        ),
        (
            "workers with bars that are a row short",
            "missing row",
            "self._bars = _written(feed.bars)",
            "self._bars = _written(feed.bars[:-1])",
        ),
        (
            "workers of another market",
            "stale cache",
            "self._feed() is feed and self.build == build",
            "self.build == build",
        ),
        on=_SWEEP,
    ),
]
