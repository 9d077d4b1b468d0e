"""What is counted, and when an act counts as agreed on."""

import datetime as dt
from collections import Counter

import pytest

from accord.local.simulate.tally import Tally, Watch, path_of
from accord.model.change import Change, Ref
from accord.sync.worker import WAKE, Again, Finished

NOW = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
ORDER = Ref("uk", "order", "1")


def change(said: str = "delivery-1", *, ref: Ref = ORDER, replay: str = "") -> Change:
    return Change(ref, "order_updated", NOW, said, replay=replay)


def after(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


@pytest.fixture
def watch() -> Watch:
    return Watch("uk", Tally())


def end(watch: Watch, outcome: str, began: float, now: float, text: str = "") -> None:
    watch.ended(change(), Finished(outcome, text), began=after(began), now=after(now), receives=1)


@pytest.mark.parametrize(
    ("told", "receives", "path"),
    [
        (change(), 1, "webhook"),
        (change(), 2, "redelivery"),
        (change(replay=WAKE), 1, "wake"),
        (change(replay="somebody"), 1, "replay"),
        (change("poll-1"), 1, "poll_store"),
        (change("poll-1", ref=Ref("uk", "refund", "2")), 1, "refund sweep"),
        (change("poll-1", ref=Ref("main", "shipment", "2")), 1, "poll_erp"),
        (change("reconcile-1"), 1, "reconcile"),
    ],
)
def test_the_path_is_the_last_that_mattered(told: Change, receives: int, path: str) -> None:
    assert path_of(told, receives, store="uk") == path


def test_an_act_is_agreed_on_by_a_pass_that_began_after_it(watch: Watch) -> None:
    watch.acted("order 1", after(10))

    end(watch, "posted", 5, 11)
    assert watch.tally.agreed == Counter()

    end(watch, "skipped", 12, 14)
    assert watch.tally.agreed == Counter({4: 1})


def test_who_goes_round_once_more_has_seen_what_was_handed_on(watch: Watch) -> None:
    watch.acted("order 1", after(10))
    end(watch, "skipped", 11, 11, "nothing due: another worker has it in hand and goes round")

    end(watch, "posted", 5, 15)

    assert watch.tally.agreed == Counter({5: 1})


@pytest.mark.parametrize("outcome", ["parked", "dismissed"])
def test_what_waits_is_not_agreed_on(watch: Watch, outcome: str) -> None:
    watch.acted("order 1", NOW)
    end(watch, outcome, 1, 2)

    assert watch.tally.agreed == Counter()


def test_a_message_that_comes_again_is_counted_as_such(watch: Watch) -> None:
    watch.ended(change(), Again(3, "busy"), began=NOW, now=NOW, receives=1)

    assert watch.tally.outcomes == Counter(again=1)
    assert watch.tally.messages == 1


def test_moments_are_those_of_the_share() -> None:
    tally = Tally(agreed=Counter({1: 90, 100: 9, 5000: 1}))

    assert (tally.moment(0.5), tally.moment(0.95), tally.agreement()["max"]) == (1, 100, 5000)
    assert Tally().moment(0.5) == 0


def test_two_shards_are_counted_together() -> None:
    tally = Tally(orders=2, acts=Counter(pay=1), hours=1.5)
    tally.add(Tally(orders=3, acts=Counter(pay=2, ship=1), hours=2.0))

    assert (tally.orders, tally.acts, tally.hours) == (5, Counter(pay=3, ship=1), 3.5)


def test_what_came_by_its_first_message_was_not_recovered() -> None:
    paths = Counter({"orders posted: webhook": 5, "orders posted: poll_store": 2})

    assert Tally(paths=paths).recovered() == Counter({"orders posted: poll_store": 2})
