"""What changed of items: page by page, nothing is lost, whatever the pages' size."""

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.erp.tryton import watching
from accord.erp.tryton.adapter import Tryton
from accord.erp.tryton.asking import Asking
from accord.erp.tryton.watching import Watching
from accord.erp.tryton.wire import Values
from accord.local.tryton.desk import Desk
from accord.model.documents import Kind
from accord.model.progress import News
from tests.erp.tryton.items import Spent, TrytonItems
from tests.erp.tryton.orders import Hands

BEGINNING = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def pages(
    erp: Tryton | Watching, kind: Kind, since: dt.datetime, limit: int
) -> Iterator[list[News]]:
    """Page after page, as a poll reads them."""
    after = ""
    while True:
        page = list(erp.changes(kind, since, after=after, limit=limit))
        yield page
        if len(page) < limit:
            return
        since, after = page[-1].at, page[-1].ref.id


# --- any history, on tables in memory ------------------------------------------


class Tables(Asking):
    """Rows by model, searched as Tryton does: no more of its domains than is used here."""

    def __init__(self, tables: dict[str, list[Values]]) -> None:
        self.connection = "main"
        self.tables = tables

    def has(self, model: str, field: str) -> bool:
        return True

    def rows(
        self,
        model: str,
        domain: list[Any],
        fields: Any,
        *,
        limit: int | None = None,
        order: list[list[str]] | None = None,
        **context: Any,
    ) -> list[Values]:
        found = [row for row in self.tables.get(model, []) if _fits(row, domain)]
        for path, _ in reversed(order or []):
            found.sort(key=lambda row, path=path: _value(row, path))  # type: ignore[misc]
        return found[:limit]


def _value(row: Values, path: str) -> Any:
    *parents, name = path.split(".")
    for parent in parents:
        if name == "id" and parent == parents[-1] and parent in row:
            return row[parent]
        row = row[f"{parent}."]
    return row[name]


def _fits(row: Values, domain: list[Any]) -> bool:
    if domain and domain[0] == "OR":
        return any(_fits(row, each) for each in domain[1:])
    if domain and isinstance(domain[0], str):
        path, operator, wanted = domain
        value = _value(row, path)
        match operator:
            case "=":
                return bool(value == wanted)
            case "!=":
                return bool(value != wanted)
            case ">":
                return value is not None and bool(value > wanted)
            case ">=":
                return value is not None and bool(value >= wanted)
    return all(_fits(row, each) for each in domain)


moments = st.integers(0, 6).map(lambda n: BEGINNING + dt.timedelta(seconds=n))
dates = st.tuples(moments, st.none() | moments)


def _dated(made: tuple[dt.datetime, dt.datetime | None]) -> Values:
    created, written = made
    return {"create_date": created, "write_date": written and max(created, written)}


def _latest(row: Values) -> dt.datetime:
    at: dt.datetime = row["write_date"] or row["create_date"]
    return at


@st.composite
def histories(draw: st.DrawFn) -> dict[str, list[Values]]:
    """Products with templates, their numbers, and categories; each dated by itself."""
    products = [
        {"id": id_, "code": "A", **_dated(draw(dates)), "template.": _dated(draw(dates))}
        for id_ in range(1, draw(st.integers(1, 8)) + 1)
    ]
    numbers = [
        {
            "id": id_,
            "product": draw(st.integers(1, len(products))),
            "product.": {"code": "A"},
            **_dated(draw(dates)),
        }
        for id_ in range(1, draw(st.integers(0, 8)) + 1)
    ]
    categories = [
        {"id": id_, **_dated(draw(dates))} for id_ in range(1, draw(st.integers(0, 4)) + 1)
    ]
    return {
        "product.product": products,
        "product.identifier": numbers,
        "product.category": categories,
    }


def _truth(tables: dict[str, list[Values]]) -> dict[str, dt.datetime]:
    """Id of what is told → when it last changed."""
    last: dict[str, dt.datetime] = {}
    for row in tables["product.product"]:
        last[str(row["id"])] = max(_latest(row), _latest(row["template."]))
    for row in tables["product.identifier"]:
        last[str(row["product"])] = max(last[str(row["product"])], _latest(row))
    for row in tables["product.category"]:
        if row["write_date"]:
            last[f"category-{row['id']}"] = _latest(row)
    return last


@given(tables=histories(), rows=st.integers(1, 5), limit=st.integers(1, 5), since=moments)
def test_every_change_is_told_at_its_latest_and_in_order(
    tables: dict[str, list[Values]], rows: int, limit: int, since: dt.datetime
) -> None:
    with patch.object(watching, "_ROWS", rows):
        told = list(itertools.chain(*pages(Watching(Tables(tables)), Kind.ITEM, since, limit)))

    changed = {id_: at for id_, at in _truth(tables).items() if at >= since}
    assert {news.ref.id: news.at for news in told} == changed
    assert sorted(news.at for news in told) == [news.at for news in told]


