"""Printed documents: fetched by a token, for a while, and not after they were taken back."""

import datetime as dt
import hashlib
import itertools
import json
import socket
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from accord.errors import PermanentError, TransientError, UnavailableError
from accord.model.progress import Attachment
from accord.ports.state import LARGEST_DOCUMENT, Documents
from accord.state.documents import S3Documents
from accord.state.memory import MemoryDocuments

NAME = "uk:order:30/main:invoice:7"
INVOICE = Attachment("Invoice 7.pdf", "application/pdf", b"%PDF-1.7 \x00\xff")
_numbers = itertools.count()


@pytest.fixture
def bucket(aws: None) -> tuple[Any, str]:
    client = boto3.client("s3", region_name="us-east-1")
    name = f"documents-{next(_numbers)}"
    client.create_bucket(Bucket=name)
    return client, name


@pytest.fixture
def documents(either: Callable[..., Documents], request: pytest.FixtureRequest) -> Documents:
    def in_s3(dynamodb: Any, table: str) -> Documents:
        return S3Documents(*request.getfixturevalue("bucket"), dynamodb, table)

    return either(MemoryDocuments, in_s3)


Later = Callable[..., dt.datetime]


@pytest.fixture
def put(documents: Documents, later: Later) -> Callable[..., str]:
    def one(name: str = NAME, *, on: float = 0, days: int = 30, data: bytes | None = None) -> str:
        file = INVOICE if data is None else Attachment("x.pdf", "application/pdf", data)
        return documents.put(name, file, now=later(days=on), days=days)

    return one


Put = Callable[..., str]


def test_whoever_has_the_token_gets_the_file(documents: Documents, put: Put, later: Later) -> None:
    assert documents.get(put(), now=later(days=29)) == INVOICE


def test_the_token_cannot_be_guessed(put: Put) -> None:
    tokens = {put(f"uk:order:{n}/main:invoice:1") for n in range(20)}

    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {43}


@pytest.mark.parametrize("token", ["", "A" * 43, "\ud83d", "../documents/x"])
def test_a_token_that_was_never_given_finds_nothing(
    documents: Documents, put: Put, later: Later, token: str
) -> None:
    put()

    assert documents.get(token, now=later()) is None


def test_keeping_it_twice_gives_the_same_token(put: Put) -> None:
    assert put() == put(on=1)


def test_what_was_kept_first_stays(documents: Documents, put: Put, later: Later) -> None:
    token = put()
    put(data=b"printed once more")

    assert documents.get(token, now=later()) == INVOICE


def test_keeping_it_twice_does_not_make_it_last_longer(
    documents: Documents, put: Put, later: Later
) -> None:
    token = put()
    put(on=20)

    assert documents.get(token, now=later(days=31)) is None


def test_a_token_lapses_on_the_moment(documents: Documents, put: Put, later: Later) -> None:
    assert documents.get(put(days=1), now=later(days=1)) is None


def test_after_it_has_lapsed_it_is_another(documents: Documents, put: Put, later: Later) -> None:
    old = put()
    new = put(on=31)

    assert new != old
    assert documents.get(old, now=later(days=32)) is None
    assert documents.get(new, now=later(days=32)) == INVOICE


def test_a_revoked_token_finds_nothing(documents: Documents, put: Put, later: Later) -> None:
    token = put()

    assert documents.revoke(token)
    assert documents.get(token, now=later()) is None


def test_revoking_again_is_success(documents: Documents, put: Put) -> None:
    token = put()
    documents.revoke(token)

    assert documents.revoke(token)


def test_there_is_nothing_to_revoke(documents: Documents) -> None:
    assert not documents.revoke("A" * 43)


def test_a_revoked_token_never_comes_back(documents: Documents, put: Put, later: Later) -> None:
    old = put()
    documents.revoke(old)
    new = put()

    assert new != old
    assert documents.get(old, now=later()) is None
    assert documents.get(new, now=later()) == INVOICE


def test_revoking_an_old_token_leaves_the_new_one(
    documents: Documents, put: Put, later: Later
) -> None:
    old = put()
    new = put(on=31)
    documents.revoke(old)

    assert documents.get(new, now=later(days=32)) == INVOICE


def test_all_of_an_order_are_found(documents: Documents, put: Put) -> None:
    token = put("uk:order:30/main:invoice:7")
    other = put("uk:order:30/main:shipment:2")
    put("uk:order:300/main:invoice:9")

    found = documents.of("uk:order:30")

    assert [(kept.object_name, kept.token) for kept in found] == [
        ("uk:order:30/main:invoice:7", token),
        ("uk:order:30/main:shipment:2", other),
    ]
    assert [kept.token for kept in documents.of("uk:order:30/main:invoice:7")] == [token]


def test_what_was_revoked_is_kept_no_longer(documents: Documents, put: Put) -> None:
    documents.revoke(put())

    assert documents.of(NAME) == []


def test_a_kept_document_does_not_show_its_token(documents: Documents, put: Put) -> None:
    token = put()

    assert token not in repr(documents.of(NAME))


def test_the_largest_is_kept(documents: Documents, put: Put, later: Later) -> None:
    found = documents.get(put(data=bytes(LARGEST_DOCUMENT)), now=later())

    assert found is not None
    assert len(found.data) == LARGEST_DOCUMENT


def test_what_could_not_be_served_is_refused(put: Put) -> None:
    with pytest.raises(PermanentError, match="smaller images") as told:
        put(data=bytes(LARGEST_DOCUMENT + 1))

    assert told.value.reason == "document_too_large"


# --- in the bucket and in the table ---------------------------------------------


