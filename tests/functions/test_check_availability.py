"""check_availability: who signs it is answered at once, and nobody else learns a thing."""

import base64
import datetime as dt
import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from accord import bootstrap, edge
from accord.bootstrap import connections, flows
from accord.erp.memory.adapter import Memory
from accord.erp.memory.ledger import Ledger
from accord.errors import UnavailableError, UnsupportedError
from accord.live import LiveStock
from accord.model.stock import Snapshot
from accord.ports.levels import Wanted
from accord.state.levels import DynamoLevels
from accord.sync.availability import Basket, Line
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, metrics

FUNCTION = "check_availability"
CASES = sorted(path.stem for path in (EVENTS / FUNCTION).glob("*.json"))
SECRET = "the newest of the checkout's secrets"
OLD = "the one before"
NONCES = itertools.count(10**15)
Json = dict[str, Any]
Ask = Callable[..., tuple[int, Json]]


@pytest.fixture
def config(config: Json) -> Json:
    uk = config["stores"]["uk"]
    uk["availability"] = {"enabled": True, "hold_minutes": 15, "live": "never"}
    uk["flows"] = {**uk.get("flows", {}), "stock": "on", "prices": "on"}
    return config


@pytest.fixture
def room(room: Room) -> Room:
    keep_secrets(room, [SECRET, OLD])
    return room


@pytest.fixture
def levels(room: Room) -> DynamoLevels:
    """Five mugs and one tea; mugs have a price."""
    known: DynamoLevels = room.of(DynamoLevels, "levels")
    now = dt.datetime.now(dt.UTC)
    there = {"MUG": Decimal(5), "TEA": Decimal(1)}
    known.observe("main", [Snapshot(item, {"MAIN": n}, now) for item, n in there.items()])
    price = {"regular": "12.50", "sale": None, "bands": {"wholesale_customer": "8.00"}}
    known.want("uk", "price", [Wanted("MUG", price, now)])
    return known


@pytest.fixture
def ask(run: Handler, room: Room) -> Ask:
    """``ask({"sku": …}, …)``: status and body of the answer to a signed request."""

    def one(*items: Json, **more: Any) -> tuple[int, Json]:
        answer = run(FUNCTION, request({"id": "b1", "items": list(items), **more}))
        return answer["statusCode"], json.loads(answer["body"])

    return one


def keep_secrets(room: Room, secrets: object) -> None:
    woo = {"webhook_secrets": [], "consumer_key": "ck", "consumer_secret": "cs"}
    room.keep_secret("store/uk", {**woo, "checkout_secrets": secrets})


def request(
    body: Json | str | bytes,
    *,
    secret: str = SECRET,
    at: float = 0,
    nonce: str = "",
    store: str = "uk",
    **headers: str | None,
) -> Json:
    """The recorded form of a request, signed ``at`` seconds from now; None leaves a header out."""
    event: Json = json.loads((EVENTS / FUNCTION / "asks.json").read_text())
    raw = json.dumps(body) if isinstance(body, dict) else body
    data = raw.encode() if isinstance(raw, str) else raw
    time_, nonce = str(int(time.time() + at)), nonce or f"n{next(NONCES)}"
    mac = hmac.new(secret.encode(), f"{time_}.{nonce}.".encode() + data, hashlib.sha256)
    event["headers"] |= {
        "x-accord-time": time_,
        "x-accord-nonce": nonce,
        "x-accord-signature": base64.b64encode(mac.digest()).decode(),
    }
    for name, value in headers.items():
        event["headers"][f"x-accord-{name}"] = value
    event["headers"] = {name: value for name, value in event["headers"].items() if value}
    encoded = isinstance(raw, bytes)
    event["body"] = base64.b64encode(data).decode() if encoded else raw
    event["isBase64Encoded"] = encoded
    event["pathParameters"] = {"store": store}
    return event


def mug(quantity: int = 1) -> Json:
    return {"sku": "MUG", "quantity": quantity}


BASKET = {"id": "b1", "items": [mug()]}


