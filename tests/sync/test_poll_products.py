"""What no webhook told of a product is found; our own writes to it cost no message."""

import datetime as dt
from random import Random
from typing import Any

import httpx
import pytest

from accord.errors import UnavailableError
from accord.model.change import Change
from accord.sync.poll_products import ProductPoller
from accord.sync.product_echo import QUIET
from accord.sync.told import GRACE
from tests.sync.shopfront import UK, Shopfront
from tests.sync.test_products import PRICE, shown

MINUTE = dt.timedelta(minutes=1)
OWNS: dict[str, Any] = {"catalogue": {"owner": "store"}, "flows": {"stock": "off", "prices": "off"}}


def poller(front: Shopfront) -> ProductPoller:
    return ProductPoller(
        name=UK,
        rules=front.rules,
        store=front.shop,
        links=front.links,
        levels=front.levels,
        control=front.control,
        queues=front.queue,
        clock=front.clock,
        random=Random(1),
    )


def poll(front: Shopfront, after: dt.timedelta = GRACE + MINUTE) -> list[Change]:
    """What is queued by a run, that long after what was done before."""
    front.clock.now += after
    poller(front).read(until=front.clock() + MINUTE)
    return [change for change in front.queued() if change.event == "product_updated"]


def ids(front: Shopfront, *skus: str) -> list[str]:
    return [str(front.product(sku)["id"]) for sku in skus]


# --- the back office leads ----------------------------------------------------------


def test_what_we_wrote_ourselves_costs_no_message() -> None:
    front = Shopfront()
    skus = [f"S{number}" for number in range(250)]
    for sku in skus:
        front.shop.add_product(sku)
    front.stock(dict.fromkeys(skus, 30))
    front.want("price", dict.fromkeys(skus, PRICE))
    front.flush_all()
    front.flush_all("price")
    front.queued()

    assert poll(front) == []


def test_a_correction_by_hand_that_nobody_told_of_is_found_once() -> None:
    front = shown(50)
    poll(front)
    front.shop.set_stock("MUG", 40)

    assert [change.ref.id for change in poll(front)] == ids(front, "MUG")
    assert poll(front) == []


def test_a_price_by_hand_that_nobody_told_of_is_found() -> None:
    front = shown(50)
    poll(front)
    front.shop.set_price("MUG", "1.00")

    assert [change.ref.id for change in poll(front)] == ids(front, "MUG")


def test_what_was_found_is_handled_like_a_webhook() -> None:
    front = shown(50)
    poll(front)
    front.shop.set_stock("MUG", 40)
    (change,) = poll(front)
    front.clock.now += QUIET  # no order tells of a sale

    done = front.products().post(change, front.run(attempt=2))

    assert [ask.reason for ask in done.asks] == ["stock_corrected"]


def test_a_product_of_the_last_moments_is_left_to_its_webhook() -> None:
    front = shown(50)
    poll(front)
    front.shop.set_stock("MUG", 40)

    assert poll(front, after=MINUTE) == []
    assert len(poll(front, after=2 * MINUTE)) == 1


def test_a_product_that_was_made_anew_is_found_where_it_is() -> None:
    front = shown(50)
    poll(front)
    front.shop.delete_product("MUG")
    front.shop.add_product("MUG", quantity=50)

    assert [change.ref.id for change in poll(front)] == ids(front, "MUG")


def test_a_variation_is_found_by_its_own_change() -> None:
    front = Shopfront()
    parent = front.shop.add_product("SHIRT", quantity=None, type="variable")
    front.shop.add_product("SHIRT-S", parent=parent)
    front.stock({"SHIRT-S": 9})
    front.flush()
    poll(front)
    front.shop.set_stock("SHIRT-S", 3)

    assert [change.ref.id for change in poll(front)] == ids(front, "SHIRT-S")


def test_what_is_not_sent_by_the_back_office_is_nobodys_business() -> None:
    front = Shopfront()
    front.shop.add_product("OURS-NOT")

    assert poll(front) == []


def test_a_store_that_lists_no_variations_is_read_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front = shown(50)
    poll(front)
    front.shop.set_stock("MUG", 40)
    asked = front.shop._request

    def old(method: str, path: str, json: object) -> httpx.Response:
        if path.startswith("variations"):
            body = {"code": "rest_no_route", "message": "No route.", "data": {"status": 404}}
            request = httpx.Request(method, "https://store.example")
            return httpx.Response(404, json=body, request=request)
        return asked(method, path, json)

    monkeypatch.setattr(front.shop, "_request", old)

    assert [change.ref.id for change in poll(front)] == ids(front, "MUG")


def test_a_store_that_does_not_answer_leaves_the_cursor_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front = shown(50)
    poll(front)
    front.shop.set_stock("MUG", 40)
    asked = front.shop.products_since

    def away(**_: Any) -> Any:
        raise UnavailableError("off", connection=UK)

    monkeypatch.setattr(front.shop, "products_since", away)
    with pytest.raises(UnavailableError):
        poll(front)
    monkeypatch.setattr(front.shop, "products_since", asked)

    assert [change.ref.id for change in poll(front)] == ids(front, "MUG")


# --- the store leads -------------------------------------------------------------------


def test_where_the_store_leads_a_new_product_becomes_an_item() -> None:
    front = Shopfront(**OWNS)
    front.shop.add_product("MUG", price="12.50", status="publish")

    (change,) = poll(front)
    front.products().post(change, front.run())

    assert list(front.erp.find_items(["MUG"])) == ["MUG"]


def test_where_the_store_leads_what_its_item_was_told_costs_no_message() -> None:
    front = Shopfront(**OWNS)
    front.shop.add_product("MUG", price="12.50", status="publish")
    for change in poll(front):
        front.products().post(change, front.run())

    assert poll(front) == []
    front.shop.set_stock("MUG", 3)  # which is not the item's
    assert poll(front) == []
    front.shop.edit_product("MUG", name="A bigger mug")
    assert [change.ref.id for change in poll(front)] == ids(front, "MUG")


@pytest.mark.parametrize(
    ("tables", "needed"),
    [
        ({}, True),
        ({"flows": {"stock": "off", "prices": "off", "products": "off"}}, False),
        (OWNS, True),
        ({**OWNS, "flows": {"stock": "off", "prices": "off", "products": "off"}}, False),
    ],
)
def test_products_are_read_only_where_a_flow_listens(
    tables: dict[str, Any], *, needed: bool
) -> None:
    assert poller(Shopfront(**tables)).is_needed() is needed
