"""Use every core."""
