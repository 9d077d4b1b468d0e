"""A sale that a person cancelled, shortened or credited in the back office."""

from decimal import Decimal

import pytest

from accord.errors import UnavailableError
from accord.local.world import World
from accord.model.change import Ref
from accord.model.money import Money
from accord.rules.config import Config
from tests.conftest import order_json
from tests.sync.placed import (
    ORDER,
    RICH,
    MakeWorld,
    heard,
    kill_everywhere,
    link_of,
    placed,
    reasons,
    redo,
    say,
    telling,
    told,
)

SALE = Ref("main", "sales_order", "2")
CHANGED = "order_changed_in_erp"
TEN = Money(Decimal("10.00"), "GBP")


def applying() -> Config:
    return telling(erp_changes={"cancelled": "apply", "credited": "apply"})


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(telling())
    placed(world)
    return world


@pytest.fixture
def bold(make_world: MakeWorld) -> World:
    world = make_world(applying())
    placed(world)
    return world


def status(world: World) -> str:
    found: str = world.store.orders["30"]["status"]
    return found


def credit(world: World, amount: Money = TEN) -> None:
    world.erp().post_invoice(SALE)
    world.erp().credit(SALE, amount)


def refunds(world: World) -> list[str]:
    return [each["total"] for each in world.store.orders["30"]["refunds"]]


def credit_notes(world: World) -> int:
    return sum(len(sale["credit_notes"]) for sale in world.books.sales())


# --- cancelled ---------------------------------------------------------------


def test_a_cancelled_sale_is_a_persons(world: World) -> None:
    world.erp().cancel(SALE)
    world.drain()
    assert reasons(world) == [("cancelled_in_erp", "commerce")]
    assert status(world) == "processing"


def test_what_is_asked_once_costs_no_further_message(world: World) -> None:
    world.erp().cancel(SALE)
    world.drain()
    with heard(world) as calls:
        world.poll()
    assert "queues.put" not in calls


def test_a_cancelled_sale_is_settled_when_the_store_cancelled_too(world: World) -> None:
    world.erp().cancel(SALE)
    world.drain()
    world.store.set_status("30", "cancelled")
    world.drain()
    redo(world, SALE, CHANGED)
    assert reasons(world) == []


def test_by_rule_the_store_is_cancelled_too(bold: World) -> None:
    bold.erp().cancel(SALE)
    bold.drain()
    assert status(bold) == "cancelled"
    assert len(told(bold, "Sales order SO-000001 cancelled in main")) == 1
    assert reasons(bold) == []


def test_an_order_reopened_after_that_gets_another_sale(bold: World) -> None:
    bold.erp().cancel(SALE)
    bold.drain()
    bold.store.set_status("30", "processing")
    bold.drain()
    assert [(each["key"], each["state"]) for each in bold.books.sales()] == [
        ("uk-30", "voided"),
        ("uk-30-2", "confirmed"),
    ]


def test_a_completed_order_is_never_cancelled_by_itself(bold: World) -> None:
    bold.store.set_status("30", "completed")
    bold.drain()
    bold.erp().cancel(SALE)
    bold.drain()
    assert status(bold) == "completed"
    assert reasons(bold) == [("cancelled_in_erp", "commerce")]


def test_our_own_cancelling_is_no_news(world: World) -> None:
    world.store.set_status("30", "cancelled")
    with heard(world) as calls:
        world.drain()
    assert "erp.progress" not in calls
    assert reasons(world) == []


def test_a_cancelled_sale_that_is_valid_again_is_a_persons(world: World) -> None:
    world.store.set_status("30", "cancelled")
    world.drain()
    entry = world.books._records.get("sales_order", "2")
    assert entry is not None
    entry.state = "confirmed"
    world.books._records.wrote(entry)
    world.drain()
    assert reasons(world) == [("reopened_in_erp", "commerce")]


