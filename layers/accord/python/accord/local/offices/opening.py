"""The offices by the name of their back office."""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from accord.errors import UnsupportedError
from accord.local.offices.office import Office

Make = Callable[[Sequence[str]], Office]
"""SKUs that the books know → a new world, whose store has no order yet."""

NAMES = ("memory", "odoo", "tryton", "xero")


@contextlib.contextmanager
def opened(name: str, start: dt.datetime, *, release: int = 0) -> Iterator[Make]:
    """What makes offices of that back office; one of its ``release``, where there are several.

    A real Tryton runs as long as the block does, and begins at this moment in place of ``start``.
    Raises: NotStartedError, NotPreparedError: it does not run here. UnsupportedError: no such name.
    """
    match name:
        case "memory":
            from accord.local.offices.memory import MemoryOffice

            yield partial(MemoryOffice, start=start)
        case "odoo":
            from accord.local.offices.odoo import OdooOffice

            yield partial(OdooOffice, start=start, release=release or 17)
        case "tryton":
            from accord.local.offices.tryton import Books, TrytonOffice

            with Books.open() as books:
                yield partial(TrytonOffice, books=books)
        case "xero":
            from accord.local.offices.xero import XeroOffice

            yield partial(XeroOffice, start=start)
        case _:
            raise UnsupportedError(f"no office of {name!r}; there are: {', '.join(NAMES)}")
