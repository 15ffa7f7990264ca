"""A tiny engine with faults that the profiles have to find."""
