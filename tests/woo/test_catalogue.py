"""The store's products over REST: what is asked, and what is made of the answers."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from accord.errors import (
    AccordError,
    BadInputError,
    DuplicateError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.woo.client import WooStore

HOME = "https://store.example"
ANSWERS = Path(__file__).parent / "answers"
NO_PRODUCT = {
    "code": "woocommerce_rest_product_invalid_id",
    "message": "Invalid ID.",
    "data": {"status": 404},
}
Answer = httpx.Response
Asked = list[httpx.Request]


def recorded(name: str) -> dict[str, Any]:
    """A recorded request, and its answer: status, headers, body."""
    found: dict[str, Any] = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def as_recorded(name: str) -> Answer:
    found = recorded(name)
    return Answer(found["status"], headers=found["headers"], json=found["body"])


def store_on(answer: Callable[[httpx.Request], Answer], **kwargs: Any) -> WooStore:
    return WooStore.connect(
        name="uk",
        url=HOME,
        consumer_key="ck_a",
        consumer_secret="cs_a",
        transport=httpx.MockTransport(answer),
        **kwargs,
    )


def always(answer: Answer) -> WooStore:
    return store_on(lambda _: answer)


def replaying(*answers: Answer) -> tuple[WooStore, Asked]:
    """A store that gives one answer after the other, and what it was asked."""
    asked: Asked = []
    left = iter(answers)

    def answer(request: httpx.Request) -> Answer:
        asked.append(request)
        return next(left)

    return store_on(answer), asked


def document(id_: int, sku: str = "", **fields: Any) -> dict[str, Any]:
    """A simple product as the store shows it, shortened."""
    return {"id": id_, "sku": sku or f"SKU-{id_}", "type": "simple", "status": "publish", **fields}


def page(*documents: dict[str, Any], pages: int | None = None) -> Answer:
    headers = {} if pages is None else {"X-WP-TotalPages": str(pages)}
    return Answer(200, json=list(documents), headers=headers)


def body_of(request: httpx.Request) -> Any:
    return json.loads(request.content)


# --- one ----------------------------------------------------------------------------------


def test_a_product_comes_with_the_digest_of_its_bytes() -> None:
    answer = as_recorded("product_simple")

    found = always(answer).get_product("10")

    assert found is not None
    assert found[0]["sku"] == "WID-BLUE"
    assert found[1] == hashlib.sha256(answer.content).hexdigest()[:32]


def test_a_variation_is_read_by_its_own_id() -> None:
    store, asked = replaying(Answer(200, json=document(18, type="variation", parent_id=17)))

    found = store.get_product("18")

    assert found is not None
    assert store.product(found[0]).parent == "17"
    assert asked[0].url.path.endswith("/products/18")


@pytest.mark.parametrize("name", ["err_product_missing", "err_variation_wrong_parent"])
def test_a_product_that_is_gone_is_none(name: str) -> None:
    assert always(as_recorded(name)).get_product("999999") is None


# --- many ---------------------------------------------------------------------------------


def test_skus_are_asked_for_in_one_call() -> None:
    store, asked = replaying(page(document(10, "A"), document(18, "B/2", type="variation")))

    found = store.products_by_sku(["A", "B/2", "C"])

    assert {sku: it.ref.id for sku, it in found.items()} == {"A": "10", "B/2": "18"}
    (request,) = asked
    assert dict(request.url.params) == {
        "sku": "A,B/2,C",
        "status": "any",
        "orderby": "id",
        "order": "asc",
        "per_page": "100",
        "page": "1",
    }


@pytest.mark.parametrize("sku", ["A,B", "50% off", "a+b", "a&b=c", "ü#?", "a b"])
def test_any_sku_arrives_as_it_is(sku: str) -> None:
    store, asked = replaying(page(document(10, sku)))

    assert store.products_by_sku([sku])[sku].ref.id == "10"
    assert asked[0].url.params["sku"] == sku


def test_what_a_comma_takes_a_sku_apart_to_is_not_what_was_asked() -> None:
    store = always(page(document(1, "A"), document(2, "B"), document(3, "A,B")))

    assert list(store.products_by_sku(["A,B"])) == ["A,B"]


def test_a_sku_in_other_letter_case_is_under_its_own_spelling() -> None:
    assert list(always(page(document(10, "wid-blue"))).products_by_sku(["WID-BLUE"])) == [
        "wid-blue"
    ]


def test_of_two_products_with_one_sku_the_older_counts() -> None:
    store = always(page(document(10, "A"), document(11, "A")))

    assert store.products_by_sku(["A"])["A"].ref.id == "10"


def test_skus_that_two_products_share_do_not_push_others_off_the_page() -> None:
    first = [document(id_, "A") for id_ in range(1, 101)]
    store, asked = replaying(page(*first, pages=2), page(document(200, "B"), pages=2))

    assert set(store.products_by_sku(["A", "B"])) == {"A", "B"}
    assert len(asked) == 2


def test_a_store_that_ignores_the_filter_is_not_read_whole() -> None:
    store, asked = replaying(page(*map(document, range(1, 101)), pages=500))

    assert store.products_by_sku(["A"]) == {}
    assert len(asked) == 1


def test_long_skus_are_asked_for_in_parts() -> None:
    skus = [f"{at:03}" + "ü" * 60 for at in range(40)]

    def answer(request: httpx.Request) -> Answer:
        assert len(str(request.url)) < 6500
        named = request.url.params["sku"].split(",")
        return page(*(document(int(sku[:3]) + 1, sku) for sku in named))

    assert sorted(store_on(answer).products_by_sku(skus)) == skus


def test_no_sku_is_no_call() -> None:
    store, asked = replaying()

    assert store.products_by_sku(["", " "]) == {}
    assert asked == []


def test_products_are_read_by_their_ids() -> None:
    store, asked = replaying(page(document(10), document(12), document(99)))

    found = store.products_of(["12", "10", "11"])

    assert [it.ref.id for it in found] == ["12", "10"]
    assert asked[0].url.path.endswith("/wc/v3/products")
    assert asked[0].url.params["include"] == "12,10,11"
    assert asked[0].url.params["status"] == "any"


def test_variations_are_read_under_their_parent() -> None:
    store, asked = replaying(as_recorded("variation_parent_managed"))

    found = store.products_of(["25", "26"], parent="24")

    assert [(it.ref.id, it.parent, it.by_parent) for it in found] == [
        ("25", "24", True),
        ("26", "24", True),
    ]
    assert asked[0].url.path.endswith("/products/24/variations")


def test_variations_of_a_product_that_is_gone_are_none() -> None:
    store = always(as_recorded("err_product_missing"))

    assert list(store.products_of(["25"], parent="24")) == []
    assert list(store.list_products(page=1, parent="24")) == []


def test_no_id_is_no_call() -> None:
    store, asked = replaying()

    assert list(store.products_of([])) == []
    assert asked == []


@pytest.mark.parametrize("ids", [["10,11"], ["x"], [""]])
def test_an_id_that_is_no_number_is_not_sent(ids: list[str]) -> None:
    store, asked = replaying()

    with pytest.raises(BadInputError):
        store.products_of(ids)
    assert asked == []


def test_a_page_of_products_is_asked_for_by_id() -> None:
    store, asked = replaying(as_recorded("products_list"))

    store.list_products(page=3)

    assert dict(asked[0].url.params) == {
        "status": "any",
        "orderby": "id",
        "order": "asc",
        "per_page": "100",
        "page": "3",
    }


def test_the_moment_is_in_utc_and_said_once() -> None:
    store, asked = replaying(page())
    east = dt.timezone(dt.timedelta(hours=1))

    store.list_products(page=1, modified_after=dt.datetime(2026, 11, 22, 16, 0, 5, 9, tzinfo=east))

    assert asked[0].url.params["modified_after"] == "2026-11-22T15:00:04"
    assert asked[0].url.params["dates_are_gmt"] == "true"


def test_a_page_that_a_plugin_thinned_out_is_not_taken_for_the_last() -> None:
    thin = [document(id_) for id_ in range(1, 100)]
    rest = [document(id_) for id_ in range(101, 121)]
    store, _ = replaying(page(*thin, pages=2), page(*rest, pages=2))

    assert [it.ref.id for it in store.list_products(page=1)][-1] == "120"


def test_the_last_page_is_followed_by_none() -> None:
    store, asked = replaying(page(document(1), pages=3))

    store.list_products(page=3)

    assert len(asked) == 1


def test_a_count_of_pages_that_is_not_true_ends_with_an_empty_one() -> None:
    store, asked = replaying(page(document(1), pages=9), page(pages=9))

    assert len(store.list_products(page=1)) == 1
    assert len(asked) == 2


# --- a batch --------------------------------------------------------------------------------


def test_a_batch_says_what_became_of_each_in_order() -> None:
    found = recorded("batch_partial_failure")
    answers = found["body"]
    sent = found["request"]["body"]
    # Without the entries that Accord does not send: one has no id, one deletes.
    updates = [entry for entry in sent["update"] if "id" in entry]
    answers = {
        "create": answers["create"],
        "update": [it for it in answers["update"] if it.get("id")],
    }
    store, asked = replaying(Answer(200, json=answers))
    entries = [updates[0], sent["create"][0], updates[1], sent["create"][1]]
    entries += [{"id": 11, "stock_quantity": 0}, {"id": 12, "stock_quantity": 1}]

    written = store.write_products(entries)

    assert [it.product.sku if it.product else it.code for it in written] == [
        "WID-BLUE",
        "BATCH-1",
        "woocommerce_rest_product_invalid_id",
        "product_invalid_sku",
        "MUG-1",
        "SEAT-1",
    ]
    assert [it.holder for it in written] == ["", "", "", "10", "", ""]
    assert written[0].product is not None
    assert written[0].product.stock == Decimal(55)
    assert body_of(asked[0]) == {
        "create": sent["create"],
        "update": [
            updates[0],
            updates[1],
            {"id": 11, "stock_quantity": 0},
            {"id": 12, "stock_quantity": 1},
        ],
    }
    assert asked[0].url.path.endswith("/wc/v3/products/batch")


def test_variations_go_in_a_batch_of_their_parent() -> None:
    found = recorded("batch_variations")
    store, asked = replaying(as_recorded("batch_variations"))

    written = store.write_products(found["request"]["body"]["update"], parent="17")

    assert [(it.product.parent, it.product.sku) for it in written if it.product] == [
        ("17", "TEE-S-R"),
        ("17", "TEE-S-G"),
    ]
    assert written[2].code == "woocommerce_rest_product_variation_invalid_id"
    assert asked[0].url.path == found["request"]["path"]
    assert body_of(asked[0]) == found["request"]["body"]


def test_prices_are_sent_as_text() -> None:
    store, asked = replaying(Answer(200, json={"update": [document(10)]}))

    store.write_products([{"id": "10", "regular_price": Decimal("9.90")}])

    assert body_of(asked[0]) == {"update": [{"id": 10, "regular_price": "9.90"}]}


def test_an_empty_batch_is_no_call() -> None:
    store, asked = replaying()

    assert list(store.write_products([])) == []
    assert asked == []


def test_a_batch_above_the_limit_is_not_sent() -> None:
    store, asked = replaying()

    with pytest.raises(BadInputError, match="101"):
        store.write_products([{"id": "10"}] * 101)
    assert asked == []


def limited_to(most: int, too_large: Answer) -> tuple[WooStore, list[int]]:
    """A store that takes ``most`` entries; the sizes of the batches that it took."""
    sizes: list[int] = []

    def answer(request: httpx.Request) -> Answer:
        body = body_of(request)
        if sum(map(len, body.values())) > most:
            return too_large
        sizes.append(sum(map(len, body.values())))
        made = [document(900 + at, it["sku"]) for at, it in enumerate(body.get("create", ()))]
        return Answer(
            200,
            json={"create": made, "update": [document(it["id"]) for it in body.get("update", ())]},
        )

    return store_on(answer), sizes


@pytest.mark.parametrize(
    "too_large",
    [as_recorded("err_batch_101"), Answer(413, text="<html>413 Request Entity Too Large")],
    ids=["the store", "the server before it"],
)
def test_a_batch_that_is_too_large_goes_in_parts(too_large: Answer) -> None:
    store, sizes = limited_to(2, too_large)
    entries = [{"id": "10"}, {"sku": "N-1"}, {"id": "11"}, {"sku": "N-2"}, {"id": "12"}]

    written = store.write_products(entries)

    assert [it.product.sku for it in written if it.product] == [
        "SKU-10",
        "N-1",
        "SKU-11",
        "N-2",
        "SKU-12",
    ]
    assert max(sizes) == 2


def test_one_entry_that_is_too_large_is_refused_and_the_others_are_not() -> None:
    def answer(request: httpx.Request) -> Answer:
        update = body_of(request)["update"]
        if any(it["id"] == 11 for it in update):
            return Answer(413, text="<html>")
        return Answer(200, json={"update": [document(it["id"]) for it in update]})

    written = store_on(answer).write_products([{"id": "10"}, {"id": "11"}, {"id": "12"}])

    assert [it.code for it in written] == ["", "request_too_large", ""]


def test_all_are_refused_when_the_parent_is_gone() -> None:
    written = always(Answer(404, json=NO_PRODUCT)).write_products(
        [{"id": "18"}, {"id": "19"}], parent="17"
    )

    assert [it.code for it in written] == ["woocommerce_rest_product_invalid_id"] * 2


def test_a_refusal_is_told_without_entities() -> None:
    error = {"code": "x", "message": "SKU &#8220;A&#8221; is taken", "data": 400}
    store = always(Answer(200, json={"update": [{"id": 10, "error": error}]}))

    (written,) = store.write_products([{"id": "10"}])

    assert (written.message, written.holder) == ("SKU “A” is taken", "")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"update": []},
        {"update": [document(10)]},
        {"update": [document(11), document(10)]},
        {"update": [document(10), None]},
        {"update": [document(10), {"id": 11}, document(12)]},
        {"update": {"0": document(10)}},
        {"create": [document(10), document(11)]},
        [],
        None,
    ],
    ids=str,
)
def test_an_answer_that_is_not_of_the_batch_leaves_open_what_became_of_it(answer: object) -> None:
    with pytest.raises(UnavailableError) as raised:
        always(Answer(200, json=answer)).write_products([{"id": "10"}, {"id": "11"}])

    assert raised.value.sent


def test_a_new_product_without_id_is_no_answer() -> None:
    with pytest.raises(UnavailableError):
        always(Answer(200, json={"create": [{"sku": "A"}]})).write_products([{"sku": "A"}])


# --- categories -----------------------------------------------------------------------------


def term(id_: int, name: str, parent: int = 0) -> dict[str, Any]:
    return {"id": id_, "name": name, "parent": parent, "slug": "x"}


def test_categories_that_are_there_are_found() -> None:
    store, asked = replaying(as_recorded("categories"))

    assert store.categories([("widgets",)]) == {("widgets",): "16"}
    assert [it.method for it in asked] == ["GET"]


def test_levels_that_lack_are_made_from_the_root_and_once() -> None:
    made = iter(range(20, 30))

    def answer(request: httpx.Request) -> Answer:
        if request.method == "GET":
            return as_recorded("categories")
        return Answer(201, json={**body_of(request), "id": next(made)})

    paths = [("Widgets", "Blue"), ("Home", "Kitchen"), ("Home", "Bath")]

    assert store_on(answer).categories(paths) == {
        ("Widgets", "Blue"): "20",
        ("Home", "Kitchen"): "22",
        ("Home", "Bath"): "23",
    }


def test_a_new_level_names_its_parent() -> None:
    store, asked = replaying(as_recorded("categories"), Answer(201, json=term(20, "Blue", 16)))

    store.categories([("Widgets", "Blue")])

    assert body_of(asked[1]) == {"name": "Blue", "parent": 16}


def test_one_name_under_two_parents_is_two_categories() -> None:
    terms = [term(1, "Men"), term(2, "Women"), term(3, "Shoes", 1), term(4, "Shoes", 2)]

    found = always(Answer(200, json=terms)).categories([("Men", "Shoes"), ("Women", "Shoes")])

    assert list(found.values()) == ["3", "4"]


def test_a_category_is_known_behind_entities() -> None:
    found = always(Answer(200, json=[term(5, "Nuts &amp; Bolts")])).categories([("Nuts & Bolts",)])

    assert list(found.values()) == ["5"]


def test_a_category_that_somebody_else_just_made_is_taken() -> None:
    exists = {
        "code": "term_exists",
        "message": "A term with the name provided already exists with this parent.",
        "data": {"status": 400, "resource_id": 31},
    }
    store, _ = replaying(as_recorded("categories"), Answer(400, json=exists))

    assert store.categories([("Gifts",)]) == {("Gifts",): "31"}


def test_a_category_that_is_there_and_is_not_named_is_a_refusal() -> None:
    exists = {"code": "term_exists", "message": "…", "data": {"status": 400}}
    store, _ = replaying(as_recorded("categories"), Answer(400, json=exists))

    with pytest.raises(DuplicateError):
        store.categories([("Gifts",)])


def test_all_pages_of_categories_are_read() -> None:
    first = [term(id_, f"C{id_}") for id_ in range(1, 101)]
    store, asked = replaying(Answer(200, json=first), Answer(200, json=[term(101, "Last")]))

    assert store.categories([("Last",)]) == {("Last",): "101"}
    assert [it.url.params["page"] for it in asked] == ["1", "2"]


@pytest.mark.parametrize("paths", [[], [()], [("Home", " ")]])
def test_a_path_without_names_is_no_call(paths: list[tuple[str, ...]]) -> None:
    store, asked = replaying()

    assert store.categories(paths) == {}
    assert asked == []


# --- what may be answered to each -------------------------------------------------------------

CALLS: dict[str, Callable[[WooStore], object]] = {
    "get_product": lambda store: store.get_product("10"),
    "products_by_sku": lambda store: store.products_by_sku(["A"]),
    "products_of": lambda store: store.products_of(["10"]),
    "list_products": lambda store: store.list_products(page=1),
    "write_products": lambda store: store.write_products([{"id": "10"}]),
    "categories": lambda store: store.categories([("Home",)]),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@each_call
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(503, text="<html>Briefly unavailable"), UnavailableError),
        (Answer(500, json={"code": "internal_server_error", "message": "…"}), UnavailableError),
        (Answer(200, text='[{"id": 10'), UnavailableError),
        (Answer(200, json="text"), UnavailableError),
        (Answer(302, headers={"Location": HOME}), RejectedError),
        (Answer(400, json={"code": "rest_invalid_param", "message": "…"}), RejectedError),
        (
            Answer(401, json={"code": "woocommerce_rest_cannot_view", "message": "…"}),
            UnauthorizedError,
        ),
        (Answer(404, json={"code": "rest_no_route", "message": "…"}), UnavailableError),
        (Answer(429, headers={"Retry-After": "7"}), RateLimitedError),
    ],
)
def test_what_a_store_may_answer_becomes_our_error(
    call: Callable[[WooStore], object], answer: Answer, error: type[AccordError]
) -> None:
    with pytest.raises(error) as raised:
        call(always(answer))

    assert type(raised.value) is error


@each_call
def test_no_answer_may_have_taken_effect(call: Callable[[WooStore], object]) -> None:
    def answer(request: httpx.Request) -> Answer:
        raise httpx.ReadTimeout("no", request=request)

    with pytest.raises(UnavailableError) as raised:
        call(store_on(answer))

    assert raised.value.sent


@pytest.mark.parametrize("listed", [[{}], [None], [{"id": "10"}], {"id": 10}])
def test_a_list_of_something_else_is_no_answer(listed: object) -> None:
    with pytest.raises(UnavailableError):
        always(Answer(200, json=listed)).list_products(page=1)


def test_every_call_is_counted_before_it_is_sent() -> None:
    calls: list[str] = []
    store = store_on(lambda _: Answer(200, json={"update": [document(10)]}), on_call=calls.append)

    store.write_products([{"id": "10"}])

    assert calls == ["POST"]
