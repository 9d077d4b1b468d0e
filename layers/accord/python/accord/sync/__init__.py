"""The flows: one change in, one outcome out. No I/O of their own."""
