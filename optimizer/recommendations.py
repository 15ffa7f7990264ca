"""What to expect of a laptop, a server and a CI runner, from what was measured on one machine.

The machine that was measured is taken for the kind that it is nearest to, and its figures are measured ones. Those
of the other kinds are modelled, and each says by what model. What was not measured gives no figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optimizer.expected import Document, figures_of, part_of, positive

SettingsFor = Callable[[Document], Mapping[str, Any] | None]
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of machine: what one of them is assumed to have."""

    name: str
    cores: int
    memory_bytes: int
    last_cache_bytes: int
    storage: str = "ssd"

    def hardware(self) -> dict[str, Any]:
        """Return it in the form of a hardware profile."""
        return {
            "cores": self.cores,
            "memory_bytes": self.memory_bytes,
            "memory_available_bytes": self.memory_bytes,
            "caches": {"L3": self.last_cache_bytes},
            "storage": {"kind": self.storage, "filesystem": None},
        }


KINDS = (
    Kind("laptop", 8, 16 * GIB, 16 << 20),
    Kind("server", 32, 128 * GIB, 64 << 20),
    Kind("CI runner", 2, 8 * GIB, 32 << 20),
)


def settings_of_kinds(settings_for: SettingsFor) -> dict[str, Any]:
    """Return the settings of each kind of machine, as hardware.json and run.json have them."""
    return {kind.name: settings_for(kind.hardware()) for kind in KINDS}


def recommendations(documents: Document, settings_for: SettingsFor | None = None) -> list[dict[str, Any]]:
    """Return a row for each kind of machine: what is assumed of it, its settings, and the figures to expect.

    Args:
        documents: what there is of `run` (run.json), `scaling` (scaling.json), `hardware` (hardware.json) and
            `profile_after` (profile-after.json); a document that is missing gives no figures.
        settings_for: returns the settings for a hardware profile, as `optimizer.machine_settings.settings_of` does.
            Without it they are those that run.json and hardware.json have.

    Returns:
        Rows of `kind`, `here` (whether it is the kind of the machine that was measured), `assumed`, `settings` and
        `figures`, each of these with `name`, `value`, `unit`, `basis` ("measured" or "modelled") and `how`.
    """
    machine = part_of(part_of(documents, "run"), "hardware") or part_of(documents, "hardware")
    here = nearest(machine)
    written = part_of(documents, "hardware")
    rows = []
    for kind in KINDS:
        measured = kind is here
        profile: Document = machine if measured else kind.hardware()
        chosen: Document | None
        if settings_for is not None:
            chosen = settings_for(profile)
        elif measured:
            chosen = part_of(part_of(documents, "run"), "settings") or part_of(written, "settings")
        else:
            chosen = part_of(part_of(written, "settings_of_kinds"), kind.name)
        figures = figures_of(documents, machine, profile, dict(chosen or {}), measured=measured)
        rows.append(
            {
                "kind": kind.name,
                "here": measured,
                "assumed": {
                    "cores": profile.get("cores"),
                    "memory_bytes": profile.get("memory_bytes"),
                    "storage": part_of(profile, "storage").get("kind"),
                },
                "settings": dict(chosen or {}),
                "figures": [figure.document() for figure in figures],
            }
        )
    return rows


def nearest(machine: Document) -> Kind | None:
    """Return the kind that a machine is nearest to, by the logarithms of its cores and its memory."""
    cores, memory = positive(machine.get("cores")), positive(machine.get("memory_bytes"))
    if cores is None or memory is None:
        return None
    return min(KINDS, key=lambda kind: abs(math.log2(cores / kind.cores)) + abs(math.log2(memory / kind.memory_bytes)))
