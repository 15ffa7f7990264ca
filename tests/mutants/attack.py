"""The attack itself: every variant through the stages, two at a time, and what came of it."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.mutants.project import ROOT, copy_project
from tests.mutants.stages import LOOK, STAGES, BrokenAttackError, look
from tests.mutants.variants import REWRITE, Variant

PASSES, CAUGHT = "passes", "caught"


@dataclass(frozen=True)
class Row:
    """What came of a variant. `caught_by` names who refused it; `remarks` are the new ones of the static look."""

    name: str
    kind: str
    operator: str
    file: str
    expected: str
    caught_by: tuple[str, ...]
    seconds: float
    report: str
    remarks: tuple[str, ...] = ()
    equivalent: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether a wrong one was caught, and a right one passed."""
        refused = any(stage != LOOK for stage in self.caught_by)
        return refused is (self.expected == CAUGHT) and not self.broken

    @property
    def broken(self) -> bool:
        """Whether the attack itself failed."""
        return self.report.startswith("BROKEN")

    def told(self) -> dict[str, Any]:
        """Return the row as it stands in the report."""
        return asdict(self) | {"caught_by": list(self.caught_by), "remarks": list(self.remarks)}


class Attack:
    """Runs variants in copies of the project below a folder."""

    def __init__(self, folder: Path, stages: Sequence[str]) -> None:
        self._folder = folder
        self._stages = stages
        self._before = look(ROOT) if LOOK in stages else Counter[str]()

    def run(self, wanted: Iterable[Variant], jobs: int, tell: Callable[[Row], None]) -> Iterator[Row]:
        """Run variants, so many at a time; yield their rows in order, and tell each as it is done."""

        def one(variant: Variant) -> Row:
            row = self._run(variant)
            tell(row)
            return row

        with ThreadPoolExecutor(jobs) as pool:
            try:
                yield from pool.map(one, wanted)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _run(self, variant: Variant) -> Row:
        start = time.perf_counter()
        caught, remarks, report = [], Counter[str](), ""
        folder = self._folder / variant.slug
        shutil.rmtree(folder, ignore_errors=True)
        copy = copy_project(folder, variant)
        try:
            if LOOK in self._stages:
                remarks = look(copy.folder, variant.optimization) - self._before
                caught += [LOOK] if remarks else []
            for stage, ask in STAGES.items():
                if stage in self._stages and (said := ask(copy)).refused:
                    caught.append(stage)
                    report = said.line
                    break
        except BrokenAttackError as error:
            report = f"BROKEN: {error}"
        finally:
            copy.remove()
        return Row(
            variant.name,
            variant.kind,
            variant.operator,
            variant.file,
            PASSES if variant.is_right else CAUGHT,
            tuple(caught),
            round(time.perf_counter() - start, 1),
            report,
            tuple(sorted(remarks)),
            variant.equivalent,
        )


def false_alarms(rows: Iterable[Row]) -> list[Row]:
    """Return the correct rewrites that were refused."""
    return [row for row in rows if row.kind == REWRITE and not row.as_expected]