def test_killed_at_any_moment_it_is_cancelled_once(make_world: MakeWorld) -> None:
    def begin() -> World:
        world = make_world(applying())
        placed(world)
        return world

    def once(world: World) -> None:
        assert status(world) == "cancelled"
        assert len(told(world, "Sales order SO-000001 cancelled in main")) <= 1
        assert link_of(world).facts["state"] == "voided"
        assert reasons(world) == []

    assert kill_everywhere(begin, lambda world: world.erp().cancel(SALE), once) > 20


# --- confirmed, shortened ----------------------------------------------------


def test_a_quotation_that_a_person_confirmed_is_remembered(make_world: MakeWorld) -> None:
    world = make_world(telling())
    order = order_json("order_created_on_hold_variation")
    world.store.place({**order, "id": 30})
    world.drain()
    link = link_of(world)
    assert link.erp is not None
    assert link.facts["state"] == "quotation"
    record = world.erp().get(link.erp)
    assert record is not None
    from accord.model.documents import State

    world.erp().advance(record, State.CONFIRMED)
    world.drain()
    assert link_of(world).facts["state"] == "confirmed"


def shorten(world: World) -> None:
    entry = world.books._records.get("sales_order", "2")
    assert entry is not None
    assert entry.totals is not None
    entry.totals = {**entry.totals, "gross": "203.02", "net": "194.69"}
    world.books._records.wrote(entry)


@pytest.mark.parametrize("rules", [telling(), applying()])
def test_a_shortened_sale_is_always_a_persons(make_world: MakeWorld, rules: Config) -> None:
    world = make_world(rules)
    placed(world)
    shorten(world)
    world.drain()
    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("shortened_in_erp", "commerce")
    assert "203.02 GBP" in item.message


def test_a_sale_shortened_by_its_credit_note_is_agreed(bold: World) -> None:
    credit(bold)
    bold.drain()
    shorten(bold)
    bold.drain()
    assert reasons(bold) == []


# --- credited ----------------------------------------------------------------


def test_a_credit_note_by_hand_is_finances(world: World) -> None:
    credit(world)
    world.drain()
    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("credited_in_erp", "finance")
    assert "[accord main:credit_note:5]" in item.message
    assert refunds(world) == []


def test_the_proposed_refund_settles_it_and_is_not_credited_again(world: World) -> None:
    credit(world)
    world.drain()
    world.store.refund("30", "10.00", reason="as agreed [accord main:credit_note:5]")
    world.drain()
    redo(world, SALE, CHANGED)
    assert reasons(world) == []
    assert credit_notes(world) == 1


@pytest.mark.parametrize(
    ("amount", "mark", "why"),
    [
        ("10.00", "main:credit_note:6", "is no credit note of order"),
        ("9.00", "main:credit_note:5", "comes to 10.00 GBP, and the refund to 9.00 GBP"),
        ("10.00", "other:credit_note:5", "is no credit note of order"),
    ],
)
def test_a_mark_that_cannot_be_right_is_not_believed(
    world: World, amount: str, mark: str, why: str
) -> None:
    credit(world)
    world.drain()
    world.store.refund("30", amount, reason=f"[accord {mark}]")
    world.drain()

    (item,) = [each for each in world.attention.open() if each.reason == "not_that_credit"]
    assert item.owner == "finance"
    assert why in item.message
    assert world.links.find(Ref("main", "credit_note", "5")) is None


def test_one_credit_note_stands_for_one_refund(world: World) -> None:
    credit(world)
    world.drain()
    for _ in range(2):
        world.store.refund("30", "10.00", reason="[accord main:credit_note:5]")
        world.drain()

    (item,) = [each for each in world.attention.open() if each.reason == "not_that_credit"]
    assert "is tied to uk:refund:" in item.message


def test_by_rule_the_store_gets_a_refund(bold: World) -> None:
    credit(bold)
    bold.drain()
    assert refunds(bold) == ["-10.00"]
    assert credit_notes(bold) == 1
    assert reasons(bold) == []


