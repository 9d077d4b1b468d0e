"""How a number is said with what it counts, and what comes before a word."""


def number_of(count: int, one: str, many: str = "") -> str:
    """``1 story``, ``1,000 stories``. ``many`` where an s does not make it: ``stories``."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def one(word: str) -> str:
    """``an order``, ``a refund``."""
    return f"an {word}" if word[:1] in set("aeio") else f"a {word}"
