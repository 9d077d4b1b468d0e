"""The one way to send a request."""

import datetime as dt
import itertools
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from accord import http
from accord.errors import (
    AccordError,
    BadInputError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.http import http_client, json_of, send

Answer = Callable[[httpx.Request], httpx.Response]


def client_of(answer: Answer, **kwargs) -> httpx.Client:
    return http_client(
        "https://erp.example/api/", timeout=5, transport=httpx.MockTransport(answer), **kwargs
    )


def answering(status: int, **kwargs) -> httpx.Client:
    return client_of(lambda request: httpx.Response(status, **kwargs))


def failing(error: Exception) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return client_of(answer)


def test_a_good_answer_is_returned_with_what_was_asked() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"id": 1})

    response = send(
        client_of(answer),
        "POST",
        "invoice",
        connection="main",
        json={"n": 1},
        params={"page": 2},
        headers={"X-Test": "1"},
    )

    assert response.json() == {"id": 1}
    assert str(seen[0].url) == "https://erp.example/api/invoice?page=2"
    assert seen[0].read() == b'{"n":1}'
    assert seen[0].headers["X-Test"] == "1"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, RejectedError),
        (304, RejectedError),
        (308, RejectedError),
        (400, RejectedError),
        (401, UnauthorizedError),
        (403, UnauthorizedError),
        (404, RejectedError),
        (408, UnavailableError),
        (409, RejectedError),
        (422, RejectedError),
        (429, RateLimitedError),
        (500, UnavailableError),
        (501, UnavailableError),
        (503, UnavailableError),
        (520, UnavailableError),
    ],
)
def test_a_status_becomes_our_error(status: int, error: type[AccordError]) -> None:
    with pytest.raises(error) as raised:
        send(answering(status), "GET", "x", connection="main")

    assert type(raised.value) is error


def test_a_status_that_the_caller_expects_is_returned() -> None:
    response = send(answering(404), "GET", "x", connection="main", also={404})

    assert response.status_code == 404


def test_a_redirect_is_not_followed() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(302, headers={"Location": "https://erp.example/api/other"})

    with pytest.raises(RejectedError, match="redirects are not followed"):
        send(client_of(answer), "GET", "x", connection="main")
    assert len(seen) == 1


def test_an_unauthorized_answer_names_the_connection() -> None:
    with pytest.raises(UnauthorizedError) as raised:
        send(answering(401), "GET", "x", connection="main")

    assert raised.value.connection == "main"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": " 3 "}, 3.0),
        (
            {
                "Date": "Sun, 22 Nov 2026 15:00:00 GMT",
                "Retry-After": "Sun, 22 Nov 2026 15:01:30 GMT",
            },
            90.0,
        ),
        (
            {
                "Date": "Sun, 22 Nov 2026 15:00:00 GMT",
                "Retry-After": "Sun, 22 Nov 2026 14:00:00 GMT",
            },
            0.0,
        ),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "Sun, 99 Nov 2026 15:01:30 GMT"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_they_ask_for_is_kept(
    status: int, headers: dict[str, str], seconds: float | None
) -> None:
    with pytest.raises((RateLimitedError, UnavailableError)) as raised:
        send(answering(status, headers=headers), "GET", "x", connection="main")

    assert raised.value.retry_after == seconds


def test_a_date_to_wait_for_without_their_clock_is_held_against_ours() -> None:
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=500)
    response = httpx.Response(503, headers={"Retry-After": f"{until:%a, %d %b %Y %H:%M:%S} GMT"})

    assert http.retry_after(response) == pytest.approx(500, abs=30)


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError("no"), False),
        (httpx.ConnectTimeout("no"), False),
        (httpx.PoolTimeout("no"), False),
        (httpx.ReadTimeout("no"), True),
        (httpx.WriteTimeout("no"), True),
        (httpx.ReadError("no"), True),
        (httpx.WriteError("no"), True),
        (httpx.RemoteProtocolError("no"), True),
        (httpx.DecodingError("no"), True),
    ],
)
def test_no_answer_says_whether_the_request_may_have_arrived(
    error: httpx.RequestError, sent: bool
) -> None:
    with pytest.raises(UnavailableError) as raised:
        send(failing(error), "POST", "x", connection="main")

    assert raised.value.sent is sent
    assert raised.value.connection == "main"


