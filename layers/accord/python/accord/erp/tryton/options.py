"""The settings of a Tryton connection in accord.toml."""

from pydantic import BaseModel, ConfigDict, Field

from accord.model.item import Lifecycle


class Options(BaseModel):
    """``[erps.<name>.options]``: which database, and where in it orders go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    lifecycle: dict[str, Lifecycle] = Field(default_factory=dict)
    """Category's name → the part of its life that an item in it is in: `end_of_line`, `clearance`.
    What is archived or not sold is known without."""
    item_unit: str = "Unit"
    """Name or symbol of the unit of items that the store's catalogue brings."""
    item_category: str | None = None
    """Name of the accounting category of those items, where their taxes choose no other."""
