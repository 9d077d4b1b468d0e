"""What a browser asks of ``authorize``, and the pages that it is shown. Standard library only.

The pages load nothing and run nothing; one leads to the consent page, the others nowhere but back
to us. What is said is for whoever is
connecting a back office: what happened, and what to do now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from accord.ports.tokens import Tenant
from accord.signed import raw_body
from accord.sync.consent import ASKED_LASTS, Choice, Why

_LONGEST = 4096  # characters of a parameter: a code may be long, a state is ours
_LARGEST = 16 * 1024  # bytes of a form: ours holds a link
_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}"
    "code{background:#8883;padding:.1em .3em}button{font:inherit;padding:.4em 1em}"
    "label{display:block;margin:.5em 0}"
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: which back office, which of the two addresses, and what the browser shows.
    ``query`` is that of the address, or the form's."""

    erp: str
    is_back: bool  # from the consent page
    is_sent: bool  # a form, by somebody who pressed its button
    query: Mapping[str, str] = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Of an HTTP API's event, payload format 2.0."""
        pairs = [each.partition("=") for each in event.get("cookies") or ()]
        route = str(event.get("routeKey", ""))
        is_sent = route.startswith("POST ")
        shown = _form(event) if is_sent else event.get("queryStringParameters") or {}
        return cls(
            erp=str((event.get("pathParameters") or {}).get("erp", "")),
            is_back=route.endswith("/callback"),
            is_sent=is_sent,
            # Half a surrogate pair could not be passed on to the provider, nor written to a page.
            query={
                name: value[:_LONGEST].encode(errors="replace").decode()
                for name, value in shown.items()
            },
            cookies={name.strip(): value for name, _, value in pairs},
        )

    def browser(self, *, secure: bool) -> str:
        """The text that this browser was given; empty where it was given none."""
        return self.cookies.get(_cookie(self.erp, secure=secure), "")


def _form(event: Mapping[str, Any]) -> dict[str, str]:
    body = raw_body(event)[:_LARGEST]
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20))
    except ValueError:  # too many fields: none of ours
        return {}


def _cookie(erp: str, *, secure: bool) -> str:
    # The prefix lets no other host of the domain set it, and needs TLS, which one machine lacks.
    return f"__Host-accord-{erp}" if secure else f"accord-{erp}"


def sent_to(url: str, erp: str, browser: str, *, secure: bool) -> dict[str, Any]:
    """303 to the consent page, with the text that this browser must show when it is back."""
    parts = [
        f"{_cookie(erp, secure=secure)}={browser}",
        "Path=/",
        f"Max-Age={int(ASKED_LASTS.total_seconds())}",
        "HttpOnly",
        "SameSite=Lax",  # it is shown when another site's page leads back here
        *(["Secure"] if secure else []),
    ]
    answer = _answer(303, "Go on", "<p>You are being sent to the back office.</p>")
    answer["headers"]["location"] = url
    return {**answer, "cookies": ["; ".join(parts)]}


def ready(erp: str, title: str, link: str, consent_page: str) -> dict[str, Any]:
    """200 with a button, which spends ``link``. A preview of the address presses none.

    ``consent_page`` is where the button leads in the end.
    """
    answer = _answer(
        200,
        f"Connect {title}",
        f"<p>The next page is {escape(title)}'s own. Sign in there as whoever may allow it; Accord "
        f"then has access, as <code>{escape(erp)}</code>.</p>"
        '<form method="post" action="authorize">'
        f'<input type="hidden" name="link" value="{escape(link)}">'
        f"<p><button>Go on to {escape(title)}</button></p></form>",
    )
    # Browsers hold where a form is redirected to against this too, and the page's own sign-in
    # may lead over further hosts.
    parts = urlsplit(consent_page)
    allowed = f"form-action 'self' {parts.scheme}://{parts.netloc} https:"
    policy = answer["headers"]["content-security-policy"]
    answer["headers"]["content-security-policy"] = policy.replace("form-action 'self'", allowed)
    return answer


def connected(erp: str, title: str, tenant: Tenant) -> dict[str, Any]:
    """200: it is done."""
    of = f" to <b>{escape(tenant.name)}</b>" if tenant.name else ""
    return _answer(
        200,
        f"{title} is connected",
        f"<p>Accord now has access{of}, as <code>{escape(erp)}</code>. What waited for this goes "
        "on by itself within a few minutes. You can close this page.</p>",
    )


