"""What every back office promises. An adapter's test class inherits it and supplies ``erp``."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import DuplicateError, UnavailableError, UnmappedError
from accord.model.change import Ref
from accord.model.documents import Kind, PaymentDocument, Record, State
from accord.model.money import Money
from accord.ports.erp import ErpAdapter
from accord.ports.numbers import Numbers
from tests.erp.promises import BASKETS, Make, Promises

__all__ = ["ErpContract", "Make"]


class ErpContract(Promises):
    """What every back office promises of an order that comes in.

    What becomes of it later is in ``tests.erp.life``.
    """

    def void(self, erp: ErpAdapter, record: Record) -> None:
        """What a person does in the back office: the order is cancelled there."""
        self.cancel_by_hand(erp, record)

    # --- it answers ----------------------------------------------------------------

    def test_it_answers(self, erp: ErpAdapter) -> None:
        erp.ping()

    def test_nobody_at_the_address_was_surely_not_sent_to(self, unreachable: ErpAdapter) -> None:
        with pytest.raises(UnavailableError) as caught:
            unreachable.ping()

        assert caught.value.sent is False

    def test_a_create_that_reached_nobody_was_surely_not_sent(
        self, unreachable: ErpAdapter, order: Make, key: str
    ) -> None:
        with pytest.raises(UnavailableError) as caught:
            unreachable.create(order(), key=key)

        assert caught.value.sent is False

    def test_a_search_that_reached_nobody_does_not_say_none(
        self, unreachable: ErpAdapter, key: str
    ) -> None:
        with pytest.raises(UnavailableError):
            unreachable.find(Kind.SALES_ORDER, key)

    # --- keys ------------------------------------------------------------------------

    def test_an_order_is_found_by_its_key(self, erp: ErpAdapter, order: Make, key: str) -> None:
        made = erp.create(order(), key=key)

        assert [found.ref for found in erp.find(Kind.SALES_ORDER, key)] == [made.ref]

    def test_an_order_is_found_by_its_own_number_and_by_the_stores(
        self, erp: ErpAdapter, order: Make, key: str
    ) -> None:
        if not isinstance(erp, Numbers):
            pytest.skip("it cannot be searched by number")
        document = order(number=f"N{key}")
        made = erp.advance(erp.create(document, key=key), State.QUOTATION)

        for number in (document.number, made.number):
            (found,) = erp.numbered(Kind.SALES_ORDER, [number, "no such number"])
            assert (found.record.ref, found.reference) == (made.ref, document.number)
            assert found.placed_on == document.placed_on

    def test_a_record_shows_its_key(self, erp: ErpAdapter, order: Make, key: str) -> None:
        erp.create(order(), key=key)

        assert erp.find(Kind.SALES_ORDER, key)[0].key == key

    def test_a_key_that_nothing_has_finds_nothing(self, erp: ErpAdapter, key: str) -> None:
        assert erp.find(Kind.SALES_ORDER, key) == ()

    def test_a_key_is_found_whole(self, erp: ErpAdapter, order: Make, key: str) -> None:
        erp.create(order(), key=f"{key}0")

        assert erp.find(Kind.SALES_ORDER, key) == ()

    def test_the_longest_key_is_kept_whole(self, erp: ErpAdapter, order: Make, key: str) -> None:
        longest = key.ljust(erp.capabilities.key_length, "9")
        made = erp.create(order(), key=longest)

        assert [found.ref for found in erp.find(Kind.SALES_ORDER, longest)] == [made.ref]

    def test_a_second_order_with_the_key_is_as_declared(
        self, erp: ErpAdapter, order: Make, key: str
    ) -> None:
        first = erp.create(order(), key=key)

        match erp.capabilities.duplicates[Kind.SALES_ORDER]:
            case "refused":
                with pytest.raises(DuplicateError):
                    erp.create(order(), key=key)
            case "same_answer":
                assert erp.create(order(), key=key).ref == first.ref
            case "possible":
                assert erp.create(order(), key=key).ref != first.ref

    def test_a_second_order_with_the_key_leaves_as_many_as_declared(
        self, erp: ErpAdapter, order: Make, key: str
    ) -> None:
        behaviour = erp.capabilities.duplicates[Kind.SALES_ORDER]
        erp.create(order(), key=key)
        with contextlib.suppress(DuplicateError):
            erp.create(order(), key=key)

        assert len(erp.find(Kind.SALES_ORDER, key)) == (2 if behaviour == "possible" else 1)

    def test_a_second_party_with_the_code_is_as_declared(
        self, erp: ErpAdapter, buyer: Record, party: Make
    ) -> None:
        match erp.capabilities.duplicates[Kind.PARTY]:
            case "refused":
                with pytest.raises(DuplicateError):
                    erp.create(party(), key=buyer.number)
            case "same_answer":
                assert erp.create(party(), key=buyer.number).ref == buyer.ref
            case "possible":
                assert erp.create(party(), key=buyer.number).ref != buyer.ref

    # --- reading back ------------------------------------------------------------------

    def test_what_was_made_can_be_got(self, erp: ErpAdapter, order: Make, key: str) -> None:
        made = erp.create(order(), key=key)

        found = erp.get(made.ref)

        assert found is not None
        assert (found.ref, found.key, found.state) == (made.ref, key, self.first(erp))

    def test_what_is_not_there_is_none(self, erp: ErpAdapter, buyer: Record) -> None:
        assert erp.get(Ref(buyer.ref.system, Kind.SALES_ORDER, "987654321")) is None

    def test_an_order_begins_in_its_first_state(
        self, erp: ErpAdapter, order: Make, key: str
    ) -> None:
        assert erp.create(order(), key=key).state is self.first(erp)

    def test_an_order_that_begins_as_a_quotation_has_number_and_totals(
        self, erp: ErpAdapter, order: Make, key: str
    ) -> None:
        if self.first(erp) is not State.QUOTATION:
            pytest.skip("it begins as a draft")
        made = erp.create(order(), key=key)

        assert made.number
        assert made.totals == erp.preview(order())

    def test_a_voided_order_is_still_found(self, erp: ErpAdapter, order: Make, key: str) -> None:
        made = erp.create(order(), key=key)
        self.void(erp, made)

        assert [found.state for found in erp.find(Kind.SALES_ORDER, key)] == [State.VOIDED]

    def test_a_voided_order_can_still_be_got(self, erp: ErpAdapter, order: Make, key: str) -> None:
        made = erp.create(order(), key=key)
        self.void(erp, made)

        found = erp.get(made.ref)

        assert found is not None
        assert found.state is State.VOIDED

    # --- states ------------------------------------------------------------------------

    def test_a_quotation_has_a_number(self, erp: ErpAdapter, order: Make, key: str) -> None:
        quoted = erp.advance(erp.create(order(), key=key), State.QUOTATION)

        assert quoted.state is State.QUOTATION
        assert quoted.number

    def test_two_orders_have_two_numbers(self, erp: ErpAdapter, order: Make, key: str) -> None:
        first = erp.advance(erp.create(order(), key=key), State.QUOTATION)
        second = erp.advance(erp.create(order(), key=f"{key}-2"), State.QUOTATION)

        assert first.number != second.number

    def test_a_quotation_is_confirmed(self, erp: ErpAdapter, order: Make, key: str) -> None:
        quoted = erp.advance(erp.create(order(), key=key), State.QUOTATION)

        assert erp.advance(quoted, State.CONFIRMED).state is State.CONFIRMED

    def test_a_draft_is_confirmed_by_way_of_a_quotation(
        self, erp: ErpAdapter, order: Make, key: str
    ) -> None:
        confirmed = erp.advance(erp.create(order(), key=key), State.CONFIRMED)

        assert confirmed.state is State.CONFIRMED
        assert confirmed.number

    def test_confirming_keeps_number_and_totals(
        self, erp: ErpAdapter, order: Make, key: str
    ) -> None:
        quoted = erp.advance(erp.create(order(), key=key), State.QUOTATION)
        erp.advance(quoted, State.CONFIRMED)

        (found,) = erp.find(Kind.SALES_ORDER, key)

        assert (found.number, found.totals) == (quoted.number, quoted.totals)

    @pytest.mark.parametrize("to", [State.QUOTATION, State.CONFIRMED])
    def test_advancing_from_what_was_seen_before_changes_nothing(
        self, erp: ErpAdapter, order: Make, key: str, to: State
    ) -> None:
        draft = erp.create(order(), key=key)
        first = erp.advance(draft, to)

        second = erp.advance(draft, to)  # as after a crash: all that is known is the draft

        assert (second.state, second.number, second.totals) == (
            first.state,
            first.number,
            first.totals,
        )

    def test_advancing_never_goes_back(self, erp: ErpAdapter, order: Make, key: str) -> None:
        draft = erp.create(order(), key=key)
        erp.advance(draft, State.CONFIRMED)

        assert erp.advance(draft, State.QUOTATION).state is State.CONFIRMED

    # --- money -------------------------------------------------------------------------

    @pytest.mark.parametrize("name", BASKETS)
    def test_the_totals_are_those_that_were_foretold(
        self, erp: ErpAdapter, order: Make, key: str, name: str
    ) -> None:
        document = order(lines=self.basket(name))
        foretold = erp.preview(document)

        erp.advance(erp.create(document, key=key), State.QUOTATION)

        assert erp.find(Kind.SALES_ORDER, key)[0].totals == foretold

    def test_the_answer_to_the_quotation_carries_the_totals(
        self, erp: ErpAdapter, order: Make, key: str
    ) -> None:
        document = order(lines=self.basket("two rates and shipping"))

        quoted = erp.advance(erp.create(document, key=key), State.QUOTATION)

        assert quoted.totals == erp.preview(document)

    @pytest.mark.parametrize("name", BASKETS)
    def test_net_and_tax_are_gross(self, erp: ErpAdapter, order: Make, name: str) -> None:
        totals = erp.preview(order(lines=self.basket(name)))

        assert totals.net + totals.tax == totals.gross

    @pytest.mark.parametrize("name", BASKETS)
    def test_the_net_is_what_the_store_charged(
        self, erp: ErpAdapter, order: Make, name: str
    ) -> None:
        document = order(lines=self.basket(name))

        charged = Money.total((line.net for line in document.lines), self.CURRENCY)

        assert erp.preview(document).net == charged

    def test_a_plain_order_comes_to_the_stores_total(
        self, erp: ErpAdapter, order: Make, key: str
    ) -> None:
        document = order()

        quoted = erp.advance(erp.create(document, key=key), State.QUOTATION)

        assert quoted.totals is not None
        assert quoted.totals.gross == document.total

    def test_a_text_line_on_an_account_counts(self, erp: ErpAdapter, order: Make) -> None:
        text = replace(self.line("2.50"), item=None, account=self.INCOME_ACCOUNT)

        assert erp.preview(order(lines=(self.line(), text))).net.amount == Decimal("12.50")

    def test_a_line_without_tax_bears_none(self, erp: ErpAdapter, order: Make, key: str) -> None:
        rounding = replace(self.line("0.01", item=self.SERVICE), taxes=(), source=None)
        document = order(lines=(self.line(), rounding))

        quoted = erp.advance(erp.create(document, key=key), State.QUOTATION)

        assert quoted.totals is not None
        assert (quoted.totals.tax.amount, quoted.totals.gross) == (Decimal(2), document.total)

    def test_foretelling_makes_nothing(self, erp: ErpAdapter, order: Make, key: str) -> None:
        erp.preview(order())

        assert erp.find(Kind.SALES_ORDER, key) == ()

    # --- codes -------------------------------------------------------------------------

    def test_unknown_codes_are_all_named(self, erp: ErpAdapter, order: Make, key: str) -> None:
        lines = (
            self.line(item="NO-SUCH-1"),
            self.line(item="NO-SUCH-2", tax="VAT 99%"),
            self.line(),
        )

        with pytest.raises(UnmappedError) as caught:
            erp.create(order(lines=lines), key=key)

        assert set(caught.value.causes) == {"item:NO-SUCH-1", "item:NO-SUCH-2", "tax:VAT 99%"}

    def test_an_unknown_code_makes_nothing(self, erp: ErpAdapter, order: Make, key: str) -> None:
        with pytest.raises(UnmappedError):
            erp.create(order(lines=(self.line(item="NO-SUCH-1"),)), key=key)

        assert erp.find(Kind.SALES_ORDER, key) == ()

    # --- parties -----------------------------------------------------------------------

    def test_a_party_is_found_by_its_account_code(self, erp: ErpAdapter, buyer: Record) -> None:
        assert [found.ref for found in erp.find(Kind.PARTY, buyer.number)] == [buyer.ref]

    def test_an_account_code_is_kept_as_it_was_given(
        self, erp: ErpAdapter, buyer: Record, unique: str
    ) -> None:
        assert buyer.number == f"P{unique}"

    @pytest.mark.parametrize("change", [str.upper, str.title, str])
    def test_a_party_is_recognised_by_its_e_mail(
        self, erp: ErpAdapter, buyer: Record, party: Make, change: Callable[[str], str]
    ) -> None:
        shopper = party().party
        shopper = replace(shopper, email=change(shopper.email))

        assert [found.ref for found in erp.match(shopper, "email")] == [buyer.ref]

    def test_a_party_with_capitals_in_its_e_mail_is_recognised(
        self, erp: ErpAdapter, party: Make, unique: str
    ) -> None:
        made = erp.create(party(email=f"Maria.{unique}@Shopper.Example"), key=f"P{unique}")

        found = erp.match(party(email=f"maria.{unique}@shopper.example").party, "email")

        assert [record.ref for record in found] == [made.ref]

    def test_a_party_shows_its_e_mails_in_small_letters(
        self, erp: ErpAdapter, party: Make, unique: str
    ) -> None:
        erp.create(party(email=f"Maria.{unique}@Shopper.Example"), key=f"P{unique}")

        assert erp.find(Kind.PARTY, f"P{unique}")[0].emails == (f"maria.{unique}@shopper.example",)

    def test_a_party_is_recognised_by_its_vat_number(
        self, erp: ErpAdapter, party: Make, unique: str
    ) -> None:
        made = erp.create(party(vat_number=f"GB{unique.upper()}"), key=f"P{unique}")

        found = erp.match(party(vat_number=f"GB{unique.upper()}").party, "vat_number")

        assert [record.ref for record in found] == [made.ref]

    def test_two_parties_with_one_e_mail_are_both_shown(
        self, erp: ErpAdapter, buyer: Record, party: Make, unique: str
    ) -> None:
        twin = erp.create(party(name="Another Maria"), key=f"Q{unique}")

        found = {record.ref for record in erp.match(party().party, "email")}

        assert found == {buyer.ref, twin.ref}

    def test_a_stranger_is_not_recognised(
        self, erp: ErpAdapter, buyer: Record, party: Make, unique: str
    ) -> None:
        stranger = party(email=f"someone.else.{unique}@shopper.example").party

        assert erp.match(stranger, "email") == ()

    @pytest.mark.parametrize("sign", ["%", "_"])
    def test_a_sign_in_an_e_mail_stands_for_itself(
        self, erp: ErpAdapter, buyer: Record, party: Make, unique: str, sign: str
    ) -> None:
        wild = party(email=f"maria{sign}{unique}@shopper.example").party

        assert erp.match(wild, "email") == ()

    @pytest.mark.parametrize("by", ["email", "vat_number"])
    def test_who_has_no_such_key_is_like_nobody(
        self, erp: ErpAdapter, buyer: Record, party: Make, by: Any
    ) -> None:
        assert erp.match(party(email="", vat_number="").party, by) == ()

    # --- addresses ---------------------------------------------------------------------

    def test_one_address_for_both_uses_is_kept_once(self, buyer: Record) -> None:
        assert len(buyer.addresses) == 1

    def test_two_addresses_are_told_apart_by_fingerprint(
        self, erp: ErpAdapter, party: Make, unique: str
    ) -> None:
        home = party().party.billing
        away = replace(home, street="2 Low Street")

        made = erp.create(party(shipping=away), key=f"P{unique}")

        assert {fingerprint for fingerprint, _ in made.addresses} == {
            home.fingerprint,
            away.fingerprint,
        }

    def test_an_address_that_is_there_is_not_added(
        self, erp: ErpAdapter, buyer: Record, party: Make
    ) -> None:
        home = party().party.billing
        alike = replace(home, street="  1  HIGH street ", city="leeds")

        assert erp.add_address(buyer.ref, alike) == buyer.addresses[0][1]

    def test_another_address_is_added_once(
        self, erp: ErpAdapter, buyer: Record, party: Make
    ) -> None:
        away = replace(party().party.billing, street="2 Low Street")

        first = erp.add_address(buyer.ref, away)

        assert first != buyer.addresses[0][1]
        assert erp.add_address(buyer.ref, away) == first

    def test_an_added_address_is_shown(self, erp: ErpAdapter, buyer: Record, party: Make) -> None:
        away = replace(party().party.billing, street="2 Low Street")
        added = erp.add_address(buyer.ref, away)

        found = erp.get(buyer.ref)

        assert found is not None
        assert (away.fingerprint, added) in found.addresses

    def test_an_order_goes_to_an_added_address(
        self, erp: ErpAdapter, buyer: Record, party: Make, order: Make, key: str
    ) -> None:
        added = erp.add_address(buyer.ref, replace(party().party.billing, street="2 Low Street"))

        erp.create(order(shipping_address=added), key=key)

        assert len(erp.find(Kind.SALES_ORDER, key)) == 1

    # --- payments ----------------------------------------------------------------------

    def test_a_payment_is_found_by_its_key(
        self, erp: ErpAdapter, payment: PaymentDocument, key: str
    ) -> None:
        made = erp.create(payment, key=f"{key}-p")

        assert [found.ref for found in erp.find(Kind.PAYMENT, f"{key}-p")] == [made.ref]

    def test_a_payment_shows_its_amount(
        self, erp: ErpAdapter, payment: PaymentDocument, key: str
    ) -> None:
        erp.create(payment, key=f"{key}-p")

        (found,) = erp.find(Kind.PAYMENT, f"{key}-p")

        assert found.totals is not None
        assert found.totals.gross == payment.amount

    def test_a_payment_that_was_not_made_is_not_found(
        self, erp: ErpAdapter, payment: PaymentDocument, key: str
    ) -> None:
        assert erp.find(Kind.PAYMENT, f"{key}-p") == ()

    def test_a_second_payment_with_the_key_is_as_declared(
        self, erp: ErpAdapter, payment: PaymentDocument, key: str
    ) -> None:
        first = erp.create(payment, key=f"{key}-p")

        match erp.capabilities.duplicates[Kind.PAYMENT]:
            case "refused":
                with pytest.raises(DuplicateError):
                    erp.create(payment, key=f"{key}-p")
            case "same_answer":
                assert erp.create(payment, key=f"{key}-p").ref == first.ref
            case "possible":
                assert erp.create(payment, key=f"{key}-p").ref != first.ref

    def test_an_unknown_account_takes_no_payment(
        self, erp: ErpAdapter, payment: PaymentDocument, key: str
    ) -> None:
        with pytest.raises(UnmappedError) as caught:
            erp.create(replace(payment, account="NO-SUCH"), key=f"{key}-p")

        assert caught.value.causes == ("account:NO-SUCH",)
