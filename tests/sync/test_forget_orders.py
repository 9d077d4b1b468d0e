"""Forgetting a shopper's orders: the stores say which, and nothing personal of them is left."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from accord.errors import UnauthorizedError, UnavailableError
from accord.model.change import Change, Ref
from accord.model.progress import Attachment
from accord.ports.state import Item, Mend, Parked, Seen
from accord.ports.store import OrderPage
from accord.state.memory import MemorySeals
from accord.sync.audit import Auditor
from accord.sync.forget import Forget, Shop
from accord.sync.forget_plan import Plan
from accord.sync.resolve import FORGOTTEN
from accord.sync.worker import item_id
from tests.sync.shoppers import ADA, Shoppers

EMAIL = "grace@example.com"
SECRET = "Secret Lane 1"


class Desk(Shoppers):
    """Orders of Grace, who has no account, and an operator who forgets."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def order(self, email: str = EMAIL, *, customer: str = "0", **fields: Any) -> Ref:
        billing = {"first_name": "Grace", "last_name": "Hopper", "email": email}
        made = self.store.shop.create_order(
            {"status": "processing", "billing": billing, "customer_id": int(customer), **fields}
        )
        return Ref("uk", "order", str(made["id"]))

    def mend(self, ref: Ref, path: str = "billing.street", value: str = SECRET) -> None:
        self.save(ref, mends=(Mend(path, value, "kim", self.clock()),))

    def save(self, ref: Ref, **known: Any) -> None:
        now = self.clock()
        until = now + dt.timedelta(seconds=30)
        held = self.links.acquire(
            ref, key=str(ref), owner="kim", now=now, until=until, seen=Seen(None)
        )
        assert held is not None
        self.links.abandon(self.links.save(replace(held, **known)))

    def ask(self, subject: Ref | str, reason: str = "rejected", **known: Any) -> Item:
        """An item about it, whose payload names Grace and no e-mail address."""
        id_ = item_id(str(subject), reason)
        payload = self.payloads.put(f"attention/{id_}.json", {"sent": {"name": "Hopper"}})
        now = self.clock()
        item = Item(
            id_, str(subject), reason, "finance", "Hopper is refused", now, now, payload=payload
        )
        return self.attention.put(replace(item, **known))

    def forgetting(self) -> Forget:
        return Forget(
            shops=[Shop(self.store, "main")],
            links=self.links,
            attention=self.attention,
            payloads=self.payloads,
            waiting=self.waiting,
            documents=self.documents,
            journal=self.journal,
            clock=self.clock,
            progress=self.said.append,
        )

    def plan(self, *orders: Ref, email: str = EMAIL) -> Plan:
        return self.forgetting().plan(email, orders=orders)

    def forget(self, *orders: Ref, email: str = EMAIL) -> Plan:
        plan = self.plan(*orders, email=email)
        self.forgetting().carry_out(plan, by="otto", why="request 17")
        return plan

    def mends(self, ref: Ref) -> tuple[str, ...]:
        link = self.links.get(ref)
        assert link is not None
        return tuple(mend.path for mend in link.mends)

    def kept(self) -> str:
        """All that Accord keeps, as text."""
        tables = (self.links, self.steps, self.waiting, self.attention)
        more = (self.payloads, self.journal, self.control, self.documents)
        return "\n".join(str(vars(table)) for table in (*tables, *more))


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- which orders are theirs ---------------------------------------------------


def test_a_mend_of_a_guests_order_goes_without_naming_the_order(desk: Desk) -> None:
    order = desk.order()
    desk.mend(order)
    plan = desk.forget()

    assert f"mends of {order}" in dict(plan.removed())
    assert desk.mends(order) == ()
    assert SECRET not in desk.kept()


def test_orders_in_the_trash_are_found(desk: Desk) -> None:
    order = desk.order()
    desk.mend(order)
    desk.store.trash(order.id)

    desk.forget()

    assert desk.mends(order) == ()


def test_orders_of_the_account_are_found_by_the_account(desk: Desk) -> None:
    account = desk.store.add_customer(**ADA)
    order = desk.order("another@example.com", customer=account)
    desk.mend(order)

    plan = desk.forget(email="ada@example.com")

    assert desk.mends(order) == ()
    assert plan.elsewhere == 1
    assert "run this for each" in dict(plan.remains())["hashes of other e-mail addresses"]


def test_orders_of_others_are_left_alone(desk: Desk) -> None:
    other = desk.order(f"x{EMAIL}")  # a search for the one finds the other as well
    desk.mend(other)
    desk.ask(other)
    plan = desk.forget()

    assert plan.orders == []
    assert desk.mends(other) == ("billing.street",)
    assert desk.attention.open()[0].message == "Hopper is refused"


