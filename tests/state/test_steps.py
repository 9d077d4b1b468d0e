"""Steps: every outgoing write is remembered before and after."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from accord.ports.state import Steps
from accord.state.memory import MemorySteps
from accord.state.steps import DynamoSteps

KEY = "uk-30:create:1"


@pytest.fixture
def steps(either) -> Steps:
    return either(MemorySteps, DynamoSteps)


def test_a_new_intent_is_fresh(steps: Steps, later) -> None:
    step = steps.begin(KEY, now=later(), intent={"total": "12.50"})

    assert (step.fresh, step.at, step.intent, step.result) == (
        True,
        later(),
        {"total": "12.50"},
        None,
    )


def test_an_intent_that_was_there_is_returned_as_it_was(steps: Steps, later) -> None:
    steps.begin(KEY, now=later(), intent={"total": "12.50"})

    step = steps.begin(KEY, now=later(seconds=9), intent={"total": "99"})

    assert (step.fresh, step.at, step.intent) == (False, later(), {"total": "12.50"})


def test_the_same_intent_at_the_same_moment_is_not_fresh_twice(steps: Steps, later) -> None:
    steps.begin(KEY, now=later(), intent={})

    assert not steps.begin(KEY, now=later(), intent={}).fresh


def test_of_many_at_once_one_is_fresh(steps: Steps, later) -> None:
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: steps.begin(KEY, now=later(), intent={}), range(16)))

    assert sum(step.fresh for step in begun) == 1


def test_a_result_is_what_the_next_one_finds(steps: Steps, later) -> None:
    steps.begin(KEY, now=later(), intent={})
    steps.finish(KEY, {"id": "12", "addresses": [["f", "1"]], "draft": False})

    assert steps.begin(KEY, now=later(), intent={}).result == {
        "id": "12",
        "addresses": [["f", "1"]],
        "draft": False,
    }


def test_the_first_result_stays(steps: Steps, later) -> None:
    steps.begin(KEY, now=later(), intent={})
    steps.finish(KEY, {"id": "12"})
    steps.finish(KEY, {"id": "13"})

    assert steps.begin(KEY, now=later(), intent={}).result == {"id": "12"}


def test_an_empty_result_is_a_result(steps: Steps, later) -> None:
    steps.begin(KEY, now=later(), intent={})
    steps.finish(KEY, {})

    assert steps.begin(KEY, now=later(), intent={}).result == {}


def test_a_result_without_an_intent_is_kept(steps: Steps, later) -> None:
    steps.finish(KEY, {"id": "12"})

    step = steps.begin(KEY, now=later(), intent={})

    assert (step.fresh, step.at, step.result) == (False, later(), {"id": "12"})


def test_a_search_in_vain_is_remembered(steps: Steps, later) -> None:
    steps.begin(KEY, now=later(), intent={})
    steps.looked(KEY, now=later(seconds=60))

    assert steps.begin(KEY, now=later(), intent={}).looked_at == later(seconds=60)


def test_a_search_for_nothing_leaves_no_trace(steps: Steps, later) -> None:
    steps.looked(KEY, now=later())

    assert steps.begin(KEY, now=later(), intent={}).fresh


def test_a_withdrawn_intent_is_gone(steps: Steps, later) -> None:
    steps.begin(KEY, now=later(), intent={})
    steps.withdraw(KEY)

    assert steps.begin(KEY, now=later(), intent={}).fresh


def test_a_finished_step_is_not_withdrawn(steps: Steps, later) -> None:
    steps.begin(KEY, now=later(), intent={})
    steps.finish(KEY, {"id": "12"})
    steps.withdraw(KEY)

    assert steps.begin(KEY, now=later(), intent={}).result == {"id": "12"}


def test_withdrawing_what_is_not_there_changes_nothing(steps: Steps, later) -> None:
    steps.withdraw(KEY)

    assert steps.begin(KEY, now=later(), intent={}).fresh
