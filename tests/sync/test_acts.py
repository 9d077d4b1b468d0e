"""Every act carries who did it: on the item, in the journal, in the change that follows."""

import copy
import datetime as dt
from collections.abc import Callable

import pytest

from accord.errors import BadInputError
from accord.local.world import World
from accord.model.change import Change, Ref
from accord.ports.state import Item, Mend
from accord.sync.acts import Target
from accord.sync.dead_letters import report
from tests.conftest import order_json
from tests.sync.acting import asked, mend
from tests.sync.conftest import START, config

RICH = order_json("order_created_rich")
ORDER = Ref("uk", "order", "30")
MakeWorld = Callable[..., World]


@pytest.fixture
def stuck(make_world: MakeWorld) -> World:
    """An order with a line of which nobody knows what was sold."""
    world = make_world(config(mappings={"no_sku": "attention"}))
    order = copy.deepcopy(RICH)
    order["line_items"][2]["sku"] = ""
    world.store.place(order)
    world.drain()
    return world


def dismissed(world: World) -> World:
    item = asked(world)
    assert world.acts().dismiss(item, by="ada", why="we book it by hand")
    return world


def of(subject: str, **more: str) -> Item:
    return Item("i1", subject, "waiting", "ops", "why", START, START, **more)  # type: ignore[arg-type]


def told(world: World) -> list[tuple[str, dict[str, object]]]:
    entries = world.journal.of(ORDER)
    return [(each.text, dict(each.details)) for each in entries if "by" in each.details]


# --- replay ------------------------------------------------------------------


def test_a_replay_is_an_ordinary_change_with_the_operators_name(stuck: World) -> None:
    item = asked(stuck)
    stuck.acts().replay(Target.of(item), by="ada", why="the product has its SKU again")
    stuck.store.orders["30"]["line_items"][2]["sku"] = "BOOK-1"
    stuck.drain()

    assert stuck.attention.open() == []
    assert len(stuck.books.sales()) == 1
    assert any(change.replay.startswith("ada ") for change, _ in stuck.ends)


def test_a_replay_is_told_to_the_journal_and_on_the_item(stuck: World) -> None:
    item = asked(stuck)
    stuck.acts().replay(Target.of(item), by="ada", why="once more")
    stuck.drain()

    assert told(stuck) == [("replayed", {"by": "ada", "why": "once more", "item": item.id})]
    assert asked(stuck).acted.startswith("replayed by ada at 2026-11-22")
    assert asked(stuck).acted.endswith("once more")


def test_a_refunds_replay_is_its_own_event_and_its_orders_story() -> None:
    target = Target.of(of("uk:refund:7", aggregate="uk:order:30", event="refund_issued"))

    assert (target.ref, target.event, target.story) == (
        Ref("uk", "refund", "7"),
        "refund_issued",
        ORDER,
    )


