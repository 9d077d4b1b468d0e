"""What is written to a back office follows from the flows that are not off."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from accord.model.documents import Kind
from accord.rules.config import Config
from accord.rules.written import written

EXAMPLE = Path(__file__).parents[2] / "accord.toml"
ORDERS = {Kind.SALES_ORDER, Kind.PARTY, Kind.CREDIT_NOTE, Kind.PAYMENT}


def config(flows: dict[str, str], **changes: Any) -> Config:
    """The example with these flows of its store, and no other."""
    table = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    (name,) = table["stores"]
    table["stores"][name] |= {"flows": flows, **changes}
    return Config.model_validate(table)


def erp_of(config: Config) -> str:
    (name,) = config.erps
    return name


@pytest.mark.parametrize(
    ("flows", "kinds"),
    [
        ({"orders": "on"}, ORDERS),
        ({"orders": "shadow"}, ORDERS),
        ({"customers": "on"}, {Kind.PARTY}),
        ({"stock": "on", "prices": "on", "fulfilment": "on"}, set()),
        ({"products": "on"}, set()),  # the back office leads
    ],
)
def test_only_what_a_flow_writes_is_written(flows: dict[str, str], kinds: set[Kind]) -> None:
    of = config(flows)

    assert written(of, erp_of(of)) == kinds
    assert written(of, "another") == set()


def test_items_are_written_where_the_store_leads() -> None:
    of = config({"products": "on"}, catalogue={"owner": "store"})

    assert written(of, erp_of(of)) == {Kind.ITEM}


def test_no_payment_is_written_where_no_rule_records_one() -> None:
    of = config({"orders": "on"})
    (store,) = of.stores.values()
    unrecorded = {
        name: rule.model_copy(update={"record": False})
        for name, rule in store.mappings.payments.items()
    }
    mappings = store.mappings.model_copy(update={"payments": unrecorded})
    stores = {"uk": store.model_copy(update={"mappings": mappings})}

    found = written(of.model_copy(update={"stores": stores}), erp_of(of))

    assert found == ORDERS - {Kind.PAYMENT}