def which(erp: str, title: str, choice: Choice, state: str) -> dict[str, Any]:
    """200 with the organisations to choose from."""
    warning, former = "", choice.former
    if former.id in {tenant.id for tenant in choice.tenants}:
        warning = (
            f"<p>So far it was <b>{escape(former.name)}</b>. What Accord has written until now is "
            "in the books of that one: choose another only if that is to stay behind.</p>"
        )
    elif former.id:
        warning = (
            f"<p><b>So far it was {escape(former.name)}</b>, which is not among them. What "
            "Accord has written until now is in the books of that one, and would not be found "
            "again. To go on with it, close this page, run <code>accord connect "
            f"{escape(erp)}</code> again and allow it there.</p>"
        )
    options = "".join(
        f'<label><input type="radio" name="tenant" required value="{escape(tenant.id)}"'
        f"{' checked' if tenant.id == former.id else ''}> "
        f"{escape(tenant.name)}</label>"
        for tenant in choice.tenants
    )
    return _answer(
        200,
        f"Which organisation of {title}?",
        f"{warning}<form><p>Accord keeps its documents in one of them, as <code>{escape(erp)}"
        f'</code>:</p><input type="hidden" name="state" value="{escape(state)}">{options}'
        "<p><button>Connect</button></p></form>",
    )


_STOPPED: Mapping[Why, tuple[str, str]] = {
    "link": ("This link does not work", "It is unknown, or older than an hour."),
    "used": (
        "This link was used before",
        "Each is good once. If it was not you, tell whoever looks after Accord.",
    ),
    "expired": (
        "This took too long",
        "There is a quarter of an hour to allow it; or this address is not one of ours.",
    ),
    "browser": (
        "This is another browser than the one it began in",
        "Or it keeps no cookies. Go on in the one in which you opened the link, or begin again.",
    ),
    "denied": ("You did not allow it", "Nothing was changed. If you meant to, begin again."),
    "provider": (
        "{title} reported an error",
        "Its code is <code>{said}</code>: check the app's redirect address and its scopes there.",
    ),
    "code": (
        "{title} did not accept what its own page gave us",
        "It is too old, or lacks the right to stay connected. Nothing was changed.",
    ),
    "none": (
        "No organisation was chosen",
        "{title} let us in, but into none of its organisations. Choose one there.",
    ),
    "other": (
        "accord.toml names another organisation",
        "The one in options.tenant is not among those that you allowed: choose it there.",
    ),
    "away": ("What {title} answered was lost", "Nothing was changed. Wait a minute."),
    "given up": (
        "It was disconnected since",
        "Somebody ran <code>accord disconnect</code> after you had allowed it: it stays so.",
    ),
}


def stopped(erp: str, title: str, why: Why, said: str = "") -> dict[str, Any]:
    """400 (502 where the answer was lost), with what to do."""
    heading, text = _STOPPED[why]
    told = {"title": escape(title), "said": escape(said[:80]) or "none"}
    return _answer(
        502 if why == "away" else 400,
        heading.format(title=title),
        f"<p>{text.format(**told)}</p><p>To begin again, run <code>accord connect {escape(erp)}"
        "</code> and open the link that it prints.</p>",
    )


def unknown() -> dict[str, Any]:
    """404."""
    return _answer(
        404,
        "There is no such back office here",
        "<p>Or it is let into by a key, not in a browser. Check the name in accord.toml.</p>",
    )


def not_now() -> dict[str, Any]:
    """503: the same once more goes on where this broke off."""
    answer = _answer(
        503, "Not at the moment", "<p>Something did not answer. Reload this page in a minute.</p>"
    )
    answer["headers"]["retry-after"] = "30"
    return answer


def refused(reason: str) -> dict[str, Any]:
    """500: our app is not set up. ``reason`` names what to mend, and no secret."""
    return _answer(500, "The app is not set up yet", f"<p>{escape(reason)}.</p>")


def _answer(status: int, heading: str, text: str) -> dict[str, Any]:
    title = escape(heading)
    return {
        "statusCode": status,
        "headers": {
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        },
        "body": '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{text}</body></html>",
    }
