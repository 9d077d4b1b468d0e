"""`accord`: the command line."""