@pytest.mark.parametrize(
    ("subject", "event"),
    [
        ("uk:order:30", "order_updated"),
        ("uk:customer:2", "customer_changed"),
        ("main:party:7", "customer_changed"),
        ("uk:refund:7", "refund_issued"),
    ],
)
def test_an_item_of_an_older_release_has_the_event_of_its_kind(subject: str, event: str) -> None:
    assert Target.of(of(subject)).event == event


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("waiting:main:tax:20", "go on by themselves"),
        ("message:abc", "could not be read"),
        ("webhooks:uk", "no record that can be sent again"),
    ],
)
def test_what_is_no_single_change_cannot_be_replayed(subject: str, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        Target.of(of(subject))


@pytest.mark.parametrize("text", ["uk:30", "uk:product:3", "uk:order:", "30"])
def test_only_orders_and_customers_are_named_directly(text: str) -> None:
    with pytest.raises(BadInputError, match="such as uk:order:30"):
        Target.named(text)


# --- mend --------------------------------------------------------------------


def test_a_mend_is_told_with_its_value_where_that_is_no_personal_data(stuck: World) -> None:
    mend(stuck, "uk:order:30", why="typo", lines__8__sku="BOOK-1")
    mend(stuck, "uk:order:30", email="ada@example.com")

    assert [text for text, _ in told(stuck)] == ["mended lines.8.sku to BOOK-1", "mended email"]
    assert "ada@example.com" not in repr(stuck.journal.of(ORDER))


def test_the_reason_of_a_refund_is_no_word_of_the_journal(stuck: World) -> None:
    target = Target(Ref("uk", "refund", "65"), "refund_issued", aggregate=ORDER)
    reason = Mend("refunds.65.reason", "Ada was ill", "ada", START)
    stuck.acts().mend(target, [reason], by="ada", why="")

    assert told(stuck)[-1][0] == "mended refunds.65.reason"


# --- dismiss -----------------------------------------------------------------


def test_what_was_dismissed_stays_closed_when_it_is_met_again(stuck: World) -> None:
    dismissed(stuck)
    stuck.acts().replay(Target.named("uk:order:30"), by="ben")
    stuck.drain()

    assert stuck.attention.open() == []
    _, end = stuck.ends[-1]
    assert getattr(end, "outcome", "") == "dismissed"


def test_an_order_that_changed_is_asked_about_again(stuck: World) -> None:
    dismissed(stuck)
    stuck.store.edit_line("30", "6", quantity=1)
    stuck.drain()

    assert asked(stuck).reason == "no_sku"


def test_another_status_alone_asks_nobody_again(stuck: World) -> None:
    dismissed(stuck)
    stuck.store.set_status("30", "completed")
    stuck.drain()

    assert stuck.attention.open() == []


def test_a_dismissal_is_told_with_who_and_why(stuck: World) -> None:
    id_ = asked(stuck).id
    dismissed(stuck)

    found = stuck.attention.get(id_)
    assert found is not None
    assert (found.closed_by, found.closed_why) == ("ada", "we book it by hand")
    assert told(stuck) == [
        ("dismissed no_sku", {"by": "ada", "why": "we book it by hand", "item": id_})
    ]


def test_what_still_waits_cannot_be_dismissed(world: World) -> None:
    with pytest.raises(BadInputError, match="many wait for main:tax:20"):
        world.acts().dismiss(of("waiting:main:tax:20"), by="ada", why="no")


def test_what_was_closed_meanwhile_is_not_dismissed(stuck: World) -> None:
    item = asked(stuck)
    stuck.attention.close(item.id, now=stuck.clock(), by="a later attempt")

    assert not stuck.acts().dismiss(item, by="ada", why="late")


@pytest.mark.parametrize("subject", ["message:abc", "webhooks:uk"])
def test_what_has_no_story_can_be_dismissed(world: World, subject: str) -> None:
    world.attention.put(of(subject))

    assert world.acts().dismiss(of(subject), by="ada", why="seen")
    found = world.attention.get("i1")
    assert found is not None
    assert (world.attention.open(), found.acted.startswith("dismissed by ada")) == ([], True)


def test_a_dismissed_dead_letter_says_nothing_of_the_next(world: World) -> None:
    for seen in ("2026-11-22T16:00:00+00:00", "2026-11-22T17:00:00+00:00"):
        body = Change(ORDER, "order_updated", dt.datetime.fromisoformat(seen), "c").to_json()
        told_ = report(
            body, queue="q", attention=world.attention, payloads=world.payloads, now=world.clock()
        )
        again = report(
            body, queue="q", attention=world.attention, payloads=world.payloads, now=world.clock()
        )
        assert told_.closed_at is None
        assert again.id == told_.id
        world.attention.dismiss(told_.id, now=world.clock(), by="ada", why="seen")

    assert world.attention.open() == []


def test_a_refund_of_an_unknown_order_is_mended_on_the_order(world: World) -> None:
    with pytest.raises(BadInputError, match="mend the order"):
        world.acts().check(Target.of(of("uk:refund:7")), {"reason": "x"})