@pytest.fixture
def stored(bucket: tuple[Any, str], dynamodb: Any, table: Callable[[], str]) -> S3Documents:
    return S3Documents(*bucket, dynamodb, table())


def entries(documents: S3Documents, dynamodb: Any) -> list[Any]:
    found: list[Any] = dynamodb.scan(TableName=documents._table.name)["Items"]
    return found


def test_the_table_holds_the_tokens_hash_and_not_the_token(
    stored: S3Documents, dynamodb: Any, later: Later
) -> None:
    token = stored.put(NAME, INVOICE, now=later(), days=30)

    (entry,) = entries(stored, dynamodb)
    assert entry["pk"]["S"] == f"document:{hashlib.sha256(token.encode()).hexdigest()}"
    assert token not in json.dumps(entry)


def test_the_entry_is_swept_once_it_has_lapsed(
    stored: S3Documents, dynamodb: Any, later: Later
) -> None:
    stored.put(NAME, INVOICE, now=later(), days=30)

    (entry,) = entries(stored, dynamodb)
    assert entry["expires_at"] == {"N": str(int(later(days=30).timestamp()))}


def test_one_that_died_before_its_entry_was_made_is_finished_by_the_next(
    bucket: tuple[Any, str], dynamodb: Any, table: Callable[[], str], later: Later
) -> None:
    name = table()
    dead = S3Documents(*bucket, dynamodb, "no-such-table", token=lambda: "first")
    with pytest.raises(TransientError):
        dead.put(NAME, INVOICE, now=later(), days=30)
    living = S3Documents(*bucket, dynamodb, name, token=lambda: "second")

    token = living.put(NAME, INVOICE, now=later(), days=30)

    assert token == "first"
    assert living.get(token, now=later()) == INVOICE


class NoDeleting:
    """S3, but it does not answer when something is to be deleted."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        if name == "delete_object":
            raise UnavailableError("S3 does not answer")
        return getattr(self._client, name)


def test_one_that_could_not_be_removed_opens_nothing_all_the_same(
    bucket: tuple[Any, str], dynamodb: Any, table: Callable[[], str], later: Later
) -> None:
    client, bucket_name = bucket
    name = table()
    whole = S3Documents(client, bucket_name, dynamodb, name)
    token = whole.put(NAME, INVOICE, now=later(), days=30)
    with pytest.raises(UnavailableError):
        S3Documents(NoDeleting(client), bucket_name, dynamodb, name).revoke(token)  # type: ignore[arg-type]

    assert whole.get(token, now=later()) is None
    assert whole.put(NAME, INVOICE, now=later(), days=30) != token


def test_revoking_again_removes_what_could_not_be_removed(
    bucket: tuple[Any, str], dynamodb: Any, table: Callable[[], str], later: Later
) -> None:
    client, bucket_name = bucket
    name = table()
    whole = S3Documents(client, bucket_name, dynamodb, name)
    token = whole.put(NAME, INVOICE, now=later(), days=30)
    with pytest.raises(UnavailableError):
        S3Documents(NoDeleting(client), bucket_name, dynamodb, name).revoke(token)  # type: ignore[arg-type]

    whole.revoke(token)

    assert "Contents" not in client.list_objects_v2(Bucket=bucket_name)


def test_a_file_that_somebody_removed_by_hand_is_found_no_more(
    bucket: tuple[Any, str], stored: S3Documents, later: Later
) -> None:
    client, name = bucket
    token = stored.put(NAME, INVOICE, now=later(), days=30)
    client.delete_object(Bucket=name, Key=f"documents/{NAME}.json")

    assert stored.get(token, now=later()) is None


class Refusing:
    """Every operation is refused for want of permission."""

    def __getattr__(self, name: str) -> Any:
        def refuse(**_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, name)

        return refuse


def test_a_bucket_that_refuses_us_is_a_matter_of_time(
    dynamodb: Any, table: Callable[[], str], later: Later
) -> None:
    documents = S3Documents(Refusing(), "documents", dynamodb, table())  # type: ignore[arg-type]

    with pytest.raises(TransientError, match="AccessDenied"):
        documents.put(NAME, INVOICE, now=later(), days=30)


def test_more_than_one_page_of_the_bucket_is_read(stored: S3Documents, later: Later) -> None:
    class Paged:
        """S3, whose listings have one object a page."""

        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

        def list_objects_v2(self, **asked: Any) -> Any:
            return self._client.list_objects_v2(MaxKeys=1, **asked)

    for number in range(3):
        stored.put(f"uk:order:30/main:invoice:{number}", INVOICE, now=later(), days=30)
    stored._s3 = Paged(stored._s3)  # type: ignore[assignment]

    assert len(stored.of("uk:order:30")) == 3


@pytest.mark.parametrize("call", ["put", "get", "revoke", "of"])
def test_a_bucket_that_cannot_be_reached(
    dynamodb: Any, table: Callable[[], str], bucket: tuple[Any, str], later: Later, call: str
) -> None:
    name = table()
    token = S3Documents(*bucket, dynamodb, name).put(NAME, INVOICE, now=later(), days=30)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    nowhere = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=endpoint,
        config=Config(retries={"total_max_attempts": 1}),
    )
    documents = S3Documents(nowhere, "documents", dynamodb, name)
    calls: dict[str, Callable[[], object]] = {
        "put": lambda: documents.put(NAME, INVOICE, now=later(), days=30),
        "get": lambda: documents.get(token, now=later()),
        "revoke": lambda: documents.revoke(token),
        "of": lambda: documents.of(NAME),
    }

    with pytest.raises(UnavailableError):
        calls[call]()
