"""[digest] of accord.toml: the daily mail to each desk."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from accord.rules.table import Table, wrong

_TIME = r"^([01]\d|2[0-3]):[0-5]\d$"


def _time(text: str) -> str:
    if not re.fullmatch(_TIME, text):
        raise wrong(f"{text!r} is no time of day", "Write hours and minutes: 05:30.")
    return text


class Digest(Table):
    """What is open, to each desk's topic, once a day."""

    at: Annotated[str, AfterValidator(_time), Field(json_schema_extra={"pattern": _TIME})] = "05:30"
    """When it is sent: a time of day in UTC."""
    when_empty: bool = False
    """Also where nothing is open, so that a desk knows that it is looked after."""
