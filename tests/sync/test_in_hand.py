"""A record that a person writes is nobody else's meanwhile, and is given back in the end."""

import datetime as dt

import pytest

from accord.errors import BusyError, UnavailableError
from accord.model.change import Ref
from accord.ports.state import Seen
from accord.state.memory import MemoryLinks
from accord.sync.in_hand import in_hand

NOW = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
MARIA = Ref("uk", "customer", "7")


@pytest.fixture
def links() -> MemoryLinks:
    return MemoryLinks()


@pytest.mark.parametrize("later", [0, 1])
def test_a_record_in_hand_is_nobody_elses(links: MemoryLinks, later: int) -> None:
    """Not the same person's either, who asks once more a second later."""
    by = "ann" if later else "ben"
    with (
        in_hand(links, MARIA, by="ann", now=NOW),
        pytest.raises(BusyError, match="uk:customer:7 is in work this moment; try again"),
        in_hand(links, MARIA, by=by, now=NOW + dt.timedelta(seconds=later)),
    ):
        pytest.fail("it was in hand")


def test_it_is_given_back_whatever_happens(links: MemoryLinks) -> None:
    with pytest.raises(UnavailableError), in_hand(links, MARIA, by="ann", now=NOW, key="uk-p"):
        raise UnavailableError("the store does not answer", sent=False, connection="uk")

    with in_hand(links, MARIA, by="ben", now=NOW) as link:
        assert link.key == "uk-p"


def test_who_died_with_it_holds_it_for_a_minute(links: MemoryLinks) -> None:
    until = NOW + dt.timedelta(seconds=60)
    links.acquire(MARIA, key="", owner="ann", now=NOW, until=until, seen=Seen(None))

    with in_hand(links, MARIA, by="ben", now=until) as link:
        assert link.ref == MARIA
