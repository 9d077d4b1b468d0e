"""What a person is asked of an order beside its own trouble."""

import inspect
import re

from accord.sync import troubles


def test_every_reason_that_is_asked_for_can_be_found_to_be_over() -> None:
    asked = set(re.findall(r'reason="(\w+)"', inspect.getsource(troubles)))

    assert asked == troubles.REASONS
