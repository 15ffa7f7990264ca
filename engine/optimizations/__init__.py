"""The optimizations: a folder a focus, a file an optimization. None imports another."""