def test_more_orders_than_a_page_are_all_found_and_the_pages_are_told(desk: Desk) -> None:
    orders = [desk.order() for _ in range(101)]
    desk.mend(orders[-1])

    assert desk.plan().orders == sorted(orders)
    assert desk.plan().mended[0].ref == orders[-1]
    assert any("page 2" in text for text in desk.said)
    assert EMAIL not in str(desk.said)


def test_an_order_that_the_store_shows_no_more_has_to_be_named(desk: Desk) -> None:
    order = desk.order("deleted@site.invalid")  # as the store's own erasing leaves it
    desk.mend(order)
    plan = desk.plan()

    assert plan.is_empty
    assert "name --order" in dict(plan.remains())["mends and items of orders in uk"]

    desk.forget(order)

    assert desk.mends(order) == ()


def test_a_named_order_of_which_nothing_is_known_is_said_so(desk: Desk) -> None:
    plan = desk.plan(Ref("uk", "order", "4711"))

    assert "named rightly" in dict(plan.remains())["uk:order:4711"]


# --- a store that cannot be asked ------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [UnavailableError("it is off"), UnauthorizedError("our key is refused", connection="uk")],
)
def test_a_store_that_cannot_be_asked_is_named_and_the_rest_is_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def away(**_: Any) -> OrderPage:
        raise error

    order, item = desk.order(), desk.ask("main:party:7", message=f"{EMAIL} is refused")
    desk.mend(order)
    monkeypatch.setattr(desk.store, "orders_by", away)
    plan = desk.forget()

    assert not plan.is_complete
    assert str(error) in dict(plan.remains())["mends and items of orders in uk"]
    assert desk.mends(order) == ("billing.street",)
    assert EMAIL not in str(desk.attention.get(item.id))


