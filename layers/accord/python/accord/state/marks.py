"""What a dirty mark means, for every implementation of ``Links``. Pure."""

from collections.abc import Sequence

from accord.model.change import Ref
from accord.ports.state import Seen


def is_covered(dirty: Seen | None, handled: Sequence[Seen]) -> bool:
    """Nothing is left to do: no mark, or exactly one of the states that were handled.

    Without a digest a mark says only that something changed, and equals nothing. An older state is
    not covered by a newer one: a restored record shows an older time than the one it replaced.
    """
    return dirty is None or (bool(dirty.digest) and dirty in handled)


def merged(dirty: Seen | None, seen: Seen) -> Seen:
    """The mark that stands for both. Of two different states: the newest time and no digest.

    So handling either of them alone never covers it, and the holder goes round.
    """
    if dirty is None or dirty == seen:
        return seen
    times = [state.modified_at for state in (dirty, seen) if state.modified_at]
    return Seen(max(times, default=None))


def has_pointer(ref: Ref) -> bool:
    """Whether ``find`` leads back to it. A claim of a natural key (``party_key``) is no record."""
    return not ref.kind.endswith("_key")
