"""Parties and their addresses as Tryton's values, and the other way. Pure.

Source: trytond 8.2, module party; recordings of a running server.
"""

from collections.abc import Iterable
from typing import Any

from accord.erp.needs import subdivision
from accord.erp.tryton.known import Known
from accord.erp.tryton.wire import Values, related
from accord.model.change import Ref
from accord.model.documents import Kind, PartyDocument, Record
from accord.model.party import Address, Party, plain_vat_number

ADDRESS_FIELDS = (
    "party_name",
    "attn",
    "street",
    "postal_code",
    "city",
    "country.code",
    "subdivision.code",
)
PARTY_FIELDS = (
    "code",
    "name",
    "_timestamp",
    "contact_mechanisms.type",
    "contact_mechanisms.value",
    *(f"addresses.{name}" for name in ADDRESS_FIELDS),
)
# Countries whose VAT numbers Tryton checks as one type. Source: European Commission, VIES, 2024.
_EU = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI"}
)


def party_values(document: PartyDocument, key: str, known: Known, *, strict: bool = True) -> Values:
    """The new ``party.party`` with its addresses, e-mail, phone and VAT number.

    ``strict`` lets Tryton check the VAT number's digits and the phone number's form. Without, both
    are kept as the plain texts that the shopper typed.
    """
    party = document.party
    contacts = []
    if party.email:
        contacts.append({"type": "email", "value": party.email})
    if party.phone:
        contacts.append({"type": "phone" if strict else "other", "value": party.phone})
    number = plain_vat_number(party.vat_number)
    identifiers = [{"type": vat_type(number) if strict else None, "code": number}] if number else []
    values: Values = {
        "name": party.display_name,
        "code": key,
        "addresses": [["create", _addresses(party, known)]],
        "contact_mechanisms": [["create", contacts]],
        "identifiers": [["create", identifiers]],
    }
    if document.payment_terms:
        values["customer_payment_term"] = known.terms[document.payment_terms]
    return values


def _addresses(party: Party, known: Known) -> list[Values]:
    """One for invoices and one for goods, or one for both where they are the same."""
    billing = address_values(party.billing, known)
    shipping = address_values(party.shipping, known)
    if same_address(billing, shipping) or not party.shipping:
        return [{**billing, "invoice": True, "delivery": True}]
    return [
        {**billing, "invoice": True, "delivery": False},
        {**shipping, "invoice": False, "delivery": True},
    ]


def vat_type(number: str) -> str | None:
    """Tryton's type of a VAT number that begins with its country; None for any other."""
    country = number[:2]
    if country in _EU:
        return "eu_vat"
    return "gb_vat" if country == "GB" else None


def email_domain(email: str) -> list[Any]:
    """Parties with that e-mail address, letter case aside."""
    for char in "\\%_":  # wildcards; john_doe@ is not johnxdoe@
        email = email.replace(char, f"\\{char}")
    has = [["type", "=", "email"], ["value", "ilike", email]]
    return [["contact_mechanisms", "where", has]]


def vat_domain(party: Party) -> list[Any]:
    """Parties with that VAT number, with its country before it or as a national number of its."""
    number = plain_vat_number(party.vat_number)
    country, rest = number[:2], number[2:]
    if not country.isalpha():
        country, rest = party.billing.country or "??", number
    if country in {"EL", "GR"}:  # a type of Tryton's has the country, a number the prefix
        type_, country = "gr_vat", "EL"
    else:
        type_ = f"{country.lower()}_vat"
    national = [["type", "=", type_], ["code_compact", "=", rest]]
    return [
        "OR",
        ["identifiers.code_compact", "in", sorted({number, country + rest})],
        ["identifiers", "where", national],
    ]


def party_record(values: Values, system: str, made_for: Iterable[Address] = ()) -> Record:
    """A ``party.party`` read with PARTY_FIELDS.

    ``made_for``: addresses of ours that it may hold; each is listed under its own fingerprint, even
    where Tryton keeps less of it than we gave.
    """
    addresses = [
        (theirs.fingerprint, str(each["id"]))
        for each in values["addresses."]
        if (theirs := address_of(each))
    ]
    for ours in made_for:
        for each in values["addresses."]:
            if ours and equal(ours, each):
                addresses.insert(0, (ours.fingerprint, str(each["id"])))
                break
    return Record(
        ref=Ref(system, Kind.PARTY, str(values["id"])),
        number=values["code"],
        key=values["code"],
        version=values["_timestamp"],
        addresses=tuple(dict.fromkeys(addresses)),
        emails=tuple(
            each["value"].lower()
            for each in values["contact_mechanisms."]
            if each["type"] == "email" and each["value"]
        ),
    )


# --- addresses --------------------------------------------------------------


def address_values(address: Address, known: Known) -> Values:
    """A ``party.address``. A company is the addressee, with the person "for the attention of".

    A state that Tryton has no subdivision for (a county that the shopper typed) follows the city.
    """
    code = known.subdivisions.get(subdivision(address))
    city = address.city
    if code is None and address.state:
        city = ", ".join(part for part in (city, address.state) if part)
    return {
        "party_name": address.company or address.name,
        "attn": address.name if address.company else "",
        "street": address.street,
        "postal_code": address.postal_code,
        "city": city,
        "country": known.countries[address.country] if address.country else None,
        "subdivision": code,
    }


def address_of(values: Values) -> Address:
    """A ``party.address`` read with ADDRESS_FIELDS."""
    person, addressee = values["attn"] or "", values["party_name"] or ""
    country = related(values, "country").get("code") or ""
    state = related(values, "subdivision").get("code") or ""
    return Address(
        name=person or addressee,
        company=addressee if person else "",
        street=values["street"] or "",
        city=values["city"] or "",
        postal_code=values["postal_code"] or "",
        state=state.removeprefix(f"{country}-"),
        country=country,
    )


def equal(ours: Address, theirs: Values) -> bool:
    """``theirs``, read with ADDRESS_FIELDS, is what ``ours`` becomes in Tryton."""
    known = Known()
    if code := related(theirs, "subdivision").get("code"):
        known.subdivisions[code] = related(theirs, "subdivision")["id"]
    country = related(theirs, "country")
    if ours.country and ours.country != country.get("code"):
        return False
    known.countries = {country["code"]: country["id"]} if country else {}
    read = {
        **theirs,
        "country": country.get("id"),
        "subdivision": related(theirs, "subdivision").get("id"),
    }
    return same_address(address_values(ours, known), read)


def same_address(one: Values, other: Values) -> bool:
    """Equal values, letter case and spaces aside."""
    return _address_key(one) == _address_key(other)


def _address_key(values: Values) -> tuple[object, ...]:
    texts = ("party_name", "attn", "street", "postal_code", "city")
    plain = (" ".join((values[name] or "").casefold().split()) for name in texts)
    return (*plain, values["country"], values["subdivision"])
