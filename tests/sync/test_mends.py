"""What a person says of a field holds on every later pass, and changes nothing in the store."""

import copy
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import BadInputError, BusyError
from accord.local.world import World
from accord.model.change import Ref
from accord.model.party import Profile
from accord.ports.state import Mend, Seen
from accord.rules.refunds import credited
from accord.sync import mends
from accord.sync.acts import Target
from accord.sync.fingerprint import content
from accord.sync.mends import mended, mended_profile
from tests.conftest import order_json
from tests.sync.acting import asked, lift, mend
from tests.sync.conftest import START, config
from tests.sync.shoppers import ADA, Shoppers

RICH = order_json("order_created_rich")
ORDER = Ref("uk", "order", "30")
HERE = str(ORDER)
MakeWorld = Callable[..., World]
A_WHILE = dt.timedelta(minutes=3)


def without_sku() -> dict[str, Any]:
    order = copy.deepcopy(RICH)
    order["line_items"][2]["sku"] = ""
    return order


@pytest.fixture
def stuck(make_world: MakeWorld) -> World:
    """An order with a line of which nobody knows what was sold."""
    world = make_world(config(mappings={"no_sku": "attention"}))
    world.store.place(without_sku())
    world.drain()
    assert asked(world).reason == "no_sku"
    return world


@pytest.fixture
def posted(world: World) -> World:
    world.store.place(copy.deepcopy(RICH))
    world.drain()
    return world


def items(world: World) -> list[str]:
    """The item codes of the document that stands."""
    (sale,) = [each for each in world.books.sales() if each["state"] != "voided"]
    return [line["item"] for line in sale["lines"]]


def taxes(world: World, item: str) -> list[str]:
    (sale,) = [each for each in world.books.sales() if each["state"] != "voided"]
    (line,) = [each for each in sale["lines"] if each["item"] == item]
    return [code for code, _ in line["taxes"]]


# --- an order ----------------------------------------------------------------


def test_a_mended_sku_posts_the_order_and_closes_its_item(stuck: World) -> None:
    mend(stuck, Target.of(asked(stuck)), lines__8__sku="BOOK-1", why="the product lost it")

    assert "BOOK-1" in items(stuck)
    assert stuck.attention.open() == []
    assert stuck.store.orders["30"]["line_items"][2]["sku"] == ""


def test_a_mend_holds_when_the_order_changes_later(stuck: World) -> None:
    mend(stuck, HERE, lines__8__sku="BOOK-1")
    stuck.store.edit("30", customer_note="leave it at the door")
    stuck.drain()

    assert "BOOK-1" in items(stuck)
    assert stuck.attention.open() == []


def test_without_a_change_a_mended_order_is_not_written_again(stuck: World) -> None:
    mend(stuck, HERE, lines__8__sku="BOOK-1")
    before = len(stuck.books.sales())
    stuck.acts().replay(Target.named(HERE), by="ada")
    stuck.drain()

    assert len(stuck.books.sales()) == before


def test_a_mend_of_what_is_posted_changes_the_document(posted: World) -> None:
    mend(posted, HERE, lines__8__sku="BOOK-2")

    assert "BOOK-2" in items(posted)
    assert "BOOK-1" not in items(posted)
    assert posted.attention.open() == []


def test_a_mend_that_is_taken_back_leaves_the_stores_word(posted: World) -> None:
    mend(posted, HERE, lines__8__sku="BOOK-2")
    lift(posted, HERE, "lines.8.sku")

    assert "BOOK-1" in items(posted)
    link = posted.links.get(ORDER)
    assert link is not None
    assert link.mends == ()


def test_a_mended_tax_code_needs_no_mapping(make_world: MakeWorld) -> None:
    world = make_world(config(mappings={"taxes": {"id:1": "S20", "id:2": "R5"}}))
    world.store.place(copy.deepcopy(RICH))
    world.drain(for_=A_WHILE)
    assert world.books.sales() == []
    mend(world, HERE, lines__8__tax_code="Z0")

    assert taxes(world, "BOOK-1") == ["Z0"]
    assert world.waiting.causes() == []
    assert world.attention.open() == []


def test_a_refund_is_credited_with_the_mended_tax_code(posted: World) -> None:
    mend(posted, HERE, lines__8__tax_code="OTHER")
    posted.store.refund("30", lines={"8": 1})
    posted.drain()

    order = posted.store.order(posted.store.orders["30"])
    link = posted.links.get(ORDER)
    assert link is not None
    (refund,) = posted.store.refunds(order)
    taken = credited(mended(order, link.mends), refund, [], posted.rules.mappings)
    assert [tax.code for line in taken.lines for tax in line.taxes] == ["OTHER"]
    assert len(posted.books.sales()[-1]["credit_notes"]) == 1
    assert posted.attention.open() == []


