"""A store's webhooks are made anew when they would not tell of what the flows need."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from accord.errors import StaleVersionError, UnauthorizedError, UnavailableError
from accord.local.model_store import ModelStore
from accord.local.store.webhooks import Webhook
from accord.local.world import Clock
from accord.model.change import Ref
from accord.model.shop import Hook
from accord.rules.diagnosis import NEEDED
from accord.state.memory import MemoryAttention, MemoryControl, MemoryJournal
from accord.sync.webhooks import Fix, WebhookGuard, plan
from tests.sync.conftest import START, config

URL = "https://hooks.example/stores/uk/webhooks"
ORDERS = NEEDED["orders"]
ORDER_FLOWS = {"orders": "on", "customers": "off", "stock": "off", "prices": "off"}


class Pinged(ModelStore):
    """A store that does not really send the ping of a new webhook."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("uk", clock)
        self.shop.outbox._sender = lambda *_, **__: 200


@dataclass
class Room:
    """A store, its guard, and what the guard asked for."""

    flows: dict[str, str] = field(default_factory=lambda: dict(ORDER_FLOWS))
    secret: str = "secretone"
    lost: list[dt.datetime] = field(default_factory=list)
    reread: list[dt.datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = Clock(START)
        self.store = Pinged(self.clock)
        self.control, self.attention = MemoryControl(), MemoryAttention()
        self.journal = MemoryJournal()
        self.guard = WebhookGuard(
            name="uk",
            rules=config(flows=self.flows).stores["uk"],
            shop=self.store,
            control=self.control,
            journal=self.journal,
            attention=self.attention,
            clock=self.clock,
            url=URL,
            stage="prod",
            secret=lambda: self.secret,
            reread=self.reread.append,
            unheard=lambda since, until: sum(since <= at <= until for at in self.lost),
        )

    @property
    def hooks(self) -> dict[int, Webhook]:
        return self.store.shop.outbox.webhooks

    def by_topic(self) -> dict[str, list[Webhook]]:
        found: dict[str, list[Webhook]] = {}
        for hook in self.hooks.values():
            found.setdefault(hook.topic, []).append(hook)
        return found

    def add(self, topic: str, **fields: Any) -> Webhook:
        made = {"topic": topic, "delivery_url": URL, "secret": "by hand", **fields}
        return self.store.shop.create_webhook(made)

    def later(self, **time: float) -> None:
        self.clock.now += dt.timedelta(**time)

    def lose(self, orders: int) -> None:
        """So many were found that no webhook told of, and a quarter of an hour went by."""
        self.lost = [self.clock.now] * orders
        self.later(minutes=15)

    def reasons(self) -> list[tuple[str, str]]:
        return [(item.reason, item.owner) for item in self.attention.open()]


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def kept(room: Room) -> Room:
    """All webhooks were made by the guard, an hour ago, and are right."""
    room.guard.run()
    room.later(hours=1)
    room.guard.run()
    room.reread.clear()
    return room


# --- what is wrong --------------------------------------------------------------


def test_a_store_without_webhooks_gets_those_that_its_flows_need(room: Room) -> None:
    found = room.guard.run()

    assert sorted(room.by_topic()) == sorted(ORDERS)
    assert {hook.delivery_url for hook in room.hooks.values()} == {URL}
    assert {hook.secret for hook in room.hooks.values()} == {"secretone"}
    assert {hook.name for hook in room.hooks.values()} == {f"Accord prod {it}" for it in ORDERS}
    assert (found.missing, found.mended) == (len(ORDERS), True)


@pytest.mark.parametrize(
    ("flows", "topics"),
    [
        ({"orders": "on"}, {"orders"}),
        ({"orders": "on", "customers": "on"}, {"orders", "customers"}),
        ({"orders": "on", "stock": "on"}, {"orders", "products"}),
        ({"orders": "on", "prices": "shadow"}, {"orders", "products"}),
    ],
)
def test_only_what_the_flows_need_is_asked_for(flows: dict[str, str], topics: set[str]) -> None:
    room = Room(flows=ORDER_FLOWS | flows)
    room.guard.run()

    assert set(room.by_topic()) == {topic for name in topics for topic in NEEDED[name]}


def test_what_is_right_is_left_alone(kept: Room) -> None:
    before = dict(kept.hooks)

    found = kept.guard.run()

    assert kept.hooks == before
    assert (found.fixes, found.missing, kept.reread) == ((), 0, [])


def test_webhooks_that_somebody_made_by_hand_are_taken_as_they_are(room: Room) -> None:
    made = [room.add(topic, name="Books") for topic in ORDERS]

    found = room.guard.run()

    assert list(room.hooks.values()) == made
    assert found.fixes == ()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda hook: setattr(hook, "status", "disabled"),
        lambda hook: setattr(hook, "status", "paused"),
        lambda hook: setattr(hook, "delivery_url", "https://old.example/stores/uk/webhooks"),
    ],
    ids=["disabled", "paused", "wrong_url"],
)
def test_one_that_would_not_tell_is_deleted_and_made_anew(
    kept: Room, spoil: Callable[[Webhook], None]
) -> None:
    (old,) = kept.by_topic()["order.created"]
    old.failures = 6
    spoil(old)

    found = kept.guard.run()

    (new,) = kept.by_topic()["order.created"]
    assert new.id != old.id
    assert (new.status, new.failures, new.delivery_url) == ("active", 0, URL)
    assert (found.missing, found.mended) == (1, True)
    assert len(kept.hooks) == len(ORDERS)


