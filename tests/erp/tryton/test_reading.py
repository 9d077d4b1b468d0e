"""What Tryton tells of orders, shipments, invoices and parties: what only Tryton does."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.erp.tryton.wire import Values
from accord.errors import RejectedError, StaleVersionError, UnmappedError, UnsupportedError
from accord.local.tryton import TrytonServer
from accord.local.tryton.desk import Desk
from accord.model.change import Ref
from accord.model.documents import Kind, Record, State
from accord.model.party import Address, Profile
from accord.model.progress import News, Progress
from tests.erp.promises import Make
from tests.erp.tryton.orders import CONTEXT, Hands, TrytonOrders, Wire

pytestmark = pytest.mark.tryton

Spent = Callable[[], dict[str, int]]
TELLS = [Kind.SALES_ORDER, Kind.SHIPMENT, Kind.INVOICE, Kind.PARTY]
HULL = Address(name="Bo Field", street="2 Dock Lane", city="Hull", postal_code="HU1", country="GB")


def pages(erp: Tryton, kind: Kind, since: dt.datetime, limit: int = 100) -> Iterator[list[News]]:
    """Page after page, as a poll reads them."""
    after = ""
    while page := list(erp.changes(kind, since, after=after, limit=limit)):
        yield page
        if len(page) < limit:
            return
        since, after = page[-1].at, page[-1].ref.id


def progress(erp: Tryton, record: Record) -> Progress:
    found = erp.progress(record.ref)
    assert found is not None
    return found


def profile(erp: Tryton, buyer: Record) -> tuple[Profile, str]:
    found = erp.profile(buyer.ref)
    assert found is not None
    return found


class Told:
    """What was told since the test began."""

    def __init__(self, server: TrytonServer, erp: Tryton) -> None:
        self._erp = erp
        self.client = server.administrator()
        self.since = self.now()

    def now(self) -> dt.datetime:
        """The server's own time of a write."""
        (term,) = self.do("account.invoice.payment_term.search", [], 0, 1, None)
        self.do("account.invoice.payment_term.write", [term], {"description": "seen"})
        (row,) = self.do("account.invoice.payment_term.read", [term], ["write_date"])
        at: dt.datetime = row["write_date"]
        return at

    def do(self, method: str, *args: Any) -> Any:
        return self.client.call(f"model.{method}", *args, context=CONTEXT)

    def rows(self, model: str, domain: list[Any], *fields: str) -> list[Values]:
        rows: list[Values] = self.do(
            f"{model}.search_read", domain, 0, None, [["id", "ASC"]], list(fields)
        )
        return rows

    def ids(self, kind: Kind, limit: int = 100) -> list[str]:
        found = pages(self._erp, kind, self.since, limit)
        return [news.ref.id for page in found for news in page]


@pytest.fixture
def told(server: TrytonServer, erp: Tryton) -> Told:
    return Told(server, erp)


@pytest.fixture(scope="module")
def desk(server: TrytonServer) -> Desk:
    """A person at a Tryton whose warehouse is full."""
    desk = Desk(server)
    desk.stock_up(["MUG", "ROPE"], 100_000)
    return desk


class TestComparing(TrytonOrders):
    """What stands under our keys, by the hundred."""

    def test_a_page_of_sales_takes_three_calls_however_many_they_are(
        self, erp: Tryton, order: Make, unique: str, spent: Spent
    ) -> None:
        document = order()
        for n in range(3):
            erp.create(document, key=f"t{unique}-{n}")
        spent()

        assert len(erp.sales(f"t{unique}-", document.placed_on)) == 3

        assert spent() == {
            "model.sale.sale.search_read": 1,
            "model.account.invoice.search_read": 1,
            "model.account.move.search_read": 1,
        }

    def test_a_page_without_sales_takes_one_call(
        self, erp: Tryton, unique: str, spent: Spent
    ) -> None:
        spent()

        assert erp.sales(f"t{unique}-", dt.date(2026, 1, 1)) == []

        assert spent() == {"model.sale.sale.search_read": 1}

    def test_signs_in_a_key_stand_for_themselves(
        self, erp: Tryton, order: Make, unique: str
    ) -> None:
        document = order()
        erp.create(document, key=f"t{unique}x1-1")

        assert erp.sales(f"t{unique}_1-", document.placed_on) == []
        assert erp.sales(f"t{unique}%-", document.placed_on) == []

    def test_profiles_take_one_call(self, erp: Tryton, buyer: Record, spent: Spent) -> None:
        erp.profile(buyer.ref)  # which optional fields there are is asked once
        spent()

        erp.profiles([buyer.ref])

        assert spent() == {"model.party.party.search_read": 1}


