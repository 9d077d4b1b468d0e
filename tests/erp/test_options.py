"""What a merchant is told that a back office's own settings are for."""

import pytest

from accord import erp
from accord.rules.invalid import words_of


@pytest.mark.parametrize("name", erp.NAMES)
def test_every_option_says_what_it_is_for(name: str) -> None:
    words = words_of(erp.options_of(name))

    assert [key for key in words.keys(()) or () if not words.description((key,))] == []


def test_what_an_option_is_for_is_one_line() -> None:
    words = words_of(erp.options_of("tryton"))

    assert words.description(("web_shop",)).endswith(
        "belong to. Its id and the order's key are unique together: that is what keeps an order "
        "from being made twice."
    )
    assert words.description(("nothing",)) == words.description(()) == ""
