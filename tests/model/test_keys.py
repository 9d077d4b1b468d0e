"""A key says which order, which document of it, and nothing that may change."""

import pytest

from accord.model.keys import (
    document_key,
    first_generation,
    order_key,
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
