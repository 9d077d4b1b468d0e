"""[alarms] and [audit]: what is refused, and when a shop is busy."""

import datetime as dt

import pytest
from pydantic import ValidationError

from accord.rules.watch import Alarms, Audit


def test_without_a_word_everybody_is_told_the_usual() -> None:
    alarms = Alarms()

    assert (alarms.ops, alarms.runbooks, alarms.busy_hours) == (None, "docs/runbooks", None)
    assert not alarms.is_busy(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("time", "busy"), [("07:59", False), ("08:00", True), ("21:59", True), ("22:00", False)]
)
def test_a_shop_is_busy_in_its_hours(time: str, busy: bool) -> None:
    local = dt.datetime.combine(dt.date(2026, 11, 22), dt.time.fromisoformat(time))

    assert Alarms(busy_hours="08:00-22:00").is_busy(local) is busy


@pytest.mark.parametrize("hours", ["8-22", "22:00-08:00", "08:00-08:00", "08:00-24:00", "morning"])
def test_hours_that_are_none_are_refused(hours: str) -> None:
    with pytest.raises(ValidationError, match="no hours of a day"):
        Alarms(busy_hours=hours)


def test_a_silence_longer_than_the_busy_hours_is_refused() -> None:
    with pytest.raises(ValidationError, match="are over before 6 quiet hours"):
        Alarms(busy_hours="08:00-12:00", quiet_hours=6)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="is no mail address"):
        Alarms(ops="nobody")


def test_an_owner_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="xyzzy"):
        Alarms.model_validate({"xyzzy": "a@b.example"})


def test_the_proof_is_kept_as_long_as_the_journal() -> None:
    assert Audit().keep_days == 400
