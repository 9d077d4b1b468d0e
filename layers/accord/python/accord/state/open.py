"""What opens a breaker and what an open one says, whichever implementation it is of."""

from collections.abc import Mapping

from accord.errors import (
    AccordError,
    NotNowError,
    OutageError,
    UnauthorizedError,
    UnavailableError,
)
from accord.ports.limits import Trouble

COUNTS: Mapping[Trouble, type[AccordError]] = {
    "outage": UnavailableError,
    "unauthorized": UnauthorizedError,
}
"""What is a failure."""

_SAYS_NOTHING: Mapping[Trouble, tuple[type[AccordError], ...]] = {
    "outage": (UnavailableError,),
    "unauthorized": (UnauthorizedError, UnavailableError, OutageError),
}
"""What leaves the question open."""


def is_answer(error: AccordError, trouble: Trouble) -> bool:
    """Whether ``error`` is as good as success: there is no such ``trouble``."""
    if isinstance(error, UnauthorizedError) and error.is_narrow:
        return True
    return not isinstance(error, _SAYS_NOTHING[trouble])


def refused(connection: str, trouble: Trouble) -> NotNowError:
    """The error in place of a call."""
    if trouble == "unauthorized":
        return UnauthorizedError(
            f"{connection} has turned our credentials down, so it is asked now "
            f"and then only; give it the right ones: `accord connect {connection}`",
            connection=connection,
        )
    return OutageError(
        f"{connection} has not answered for several calls, so it is asked now and then only "
        "until it does; what waits for it then goes on by itself",
        connection=connection,
    )
