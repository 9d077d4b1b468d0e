"""What must be written to make a party what both sides say. Pure.

Tryton's documents hold addresses and tax identifiers by reference: written over, they would change
on invoices that are posted. So a new one takes the old one's place, and the old one is archived.

Source: trytond 8.2, modules party, account_invoice (``invoice_address``, ``party_tax_identifier``).
"""

from dataclasses import dataclass, field, replace
from typing import Any

from accord.erp.needs import subdivision
from accord.erp.tryton.known import Known
from accord.erp.tryton.parties import address_of, address_values, equal, vat_type
from accord.erp.tryton.profiles import (
    PRICE_LIST,
    USES,
    Use,
    active,
    address_on,
    contact,
    first,
    identifier,
    phone,
    profile_of,
    value_of,
)
from accord.erp.tryton.wire import Values, truth
from accord.model.party import Address, Profile, plain_vat_number


@dataclass(slots=True)
class _Place:
    """An address as it shall be: ``id`` None is a new one."""

    id: int | None
    values: Values = field(default_factory=dict)
    uses: set[Use] = field(default_factory=set)
    archived: bool = False


def _as_it_is(values: Values) -> _Place:
    archived = not truth(values["active"])
    uses = {use for use in USES if truth(values[use]) and not archived}
    return _Place(values["id"], values, uses, archived=archived)


def settled(changes: Profile, row: Values) -> Profile:
    """``changes`` with the invoice address that a new name or company makes of the present one."""
    if changes.billing is not None or (changes.name is None and changes.company is None):
        return changes
    now = profile_of(row)
    name = now.name if changes.name is None else changes.name
    company = now.company if changes.company is None else changes.company
    if (name, company) == (now.name, now.company):
        return changes
    present = first(row, "invoice")
    if present is None and not (name and company):
        return changes
    billing = address_of(present) if present else Address()
    return replace(changes, billing=replace(billing, name=name or "", company=company or ""))


def profile_values(
    changes: Profile, row: Values, known: Known, price_list: int | None, *, strict: bool = True
) -> Values:
    """What to write on the party ``row`` for ``changes``, ``settled`` before; empty if nothing.

    ``strict``: see ``parties.party_values``.
    """
    now = profile_of(row)
    values: Values = {}
    display = _display(changes, now)
    if display and display != row["name"]:
        values["name"] = display
    if commands := _address_commands(changes, row, known):
        values["addresses"] = commands
    if commands := _contact_commands(changes, row, strict=strict):
        values["contact_mechanisms"] = commands
    if commands := _identifier_commands(changes, now, row, strict=strict):
        values["identifiers"] = commands
    if changes.payment_terms is not None and changes.payment_terms != now.payment_terms:
        terms = changes.payment_terms
        values["customer_payment_term"] = known.terms[terms] if terms else None
    if changes.price_group is not None and changes.price_group != now.price_group:
        values[PRICE_LIST] = price_list
    return values


def _display(changes: Profile, now: Profile) -> str:
    name = now.name if changes.name is None else changes.name
    company = now.company if changes.company is None else changes.company
    return company or name or ""


def _contact_commands(changes: Profile, row: Values, *, strict: bool) -> list[Any]:
    contacts = active(row, "contact_mechanisms")
    as_phone = "phone" if strict else "other"
    wanted = (
        (changes.email, contact(contacts, "email"), "email"),
        (changes.phone, phone(contacts), as_phone),
    )
    commands: list[Any] = []
    for value, present, type_ in wanted:
        if value is None or value == value_of(present):
            continue
        if not present:
            commands.append(["create", [{"type": type_, "value": value}]])
        elif not value:
            commands.append(["write", [present["id"]], {"active": False}])
        else:
            kind = type_ if present["type"] == "other" or not strict else present["type"]
            commands.append(["write", [present["id"]], {"type": kind, "value": value}])
    return commands


def _identifier_commands(changes: Profile, now: Profile, row: Values, *, strict: bool) -> list[Any]:
    if changes.vat_number is None:
        return []
    number, present = plain_vat_number(changes.vat_number), identifier(row)
    if number == now.vat_number:
        return []
    commands: list[Any] = []
    if present:
        commands.append(["write", [present["id"]], {"active": False}])
    if number:
        type_ = vat_type(number) if strict else None
        commands.append(["create", [{"type": type_, "code": number}]])
    return commands


def _address_commands(changes: Profile, row: Values, known: Known) -> list[Any]:
    rows: list[Values] = row["addresses."]
    places = [_as_it_is(each) for each in rows]
    for use, wanted in zip(USES, (changes.billing, changes.shipping), strict=True):
        present = first(row, use)
        if wanted is not None and wanted != address_on(row, present):
            _place(use, wanted, present, places, known)
    return _commands(places, rows)


def _place(
    use: Use, wanted: Address, present: Values | None, places: list[_Place], known: Known
) -> None:
    """Makes ``wanted`` the first of ``places`` for ``use``."""
    before = next((each for each in places if present and each.id == present["id"]), None)
    is_any = any((wanted, wanted.name, wanted.company))
    if is_any and before and _holds(before, wanted):
        return
    if before and use in before.uses:
        before.uses.discard(use)
        before.archived = not before.uses
    if not is_any:
        return
    place = next((each for each in places if _holds(each, wanted)), None)
    if place is None:
        place = _Place(None, {"ours": wanted, **address_values(wanted, known)})
        places.append(place)
    place.uses.add(use)
    place.archived = False
    others = [each for each in places if each is not place and use in each.uses]
    if others and places.index(others[0]) < places.index(place):
        places.remove(place)
        places.insert(places.index(others[0]), place)


def _holds(place: _Place, wanted: Address) -> bool:
    if place.id is None:
        ours: Address = place.values["ours"]
        return ours.fingerprint == wanted.fingerprint
    return equal(wanted, place.values)


def _commands(places: list[_Place], rows: list[Values]) -> list[Any]:
    """What turns ``rows`` into ``places``; numbered only where their order is another."""
    kept = [place.id for place in places if place.id is not None]
    new_before_old = any(
        place.id is None and any(other.id is not None for other in places[at:])
        for at, place in enumerate(places)
    )
    numbered = new_before_old or kept != [each["id"] for each in rows]
    commands: list[Any] = []
    for number, place in enumerate(places, start=1):
        values: Values = {use: use in place.uses for use in USES}
        if numbered:
            values["sequence"] = number
        elif place.id is None and any(each["sequence"] is not None for each in rows):
            # Without a number it would come before all that have one.
            values["sequence"] = max(each["sequence"] or 0 for each in rows) + 1
        if place.id is None:
            address = {key: each for key, each in place.values.items() if key != "ours"}
            commands.append(["create", [{**address, **values}]])
            continue
        if place.archived and not truth(place.values["active"]):
            continue  # archived before: whatever it was for then
        values["active"] = not place.archived
        is_flag = {"active", *USES}
        changed = {
            key: each
            for key, each in values.items()
            if each != (truth(place.values[key]) if key in is_flag else place.values[key])
        }
        if changed:
            commands.append(["write", [place.id], changed])
    return commands


def needs_of(changes: Profile) -> dict[str, set[str]]:
    """Countries, subdivisions and payment terms that ``changes`` names."""
    addresses = [each for each in (changes.billing, changes.shipping) if each]
    return {
        "countries": {each.country for each in addresses if each.country},
        "subdivisions": {code for each in addresses if (code := subdivision(each))},
        "terms": {changes.payment_terms} if changes.payment_terms else set(),
    }
