"""What every client promises of a call that fails, whatever stands between us and the other side.

An adapter's test class inherits it, and gives a transport that reaches its stand-in or its server.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from accord.errors import (
    AccordError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedError,
)
from accord.model.documents import Kind
from accord.ports.erp import ErpAdapter
from tests.erp.promises import Make, Promises

Reply = Callable[[httpx.Request], httpx.Response]
PAGE = "<!doctype html><title>Sorry</title>"


def answer(status: int, text: str = PAGE, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(status, text=text, headers=named, request=request)


def silence(failure: type[httpx.RequestError]) -> Reply:
    def fail(request: httpx.Request) -> httpx.Response:
        raise failure("nobody answers", request=request)

    return fail


LOST = {
    "500": answer(500),
    "502": answer(502),
    "503": answer(503),
    "504": answer(504),
    "a page": answer(200),
    "cut short": answer(200, '{"result": [{"id": 1, "na'),
    "timed out": silence(httpx.ReadTimeout),
    "broken off": silence(httpx.RemoteProtocolError),
}
"""Nobody knows whether it took effect."""
UNSENT = {"refused": silence(httpx.ConnectError), "no way there": silence(httpx.ConnectTimeout)}
"""It surely did not."""
SHUT = {"401": answer(401), "403": answer(403)}


def each(replies: dict[str, Reply]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("reply", list(replies.values()), ids=list(replies))


@dataclass(slots=True)
class Between(httpx.BaseTransport):
    """What answers in place of the other side: ``instead``, where ``when`` holds of the request."""

    inner: httpx.BaseTransport
    instead: Reply | None = None
    when: Callable[[httpx.Request], bool] = field(default=lambda _: True)
    met: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        if self.instead is not None and self.when(request):
            self.met += 1
            return self.instead(request)
        return self.inner.handle_request(request)


class ClientContract(Promises):
    """Each kind of failure, met by a read and by a write."""

    def inner(self) -> httpx.BaseTransport:
        """What reaches the stand-in or the server."""
        raise self._unsaid("reached")

    def over(self, transport: httpx.BaseTransport) -> ErpAdapter:
        """The adapter, connected anew over ``transport``."""
        raise self._unsaid("connected")

    def writes(self, request: httpx.Request) -> bool:
        """Whether the request is the one that makes an order."""
        raise self._unsaid("written")

    @pytest.fixture
    def between(self) -> Between:
        return Between(self.inner())

    @pytest.fixture
    def erp(self, between: Between) -> ErpAdapter:
        return self.over(between)

    @pytest.fixture(params=["cold", "warm"])
    def read(
        self, request: pytest.FixtureRequest, between: Between, key: str
    ) -> Callable[[Reply], AccordError]:
        """The error of a search that is answered so, by one who was just connected or not. Once
        the other side answers again, it finds what there is."""
        erp = self.over(between)
        if request.param == "warm":
            erp.find(Kind.SALES_ORDER, key)

        def failed(reply: Reply) -> AccordError:
            between.instead = reply
            with pytest.raises(AccordError) as caught:
                erp.find(Kind.SALES_ORDER, key)
            between.instead = None
            assert erp.find(Kind.SALES_ORDER, key) == ()
            return caught.value

        return failed

    @pytest.fixture
    def write(
        self, erp: ErpAdapter, between: Between, order: Make, key: str
    ) -> Callable[[Reply], AccordError]:
        """The error of a create whose write is answered so. It can be made afterwards."""
        document = order()

        def failed(reply: Reply) -> AccordError:
            between.instead, between.when = reply, self.writes
            with pytest.raises(AccordError) as caught:
                erp.create(document, key=key)
            between.instead = None
            assert erp.create(document, key=key).key == key
            return caught.value

        return failed

    # --- not let in ----------------------------------------------------------------------

    @each(SHUT)
    def test_who_is_not_let_in_to_read_must_connect_again(
        self, read: Callable[[Reply], AccordError], reply: Reply
    ) -> None:
        error = read(reply)

        assert isinstance(error, UnauthorizedError)
        assert error.connection == "main"

    @each(SHUT)
    def test_who_is_not_let_in_to_write_must_connect_again(
        self, write: Callable[[Reply], AccordError], reply: Reply
    ) -> None:
        error = write(reply)

        assert isinstance(error, UnauthorizedError)
        assert error.connection == "main"

    # --- not now -------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("reply", "seconds"),
        [(answer(429, Retry_After="7"), 7), (answer(429), None)],
        ids=["with Retry-After", "without"],
    )
    def test_too_many_calls_say_when_to_come_back_if_they_say_it(
        self,
        read: Callable[[Reply], AccordError],
        write: Callable[[Reply], AccordError],
        reply: Reply,
        seconds: float | None,
    ) -> None:
        for error in (read(reply), write(reply)):
            assert isinstance(error, RateLimitedError)
            assert (error.retry_after, error.connection) == (seconds, "main")

    def test_how_long_it_is_away_is_heard(self, read: Callable[[Reply], AccordError]) -> None:
        error = read(answer(503, Retry_After="120"))

        assert isinstance(error, UnavailableError)
        assert error.retry_after == 120

    # --- no usable answer ----------------------------------------------------------------

    @each(LOST)
    def test_a_search_without_a_usable_answer_does_not_say_none(
        self, read: Callable[[Reply], AccordError], reply: Reply
    ) -> None:
        error = read(reply)

        assert isinstance(error, UnavailableError)
        assert error.connection == "main"

    @each(LOST)
    def test_what_is_only_looked_up_for_a_write_made_nothing(
        self, between: Between, order: Make, key: str, reply: Reply
    ) -> None:
        document = order()
        between.instead, between.when = reply, lambda request: not self.writes(request)
        error: AccordError | None = None
        try:
            self.over(between).create(document, key=key)
        except AccordError as raised:
            error = raised

        if not between.met:
            pytest.skip("it looks nothing up")
        assert isinstance(error, UnavailableError)
        assert (error.sent, error.connection) == (False, "main")

    @each(LOST)
    def test_a_write_without_a_usable_answer_may_have_taken_effect(
        self, write: Callable[[Reply], AccordError], reply: Reply
    ) -> None:
        error = write(reply)

        assert isinstance(error, UnavailableError)
        assert (error.sent, error.connection) == (True, "main")

    @each(UNSENT)
    def test_what_reached_nobody_was_not_sent(
        self,
        read: Callable[[Reply], AccordError],
        write: Callable[[Reply], AccordError],
        reply: Reply,
    ) -> None:
        for error in (read(reply), write(reply)):
            assert isinstance(error, UnavailableError)
            assert error.sent is False

    # --- somebody else's address -----------------------------------------------------------

    def test_an_address_where_nothing_is_does_not_say_that_there_is_none(
        self, read: Callable[[Reply], AccordError], write: Callable[[Reply], AccordError]
    ) -> None:
        """A wrong url is mended by a person: to try again would not help."""
        for error in (read(answer(404)), write(answer(404))):
            assert isinstance(error, UnauthorizedError | RejectedError | UnsupportedError)

    def test_a_redirect_is_not_followed(self, read: Callable[[Reply], AccordError]) -> None:
        error = read(answer(302, Location="https://elsewhere.example/"))

        assert isinstance(error, RejectedError | UnauthorizedError)

    # --- what is told ------------------------------------------------------------------------

    @pytest.mark.parametrize("status", [400, 401, 403, 500])
    def test_nothing_secret_is_told_though_the_answer_repeats_it(
        self, read: Callable[[Reply], AccordError], status: int
    ) -> None:
        def echo(request: httpx.Request) -> httpx.Response:
            said = f"{request.url} {dict(request.headers)} {request.content!r}"
            return httpx.Response(status, text=said, request=request)

        error = read(echo)

        told = f"{error} {getattr(error, 'body', '')}"
        secret = self.connection("").secret
        assert [name for name in secret if name != "login" and secret[name] in told] == []
