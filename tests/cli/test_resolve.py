"""`accord attention resolve` writes the decision down and queues the customer."""

import pytest
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import attention
from accord.cli.app import app
from accord.errors import BadInputError
from accord.model.change import Ref
from tests.sync.shoppers import ADA, Shoppers

RUN = CliRunner()


@pytest.fixture
def shoppers(monkeypatch: pytest.MonkeyPatch) -> Shoppers:
    """A conflict about a VAT number, and a command line that is connected with it."""
    there = Shoppers()
    id_ = there.store.add_customer(**ADA)
    there.settle()
    there.edit_account(id_, meta_data=[{"key": "_billing_vat_number", "value": "GB111111111"}])
    there.edit_party(vat_number="GB222222222")
    there.settle()
    monkeypatch.setattr(attention, "connect", lambda _: None)
    for name, port in (
        ("links", there.links),
        ("attention", there.attention),
        ("payloads", there.payloads),
        ("queues", there.queue),
        ("journal", there.journal),
    ):
        monkeypatch.setattr(bootstrap, name, lambda port=port: port)
    monkeypatch.setattr(bootstrap, "now", there.clock)
    return there


def resolve(shoppers: Shoppers, *words: str) -> str:
    (item,) = shoppers.attention.open()
    result = RUN.invoke(app, ["attention", "resolve", item.id, "--yes", *words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_it_says_what_was_decided(shoppers: Shoppers) -> None:
    assert "vat_number: the store's; queued" in resolve(shoppers, "--take", "store")


def test_both_sides_say_the_value_that_was_given(shoppers: Shoppers) -> None:
    resolve(shoppers, "--take", "GB333333333", "--field", "vat_number")
    shoppers.settle()

    (id_,) = shoppers.store.customers
    assert shoppers.account(id_).vat_number == shoppers.profile().vat_number == "GB333333333"
    assert shoppers.attention.open() == []


def test_it_is_told_who_decided_and_why(shoppers: Shoppers) -> None:
    (item,) = shoppers.attention.open()
    resolve(shoppers, "--take", "store", "--why", "seen on the letterhead", "--by", "ada")

    kept = shoppers.attention.get(item.id)
    assert kept is not None
    assert kept.acted.startswith("resolved vat_number by ada")
    assert kept.acted.endswith(": seen on the letterhead")
    told = shoppers.journal.of(Ref.parse(item.subject))[-1]
    assert told.details["why"] == "seen on the letterhead"


def test_what_to_take_must_be_said(shoppers: Shoppers) -> None:
    (item,) = shoppers.attention.open()

    assert RUN.invoke(app, ["attention", "resolve", item.id]).exit_code == 2


def test_where_nobody_can_be_asked_nothing_is_decided(shoppers: Shoppers) -> None:
    (item,) = shoppers.attention.open()

    result = RUN.invoke(app, ["attention", "resolve", item.id, "--take", "store"])

    assert (result.exit_code, shoppers.attention.open()) == (2, [item])


def test_a_wrong_field_is_refused_with_those_in_dispute(shoppers: Shoppers) -> None:
    with pytest.raises(BadInputError, match="it is about vat_number"):
        resolve(shoppers, "--take", "erp", "--field", "phone")
