"""The stand-in as a process: started, asked over HTTP, ended."""

import datetime as dt
import http.server
import random
import threading
from collections.abc import Iterator

import httpx
import pytest

from accord.local.store import StoreServer, make_order, sign
from accord.woo.client import WooStore

AT = dt.datetime(2026, 11, 22, 15, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[StoreServer]:
    with StoreServer() as server:
        yield server


def store_at(server: StoreServer) -> WooStore:
    return WooStore.connect(
        name="uk",
        url=server.home,
        api_url=server.url,
        consumer_key=server.consumer_key,
        consumer_secret=server.consumer_secret,
    )


def test_it_answers_a_store_client_over_oauth(server: StoreServer) -> None:
    server.control("PUT", "orders", [make_order(501, rng=random.Random(1), at=AT)])

    found = store_at(server).get_order("501")

    assert found is not None
    assert found[0]["id"] == 501


def test_a_real_delivery_arrives_signed(server: StoreServer) -> None:
    got: list[tuple[str | None, bytes]] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.headers["X-WC-Webhook-Signature"], body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        with httpx.Client(
            base_url=server.url, auth=(server.consumer_key, server.consumer_secret)
        ) as client:
            client.post(
                "/wp-json/wc/v3/webhooks",
                json={
                    "topic": "order.created",
                    "delivery_url": f"http://127.0.0.1:{listener.server_port}/",
                    "secret": "s3cret",
                },
            ).raise_for_status()
        server.control("POST", "orders", {"order": make_order(502, rng=random.Random(1), at=AT)})

        assert server.run_queue() == 1
    finally:
        listener.shutdown()
        listener.server_close()

    ping, (signature, body) = got
    assert ping[0] is None
    assert signature == sign(body, "s3cret")


def test_faults_are_asked_for_and_control_stays_open(server: StoreServer) -> None:
    plan = {"seed": 1, "rate": 1.0, "kinds": ["503_before"]}
    server.control("PUT", "faults", plan)
    try:
        with httpx.Client(base_url=server.url) as client:
            assert client.get("/wp-json/wc/v3/orders").status_code == 503
        assert "orders" in server.control("GET", "state")
    finally:
        server.control("DELETE", "faults")


def test_it_ends_when_its_block_does() -> None:
    with StoreServer() as server:
        url = server.url

    with httpx.Client() as client, pytest.raises(httpx.ConnectError):
        client.get(url)


def test_a_port_that_is_taken_is_said(server: StoreServer) -> None:
    port = int(server.url.rsplit(":", 1)[1])

    with pytest.raises(RuntimeError, match="did not start"):
        StoreServer(port=port).__enter__()
