"""The reference: one component a file, in plain Python. It is the meaning of the program."""
