"""An account of the store and a party of the back office: one customer, who says the same twice."""

import datetime as dt
import itertools
from dataclasses import replace

import pytest
from pydantic import ValidationError

from accord.errors import UnavailableError
from accord.model.change import Ref
from accord.model.party import Address, Party
from accord.ports.state import Seen
from accord.sync.turn import Invocation
from tests.sync.conftest import config
from tests.sync.shoppers import ADA, Shoppers, phone

LATER = dt.timedelta(seconds=5)


@pytest.fixture
def shoppers() -> Shoppers:
    return Shoppers()


@pytest.fixture
def ada(shoppers: Shoppers) -> str:
    """Her account, linked with her party, and nothing due any more."""
    id_ = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    assert shoppers.reasons() == []
    return id_


def calls_of(shoppers: Shoppers, port: str) -> list[str]:
    """From now on, the calls of one port."""
    heard: list[str] = []
    shoppers.hook = lambda call: (
        heard.append(call.partition(".")[2]) if call.startswith(f"before {port}.") else None
    )
    return heard


def test_a_new_account_becomes_one_party_with_a_generated_code(shoppers: Shoppers) -> None:
    shoppers.store.add_customer(**ADA)
    shoppers.settle()

    (party,) = shoppers.books.parties()
    assert party["key"] == "ENGI01"


def test_the_party_holds_what_the_account_says(shoppers: Shoppers, ada: str) -> None:
    profile = shoppers.profile()

    assert profile.email == "ada@example.com"
    assert profile.phone == "020 7946 1111"
    assert profile.vat_number == "GB123456789"


def test_created_and_updated_make_one_party(shoppers: Shoppers, ada: str) -> None:
    topics = [change.ref.id for change, _ in shoppers.ends if change.ref.kind == "customer"]

    assert len(topics) >= 2
    assert len(shoppers.books.parties()) == 1


def test_a_change_in_the_store_reaches_the_party(shoppers: Shoppers, ada: str) -> None:
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.settle()

    assert shoppers.profile().phone == "020 7946 2222"


def test_a_change_in_the_back_office_reaches_the_account(shoppers: Shoppers, ada: str) -> None:
    shoppers.edit_party(phone="020 7946 3333")
    shoppers.settle()

    assert shoppers.account(ada).phone == "020 7946 3333"


def test_changes_of_two_fields_on_two_sides_both_arrive(shoppers: Shoppers, ada: str) -> None:
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.edit_party(email="countess@example.com")
    shoppers.settle()

    assert shoppers.profile().phone == shoppers.account(ada).phone == "020 7946 2222"
    assert shoppers.account(ada).email == "countess@example.com"


def test_our_own_write_ends_at_the_other_side(shoppers: Shoppers, ada: str) -> None:
    heard: list[str] = []
    shoppers.hook = heard.append
    shoppers.edit_party(phone="020 7946 3333")
    shoppers.settle()

    assert heard.count("before store.put_customer") == 1
    assert heard.count("before erp.update_profile") == 0


def test_a_change_of_the_store_costs_it_no_read(shoppers: Shoppers, ada: str) -> None:
    heard = calls_of(shoppers, "store")
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.drain()

    assert set(heard) <= {"customer"}


def test_a_change_that_neither_side_keeps_costs_the_back_office_nothing(
    shoppers: Shoppers, ada: str
) -> None:
    heard = calls_of(shoppers, "erp")
    shoppers.edit_account(ada, meta_data=[{"key": "newsletter", "value": "yes"}])
    shoppers.drain()

    assert heard == []
    assert shoppers.last == "nothing due: nothing changed that both sides keep"


def test_the_newer_of_two_changes_holds(shoppers: Shoppers, ada: str) -> None:
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.edit_party(phone="020 7946 3333")
    shoppers.settle()

    assert shoppers.profile().phone == shoppers.account(ada).phone == "020 7946 3333"


def test_the_newer_of_two_changes_holds_whoever_is_told_of_first(
    shoppers: Shoppers, ada: str
) -> None:
    shoppers.edit_party(phone="020 7946 3333")
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.poll()
    shoppers.queue.changes.reverse()
    shoppers.settle()

    assert shoppers.profile().phone == shoppers.account(ada).phone == "020 7946 2222"