def test_one_that_was_deleted_is_made_anew(kept: Room) -> None:
    (old,) = kept.by_topic()["order.updated"]
    del kept.hooks[old.id]

    kept.guard.run()

    assert len(kept.by_topic()["order.updated"]) == 1


def test_of_two_for_one_topic_one_stays(kept: Room) -> None:
    (first,) = kept.by_topic()["order.created"]
    kept.add("order.created", name="added by hand")

    found = kept.guard.run()

    assert kept.by_topic()["order.created"] == [first]
    assert (found.missing, found.mended, kept.reread) == (0, True, [])


def test_of_two_for_one_topic_the_active_one_stays(kept: Room) -> None:
    (first,) = kept.by_topic()["order.created"]
    first.status = "disabled"
    second = kept.add("order.created")

    found = kept.guard.run()

    assert kept.by_topic()["order.created"] == [second]
    assert found.missing == 0


def test_a_topic_that_no_flow_needs_any_more_is_taken_off(kept: Room) -> None:
    kept.add("coupon.created")

    kept.guard.run()

    assert "coupon.created" not in kept.by_topic()


def test_nobody_elses_webhook_is_touched(kept: Room) -> None:
    others = [
        kept.add("order.created", delivery_url="https://mailer.example/hook", name="Mailer"),
        kept.add("order.created", delivery_url=URL.replace("hooks", "staging"), name="Accord dev"),
        kept.add("coupon.deleted", delivery_url="https://mailer.example/hook"),
    ]
    others[0].status = "disabled"

    kept.guard.run()

    assert all(kept.hooks.get(other.id) is other for other in others)


def test_one_that_bears_an_old_secret_is_made_anew_with_the_current_one(kept: Room) -> None:
    kept.secret = "secrettwo"

    kept.guard.run()

    assert {hook.secret for hook in kept.hooks.values()} == {"secrettwo"}
    assert len(kept.hooks) == len(ORDERS)


# --- the gap ---------------------------------------------------------------------


def test_what_was_changed_since_they_were_last_right_is_read_again(kept: Room) -> None:
    right_at = kept.clock.now
    kept.later(hours=5)
    kept.by_topic()["order.created"][0].status = "disabled"

    kept.guard.run()

    assert kept.reread == [right_at - dt.timedelta(minutes=10)]


def test_a_gap_of_weeks_is_read_for_seven_days(kept: Room) -> None:
    kept.later(days=40)
    kept.by_topic()["order.created"][0].status = "disabled"

    kept.guard.run()

    assert kept.reread == [kept.clock.now - dt.timedelta(days=7)]


def test_a_gap_that_cannot_be_read_now_is_read_by_the_next_look(kept: Room) -> None:
    kept.by_topic()["order.created"][0].status = "disabled"

    def busy(_: dt.datetime) -> None:
        raise StaleVersionError("the poll runs")

    replace(kept.guard, reread=busy).run()
    assert kept.reread == []
    kept.later(minutes=5)
    kept.guard.run()

    assert len(kept.reread) == 1
    kept.guard.run()
    assert len(kept.reread) == 1


