"""What AWS refuses, delays or never answers becomes one of our errors."""

import datetime as dt
import socket
from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.stub import Stubber

from accord.errors import (
    AccordError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnavailableError,
)
from accord.model.change import Change, Ref
from accord.ports.state import Cause, Entry, Item, Link, Parked, Seen
from accord.ports.tokens import Tenant, TokenSet
from accord.state import dynamo
from accord.state.attention import DynamoAttention
from accord.state.control import DynamoControl
from accord.state.dynamo import ConditionError, Put, Table, Update
from accord.state.journal import DynamoJournal
from accord.state.levels import DynamoLevels
from accord.state.links import DynamoLinks
from accord.state.payloads import S3Payloads
from accord.state.rules_store import DynamoRulesStore
from accord.state.seals import S3Seals
from accord.state.steps import DynamoSteps
from accord.state.tokens import DynamoConsents, DynamoTokens
from accord.state.waiting import DynamoWaiting
from tests.state.levels_kit import ERP, STORE, demand, hold, snapshot, told, want

NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
ORDER = Ref("uk", "order", "30")
LINK = Link(ORDER, "uk-30", 1, owner="a")
CAUSE = Cause("main", "outage")
PARKED = Parked(Change(ORDER, "order_created", NOW, "c1"), "main", "outage", "…", NOW, NOW)
TOKENS = TokenSet(
    access="at",
    refresh="rt",
    expires_at=NOW,
    scopes=(),
    tenant=Tenant("t", "T"),
    consented_at=NOW,
    renewed_at=NOW,
    owner="a",
)
ITEM = Item("i1", "uk:order:30", "rejected", "finance", "…", NOW, NOW)

