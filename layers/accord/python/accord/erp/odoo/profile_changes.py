"""What must be written to make a partner what both sides say. Pure."""

from typing import Any

from accord.erp.addressee import addressee
from accord.erp.odoo.known import Known
from accord.erp.odoo.parties import (
    Partner,
    Places,
    child_values,
    holder,
    partner_address,
    place_values,
    profile_of,
    vat_values,
)
from accord.erp.odoo.wire import Values, text
from accord.model.party import Address, Profile


def profile_values(
    changes: Profile, partner: Partner, places: Places, known: Known, *, checked: bool = True
) -> Values:
    """What to write on the partner for ``changes``; empty if nothing.

    ``checked``: see ``parties.partner_values``.
    """
    now = profile_of(partner, places)
    values: Values = {}
    for field in ("email", "phone"):
        wanted = getattr(changes, field)
        if wanted is not None and wanted != getattr(now, field):
            values[field] = wanted
    if changes.vat_number is not None and changes.vat_number != now.vat_number:
        values |= vat_values(changes.vat_number, checked=checked)
    if changes.payment_terms is not None and changes.payment_terms != now.payment_terms:
        terms = changes.payment_terms
        values["property_payment_term_id"] = known.terms[terms] if terms else False
    commands = _name(changes, now, partner, values)
    commands += _places(changes, partner, places, known, values)
    if commands:
        values["child_ids"] = commands
    return values


def _name(changes: Profile, now: Profile, partner: Partner, values: Values) -> list[Any]:
    """Writes a new name into ``values``; what becomes of the company's contact."""
    name = (now.name if changes.name is None else changes.name) or ""
    company = (now.company if changes.company is None else changes.company) or ""
    if (name, company) == (now.name, now.company):
        return []
    if company or name:
        values["name"] = company or name
    values["is_company"] = bool(company)
    contact = partner.child("contact")
    if contact is None:
        return [[0, 0, {"type": "contact", "name": name}]] if company and name else []
    if not (company and name):
        return [[1, contact["id"], {"active": False}]]
    return [[1, contact["id"], {"name": name}]] if text(contact["name"]) != name else []


def _places(
    changes: Profile, partner: Partner, places: Places, known: Known, values: Values
) -> list[Any]:
    now = profile_of(partner, places)
    commands: list[Any] = []
    delivery, invoice = partner.child("delivery"), partner.child("invoice")
    company = _company(changes, partner)
    shipping = changes.shipping
    if changes.billing is not None and changes.billing != now.billing:
        if invoice:
            commands.append([1, invoice["id"], child_values(changes.billing, company, known)])
        else:
            values.update(place_values(changes.billing, known))
            if shipping is None and delivery is None:
                shipping = now.shipping  # goods still go where they went
    if shipping is None or (delivery and shipping == now.shipping):
        return commands
    if not shipping:
        return [*commands, [1, delivery["id"], {"active": False}]] if delivery else commands
    if delivery:
        return [*commands, [1, delivery["id"], child_values(shipping, company, known)]]
    if _stays_at_home(changes, shipping, partner, places, known):
        return commands
    return [*commands, [0, 0, {"type": "delivery", **child_values(shipping, company, known)}]]


def _stays_at_home(
    changes: Profile,
    shipping: Address,
    partner: Partner,
    places: Places,
    known: Known,
) -> bool:
    """Goods go where the partner itself will be."""
    if changes.billing is None:
        return holder(partner, shipping, places) == partner.id
    name = changes.billing.name or partner_address(partner, places).name
    billing = {"name": name, **place_values(changes.billing, known)}
    return billing == {
        "name": addressee(shipping, _company(changes, partner)),
        **place_values(shipping, known),
    }


def _company(changes: Profile, partner: Partner) -> str:
    return (partner.company if changes.company is None else changes.company) or ""