# --- the answer ----------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_every_event_is_answered(run: Handler, levels: DynamoLevels, case: str) -> None:
    body = json.loads((EVENTS / FUNCTION / f"{case}.json").read_text())["body"]

    assert run(FUNCTION, request(body))["statusCode"] == 200


def test_every_line_is_answered_with_what_is_there_and_its_price(
    ask: Ask, levels: DynamoLevels
) -> None:
    status, answer = ask(mug(2), {"sku": "WRAPPING", "quantity": 1})

    as_of = answer["items"][0].pop("as_of")
    assert status == 200
    assert dt.datetime.fromisoformat(as_of).tzinfo is not None
    assert answer == {
        "available": True,
        "items": [
            {
                "sku": "MUG",
                "quantity": 2,
                "available": 5,
                "enough": True,
                "price": {"regular": "12.50", "sale": None, "role": None},
            },
            {
                "sku": "WRAPPING",
                "quantity": 1,
                "available": None,
                "enough": True,
                "price": None,
                "as_of": None,
            },
        ],
        "hold": None,
    }


def test_a_shopper_of_a_price_band_is_told_their_price(ask: Ask, levels: DynamoLevels) -> None:
    _, answer = ask(mug(), customer={"role": "wholesale_customer"})

    assert answer["items"][0]["price"]["role"] == "8.00"


def test_too_many_are_told_to_be_too_many(ask: Ask, levels: DynamoLevels) -> None:
    status, answer = ask(mug(6))

    assert (status, answer["available"], answer["items"][0]["enough"]) == (200, False, False)


def test_the_answer_is_kept_by_nobody_on_its_way(run: Handler, levels: DynamoLevels) -> None:
    headers = run(FUNCTION, request(BASKET))["headers"]

    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"


def test_a_body_in_base64_is_read_as_it_was_signed(run: Handler, levels: DynamoLevels) -> None:
    assert run(FUNCTION, request(json.dumps(BASKET).encode()))["statusCode"] == 200


# --- holds ---------------------------------------------------------------------------------


def test_goods_are_kept_for_the_basket(ask: Ask, levels: DynamoLevels) -> None:
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)

    _, answer = ask(mug(2), hold=True)

    ends = dt.datetime.fromisoformat(answer["hold"]["expires_at"])
    assert answer["hold"]["id"] == "b1"
    assert dt.timedelta(0) <= ends - before - dt.timedelta(minutes=15) < dt.timedelta(minutes=1)
    assert levels.holdings("main", ["MUG"])["MUG"].taken == 2


def test_the_same_request_again_is_answered_the_same_and_kept_once(
    ask: Ask, levels: DynamoLevels
) -> None:
    first = ask(mug(5), hold=True)

    assert ask(mug(5), hold=True) == first
    assert levels.holdings("main", ["MUG"])["MUG"].taken == 5


def test_a_request_id_that_comes_with_another_basket_is_refused(
    ask: Ask, levels: DynamoLevels
) -> None:
    ask(mug(1), hold=True)

    status, answer = ask(mug(2), hold=True)

    assert (status, answer["error"]["field"]) == (409, "id")


def test_after_a_failure_the_same_request_is_answered_anew(
    ask: Ask, levels: DynamoLevels, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "availability", fails)
        assert ask(mug(), hold=True)[0] == 503

    status, answer = ask(mug(), hold=True)

    assert status == 200
    assert answer["hold"]["id"] == "b1"


def fails(name: str) -> Any:
    raise UnsupportedError(f"no {name}")


def test_while_a_request_is_being_answered_the_same_one_is_turned_away(
    ask: Ask, levels: DynamoLevels, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner: list[int] = []
    availability = bootstrap.availability

    def slow(name: str) -> Any:
        if not inner:
            inner.append(0)
            inner[0] = ask(mug(), hold=True)[0]
        return availability(name)

    monkeypatch.setattr(bootstrap, "availability", slow)

    assert ask(mug(), hold=True)[0] == 200
    assert inner == [409]


def test_no_answer_is_told_again_once_its_hold_is_over(
    ask: Ask, levels: DynamoLevels, room: Room
) -> None:
    _, answer = ask(mug(), hold=True)

    (item,) = room.cloud.client("dynamodb").query(
        TableName=room.tables["levels"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "Q#uk#b1"}},
    )["Items"]
    ends = dt.datetime.fromisoformat(answer["hold"]["expires_at"]).timestamp()
    assert 0 < ends - int(item["expires_at"]["N"]) < 30


