"""What a route of the stand-in's REST is made of: a request, parsed; pages; links; addresses."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from accord.local.store.documents import Doc
from accord.local.store.shop import Shop
from accord.local.store.wire import Answer, Refusal, invalid_param, not_one_of, wrong_type

BASE = "/wp-json/wc/v3"
READ = "GET"
LIST = "GET, POST"
ITEM = "GET, POST, PUT, PATCH, DELETE"
BATCH = "POST, PUT, PATCH"
_BATCH_LIMIT = 100
_SPANS = (
    ("modified_after", "date_modified_gmt", True),
    ("modified_before", "date_modified_gmt", False),
    ("after", "date_created_gmt", True),
    ("before", "date_created_gmt", False),
)


_NOT_ANY = frozenset({"trash", "auto-draft"})


@dataclass(frozen=True)
class Query:
    """One request, parsed. ``ids`` are the numbers in its path."""

    shop: Shop
    ids: tuple[int, ...]
    params: dict[str, str]
    body: Doc

    @cached_property
    def statuses(self) -> frozenset[str]:
        """Those that are asked for; none for any."""
        found = frozenset(
            status
            for name, value in self.params.items()
            if re.fullmatch(r"status(\[\d*\])?", name)
            for status in value.split(",")
        )
        return frozenset() if "any" in found else found

    def flag(self, name: str) -> bool:
        """A boolean, from the query or the body."""
        value: object = self.params.get(name, self.body.get(name))
        return value is True or str(value).lower() in {"1", "true", "yes"}

    def number(self, name: str, default: int, low: int, high: int | None = None) -> int:
        """Raises: Refusal: not a whole number, or out of bounds."""
        value = self.params.get(name)
        if value is None:
            return default
        if not re.fullmatch(r"-?\d+", value):
            raise wrong_type(name, "integer")
        if int(value) < low or (high is not None and int(value) > high):
            message = (
                f"{name} must be between {low} (inclusive) and {high} (inclusive)"
                if high is not None
                else f"{name} must be greater than or equal to {low}"
            )
            raise invalid_param(name, message, "rest_out_of_bounds")
        return int(value)

    def moment(self, name: str) -> dt.datetime | None:
        """A time given in the query.

        Bare, it is in the shop's zone, or in UTC with ``dates_are_gmt``. With a mark it is what it
        says; with a mark and that flag it is shifted twice, as the real store does.
        """
        value = self.params.get(name)
        if value is None:
            return None
        try:
            given = dt.datetime.fromisoformat(value.replace(" ", "+"))
        except ValueError:
            raise invalid_param(name, "Invalid date.", "rest_invalid_date") from None
        gmt = self.flag("dates_are_gmt")
        if given.tzinfo is None:
            return given.replace(tzinfo=dt.UTC if gmt else self.shop.zone).astimezone(dt.UTC)
        moment = given.astimezone(dt.UTC)
        offset = moment.astimezone(self.shop.zone).utcoffset() or dt.timedelta()
        return moment + offset if gmt else moment


Handler = Callable[[Query], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """What a path takes. ``locks`` is False where a request goes out while it is answered."""

    pattern: re.Pattern[str]
    allow: str
    handlers: dict[str, Handler]
    locks: bool = True


def ordering(query: Query, allowed: list[str]) -> tuple[str, bool]:
    """What a list goes by, and whether downwards. Raises: Refusal: neither is known."""
    order_by = query.params.get("orderby", "date")
    if order_by not in allowed:
        raise not_one_of("orderby", allowed)
    direction = query.params.get("order", "desc")
    if direction not in {"asc", "desc"}:
        raise not_one_of("order", ["asc", "desc"])
    return order_by, direction == "desc"


def has_status(doc: Doc, query: Query) -> bool:
    """Whether the status is asked for. Any is any but the trash."""
    return doc["status"] in query.statuses if query.statuses else doc["status"] not in _NOT_ANY


def chosen(documents: Iterable[Doc], query: Query) -> list[Doc]:
    """By their ids, and by their times: later than the cursor's whole second, or earlier."""
    spans = [  # as text, which sorts alike: a list may be asked for a thousand times
        (field, moment.replace(tzinfo=None).isoformat(), later)
        for name, field, later in _SPANS
        if (moment := query.moment(name)) is not None
    ]
    included, excluded = (
        set(query.params[name].split(",")) if name in query.params else None
        for name in ("include", "exclude")
    )

    found = list(documents)
    for field, text, later in spans:
        if later:
            found = [doc for doc in found if doc[field] > text]
        else:
            found = [doc for doc in found if doc[field] < text]
    if included is not None:
        found = [doc for doc in found if str(doc["id"]) in included]
    if excluded is not None:
        found = [doc for doc in found if str(doc["id"]) not in excluded]
    return found


