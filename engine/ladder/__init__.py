"""Scenarios of the speed ladder: what declared and plain strategies can do beside the first golden set."""

from engine.ladder.declared import DECLARED, DECLARED_WORKLOADS
from engine.ladder.slices import SLICED, SLICED_WORKLOADS

LADDER = (*DECLARED, *SLICED)
LADDER_WORKLOADS = (*DECLARED_WORKLOADS, *SLICED_WORKLOADS)
