"""What a person is asked about a customer, how they settle it, and when it is held."""

import datetime as dt

import pytest

from accord.errors import BadInputError, BusyError
from accord.model.change import Change, Ref
from accord.ports.state import Item, Seen
from tests.sync.shoppers import ADA, Shoppers, phone

STORES, BOOKS, RIGHT = "GB111111111", "GB222222222", "GB333333333"


@pytest.fixture
def shoppers() -> Shoppers:
    return Shoppers()


@pytest.fixture
def ada(shoppers: Shoppers) -> str:
    """Her VAT number was changed on both sides."""
    id_ = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    give_number(shoppers, id_, STORES)
    shoppers.edit_party(vat_number=BOOKS)
    shoppers.settle()
    return id_


def give_number(shoppers: Shoppers, id_: str, number: str) -> None:
    shoppers.edit_account(id_, meta_data=[{"key": "_billing_vat_number", "value": number}])


def item(shoppers: Shoppers) -> Item:
    (only,) = shoppers.attention.open()
    return only


def numbers(shoppers: Shoppers, id_: str) -> tuple[str | None, str | None]:
    return shoppers.account(id_).vat_number, shoppers.profile().vat_number


def test_a_conflict_is_one_item_for_commerce(shoppers: Shoppers, ada: str) -> None:
    asked = item(shoppers)

    assert (asked.reason, asked.owner, asked.subject) == (
        "conflict",
        "commerce",
        f"uk:customer:{ada}",
    )


def test_the_item_itself_holds_no_personal_data(shoppers: Shoppers, ada: str) -> None:
    assert not any(number in item(shoppers).message for number in (STORES, BOOKS))


def test_the_payload_shows_base_both_values_and_when(shoppers: Shoppers, ada: str) -> None:
    held = shoppers.payloads.get(item(shoppers).payload)

    (field,) = held["fields"]
    assert (field["field"], field["store"], field["erp"]) == ("vat_number", STORES, BOOKS)
    assert field["base"] == {"store": "GB123456789", "erp": "GB123456789"}
    assert held["written_at"]["store"]


def test_other_fields_go_on_while_one_is_asked_about(shoppers: Shoppers, ada: str) -> None:
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.settle()

    assert shoppers.profile().phone == "020 7946 2222"
    assert numbers(shoppers, ada) == (STORES, BOOKS)


@pytest.mark.parametrize(("take", "number"), [("store", STORES), ("erp", BOOKS), (RIGHT, RIGHT)])
def test_a_decision_settles_both_sides(
    shoppers: Shoppers, ada: str, take: str, number: str
) -> None:
    shoppers.resolver().settle(item(shoppers).id, take, by="kim")
    shoppers.settle()

    assert numbers(shoppers, ada) == (number, number)
    assert shoppers.attention.open() == []


def test_a_settled_payload_is_emptied(shoppers: Shoppers, ada: str) -> None:
    payload = item(shoppers).payload
    shoppers.resolver().settle(item(shoppers).id, "erp", by="kim")
    shoppers.settle()

    assert set(shoppers.payloads.get(payload)) == {"removed_at"}


def test_a_decision_about_values_that_changed_since_is_asked_again(
    shoppers: Shoppers, ada: str
) -> None:
    shoppers.resolver().settle(item(shoppers).id, "erp", by="kim")
    give_number(shoppers, ada, RIGHT)
    shoppers.settle()

    (field,) = shoppers.payloads.get(item(shoppers).payload)["fields"]
    assert field["store"] == RIGHT


def test_sides_that_come_to_agree_close_the_item(shoppers: Shoppers, ada: str) -> None:
    shoppers.edit_party(vat_number=STORES)
    shoppers.settle()

    assert shoppers.attention.open() == []


def test_a_replay_without_a_decision_asks_again(shoppers: Shoppers, ada: str) -> None:
    again = Change(Ref("uk", "customer", ada), "customer_changed", shoppers.clock(), "r")
    shoppers.queue.put(
        Change(again.ref, again.event, again.seen_at, "r", replay="kim"), sending="r"
    )
    shoppers.settle()

    assert shoppers.reasons() == ["conflict"]