def test_a_store_that_keeps_nothing_answers_without_a_hold(
    config: Json, room: Room, levels: DynamoLevels, run: Handler
) -> None:
    config["stores"]["uk"]["availability"]["hold_minutes"] = 0
    with open(room.environment["ACCORD_CONFIG"], "w") as file:
        json.dump(config, file)

    answer = run(FUNCTION, request({**BASKET, "hold": True}))

    assert json.loads(answer["body"])["hold"] is None


def test_two_hundred_shoppers_at_once_get_the_last_fifty_pieces_once_each(room: Room) -> None:
    levels: DynamoLevels = room.of(DynamoLevels, "levels")
    levels.observe("main", [Snapshot("MUG", {"MAIN": Decimal(50)}, dt.datetime.now(dt.UTC))])

    def shopper(number: int) -> bool:
        basket = Basket(f"s{number}", (Line("MUG", 1),), hold=True)
        return bootstrap.availability("uk").ask(basket).hold is not None

    with ThreadPoolExecutor(16) as pool:
        kept = list(pool.map(shopper, range(200)))

    assert kept.count(True) == 50
    assert levels.holdings("main", ["MUG"])["MUG"].taken == 50


# --- who asks ------------------------------------------------------------------------------


def status_of(run: Handler, event: Json) -> int:
    status: int = run(FUNCTION, event)["statusCode"]
    return status


def test_the_secret_before_the_newest_is_good_too(run: Handler, levels: DynamoLevels) -> None:
    assert status_of(run, request(BASKET, secret=OLD)) == 200


@pytest.mark.parametrize(("secret", "status"), [("a new one", 200), ("another", 401)])
def test_secrets_that_were_changed_are_read_again_when_one_does_not_fit(
    run: Handler,
    room: Room,
    levels: DynamoLevels,
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
    status: int,
) -> None:
    assert status_of(run, request(BASKET)) == 200
    keep_secrets(room, ["a new one"])
    monkeypatch.setattr(edge, "_ASKED_AGAIN_S", 0)

    assert status_of(run, request(BASKET, secret=secret)) == status


