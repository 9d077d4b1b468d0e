"""What random lives of orders and customers brought to light; each was silent before."""

import copy
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.memory.adapter import memory_like
from accord.errors import DuplicateError, TransientError, UnavailableError
from accord.local.world import KilledError, World
from accord.model.change import Ref
from accord.ports.state import Step
from accord.state.memory import MemorySteps
from accord.sync.steps import Promise, Result, Writer
from tests.conftest import order_json
from tests.sync.conftest import START, config, paying

RICH = order_json("order_created_rich")
ON_HOLD = order_json("order_created_on_hold_variation")
MakeWorld = Callable[..., World]


HOUR = dt.timedelta(hours=1)


def place(world: World, order: dict[str, Any] = RICH) -> str:
    id_ = world.store.place(order)
    world.drain(HOUR)
    return id_


def then(world: World, act: Callable[..., object], *args: Any, **fields: Any) -> None:
    """Somebody acts, and all that follows is done."""
    act(*args, **fields)
    world.drain(HOUR)


def reasons(world: World) -> list[str]:
    return [item.reason for item in world.attention.open()]


def payments(world: World) -> list[Decimal]:
    return [Decimal(each["amount"]) for sale in world.books.sales() for each in sale["payments"]]


def states(world: World) -> list[str]:
    return [sale["state"] for sale in world.books.sales()]


# --- orders ------------------------------------------------------------------


def test_a_document_whose_order_is_back_on_pending_is_made_anew_and_stands(world: World) -> None:
    id_ = place(world)
    then(world, world.store.set_status, id_, "pending")

    then(world, world.store.edit, id_, customer_note="ring twice")

    assert states(world) == ["voided", "confirmed"]


def test_what_was_made_anew_for_a_pending_order_is_cancelled_with_it(world: World) -> None:
    id_ = place(world)
    then(world, world.store.set_status, id_, "pending")
    then(world, world.store.edit, id_, customer_note="ring twice")

    then(world, world.store.set_status, id_, "cancelled")
    then(world, world.store.set_status, id_, "pending")

    assert states(world) == ["voided", "voided"]