def test_two_changes_of_one_second_are_a_persons(shoppers: Shoppers, ada: str) -> None:
    shoppers.store.edit_customer(ada, **phone("020 7946 2222"))
    shoppers.erp.edit_party("ENGI01", phone="020 7946 3333")
    shoppers.settle()

    assert shoppers.reasons() == ["conflict"]


def test_a_side_that_is_preferred_decides_what_times_cannot() -> None:
    shoppers = Shoppers(prefers="erp")
    ada = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    shoppers.store.edit_customer(ada, **phone("020 7946 2222"))
    shoppers.erp.edit_party("ENGI01", phone="020 7946 3333")
    shoppers.settle()

    assert shoppers.account(ada).phone == "020 7946 3333"
    assert shoppers.reasons() == []


def test_a_party_that_is_there_already_is_matched_by_its_email(shoppers: Shoppers) -> None:
    party = {"name": "A. Byron", "email": "ada@example.com", "vat_number": "", "addresses": []}
    shoppers.books.call("create", {"kind": "party", "key": "BYRON", **party})
    shoppers.store.add_customer(**ADA)
    shoppers.settle()

    assert len(shoppers.books.parties()) == 1
    assert shoppers.profile().phone == "020 7946 1111"


def test_a_party_is_matched_by_its_vat_number(shoppers: Shoppers) -> None:
    party = {"name": "Engine", "email": "", "vat_number": "GB 123 456 789", "addresses": []}
    shoppers.books.call("create", {"kind": "party", "key": "ENGINE", **party})
    shoppers.store.add_customer(**ADA)
    shoppers.settle()

    assert len(shoppers.books.parties()) == 1


def test_users_who_are_no_customers_are_left_out(shoppers: Shoppers) -> None:
    shoppers.deaf = True
    id_ = shoppers.store.add_customer(**ADA)
    shoppers.store.customers[id_] = {**shoppers.store.customers[id_], "role": "editor"}
    shoppers.deaf = False
    shoppers.edit_account(id_, **phone("020 7946 2222"))
    shoppers.settle()

    assert shoppers.books.parties() == []
    assert shoppers.last == "nothing due: a user of the role 'editor' is no customer"


def test_a_new_account_may_wait_for_its_first_order() -> None:
    shoppers = Shoppers(create_in_erp=False)
    shoppers.store.add_customer(**ADA)
    shoppers.settle()

    assert shoppers.books.parties() == []


def new_party(shoppers: Shoppers, code: str = "BABB01") -> None:
    party = {"name": "C. Babbage", "email": "cb@example.com", "vat_number": "", "addresses": []}
    shoppers.books.call("create", {"kind": "party", "key": code, **party})


def test_a_new_party_makes_no_account_by_default(shoppers: Shoppers) -> None:
    new_party(shoppers)
    shoppers.settle()

    assert len(shoppers.store.customers) == 0


def test_a_new_party_makes_one_account_where_the_rules_say_so() -> None:
    shoppers = Shoppers(create_in_store=True)
    new_party(shoppers)
    shoppers.settle()

    (id_,) = shoppers.store.customers
    assert shoppers.account(id_).email == "cb@example.com"
    assert len(shoppers.books.parties()) == 1
    assert shoppers.reasons() == []


def test_a_new_party_is_linked_with_the_account_of_its_email(shoppers: Shoppers) -> None:
    shoppers.deaf = True
    id_ = shoppers.store.add_customer(email="cb@example.com", role="customer")
    new_party(shoppers)
    shoppers.settle()

    (party,) = shoppers.books.parties()
    assert shoppers.links.find(Ref("main", "party", party["id"])) == Ref("uk", "customer", id_)


def test_a_deleted_account_archives_its_party(shoppers: Shoppers, ada: str) -> None:
    shoppers.store.delete_customer(ada)
    shoppers.settle()

    link = shoppers.links.get(Ref("uk", "customer", ada))
    assert link is not None
    assert link.erp == shoppers.party()
    assert not shoppers.erp.match(party_like("ada@example.com"), "email")


def party_like(email: str) -> Party:
    return Party("", "", email, "", "", None, Address(), Address())


