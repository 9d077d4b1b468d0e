"""The settings of a Tryton connection in accord.toml."""

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """``[erps.<name>.options]``: which database, and where in it orders go."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    database: str = Field(min_length=1, pattern=r"^[^/?#]+$")
    """The database's name."""
    web_shop: str = Field(min_length=1)
    """Name of the web shop (module web_shop) that orders belong to. Its id and the order's key are
    unique together: that is what keeps an order from being made twice."""
    company: str | None = None
    """Name of the company; without it, the user's own."""
    warehouse: str | None = None
    """Code or name of the warehouse that ships; without it, the web shop's first."""
    price_digits: int = Field(default=4, ge=2, le=8)
    """Digits of a unit price, as `price_decimal` in the server's own configuration says."""