class TestProgress(TrytonOrders):
    """How far an order has come."""

    @pytest.fixture
    def sold(self, erp: Tryton, order: Make, key: str) -> Record:
        """Two mugs, three metres of rope, and their shipping."""
        lines = (
            self.line(item="MUG", quantity="2"),
            self.line(item="ROPE", quantity="3"),
            self.service(),
        )
        return erp.advance(erp.create(order(lines=lines), key=key), State.CONFIRMED)

    def test_progress_takes_two_calls(
        self, erp: Tryton, desk: Desk, sold: Record, spent: Spent
    ) -> None:
        desk.ship(sold.ref.id, {"MUG": 1}, "T1")
        desk.post_invoice(sold.ref.id)
        desk.credit(sold.ref.id, {"MUG": 1})
        progress(erp, sold)
        spent()

        progress(erp, sold)

        assert spent() == {
            "model.sale.sale.search_read": 1,
            "model.account.invoice.search_read": 1,
        }

    def test_the_rest_of_an_order_waits_in_a_shipment_of_its_own(
        self, erp: Tryton, desk: Desk, sold: Record
    ) -> None:
        desk.ship(sold.ref.id, {"MUG": 1, "ROPE": Decimal("0.5")}, "T1")

        left, waiting = progress(erp, sold).shipments

        assert (left.state, dict(left.lines)) == ("done", {"MUG": 1, "ROPE": Decimal("0.5")})
        assert (waiting.state, dict(waiting.lines)) == ("open", {"MUG": 1, "ROPE": Decimal("2.5")})

    def test_a_shipment_names_carrier_and_tracking_number(
        self, erp: Tryton, desk: Desk, sold: Record
    ) -> None:
        desk.ship(sold.ref.id, carrier_reference="1Z999")

        (left,) = progress(erp, sold).shipments

        assert (left.carrier, left.tracking) == ("Fast Couriers", "1Z999")
        assert left.shipped_on == dt.datetime.now(dt.UTC).date()

    def test_a_plain_reference_is_a_tracking_number_too(
        self, erp: Tryton, desk: Desk, sold: Record, told: Told
    ) -> None:
        sent = desk.ship(sold.ref.id)
        told.do("stock.shipment.out.write", [int(sent.id)], {"reference": "PLAIN-1"})

        (left,) = progress(erp, sold).shipments

        assert left.tracking == "PLAIN-1"

    def test_parcels_give_the_tracking_number_where_the_shipment_has_none(
        self, erp: Tryton, desk: Desk, sold: Record, told: Told
    ) -> None:
        (shipment,) = progress(erp, sold).shipments
        (type_,) = told.do("stock.package.type.create", [{"name": "Box"}])
        for number in ("P-1", "P-2"):
            told.do(
                "stock.package.create",
                [
                    {
                        "type": type_,
                        "shipping_reference": number,
                        "shipment": f"stock.shipment.out,{shipment.ref.id}",
                    }
                ],
            )

        (shipment,) = progress(erp, sold).shipments

        assert shipment.tracking == "P-1, P-2"

    def test_what_was_cancelled_and_let_be_counts_as_shipped_only_when_something_left(
        self, erp: Tryton, desk: Desk, sold: Record
    ) -> None:
        desk.cancel(sold.ref.id)

        assert progress(erp, sold).shipped == "none"

    def test_an_order_of_which_the_rest_was_cancelled_is_shipped(
        self, erp: Tryton, desk: Desk, sold: Record
    ) -> None:
        desk.ship(sold.ref.id, {"MUG": 2})
        desk.cancel(sold.ref.id)

        assert progress(erp, sold).shipped == "all"

    def test_goods_that_come_back_are_no_shipment(
        self, erp: Tryton, desk: Desk, sold: Record, order: Make, key: str
    ) -> None:
        returned = self.line("-10.00", item="MUG", quantity="-1")
        lines = (self.line(item="ROPE"), returned)
        both = erp.advance(erp.create(order(lines=lines), key=f"{key}-b"), State.CONFIRMED)
        desk.ship(both.ref.id)

        now = progress(erp, both)

        assert (now.shipped, [dict(each.lines) for each in now.shipments]) == ("all", [{"ROPE": 1}])

    def test_a_part_of_a_credit_note_is_positive(
        self, erp: Tryton, desk: Desk, sold: Record
    ) -> None:
        desk.post_invoice(sold.ref.id)
        number = desk.credit(sold.ref.id, {"MUG": 1})

        (note,) = (e for e in progress(erp, sold).invoices if e.kind is Kind.CREDIT_NOTE)

        assert (note.number, note.state, note.totals.gross.amount) == (number, "posted", 6)

    def test_what_a_person_noted_on_a_credit_note_is_no_key_of_ours(
        self, erp: Tryton, confirmed: Record, refund: Make, key: str, told: Told
    ) -> None:
        note = erp.create(refund(), key=f"{key}-r1")
        told.do("account.invoice.write", [int(note.ref.id)], {"reference": "ask Maria"})

        _, shown = progress(erp, confirmed).invoices

        assert (shown.kind, shown.key) == (Kind.CREDIT_NOTE, None)

    def test_a_credit_note_over_something_else_is_known_by_its_key(
        self, erp: Tryton, confirmed: Record, refund: Make, key: str
    ) -> None:
        erp.create(refund(self.line("2.00", item="ROUNDING")), key=f"{key}-r1")

        keys = [each.key for each in progress(erp, confirmed).invoices]

        assert keys == [None, f"{key}-r1"]

    def test_a_paid_invoice_is_paid(self, erp: Tryton, desk: Desk, sold: Record) -> None:
        number = desk.post_invoice(sold.ref.id)
        desk.pay_invoice(sold.ref.id)

        (invoice,) = progress(erp, sold).invoices

        assert (invoice.number, invoice.state) == (number, "paid")

    @pytest.mark.parametrize("id_", ["987654321", "no number"])
    def test_of_what_is_not_there_nothing_came(self, erp: Tryton, id_: str) -> None:
        assert erp.progress(Ref("main", Kind.SALES_ORDER, id_)) is None

    # --- printed ---------------------------------------------------------------------

    def test_an_invoice_is_an_open_document(self, erp: Tryton, desk: Desk, sold: Record) -> None:
        number = desk.post_invoice(sold.ref.id)
        (invoice,) = progress(erp, sold).invoices

        printed = erp.document(invoice.ref)

        assert printed is not None
        assert (printed.name, printed.content_type) == (
            f"Invoice-{number}.odt",
            "application/vnd.oasis.opendocument.text",
        )

    def test_a_draft_is_not_printed(self, erp: Tryton, sold: Record) -> None:
        (draft,) = progress(erp, sold).invoices

        assert erp.document(draft.ref) is None

    def test_what_has_not_been_picked_has_no_delivery_note(self, erp: Tryton, sold: Record) -> None:
        (waiting,) = progress(erp, sold).shipments

        assert erp.document(waiting.ref) is None

    def test_an_order_has_no_document(self, erp: Tryton, sold: Record) -> None:
        assert erp.document(sold.ref) is None

    # --- told ------------------------------------------------------------------------

    @pytest.mark.parametrize("kind", TELLS)
    def test_a_page_that_is_not_full_takes_one_call(
        self, erp: Tryton, desk: Desk, sold: Record, told: Told, spent: Spent, kind: Kind
    ) -> None:
        desk.ship(sold.ref.id)
        desk.post_invoice(sold.ref.id)
        spent()

        erp.changes(kind, told.since)

        assert sum(spent().values()) == 1

    def test_a_page_with_credit_notes_takes_two_calls(
        self, erp: Tryton, desk: Desk, sold: Record, told: Told, spent: Spent
    ) -> None:
        desk.post_invoice(sold.ref.id)
        for _ in range(3):
            desk.credit(sold.ref.id, {"ROPE": 1})
        spent()

        news = erp.changes(Kind.INVOICE, told.since)

        assert {each.order for each in news} == {sold.ref}
        assert sum(spent().values()) == 2

    def test_full_pages_lose_nothing_of_any_kind(
        self, erp: Tryton, desk: Desk, told: Told, order: Make, key: str
    ) -> None:
        for n in range(2):
            sold = order(lines=(self.line(item="MUG", quantity="2"),))
            made = erp.advance(erp.create(sold, key=f"{key}-{n}"), State.CONFIRMED)
            desk.ship(made.ref.id, {"MUG": 1})
            desk.post_invoice(made.ref.id)
            desk.credit(made.ref.id, {"MUG": 1})

        whole = {kind: told.ids(kind) for kind in TELLS}
        by_page = [{kind: told.ids(kind, limit) for kind in TELLS} for limit in (1, 2, 3)]

        assert by_page == [whole] * 3
        assert [len(whole[kind]) for kind in TELLS] == [2, 2, 4, 1]

    def test_orders_of_people_are_not_told(
        self, erp: Tryton, sold: Record, told: Told, order: Make
    ) -> None:
        (row,) = told.do("sale.sale.copy", [int(sold.ref.id)], {"web_shop": None, "web_id": None})

        assert str(row) not in told.ids(Kind.SALES_ORDER)

    def test_a_shipment_of_no_order_is_told_without_one(
        self, erp: Tryton, desk: Desk, sold: Record, told: Told
    ) -> None:
        (shipment,) = progress(erp, sold).shipments
        (row,) = told.do("stock.shipment.out.copy", [int(shipment.ref.id)], {"moves": None})
        told.do("stock.shipment.out.cancel", [row])

        (news,) = (e for e in erp.changes(Kind.SHIPMENT, told.since) if e.ref.id == str(row))

        assert (news.state, news.order) == ("cancelled", None)

    def test_what_is_no_kind_of_news_is_unsupported(self, erp: Tryton, told: Told) -> None:
        with pytest.raises(UnsupportedError):
            erp.changes(Kind.PAYMENT, told.since)


