"""The settings of a Xero connection in accord.toml."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from accord.erp.xero.wire import is_id
from accord.rules.table import wrong


def _organisation(tenant: str) -> str:
    if not is_id(tenant):
        raise wrong(
            f"{tenant!r} is not the id of an organisation",
            "Write its id, as `accord connect` shows it when you consented for several, or leave "
            "tenant out.",
        )
    return tenant.lower()


class Options(BaseModel):
    """``[erps.<name>.options]``: which organisation, and how its documents are made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: Annotated[str, AfterValidator(_organisation)] | None = None
    """The organisation's id, where the consent was given for more than one. Without it: the one
    that was consented for."""
    due_days: int = Field(default=14, ge=0, le=365)
    """Days from an order's date to the day that its invoice is due, where no payment terms are
    named. Terms are named by their days: `30 days`."""
    prices: Literal["without tax", "with tax"] = "without tax"
    """What the lines of an invoice show. The totals are the same to the cent."""
    sales_account: str | None = Field(default=None, min_length=1)
    """Ledger account, by code or name, of items that have no sales account of their own."""
    tracking: dict[str, str] = Field(default_factory=dict, max_length=2)
    """Tracking category → the option that every line bears: `Channel = "Web shop"`."""
    location: str = Field(default="MAIN", min_length=1)
    """What `stock.locations` calls the only place there is: Xero keeps one number for all of the
    organisation."""
    prices_include_tax: bool = False
    """Whether the sale prices of items hold tax: Xero's items do not say."""
    untracked: Literal["services", "goods"] = "services"
    """What items are of which Xero counts no stock. The shop asks no address for a service."""
    inventory_account: str | None = None
    """Ledger account of the value of the stock. With `cost_account`, Xero counts the stock of goods
    that the shop's catalogue brings."""
    cost_account: str | None = None
    """Ledger account of the cost of what was sold."""

    @model_validator(mode="after")
    def _counts_stock(self) -> Self:
        named = {each: getattr(self, each) for each in ("inventory_account", "cost_account")}
        lacking = [name for name, account in named.items() if not account]
        if len(lacking) == 1:
            raise wrong(
                f"{lacking[0]} is missing, and without it Xero counts no stock of what the shop's "
                "catalogue brings, which cannot be changed later",
                "Name both inventory_account and cost_account, or neither.",
            )
        return self
