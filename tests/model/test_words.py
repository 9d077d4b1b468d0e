"""Numbers and words are said as a person would."""

import pytest

from accord.model.words import number_of, one


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 stories"), (1, "1 story"), (2, "2 stories"), (1000, "1,000 stories")],
)
def test_a_number_is_said_with_the_right_word(count: int, said: str) -> None:
    assert number_of(count, "story", "stories") == said


def test_an_s_is_what_makes_many_most_often() -> None:
    assert (number_of(1, "fault"), number_of(3, "fault")) == ("1 fault", "3 faults")


@pytest.mark.parametrize(
    ("word", "said"), [("order", "an order"), ("item", "an item"), ("refund", "a refund")]
)
def test_a_word_has_its_article(word: str, said: str) -> None:
    assert one(word) == said
