"""The operators: small wrong changes of the present optimizations and of the modules that they share."""

from __future__ import annotations

from tests.mutants.edits import accounts, caches, features, gates, layout, loop, margin, packed, styles, sweeps
from tests.mutants.edits.edit import Edit as Edit

EDITS: tuple[Edit, ...] = (
    *loop.EDITS,
    *accounts.EDITS,
    *features.EDITS,
    *layout.EDITS,
    *gates.EDITS,
    *caches.EDITS,
    *sweeps.EDITS,
    *packed.EDITS,
    *styles.EDITS,
    *margin.EDITS,
)
