"""How large an item or a document may be, and what a token is, for every implementation."""

import secrets
from dataclasses import astuple, replace

from accord.errors import PermanentError
from accord.model.progress import Attachment
from accord.ports.state import LARGEST_DOCUMENT, Item

_LARGEST = 4000  # bytes of UTF-8: 4 KB with room for the names of the attributes and two times
_TIMES = 200


def opened(item: Item) -> Item:
    """``item`` as it is stored while it is open: bounded, and without what closed it."""
    return bounded(replace(item, closed_at=None, closed_by="", closed_why="", dismissed=""))


def bounded(item: Item) -> Item:
    """``item`` with its message cut, and an ellipsis put, where the whole would exceed 4 KB."""
    texts = (value for value in astuple(replace(item, message="")) if isinstance(value, str))
    room = max(_LARGEST - _TIMES - sum(len(text.encode(errors="replace")) for text in texts), 100)
    message = item.message.encode(errors="replace")
    if len(message) <= room:
        return item
    # The ellipsis takes three bytes; a character that was cut in two is dropped.
    return replace(item, message=message[: room - 3].decode(errors="ignore") + "…")


def fitting(object_name: str, attachment: Attachment) -> Attachment:
    """``attachment``. Raises: PermanentError: it is too large to be answered with."""
    if len(attachment.data) > LARGEST_DOCUMENT:
        raise PermanentError(
            f"{object_name}: the document has {len(attachment.data):,} bytes, and a link serves at "
            f"most {LARGEST_DOCUMENT:,}; print it with smaller images, or switch its link off",
            reason="document_too_large",
        )
    return attachment


def new_token() -> str:
    """32 random bytes, as 43 letters, digits, ``-`` and ``_``."""
    return secrets.token_urlsafe(32)
