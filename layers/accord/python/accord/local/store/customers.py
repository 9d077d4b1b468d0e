"""Customer JSON as WooCommerce 10.5 writes it, and what REST does to the fields it is given.

Source: recordings of a WooCommerce 10.5.0 store; read in WC_REST_Customers_V1_Controller and
sanitize_text_field, and not observed: what is said of a PUT and of odd characters.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Collection, Iterator
from typing import Any

from accord.local.store.documents import Doc, is_email, stamp
from accord.local.store.wire import Refusal

_ADDRESS = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "postcode",
    "country",
    "state",
    "email",
    "phone",
)
_ALLOWED = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def customer_document(
    fields: Doc,
    *,
    id_: int,
    usernames: Collection[str],
    home: str,
    at: dt.datetime,
    zone: dt.tzinfo,
) -> Doc:
    """The new account, before its custom fields. Raises: Refusal: no usable e-mail address."""
    email = str(fields.get("email") or "")
    if not email:
        raise Refusal(
            400,
            "rest_missing_callback_param",
            "Missing parameter(s): email",
            {"params": ["email"]},
        )
    if not is_email(email):
        raise Refusal(400, "customer_invalid_email", "Invalid email address")
    base = f"{home}/wp-json/wc/v3/customers"
    doc: Doc = {"id": id_}
    stamp(doc, "date_created", at, zone)
    stamp(doc, "date_modified", at, zone)
    doc |= {
        "email": email,
        "first_name": "",
        "last_name": "",
        "role": "customer",
        "username": "",
        "billing": dict.fromkeys(_ADDRESS, ""),
        "shipping": {name: "" for name in _ADDRESS if name != "email"},
        "is_paying_customer": False,
        "avatar_url": _avatar(email),
        "meta_data": [],
        "_links": {
            "self": [{"href": f"{base}/{id_}", "targetHints": {"allow": _ALLOWED}}],
            "collection": [{"href": base}],
        },
    }
    set_fields(doc, fields)
    doc["username"] = next(
        name for name in _usernames(doc, str(fields.get("username") or "")) if name not in usernames
    )
    return doc


def set_fields(doc: Doc, fields: Doc) -> None:
    """A partial update: of an address too, what is not named stays.

    Raises: Refusal: an e-mail address that is none.
    """
    for name in ("first_name", "last_name"):
        if name in fields:
            doc[name] = cleaned(fields[name])
    if "email" in fields:
        if not is_email(str(fields["email"])):
            raise Refusal(400, "customer_invalid_email", "Invalid email address")
        doc["email"] = str(fields["email"])
        doc["avatar_url"] = _avatar(doc["email"])
    for name in ("billing", "shipping"):
        given: dict[str, Any] = fields.get(name) or {}
        email = given.get("email")
        if name == "billing" and email and not is_email(str(email)):
            raise Refusal(400, "customer_invalid_billing_email", "Invalid billing email address")
        doc[name].update({key: str(it) for key, it in given.items() if key in doc[name]})


def cleaned(value: object) -> str:
    """As WordPress keeps a line of text: no tags, spaces run together, a lone < as an entity."""
    text = re.sub(r"<(?![^<>]*>)", "&lt;", str(value))
    return " ".join(re.sub(r"<[^>]*>", "", text).split())


def _usernames(doc: Doc, given: str) -> Iterator[str]:
    """The name that was asked for, or one made of the person's or the e-mail address; then more."""
    person = f"{doc['first_name']}.{doc['last_name']}".strip(".").lower().replace(" ", "")
    name = given or person or str(doc["email"]).partition("@")[0]
    yield name
    for at in range(1, 10_000):
        yield f"{name}-{at}"


def _avatar(email: str) -> str:
    digest = hashlib.sha256(email.strip().lower().encode()).hexdigest()
    return f"https://secure.gravatar.com/avatar/{digest}?s=96&d=mm&r=g"