def test_refund_and_credit_note_are_linked(bold: World) -> None:
    credit(bold)
    bold.drain()
    refund = str(bold.store.orders["30"]["refunds"][0]["id"])
    assert bold.links.find(Ref("main", "credit_note", "5")) == Ref("uk", "refund", refund)
    assert link_of(bold).facts["refunds"] == refund


def test_a_refund_that_a_person_made_already_is_taken_for_it(bold: World) -> None:
    credit(bold)
    bold.store.refund("30", "10.00", reason="[accord main:credit_note:5]")
    bold.drain()
    assert refunds(bold) == ["-10.00"]
    assert credit_notes(bold) == 1


def test_more_than_is_left_is_finances(bold: World) -> None:
    bold.erp().post_invoice(SALE)
    quiet, bold.store.on_change = bold.store.on_change, None  # its webhook is on its way
    bold.store.refund("30", "205.00")
    bold.store.on_change = quiet
    bold.erp().credit(SALE, TEN)
    bold.poll()
    while bold.work():
        pass
    assert ("credit_exceeds", "finance") in reasons(bold)


def test_our_own_credit_note_is_no_news(bold: World) -> None:
    bold.erp().post_invoice(SALE)
    bold.store.refund("30", "10.00")
    bold.drain()
    assert refunds(bold) == ["-10.00"]
    assert credit_notes(bold) == 1
    assert reasons(bold) == []


def test_a_refund_whose_answer_was_lost_is_found(bold: World) -> None:
    create, lost = bold.store.create_refund, [True]

    def create_refund(*args: object, **kwargs: object) -> str:
        made = create(*args, **kwargs)  # type: ignore[arg-type]
        if lost.pop() if lost else False:
            raise UnavailableError("no answer", connection="uk")
        return made

    bold.store.create_refund = create_refund  # type: ignore[method-assign,assignment]
    credit(bold)
    bold.drain()
    assert refunds(bold) == ["-10.00"]


def test_killed_at_any_moment_it_is_refunded_once(make_world: MakeWorld) -> None:
    def begin() -> World:
        world = make_world(applying())
        placed(world)
        return world

    def once(world: World) -> None:
        assert refunds(world) == ["-10.00"]
        assert credit_notes(world) == 1
        refund = str(world.store.orders["30"]["refunds"][0]["id"])
        assert world.links.find(Ref("main", "credit_note", "5")) == Ref("uk", "refund", refund)
        assert refund in link_of(world).facts["refunds"].split(",")
        assert len(told(world, "Credit note CN-000001 of 10.00 GBP")) == 1
        assert reasons(world) == []

    assert kill_everywhere(begin, credit, once) > 40


# --- all of them -------------------------------------------------------------


def test_nothing_due_makes_no_store_call(world: World) -> None:
    say(world, SALE, CHANGED)
    with heard(world) as calls:
        world.drain()
    assert [call for call in calls if call.startswith("store.")] == []


def test_a_shadow_writes_nothing(make_world: MakeWorld) -> None:
    world = make_world(telling(flows={"erp_changes": "shadow"}))
    placed(world, RICH)
    with heard(world) as calls:
        world.erp().cancel(SALE)
        world.drain()
    assert {"store.put_order", "links.save"}.isdisjoint(calls)
    assert reasons(world) == []
    assert any("shadow: ask: cancelled in main" in each.text for each in world.journal.of(ORDER))


def test_a_shadow_asks_nothing_of_what_is_gone_on_both_sides(make_world: MakeWorld) -> None:
    world = make_world(telling(flows={"erp_changes": "shadow"}))
    placed(world, RICH)
    world.erp().cancel(SALE)
    world.erp().delete(SALE)
    world.store.delete("30")
    say(world, SALE, CHANGED)
    world.drain()

    (*_, last) = (each.text for each in world.journal.of(ORDER) if "shadow" in each.text)
    assert "nothing due" in last