def test_a_mended_party_gets_the_order(posted: World) -> None:
    posted.books.call(
        "create",
        {
            "kind": "party",
            "key": "BIG01",
            "name": "Big Ltd",
            "addresses": [],
            "email": "",
            "vat_number": "",
        },
    )
    mend(posted, HERE, party="BIG01")

    (sale,) = [each for each in posted.books.sales() if each["state"] != "voided"]
    (big,) = [each for each in posted.books.parties() if each["key"] == "BIG01"]
    assert sale["party"] == big["id"]


def test_a_party_that_is_not_there_is_told_with_the_mend(posted: World) -> None:
    mend(posted, HERE, party="NOBODY99")

    item = asked(posted)
    assert item.reason == "no_such_party"
    assert "mend the order's party" in item.message


def test_mended_payment_terms_are_the_documents(posted: World) -> None:
    mend(posted, HERE, payment_terms="30 days")

    (sale,) = [each for each in posted.books.sales() if each["state"] != "voided"]
    assert sale["payment_terms"] == "30 days"


def test_a_mend_of_a_line_that_is_gone_is_told_and_holds_nothing_up(posted: World) -> None:
    mend(posted, HERE, lines__8__sku="BOOK-2")
    posted.store.edit_line("30", "8", quantity=0)
    posted.drain()

    told = [entry.text for entry in posted.journal.of(ORDER)]
    assert "the mend of lines.8.sku fits no line any more" in told
    assert not {"BOOK-1", "BOOK-2"} & set(items(posted))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("billing.street", "9 Ledger Lane"),
        ("shipping.country", "IE"),
        ("email", "other@example.com"),
        ("vat_number", "GB111222333"),
        ("party", "X"),
        ("payment_terms", "30"),
        ("po_number", "PO 7"),
        ("lines.8.sku", "OTHER"),
        ("lines.8.tax_code", "OTHER"),
    ],
)
def test_what_changes_the_document_is_a_part_of_its_fingerprint(
    world: World, field: str, value: str
) -> None:
    order = world.store.order(RICH)

    assert content(mended(order, [Mend(field, value, "ada", START)])) != content(order)


@pytest.mark.parametrize("field", ["phone", "name", "payment_method"])
def test_what_does_not_change_the_document_is_none(world: World, field: str) -> None:
    order = world.store.order(RICH)

    changed = mended(order, [Mend(field, "another", "ada", START)])
    assert changed != order
    assert content(changed) == content(order)


def test_a_shipping_address_that_the_billing_one_stands_for_follows_it(world: World) -> None:
    order = world.store.order({**RICH, "shipping": {}})
    assert order.party.shipping == order.party.billing

    changed = mended(order, [Mend("billing.city", "York", "ada", START)])
    assert changed.party.shipping.city == changed.party.billing.city == "York"


def test_a_mend_changes_no_amount(world: World) -> None:
    order = world.store.order(RICH)
    every = {name: "GB123456789" for name in mends.allowed("order") if "ID" not in name}
    every |= {"lines.8.sku": "A", "lines.10.code": "B", "lines.6.tax_code": "C"}
    changed = mended(order, [Mend(name, text, "ada", START) for name, text in every.items()])

    assert (changed.total, changed.net, changed.tax) == (order.total, order.net, order.tax)
    assert changed.total.amount == Decimal("213.02")


# --- a refund ----------------------------------------------------------------


def test_a_refund_is_tied_to_a_credit_note_that_was_booked_by_hand(posted: World) -> None:
    link = posted.links.get(ORDER)
    assert link is not None
    assert link.erp is not None
    posted.store.refund("30", lines={"8": 1})
    (refund,) = posted.store.refunds(posted.store.order(posted.store.orders["30"]))
    mend_ = Mend(mends.of_refund(refund.ref, "reason"), "[accord main:credit_note:7]", "a", START)

    assert mends.mended_refund(refund, [mend_]).reason == "[accord main:credit_note:7]"
    assert mends.mended_refund(refund, []).reason == refund.reason


# --- a customer --------------------------------------------------------------


@pytest.fixture
def shoppers() -> Shoppers:
    there = Shoppers()
    there.store.add_customer(**ADA)
    there.settle()
    return there


