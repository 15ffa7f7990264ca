"""Profilers of the control."""