def test_forgers_do_not_have_the_secrets_read_each_time(
    run: Handler, room: Room, levels: DynamoLevels, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status_of(run, request(BASKET)) == 200
    monkeypatch.setattr(edge, "aws_client", lambda: pytest.fail("was read"))

    assert status_of(run, request(BASKET, secret="another")) == 401


@pytest.mark.parametrize("at", [-299, 299])
def test_a_clock_that_is_a_little_off_is_forgiven(
    run: Handler, levels: DynamoLevels, at: int
) -> None:
    assert status_of(run, request(BASKET, at=at)) == 200


@pytest.mark.parametrize("at", [-305, 305])
def test_a_clock_that_is_far_off_is_not(run: Handler, room: Room, at: int) -> None:
    assert status_of(run, request(BASKET, at=at)) == 401


FORGED: dict[str, Json] = {
    "unsigned": {"signature": None},
    "signed by somebody else": {"secret": "another"},
    "not base64": {"signature": "é"},
    "without a time": {"time": None},
    "of another time": {"time": str(int(time.time()) - 1)},
    "no time": {"time": "-1"},
    "without a nonce": {"nonce": None},
    "of another nonce": {"nonce_header": "b" * 20},
    "of a short nonce": {"nonce_header": "short"},
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_request_is_turned_away(
    run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(bootstrap, "availability", lambda _: pytest.fail("was looked up"))
    given = dict(FORGED[how])
    nonce = given.pop("nonce_header", "")
    removed = "nonce" in given and given.pop("nonce") is None
    event = request(BASKET, **given)
    if removed:
        del event["headers"]["x-accord-nonce"]
    if nonce:
        event["headers"]["x-accord-nonce"] = nonce

    assert status_of(run, event) == 401


def test_another_body_under_the_same_signature_is_turned_away(run: Handler, room: Room) -> None:
    event = request(BASKET)
    event["body"] = event["body"].replace("1", "2")

    assert status_of(run, event) == 401


def test_a_nonce_is_good_once(run: Handler, levels: DynamoLevels) -> None:
    event = request(BASKET)

    assert [status_of(run, event), status_of(run, event)] == [200, 409]


def test_a_nonce_is_forgotten_some_time_after_its_request_is_too_old(
    run: Handler, levels: DynamoLevels, room: Room
) -> None:
    run(FUNCTION, request(BASKET, nonce="c" * 20))

    item = room.cloud.client("dynamodb").get_item(
        TableName=room.tables["control"],
        Key={"pk": {"S": f"nonce:uk:{'c' * 20}"}, "sk": {"S": "value"}},
    )["Item"]
    assert 600 < int(item["expires_at"]["N"]) - time.time() <= 900


def test_an_unknown_store_is_not_found(run: Handler, room: Room) -> None:
    assert status_of(run, request(BASKET, store="nowhere")) == 404


def test_a_store_without_checkout_secrets_is_not_enabled(run: Handler, room: Room) -> None:
    keep_secrets(room, [])

    assert status_of(run, request(BASKET)) == 404


def test_a_store_whose_rules_say_so_is_not_enabled(run: Handler, config: Json, room: Room) -> None:
    config["stores"]["uk"]["availability"]["enabled"] = False
    with open(room.environment["ACCORD_CONFIG"], "w") as file:
        json.dump(config, file)

    assert status_of(run, request(BASKET)) == 404


def test_a_text_in_the_place_of_the_list_of_secrets_is_not_taken_apart(
    run: Handler, room: Room
) -> None:
    keep_secrets(room, SECRET)

    assert status_of(run, request(BASKET, secret=SECRET[0])) == 503


# --- what is wrong with it -------------------------------------------------------------------


def nested(depth: int) -> str:
    return f'{{"id":"b1","items":{"[" * depth}{"]" * depth}}}'


WRONG: dict[str, tuple[Json | str | bytes, str]] = {
    "no JSON": ("{", "body"),
    "empty": ("", "body"),
    "no UTF-8": (b"\xff", "body"),
    "a list": ("[]", "body"),
    "not a number": ('{"id":"b1","items":[{"sku":"A","quantity":NaN}]}', "body"),
    "deep": (nested(9), "body"),
    "very deep": (nested(30_000), "body"),
    "an unknown field": ({**BASKET, "hodl": True}, "hodl"),
    "without an id": ({"items": [mug()]}, "id"),
    "an id with a space": ({**BASKET, "id": "a b"}, "id"),
    "a long id": ({**BASKET, "id": "a" * 65}, "id"),
    "without items": ({"id": "b1"}, "items"),
    "of no lines": ({"id": "b1", "items": []}, "items"),
    "of 101 lines": ({"id": "b1", "items": [mug()] * 101}, "items"),
    "a line that is no object": ({"id": "b1", "items": ["MUG"]}, "items[0]"),
    "without a SKU": ({"id": "b1", "items": [mug(), {"sku": "", "quantity": 1}]}, "items[1].sku"),
    "a SKU of half a letter": (
        {"id": "b1", "items": [{"sku": "\ud83d", "quantity": 1}]},
        "items[0].sku",
    ),
    "a long SKU": ({"id": "b1", "items": [{"sku": "x" * 201, "quantity": 1}]}, "items[0].sku"),
    "without pieces": ({"id": "b1", "items": [mug(0)]}, "items[0].quantity"),
    "of too many pieces": ({"id": "b1", "items": [mug(1_000_001)]}, "items[0].quantity"),
    "half a piece": (
        {"id": "b1", "items": [{"sku": "A", "quantity": 0.5}]},
        "items[0].quantity",
    ),
    "pieces as a text": (
        {"id": "b1", "items": [{"sku": "A", "quantity": "1"}]},
        "items[0].quantity",
    ),
    "pieces as a word": (
        {"id": "b1", "items": [{"sku": "A", "quantity": True}]},
        "items[0].quantity",
    ),
    "a customer as a text": ({**BASKET, "customer": "me"}, "customer"),
    "a role as a number": ({**BASKET, "customer": {"role": 1}}, "customer.role"),
    "a hold as a text": ({**BASKET, "hold": "yes"}, "hold"),
    "a hold to replace with a space": ({**BASKET, "replaces": "a b"}, "replaces"),
    "large": ({**BASKET, "id": "x" * 66_000}, "body"),
}


@pytest.mark.parametrize("how", WRONG)
def test_bad_input_is_told_with_the_field_and_what_helps(
    run: Handler, room: Room, how: str
) -> None:
    body, field = WRONG[how]

    answer = run(FUNCTION, request(body))

    error = json.loads(answer["body"])["error"]
    assert (answer["statusCode"], error["field"]) == (400, field)
    assert error["problem"]
    assert error["remedy"]


@pytest.mark.parametrize("text", ['"' + '\\"' * 32_000, '"\\', '"' * 64_001, "[" * 64_000])
def test_what_is_made_to_keep_us_busy_does_not(run: Handler, room: Room, text: str) -> None:
    started = time.process_time()

    assert status_of(run, request(text)) == 400
    assert time.process_time() - started < 2  # it takes milliseconds; minutes where it goes wrong


def test_bad_input_does_not_use_up_its_nonce(run: Handler, levels: DynamoLevels) -> None:
    assert status_of(run, request("{", nonce="d" * 20)) == 400
    assert status_of(run, request(BASKET, nonce="d" * 20)) == 200


# --- when nothing can be told ------------------------------------------------------------------


@pytest.mark.parametrize("table", ["levels", "control", "config"])
def test_while_the_state_cannot_be_read_the_store_is_told_to_sell_on(
    run: Handler, room: Room, table: str
) -> None:
    room.cloud.client("dynamodb").delete_table(TableName=room.tables[table])

    answer = run(FUNCTION, request({**BASKET, "hold": True}))

    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "5")


def test_the_log_shows_neither_what_was_bought_nor_what_it_was_signed_with(
    run: Handler, levels: DynamoLevels, capsys: pytest.CaptureFixture[str]
) -> None:
    run(FUNCTION, request(BASKET, nonce="e" * 20))

    out = capsys.readouterr().out
    assert "answered" in out
    assert not [told for told in ("MUG", "e" * 20, SECRET) if told in out]


# --- how much work it is -------------------------------------------------------------------------


@pytest.fixture
def operations(room: Room) -> Iterator[list[str]]:
    """The names of the table operations sent."""
    sent: list[str] = []

    def note(model: Any, **_: object) -> None:
        sent.append(model.name)

    events = bootstrap.client("dynamodb").meta.events
    events.register("before-call.dynamodb", note)
    yield sent
    events.unregister("before-call.dynamodb", note)


FEW = [mug()]
MANY = [{"sku": f"S{n}", "quantity": 1} for n in range(100)]


@pytest.mark.parametrize("items", [FEW, MANY], ids=["1 line", "100 lines"])
def test_a_basket_costs_three_round_trips_however_long_it_is(
    ask: Ask, levels: DynamoLevels, operations: list[str], items: list[Json]
) -> None:
    ask(mug())  # rules and recipes are read once a minute
    operations.clear()

    ask(*items)

    assert operations == ["PutItem", "BatchGetItem", "BatchGetItem"]


def test_a_hold_costs_four_more(ask: Ask, levels: DynamoLevels, operations: list[str]) -> None:
    ask(mug())
    operations.clear()

    ask(mug(), hold=True)

    assert operations == [
        "PutItem",  # the nonce
        "PutItem",  # the request is being answered
        "BatchGetItem",  # what is there
        "GetItem",  # is it held already
        "TransactWriteItems",  # it is
        "BatchGetItem",  # prices
        "UpdateItem",  # the request's answer
    ]


def test_an_answer_again_costs_two(ask: Ask, levels: DynamoLevels, operations: list[str]) -> None:
    ask(mug(), hold=True)
    operations.clear()

    ask(mug(), hold=True)

    assert operations == ["PutItem", "PutItem"]


# --- live ------------------------------------------------------------------------------------------


class SlowBooks:
    """A back office that answers once it is let."""

    def __init__(self, inner: Memory) -> None:
        self._inner = inner
        self.let = threading.Event()

    def find_items(self, codes: list[str]) -> Any:
        return self._inner.find_items(codes)

    def stock(self, ids: list[str], locations: list[str]) -> Any:
        self.let.wait(10)
        return self._inner.stock(ids, locations)


@pytest.fixture
def live(
    config: Json, room: Room, books: Ledger, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SlowBooks]:
    config["stores"]["uk"]["availability"] |= {"live": "near", "deadline_ms": 2000}
    with open(room.environment["ACCORD_CONFIG"], "w") as file:
        json.dump(config, file)
    ledger = Memory(books.call)
    ledger.add_item("MUG", stock={"MAIN": Decimal(2)})
    slow = SlowBooks(ledger)
    made: list[LiveStock] = []

    def stock(erp: str, deadline_ms: int) -> LiveStock:
        if not made:
            made.append(LiveStock(lambda: slow, Decimal(deadline_ms) / 1000))  # type: ignore[arg-type]
        return made[0]

    monkeypatch.setattr(flows, "_live", stock)
    yield slow
    slow.let.set()
    for each in made:
        each.close()


def test_what_is_nearly_out_is_asked_for_in_the_back_office(
    ask: Ask, live: SlowBooks, levels: DynamoLevels
) -> None:
    live.let.set()

    assert ask(mug(3))[1]["items"][0]["available"] == 2


def test_a_back_office_that_is_late_keeps_nobody_waiting(
    ask: Ask,
    live: SlowBooks,
    levels: DynamoLevels,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = LiveStock(lambda: live, Decimal("0.02"))  # type: ignore[arg-type,return-value]
    monkeypatch.setattr(flows, "_live", lambda erp, deadline_ms: late)

    status, answer = ask(mug(3))
    live.let.set()
    late.close()

    assert (status, answer["items"][0]["available"]) == (200, 5)
    assert metrics(capsys.readouterr().out)["AvailabilityLiveLate"] == 1


def test_a_paused_back_office_is_not_asked_and_the_checkout_is_answered(
    ask: Ask, live: SlowBooks, levels: DynamoLevels, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.let.set()
    guarded = bootstrap.guard().over(live, "main")
    asked = LiveStock(lambda: guarded, Decimal(2))  # type: ignore[arg-type,return-value]
    monkeypatch.setattr(flows, "_live", lambda erp, deadline_ms: asked)
    bootstrap.pauses().begin("main", by="maria")

    status, answer = ask(mug(3))
    asked.close()

    assert (status, answer["items"][0]["available"]) == (200, 5)  # from what is known


def test_while_one_answer_is_outstanding_the_next_question_is_late_and_not_sent(
    live: SlowBooks, room: Room
) -> None:
    sent: list[int] = []

    def connect() -> Any:
        sent.append(1)
        return live

    stock = LiveStock(connect, Decimal("0.02"))
    for _ in range(3):
        with pytest.raises(UnavailableError):
            stock(["MUG"], ["MAIN"])
    live.let.set()
    stock._pool.submit(int).result(10)  # whatever was queued before it has run
    stock.close()

    assert len(sent) == 1


def test_the_back_office_that_is_asked_live_gives_up_by_the_deadline(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts: list[Decimal] = []

    class Noted:
        oauth = None
        capabilities = Memory.capabilities

        @classmethod
        def connect(cls, connection: Any) -> Any:
            timeouts.append(connection.timeout)
            return cls()

        def find_items(self, codes: list[str]) -> Any:
            return {}

    monkeypatch.setattr("accord.erp.load", lambda name: Noted)
    monkeypatch.setattr(connections, "_back_offices", {})

    live = flows._live("main", 250)
    live(["MUG"], ["MAIN"])
    live.close()

    assert timeouts == [Decimal("0.25")]