class TestParties(TrytonOrders):
    """Parties, and what people and we make of them."""

    def many(self, told: Told, count: int, of: str) -> list[str]:
        """Parties that were all made at the same microsecond; their ids, in order."""
        values = [
            {
                "name": f"{of} {n}",
                "addresses": [["create", [{"street": "1 High Street"}]]],
                "contact_mechanisms": [["create", [{"type": "email", "value": f"{n}@x.example"}]]],
            }
            for n in range(count)
        ]
        return [str(id_) for id_ in told.do("party.party.create", values)]

    def test_many_that_changed_at_once_are_each_told_once(
        self, erp: Tryton, told: Told, unique: str
    ) -> None:
        made = self.many(told, 250, unique)

        assert told.ids(Kind.PARTY, 7) == made

    def test_a_full_page_takes_ten_calls(
        self, erp: Tryton, told: Told, unique: str, spent: Spent
    ) -> None:
        self.many(told, 8, unique)
        spent()

        page = erp.changes(Kind.PARTY, told.since, limit=7)

        assert (len(page), sum(spent().values())) == (7, 10)

    def test_parts_that_changed_at_other_times_are_told_once_and_in_order(
        self, erp: Tryton, told: Told, unique: str
    ) -> None:
        made = self.many(told, 40, unique)
        rows = told.rows(
            "party.party", [["id", "in", [int(id_) for id_ in made]]], "addresses",
            "contact_mechanisms",
        )  # fmt: skip
        for at, row in enumerate(rows[:24]):
            part = "address" if at % 2 else "contact_mechanism"
            (id_, *_) = row["addresses" if at % 2 else "contact_mechanisms"]
            told.do(f"party.{part}.write", [id_], {"sequence": at})

        assert told.ids(Kind.PARTY, 7) == made[24:] + made[:24]

    def test_what_was_never_written_goes_by_when_it_was_made(
        self, erp: Tryton, told: Told, buyer: Record
    ) -> None:
        (id_,) = told.do(
            "party.contact_mechanism.create",
            [{"party": int(buyer.ref.id), "type": "other", "value": "new"}],
        )
        (row,) = told.rows("party.contact_mechanism", [["id", "=", id_]], "create_date")

        (news,) = (e for e in erp.changes(Kind.PARTY, told.since) if e.ref == buyer.ref)

        assert news.at >= row["create_date"]

    @pytest.mark.parametrize(
        "fields", [{"street": "9 New Road"}, {"email": "new@x.example"}, {"vat_number": "X1"}]
    )
    def test_a_part_that_someone_wrote_makes_the_party_news(
        self, erp: Tryton, desk: Desk, buyer: Record, told: Told, fields: dict[str, str]
    ) -> None:
        since = told.now()
        desk.edit_party(buyer.number, **fields)

        assert [each.ref for each in erp.changes(Kind.PARTY, since)][-1] == buyer.ref

    def test_an_archived_party_is_told(
        self, erp: Tryton, desk: Desk, buyer: Record, told: Told
    ) -> None:
        since = told.now()
        desk.archive_party(buyer.number)

        assert [each.ref for each in erp.changes(Kind.PARTY, since)][-1] == buyer.ref

    def test_a_merged_party_is_answered_as_the_one_that_stayed(
        self, erp: Tryton, party: Make, buyer: Record, unique: str, server: TrytonServer
    ) -> None:
        other = erp.create(party(), key=f"Q{unique}")
        Hands(server).merge(buyer.ref, other.ref)

        assert erp.get(buyer.ref) == erp.get(other.ref)

    def test_news_has_the_profiles_version(
        self, erp: Tryton, desk: Desk, buyer: Record, told: Told
    ) -> None:
        since = told.now()
        desk.edit_party(buyer.number, email="new@x.example")
        erp.update_profile(buyer.ref, Profile(billing=HULL), version=profile(erp, buyer)[1])

        (news,) = erp.changes(Kind.PARTY, since)

        assert news.version == profile(erp, buyer)[1]

    # --- profiles --------------------------------------------------------------------

    def test_a_profile_takes_one_call_and_its_update_three(
        self, erp: Tryton, buyer: Record, spent: Spent
    ) -> None:
        erp.update_profile(buyer.ref, Profile(billing=HULL), version=profile(erp, buyer)[1])
        spent()
        _, version = profile(erp, buyer)
        erp.update_profile(buyer.ref, Profile(name="Bo"), version=version)

        assert spent() == {"model.party.party.search_read": 3, "model.party.party.write": 1}

    def test_what_is_so_already_is_not_written(
        self, erp: Tryton, buyer: Record, spent: Spent
    ) -> None:
        now, version = profile(erp, buyer)
        spent()

        assert erp.update_profile(buyer.ref, now, version=version) == (now, version)

        assert spent() == {"model.party.party.search_read": 1}

    def test_everything_at_once_is_kept(self, erp: Tryton, desk: Desk, buyer: Record) -> None:
        desk.set_price_list("Trade", formula="list_price * 0.8")
        acme = replace(HULL, name="Maria Jones", company="ACME")
        wanted = Profile(
            name="Maria Jones",
            company="ACME",
            email="acme@x.example",
            phone="+44 113 496 0999",
            vat_number="GB980780684",
            billing=acme,
            shipping=HULL,
            payment_terms="Due now",
            price_group="Trade",
        )

        after, _ = erp.update_profile(buyer.ref, wanted, version=profile(erp, buyer)[1])

        assert after == wanted

    def test_a_person_gets_and_loses_a_company(self, erp: Tryton, buyer: Record) -> None:
        before, version = profile(erp, buyer)
        with_company, version = erp.update_profile(
            buyer.ref, Profile(company="ACME"), version=version
        )
        after, _ = erp.update_profile(buyer.ref, Profile(company=""), version=version)

        assert (with_company.name, with_company.company) == ("Maria Jones", "ACME")
        assert after == before

    def test_company_and_person_of_a_party_without_address(
        self, erp: Tryton, told: Told, unique: str
    ) -> None:
        (id_,) = told.do("party.party.create", [{"name": unique, "addresses": []}])
        bare = Record(Ref("main", Kind.PARTY, str(id_)), "")

        after, _ = erp.update_profile(
            bare.ref, Profile(name="Bo", company="ACME"), version=profile(erp, bare)[1]
        )

        assert (after.name, after.company, after.billing) == ("Bo", "ACME", Address())

    def test_a_document_keeps_the_address_it_was_posted_with(
        self, erp: Tryton, desk: Desk, buyer: Record, order: Make, key: str, told: Told
    ) -> None:
        sold = erp.advance(erp.create(order(), key=key), State.CONFIRMED)
        desk.post_invoice(sold.ref.id)

        erp.update_profile(
            buyer.ref, Profile(billing=HULL, shipping=HULL), version=profile(erp, buyer)[1]
        )

        domain = [["sales", "=", int(sold.ref.id)]]
        (invoice,) = told.rows("account.invoice", domain, "invoice_address.street")
        assert invoice["invoice_address."]["street"] == "1 High Street"

    def test_a_document_keeps_the_tax_number_it_was_posted_with(
        self, erp: Tryton, buyer: Record, told: Told
    ) -> None:
        one = Profile(vat_number="GB980780684")
        _, version = erp.update_profile(buyer.ref, one, version=profile(erp, buyer)[1])
        other = Profile(vat_number="DE123456788")
        erp.update_profile(buyer.ref, other, version=version)

        domain = [["party", "=", int(buyer.ref.id)], ["active", "in", [True, False]]]
        rows = told.rows("party.identifier", domain, "code", "active")
        assert [(row["code"].replace(" ", ""), bool(row["active"])) for row in rows] == [
            ("980780684", False),
            ("DE123456788", True),
        ]

    def test_one_address_for_both_uses_is_split_when_one_moves(
        self, erp: Tryton, buyer: Record, told: Told
    ) -> None:
        before, version = profile(erp, buyer)

        after, _ = erp.update_profile(buyer.ref, Profile(shipping=HULL), version=version)

        assert (after.billing, after.shipping) == (before.billing, HULL)

    def test_an_address_that_came_back_is_not_made_again(
        self, erp: Tryton, buyer: Record, told: Told
    ) -> None:
        before, version = profile(erp, buyer)
        _, version = erp.update_profile(buyer.ref, Profile(shipping=HULL), version=version)
        erp.update_profile(buyer.ref, Profile(shipping=before.billing), version=version)

        rows = told.rows("party.address", [["party", "=", int(buyer.ref.id)]], "street")

        assert [row["street"] for row in rows] == ["1 High Street"]

    def test_the_first_of_several_addresses_is_ours(
        self, erp: Tryton, buyer: Record, told: Told
    ) -> None:
        second = {"party": int(buyer.ref.id), "street": "Branch", "invoice": True, "delivery": True}
        told.do("party.address.create", [second])

        after, _ = erp.update_profile(
            buyer.ref, Profile(billing=HULL, shipping=HULL), version=profile(erp, buyer)[1]
        )

        assert (after.billing, after.shipping) == (HULL, HULL)
        rows = told.rows("party.address", [["party", "=", int(buyer.ref.id)]], "street", "invoice")
        assert ("Branch", True) in [(row["street"], bool(row["invoice"])) for row in rows]

    def test_a_tax_number_that_fails_its_check_is_kept_as_text(
        self, erp: Tryton, buyer: Record
    ) -> None:
        wrong = Profile(vat_number="GB000000000", phone="ask for Bo")

        after, _ = erp.update_profile(buyer.ref, wrong, version=profile(erp, buyer)[1])

        assert (after.vat_number, after.phone) == ("GB000000000", "ask for Bo")

    def test_what_was_taken_away_is_gone(self, erp: Tryton, buyer: Record) -> None:
        none = Profile(email="", phone="", vat_number="", payment_terms="")

        after, _ = erp.update_profile(buyer.ref, none, version=profile(erp, buyer)[1])

        assert (after.email, after.phone, after.vat_number) == ("", "", "")

    def test_unknown_payment_terms_wait(self, erp: Tryton, buyer: Record) -> None:
        _, version = profile(erp, buyer)

        with pytest.raises(UnmappedError) as caught:
            erp.update_profile(buyer.ref, Profile(payment_terms="Never"), version=version)

        assert caught.value.causes == ("terms:Never",)

    def test_a_price_group_is_a_price_list(self, erp: Tryton, desk: Desk, buyer: Record) -> None:
        desk.set_price_list("Trade", formula="list_price * 0.8")
        _, version = profile(erp, buyer)

        after, _ = erp.update_profile(buyer.ref, Profile(price_group="Trade"), version=version)

        assert after.price_group == "Trade"

    def test_a_price_group_that_is_no_price_list_waits(self, erp: Tryton, buyer: Record) -> None:
        _, version = profile(erp, buyer)

        with pytest.raises(UnmappedError) as caught:
            erp.update_profile(buyer.ref, Profile(price_group="Nobody's"), version=version)

        assert caught.value.causes == ("price_group:Nobody's",)

    def test_a_part_written_just_before_ours_is_not_written_over(
        self, worker: Tryton, wire: Wire, desk: Desk, buyer: Record
    ) -> None:
        _, version = profile(worker, buyer)
        method = "model.party.party.write"
        wire.before[method] = lambda: desk.edit_party(buyer.number, email="theirs@x.example")

        with pytest.raises(StaleVersionError):
            worker.update_profile(buyer.ref, Profile(email="ours@x.example"), version=version)

    def test_an_archived_party_still_has_a_profile(self, erp: Tryton, buyer: Record) -> None:
        before, _ = profile(erp, buyer)
        erp.archive(buyer.ref)

        assert profile(erp, buyer)[0] == before

    @pytest.mark.parametrize("id_", ["987654321", "no number"])
    def test_who_is_not_there_is_neither_archived_nor_written(self, erp: Tryton, id_: str) -> None:
        gone = Ref("main", Kind.PARTY, id_)

        with pytest.raises(RejectedError):
            erp.archive(gone)
        with pytest.raises(RejectedError):
            erp.update_profile(gone, Profile(name="Bo"), version="1")
