"""Orders listed by (time, id): all of them once, whatever happens while they are read."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

import httpx
import pytest

from accord.errors import UnauthorizedError, UnavailableError
from accord.local.store.app import StoreApp
from accord.local.store.auth import Key
from accord.model.change import Ref
from accord.ports.store import ListedOrder, OrderPage
from accord.woo.client import WooStore

T0 = dt.datetime(2026, 11, 22, 15, 0, tzinfo=dt.UTC)
HOME = "https://store.example"
RECORDED = Path(__file__).parents[1] / "local" / "store" / "recordings" / "orders_list_p1.json"
By = Literal["modified", "placed"]


def at(second: int) -> dt.datetime:
    return T0 + dt.timedelta(seconds=second)


def store_on(transport: httpx.BaseTransport) -> WooStore:
    return WooStore.connect(
        name="uk", url=HOME, consumer_key="ck_a", consumer_secret="cs_a", transport=transport
    )


def ids(page: OrderPage) -> list[str]:
    return [order.ref.id for order in page.orders]


def all_of(store: WooStore, by: By, since: dt.datetime, limit: int = 100) -> list[ListedOrder]:
    """Every order, page after page by its key."""
    found: list[ListedOrder] = []
    after = ""
    while True:
        page = store.orders_since(by=by, since=since, after=after, limit=limit)
        found += page.orders
        if page.is_last:
            return found
        for last in page.orders[-1:]:
            since = last.modified_at if by == "modified" else last.placed_at
            after = last.ref.id
        since, after = page.reached or (since, after)


@dataclass
class Lists:
    """A store that lists orders of one second in another order each time.

    ``before_each`` is called before an answer, so that orders may change between two of them.
    """

    modified: dict[int, dt.datetime]
    random: Random = field(default_factory=lambda: Random(1))
    before_each: Callable[["Lists"], object] = lambda _: None
    calls: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        self.before_each(self)
        asked = request.url.params
        low, high = (_moment(asked.get(name)) for name in ("modified_after", "modified_before"))
        found = [
            id_
            for id_, moment in self.modified.items()
            if (low is None or moment > low) and (high is None or moment < high)
        ]
        if asked["orderby"] == "id":
            found.sort()
        else:
            self.sort(found)
        size, number = int(asked["per_page"]), int(asked.get("page", "1"))
        shown = found[(number - 1) * size : number * size]
        headers = {"X-WP-Total": str(len(found) if shown or number == 1 else 0)}
        return httpx.Response(200, json=[self._document(id_) for id_ in shown], headers=headers)

    def sort(self, ids: list[int]) -> None:
        """As it lists them by their time."""
        ids.sort(key=lambda id_: (self.modified[id_], self.random.random()))

    def _document(self, id_: int) -> dict[str, Any]:
        text = self.modified[id_].replace(tzinfo=None).isoformat()
        return {
            "id": id_,
            "status": "processing",
            "date_modified_gmt": text,
            "date_created_gmt": text,
        }


def _moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) if text else None


@pytest.fixture
def app() -> StoreApp:
    now = iter(T0 + dt.timedelta(seconds=n) for n in range(1000))
    return StoreApp(
        home=HOME,
        clock=lambda: next(now),
        keys={"ck_a": Key("cs_a")},
        sender=lambda *_, **__: 200,
        zone=dt.timezone(dt.timedelta(hours=1)),
    )


@pytest.fixture
def store(app: StoreApp) -> WooStore:
    return store_on(httpx.WSGITransport(app))


def test_the_recorded_list_is_read() -> None:
    answer = json.loads(RECORDED.read_text(encoding="utf-8"))
    oldest_first = sorted(answer["body"], key=lambda doc: (doc["date_modified_gmt"], doc["id"]))

    def answered(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=oldest_first)

    since = _moment(oldest_first[0]["date_modified_gmt"])
    assert since is not None
    page = store_on(httpx.MockTransport(answered)).orders_since(by="modified", since=since)

    assert ids(page) == [str(doc["id"]) for doc in oldest_first]
    assert page.orders[0].ref == Ref("uk", "order", str(oldest_first[0]["id"]))
    assert page.is_last


def test_the_very_second_is_among_them_and_of_it_only_what_is_behind_the_id(
    app: StoreApp, store: WooStore
) -> None:
    made = [app.shop.create_order({"status": "processing"}) for _ in range(3)]
    for doc in made:
        doc["date_modified_gmt"] = "2026-11-22T15:00:07"

    assert len(store.orders_since(by="modified", since=at(7)).orders) == 3
    behind = store.orders_since(by="modified", since=at(7), after=str(made[0]["id"]))
    assert ids(behind) == [str(doc["id"]) for doc in made[1:]]
    assert not store.orders_since(by="modified", since=at(8)).orders


def test_by_placed_date_an_edit_does_not_move_an_order(app: StoreApp, store: WooStore) -> None:
    first, second = (app.shop.create_order({"status": "processing"})["id"] for _ in range(2))
    app.shop.update_order(first, {"customer_note": "ring twice"})

    assert ids(store.orders_since(by="placed", since=T0)) == [str(first), str(second)]
    assert ids(store.orders_since(by="modified", since=T0)) == [str(second), str(first)]


def test_trashed_orders_are_listed_when_asked_for(app: StoreApp, store: WooStore) -> None:
    kept, gone = (app.shop.create_order({"status": "processing"})["id"] for _ in range(2))
    app.shop.trash_order(gone)

    assert ids(store.orders_since(by="modified", since=T0)) == [str(kept)]
    assert ids(store.orders_since(by="modified", since=T0, trashed=True)) == [str(gone)]
    assert {each.ref.id for each in store.orders_in([str(kept), str(gone), "9999"])} == {
        str(kept),
        str(gone),
    }


def ordered_by(app: StoreApp, email: str, *, customer: int = 0, item: str = "Mug") -> str:
    line = {"name": item, "quantity": 1, "product_id": 0, "total": "1.00"}
    fields = {"status": "processing", "billing": {"email": email}, "line_items": [line]}
    document = app.shop.create_order(fields)
    document["customer_id"] = customer
    return str(document["id"])


def test_orders_of_an_address_are_those_that_are_billed_to_it(
    app: StoreApp, store: WooStore
) -> None:
    hers = ordered_by(app, "Ada+1@example.com")
    ordered_by(app, "charles@example.com", item="for ada+1@example.com")
    ordered_by(app, "xada+1@example.com")
    draft = ordered_by(app, "ada+1@example.com")
    app.shop.orders[int(draft)]["status"] = "checkout-draft"
    page = store.orders_by(email=" ada+1@example.com ", page=1)

    assert ids(page) == [hers]
    assert page.is_last


def test_orders_of_an_account_are_its_own_whatever_they_are_billed_to(
    app: StoreApp, store: WooStore
) -> None:
    hers = ordered_by(app, "another@example.com", customer=7)
    ordered_by(app, "ada@example.com", customer=77)

    assert ids(store.orders_by(customer="7", page=1)) == [hers]


def test_a_shoppers_orders_in_the_trash_are_listed_when_asked_for(
    app: StoreApp, store: WooStore
) -> None:
    gone = ordered_by(app, "ada@example.com", customer=7)
    app.shop.trash_order(int(gone))

    assert ids(store.orders_by(email="ada@example.com", page=1)) == []
    assert ids(store.orders_by(email="ada@example.com", page=1, trashed=True)) == [gone]
    assert ids(store.orders_by(customer="7", page=1, trashed=True)) == [gone]


def test_a_shoppers_orders_come_by_pages_until_one_is_not_full(
    app: StoreApp, store: WooStore
) -> None:
    hers = [ordered_by(app, "ada@example.com") for _ in range(101)]
    first, second = (store.orders_by(email="ada@example.com", page=page) for page in (1, 2))

    assert ids(first) == hers[:100]
    assert not first.is_last
    assert ids(second) == hers[100:]
    assert second.is_last


@pytest.mark.parametrize("whose", [{"email": "ada@example.com"}, {"customer": "7"}])
def test_a_store_that_ignores_the_question_gives_nobody_elses_orders(
    app: StoreApp, whose: dict[str, str]
) -> None:
    ordered_by(app, "charles@example.com", customer=8)
    every = [{**document, "billing": None} for document in app.shop.orders.values()]
    store = store_on(httpx.MockTransport(lambda _: httpx.Response(200, json=every)))

    assert ids(store.orders_by(**whose, page=1)) == []


def test_drafts_of_the_checkout_are_left_out_and_do_not_end_the_list(
    app: StoreApp, store: WooStore
) -> None:
    for _ in range(3):
        app.shop.create_order({"status": "processing"})["status"] = "checkout-draft"
    placed = app.shop.create_order({"status": "processing"})["id"]

    page = store.orders_since(by="modified", since=T0, limit=2)

    assert (ids(page), page.is_last) == ([], False)
    assert page.reached is not None
    found = all_of(store, "modified", T0, limit=2)
    assert [order.ref.id for order in found] == [str(placed)]


def test_the_digest_is_that_of_the_order_alone(app: StoreApp, store: WooStore) -> None:
    id_ = str(app.shop.create_order({"status": "processing"})["id"])
    alone = store.get_order(id_)

    page = store.orders_since(by="modified", since=T0)

    assert alone is not None
    assert (page.orders[0].document, page.orders[0].digest) == alone


@pytest.mark.parametrize("seed", range(30))
def test_every_order_is_listed_once_whatever_the_order_within_a_second(seed: int) -> None:
    random = Random(seed)
    spread = random.choice([1, 3, 40])
    lists = Lists({n: at(random.randrange(spread)) for n in range(1, 60)}, random)
    limit = random.choice([1, 2, 7, 100])

    found = all_of(store_on(httpx.MockTransport(lists)), "modified", T0, limit)

    keys = [(order.modified_at, int(order.ref.id)) for order in found]
    assert keys == sorted((moment, n) for n, moment in lists.modified.items())


@pytest.mark.parametrize("seed", range(80))
def test_no_order_is_missed_while_others_change(seed: int) -> None:
    random = Random(seed)
    lists = Lists({n: at(random.randrange(4)) for n in range(1, 40)}, random)
    now = 10

    def edit(lists: Lists) -> None:
        nonlocal now
        if lists.calls < 60 and random.random() < 0.5:
            now += 1
            lists.modified[random.choice(list(lists.modified))] = at(now)

    lists.before_each = edit

    found = all_of(store_on(httpx.MockTransport(lists)), "modified", T0, limit=5)

    last = {int(order.ref.id): order.modified_at for order in found}
    assert last == lists.modified


def test_ten_thousand_orders_of_one_second_cost_a_few_calls_a_page() -> None:
    lists = Lists(dict.fromkeys(range(1, 10_001), T0))
    store = store_on(httpx.MockTransport(lists))

    page = store.orders_since(by="modified", since=T0, after="5050")

    assert ids(page)[0] == "5051"
    assert lists.calls < 25


def test_a_full_page_costs_one_call() -> None:
    lists = Lists({n: at(n // 10) for n in range(1, 1001)})
    store = store_on(httpx.MockTransport(lists))

    page = store.orders_since(by="modified", since=T0)

    assert lists.calls == 1
    assert len(page.orders) >= 90


def test_a_list_that_ignores_what_it_is_asked_for_is_not_believed() -> None:
    lists = Lists({1: at(5), 2: at(-3)})

    def everything(request: httpx.Request) -> httpx.Response:
        return lists(httpx.Request("GET", request.url.copy_remove_param("modified_after")))

    with pytest.raises(UnavailableError, match="older than was asked for"):
        store_on(httpx.MockTransport(everything)).orders_since(by="modified", since=T0)


@pytest.mark.parametrize("limit", [20, 100])
@pytest.mark.parametrize("seed", range(4))
def test_where_the_clock_was_set_back_and_the_store_sorts_by_it_no_order_is_passed(
    limit: int, seed: int
) -> None:
    """It sorts by its local time, of which one hour was twice."""
    random, back = Random(seed), T0 + dt.timedelta(hours=1)
    modified = {id_: T0 + dt.timedelta(seconds=random.randrange(7200)) for id_ in range(1, 60)}
    modified |= dict.fromkeys(range(60, 66), T0 + dt.timedelta(seconds=40))

    class Local(Lists):
        def sort(self, ids: list[int]) -> None:
            def local(id_: int) -> tuple[dt.datetime, float]:
                moment = self.modified[id_]
                shift = dt.timedelta(hours=1) if moment >= back else dt.timedelta()
                return moment - shift, self.random.random()

            ids.sort(key=local)

    store = store_on(httpx.MockTransport(Local(modified)))
    page = store.orders_since(by="modified", since=T0, limit=limit)

    found = [(order.modified_at, int(order.ref.id)) for order in page.orders]
    assert found
    assert found == sorted((moment, id_) for id_, moment in modified.items())[: len(found)]
    assert page.is_last == (limit == 100)


BACK = T0 + dt.timedelta(hours=1)  # one hour, as the store's own clock says it, is twice


class Twice(Lists):
    """A store whose clock was set back at ``BACK``, and that sorts by it."""

    def local(self, id_: int) -> dt.datetime:
        shift = dt.timedelta(hours=1 if self.modified[id_] >= BACK else 2)
        return self.modified[id_] + shift

    def sort(self, ids: list[int]) -> None:
        ids.sort(key=lambda id_: (self.local(id_), self.random.random()))

    def _document(self, id_: int) -> dict[str, Any]:
        local = self.local(id_).replace(tzinfo=None).isoformat()
        return super()._document(id_) | {"date_modified": local, "date_created": local}


@pytest.mark.parametrize("has_begin", [True, False])
def test_a_page_full_of_the_hour_after_the_clock_was_set_back_hides_none_of_the_hour_before(
    has_begin: bool,
) -> None:
    before = {id_: BACK - dt.timedelta(minutes=20 - id_) for id_ in range(1, 11)}
    after = {id_: BACK + dt.timedelta(seconds=id_) for id_ in range(100, 160)}
    lists = Twice({**before, **after})
    since = min(before.values()) if has_begin else min(before.values()) - dt.timedelta(minutes=1)

    found = all_of(store_on(httpx.MockTransport(lists)), "modified", since, limit=20)

    assert [int(order.ref.id) for order in found] == [*before, *after]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_hour_is_twice_no_order_is_passed(seed: int) -> None:
    random = Random(seed)
    spread = random.choice([1200, 7200, 20_000])
    lists = Twice(
        {id_: T0 + dt.timedelta(seconds=random.randrange(spread)) for id_ in range(1, 300)}, random
    )

    found = all_of(
        store_on(httpx.MockTransport(lists)), "modified", T0, random.choice([7, 20, 100])
    )

    keys = [(order.modified_at, int(order.ref.id)) for order in found]
    assert keys == sorted((moment, n) for n, moment in lists.modified.items())


def test_where_the_clock_stays_as_it_is_a_page_costs_one_call_and_a_gap_before_it_another() -> None:
    lists = Twice({n: at(n // 10) for n in range(1, 1001)})
    store = store_on(httpx.MockTransport(lists))

    store.orders_since(by="modified", since=T0)
    assert lists.calls == 1
    store.orders_since(by="modified", since=T0 - dt.timedelta(minutes=3))
    assert lists.calls == 1 + 2  # and the question of what lies in the gap


def test_a_list_that_keeps_moving_is_given_up_for_now() -> None:
    def moves(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        begin = _moment(asked["modified_after"])
        assert begin is not None
        if asked["orderby"] == "id":  # by then it has left the second
            return httpx.Response(200, json=[])
        soon = (begin + dt.timedelta(seconds=2)).replace(tzinfo=None).isoformat()
        return httpx.Response(200, json=[{"id": 1, "date_modified_gmt": soon}])

    with pytest.raises(UnavailableError, match="faster than they can be read"):
        store_on(httpx.MockTransport(moves)).orders_since(by="modified", since=T0, limit=1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(503), UnavailableError),
        (httpx.Response(200, json={"id": 1}), UnavailableError),
        (
            httpx.Response(
                401, json={"code": "woocommerce_rest_cannot_view", "message": "No.", "data": {}}
            ),
            UnauthorizedError,
        ),
    ],
)
def test_a_store_that_does_not_answer_is_told_as_such(
    answer: httpx.Response, error: type[Exception]
) -> None:
    store = store_on(httpx.MockTransport(lambda _: answer))

    with pytest.raises(error):
        store.orders_since(by="modified", since=T0)
    with pytest.raises(error):
        store.orders_in(["7"])
    with pytest.raises(error):
        store.orders_by(email="ada@example.com", page=1)
