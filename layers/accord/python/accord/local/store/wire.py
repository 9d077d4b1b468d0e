"""Refusals and answers, and how WordPress words them."""

from dataclasses import dataclass, field
from typing import Any


class Refusal(Exception):  # noqa: N818 (not an error of ours: what the store answers)
    """An error object of the REST API. ``data`` is more of its data, or the whole of it.

    ``known`` says that the asker's key is known; ``bare``, that the answer names no methods.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        data: object = None,
        *,
        known: bool = False,
        bare: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.data = data
        self.known = known
        self.bare = bare

    def body(self, status: int | None = None) -> dict[str, Any]:
        """The error object. In a batch, ``status`` stands in place of its own."""
        data: object = {"status": status or self.status}
        if isinstance(self.data, dict):
            data = {"status": status or self.status, **self.data}
        elif self.data is not None:
            data = self.data
        return {"code": self.code, "message": self.message, "data": data}


@dataclass(slots=True)
class Answer:
    """A success. ``body`` is a document, or bytes that are sent as they are."""

    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def invalid_param(name: str, message: str, code: str, data: object = None) -> Refusal:
    """400: a parameter that the route's schema does not take."""
    return Refusal(
        400,
        "rest_invalid_param",
        f"Invalid parameter(s): {name}",
        {
            "params": {name: message},
            "details": {name: {"code": code, "message": message, "data": data}},
        },
    )


def not_one_of(name: str, allowed: list[str]) -> Refusal:
    """400: not a member of an enumeration, which the message lists."""
    listed = ", ".join(allowed[:-1]) + f", and {allowed[-1]}"
    return invalid_param(name, f"{name} is not one of {listed}.", "rest_not_in_enum")


def wrong_type(name: str, type_: str) -> Refusal:
    """400: not of the type that the schema wants."""
    message = f"{name} is not of type {type_}."
    return invalid_param(name, message, "rest_invalid_type", {"param": name})
