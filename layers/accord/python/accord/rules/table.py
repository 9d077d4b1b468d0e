"""What every table of accord.toml is made of."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Flow = Literal["off", "shadow", "on"]
Code = Annotated[str, Field(min_length=1)]


def wrong(message: str, remedy: str, *, path: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """The error of one value; ``path`` leads from the checked table to it where that is deeper."""
    context = {"said": message, "remedy": remedy, "path": path}
    return PydanticCustomError("accord", "{said}. {remedy}", context)


class Table(BaseModel):
    """A table of accord.toml: frozen, and strict about its keys.

    The text under a field is its description; ``rules.describe`` reads it when one is asked for,
    because pydantic's own reading costs every start of a function 12 ms.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
