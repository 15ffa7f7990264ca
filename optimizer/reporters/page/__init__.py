"""The parts of the report: each is made from the documents that a run has left, and from nothing else."""
