"""A key says which order, which document of it, and nothing that may change."""

import pytest

from accord.model.keys import (
    document_key,
    first_generation,
    of_same_store,
    order_key,
    order_of_refund,
    payment_key,
    refund_key,
    return_key,
)


@pytest.mark.parametrize("generation", [1, 2, 10])
def test_every_generation_leads_back_to_its_order(generation: int) -> None:
    key = order_key("uk", "1042")

    assert first_generation(document_key(key, generation)) == key


def test_a_key_that_is_not_ours_is_left_as_it_is() -> None:
    assert first_generation("WEB-2026-1-2") == "WEB-2026-1-2"


def test_all_keys_of_an_order_are_different() -> None:
    key = order_key("uk", "30")
    keys = [key, document_key(key, 2), refund_key(key, "2"), payment_key(key)]
    keys += [payment_key(refund_key(key, "2")), return_key(key, 2)]

    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("uk-1042-r7", "uk-1042"),
        ("uk-1042-2-r7", "uk-1042-2"),
        ("uk-1042", ""),
        ("uk-1042-r", ""),
        ("uk-1042-return", ""),
        ("uk-1042-r7-again", ""),
    ],
)
def test_a_refunds_key_leads_to_its_order(key: str, order: str) -> None:
    assert order_of_refund(key) == order


@pytest.mark.parametrize(
    ("text", "ours"),
    [("uk-7-r1", "uk-7-r1"), ("uks-7", None), ("anything", None), ("", None)],
)
def test_a_text_is_ours_if_it_begins_with_the_store(text: str, ours: str | None) -> None:
    assert of_same_store(text, "uk-1042") == ours
    assert of_same_store(text, "") is None