def test_a_deleted_account_leaves_no_base_behind(shoppers: Shoppers, ada: str) -> None:
    shoppers.store.delete_customer(ada)
    shoppers.settle()

    link = shoppers.links.get(Ref("uk", "customer", ada))
    assert link is not None
    assert "ada" not in str(link.facts)


def test_an_account_made_anew_is_linked_with_the_party_it_had(shoppers: Shoppers, ada: str) -> None:
    shoppers.store.delete_customer(ada)
    shoppers.settle()
    again = shoppers.store.add_customer(**ADA)
    shoppers.settle()

    link = shoppers.links.get(Ref("uk", "customer", again))
    assert link is not None
    assert link.erp == shoppers.party()
    assert shoppers.reasons() == ["archived_party"]


def linked_beside(shoppers: Shoppers, other: Ref, then: Ref) -> None:
    """``other`` is linked with the party too, as if before ``then``, which is the newest."""
    now = shoppers.clock()
    party = shoppers.party()
    for ref, facts in ((other, {}), (then, {"beside": str(other)})):
        link = shoppers.links.acquire(ref, key="p", owner="o", now=now, until=now, seen=Seen(now))
        assert link is not None
        link = shoppers.links.save(replace(link, erp=None))
        link = shoppers.links.save(replace(link, erp=party, facts={**link.facts, **facts}))
        shoppers.links.abandon(link)


def test_a_party_with_another_account_is_not_archived(shoppers: Shoppers, ada: str) -> None:
    linked_beside(shoppers, Ref("de", "customer", "5"), Ref("uk", "customer", ada))
    shoppers.store.delete_customer(ada)
    shoppers.drain()

    assert shoppers.last == "nothing due: its account is gone, its party has another"


def test_the_other_accounts_of_a_party_are_told_of_its_changes(
    shoppers: Shoppers, ada: str
) -> None:
    other = Ref("de", "customer", "5")
    linked_beside(shoppers, other, Ref("uk", "customer", ada))
    shoppers.edit_party(phone="020 7946 3333")
    shoppers.poll()
    change = shoppers.queue.changes.popleft()
    shoppers.flow().post(change, Invocation("r", shoppers.clock() + LATER))

    assert [each.aggregate for each in shoppers.queue.changes if each.ref == change.ref] == [other]


def test_a_flow_that_is_off_does_nothing() -> None:
    shoppers = Shoppers(config(flows={"customers": "off"}))
    shoppers.store.add_customer(**ADA)
    shoppers.settle()

    assert shoppers.books.parties() == []


def test_a_shadow_journals_and_writes_nothing() -> None:
    shoppers = Shoppers(config(flows={"customers": "shadow"}))
    id_ = shoppers.store.add_customer(**ADA)
    shoppers.settle()

    assert shoppers.books.parties() == []
    assert shoppers.links.get(Ref("uk", "customer", id_)) is None
    told = shoppers.journal.of(Ref("uk", "customer", id_))
    assert told[0].text == "shadow: would look for the other side and link the two"


def test_a_shadow_says_what_would_be_written(shoppers: Shoppers, ada: str) -> None:
    shoppers.config = config(flows={"customers": "shadow"})
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.drain()

    assert shoppers.last == "shadow: customer agreed: phone to the back office"
    assert shoppers.profile().phone == "020 7946 1111"


def test_a_new_email_address_leads_the_next_order_to_the_party(
    shoppers: Shoppers, ada: str
) -> None:
    shoppers.edit_account(ada, email="countess@example.com")
    shoppers.settle()

    parties = shoppers.flow().parties
    (email, *_) = parties.keys_of(party_like("countess@example.com"))
    claim = shoppers.links.get(email)
    assert claim is not None
    assert claim.erp == shoppers.party()


def test_an_email_address_of_another_account_goes_to_a_person(shoppers: Shoppers, ada: str) -> None:
    shoppers.store.add_customer(email="taken@example.com", role="customer", first_name="Other")
    shoppers.settle()
    shoppers.clock.now += LATER
    shoppers.erp.edit_party("ENGI01", email="taken@example.com")
    shoppers.poll()
    shoppers.drain()

    assert "conflict" not in shoppers.reasons()
    assert len(shoppers.reasons()) == 1


