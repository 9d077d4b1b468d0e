"""Hours of maintenance, by the clock on the wall, on ordinary nights and on those two."""

import datetime as dt

import pytest

from accord.rules.limits import Day, Maintenance
from accord.rules.windows import always, over_at

LONDON = "Europe/London"


def window(start: str, end: str, *days: Day, zone: str | None = None) -> Maintenance:
    fields: dict[str, object] = {"from": start, "to": end, "time_zone": zone}
    return Maintenance.model_validate(fields | ({"days": days} if days else {}))


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def over(text: str, *windows: Maintenance, zone: str = LONDON) -> str | None:
    found = over_at(windows, at(text), zone=zone)
    return f"{found:%dT%H:%M}" if found else None


def test_it_begins_and_ends_to_the_minute() -> None:
    night = window("02:00", "04:00", "sun")

    assert over("2026-11-22T01:59", night) is None
    assert over("2026-11-22T02:00", night) == "22T04:00"
    assert over("2026-11-22T03:59", night) == "22T04:00"
    assert over("2026-11-22T04:00", night) is None


def test_other_days_are_not_meant() -> None:
    assert over("2026-11-23T03:00", window("02:00", "04:00", "sun")) is None


def test_over_midnight_it_belongs_to_the_day_on_which_it_begins() -> None:
    night = window("23:00", "02:00", "sat")

    assert over("2026-11-21T23:30", night) == "22T02:00"
    assert over("2026-11-22T01:30", night) == "22T02:00"
    assert over("2026-11-22T23:30", night) is None
    assert over("2026-11-21T01:30", night) is None  # saturday's own small hours are friday's night


def test_it_is_meant_in_summer_time_in_summer() -> None:
    night = window("02:00", "04:00")

    assert over("2026-07-05T01:30", night) == "05T03:00"
    assert over("2026-07-05T03:30", night) is None


def test_a_window_may_have_a_clock_of_its_own() -> None:
    night = window("02:00", "04:00", zone="America/New_York")

    assert over("2026-11-22T07:30", night) == "22T09:00"
    assert over("2026-11-22T02:30", night) is None


def test_an_hour_that_comes_twice_is_maintenance_both_times() -> None:
    # 25 October 2026, London: 01:00 to 02:00 comes twice, at 00:00Z and at 01:00Z.
    night = window("01:15", "01:45")

    assert [over(f"2026-10-25T{time}", night) for time in ("00:14", "00:15", "00:50", "01:30")] == [
        None,
        "25T01:45",
        "25T01:45",
        "25T01:45",
    ]
    assert over("2026-10-25T01:45", night) is None


def test_maintenance_across_the_hour_that_comes_twice_has_no_gap() -> None:
    night = window("00:30", "03:00")  # BST, so from 23:30Z, to 03:00 GMT
    minutes = [at("2026-10-24T23:30") + dt.timedelta(minutes=n) for n in range(210)]

    assert all(over_at([night], each, zone=LONDON) == at("2026-10-25T03:00") for each in minutes)
    assert over("2026-10-25T03:00", night) is None


def test_an_hour_that_is_left_out_shortens_no_maintenance() -> None:
    # 29 March 2026, London: after 00:59 GMT comes 02:00 BST, at 01:00Z.
    assert over("2026-03-29T01:15", window("01:30", "02:30")) == "29T01:30"
    assert over("2026-03-29T01:30", window("01:30", "02:30")) is None
    # What would lie in the missing hour altogether is kept somewhere, as long as it was to be.
    lost = window("01:15", "01:45")
    minutes = [at("2026-03-29T00:00") + dt.timedelta(minutes=n) for n in range(180)]
    assert sum(over_at([lost], each, zone=LONDON) is not None for each in minutes) >= 30


def test_of_two_windows_the_later_end_counts() -> None:
    both = window("01:00", "03:00"), window("02:00", "05:00")

    assert over("2026-11-22T02:30", *both) == "22T05:00"


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ((window("00:00", "12:00"), window("12:00", "00:00")), True),
        ((window("00:00", "23:59"),), False),
        ((window("22:00", "21:59"), window("21:30", "22:30", "mon")), False),
        ((window("06:00", "05:00"), window("04:30", "06:30")), True),
        ((), False),
    ],
)
def test_a_week_without_a_minute_left_is_seen(
    windows: tuple[Maintenance, ...], expected: bool
) -> None:
    assert always(windows) is expected
