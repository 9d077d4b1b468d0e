"""Killed anywhere, told twice: one party, one account, and both say the same."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from accord.sync import conflicts
from accord.sync.conflicts import Shown
from tests.sync.shoppers import ADA, Shoppers, killing, phone

BEST = "020 7946 9999"


@dataclass(frozen=True)
class Scene:
    """What happens, and what must hold after it, wherever the worker died."""

    begin: Callable[[Shoppers], None]
    happen: Callable[[Shoppers], None]
    hold: Callable[[Shoppers], None]
    rules: tuple[tuple[str, object], ...] = ()

    def play(self, shoppers: Shoppers) -> None:
        self.happen(shoppers)
        shoppers.settle()


def nothing(_: Shoppers) -> None:
    pass


def linked(shoppers: Shoppers) -> None:
    shoppers.store.add_customer(**ADA)
    shoppers.settle()


def only(shoppers: Shoppers) -> str:
    (id_,) = shoppers.store.customers
    return id_


def agree(shoppers: Shoppers) -> None:
    """One party, one account, the same values, nobody asked."""
    assert len(shoppers.books.parties()) == 1
    account, party = Shown(shoppers.account(only(shoppers)), {}), Shown(shoppers.profile(), {})
    for field in conflicts.FIELDS:
        ours, theirs = account.value(field), party.value(field)
        if ours is not None and theirs is not None and field not in {"name", "shipping"}:
            assert conflicts.alike(ours, theirs), (field, ours, theirs)
    assert shoppers.reasons() == []
    assert shoppers.waiting.causes() == []


def agree_on_best(shoppers: Shoppers) -> None:
    agree(shoppers)
    assert shoppers.profile().phone == BEST


def edits_both(shoppers: Shoppers) -> None:
    shoppers.edit_account(only(shoppers), email="countess@example.com")
    shoppers.edit_party(phone=BEST)


def agree_on_both(shoppers: Shoppers) -> None:
    agree_on_best(shoppers)
    assert shoppers.profile().email == "countess@example.com"


def new_party(shoppers: Shoppers) -> None:
    party = {"name": "C. Babbage", "email": "cb@example.com", "vat_number": "", "addresses": []}
    shoppers.books.call("create", {"kind": "party", "key": "BABB01", **party, "phone": BEST})


def archived(shoppers: Shoppers) -> None:
    assert len(shoppers.books.parties()) == 1
    assert shoppers.books.calls.get("archive", 0) >= 1
    assert shoppers.reasons() == []


def both_vat(shoppers: Shoppers) -> None:
    meta = [{"key": "_billing_vat_number", "value": "GB111111111"}]
    shoppers.edit_account(only(shoppers), meta_data=meta)
    shoppers.edit_party(vat_number="GB222222222")


def asked_once(shoppers: Shoppers) -> None:
    assert shoppers.reasons() == ["conflict"]
    assert shoppers.account(only(shoppers)).vat_number == "GB111111111"
    assert shoppers.profile().vat_number == "GB222222222"


SCENES = {
    "new account": Scene(nothing, linked, agree),
    "store changed": Scene(linked, lambda s: s.edit_account(only(s), **phone(BEST)), agree_on_best),
    "party changed": Scene(linked, lambda s: s.edit_party(phone=BEST), agree_on_best),
    "both changed": Scene(linked, edits_both, agree_on_both),
    "new party": Scene(nothing, new_party, agree, (("create_in_store", True),)),
    "account deleted": Scene(linked, lambda s: s.store.delete_customer(only(s)), archived),
    "a conflict": Scene(linked, both_vat, asked_once),
}


def moments_of(scene: Scene) -> int:
    shoppers = Shoppers(**dict(scene.rules))
    scene.begin(shoppers)
    moments: list[str] = []
    shoppers.hook = moments.append
    scene.play(shoppers)
    scene.hold(shoppers)
    return len(moments)


@pytest.mark.parametrize("name", SCENES)
def test_killed_at_any_moment_both_agree_in_the_end(name: str) -> None:
    scene = SCENES[name]
    for fatal in range(moments_of(scene)):
        shoppers = Shoppers(**dict(scene.rules))
        scene.begin(shoppers)
        shoppers.hook = killing(fatal)
        scene.play(shoppers)
        scene.hold(shoppers)


@pytest.mark.parametrize("name", SCENES)
def test_killed_twice_at_random_moments_both_agree_in_the_end(name: str) -> None:
    scene = SCENES[name]
    count = moments_of(scene)
    for seed in range(10):
        rng = random.Random(seed)
        shoppers = Shoppers(**dict(scene.rules))
        scene.begin(shoppers)
        shoppers.hook = killing(rng.randrange(count), rng.randrange(count * 2))
        scene.play(shoppers)
        scene.hold(shoppers)
