"""Parties as Odoo's partners, and the other way. Pure.

A party is a partner without a parent; it bears the invoice address itself. A company's person is
its first contact. Other addresses are its children.

Source: Odoo source 16 to 19, res.partner; recordings of a running 17.0.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from accord.erp.addressee import addressee
from accord.erp.needs import subdivision
from accord.erp.odoo.known import Known
from accord.erp.odoo.wire import Values, id_of, name_of, text
from accord.model.change import Ref
from accord.model.documents import Kind, PartyDocument, Record
from accord.model.party import Address, Party, Profile, plain_vat_number

ADDRESS_FIELDS: Final = ("name", "street", "street2", "city", "zip", "state_id", "country_id")
PARTNER_FIELDS: Final = (
    *ADDRESS_FIELDS,
    "active",
    "comment",
    "email",
    "is_company",
    "parent_id",
    "phone",
    "property_payment_term_id",
    "ref",
    "type",
    "vat",
    "write_date",
)
_UNCHECKED: Final = "VAT number as typed: "
"""Before a number that fails Odoo's check, in the partner's notes."""


@dataclass(frozen=True, slots=True)
class Places:
    """Codes of countries and states by Odoo's ids."""

    countries: Mapping[int, str] = field(default_factory=dict)
    states: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner without a parent and its children, all read with PARTNER_FIELDS."""

    row: Values
    children: Sequence[Values] = ()

    @property
    def id(self) -> int:
        return int(self.row["id"])

    @property
    def company(self) -> str:
        """Its name where it is a company's, else empty."""
        return text(self.row["name"]) if self.row["is_company"] else ""

    def child(self, type_: str) -> Values | None:
        """Its first active child of that type."""
        return next(
            (each for each in self.children if each["type"] == type_ and each["active"]), None
        )

    @property
    def version(self) -> str:
        """Another one as soon as what is kept of it changed; Odoo's own dates are in seconds."""
        whole = json.dumps([self.row, *self.children], sort_keys=True, default=str)
        return hashlib.sha256(whole.encode()).hexdigest()[:16]


# --- written ------------------------------------------------------------------


def partner_values(
    document: PartyDocument, key: str, known: Known, *, checked: bool = True
) -> tuple[Values, list[Values]]:
    """The new partner, and its children. ``checked``: Odoo may check the VAT number's digits."""
    party = document.party
    values: Values = {
        "name": party.display_name,
        "ref": key,
        "email": party.email,
        "phone": party.phone,
        "customer_rank": 1,
        **place_values(party.billing, known),
        **vat_values(party.vat_number, checked=checked),
    }
    if party.company:
        values["is_company"] = True
    if document.payment_terms:
        values["property_payment_term_id"] = known.terms[document.payment_terms]
    children: list[Values] = []
    if party.company and party.name:
        children.append({"type": "contact", "name": party.name})
    if party.shipping and not _is_at_home(party, known):
        children.append({"type": "delivery", **child_values(party.shipping, party.company, known)})
    return values, children


def _is_at_home(party: Party, known: Known) -> bool:
    """Goods go where invoices go."""
    theirs = {"name": party.name or party.display_name, **place_values(party.billing, known)}
    return _key(child_values(party.shipping, party.company, known)) == _key(theirs)


def vat_values(number: str, *, checked: bool = True) -> Values:
    """Where the VAT number goes; one that fails Odoo's check is kept in the notes."""
    plain = plain_vat_number(number)
    if checked or not plain:
        return {"vat": plain}
    return {"vat": "", "comment": f"{_UNCHECKED}{plain}"}


def place_values(address: Address, known: Known) -> Values:
    """Where it is. A state that Odoo does not know (one that was typed) follows the city."""
    code = known.subdivisions.get(subdivision(address))
    city = address.city
    if code is None and address.state:
        city = ", ".join(part for part in (city, address.state) if part)
    first, _, rest = address.street.partition("\n")
    return {
        "street": first,
        "street2": " ".join(rest.split("\n")),
        "city": city,
        "zip": address.postal_code,
        "state_id": code or False,
        "country_id": known.countries[address.country] if address.country else False,
    }


def child_values(address: Address, company: str, known: Known) -> Values:
    """An address of a partner of that company: its addressee, and where it is."""
    return {"name": addressee(address, company), **place_values(address, known)}


# --- read ---------------------------------------------------------------------


