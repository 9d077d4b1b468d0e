"""The settings of an Odoo connection in accord.toml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from accord.model.item import Lifecycle


class Options(BaseModel):
    """``[erps.<name>.options]``: which database, and where in it orders go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: str = Field(min_length=1)
    """The database's name."""
    user: str = Field(min_length=1)
    """The login that the API key in the secret belongs to. It needs an e-mail address."""
    company: str | None = None
    """Name of the company, where the user may see more than one."""
    warehouse: str | None = None
    """Code or name of the warehouse that ships; without it, Odoo chooses the company's first."""
    language: str = Field(default="en_US", pattern=r"^[a-z]{2,3}(_[A-Z]{2})?(@[a-z]+)?$")
    """The language, as Odoo codes it, in which names of items, taxes and the like are read and
    written. Another one than English must be installed there."""
    api: Literal["auto", "json-rpc", "json-2"] = "auto"
    """How it is spoken to. `auto` takes JSON-2 from Odoo 19 on, and JSON-RPC before."""
    accounts: dict[str, str] = Field(default_factory=dict)
    """Ledger account → the code of a service item that books there. Odoo sells nothing without an
    item, so an amount that is mapped to an account needs one."""
    lifecycle: dict[str, Lifecycle] = Field(default_factory=dict)
    """Category's name → the part of its life that an item in it is in: `end_of_line`, `clearance`.
    What is archived or not sold is known without."""
