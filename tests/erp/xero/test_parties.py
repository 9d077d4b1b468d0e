"""Customers as Xero's contacts: names that are unique, two addresses, and who was merged."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from accord.erp.xero.adapter import Xero
from accord.erp.xero.parties import email_of, suffixed
from accord.errors import (
    DuplicateError,
    RejectedError,
    UnavailableError,
    UnmappedError,
    UnsupportedError,
)
from accord.local.xero import FakeXero
from accord.model.change import Ref
from accord.model.documents import Kind, PartyDocument, Record
from accord.model.party import Address, Profile
from accord.ports.erp import ErpAdapter
from tests.erp.promises import Make
from tests.erp.xero.conftest import Clock
from tests.erp.xero.hands import OnXero


class TestParties(OnXero):
    def contact(self, record: Record) -> dict[str, Any]:
        found = [r for r in self._desk.rows("Contacts") if r["ContactID"] == record.ref.id]
        return found[0]

    def address(self, record: Record, use: str) -> dict[str, Any]:
        rows = self.contact(record)["Addresses"]
        return next(each for each in rows if each["AddressType"] == use)

    def kept(self, erp: ErpAdapter, record: Record) -> Profile:
        found = erp.profile(record.ref)
        assert found is not None
        return found[0]

    # --- made ---------------------------------------------------------------------

    def test_a_contact_says_what_the_party_does(self, erp: Xero, party: Make, unique: str) -> None:
        made = erp.create(party(vat_number="gb 123.456.789"), key=f"P{unique}")

        row = self.contact(made)
        assert (row["Name"], row["FirstName"], row["LastName"]) == (
            "Maria Jones",
            "Maria",
            "Jones",
        )
        assert (row["ContactNumber"], row["TaxNumber"]) == (f"P{unique}", "GB123456789")
        billing = self.address(made, "POBOX")
        assert (billing["AttentionTo"], billing["AddressLine1"]) == ("Maria Jones", "1 High Street")
        assert billing["Country"] == "United Kingdom"

    def test_a_company_bears_its_name_and_its_persons(
        self, erp: Xero, party: Make, unique: str
    ) -> None:
        home = replace(party().party.billing, company="Acme Ltd")
        made = erp.create(party(company="Acme Ltd", billing=home, shipping=home), key=f"P{unique}")

        row = self.contact(made)
        assert (row["Name"], row["LastName"]) == ("Acme Ltd", "Jones")
        profile = self.kept(erp, made)
        assert (profile.name, profile.company) == ("Maria Jones", "Acme Ltd")
        assert profile.billing == home

    def test_two_shoppers_of_one_name_are_told_apart_by_their_codes(
        self, erp: Xero, buyer: Record, party: Make, unique: str
    ) -> None:
        twin = erp.create(party(email="other@shopper.example"), key=f"Q{unique}")

        assert self.contact(twin)["Name"] == f"Maria Jones (Q{unique})"
        profile = self.kept(erp, twin)
        assert (profile.name, profile.company) == ("Maria Jones", "")

    def test_a_name_that_only_an_archived_contact_has_is_free(
        self, erp: Xero, buyer: Record, party: Make, unique: str
    ) -> None:
        erp.archive(buyer.ref)
        twin = erp.create(party(), key=f"Q{unique}")

        assert self.contact(twin)["Name"] == "Maria Jones"

    def test_who_is_nobody_is_named_by_the_code(self, erp: Xero, party: Make, unique: str) -> None:
        made = erp.create(party(name="", email=""), key=f"P{unique}")

        assert self.contact(made)["Name"] == f"P{unique}"

    def test_a_party_that_somebody_makes_at_this_moment_is_refused(
        self, erp: Xero, xero: FakeXero, party: Make, unique: str
    ) -> None:
        def make_first(call: str) -> httpx.Response | None:
            if call == "PUT Contacts":
                xero.hook = lambda _: None
                self._desk.add_contact("Maria Jones", ContactNumber=f"P{unique}")
            return None

        xero.hook = make_first
        with pytest.raises(DuplicateError):
            erp.create(party(), key=f"P{unique}")

        assert len(self._desk.rows("Contacts")) == 1

    def test_payment_terms_are_days(self, erp: Xero, party: Make, unique: str) -> None:
        made = erp.create(PartyDocument(party().party, "30 days"), key=f"P{unique}")

        assert self.contact(made)["PaymentTerms"]["Sales"]["Day"] == 30
        with pytest.raises(UnmappedError):
            erp.create(PartyDocument(party().party, "On receipt"), key=f"Q{unique}")

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("ann@shopper.example", "ann@shopper.example"),
            ("ann@müller.example", "ann@xn--mller-kva.example"),
            ("jürgen@shopper.example", ""),
            ("no address", ""),
            ("", ""),
            ("ann@shopper..example", ""),
        ],
    )
    def test_an_e_mail_that_xero_does_not_take_is_left_out(self, typed: str, kept: str) -> None:
        assert email_of(typed) == kept

    def test_what_is_too_long_is_cut_and_kept_apart(self, erp: Xero, party: Make) -> None:
        whole = {"name": "x" * 300, "phone": "1" * 60, "vat_number": "GB" + "1" * 60}
        first = erp.create(party(**whole), key="P1")
        second = erp.create(party(**whole), key="P2")

        assert len(self.contact(first)["Name"]) == 255
        assert self.contact(second)["Name"].endswith("(P2)")
        assert len(suffixed("x" * 300, "P" * 50)) <= 255

    def test_a_create_that_is_not_answered_may_have_taken_effect(
        self, erp: Xero, xero: FakeXero, party: Make, unique: str
    ) -> None:
        def lose(call: str) -> httpx.Response | None:
            if call == "PUT Contacts":
                raise httpx.ReadTimeout("the answer is lost")
            return None

        xero.after = lose
        with pytest.raises(UnavailableError) as caught:
            erp.create(party(), key=f"P{unique}")
        xero.after = lambda _: None

        assert caught.value.sent
        assert len(erp.find(Kind.PARTY, f"P{unique}")) == 1

    def test_a_search_that_is_not_answered_made_nothing(
        self, erp: Xero, xero: FakeXero, party: Make, unique: str
    ) -> None:
        xero.hook = lambda _: httpx.Response(503)
        with pytest.raises(UnavailableError) as caught:
            erp.create(party(), key=f"P{unique}")

        assert caught.value.sent is False

    # --- found ---------------------------------------------------------------------

    def test_who_was_merged_is_the_other(self, erp: Xero, buyer: Record) -> None:
        other = self._desk.add_contact("Maria Smith", ContactNumber="P-OTHER")
        self._desk.merge_contact(buyer.ref.id, other)

        got = erp.get(buyer.ref)
        assert got is not None
        assert (got.ref.id, got.number) == (other, "P-OTHER")
        assert [found.ref.id for found in erp.find(Kind.PARTY, buyer.number)] == [other]
        profile = erp.profile(buyer.ref)
        assert profile is not None
        assert profile[0].name == "Maria Smith"

    def test_who_has_no_id_of_xeros_is_nobody(self, erp: Xero) -> None:
        nobody = Ref("main", Kind.PARTY, "987654321")

        assert erp.get(nobody) is None
        assert erp.profiles([nobody]) == {}
        with pytest.raises(RejectedError, match="no longer in Xero"):
            erp.archive(nobody)

    def test_only_whole_e_mails_are_alike(
        self, erp: Xero, buyer: Record, party: Make, unique: str
    ) -> None:
        """Xero finds every contact whose e-mail, name or number has the text in it."""
        longer = f"x.maria.{unique}@shopper.example"
        erp.create(party(email=longer, name="Another"), key=f"Q{unique}")

        assert [found.ref for found in erp.match(party().party, "email")] == [buyer.ref]

    def test_a_vat_number_that_no_question_can_say_is_nobodys(
        self, erp: Xero, buyer: Record, party: Make
    ) -> None:
        assert erp.match(party(vat_number='"').party, "vat_number") == ()

    # --- addresses -------------------------------------------------------------------

    def test_a_third_address_is_told_in_words(self, erp: Xero, buyer: Record, party: Make) -> None:
        home = party().party.billing
        second = erp.add_address(buyer.ref, replace(home, street="2 Low Street"))
        third = erp.add_address(buyer.ref, replace(home, street="3 Side Street", company="Acme"))

        assert (buyer.addresses[0][1], second) == ("POBOX", "STREET")
        assert third == "text:Acme, Maria Jones, 3 Side Street, Leeds, LS1 1AA, United Kingdom"
        assert self.address(buyer, "STREET")["AddressLine1"] == "2 Low Street"

    def test_streets_of_many_lines_and_other_companies_are_recognised(
        self, erp: Xero, party: Make, unique: str
    ) -> None:
        away = Address(
            name="Ann Bee",
            company="Her Ltd",
            street="\n".join(f"Line {n}" for n in range(6)),
            city="York",
            state="ENG",
            country="GB",
        )
        made = erp.create(party(shipping=away), key=f"P{unique}")

        assert self.address(made, "STREET")["AttentionTo"] == "Her Ltd, Ann Bee"
        assert self.address(made, "STREET")["AddressLine4"] == "Line 3, Line 4, Line 5"
        assert dict(made.addresses)[away.fingerprint] == "STREET"
        assert erp.add_address(made.ref, away) == "STREET"

    def test_a_country_that_somebody_wrote_their_way_is_the_same(
        self, erp: Xero, buyer: Record, party: Make
    ) -> None:
        row = self.address(buyer, "POBOX")
        self._desk.edit_contact(buyer.ref.id, Addresses=[{**row, "Country": "Great Britain"}])

        assert erp.add_address(buyer.ref, party().party.billing) == "POBOX"

    # --- changed -----------------------------------------------------------------------

    def test_a_new_billing_address_leaves_goods_where_they_went(
        self, erp: Xero, buyer: Record, party: Make
    ) -> None:
        found = erp.profile(buyer.ref)
        assert found is not None
        home = party().party.billing
        moved = replace(home, street="2 Low Street")

        after, _ = erp.update_profile(buyer.ref, Profile(billing=moved), version=found[1])

        assert (after.billing, after.shipping) == (moved, home)

    def test_goods_that_go_home_again_need_no_address_of_their_own(
        self, erp: Xero, buyer: Record, party: Make
    ) -> None:
        home = party().party.billing
        found = erp.profile(buyer.ref)
        assert found is not None
        _, version = erp.update_profile(
            buyer.ref, Profile(shipping=replace(home, city="York")), version=found[1]
        )

        after, _ = erp.update_profile(buyer.ref, Profile(shipping=home), version=version)

        assert (after.billing, after.shipping) == (home, home)

    def test_a_name_that_another_has_by_now_is_told_apart(self, erp: Xero, buyer: Record) -> None:
        self._desk.add_contact("Maria Smith")
        found = erp.profile(buyer.ref)
        assert found is not None

        after, _ = erp.update_profile(buyer.ref, Profile(name="Maria Smith"), version=found[1])

        assert after.name == "Maria Smith"
        assert self.contact(buyer)["Name"] == f"Maria Smith ({buyer.number})"

    def test_what_is_written_back_and_forth_within_minutes_is_written(
        self, erp: Xero, buyer: Record, clock: Clock
    ) -> None:
        """While Xero would answer the same request from its memory."""
        for phone in ("1", "2", "1", "2"):
            found = erp.profile(buyer.ref)
            assert found is not None
            clock.moment()
            after, _ = erp.update_profile(buyer.ref, Profile(phone=phone), version=found[1])
            assert after.phone == phone

    @pytest.mark.parametrize("changes", [Profile(price_group="A"), Profile(payment_terms="30")])
    def test_what_xero_does_not_keep_is_refused(
        self, erp: Xero, buyer: Record, changes: Profile
    ) -> None:
        found = erp.profile(buyer.ref)
        assert found is not None

        with pytest.raises(UnsupportedError):
            erp.update_profile(buyer.ref, changes, version=found[1])

    def test_what_is_not_written_is_named_as_it_is(
        self, erp: Xero, xero: FakeXero, buyer: Record, party: Make
    ) -> None:
        """Nobody has written down whether Xero keeps what a write does not name."""
        phones = [{"PhoneType": "MOBILE", "PhoneNumber": "7"}]
        self._desk.edit_contact(buyer.ref.id, Phones=phones)
        erp.add_address(buyer.ref, replace(party().party.billing, street="2 Low Street"))
        found = erp.profile(buyer.ref)
        assert found is not None
        sent: list[dict[str, Any]] = []
        answer = xero.api.answer

        def listen(asked: Any) -> Any:
            if asked.method == "POST":
                sent.append(json.loads(asked.body)["Contacts"][0])
            return answer(asked)

        xero.api.answer = listen  # type: ignore[method-assign]
        moved = replace(party().party.billing, street="3 Side Street")
        erp.update_profile(buyer.ref, Profile(phone="1", billing=moved), version=found[1])

        (values,) = sent
        assert [(each["PhoneType"], each["PhoneNumber"]) for each in values["Phones"]] == [
            ("DEFAULT", "1"),
            ("MOBILE", "7"),
        ]
        lines = [(each["AddressType"], each["AddressLine1"]) for each in values["Addresses"]]
        assert lines == [("POBOX", "3 Side Street"), ("STREET", "2 Low Street")]

    def test_nothing_to_write_is_no_write(self, erp: Xero, xero: FakeXero, buyer: Record) -> None:
        found = erp.profile(buyer.ref)
        assert found is not None

        assert erp.update_profile(buyer.ref, found[0], version=found[1]) == found
        assert xero.calls["POST Contacts"] == 0

    def test_many_profiles_are_read_in_few_calls(self, erp: Xero, xero: FakeXero) -> None:
        refs = [Ref("main", Kind.PARTY, self._desk.add_contact(f"Shopper {n}")) for n in range(90)]
        before = xero.calls["GET Contacts"]

        assert erp.profiles(refs).keys() == set(refs)
        assert xero.calls["GET Contacts"] - before == 3
