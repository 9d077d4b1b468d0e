"""Forgetting a shopper: what goes, what stays and why, and that nothing comes back by itself."""

import datetime as dt
from dataclasses import replace

import pytest

from accord.errors import BusyError, UnavailableError
from accord.model.change import Change, Ref
from accord.model.progress import Attachment
from accord.ports.state import Mend, Parked, Seen
from accord.sync.fingerprint import content, parts, to_fact
from accord.sync.forget import Forget, Plan, Shop
from accord.sync.mends import mended
from tests.conftest import order_json
from tests.sync.shoppers import ADA, Shoppers, phone

EMAIL = "Ada@example.com"
SECRETS = ("ada@", "countess", "byron", "7946", "engine ltd", "analytical", "gb1", "gb2")


@pytest.fixture
def shoppers() -> Shoppers:
    return Shoppers()


@pytest.fixture
def ada(shoppers: Shoppers) -> str:
    """Her account is linked, and a person is asked about her VAT number."""
    id_ = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    meta = [{"key": "_billing_vat_number", "value": "GB111111111"}]
    shoppers.edit_account(id_, meta_data=meta)
    shoppers.edit_party(vat_number="GB222222222")
    shoppers.settle()
    assert shoppers.reasons() == ["conflict"]
    return id_


def forgetting(shoppers: Shoppers) -> Forget:
    return Forget(
        shops=[Shop(shoppers.store, "main")],
        links=shoppers.links,
        attention=shoppers.attention,
        payloads=shoppers.payloads,
        waiting=shoppers.waiting,
        documents=shoppers.documents,
        journal=shoppers.journal,
        clock=shoppers.clock,
    )


def forget(shoppers: Shoppers, *orders: Ref) -> Plan:
    plan = forgetting(shoppers).plan(EMAIL, orders=orders)
    forgetting(shoppers).carry_out(plan, by="kim")
    return plan


def everything(shoppers: Shoppers) -> str:
    """All that Accord keeps, as text."""
    tables = (shoppers.links, shoppers.steps, shoppers.waiting, shoppers.attention)
    more = (shoppers.payloads, shoppers.journal, shoppers.control, shoppers.documents)
    return "\n".join(str(vars(table)) for table in (*tables, *more)).casefold()


def test_before_it_is_forgotten_it_is_there(shoppers: Shoppers, ada: str) -> None:
    assert all(secret in everything(shoppers) for secret in ("byron", "gb1", "7946"))


def test_no_table_of_ours_holds_personal_data_afterwards(shoppers: Shoppers, ada: str) -> None:
    forget(shoppers)

    assert [secret for secret in SECRETS if secret in everything(shoppers)] == []


def test_the_plan_changes_nothing(shoppers: Shoppers, ada: str) -> None:
    before = everything(shoppers)
    forgetting(shoppers).plan(EMAIL)

    assert everything(shoppers) == before


def test_the_plan_itself_names_no_personal_data(shoppers: Shoppers, ada: str) -> None:
    plan = forgetting(shoppers).plan(EMAIL)

    told = str([plan.removed(), plan.remains()]).casefold()
    assert [secret for secret in SECRETS if secret in told] == []


def test_it_says_what_remains_elsewhere_and_why(shoppers: Shoppers, ada: str) -> None:
    remains = dict(forget(shoppers).remains())

    assert "books" in remains[f"party {shoppers.party()}"]
    assert "Erase personal data" in remains[f"account uk:customer:{ada}"]


def test_the_party_and_the_account_are_left_alone(shoppers: Shoppers, ada: str) -> None:
    forget(shoppers)

    assert shoppers.profile().email == "ada@example.com"
    assert shoppers.account(ada).email == "ada@example.com"


def test_the_link_still_leads_to_the_party(shoppers: Shoppers, ada: str) -> None:
    forget(shoppers)

    assert shoppers.links.find(shoppers.party()) == Ref("uk", "customer", ada)


def test_a_later_change_is_put_before_a_person_and_not_taken_over(
    shoppers: Shoppers, ada: str
) -> None:
    forget(shoppers)
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.settle()

    assert shoppers.reasons() == ["forgotten"]
    assert shoppers.profile().phone == "020 7946 1111"
    assert [secret for secret in SECRETS if secret in everything(shoppers)] == []


def test_a_new_account_of_the_same_shopper_is_put_before_a_person(
    shoppers: Shoppers, ada: str
) -> None:
    forget(shoppers)
    shoppers.deaf = True
    shoppers.store.add_customer(email="other@example.com")  # so that her next id is another
    shoppers.store.delete_customer(ada)
    shoppers.deaf = False
    again = shoppers.store.add_customer(**ADA)
    shoppers.drain()

    link = shoppers.links.get(Ref("uk", "customer", again))
    assert shoppers.reasons() == ["forgotten"]
    assert link is None or link.erp is None


def test_a_persons_replay_follows_the_customer_again(shoppers: Shoppers, ada: str) -> None:
    forget(shoppers)
    shoppers.edit_account(ada, **phone("020 7946 2222"))
    shoppers.drain()
    ref, now = Ref("uk", "customer", ada), shoppers.clock()
    shoppers.queue.put(Change(ref, "customer_changed", now, "r", replay="kim"), sending="r")
    shoppers.drain()

    link = shoppers.links.get(ref)
    assert link is not None
    assert "store_base" in link.facts
    assert "forgotten" not in shoppers.reasons()