@given(tables=histories(), rows=st.integers(1, 5), limit=st.integers(1, 5))
def test_no_position_is_told_twice(tables: dict[str, list[Values]], rows: int, limit: int) -> None:
    with patch.object(watching, "_ROWS", rows):
        told = list(itertools.chain(*pages(Watching(Tables(tables)), Kind.ITEM, BEGINNING, limit)))

    positions = [(news.at, news.ref.id) for news in told]
    assert len(set(positions)) == len(positions)


# --- on a real Tryton ---------------------------------------------------------------


@pytest.mark.tryton
class TestWatching(TrytonItems):
    """Where changes show in Tryton."""

    @pytest.mark.parametrize(
        ("kind", "calls"), [(Kind.ITEM, 3), (Kind.STOCK, 3), (Kind.PRICE, 4), (Kind.RECIPE, 6)]
    )
    def test_a_quiet_minute_takes_a_call_per_source(
        self, erp: Tryton, kind: Kind, calls: int, spent: Spent
    ) -> None:
        erp.changes(kind, self.moment())  # what modules there are is known from now on
        spent()

        erp.changes(kind, self.moment())

        assert sum(spent().values()) == calls

    @pytest.mark.parametrize("kind", [Kind.ITEM, Kind.STOCK, Kind.PRICE])
    def test_more_changes_than_an_answer_holds_are_all_told(
        self,
        erp: Tryton,
        desk: Desk,
        unique: str,
        kind: Kind,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        codes = [f"MUG-{unique}-{n}" for n in range(6)]
        desk.make_items(codes)
        monkeypatch.setattr(watching, "_ROWS", 2)
        since = self.moment()
        for code in codes:
            match kind:
                case Kind.ITEM:
                    desk.edit_item(code, name="New")
                case Kind.STOCK:
                    desk.receive(code, 1)
                case _:
                    desk.set_list_price(code, 5)
        desk.receive(codes[0], 1)  # again, so that it is told of at its latest change

        told = [news for page in pages(erp, kind, since, 4) for news in page]

        assert {news.ref.id for news in told} == set(erp.find_items(codes).values())
        last = codes[0] if kind is Kind.STOCK else codes[-1]
        assert told[-1].ref.id == self.id_of(erp, last)

    def test_a_number_that_was_written_by_itself_is_told_of_its_item(
        self, erp: Tryton, code: str, hands: Hands
    ) -> None:
        product = self.product(hands, code)["id"]
        number = {"type": "ean", "code": "4006381333931"}
        hands.do("product.product.write", [product], {"identifiers": [["create", [number]]]})
        since = self.moment()
        ids = hands.do("product.identifier.search", [["product", "=", product]])
        hands.do("product.identifier.write", ids, {"code": "9780201379624"})

        told = erp.changes(Kind.ITEM, since)

        assert [news.ref.id for news in told] == [str(product)]

    @pytest.mark.parametrize("kind", [Kind.ITEM, Kind.PRICE])
    def test_a_written_category_may_mean_any_item(
        self, erp: Tryton, hands: Hands, kind: Kind
    ) -> None:
        (category,) = hands.do("product.category.create", [{"name": "Kitchen"}])
        since = self.moment()
        hands.do("product.category.write", [category], {"name": "Cooking"})

        told = erp.changes(kind, since)

        assert [(news.ref.kind, news.ref.id) for news in told] == [
            ("category", f"category-{category}")
        ]

    @pytest.mark.parametrize("of", ["list", "line"])
    def test_a_changed_price_list_may_mean_any_item(
        self, erp: Tryton, desk: Desk, hands: Hands, unique: str, of: str
    ) -> None:
        desk.set_price_list(f"Trade {unique}", formula="list_price * 0.8")
        domain = [["name", "=", f"Trade {unique}"]]
        (price_list,) = hands.do("product.price_list.search", domain)
        lines = hands.do("product.price_list.line.search", [["price_list", "=", price_list]])
        since = self.moment()
        if of == "list":
            hands.do("product.price_list.write", [price_list], {"price": "cost_price"})
        else:
            hands.do("product.price_list.line.write", lines, {"formula": "list_price * 0.7"})

        told = erp.changes(Kind.PRICE, since)

        assert [(news.ref.kind, news.ref.id) for news in told] == [
            ("price_list", f"price_list-{price_list}")
        ]

    def test_a_price_of_all_variants_is_told_of_each(
        self, erp: Tryton, desk: Desk, code: str, hands: Hands
    ) -> None:
        first = self.product(hands, code)
        hands.do("product.product.write", [first["id"]], {"suffix_code": "-S"})
        (second,) = hands.do(
            "product.product.create", [{"template": first["template"], "suffix_code": "-M"}]
        )
        since = self.moment()
        hands.do("product.template.write", [first["template"]], {"list_price": 7})

        told = erp.changes(Kind.PRICE, since)

        assert [news.ref.id for news in told] == [str(first["id"]), str(second)]
