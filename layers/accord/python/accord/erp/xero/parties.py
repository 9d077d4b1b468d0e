"""Parties as Xero's contacts, and the other way. Pure.

A contact has two addresses: POBOX, which its invoices are written to, and STREET, where goods go.
Ids of addresses are these two words. One that has no place there is told in the words of its
order's invoice, and its id is those words.

Source: Xero OpenAPI 16.1.0, Contact; developer.xero.com, "Contacts".
"""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Final

from accord.erp.addressee import addressee
from accord.erp.xero.countries import code_of, name_of
from accord.erp.xero.wire import Values, text
from accord.model.change import Ref
from accord.model.documents import Kind, PartyDocument, Record
from accord.model.party import Address, Party, Profile, plain_vat_number

BILLING: Final = "POBOX"
DELIVERY: Final = "STREET"
_TOLD: Final = "text:"
"""Before the words of an address that the contact has no place for."""
_LINES: Final = ("AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4")
_PLACE: Final = (*_LINES, "City", "Region", "PostalCode", "Country")
_VERSIONED: Final = (
    *("Name", "FirstName", "LastName", "EmailAddress", "ContactNumber", "ContactStatus"),
    *("TaxNumber", "Addresses", "Phones", "PaymentTerms", "MergedToContactID"),
)
_EMAIL: Final = re.compile(r"[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]{2,}")


# --- written ------------------------------------------------------------------


def contact_values(document: PartyDocument, key: str, days: int | None) -> Values:
    """The new contact. ``days``: its payment terms, where it has its own."""
    party = document.party
    values: Values = {
        "Name": contact_name(party.company, party.name) or party.email or key,
        "ContactNumber": key,
        **person_values(party.name),
        "EmailAddress": email_of(party.email),
        "TaxNumber": plain_vat_number(party.vat_number)[:50],
        "Phones": phones(party.phone),
        "Addresses": [address_values(BILLING, party.billing, party.company)],
    }
    if party.shipping and not _is_at_home(party):
        values["Addresses"].append(address_values(DELIVERY, party.shipping, party.company))
    if days is not None:
        values["PaymentTerms"] = {"Sales": {"Day": days, "Type": "DAYSAFTERBILLDATE"}}
    return values


def contact_name(company: str, name: str) -> str:
    return (company or name)[:255]


def suffixed(name: str, key: str) -> str:
    """``name`` told apart from another contact of that name: in Xero they are unique."""
    return f"{name[: 252 - len(key)]} ({key})"


def person_values(name: str) -> Values:
    first, _, last = name.strip().rpartition(" ")
    return {"FirstName": first[:255], "LastName": last[:255]}


def email_of(email: str) -> str:
    """``email``, if Xero takes it: no umlauts, but for those of a domain, which have a spelling."""
    local, _, domain = email.strip().rpartition("@")
    try:
        plain = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return ""
    return plain if _EMAIL.fullmatch(plain) and len(plain) <= 255 else ""


def phones(phone: str) -> list[Values]:
    """The one number that we keep; whatever parts it had are in it."""
    plain = {"PhoneNumber": phone.strip()[:50], "PhoneAreaCode": "", "PhoneCountryCode": ""}
    return [{"PhoneType": "DEFAULT", **plain}]


def address_values(use: str, address: Address, company: str) -> Values:
    """Every line of it is given: what the address lacks is cleared."""
    street = [line.strip() for line in address.street.split("\n") if line.strip()]
    lines = [*street[:3], ", ".join(street[3:])]
    return {
        "AddressType": use,
        "AttentionTo": addressee(address, company)[:255],
        **{name: (lines[n] if n < len(lines) else "")[:500] for n, name in enumerate(_LINES)},
        "City": address.city[:255],
        "Region": address.state[:255],
        "PostalCode": address.postal_code[:50],
        "Country": name_of(address.country),
    }


def beside(row: Values, field: str, kind: str, new: list[Values]) -> list[Values]:
    """``new``, with what the contact has of other kinds in ``field``: nobody has written down
    whether Xero keeps those that a write does not name."""
    named = {each[kind] for each in new}
    return new + [
        each
        for each in row.get(field) or ()
        if each.get(kind) not in named
        and any(value for name, value in each.items() if name != kind)
    ]


def words(address: Address) -> str:
    """The id of an address that the contact has no place for."""
    row = address_values("", address, address.company)
    name = ", ".join(part for part in (address.company, address.name) if part)
    return _TOLD + ", ".join(part for part in (name, *(row[each] for each in _PLACE)) if part)


def told_of(id_: str, label: str) -> str:
    """A line that tells of an address whose id is words; empty where the contact has it."""
    return f"{label}: {id_.removeprefix(_TOLD)}" if id_.startswith(_TOLD) else ""


def _is_at_home(party: Party) -> bool:
    """Goods go where invoices go."""
    return party.shipping.fingerprint == party.billing.fingerprint


# --- read ---------------------------------------------------------------------


def party_record(row: Values, system: str, ours: Iterable[Address] = ()) -> Record:
    """``ours``: addresses that it may hold; each is listed under its own fingerprint, even where
    Xero keeps less of it than we gave."""
    found = [
        (address.fingerprint, use)
        for use in (BILLING, DELIVERY)
        if (address := address_of(row, use))
    ]
    for wanted in ours:
        if wanted and (use_ := holder(row, wanted)):
            found.insert(0, (wanted.fingerprint, use_))
    emails = {
        text(each.get("EmailAddress")).strip().lower()
        for each in (row, *(row.get("ContactPersons") or ()))
    }
    number = text(row.get("ContactNumber"))
    return Record(
        ref=Ref(system, Kind.PARTY, str(row["ContactID"])),
        number=number,
        key=number or None,
        version=version_of(row),
        addresses=tuple(dict(reversed(found)).items()),
        emails=tuple(sorted(emails - {""})),
    )


