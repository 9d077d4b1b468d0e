"""`accord bench`: faults on purpose, and what a pass costs."""


def bench() -> None:
    """Placeholder while it is being built."""