def test_more_paid_back_than_was_received_is_finances(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    then(world, world.store.set_status, id_, "cancelled")
    then(world, world.store.edit_line, id_, line, total="100.00")

    then(world, world.store.set_status, id_, "refunded")

    assert sum(payments(world)) < 0
    assert reasons(world) == ["paid_back_too_much"]


def test_what_was_given_back_before_it_was_paid_is_not_paid_back_later(
    make_world: MakeWorld,
) -> None:
    world = make_world(paying())
    id_ = place(world, {**RICH, "status": "on-hold", "date_paid": None, "date_paid_gmt": None})
    then(world, world.store.set_status, id_, "cancelled")
    then(world, world.store.refund, id_, "10.00")
    world.store.set_status(id_, "processing", paid=True)
    world.work()  # the order is; its refund waits to be credited
    assert payments(world) == [Decimal(RICH["total"]) - 10]

    then(world, world.store.set_status, id_, "cancelled")

    total = Decimal(RICH["total"])
    assert payments(world) == [total - 10]


def test_a_quotation_that_a_person_cancelled_is_asked_about_also_after_an_edit(
    world: World,
) -> None:
    id_ = place(world, ON_HOLD)
    link = world.links.get(Ref("uk", "order", id_))
    assert link is not None
    assert link.erp is not None
    world.erp().cancel(link.erp)

    world.store.edit(id_, customer_note="ring twice")
    world.drain(HOUR)

    assert "cancelled_in_erp" in reasons(world)
    assert world.waiting.causes() == []


def test_money_of_a_closed_period_is_not_forgotten_in_another_status(
    make_world: MakeWorld,
) -> None:
    rules = paying().stores["uk"].orders.model_copy(update={"closed_period": "ask"})
    uk = paying().stores["uk"].model_copy(update={"orders": rules})
    world = make_world(paying().model_copy(update={"stores": {"uk": uk}}))
    world.erp().close_period(START.date())
    id_ = place(world, {**RICH, "date_paid_gmt": START.strftime("%Y-%m-%dT%H:%M:%S")})
    assert reasons(world) == ["closed_period"]

    then(world, world.store.set_status, id_, "pending")

    assert reasons(world) == ["closed_period"]


def test_a_refund_that_the_turn_of_another_one_saw_first_is_credited(world: World) -> None:
    id_ = place(world)
    world.copies = lambda _: 0
    world.store.refund(id_, "3.00")
    told_of_one = copy.deepcopy(world.store.orders[id_])
    world.store.refund(id_, "4.00")
    world.receive("order.updated", told_of_one)
    world.work()  # the order is; its first refund's turn reads what the second delivery will say
    world.work()

    then(world, world.receive, "order.updated", world.store.orders[id_])

    (sale,) = world.books.sales()
    assert [note["totals"]["gross"] for note in sale["credit_notes"]] == ["3.00", "4.00"]


def test_a_person_stays_asked_though_an_older_delivery_of_the_second_comes_late(
    world: World,
) -> None:
    id_ = place(world)
    then(world, world.store.refund, id_, "3.00")
    world.copies = lambda _: 0
    world.store.set_status(id_, "pending")
    older = copy.deepcopy(world.store.orders[id_])
    world.store.set_status(id_, "cancelled")
    world.receive("order.updated", world.store.orders[id_])
    world.work()
    assert reasons(world) == ["credited"]

    then(world, world.receive, "order.updated", older)

    assert reasons(world) == ["credited"]


# --- customers -----------------------------------------------------------------


def account(world: World) -> str:
    """An account that nobody told us of, in York."""
    copies, world.copies = world.copies, lambda _: 0
    address = {"first_name": "Ada", "last_name": "Byron", "address_1": "1 Row", "country": "GB"}
    id_ = world.store.add_customer(
        email="ada@example.com",
        first_name="Ada",
        last_name="Byron",
        billing={**address, "city": "York", "postcode": "YO1 7HH", "email": "ada@example.com"},
        shipping={**address, "city": "York", "postcode": "YO1 7HH"},
    )
    world.copies = copies
    return id_


def order_of(world: World, id_: str, **shipping: str) -> dict[str, Any]:
    """An order of the account's shopper."""
    held = world.store.customers[id_]
    return {
        **ON_HOLD,
        "customer_id": int(id_),
        "billing": held["billing"],
        "shipping": {**held["shipping"], **shipping},
        "meta_data": [],
    }


def shown(world: World, id_: str) -> Any:
    """What the back office holds of the account's party."""
    link = world.links.get(Ref("uk", "customer", id_))
    assert link is not None
    assert link.erp is not None
    found = world.erp().profile(link.erp)
    assert found is not None
    return found[0]


def test_a_party_made_of_an_order_learns_what_the_account_says(world: World) -> None:
    id_ = account(world)
    place(world, order_of(world, id_, city="Leeds", postcode="LS1 4AP"))

    then(world, world.store.edit_customer, id_)

    assert shown(world, id_).shipping.city == "York"


def test_what_a_person_filled_in_before_the_account_was_told_of_reaches_it(world: World) -> None:
    id_ = account(world)
    world.store.place(order_of(world, id_))
    world.drain_until(START + dt.timedelta(seconds=5))  # no poll has told of the party yet
    (party,) = world.books.parties()
    world.erp().edit_party(party["key"], vat_number="GB123456789")

    then(world, world.store.edit_customer, id_)

    profile = world.store.customer(world.store.customers[id_]).profile
    assert profile.vat_number == "GB123456789"


def test_an_unseen_party_of_ours_is_waited_for_and_not_made_again(make_world: MakeWorld) -> None:
    world = make_world(config(), adapter=memory_like("refused", search_lag=dt.timedelta(seconds=9)))
    deaths = iter(["after erp.create"])

    def kill(call: str) -> None:
        if call == "after erp.create" and next(deaths, None):
            raise KilledError(call)

    world.hook = kill
    world.store.place(ON_HOLD)
    world.drain_until(START + dt.timedelta(seconds=1))
    world.hook = lambda _: None
    world.drain(HOUR)

    assert len(world.books.parties()) == 1


# --- steps ---------------------------------------------------------------------


def test_what_is_refused_as_a_duplicate_of_ours_is_looked_for_until_it_is_shown() -> None:
    now, steps = [START], MemorySteps()
    made_at: list[dt.datetime] = []
    lag = dt.timedelta(seconds=5)

    def find(_: Step) -> Result | None:
        return {"n": 1} if made_at and now[0] >= made_at[0] + lag else None

    def do(_: Step) -> Result:
        if made_at:
            raise DuplicateError("it is there")
        made_at.extend([now[0]] if now[0] > START else [])
        raise UnavailableError("no answer")

    promise = Promise("refused", dt.timedelta(seconds=30), lag)
    writer = Writer(steps, lambda: now[0], lambda: False)
    for seconds in (0, 600, 601):  # the first came to nothing, the second did not
        now[0] = START + dt.timedelta(seconds=seconds)
        with pytest.raises(TransientError):
            writer.once("k", promise, find=find, do=do)
    now[0] += lag

    assert writer.once("k", promise, find=find, do=do) == {"n": 1}
