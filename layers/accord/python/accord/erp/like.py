"""Patterns of SQL's LIKE, which more than one back office searches with."""


def literal(text: str) -> str:
    """``text`` in a pattern, where it shall mean itself."""
    for char in "\\%_":
        text = text.replace(char, f"\\{char}")
    return text
