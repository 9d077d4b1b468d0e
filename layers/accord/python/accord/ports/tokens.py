"""Access to back offices that let us in by OAuth."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Access:
    """What one call is signed with. ``tenant`` is the organisation that was consented for, in the
    back office's own words."""

    token: str
    tenant: str = ""

    def __repr__(self) -> str:
        return f"Access(tenant={self.tenant!r})"


class AccessTokens(Protocol):
    """The tokens of one connection, whoever renews them."""

    def access(self) -> Access:
        """What to sign the next call with.

        Raises: UnauthorizedError: nobody has consented yet, or the consent has lapsed.
            UnavailableError: it must be renewed, and who renews it does not answer.
        """
        ...

    def renewed(self, refused: Access) -> Access:
        """Another than ``refused``, which the back office called expired. Raises: as ``access``."""
        ...