def test_an_unknown_item_cannot_be_settled(shoppers: Shoppers) -> None:
    with pytest.raises(BadInputError, match="accord attention list"):
        shoppers.resolver().settle("nothing", "store", by="kim")


def test_a_field_that_is_not_in_dispute_cannot_be_settled(shoppers: Shoppers, ada: str) -> None:
    with pytest.raises(BadInputError, match="it is about vat_number"):
        shoppers.resolver().settle(item(shoppers).id, "store", field="phone", by="kim")


def test_one_value_for_two_fields_is_refused(shoppers: Shoppers) -> None:
    two = Shoppers(fields={"phone": "ask"})
    id_ = two.store.add_customer(**ADA)
    two.settle()
    two.edit_account(id_, **phone("1"), meta_data=[{"key": "_billing_vat_number", "value": "2"}])
    two.edit_party(phone="3", vat_number="4")
    two.settle()

    with pytest.raises(BadInputError, match="--field: phone, vat_number"):
        two.resolver().settle(item(two).id, "5", by="kim")


def test_a_customer_that_is_being_merged_cannot_be_settled_yet(
    shoppers: Shoppers, ada: str
) -> None:
    now = shoppers.clock()
    until = now + dt.timedelta(seconds=60)
    ref = Ref("uk", "customer", ada)
    shoppers.links.acquire(ref, key="k", owner="w", now=now, until=until, seen=Seen(now))

    with pytest.raises(BusyError, match="try again"):
        shoppers.resolver().settle(item(shoppers).id, "store", by="kim")


# --- to and fro -------------------------------------------------------------------


def contested(shoppers: Shoppers) -> str:
    """Some program turns back every telephone number that we write to the store."""
    id_ = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    for n in range(8):
        shoppers.edit_party(phone=f"020 7946 100{n}")
        shoppers.poll()
        shoppers.drain()
        shoppers.edit_account(id_, **phone(f"020 7946 200{n}"))
        shoppers.drain()
    return id_


def test_writes_that_go_to_and_fro_hold_the_customer(shoppers: Shoppers) -> None:
    contested(shoppers)

    assert shoppers.reasons() == ["ping_pong"]
    assert "it goes to and fro" in shoppers.last


def test_a_held_customer_is_written_no_more(shoppers: Shoppers) -> None:
    id_ = contested(shoppers)
    heard: list[str] = []
    shoppers.hook = heard.append
    shoppers.edit_account(id_, **phone("020 7946 9999"))
    shoppers.settle()

    assert not {"before erp.update_profile", "before store.put_customer"} & set(heard)


def test_a_decision_ends_the_to_and_fro(shoppers: Shoppers) -> None:
    id_ = contested(shoppers)
    shoppers.resolver().settle(item(shoppers).id, "store", by="kim")
    shoppers.settle()

    assert shoppers.account(id_).phone == shoppers.profile().phone == "020 7946 2007"
    assert shoppers.attention.open() == []


def test_a_person_who_changes_his_mind_slowly_is_not_held(shoppers: Shoppers) -> None:
    id_ = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    for n in range(8):
        shoppers.clock.now += dt.timedelta(hours=1)
        shoppers.edit_party(phone=f"020 7946 100{n}")
        shoppers.settle()
        shoppers.clock.now += dt.timedelta(hours=1)
        shoppers.edit_account(id_, **phone(f"020 7946 200{n}"))
        shoppers.settle()

    assert shoppers.reasons() == []


def test_a_conflict_that_was_dismissed_is_asked_again_when_a_value_changes(
    shoppers: Shoppers, ada: str
) -> None:
    id_ = item(shoppers).id
    shoppers.attention.dismiss(id_, now=shoppers.clock(), by="kim", why="both are right")
    shoppers.edit_account(ada, first_name="Augusta")  # another field, and the same dispute
    shoppers.settle()
    assert shoppers.attention.open() == []

    give_number(shoppers, ada, RIGHT)
    shoppers.settle()
    assert item(shoppers).id == id_
