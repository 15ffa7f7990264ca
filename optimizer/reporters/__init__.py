"""Reporters tell what a run found. They never measure."""