CALLS: dict[str, Callable] = {
    "levels.holdings": lambda c: DynamoLevels(c, "t").holdings(ERP, ["MUG"]),
    "levels.observe": lambda c: DynamoLevels(c, "t").observe(ERP, [snapshot("MUG", 1, 0)]),
    "levels.recipes": lambda c: DynamoLevels(c, "t").recipes(ERP),
    "levels.put_recipes": lambda c: DynamoLevels(c, "t").put_recipes(ERP, []),
    "levels.touched": lambda c: DynamoLevels(c, "t").touched(ERP, limit=1),
    "levels.untouch": lambda c: DynamoLevels(c, "t").untouch(ERP, ["MUG"]),
    "levels.demand": lambda c: DynamoLevels(c, "t").demand(ORDER),
    "levels.set_demand": lambda c: DynamoLevels(c, "t").set_demand(demand(1, {}), now=NOW),
    "levels.hold": lambda c: DynamoLevels(c, "t").hold(hold("h", {}), [], now=NOW),
    "levels.release": lambda c: DynamoLevels(c, "t").release(STORE, "h"),
    "levels.expire": lambda c: DynamoLevels(c, "t").expire(ERP, now=NOW, limit=1),
    "levels.levels": lambda c: DynamoLevels(c, "t").levels(STORE, "stock", ["MUG"]),
    "levels.want": lambda c: DynamoLevels(c, "t").want(STORE, "stock", [want("MUG", 1, 0)]),
    "levels.dirty": lambda c: DynamoLevels(c, "t").dirty(STORE, "stock", limit=1),
    "levels.count_dirty": lambda c: DynamoLevels(c, "t").count_dirty(STORE, "stock"),
    "levels.sent": lambda c: DynamoLevels(c, "t").sent(
        STORE, "stock", [told("MUG", 1, version=1, at_=0)]
    ),
    "levels.resend": lambda c: DynamoLevels(c, "t").resend(STORE, "stock", ["MUG"]),
    "levels.put_places": lambda c: DynamoLevels(c, "t").put_places(STORE, {"MUG": None}),
    "links.get": lambda c: DynamoLinks(c, "t").get(ORDER),
    "links.find": lambda c: DynamoLinks(c, "t").find(ORDER),
    "links.acquire": lambda c: DynamoLinks(c, "t").acquire(
        ORDER, key="uk-30", owner="a", now=NOW, until=NOW, seen=Seen(NOW)
    ),
    "links.save": lambda c: DynamoLinks(c, "t").save(LINK),
    "links.release": lambda c: DynamoLinks(c, "t").release(LINK, handled=[]),
    "links.abandon": lambda c: DynamoLinks(c, "t").abandon(LINK),
    "steps.begin": lambda c: DynamoSteps(c, "t").begin("k", now=NOW, intent={}),
    "steps.finish": lambda c: DynamoSteps(c, "t").finish("k", {}),
    "steps.looked": lambda c: DynamoSteps(c, "t").looked("k", now=NOW),
    "steps.withdraw": lambda c: DynamoSteps(c, "t").withdraw("k"),
    "waiting.park": lambda c: DynamoWaiting(c, "t").park(PARKED),
    "waiting.causes": lambda c: DynamoWaiting(c, "t").causes(),
    "waiting.of": lambda c: list(DynamoWaiting(c, "t").of(CAUSE)),
    "waiting.count": lambda c: DynamoWaiting(c, "t").count(CAUSE),
    "waiting.get": lambda c: DynamoWaiting(c, "t").get(ORDER),
    "waiting.remove": lambda c: DynamoWaiting(c, "t").remove(PARKED),
    "attention.put": lambda c: DynamoAttention(c, "t").put(ITEM),
    "attention.get": lambda c: DynamoAttention(c, "t").get("i1"),
    "attention.get_all": lambda c: DynamoAttention(c, "t").get_all(["i1"]),
    "attention.redact": lambda c: DynamoAttention(c, "t").redact("i1", "removed"),
    "attention.open": lambda c: DynamoAttention(c, "t").open(),
    "attention.of": lambda c: DynamoAttention(c, "t").of("uk:order:30"),
    "attention.close": lambda c: DynamoAttention(c, "t").close("i1", now=NOW, by="x"),
    "journal.append": lambda c: DynamoJournal(c, "t").append(
        [Entry(ORDER, NOW, "begun", "create", "c1")]
    ),
    "journal.of": lambda c: DynamoJournal(c, "t").of(ORDER),
    "journal.pages": lambda c: DynamoJournal(c, "t").pages("uk:order:30"),
    "journal.before_chain": lambda c: DynamoJournal(c, "t").before_chain("uk:order:30"),
    "journal.heads": lambda c: list(DynamoJournal(c, "t").heads(NOW.date(), "a")),
    "journal.head": lambda c: DynamoJournal(c, "t").head(NOW.date(), "uk:order:30"),
    "journal.refs": lambda c: list(DynamoJournal(c, "t").refs()),
    "control.get": lambda c: DynamoControl(c, "t").get("epoch"),
    "control.put": lambda c: DynamoControl(c, "t").put("epoch", "1", version=None),
    "rules.latest": lambda c: DynamoRulesStore(c, "t").latest(),
    "tokens.get": lambda c: DynamoTokens(c, "t").get("books"),
    "tokens.keep": lambda c: DynamoTokens(c, "t").keep("books", TOKENS),
    "tokens.lease": lambda c: DynamoTokens(c, "t").lease(
        "books", version=1, owner="a", now=NOW, until=NOW
    ),
    "tokens.renew": lambda c: DynamoTokens(c, "t").renew("books", TOKENS),
    "tokens.release": lambda c: DynamoTokens(c, "t").release("books", owner="a", until=NOW),
    "consents.get": lambda c: DynamoConsents(c, "t").get("state:1", now=NOW),
    "consents.put": lambda c: DynamoConsents(c, "t").put("state:1", {}, until=NOW, version=None),
    "rules.push": lambda c: DynamoRulesStore(c, "t").push({}, version=1, now=NOW, by="a", why="b"),
}


def client(service: str, endpoint: str, **options: float):
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, **options),
    )