def test_a_mend_that_would_change_a_document_waits_for_the_store(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise UnavailableError("it is off")

    order = desk.order()
    desk.mend(order)
    desk.save(order, facts={"content": "c"})
    for name in ("find_customer", "orders_by", "orders_in", "get_order"):
        monkeypatch.setattr(desk.store, name, away)
    plan = desk.forget(order)

    assert desk.mends(order) == ("billing.street",)
    assert f"mends of {order}" in dict(plan.remains())
    assert f"mends of {order}" not in dict(plan.removed())


def test_a_list_without_end_is_left_and_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def endless(*, page: int, **_: Any) -> OrderPage:
        asked.append(page)
        return OrderPage((), is_last=False)

    monkeypatch.setattr(desk.store, "orders_by", endless)
    plan = desk.plan()

    assert not plan.is_complete
    assert max(asked) == 50


# --- items, payloads, what waits --------------------------------------------------


def test_an_orders_open_item_is_emptied_and_stays_open(desk: Desk) -> None:
    """Nothing of it names the e-mail address; and the order still has to be booked."""
    order = desk.order()
    item = desk.ask(order)
    plan = desk.forget()

    left = desk.attention.get(item.id)
    assert left is not None
    assert "stays open" in dict(plan.removed())[f"attention {item.id}"]
    assert left.closed_at is None
    assert "replay" in left.message
    assert "Hopper" not in desk.kept()


def test_an_item_of_a_refund_or_a_document_of_the_order_is_emptied_too(desk: Desk) -> None:
    order = desk.order(
        line_items=[{"name": "Mug", "quantity": 1, "product_id": 0, "total": "10.00"}]
    )
    refund = desk.store.refund(order.id, "1.00")
    desk.save(order, erp=Ref("main", "sales_order", "9"))
    desk.ask(Ref("uk", "refund", refund), "closed_period")
    desk.ask("main:sales_order:9", "credit_hold")
    desk.ask("main:invoice:4", aggregate=str(order))

    desk.forget()

    assert len(desk.attention.open()) == 3
    assert "Hopper" not in desk.kept()


def test_a_closed_item_is_emptied_and_stays_closed(desk: Desk) -> None:
    item = desk.ask(desk.order())
    desk.attention.dismiss(item.id, now=desk.clock(), by="kim", why="told them")
    desk.forget()

    left = desk.attention.get(item.id)
    assert left is not None
    assert left.closed_by == "kim"
    assert left.closed_why == "told them"
    assert "Hopper" not in desk.kept()


def test_a_payload_whose_item_has_lapsed_is_emptied(desk: Desk) -> None:
    id_ = item_id(str(desk.order()), "rejected")
    desk.payloads.put(f"attention/{id_}.json", {"sent": {"name": "Hopper"}})
    desk.payloads.put("attention/ffffffffffff.json", {"sent": {"name": "Byron"}})
    plan = desk.forget()

    assert plan.payloads == [f"attention/{id_}.json"]
    assert "Hopper" not in desk.kept()
    assert "Byron" in desk.kept()


def test_dead_letters_about_the_shopper_are_emptied(desk: Desk) -> None:
    order, now = desk.order(), desk.clock()
    theirs = Change(order, "order_updated", now, "c", document={"name": "Hopper"}).to_json()
    other = Change(Ref("uk", "order", "99"), "order_updated", now, "c", document={"n": "Byron"})
    desk.payloads.put("dead-letters/a.json", {"queue": "q", "message": theirs})
    desk.payloads.put("dead-letters/b.json", {"queue": "q", "message": f"{{torn {EMAIL} Hopper"})
    desk.payloads.put("dead-letters/c.json", {"queue": "q", "message": other.to_json()})
    plan = desk.forget()

    assert plan.payloads == ["dead-letters/a.json", "dead-letters/b.json"]
    assert "Hopper" not in desk.kept()
    assert "Byron" in desk.kept()


def test_an_unreadable_message_that_names_the_shopper_is_emptied_and_closed(desk: Desk) -> None:
    payload = desk.payloads.put("dead-letters/d.json", {"message": f"{{torn {EMAIL}"})
    item = desk.ask("message:d", "dead_letter", payload=payload)
    desk.forget()

    left = desk.attention.get(item.id)
    assert left is not None
    assert left.closed_at is not None
    assert EMAIL not in desk.kept()


def test_an_order_that_waits_waits_on_without_its_document(desk: Desk) -> None:
    order, now = desk.order(), desk.clock()
    change = Change(order, "order_created", now, "c", document={"name": "Hopper"})
    desk.waiting.park(Parked(change, "main", "item:MUG", "no MUG", now, now))
    desk.forget()

    left = desk.waiting.get(order)
    assert left is not None
    assert left.change == change.without_document()


def test_kept_documents_of_the_orders_are_removed(desk: Desk) -> None:
    order = desk.order()
    file = Attachment("i.pdf", "application/pdf", b"Hopper")
    token = desk.documents.put(f"{order}/main:invoice:7", file, now=desk.clock(), days=30)
    desk.forget()

    assert desk.documents.get(token, now=desk.clock()) is None


# --- it ends ---------------------------------------------------------------------


def test_afterwards_nothing_is_left_and_the_plan_says_so(desk: Desk) -> None:
    account = desk.store.add_customer(**{**ADA, "email": EMAIL})
    desk.settle()
    order = desk.order(customer=account)
    desk.mend(order)
    desk.ask(order)
    item = desk.ask(order, "paid_differs")
    desk.attention.close(item.id, now=desk.clock(), by="kim")
    desk.forget()
    again = desk.plan()

    assert again.removed() == []
    assert again.is_empty
    assert again.is_known
    assert f"account uk:customer:{account}" in dict(again.remains())
    assert "hash of the e-mail address" in dict(again.remains())


def test_the_question_whether_to_follow_a_forgotten_customer_stays_open(desk: Desk) -> None:
    id_ = desk.store.add_customer(**ADA)
    desk.settle()
    desk.forget(email="ada@example.com")
    desk.edit_account(id_, first_name="Augusta")
    desk.settle()

    assert desk.plan(email="ada@example.com").is_empty
    assert desk.reasons() == [FORGOTTEN]


# --- who did it ------------------------------------------------------------------


def test_the_journal_keeps_who_did_it_and_names_nobody_else(desk: Desk) -> None:
    order = desk.order()
    desk.mend(order)
    plan = desk.forget()

    for ref in (order, *plan.keys):
        (entry,) = desk.journal.of(ref)
        assert entry.text == "forgotten on request"
        assert entry.details["by"] == "otto"
        assert entry.details["why"] == "request 17"
    assert desk.journal.of(plan.keys[0])[0].details["mends"] == 1
    assert "grace" not in str(vars(desk.journal)).casefold()


def test_it_is_journalled_for_a_shopper_of_whom_there_is_no_account_and_no_claim(
    desk: Desk,
) -> None:
    desk.ask("message:d", "dead_letter", message=f"torn {EMAIL}")
    plan = desk.forget()

    assert [entry.details["by"] for entry in desk.journal.of(plan.keys[0])] == ["otto"]


def test_what_cannot_be_journalled_is_not_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: object) -> None:
        raise UnavailableError("it is off")

    order = desk.order()
    desk.mend(order)
    monkeypatch.setattr(desk.journal, "append", away)

    with pytest.raises(UnavailableError):
        desk.forget()
    assert desk.mends(order) == ("billing.street",)


def test_the_stories_verify_afterwards(desk: Desk) -> None:
    id_ = desk.store.add_customer(**ADA)
    desk.settle()
    desk.mend(desk.order("ada@example.com", customer=id_))
    desk.forget(email="ada@example.com")
    desk.forget(email="ada@example.com")
    auditor = Auditor(desk.journal, MemorySeals(), desk.clock, dt.timedelta(days=400))
    report = auditor.verify(since=desk.clock().date())

    assert report.refs >= 3
    assert report.findings == []
