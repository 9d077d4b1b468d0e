"""External keys: by what a back office knows a document of ours, in a field of its own.

``uk-1042`` is order 1042 of the store whose key is ``uk``; ``uk-1042-2`` the document that was
made after that one was cancelled; ``uk-1042-r7`` what stands for its refund 7; ``uk-1042-b1`` its
first return of goods. People read them, so they are short, and no part of them is a number that a
plugin may change.
"""

import re

_GENERATION = re.compile(r"(?P<first>[^-]+-\d+)-\d+")


def order_key(store: str, order: str) -> str:
    """Of the order's first document. ``store`` is the store's key, ``order`` its id there."""
    return f"{store}-{order}"


def document_key(key: str, generation: int) -> str:
    """Of the ``generation``-th document of the order with ``key``, counted from 1."""
    return key if generation == 1 else f"{key}-{generation}"


def refund_key(key: str, refund: str) -> str:
    """Of a refund. Its id is the store's own and never used again, whatever document it credits."""
    return f"{key}-r{refund}"


def return_key(key: str, nth: int) -> str:
    """Of the order's ``nth`` return of goods, counted from 1."""
    return f"{key}-b{nth}"


def payment_key(key: str) -> str:
    """Of the money of an order or a refund, which moves once, however many documents there were."""
    return f"{key}:payment"


def first_generation(key: str) -> str:
    """The order's key, of a document's key of any generation."""
    found = _GENERATION.fullmatch(key)
    return found["first"] if found else key


def order_of_refund(key: str) -> str:
    """The key of the order whose refund has ``key``; empty where it is no refund's."""
    order, _, id_ = key.rpartition(refund_key("", ""))
    # A store's ids are numbers: what a person named "uk-30-return" is not ours.
    return order if id_.isascii() and id_.isdigit() else ""


def of_same_store(text: str, order_key: str) -> str | None:
    """``text``, if it begins as the order's key does; a person may have written anything there."""
    store, dash, _ = order_key.partition("-")
    return text if dash and text.startswith(store + dash) else None