# --- those that look right ------------------------------------------------------


def test_webhooks_that_look_right_and_do_not_tell_are_made_anew_once(kept: Room) -> None:
    """Their user was deleted: the store sends errors in the place of orders."""
    before = set(kept.hooks)
    kept.lose(3)

    first = kept.guard.run()
    kept.later(minutes=5)
    second = kept.guard.run()

    assert first.missing == len(ORDERS)
    assert not before & set(kept.hooks)
    assert second.fixes == ()
    assert kept.reasons() == []


def test_if_that_does_not_help_a_person_is_told_until_it_does(kept: Room) -> None:
    kept.lose(3)
    kept.guard.run()
    kept.later(hours=1)
    kept.lose(3)

    found = kept.guard.run()
    assert (found.fixes, kept.reasons()) == ((), [("webhooks_not_mended", "ops")])

    kept.later(hours=1)
    kept.guard.run()
    assert kept.reasons() == []


def test_what_was_missed_before_they_were_mended_does_not_count_against_them(kept: Room) -> None:
    kept.by_topic()["order.created"][0].status = "disabled"
    kept.guard.run()
    kept.later(minutes=4)
    kept.lose(10)  # found by the poll, of the time when it was off

    assert kept.guard.run().fixes == ()


def test_a_few_orders_that_nobody_told_of_are_no_reason(kept: Room) -> None:
    kept.lose(2)

    assert kept.guard.run().fixes == ()


def test_orders_of_the_last_minutes_may_still_be_told_of(kept: Room) -> None:
    kept.lost = [kept.clock.now] * 10
    kept.later(minutes=14)
    assert kept.guard.run().fixes == ()

    kept.later(minutes=2)
    assert len(kept.guard.run().fixes) == len(ORDERS)


@pytest.mark.parametrize("broken", ["create_hook", "delete_hook"])
@pytest.mark.parametrize("after", range(4))
def test_a_renewal_that_breaks_off_goes_on_and_is_not_undone(
    kept: Room, broken: str, after: int
) -> None:
    before = set(kept.hooks)
    kept.lose(3)
    away = Refusing(kept.store, broken, error=UnavailableError("off", connection="uk"), after=after)

    with pytest.raises(UnavailableError):
        replace(kept.guard, shop=away).run()
    kept.later(minutes=5)
    kept.guard.run()

    assert not before & set(kept.hooks)
    assert sorted(map(len, kept.by_topic().values())) == [1] * len(ORDERS)
    made = set(kept.hooks)
    kept.later(minutes=5)
    kept.guard.run()
    assert set(kept.hooks) == made


def test_of_two_that_look_right_the_one_with_the_known_secret_stays_else_the_newer() -> None:
    hooks = [Hook(id_, "x", "order.created", "active", URL) for id_ in ("7", "8", "9")]

    def removed(known: set[str]) -> set[str]:
        (fix,) = plan(hooks, ["order.created"], url=URL, names={}, stale=lambda _: "", known=known)
        return set(fix.remove)

    assert removed({"8"}) == {"7", "9"}
    assert removed(set()) == {"7", "8"}


# --- where it may not, or cannot -----------------------------------------------------


def test_in_shadow_it_only_says_what_it_would_do() -> None:
    room = Room(flows=dict.fromkeys(ORDER_FLOWS, "off") | {"orders": "shadow"})
    for name in ("fulfilment", "invoices", "erp_changes", "products"):
        room.flows[name] = "off"
    room = Room(flows=room.flows)

    found = room.guard.run()

    assert room.hooks == {}
    assert (found.missing, found.mended) == (len(ORDERS), False)
    room.later(minutes=5)
    room.guard.run()
    told = [entry.text for entry in room.journal.of(Ref("uk", "webhooks", "all"))]
    assert told == [f"would mend {topic}: there is none" for topic in ORDERS]


def test_with_every_flow_off_nothing_is_asked() -> None:
    room = Room(flows=dict.fromkeys([*ORDER_FLOWS, "products"], "off"))

    assert replace(room.guard, shop=Refusing(room.store)).run().fixes == ()