def batch_of(query: Query) -> dict[str, list[Any]]:
    """What is to be made, changed and deleted. Raises: Refusal: 413: more than 100 in all."""
    given = {name: query.body.get(name) or [] for name in ("create", "update", "delete")}
    if sum(len(entries) for entries in given.values()) > _BATCH_LIMIT:
        raise Refusal(
            413,
            "woocommerce_rest_request_entity_too_large",
            f"Unable to accept more than {_BATCH_LIMIT} items for this request.",
        )
    return given


def page(
    query: Query,
    path: str,
    documents: Sequence[Doc],
    extra: Iterable[tuple[str, str]] = (),
    *,
    show: Callable[[Doc], Doc] | None = None,
    of: int | None = None,
) -> Answer:
    """One page, with the totals in the headers. Past the end the totals are 0.

    ``show`` makes of a document what is answered. ``of`` is how many there are, where
    ``documents`` are only the first of them.
    """
    size = query.number("per_page", 10, 1, 100)
    number = query.number("page", 1, 1)
    shown = list(documents[(number - 1) * size : number * size])
    if show:
        shown = [show(doc) for doc in shown]
    total = (len(documents) if of is None else of) if shown or number == 1 else 0
    pages = -(-total // size)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    # Some defaults are set only while entries are written, and show in the links after that.
    defaults = {name: it for name, it in extra if shown or name.startswith("status")}
    links = []
    if number > 1:
        links.append(_link(query, path, min(number - 1, pages), "prev", defaults))
    if number < pages:
        links.append(_link(query, path, number + 1, "next", defaults))
    if links:
        headers["Link"] = ", ".join(links)
    return Answer(shown, headers=headers)


def _link(query: Query, path: str, number: int, rel: str, defaults: dict[str, str]) -> str:
    unset = {name: value for name, value in defaults.items() if name not in query.params}
    params = urlencode({**query.params, "page": number, **unset})
    return f'<{query.shop.home}{BASE}/{path}?{params}>; rel="{rel}"'


def no_trash(what: str) -> Refusal:
    """501: it can only be deleted for good."""
    return Refusal(501, "woocommerce_rest_trash_not_supported", f"{what} do not support trashing.")


def location(query: Query, path: str) -> dict[str, str]:
    """The header that says where the new thing is."""
    return {"Location": f"{query.shop.home}{BASE}/{path}"}


def route(path: str, allow: str, handlers: dict[str, Handler], *, locks: bool = True) -> Route:
    """The route of a path in which ``{}`` stands for a number."""
    pattern = re.compile(re.escape(BASE) + path.replace("{}", r"(\d{1,18})"))
    return Route(pattern, allow, handlers, locks)


def item(get: Handler, put: Handler | None, delete: Handler | None) -> dict[str, Handler]:
    """What one thing's address takes."""
    handlers = {"GET": get}
    if put:  # POST to an item does what PUT does
        handlers |= {"PUT": put, "PATCH": put, "POST": put}
    if delete:
        handlers["DELETE"] = delete
    return handlers
