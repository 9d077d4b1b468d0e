"""The page on which a store makes a key for us: is it there, and what is it asked."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from accord.woo.granting import can_be_posted_to, offers, page

HOME = "https://store.example/shop"


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> bool:
    return offers(f"{HOME}/", transport=httpx.MockTransport(answer))


def test_a_page_that_misses_its_parameters_is_there() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == f"{HOME}/wc-auth/v1/authorize"
        assert not request.headers.get("authorization")
        return httpx.Response(401, text="Error: Missing parameter app_name.")

    assert answering(answer)


@pytest.mark.parametrize("status", [200, 301, 403, 404, 500])
def test_anything_else_is_not_the_page(status: int) -> None:
    """With Plain permalinks the shop's front page is there."""
    assert not answering(lambda _: httpx.Response(status, headers={"location": HOME}))


def test_a_shop_that_does_not_answer_has_none() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("too late", request=request)

    assert not answering(answer)


def test_a_store_posts_over_tls_only() -> None:
    assert can_be_posted_to("https://hooks.example")
    assert not can_be_posted_to("http://127.0.0.1:8000")


def test_it_is_asked_for_a_key_that_reads_and_writes() -> None:
    link = page(f"{HOME}/", callback="https://hooks.example/stores/uk/keys", secret="s+/=")

    url = urlsplit(link)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{HOME}/wc-auth/v1/authorize"
    assert dict(parse_qsl(url.query)) == {
        "app_name": "Accord",
        "scope": "read_write",
        "user_id": "s+/=",
        "return_url": f"{HOME}/wp-admin/admin.php?page=wc-settings&tab=advanced&section=keys",
        "callback_url": "https://hooks.example/stores/uk/keys",
    }