def test_a_side_that_does_not_answer_is_tried_again(shoppers: Shoppers, ada: str) -> None:
    down = itertools.count()

    def fail(call: str) -> None:
        if call == "before erp.update_profile" and next(down) < 2:
            raise UnavailableError("it is off", sent=True, connection="main")

    shoppers.hook = fail
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.settle()

    assert shoppers.profile().phone == "020 7946 2222"
    assert shoppers.reasons() == []


def test_somebody_who_writes_between_read_and_write_loses_nothing(
    shoppers: Shoppers, ada: str
) -> None:
    once = itertools.count()

    def meddle(call: str) -> None:
        if call == "before erp.update_profile" and next(once) == 0:
            shoppers.erp.edit_party("ENGI01", email="countess@example.com")

    shoppers.hook = meddle
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.settle()

    assert shoppers.profile().phone == "020 7946 2222"
    assert shoppers.account(ada).email == "countess@example.com"


def test_a_shopper_who_writes_while_we_do_loses_nothing(shoppers: Shoppers, ada: str) -> None:
    once = itertools.count()

    def meddle(call: str) -> None:
        if call == "before store.put_customer" and next(once) == 0:
            shoppers.store.edit_customer(ada, email="countess@example.com")

    shoppers.hook = meddle
    shoppers.edit_party(phone="020 7946 3333")
    shoppers.settle()

    assert shoppers.account(ada).phone == "020 7946 3333"
    assert shoppers.profile().email == "countess@example.com"


def test_a_lost_delivery_is_found_at_the_next_change(shoppers: Shoppers, ada: str) -> None:
    shoppers.deaf = True
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.deaf = False
    shoppers.edit_account(ada, email="countess@example.com")
    shoppers.settle()

    assert shoppers.profile().phone == "020 7946 2222"


def test_the_journal_holds_no_personal_data(shoppers: Shoppers, ada: str) -> None:
    shoppers.edit_account(ada, **phone("020 7946 2222"), email="countess@example.com")
    shoppers.edit_party(phone="020 7946 3333", vat_number="GB999999973")
    shoppers.settle()

    told = str(shoppers.journal.of(Ref("uk", "customer", ada))).casefold()
    for secret in ("countess", "ada@", "byron", "7946", "engine", "analytical", "gb9"):
        assert secret not in told


def test_the_steps_hold_no_personal_data(shoppers: Shoppers, ada: str) -> None:
    shoppers.edit_party(phone="020 7946 3333", email="countess@example.com")
    shoppers.settle()

    kept = str(shoppers.steps._steps).casefold()
    for secret in ("countess", "ada@", "byron", "7946"):
        assert secret not in kept


def test_an_order_and_the_account_make_one_party_and_keep_the_bases(
    shoppers: Shoppers, ada: str
) -> None:
    """An order of the account adds an address to the link that the merge keeps its bases on."""
    ref = Ref("uk", "customer", ada)
    found = shoppers.links.get(ref)
    assert found is not None
    before = found.facts["store_base"]
    party = replace(party_like("ada@example.com"), customer_id=ada)
    elsewhere = Address(street="1 Other Road", city="York", country="GB")
    parties = shoppers.flow().parties
    parties.of_account(
        replace(party, billing=elsewhere),
        owner="o",
        until=shoppers.clock() + LATER,
        make=True,
    )

    after = shoppers.links.get(ref)
    assert after is not None
    assert after.facts["store_base"] == before
    assert f"address:{elsewhere.fingerprint}" in after.facts


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"fields": {"phone": "latest"}}, "phone"),
        ({"fields": {"telephone": "erp"}}, "telephone"),
        ({"roles": []}, "nobody would be followed"),
        ({"prefers": "ask"}, "prefers"),
    ],
)
def test_rules_that_mean_nothing_are_refused(rules: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        config(customers=rules)


def test_a_field_without_a_policy_of_its_own_keeps_the_usual_one() -> None:
    fields = config(customers={"fields": {"phone": "erp"}}).stores["uk"].customers.fields

    assert (fields.phone, fields.email, fields.vat_number) == ("erp", "newest", "ask")
