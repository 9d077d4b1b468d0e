"""A party as both sides keep it, read from Tryton. Pure.

The company is the party's name, with the person "for the attention of" on the invoice address;
without a company the person is the party's name.

Source: trytond 8.2, modules party (``Party.address_get``), account_invoice; a running server.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from accord.erp.tryton.parties import ADDRESS_FIELDS, address_of
from accord.erp.tryton.wire import Values, related, truth
from accord.model.party import Address, Profile, plain_vat_number

PARTS: Final[Mapping[str, str]] = {
    "addresses": "party.address",
    "contact_mechanisms": "party.contact_mechanism",
    "identifiers": "party.identifier",
}
"""What a party is made of beside itself: field → model."""

_DATED = ("_timestamp", "create_date", "write_date")
STAMP_FIELDS: Final = (*_DATED, *(f"{part}.{name}" for part in PARTS for name in _DATED))
PROFILE_FIELDS: Final = (
    "name",
    *STAMP_FIELDS,
    *(f"{part}.active" for part in PARTS),
    *(f"addresses.{name}" for name in (*ADDRESS_FIELDS, "invoice", "delivery", "sequence")),
    "contact_mechanisms.type",
    "contact_mechanisms.value",
    "identifiers.type",
    "identifiers.code",
    "customer_payment_term.name",
)
PRICE_LIST: Final = "sale_price_list"
"""The field of a party that module sale_price_list brings."""

Use = Literal["invoice", "delivery"]
USES: Final[tuple[Use, Use]] = ("invoice", "delivery")
_PHONES: Final = ("phone", "mobile")
_NATIONAL = re.compile(r"([a-z]{2})_vat")


def stamps(row: Values) -> dict[str, str]:
    """The optimistic stamps of a party and its parts, by ``model,id``, as Tryton wants them."""
    return {
        f"party.party,{row['id']}": row["_timestamp"],
        **{
            f"{model},{each['id']}": each["_timestamp"]
            for part, model in PARTS.items()
            for each in row[f"{part}."]
        },
    }


def version_of(row: Values) -> str:
    """Of a party read with STAMP_FIELDS: another one as soon as it or a part of it changed.

    Archived parts must have been read as well.
    """
    text = "\n".join(f"{key} {stamp}" for key, stamp in sorted(stamps(row).items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# --- reading ----------------------------------------------------------------


def profile_of(row: Values) -> Profile:
    """A ``party.party`` read with PROFILE_FIELDS."""
    billing, shipping = (first(row, use) for use in USES)
    name, company = _names(row, billing)
    contacts = active(row, "contact_mechanisms")
    return Profile(
        name=name,
        company=company,
        email=value_of(contact(contacts, "email")),
        phone=value_of(phone(contacts)),
        vat_number=_vat(identifier(row)),
        billing=address_on(row, billing),
        shipping=address_on(row, shipping),
        price_group=related(row, PRICE_LIST).get("name") or "" if f"{PRICE_LIST}." in row else None,
        payment_terms=related(row, "customer_payment_term").get("name") or "",
    )


def active(row: Values, part: str) -> list[Values]:
    """Its parts that are not archived, in Tryton's order."""
    return [each for each in row[f"{part}."] if truth(each["active"])]


def first(row: Values, use: Use) -> Values | None:
    """The address that Tryton itself would take: the first for that use, else the first."""
    addresses = active(row, "addresses")
    flagged = [each for each in addresses if truth(each[use])]
    return next(iter(flagged or addresses), None)


def _names(row: Values, billing: Values | None) -> tuple[str, str]:
    """(person, company). A person on the invoice address makes of the party's name a company's."""
    own = row["name"] or ""
    if billing and billing["attn"] and (billing["party_name"] or own) == own:
        return billing["attn"], own
    return own, ""


def address_on(row: Values, values: Values | None) -> Address:
    """As it is printed: without an addressee of its own, Tryton prints the party's name on it."""
    if values is None:
        return Address()
    address = address_of({**values, "party_name": values["party_name"] or row["name"]})
    return address if address else Address()  # an addressee alone is none


def contact(contacts: Iterable[Values], *types: str) -> Values | None:
    return next((each for each in contacts if each["type"] in types), None)


def phone(contacts: list[Values]) -> Values | None:
    """The first; else what was kept as plain text, since its form failed Tryton's check."""
    return contact(contacts, *_PHONES) or contact(contacts, "other")


def value_of(contact: Values | None) -> str:
    return (contact["value"] or "") if contact else ""


def identifier(row: Values) -> Values | None:
    """The VAT number; else the first number without a type, which may be one that failed."""
    identifiers = active(row, "identifiers")
    checked = (each for each in identifiers if (each["type"] or "").endswith("_vat"))
    plain = (each for each in identifiers if not each["type"])
    return next(checked, None) or next(plain, None)


def _vat(identifier: Values | None) -> str:
    """With its country before it, as a store gives it."""
    if identifier is None:
        return ""
    code = plain_vat_number(identifier["code"] or "")
    national = _NATIONAL.fullmatch(identifier["type"] or "")
    if national is None or national[1] == "eu":
        return code
    country = "EL" if national[1] == "gr" else national[1].upper()
    return code if code.startswith(country) else country + code
