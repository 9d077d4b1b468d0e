"""How large an attention item may be, for every implementation. Pure."""

from dataclasses import astuple, replace

from accord.ports.state import Item

_LARGEST = 4000  # bytes of UTF-8: 4 KB with room for the names of the attributes and two times
_TIMES = 200


def bounded(item: Item) -> Item:
    """``item`` with its message cut, and an ellipsis put, where the whole would exceed 4 KB."""
    texts = (value for value in astuple(replace(item, message="")) if isinstance(value, str))
    room = max(_LARGEST - _TIMES - sum(len(text.encode(errors="replace")) for text in texts), 100)
    message = item.message.encode(errors="replace")
    if len(message) <= room:
        return item
    # The ellipsis takes three bytes; a character that was cut in two is dropped.
    return replace(item, message=message[: room - 3].decode(errors="ignore") + "…")
