"""The page that a bookkeeper reads: complete, escaped, and of one file."""

import datetime as dt
import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from accord.model.documents import Totals
from accord.model.money import Money
from accord.sync.difference import REASONS, Difference, InHand, Reason
from accord.sync.reconcile_page import page_of, verdict
from accord.sync.report import MOST, Report

DAY = dt.date(2026, 11, 21)
EVIL = '<script>alert("x")</script>&\'"'


def report(**more: object) -> Report:
    at = dt.datetime(2026, 11, 22, 2, 50, tzinfo=dt.UTC)
    fields = {
        "store": "uk",
        "erps": ("main",),
        "run": "20261122025000-abc123",
        "begun": at,
        "ended": at + dt.timedelta(minutes=4),
        "since": dt.date(2026, 8, 24),
        "by": "the night",
        **more,
    }
    return Report(**fields)  # type: ignore[arg-type]


def difference(reason: Reason = "total_differs", **more: object) -> Difference:
    fields = {
        "kind": "orders",
        "reason": reason,
        "subject": "order 1042",
        "ref": "uk:order:1042",
        "store": "24.00 GBP",
        "erp": "SO-12 comes to 25.00 GBP, 1.00 GBP more",
        **more,
    }
    return Difference(**fields)  # type: ignore[arg-type]


def totals(gross: str) -> Totals:
    amount = Money(Decimal(gross), "GBP")
    return Totals(amount, Money.zero("GBP"), amount)


class _Tags(HTMLParser):
    """What is opened and closed; void ones aside."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.met: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.add(tag)
        if tag not in {"meta", "br"}:
            self.open.append(tag)
        assert not {"src", "onload", "onclick", "href"} & {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> _Tags:
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    return tags


def test_a_page_loads_nothing() -> None:
    page = page_of(report())

    assert "script" not in read(page).met
    assert "http" not in page
    assert "url(" not in page


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_shown_with_both_values_and_what_to_do(reason: Reason) -> None:
    made = report()
    made.add(difference(reason, why="nobody can tell"))

    text = read(page_of(made)).text

    assert REASONS[reason].title in text
    assert "24.00 GBP" in text
    assert "SO-12 comes to 25.00 GBP, 1.00 GBP more" in text
    assert REASONS[reason].remedy in text
    assert "nobody can tell" in text


def test_whatever_a_side_says_is_shown_and_never_run() -> None:
    made = report(store=EVIL, erps=(EVIL,), by=EVIL, run=EVIL, recovery=EVIL)
    made.add(difference(subject=EVIL, store=EVIL, erp=EVIL, why=EVIL, day=EVIL))
    made.add(difference("orphan", store=EVIL, repair=EVIL, event="order_updated", repaired=True))
    made.add_in_hand(InHand("orders", EVIL, EVIL, EVIL))
    made.skipped[EVIL] = made.compared[EVIL] = made.calls[EVIL] = 1
    made.days[EVIL, "GBP"] = next(iter(counted().days.values()))

    tags = read(page_of(made))

    assert "script" not in tags.met
    assert tags.text.count(EVIL) > 10


def counted() -> Report:
    made = report()
    made.count("store", DAY, totals("1234.50"), Money(Decimal("4.50"), "GBP"))
    made.count("erp", DAY, totals("1235.50"), Money(Decimal("4.50"), "GBP"))
    return made


def test_totals_stand_by_day_with_their_difference() -> None:
    text = re.sub(r"\s+", " ", read(page_of(counted())).text)

    assert "2026-11-21" in text
    assert "1,234.50" in text
    assert "+1.00" in text
    assert "1 day of 1 differ" in text


def test_days_that_agree_say_so() -> None:
    made = report()
    for side in ("store", "erp"):
        made.count(side, DAY, totals("10.00"))

    assert "every day agrees" in page_of(made)


def test_what_is_mended_stands_apart_from_what_is_to_be_done() -> None:
    made = report()
    made.add(difference("missing_in_erp", repair="the order is posted", event="e", repaired=True))

    page = page_of(made)

    assert made.left == 0
    assert "Nothing that a person must look at" in page
    assert page.index("What is being mended") < page.index("the order is posted")
    assert verdict(made) == "Everything that differed is being mended (1 being mended)."


def test_more_than_a_page_holds_is_counted() -> None:
    made = report()
    for n in range(MOST + 10):
        made.add(difference(ref=f"uk:order:{n}"))

    page = page_of(made)

    assert len(made.differences) == MOST
    assert made.found == MOST + 10
    assert f"Only the first {MOST:,} are kept; {MOST + 10:,} were found." in page
    assert len(page) < 1_000_000


def test_a_report_is_the_same_after_it_was_kept() -> None:
    made = counted()
    made.add(difference(repaired=True, repair="x", event="e", target="uk:order:1042"))
    made.add_in_hand(InHand("orders", "order 7", "uk:order:7", "it waits"))
    made.skipped["adopted"] += 2
    made.unlinked += 1

    again = Report.from_json(made.to_json())

    assert again == made
    assert again.knows(difference())
    assert page_of(again) == page_of(made)


def test_the_same_difference_is_counted_once() -> None:
    made = report()
    assert not made.knows(difference())

    made.add(difference())

    assert made.knows(difference())
