"""Every back office has an office, and the wire to it loses what it is told to lose."""

import httpx
import pytest

from accord import erp
from accord.errors import UnsupportedError
from accord.local.offices.opening import NAMES, opened
from accord.local.offices.wire import Wire
from tests.journeys.conftest import BACK_OFFICES
from tests.sync.conftest import START


class Till:
    """Each request rings once."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.rung.append(request.url.path)
        return httpx.Response(200, json={"rung": len(self.rung)})


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def wire(till: Till) -> Wire:
    return Wire(httpx.MockTransport(till), lambda request: request.url.path)


@pytest.fixture
def client(wire: Wire) -> httpx.Client:
    return httpx.Client(transport=wire, base_url="https://till.example")


def test_every_back_office_has_one_and_goes_all_journeys() -> None:
    gone = {name for each in BACK_OFFICES for name in each.values}

    assert gone == set(NAMES) == set(erp.NAMES)


def test_who_has_none_is_named() -> None:
    with pytest.raises(UnsupportedError, match="no office of 'acme'"), opened("acme", START):
        pass


def test_what_is_sent_is_counted_by_name(wire: Wire, client: httpx.Client) -> None:
    for path in ("/ring", "/ring", "/open"):
        client.post(path)

    assert wire.calls == {"/ring": 2, "/open": 1}
    assert wire.is_spent


@pytest.mark.parametrize("done", [False, True])
def test_one_answer_is_lost_before_or_after_the_effect(
    wire: Wire, client: httpx.Client, till: Till, *, done: bool
) -> None:
    wire.lose("/ring", done=done)
    assert not wire.is_spent

    with pytest.raises(httpx.ReadTimeout):
        client.post("/ring")

    assert till.rung == (["/ring"] if done else [])
    assert client.post("/ring").status_code == 200
    assert wire.is_spent


def test_what_is_kept_arrives_when_it_is_let(wire: Wire, client: httpx.Client, till: Till) -> None:
    wire.keep("/ring")
    with pytest.raises(httpx.ReadTimeout):
        client.post("/ring")
    client.post("/ring")

    (answer,) = wire.arrive()

    assert (answer.json(), till.rung) == ({"rung": 2}, ["/ring", "/ring"])
    assert wire.arrive() == []


def test_who_is_away_does_nothing_meanwhile(wire: Wire, client: httpx.Client, till: Till) -> None:
    wire.be_away(2)

    assert [client.post("/ring").status_code for _ in range(3)] == [503, 503, 200]
    assert till.rung == ["/ring"]


def test_mended_it_knows_of_nothing(wire: Wire, client: httpx.Client) -> None:
    wire.lose("/ring", done=True)
    wire.be_away(1)
    wire.mend()

    assert client.post("/ring").status_code == 200
    assert wire.calls == {"/ring": 1}