def test_an_answer_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0, 1)  # each look at the clock is a second later
    monkeypatch.setattr(http.time, "monotonic", lambda: float(next(clock)))

    def trickle() -> Iterator[bytes]:
        while True:
            yield b" "

    with pytest.raises(UnavailableError, match="in time"):
        send(answering(200, content=trickle()), "GET", "x", connection="main")


def test_an_answer_without_bounds_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER", 100)

    with pytest.raises(UnavailableError):
        send(answering(200, content=iter([b"x" * 60] * 3)), "GET", "x", connection="main")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api/x",
        "http://erp.example/api/x",
        "https://erp.example:8443/api/x",
        "https://erp.example@evil.example/",
    ],
)
def test_another_host_is_not_spoken_to(url: str) -> None:
    with pytest.raises(BadInputError):
        send(failing(AssertionError("it was sent")), "GET", url, connection="main")


def test_an_absolute_url_of_its_own_host_is_fine() -> None:
    url = "https://erp.example/api/x?page=2"

    assert send(answering(200), "GET", url, connection="main").request.url == url


def test_what_is_no_address_is_bad_input() -> None:
    with pytest.raises(BadInputError):
        send(answering(200), "GET", "x\x00y", connection="main")


def test_a_message_names_connection_method_and_path_and_no_query() -> None:
    with pytest.raises(UnavailableError) as raised:
        send(answering(503), "GET", "x", connection="main", params={"email": "ada@example.com"})

    assert str(raised.value) == "main answered 503 to GET /api/x"


def test_a_refusal_keeps_what_they_said() -> None:
    with pytest.raises(RejectedError) as raised:
        send(answering(400, text='{"code":"bad"}'), "POST", "x", connection="main")

    assert raised.value.body == '{"code":"bad"}'


def test_a_long_refusal_is_cut_at_4_kb() -> None:
    with pytest.raises(RejectedError) as raised:
        send(answering(400, text="é" * 9000), "POST", "x", connection="main")

    assert raised.value.body == "é" * 4096


@pytest.mark.parametrize("echo", ["cs_very_secret", "ck_public:cs_very_secret", "Basic "])
def test_a_refusal_that_repeats_our_credentials_is_kept_without_them(echo: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, text=f"no: {echo} {request.headers['Authorization']}")

    client = client_of(answer, auth=httpx.BasicAuth("ck_public", "cs_very_secret"))
    with pytest.raises(RejectedError) as raised:
        send(client, "GET", "x", connection="main")

    assert "cs_very_secret" not in str(raised.value.body)
    assert "[secret]" in str(raised.value.body)
    assert "Y2tfcHVibGlj" not in str(raised.value.body)


def test_a_key_of_its_own_header_is_kept_out_too() -> None:
    client = client_of(
        lambda request: httpx.Response(400, text="bad key 0123456789"),
        headers={"X-Api-Key": "0123456789"},
    )
    with pytest.raises(RejectedError) as raised:
        send(client, "GET", "x", connection="main")

    assert raised.value.body == "bad key [secret]"


@pytest.mark.parametrize("body", [b'{"a":1}', b'\xef\xbb\xbf{"a":1}', b' {"a": 1}\n'])
def test_json_is_read_with_and_without_a_byte_order_mark(body: bytes) -> None:
    assert json_of(send(answering(200, content=body), "GET", "x", connection="c"), "c") == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Briefly unavailable for scheduled maintenance", b'{"a":', b"NaN", b'"\xff"'],
)
def test_what_is_not_json_is_no_answer(body: bytes) -> None:
    response = send(answering(200, content=body), "GET", "x", connection="main")

    with pytest.raises(UnavailableError, match="not JSON"):
        json_of(response, "main")


def test_numbers_are_read_digit_for_digit_where_it_is_asked_for() -> None:
    response = send(answering(200, content=b"[95.10, 7]"), "GET", "x", connection="c")

    assert [str(each) for each in json_of(response, "c", exact=True)] == ["95.10", "7"]
    assert json_of(response, "c") == [95.1, 7]


