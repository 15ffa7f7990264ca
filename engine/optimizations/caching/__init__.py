"""Do it once and keep it."""
