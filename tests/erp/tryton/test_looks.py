"""What looking for changes in Tryton takes."""

import datetime as dt

from accord.erp.tryton.adapter import Tryton
from tests.erp.looks import of_a_look


def test_a_look_takes_the_calls_that_the_adapter_says(erp: Tryton) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)  # what other tests made is much

    assert of_a_look(erp, since=soon, location="MAIN") == erp.capabilities.usual.looks