def test_json_above_the_limit_is_refused() -> None:
    response = send(answering(200, content=b"[1,2,3]"), "GET", "x", connection="main")

    with pytest.raises(RejectedError, match="larger than 6 bytes"):
        json_of(response, "main", limit=6)


def test_json_nested_without_end_is_refused() -> None:
    response = send(answering(200, content=b"[" * 200_000), "GET", "x", connection="main")

    with pytest.raises(RejectedError, match="nested"):
        json_of(response, "main")


def test_a_client_takes_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")

    with http_client("https://erp.example", timeout=5) as client:
        assert client.trust_env is False
        assert client._mounts == {}


def test_all_clients_of_a_process_share_one_tls_context() -> None:
    with http_client("https://a.example", timeout=5), http_client("https://b.example", timeout=5):
        assert http._tls.cache_info().misses == 1


def test_a_refused_connection_is_known_never_to_have_been_sent() -> None:
    with (
        http_client("http://127.0.0.1:1", timeout=2) as client,
        pytest.raises(UnavailableError) as raised,
    ):
        send(client, "POST", "/x", connection="main")

    assert raised.value.sent is False


class TestAddressesInside:
    """A name on the internet may lead into our own network; nothing is sent there."""

    @pytest.fixture
    def leads_to(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
        def lead(*addresses: str) -> list[str]:
            asked: list[str] = []

            def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
                asked.append(host)
                return [(2, 1, 6, "", (address, port)) for address in addresses]

            monkeypatch.setattr(socket, "getaddrinfo", look_up)
            return asked

        return lead

    @pytest.fixture
    def connected(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        hosts: list[str] = []

        def answer(_: object, request: httpx.Request) -> httpx.Response:
            hosts.append(request.url.host)
            return httpx.Response(200, json={}, stream=httpx.ByteStream(b"{}"))

        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)
        return hosts

    @pytest.mark.parametrize(
        "addresses",
        [("10.0.0.5",), ("169.254.169.254",), ("93.184.216.34", "127.0.0.1"), ("::ffff:10.0.0.5",)],
    )
    def test_a_name_that_leads_inside_is_sent_nothing(
        self, leads_to: Callable[..., list[str]], connected: list[str], addresses: tuple[str, ...]
    ) -> None:
        leads_to(*addresses)

        with (
            http_client("https://erp.example", timeout=5) as client,
            pytest.raises(BadInputError, match="allow_private = true") as raised,
        ):
            send(client, "GET", "x", connection="erp")

        assert (raised.value.reason, connected) == ("private_address", [])

    def test_it_is_sent_where_that_is_configured(
        self, leads_to: Callable[..., list[str]], connected: list[str]
    ) -> None:
        asked = leads_to("10.0.0.5")

        with http_client("https://erp.example", timeout=5, allow_private=True) as client:
            send(client, "GET", "x", connection="erp")

        assert (asked, connected) == ([], ["erp.example"])

    def test_a_public_name_is_looked_up_once_a_minute(
        self,
        leads_to: Callable[..., list[str]],
        connected: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        asked, now = leads_to("93.184.216.34"), [1000.0]
        monkeypatch.setattr(time, "monotonic", lambda: now[0])

        with http_client("https://erp.example", timeout=5) as client:
            for seconds in (0, 59, 2):
                now[0] += seconds
                send(client, "GET", "x", connection="erp")

        assert (len(asked), len(connected)) == (2, 3)

    def test_a_name_that_nobody_knew_is_looked_up_again(
        self,
        leads_to: Callable[..., list[str]],
        connected: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise socket.gaierror("not now")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        with http_client("https://erp.example", timeout=5) as client:
            send(client, "GET", "x", connection="erp")
            leads_to("10.0.0.5")
            with pytest.raises(BadInputError, match="allow_private = true"):
                send(client, "GET", "x", connection="erp")

        assert len(connected) == 1

    def test_a_name_that_nobody_knows_fails_as_it_always_did(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise socket.gaierror("no such name")

        monkeypatch.setattr(socket, "getaddrinfo", fail)

        with (
            http_client("https://erp.example", timeout=5) as client,
            pytest.raises(UnavailableError) as raised,
        ):
            send(client, "GET", "x", connection="erp")

        assert raised.value.sent is False
