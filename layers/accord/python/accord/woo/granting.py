"""The page on which a store makes a REST key for an application and posts it to it.

Source: WooCommerce, includes/class-wc-auth.php; REST API docs, "Authentication Endpoint". The
store posts to public addresses and over TLS only. Asked without its parameters, the page refuses
with 401; where permalinks are Plain, the shop's front page is there instead.
"""

from urllib.parse import urlencode, urlsplit

import httpx

_ROUTE = "wc-auth/v1/authorize"
_TIMEOUT_S = 15.0
_NAME = "Accord"


def offers(home: str, *, transport: httpx.BaseTransport | None = None) -> bool:
    """Whether the store at ``home`` has that page. One that does not answer has none."""
    try:
        with httpx.Client(timeout=_TIMEOUT_S, trust_env=False, transport=transport) as client:
            return client.get(f"{home.rstrip('/')}/{_ROUTE}").status_code == 401
    except httpx.HTTPError:
        return False


def can_be_posted_to(origin: str) -> bool:
    """Whether a store would post to ``origin``."""
    return urlsplit(origin).scheme == "https"


def page(home: str, *, callback: str, secret: str) -> str:
    """The page's address for a key that reads and writes, which is posted to ``callback`` with
    ``secret``. The person ends where WooCommerce lists its keys."""
    home = home.rstrip("/")
    asked = {
        "app_name": _NAME,
        "scope": "read_write",
        "user_id": secret,
        "return_url": f"{home}/wp-admin/admin.php?page=wc-settings&tab=advanced&section=keys",
        "callback_url": callback,
    }
    return f"{home}/{_ROUTE}?{urlencode(asked)}"
