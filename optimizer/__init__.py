"""Exact Change: holds faster variants of an engine to its reference, bit for bit, and measures them."""
