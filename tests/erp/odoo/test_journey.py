"""A delivery becomes a sales order in Odoo, once, whatever happens on the way."""

from typing import Any

import httpx
import pytest

from accord.local.world import KilledError
from tests.conftest import order_json
from tests.erp.odoo.world import OdooWorld
from tests.sync.conftest import paying

RICH = order_json("order_created_rich")
SKUS = sorted({line["sku"] for line in RICH["line_items"] if line["sku"]})


def world(version: int = 17) -> OdooWorld:
    return OdooWorld(paying(), SKUS, version=version)


def assert_once(world: OdooWorld) -> None:
    (order,) = world.orders()
    assert (order["state"], order["amount_total"]) == ("sale", 213.02)
    assert len(world.payments()) == 1
    assert len(world.partners()) == 1
    assert len(world.store.notes["30"]) == 1
    assert world.attention.open() == []
    assert world.waiting.causes() == []


@pytest.mark.parametrize("version", [16, 17, 18, 19])
def test_a_delivery_becomes_a_confirmed_order_with_its_payment(version: int) -> None:
    here = world(version)

    here.deliver(RICH)
    here.drain()

    assert_once(here)


def test_an_order_of_a_known_customer_takes_three_calls() -> None:
    here = world()
    here.deliver(RICH)
    here.drain()
    before = sum(here.odoo.calls.values())

    here.deliver({**RICH, "id": 31, "number": "31", "payment_method": "cod"})
    here.work()

    spent = sum(here.odoo.calls.values()) - before
    assert [order["state"] for order in here.orders()] == ["sale", "sale"]
    assert spent == 3


def moments_of() -> list[str]:
    """Every moment at which a worker may die while it posts one new paid order."""
    here = world()
    moments: list[str] = []
    here.hook = moments.append
    here.deliver(RICH)
    here.drain()
    return moments


def test_killed_at_any_moment_it_is_done_once() -> None:
    moments = moments_of()
    assert {"before erp.create", "after erp.create", "after erp.advance"} <= set(moments)

    for fatal in range(len(moments)):
        here = world()
        passed = iter(range(len(moments) + 1))

        def kill(_: str, fatal: int = fatal, passed: Any = passed) -> None:
            if next(passed, None) == fatal:
                raise KilledError(moments[fatal])

        here.hook = kill
        here.deliver(RICH)
        here.drain()
        assert_once(here)


WRITES = (
    "res.partner.load",
    "sale.order.load",
    "sale.order.action_confirm",
    "account.payment.create",
    "account.payment.action_post",
)


def lost(_: str) -> httpx.Response | None:
    raise httpx.ReadTimeout("the answer is lost")


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("done", [False, True])
def test_an_answer_that_is_lost_is_asked_for_again(write: str, *, done: bool) -> None:
    here = world()
    left = [write]

    def lose(call: str) -> httpx.Response | None:
        if call in left:
            left.remove(call)
            return lost(call)
        return None

    if done:
        here.odoo.after = lose
    else:
        here.odoo.hook = lose
    here.deliver(RICH)
    here.drain()

    assert left == []
    assert_once(here)


@pytest.mark.parametrize("write", ["res.partner.load", "sale.order.load"])
def test_what_arrives_late_changes_nothing(write: str) -> None:
    """A request that nobody waits for any more takes effect after its repetition did."""
    here = world()
    kept: list[httpx.Request] = []
    name = '"{}","{}"'.format(*write.rsplit(".", 1)).encode()

    def keep(request: httpx.Request) -> httpx.Response:
        if name in request.content and not kept:
            kept.append(request)
            raise httpx.ReadTimeout("nobody waits for it any more")
        return here.odoo(request)

    here.answer = keep
    here.deliver(RICH)
    here.drain()
    assert_once(here)
    lines = here.odoo.call("sale.order.line", "search_read", [], ["name"])

    late = here.odoo(kept[0])

    assert "error" not in late.json()
    assert_once(here)
    assert here.odoo.call("sale.order.line", "search_read", [], ["name"]) == lines


def test_odoo_that_is_away_is_waited_for() -> None:
    here = world()
    away = [httpx.Response(503)] * 5
    here.odoo.hook = lambda _: away.pop() if away else None

    here.deliver(RICH)
    here.drain()

    assert away == []
    assert_once(here)