def party_record(
    partner: Partner, system: str, places: Places, ours: Iterable[Address] = ()
) -> Record:
    """``ours``: addresses that it may hold; each is listed under its own fingerprint, even where
    Odoo keeps less of it than we gave."""
    held = [
        (partner_address(partner, places), partner.id),
        *((child_address(each, partner, places), each["id"]) for each in _addresses(partner)),
    ]
    found = [(address.fingerprint, str(id_)) for address, id_ in held if address]
    for wanted in ours:
        if wanted and (id_ := holder(partner, wanted, places)):
            found.insert(0, (wanted.fingerprint, str(id_)))
    emails = {text(row["email"]).strip().lower() for row in (partner.row, *partner.children)}
    return Record(
        ref=Ref(system, Kind.PARTY, str(partner.id)),
        number=text(partner.row["ref"]),
        key=text(partner.row["ref"]) or None,
        version=partner.version,
        addresses=tuple(dict.fromkeys(found)),
        emails=tuple(sorted(emails - {""})),
    )


def holder(partner: Partner, ours: Address, places: Places) -> int | None:
    """The id of what ``ours`` becomes in Odoo, if the partner has it."""
    known = _known(places)
    if subdivision(ours) not in known.subdivisions:
        known.subdivisions = {}
    if ours.country and ours.country not in known.countries:
        return None
    wanted = _key(child_values(ours, partner.company, known))
    own = {**partner.row, "name": _person(partner) or partner.company}
    for row, id_ in ((own, partner.id), *((each, each["id"]) for each in _addresses(partner))):
        if _key(row) == wanted:
            return int(id_)
    return None


def _known(places: Places) -> Known:
    countries = {code: id_ for id_, code in places.countries.items()}
    subdivisions = {code: id_ for id_, code in places.states.items()}
    return Known(countries=countries, subdivisions=subdivisions)


def _addresses(partner: Partner) -> list[Values]:
    """Its children that are places; a contact is at the company's own."""
    return [each for each in partner.children if each["type"] != "contact" and each["active"]]


def _person(partner: Partner) -> str:
    if not partner.row["is_company"]:
        return text(partner.row["name"])
    contact = partner.child("contact")
    return text(contact["name"]) if contact else ""


def partner_address(partner: Partner, places: Places) -> Address:
    """The partner's own."""
    return _address(partner.row, _person(partner), partner.company, places)


def child_address(row: Values, partner: Partner, places: Places) -> Address:
    name = text(row["name"])
    return _address(row, name if name != partner.company else "", partner.company, places)


def _address(row: Values, name: str, company: str, places: Places) -> Address:
    country = places.countries.get(id_of(row["country_id"]) or 0, "")
    state = places.states.get(id_of(row["state_id"]) or 0, "")
    street = (text(row["street"]), text(row["street2"]))
    address = Address(
        name=name,
        company=company,
        street="\n".join(line for line in street if line),
        city=text(row["city"]),
        postal_code=text(row["zip"]),
        state=state.removeprefix(f"{country}-"),
        country=country,
    )
    return address if address else Address()  # an addressee alone is none


def profile_of(partner: Partner, places: Places) -> Profile:
    """Odoo gives every partner a price list, asked or not, so no price group is read."""
    row = partner.row
    billing, shipping = partner.child("invoice"), partner.child("delivery")
    own = partner_address(partner, places)
    notes = text(row["comment"])
    unchecked = notes.partition(_UNCHECKED)[2][:20].partition("<")[0].strip()
    return Profile(
        name=_person(partner),
        company=partner.company,
        email=text(row["email"]),
        phone=text(row["phone"]),
        vat_number=plain_vat_number(text(row["vat"]) or unchecked),
        billing=child_address(billing, partner, places) if billing else own,
        shipping=child_address(shipping, partner, places) if shipping else own,
        payment_terms=name_of(row["property_payment_term_id"]),
    )


def _key(row: Values) -> tuple[object, ...]:
    """Equal for equal places and addressees, letter case and spaces aside."""
    plain = (
        " ".join(text(row[name]).casefold().split())
        for name in ("name", "street", "street2", "city", "zip")
    )
    name, street, street2, city, zip_ = plain
    state, country = row["state_id"], row["country_id"]
    ids = (id_of(each) if isinstance(each, list) else each or None for each in (state, country))
    return name, f"{street} {street2}".strip(), city, zip_, *ids
