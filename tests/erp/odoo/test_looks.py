"""What looking for changes in Odoo takes."""

import datetime as dt

import pytest

from tests.erp.looks import of_a_look
from tests.erp.odoo.conftest import Clock, connected, furnished


@pytest.mark.parametrize("version", [16, 17, 18, 19])
def test_a_look_takes_the_calls_that_the_adapter_says(clock: Clock, version: int) -> None:
    erp = connected(furnished(clock, version))
    since = clock.now - dt.timedelta(minutes=10)

    assert of_a_look(erp, since=since, location="MAIN") == erp.capabilities.usual.looks