def test_a_mended_field_of_a_customer_goes_to_the_back_office_alone(shoppers: Shoppers) -> None:
    (id_,) = shoppers.store.customers
    customer = Ref("uk", "customer", id_)
    acts = _acts_of(shoppers)
    target = Target.named(str(customer))
    acts.mend(target, acts.check(target, {"phone": "0300 1"}), by="ada", why="")
    shoppers.settle()

    assert shoppers.profile().phone == "0300 1"
    assert shoppers.account(id_).phone == "020 7946 1111"


def test_what_the_shopper_writes_later_is_newer_than_the_mend(shoppers: Shoppers) -> None:
    (id_,) = shoppers.store.customers
    acts = _acts_of(shoppers)
    target = Target.named(f"uk:customer:{id_}")
    acts.mend(target, acts.check(target, {"billing.city": "York"}), by="ada", why="")
    shoppers.settle()
    billing = {**ADA["billing"], "city": "Bath"}
    shoppers.edit_account(id_, billing=billing)
    shoppers.settle()

    billed = shoppers.profile().billing
    assert billed is not None
    assert billed.city == "Bath"


def test_a_mend_holds_as_long_as_the_store_shows_what_it_did() -> None:
    seen = Profile(email="ada@exmaple.com", phone="1")
    fix = Mend("email", "ada@example.com", "ada", START, was=mends.shown(seen, "email"))

    assert mended_profile(seen, [fix]).email == "ada@example.com"
    assert mended_profile(Profile(email="new@example.com"), [fix]).email == "new@example.com"


def _acts_of(shoppers: Shoppers) -> Any:
    from accord.sync.acts import Acts

    return Acts(
        attention=shoppers.attention,
        links=shoppers.links,
        queues=shoppers.queue,
        journal=shoppers.journal,
        clock=shoppers.clock,
        order=lambda _: None,
        profile=lambda ref: shoppers.account(ref.id),
        key=lambda _: "uk-p",
    )


# --- what is refused ------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("currency", "EUR", "currency cannot be mended: the amounts are in it"),
        ("lines.8.price", "3", "lines.ID.sku"),
        ("colour", "red", "payment_method"),
        ("lines.99.sku", "MUG", "order 30 has no line 99; it has 6"),
        ("lines.10.sku", "MUG", "has no SKU; mend lines.10.code"),
        ("lines.8.code", "MUG", "mend lines.8.sku"),
        ("lines.8.sku", " ", "may not be empty"),
        ("email", "ada", "no e-mail address"),
        ("billing.country", "Germany", "two capital letters"),
        ("vat_number", "?", "no VAT number"),
        ("po_number", "x" * 501, "at most 500"),
    ],
)
def test_a_mend_that_makes_no_sense_is_refused_with_what_would(
    posted: World, field: str, value: str, said: str
) -> None:
    with pytest.raises(BadInputError, match=said):
        posted.acts().check(Target.named(HERE), {field: value})


def test_an_order_that_is_gone_cannot_be_mended(posted: World) -> None:
    del posted.store.orders["30"]

    with pytest.raises(BadInputError, match="not in the store any more"):
        posted.acts().check(Target.named(HERE), {"po_number": "7"})


def test_a_mend_that_is_not_there_cannot_be_taken_back(posted: World) -> None:
    with pytest.raises(BadInputError, match=r"lines\.8\.sku is not mended; nothing is"):
        lift(posted, HERE, "lines.8.sku")


def test_what_is_in_work_cannot_be_mended_now(posted: World) -> None:
    until = posted.clock() + A_WHILE
    posted.links.acquire(
        ORDER, key="uk-30", owner="worker", now=posted.clock(), until=until, seen=Seen(None)
    )

    with pytest.raises(BusyError, match="try again"):
        mend(posted, HERE, po_number="7")


def test_a_link_bears_so_many_mends_and_no_more() -> None:
    held = tuple(Mend(f"lines.{n}.sku", "A", "ada", START) for n in range(40))

    assert len(mends.laid(held, Mend("lines.7.sku", "B", "ada", START))) == 40
    with pytest.raises(BadInputError, match="40 fields are mended already"):
        mends.laid(held, Mend("lines.40.sku", "B", "ada", START))


def test_what_can_name_no_shopper_is_told_from_what_can() -> None:
    paths = ("lines.8.sku", "email", "billing.street", "party", "refunds.7.reason", "name")
    found = mends.impersonal([Mend(path, "x", "ada", START) for path in paths])

    assert [each.path for each in found] == ["lines.8.sku", "party"]
