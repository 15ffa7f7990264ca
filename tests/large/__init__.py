"""Markets larger than memory. Run W-large as `python -m tests.large.run`, which `make large` does."""
