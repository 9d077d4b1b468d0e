"""One worker at a time, by a value in ``control`` that runs out by itself."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from accord.errors import AccordError, StaleVersionError
from accord.ports.state import Control


@contextmanager
def lease(
    control: Control,
    name: str,
    *,
    owner: str,
    until: dt.datetime,
    clock: Callable[[], dt.datetime],
    once: bool = False,
) -> Iterator[bool]:
    """Whether ``name`` is ours until ``until``; False while another owner's lease holds.

    An owner may take again what it holds, as a worker does that is given its message once more;
    with ``once`` it may not.
    """
    held = control.get(name)
    if held is not None:
        theirs = json.loads(held[0])
        runs = dt.datetime.fromisoformat(theirs["until"]) > clock()
        if theirs["owner"] not in ("", None if once else owner) and runs:
            yield False
            return
    value = json.dumps({"owner": owner, "until": until.isoformat()})
    try:
        version = control.put(name, value, version=held[1] if held else None)
    except StaleVersionError:
        yield False
        return
    try:
        yield True
    finally:
        free = json.dumps({"owner": "", "until": clock().isoformat()})
        with suppress(AccordError):  # another's by now, or out of reach: it runs out by itself
            control.put(name, free, version=version)
