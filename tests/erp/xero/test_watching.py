"""What changed in Xero: nothing is lost between pages, whatever happens meanwhile."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from accord.erp.xero.client import Client
from accord.erp.xero.watching import Source, Watching
from accord.http import http_client
from tests.erp.xero.conftest import URL, Tokens

SINCE = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
INVOICES = Source("Invoices", "InvoiceID")
NOTES = Source("CreditNotes", "CreditNoteID")
ITEMS = Source("Items", "ItemID", paged=False)


class Lists:
    """Lists of records that only have an id and a moment. ``before`` is called before each page."""

    def __init__(self) -> None:
        self.at: dict[str, dict[str, dt.datetime]] = {
            "Invoices": {},
            "CreditNotes": {},
            "Items": {},
        }
        self.asked: list[tuple[str, str, str]] = []
        self.before: Callable[[int], None] = lambda _: None

    def put(self, id_: str, milliseconds: int, of: str = "Invoices") -> None:
        self.at[of][id_] = SINCE + dt.timedelta(milliseconds=milliseconds)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        table = request.url.path.rpartition("/")[2]
        since = dt.datetime.fromisoformat(request.headers["If-Modified-Since"])
        page = request.url.params.get("page", "")
        self.before(len(self.asked))
        self.asked.append((table, request.headers["If-Modified-Since"], page))
        rows = sorted(
            ((at, id_) for id_, at in self.at[table].items() if at > since),
            key=lambda each: each[0].replace(microsecond=0),  # within a second, as it comes
        )
        if page:
            size = int(request.url.params["pageSize"])
            rows = rows[(int(page) - 1) * size : int(page) * size]
        name = {"Invoices": "InvoiceID", "CreditNotes": "CreditNoteID", "Items": "ItemID"}[table]
        told = [
            {name: id_, "UpdatedDateUTC": f"/Date({int(at.timestamp() * 1000)}+0000)/"}
            for at, id_ in rows
        ]
        return httpx.Response(200, json={table: told})


@pytest.fixture
def lists() -> Lists:
    return Lists()


@pytest.fixture
def watching(lists: Lists) -> Watching:
    http = http_client(URL, timeout=2, transport=httpx.MockTransport(lists))
    return Watching(Client(http, connection="main", tokens=Tokens()))


def told(
    watching: Watching, *sources: Source, limit: int = 100, since: dt.datetime = SINCE
) -> list[str]:
    """Ids of all changes, read page by page as a poll does."""
    found, after = [], ""
    while True:
        page = watching.page(sources or [INVOICES], since, after, limit)
        found += [position[1] for position, _, _ in page]
        if len(page) < limit:
            return found
        assert (since, after) < page[-1][0]
        since, after = page[-1][0]


def test_changes_come_by_their_time_and_then_by_their_id(watching: Watching, lists: Lists) -> None:
    for id_, at in (("c", 5), ("a", 5), ("b", 3)):
        lists.put(id_, at)

    assert told(watching) == ["b", "a", "c"]


def test_behind_a_place_comes_only_what_is_later_or_has_a_later_id(
    watching: Watching, lists: Lists
) -> None:
    for id_, at in (("a", 5), ("b", 5), ("c", 5), ("d", 4), ("e", 6)):
        lists.put(id_, at)
    since = SINCE + dt.timedelta(milliseconds=5)

    page = watching.page([INVOICES], since, "b", 100)

    assert [position[1] for position, _, _ in page] == ["c", "e"]


def test_what_changed_in_the_very_second_that_is_asked_for_is_read(
    watching: Watching, lists: Lists
) -> None:
    """If-Modified-Since is in whole seconds, and takes what is later than that."""
    lists.put("a", 0)
    lists.put("b", 999)

    assert told(watching, since=SINCE - dt.timedelta(milliseconds=1)) == ["a", "b"]
    assert {each[1] for each in lists.asked} == {"2026-01-05T09:59:58Z"}


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_more_than_a_page_is_told_whole_and_once(
    watching: Watching, lists: Lists, limit: int
) -> None:
    for n in range(250):
        lists.put(f"{n:03}", 100 * n)

    assert told(watching, limit=limit) == [f"{n:03}" for n in range(250)]


@pytest.mark.parametrize("limit", [10, 100])
def test_a_second_that_fills_several_pages_is_told_whole(
    watching: Watching, lists: Lists, limit: int
) -> None:
    for n in range(350):
        lists.put(f"{n:03}", 2000 + n % 7)
    lists.put("last", 9000)

    found = told(watching, limit=limit)

    assert sorted(found) == sorted([*(f"{n:03}" for n in range(350)), "last"])
    assert found[-1] == "last"


def test_what_moves_to_the_end_meanwhile_hides_nobody(watching: Watching, lists: Lists) -> None:
    """Those behind it come one place to the front, onto the page that was read before."""
    for n in range(250):
        lists.put(f"{n:03}", 1000 * n)

    def change(asked: int) -> None:
        if asked == 1:
            for n in range(5):
                lists.put(f"{n:03}", 900_000 + n)

    lists.before = change

    found = told(watching, limit=300)

    assert sorted(found) == [f"{n:03}" for n in range(250)]
    assert found[-5:] == [f"{n:03}" for n in range(5)]


def test_a_page_costs_one_call_where_little_changed(watching: Watching, lists: Lists) -> None:
    lists.put("a", 5)

    told(watching)

    assert lists.asked == [("Invoices", "2026-01-05T09:59:59Z", "1")]


def test_two_lists_are_told_as_one(watching: Watching, lists: Lists) -> None:
    for n in range(150):
        lists.put(f"i{n:03}", 1000 * n)
        lists.put(f"n{n:03}", 1000 * n + 500, of="CreditNotes")

    found = told(watching, INVOICES, NOTES, limit=40)

    assert found == [f"{kind}{n:03}" for n in range(150) for kind in "in"]


def test_a_list_without_pages_is_asked_for_once(watching: Watching, lists: Lists) -> None:
    for n in range(250):
        lists.put(f"{n:03}", 1000 * n, of="Items")

    page = watching.page([ITEMS], SINCE, "", 100)

    assert [position[1] for position, _, _ in page] == [f"{n:03}" for n in range(100)]
    assert lists.asked == [("Items", "2026-01-05T09:59:59Z", "")]


def test_what_is_not_meant_is_left_out_and_ends_no_page(watching: Watching, lists: Lists) -> None:
    for n in range(250):
        lists.put(f"{n:03}", 1000 * n)

    def even(row: dict[str, Any]) -> bool:
        return int(row["InvoiceID"]) % 2 == 0

    found = told(watching, Source("Invoices", "InvoiceID", keep=even), limit=20)

    assert found == [f"{n:03}" for n in range(0, 250, 2)]


def test_of_nothing_nothing_is_told(watching: Watching) -> None:
    assert told(watching) == []