@pytest.fixture(scope="module")
def refusing() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture(scope="module")
def silent() -> Iterator[str]:
    """An address that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(scope="module")
def unreachable(refusing):
    return client("dynamodb", refusing)


@pytest.mark.parametrize("call", CALLS)
def test_a_table_that_cannot_be_reached(unreachable, call: str) -> None:
    with pytest.raises(UnavailableError) as told:
        CALLS[call](unreachable)

    assert told.value.sent is False


@pytest.mark.parametrize(
    "call",
    [
        lambda payloads: payloads.put("a", 1),
        lambda payloads: payloads.get("a"),
        lambda payloads: payloads.names("a"),
    ],
)
def test_a_bucket_that_cannot_be_reached(refusing, call: Callable) -> None:
    payloads = S3Payloads(client("s3", refusing), "payloads")

    with pytest.raises(UnavailableError) as told:
        call(payloads)

    assert told.value.sent is False


def test_an_answer_that_never_comes_may_have_taken_effect(silent) -> None:
    slow = client("dynamodb", silent, read_timeout=0.05)

    with pytest.raises(UnavailableError) as told:
        DynamoSteps(slow, "t").finish("k", {})

    assert told.value.sent is True


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ProvisionedThroughputExceededException", 400, RateLimitedError),
        ("ThrottlingException", 400, RateLimitedError),
        ("RequestLimitExceeded", 400, RateLimitedError),
        ("InternalServerError", 500, UnavailableError),
        ("ServiceUnavailable", 503, UnavailableError),
        ("ValidationException", 400, RejectedError),
        ("AccessDeniedException", 400, TransientError),
        ("ResourceNotFoundException", 400, TransientError),
        ("ExpiredTokenException", 400, TransientError),
    ],
)
def test_a_refusal_is_sorted_by_what_to_do_about_it(unreachable, code, status, error) -> None:
    with Stubber(unreachable) as stub:
        stub.add_client_error("put_item", code, http_status_code=status)

        with pytest.raises(error) as told:
            Table(unreachable, "t").write(Put({"pk": "a", "sk": "b"}))

    assert type(told.value) is error
    assert code in str(told.value)


def cancelled(*codes: str) -> Callable:
    """A client whose transactions are always cancelled for these reasons."""
    calls = []

    class Client:
        def transact_write_items(self, **_: object) -> None:
            calls.append(1)
            raise ClientError(
                {
                    "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
                    "CancellationReasons": [{"Code": code} for code in codes],
                    "ResponseMetadata": {"HTTPStatusCode": 400},
                },
                "TransactWriteItems",
            )

    made = Client()
    made.calls = calls
    return made


@pytest.mark.parametrize(
    ("codes", "error", "reason"),
    [
        (("None", "ThrottlingError"), RateLimitedError, "rate_limited"),
        (("ProvisionedThroughputExceeded", "None"), RateLimitedError, "rate_limited"),
        (("None", "ValidationError"), RejectedError, "rejected"),
        (("None", "TransactionConflict"), TransientError, "conflict"),
    ],
)
def test_a_cancelled_transaction_says_why(monkeypatch, codes, error, reason) -> None:
    monkeypatch.setattr(dynamo.time, "sleep", lambda _: None)

    with pytest.raises(AccordError) as told:
        Table(cancelled(*codes), "t").write_all([Update("a", "b", "SET #x = :x", values={"x": 1})])

    assert (type(told.value), told.value.reason) == (error, reason)


def test_a_conflict_is_tried_again_a_few_times(monkeypatch) -> None:
    monkeypatch.setattr(dynamo.time, "sleep", lambda _: None)
    busy = cancelled("TransactionConflict")

    with pytest.raises(TransientError):
        Table(busy, "t").write_all([])

    assert 2 < len(busy.calls) < 10


@pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_throttled_transaction_is_tried_again_like_a_conflict(monkeypatch, code) -> None:
    """botocore takes a cancelled transaction for final."""
    monkeypatch.setattr(dynamo.time, "sleep", lambda _: None)
    usual, patient = cancelled("None", code), cancelled("None", code)

    for client_, patience in ((usual, 1), (patient, 3)):
        with pytest.raises(RateLimitedError):
            Table(client_, "t").write_all([], patience=patience)

    assert 2 < len(usual.calls) < 10
    assert len(patient.calls) == 3 * len(usual.calls)


def test_patience_with_a_conflict_is_a_multiple_of_the_usual(monkeypatch) -> None:
    monkeypatch.setattr(dynamo.time, "sleep", lambda _: None)
    usual, patient = cancelled("TransactionConflict"), cancelled("TransactionConflict")

    for client_, patience in ((usual, 1), (patient, 3)):
        with pytest.raises(TransientError, match="cancelled"):
            Table(client_, "t").write_all([], patience=patience)

    assert len(patient.calls) == 3 * len(usual.calls)


def test_writers_who_met_wait_for_different_times(monkeypatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(dynamo.time, "sleep", waits.append)

    for _ in range(2):
        with pytest.raises(TransientError):
            Table(cancelled("TransactionConflict"), "t").write_all([])

    half = len(waits) // 2
    assert waits[:half] != waits[half:]
    assert max(waits) < 1


def test_a_condition_that_failed_beside_a_conflict_is_told_at_once() -> None:
    with pytest.raises(ConditionError) as told:
        Table(cancelled("TransactionConflict", "ConditionalCheckFailed"), "t").write_all([])

    assert told.value.failed == [False, True]


def test_a_conflict_that_passes_is_not_noticed(monkeypatch) -> None:
    monkeypatch.setattr(dynamo.time, "sleep", lambda _: None)
    answers = iter([True, True, False])

    def operation() -> str:
        if next(answers):
            raise ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")
        return "done"

    assert dynamo.ask(operation) == "done"


def test_a_batch_of_which_a_part_is_never_done(monkeypatch) -> None:
    class Full:
        def batch_write_item(self, **request):
            return {"UnprocessedItems": request["RequestItems"]}

        def batch_get_item(self, **request):
            return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}

    monkeypatch.setattr(dynamo.time, "sleep", lambda _: None)
    table = Table(Full(), "t")

    for call in (
        lambda: table.put_all([{"pk": "a"}]),
        lambda: table.delete_all([("a", "b")]),
        lambda: table.get_all([("a", "b")]),
    ):
        with pytest.raises(RateLimitedError):
            call()


def test_arguments_that_the_client_refuses_never_leave(unreachable) -> None:
    with pytest.raises(RejectedError):
        dynamo.ask(unreachable.get_item, TableName="t", Key=1)


def test_a_payload_that_breaks_off_is_unavailable() -> None:
    class Broken:
        def get_object(self, **_: object):
            return {"Body": self}

        def read(self) -> bytes:
            raise ReadTimeoutError(endpoint_url="https://s3")

    with pytest.raises(UnavailableError):
        S3Payloads(Broken(), "payloads").get("a")


@pytest.mark.parametrize(
    "call",
    [
        lambda seals: seals.put("a", "x"),
        lambda seals: seals.get("a"),
        lambda seals: seals.first("a"),
        lambda seals: seals.names("manifests/", after=""),
    ],
)
def test_a_seal_that_cannot_be_reached_is_tried_again_later(refusing: str, call: Callable) -> None:
    with pytest.raises(UnavailableError) as error:
        call(S3Seals(client("s3", refusing), "audit"))

    assert not error.value.sent


def test_a_seal_whose_answer_breaks_off_is_tried_again_later() -> None:
    class Broken:
        def get_object(self, **_: object) -> dict[str, object]:
            return {"Body": self}

        def read(self) -> bytes:
            raise ReadTimeoutError(endpoint_url="https://s3")

    with pytest.raises(UnavailableError):
        S3Seals(Broken(), "audit").get("a")


def test_every_client_of_ours_gives_up_in_time() -> None:
    config = dynamo.config()

    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