def no_rights(*, is_narrow: bool = True) -> UnauthorizedError:
    """What a key is told; ``is_narrow``: of webhooks, and of nothing else."""
    error = UnauthorizedError("no rights", connection="uk")
    error.is_narrow = is_narrow
    return error


class Refusing:
    """A store whose key may look, and not do what ``refuses`` names more often than ``after``."""

    def __init__(
        self, store: ModelStore, *refuses: str, error: Exception | None = None, after: int = 0
    ) -> None:
        self.name, self._left = "uk", after
        self._store, self._refuses = store, refuses or ("hooks",)
        self._error = error or no_rights()

    def _do(self, what: str, *args: Any, **fields: Any) -> Any:
        if what in self._refuses:
            self._left -= 1
            if self._left < 0:
                raise self._error
        return getattr(self._store, what)(*args, **fields)

    def hooks(self) -> list[Hook]:
        return list(self._do("hooks"))

    def create_hook(self, **fields: Any) -> Hook:
        made: Hook = self._do("create_hook", **fields)
        return made

    def delete_hook(self, id_: str) -> None:
        self._do("delete_hook", id_)


@pytest.mark.parametrize("refused", ["hooks", "create_hook", "delete_hook"])
def test_what_it_may_not_mend_is_a_persons_until_it_may(room: Room, refused: str) -> None:
    room.add("order.created").status = "disabled"

    found = replace(room.guard, shop=Refusing(room.store, refused)).run()
    assert (found.refused, room.reasons()) == (True, [("webhooks_not_mended", "ops")])
    assert "administrator" in room.attention.open()[0].message

    room.later(minutes=5)
    room.guard.run()
    assert room.reasons() == []
    assert sorted(map(len, room.by_topic().values())) == [1] * len(ORDERS)


def test_a_key_that_is_turned_down_altogether_lacks_no_right(room: Room) -> None:
    error = no_rights(is_narrow=False)

    with pytest.raises(UnauthorizedError):
        replace(room.guard, shop=Refusing(room.store, error=error)).run()

    assert room.reasons() == []


@pytest.mark.parametrize("broken", ["create_hook", "delete_hook"])
def test_where_it_broke_off_the_next_look_goes_on(room: Room, broken: str) -> None:
    for topic in ORDERS:
        room.add(topic).status = "disabled"
    away = Refusing(room.store, broken, error=UnavailableError("off", connection="uk"))

    with pytest.raises(UnavailableError):
        replace(room.guard, shop=away).run()
    room.guard.run()

    assert {topic: len(hooks) for topic, hooks in room.by_topic().items()} == dict.fromkeys(
        ORDERS, 1
    )
    assert {hook.status for hook in room.hooks.values()} == {"active"}
    assert len(room.reread) == 1


def test_a_create_that_was_not_answered_leaves_one_in_the_end(room: Room) -> None:
    class Unanswered(Refusing):
        def create_hook(self, **fields: Any) -> Hook:
            super().create_hook(**fields)
            raise UnavailableError("no answer", connection="uk")

    with pytest.raises(UnavailableError):
        replace(room.guard, shop=Unanswered(room.store, "nothing")).run()
    room.guard.run()

    assert sorted(map(len, room.by_topic().values())) == [1] * len(ORDERS)


# --- renewing ---------------------------------------------------------------------


def test_renewed_all_of_ours_bear_the_new_secret(room: Room) -> None:
    for topic in ORDERS[:2]:
        room.add(topic)
    assert not room.guard.bear("secretone")
    assert room.guard.has_any()

    fixes = room.guard.renew()

    assert [fix.topic for fix in fixes] == list(ORDERS[:2])
    assert {hook.secret for hook in room.hooks.values()} == {"secretone"}
    assert room.guard.bear("secretone")
    assert not room.guard.bear("secrettwo")
    assert room.guard.renew() == ()


def test_a_plan_names_what_is_wrong() -> None:
    hooks = [Hook("7", "x", "order.created", "disabled", URL)]

    fixes = plan(hooks, ["order.created"], url=f"{URL}/", names={}, stale=lambda _: "")

    assert fixes == [Fix("order.created", "webhook 7 is disabled", make=True, remove=("7",))]
