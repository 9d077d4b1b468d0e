"""What Xero says that it bears, and what looking for changes takes of that."""

import datetime as dt

from accord.erp.xero.adapter import Xero
from accord.local.xero import FakeXero
from tests.erp.looks import of_a_look
from tests.erp.xero.conftest import Clock


def test_a_look_takes_the_calls_that_the_adapter_says(
    erp: Xero, xero: FakeXero, clock: Clock
) -> None:
    since = clock.now - dt.timedelta(minutes=10)

    assert of_a_look(erp, since=since, location="MAIN") == erp.capabilities.usual.looks


def test_its_limits_are_those_that_xero_holds_us_to(erp: Xero, xero: FakeXero) -> None:
    limits, held = erp.capabilities.usual.limits, xero.limits

    assert (limits.per_minute, limits.per_day) == (held.per_minute, held.per_day)
    assert limits.at_once == held.at_once - 1