def holder(row: Values, ours: Address) -> str | None:
    """The id of what ``ours`` becomes in Xero, if the contact has it."""
    for use in (BILLING, DELIVERY):
        held = _row_of(row, use)
        if any(held.get(name) for name in _PLACE) and _plain(held) == _plain(
            address_values(use, ours, company_of(row))
        ):
            return use
    return None


def is_free(row: Values, use: str) -> bool:
    """Whether it has no address of that use."""
    held = _row_of(row, use)
    return not any(held.get(name) for name in _PLACE)


def address_of(row: Values, use: str) -> Address:
    held, company = _row_of(row, use), company_of(row)
    name = text(held.get("AttentionTo"))
    address = Address(
        name=name if name != company else "",
        company=company,
        street="\n".join(line for name in _LINES if (line := text(held.get(name)))),
        city=text(held.get("City")),
        postal_code=text(held.get("PostalCode")),
        state=text(held.get("Region")),
        country=code_of(text(held.get("Country"))),
    )
    return address if address else Address()  # an addressee alone is none


def person_of(row: Values) -> str:
    """Its first person; a contact that has none is one."""
    parts = (text(row.get("FirstName")), text(row.get("LastName")))
    return " ".join(part for part in parts if part) or _own_name(row)


def company_of(row: Values) -> str:
    """Its name, where that is not its person's."""
    name = _own_name(row)
    return name if name != person_of(row) else ""


def profile_of(row: Values) -> Profile:
    """Price groups are not kept in Xero, and its terms have no names."""
    billing, shipping = address_of(row, BILLING), address_of(row, DELIVERY)
    return Profile(
        name=person_of(row),
        company=company_of(row),
        email=text(row.get("EmailAddress")),
        phone=_phone(row),
        vat_number=plain_vat_number(text(row.get("TaxNumber"))),
        billing=billing,
        shipping=shipping or billing,
    )


def is_active(row: Values) -> bool:
    return bool(row.get("ContactStatus", "ACTIVE") == "ACTIVE")


def is_forgotten(row: Values) -> bool:
    """Who it was asked to be forgotten: its documents are all that stays of it."""
    return bool(row.get("ContactStatus") == "GDPRREQUEST")


def version_of(row: Values) -> str:
    """Another one as soon as what is kept of it changed; what it owes is no part of that."""
    whole = json.dumps({name: row.get(name) for name in _VERSIONED}, sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def profile_values(changes: Profile, row: Values) -> Values:
    """What to write on the contact for ``changes``; empty if nothing."""
    now = profile_of(row)
    values: Values = {}
    name = (now.name if changes.name is None else changes.name) or ""
    company = (now.company if changes.company is None else changes.company) or ""
    if (name, company) != (now.name, now.company) and (name or company):
        values |= {"Name": contact_name(company, name), **person_values(name)}
    if changes.email is not None and changes.email != now.email:
        values["EmailAddress"] = email_of(changes.email)
    if changes.phone is not None and changes.phone != now.phone:
        values["Phones"] = beside(row, "Phones", "PhoneType", phones(changes.phone))
    if changes.vat_number is not None and changes.vat_number != now.vat_number:
        values["TaxNumber"] = plain_vat_number(changes.vat_number)[:50]
    addresses = [
        address_values(use, wanted, company)
        for use, wanted, had in (
            (BILLING, changes.billing, now.billing),
            (DELIVERY, _delivery(changes, now, row), address_of(row, DELIVERY)),
        )
        if wanted is not None and wanted != had
    ]
    if addresses:
        values["Addresses"] = beside(row, "Addresses", "AddressType", addresses)
    return values


def _delivery(changes: Profile, now: Profile, row: Values) -> Address | None:
    """Where goods go from now on; None where nothing is to be written of it."""
    moves = changes.billing is not None and changes.billing != now.billing
    if changes.shipping is None:  # goods still go where they went
        return now.shipping if moves and is_free(row, DELIVERY) else None
    billing = changes.billing if changes.billing is not None else now.billing
    if is_free(row, DELIVERY) and billing and changes.shipping == billing:
        return None
    return changes.shipping


def _own_name(row: Values) -> str:
    """Without what tells it apart from another of that name."""
    return text(row.get("Name")).removesuffix(f" ({text(row.get('ContactNumber'))})")


def _phone(row: Values) -> str:
    for each in row.get("Phones") or ():
        if each.get("PhoneType") == "DEFAULT":
            names = ("PhoneCountryCode", "PhoneAreaCode", "PhoneNumber")
            return " ".join(part for name in names if (part := text(each.get(name))))
    return ""


def _row_of(row: Values, use: str) -> Values:
    found = (each for each in row.get("Addresses") or () if each.get("AddressType") == use)
    return next(found, {})


def _plain(held: Values) -> tuple[str, ...]:
    """Equal for equal places and addressees, letter case and spaces aside."""
    parts = (held.get("AttentionTo"), *(held.get(name) for name in _LINES))
    rest = (held.get("City"), held.get("Region"), held.get("PostalCode"))
    names = (" ".join(text(part).casefold().split()) for part in (*parts, *rest))
    return (*names, code_of(text(held.get("Country"))))
