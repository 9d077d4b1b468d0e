"""A customer's account becomes a canonical customer, and a profile the account's fields. Pure.

What a store does to texts unasked is undone here: names that were saved in the admin pages hold
``&amp;`` for ``&``, spaces run together, an address has two street lines and a name two parts.
Sources: WooCommerce 10.5.0 as observed; wp-includes/default-filters.php, ``pre_user_first_name``,
as read.
"""

import html
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from accord.errors import BadInputError
from accord.model.change import Ref
from accord.model.party import Address, Profile
from accord.ports.store import Customer
from accord.woo import wire
from accord.woo.mapping import first_of, read, utc

_Fields = dict[str, Any]


def customer_from_wire(
    document: dict[str, Any], *, store: str, vat_keys: Sequence[str]
) -> Customer:
    """The customer in ``document``. The company and the phone are the billing address's.

    ``vat_keys`` name custom fields that may hold the VAT number, the first that is filled wins;
    without any, the store does not hold it. Nor does it hold price groups and payment terms.

    Raises: BadInputError: a field is missing or unreadable; the message names it.
    """
    what = f"customer {document.get('id', '?')} of {store}"
    found = read(wire.Customer, document, what=what)
    changed = found.date_modified_gmt or found.date_created_gmt
    if changed is None:
        raise BadInputError(f"{what}: date_created_gmt: is missing", owner="support")
    texts = [(m.key, _plain(m.value)) for m in found.meta_data if isinstance(m.value, str)]
    return Customer(
        ref=Ref(store, "customer", str(found.id)),
        profile=Profile(
            name=_plain(f"{found.first_name} {found.last_name}") or _name(found.billing),
            company=_plain(found.billing.company),
            email=_plain(found.email or found.billing.email),
            phone=_plain(found.billing.phone),
            vat_number=first_of(texts, vat_keys) if vat_keys else None,
            billing=_address(found.billing),
            shipping=_address(found.shipping),
        ),
        modified_at=utc(changed),
        role=found.role,
    )


def customer_to_wire(profile: Profile, *, vat_keys: Sequence[str]) -> _Fields:
    """The fields that say ``profile``; what is None in it is left out, and so stays as it is.

    An address without a name or a company keeps the store's: not every back office holds them.
    The VAT number goes into the first of ``vat_keys``.
    """
    written: _Fields = {}
    billing: _Fields = _postal(profile.billing)
    if profile.name is not None:
        written |= _parts(_plain(profile.name))
    if profile.email is not None:
        written["email"] = profile.email.strip()
    if profile.company is not None:
        billing["company"] = _plain(profile.company)
    if profile.phone is not None:
        billing["phone"] = _plain(profile.phone)
    if billing:
        written["billing"] = billing
    if shipping := _postal(profile.shipping):
        written["shipping"] = shipping
    if profile.vat_number is not None and vat_keys:
        number = _plain(profile.vat_number)
        # Cleared, it is cleared under every name: the next one would be read in its place.
        keys = vat_keys[:1] if number else vat_keys
        written["meta_data"] = [{"key": key, "value": number or None} for key in keys]
    return written


def as_kept(profile: Profile) -> Profile:
    """What a store shows of ``profile`` once it was written: equal profiles, equal results."""
    texts = {
        field.name: _plain(value)
        for field in fields(profile)
        if isinstance(value := getattr(profile, field.name), str)
    }
    billing, shipping = profile.billing, profile.shipping
    return replace(
        profile,
        **texts,
        billing=None if billing is None else _address_kept(billing, company=profile.company),
        shipping=None if shipping is None else _address_kept(shipping),
    )


def _address_kept(address: Address, *, company: str | None = None) -> Address:
    postal = _postal(address)
    kept = _address(wire.Postal.model_validate(postal))
    return kept if company is None else replace(kept, company=_plain(company))


def _name(postal: wire.Postal) -> str:
    return _plain(f"{postal.first_name} {postal.last_name}")


def _parts(name: str) -> dict[str, str]:
    """First and last name; read together again they are ``name``. A single word is a first one."""
    first, _, last = name.rpartition(" ")
    return {"first_name": first or last, "last_name": last if first else ""}


def _address(postal: wire.Postal) -> Address:
    lines = (_plain(postal.address_1), _plain(postal.address_2))
    return Address(
        name=_name(postal),
        company=_plain(postal.company),
        street="\n".join(line for line in lines if line),
        city=_plain(postal.city),
        postal_code=_plain(postal.postcode),
        state=_plain(postal.state),
        country=_plain(postal.country),
    )


def _postal(address: Address | None) -> _Fields:
    if address is None:
        return {}
    lines = [line for line in map(_plain, address.street.splitlines()) if line]
    name, company = _plain(address.name), _plain(address.company)
    return {
        **(_parts(name) if name else {}),
        **({"company": company} if company else {}),
        "address_1": lines[0] if lines else "",
        "address_2": ", ".join(lines[1:]),
        "city": _plain(address.city),
        "postcode": _plain(address.postal_code),
        "state": _plain(address.state),
        "country": _plain(address.country),
    }


def _plain(text: str) -> str:
    """One line without entities. Escaped twice, it was saved twice in the admin pages."""
    while (plain := html.unescape(text)) != text:
        text = plain
    return " ".join(text.split())
