"""One shard: everything goes wrong, all heals, and what does not is seen."""

import datetime as dt
from types import SimpleNamespace

import pytest

from accord.local.life.mishaps import CALM
from accord.local.place import REPO, toml_of
from accord.local.simulate import traffic
from accord.local.simulate.asked import unjustified
from accord.local.simulate.shard import Shard, Watched, play_shard
from accord.local.world import World
from accord.ports.state import Item
from accord.rules.config import Config

RULES = Config.model_validate(toml_of(REPO / "accord.toml"))
ORDERS = 40


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_goes_wrong_both_sides_agree_in_the_end(seed: int) -> None:
    result = play_shard(seed, ORDERS, RULES)

    assert result.differences == []
    assert result.tally.orders == ORDERS


def test_every_kind_of_trouble_comes_up_and_is_counted() -> None:
    tally = play_shard(1, ORDERS, RULES).tally

    names = " ".join(tally.faults)
    for kind in (
        *("webhook lost", "webhook not answered", "webhooks disabled by the store"),
        *("webhooks made anew", "killed", "ledger: ", "links: "),
    ):
        assert kind in names
    assert any(name.endswith("poll_store") for name in tally.recovered())
    assert tally.agreement()["acts"] > ORDERS


def test_what_nobody_looks_for_any_more_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "poll_store", lambda _: True)
    page = SimpleNamespace(differences=[], in_hand=[])
    monkeypatch.setattr(World, "reconcile", lambda *_, **__: page)

    result = play_shard(1, ORDERS, RULES)

    assert any("and no sale stands" in text for text in result.differences)


def test_what_should_never_be_raised_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(traffic, "life", broken)

    result = play_shard(1, 3, RULES)

    assert result.differences == ["broke off: KeyError: 'a fault of ours'"]
    assert "in broken" in result.trace


def test_the_story_of_an_order_is_told() -> None:
    result = play_shard(1, 3, RULES, story="1001")

    assert "placed as" in result.story
    assert "begun: order_" in result.story


# --- whether a person is needed ---------------------------------------------------


@pytest.fixture
def calm() -> Shard:
    """A shard of one order, which is in the books, and nothing goes wrong."""
    shard = Shard.of(1, 1, RULES)
    shard.mishaps.odds = CALM
    shard.world.watch = None  # type: ignore[attr-defined]
    shard.people.place("processing")
    shard.pass_(dt.timedelta(minutes=10))
    return shard


def asks(shard: Shard, reason: str, subject: str = "uk:order:1001") -> None:
    now = shard.world.clock()
    shard.world.attention.put(
        Item(
            id="one",
            subject=subject,
            reason=reason,
            owner="finance",
            message="somebody must look",
            opened_at=now,
            updated_at=now,
        )
    )


def test_an_order_that_needs_nobody_asks_nobody(calm: Shard) -> None:
    assert list(unjustified(calm.world, calm.people)) == []


@pytest.mark.parametrize(
    "reason", ["paid_and_cancelled", "rejected", "refund_exceeds", "shortened_in_erp", "incomplete"]
)
def test_an_item_without_a_cause_is_a_difference(calm: Shard, reason: str) -> None:
    asks(calm, reason)

    (text,) = unjustified(calm.world, calm.people)

    assert text.startswith(f"order 1001: uk:order:1001: a person is asked ({reason})")


def test_an_item_of_nobodys_order_needs_a_rule_too(calm: Shard) -> None:
    asks(calm, "webhooks_not_mended", "webhooks:uk")

    (text,) = unjustified(calm.world, calm.people)

    assert text.startswith("webhooks:uk: a person is asked (webhooks_not_mended)")


def test_an_item_with_its_cause_is_none(calm: Shard) -> None:
    asks(calm, "goods_left")
    calm.people.do("ship", "1001")
    calm.pass_(dt.timedelta(minutes=5))
    calm.world.store.orders["1001"]["status"] = "cancelled"

    assert list(unjustified(calm.world, calm.people)) == []


def test_a_refund_that_is_deleted_unheard_is_found_by_the_nights_run(calm: Shard) -> None:
    people, world = calm.people, calm.world
    for act in ("ship", "ship", "ship", "ship", "post the invoice"):
        people.do(act, "1001")
        calm.pass_(dt.timedelta(minutes=5))
    assert world.store.orders["1001"]["status"] == "completed"
    refund = world.store.refund("1001", "1.00")
    calm.pass_(dt.timedelta(minutes=10))
    calm.pass_(dt.timedelta(hours=2))
    world.store.delete_refund("1001", refund)

    assert calm.end() == []
    told = calm.tally.reported + calm.tally.asked
    assert told.total() > 0


# --- webhooks that the store switches off -----------------------------------------


def test_the_seventh_failure_in_a_row_switches_a_webhook_off_and_it_is_made_anew() -> None:
    shard = Shard.of(1, 1, RULES)
    shard.edge.look()
    before = shard.edge.hook_of("order.updated")
    now = shard.world.clock()
    shard.edge.deaf = [(now, now + dt.timedelta(minutes=1))]

    assert not any(shard.edge.arrives("order.updated", 1) for _ in range(7))
    assert shard.edge.hook_of("order.updated") is None
    assert not shard.edge.arrives("order.updated", 1)

    shard.mishaps.odds = CALM
    shard.pass_(dt.timedelta(minutes=15))
    made = shard.edge.hook_of("order.updated")
    assert made is not None
    assert before is not None
    assert made.id != before.id
    assert shard.mishaps.count["webhooks disabled by the store"] == 1


def test_what_is_ended_is_counted_and_not_kept() -> None:
    shard = Shard.of(1, 1, RULES)
    shard.mishaps.odds = CALM
    shard.edge.look()
    shard.people.place("processing")
    shard.pass_(dt.timedelta(minutes=5))

    assert isinstance(shard.world, Watched)
    assert shard.world.ends == []
    assert shard.tally.outcomes["posted"] == 1