def test_what_waits_is_removed(shoppers: Shoppers, ada: str) -> None:
    ref, now = Ref("uk", "customer", ada), shoppers.clock()
    change = Change(ref, "customer_changed", now, "c", document=dict(ADA))
    shoppers.waiting.park(Parked(change, "main", "outage", "it is off", now, now))
    forget(shoppers)

    assert shoppers.waiting.get(ref) is None


def test_documents_of_the_named_orders_are_removed(shoppers: Shoppers, ada: str) -> None:
    order, file = Ref("uk", "order", "30"), Attachment("i.pdf", "application/pdf", b"Ada")
    name = f"{order}/main:invoice:7"
    token = shoppers.documents.put(name, file, now=shoppers.clock(), days=30)
    forget(shoppers, order)

    assert shoppers.documents.get(token, now=shoppers.clock()) is None


def test_a_colleague_of_the_same_party_is_not_forgotten(shoppers: Shoppers, ada: str) -> None:
    other = shoppers.store.add_customer(
        email="charles@example.com",
        first_name="Charles",
        meta_data=[{"key": "_billing_vat_number", "value": "GB123456789"}],
    )
    shoppers.settle()
    plan = forget(shoppers)

    assert [link.ref.id for link in plan.accounts] == [ada]
    assert Ref("uk", "customer", other) not in plan.in_stores


def test_doing_it_twice_is_the_same_as_once(shoppers: Shoppers, ada: str) -> None:
    forget(shoppers)
    first = shoppers.links.get(Ref("uk", "customer", ada))
    forget(shoppers)
    second = shoppers.links.get(Ref("uk", "customer", ada))

    assert first is not None
    assert second is not None
    assert first.facts == second.facts


def test_nobody_known_is_an_empty_plan(shoppers: Shoppers, ada: str) -> None:
    assert forgetting(shoppers).plan("nobody@example.com").is_empty


def test_a_customer_that_is_being_merged_is_forgotten_later(shoppers: Shoppers, ada: str) -> None:
    plan = forgetting(shoppers).plan(EMAIL)
    now = shoppers.clock()
    until = now + dt.timedelta(seconds=60)
    ref = Ref("uk", "customer", ada)
    shoppers.links.acquire(ref, key="k", owner="w", now=now, until=until, seen=Seen(now))

    with pytest.raises(BusyError, match="try again"):
        forgetting(shoppers).carry_out(plan, by="kim")


def test_a_store_that_does_not_answer_is_said_so(
    shoppers: Shoppers, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_: str) -> None:
        raise UnavailableError("it is off", connection="uk")

    monkeypatch.setattr(shoppers.store, "find_customer", down)

    plan = forget(shoppers)

    assert not plan.is_complete
    assert "it is off" in dict(plan.remains())["mends and items of orders in uk"]
    assert [secret for secret in SECRETS if secret in everything(shoppers)] == []


def test_mends_that_name_the_shopper_go_and_the_others_stay(shoppers: Shoppers, ada: str) -> None:
    order, now = Ref("uk", "order", "30"), shoppers.clock()
    until = now + dt.timedelta(seconds=30)
    link = shoppers.links.acquire(
        order, key="uk-30", owner="kim", now=now, until=until, seen=Seen(None)
    )
    assert link is not None
    sku = Mend("lines.12.sku", "MUG-1", "kim", now)
    street = Mend("billing.street", "12 Analytical Row", "kim", now)
    shoppers.links.abandon(shoppers.links.save(replace(link, mends=(sku, street))))

    plan = forget(shoppers, order)

    assert ("mends of uk:order:30", "those of the address, the e-mail address and the like") in (
        plan.removed()
    )
    kept = shoppers.links.get(order)
    assert kept is not None
    assert kept.mends == (sku,)
    assert forgetting(shoppers).plan(EMAIL, orders=[order]).mended == []


def test_an_order_whose_mend_goes_is_no_changed_order(shoppers: Shoppers, ada: str) -> None:
    """Else its document, which stands, would be cancelled and made anew."""
    document = order_json("order_created_rich")
    shoppers.store.place(document)
    shoppers.settle()
    order, now = Ref("uk", "order", "30"), shoppers.clock()
    street = Mend("billing.street", "12 Analytical Row", "kim", now)
    shown = shoppers.store.order(document)
    as_mended = mended(shown, [street])
    facts = {"content": content(as_mended), "parts": to_fact(parts(as_mended))}
    until = now + dt.timedelta(seconds=30)
    link = shoppers.links.acquire(
        order, key="uk-30", owner="kim", now=now, until=until, seen=Seen(None)
    )
    assert link is not None
    sale = Ref("main", "sales_order", "2")
    held = replace(link, mends=(street,), facts=facts, erp=sale)
    shoppers.links.abandon(shoppers.links.save(held))

    plan = forget(shoppers, order)

    kept = shoppers.links.get(order)
    assert kept is not None
    assert kept.mends == ()
    assert kept.facts == {"content": content(shown), "parts": to_fact(parts(shown))}
    assert kept.facts["content"] != facts["content"]
    assert f"document of {order}" in dict(plan.remains())
