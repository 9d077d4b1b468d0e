"""A real Tryton on one machine: made once, kept, copied, served in a process of its own.

Only ``fill`` and ``serve`` import Tryton, each when run as a program; everything else speaks to it
over HTTP. Tryton is licensed under the GPL, version 3 or later.
"""

from accord.local.tryton.catalogue import Catalogue, counts, sales, seed
from accord.local.tryton.prepare import NotPreparedError, prepare
from accord.local.tryton.server import CACHE, NotStartedError, TrytonServer

__all__ = [
    "CACHE",
    "Catalogue",
    "NotPreparedError",
    "NotStartedError",
    "TrytonServer",
    "counts",
    "prepare",
    "sales",
    "seed",
]
