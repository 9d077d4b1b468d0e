"""What is shown of a payload names nobody and opens nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.sync.masking import MASK, masked

SENT: dict[str, Any] = {
    "ref": "uk:order:30",
    "sent": {
        "billing": {"first_name": "Ada", "country": "GB", "phone": ""},
        "lines": [{"sku": "MUG-1", "quantity": "2", "price": 5.25}],
        "party": {"name": "Ada Byron", "code": "ADAB01"},
        "consumer_secret": "cs_00000000000000000000",
        "total": "12.60",
    },
    "answered": 'no tax for "ada@example.com", call +44 20 7946 1111; Bearer abc.def refused',
}


def test_codes_and_amounts_are_shown() -> None:
    found = masked(SENT)

    assert found["ref"] == "uk:order:30"
    assert found["sent"]["lines"] == [{"sku": "MUG-1", "quantity": "2", "price": 5.25}]
    assert found["sent"]["total"] == "12.60"
    assert found["sent"]["party"]["code"] == "ADAB01"


@pytest.mark.parametrize("word", ["Ada", "Byron", "example.com", "7946", "cs_0", "abc.def"])
def test_people_and_secrets_are_not(word: str) -> None:
    assert word not in json.dumps(masked(SENT))


def test_what_is_empty_is_shown_to_be() -> None:
    assert masked(SENT)["sent"]["billing"] == {"first_name": MASK, "country": MASK, "phone": ""}


def test_in_full_people_are_shown_and_secrets_are_not() -> None:
    found = json.dumps(masked(SENT, full=True))

    assert "Ada Byron" in found
    assert "ada@example.com" in found
    assert "cs_0" not in found
    assert "abc.def" not in found


def test_a_body_that_was_kept_as_text_is_masked_as_what_it_is() -> None:
    body = json.dumps({"document": {"billing": {"last_name": "Byron"}}, "event": "order_created"})
    found = json.dumps(masked({"message": body}))

    assert "Byron" not in found
    assert "order_created" in found


def test_a_text_that_stands_alone_in_a_list_might_be_a_name() -> None:
    assert masked(["Ada Byron", "MUG-1", 7]) == [MASK, "MUG-1", 7]


def test_a_text_that_only_looks_like_a_body_is_masked_as_text() -> None:
    assert masked("{oops ada@example.com") == f"{{oops {MASK}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_whatever_comes_is_masked_without_a_failure(value: Any) -> None:
    json.dumps(masked(value))


@given(
    st.dictionaries(
        st.sampled_from(["email", "last_name", "api_key", "city"]), st.text("xyz", min_size=9)
    )
)
def test_no_value_under_a_persons_key_is_shown(value: dict[str, str]) -> None:
    found = json.dumps(masked({"deep": [value]}))

    assert not any(text in found for text in value.values())
