"""Partners asked for, made once and written.

Calls: ``match`` and ``find`` 2, ``create`` 4, ``add_address`` 2 and 1 more for a new one,
``profile`` and ``profiles`` 2, ``update_profile`` 5, ``archive`` 1. Codes of countries take one
more, once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from accord.erp.like import literal
from accord.erp.needs import Needs, needs, needs_of_addresses
from accord.erp.odoo.client import Client
from accord.erp.odoo.external import columns, external_id, row_of
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.parties import (
    PARTNER_FIELDS,
    Partner,
    Places,
    child_values,
    holder,
    partner_values,
    party_record,
    profile_of,
)
from accord.erp.odoo.profile_changes import profile_values
from accord.erp.odoo.wire import Values, id_of, text
from accord.erp.unsent import nothing_made
from accord.errors import (
    DuplicateError,
    RejectedError,
    StaleVersionError,
    UnsupportedError,
)
from accord.model.change import Ref
from accord.model.documents import PartyDocument, Record
from accord.model.party import Address, Party, Profile, plain_vat_number

MODEL: Final = "res.partner"
_ALSO_ARCHIVED: Final = ["active", "in", [True, False]]  # which Odoo hides unless it is named
_ALONE: Final = ["parent_id", "=", False]
_MATCHES: Final = 3


class People:
    """The customers of one company; partners are shared by all companies of a database."""

    def __init__(self, client: Client, master: MasterData) -> None:
        self._client = client
        self._master = master
        self._countries: dict[int, str] = {}
        self._states: dict[int, str] = {}

    def get(self, id_: int) -> Record | None:
        partners = self._partners([["id", "=", id_], _ALSO_ARCHIVED])
        return self._record(partners[0]) if partners else None

    def find(self, key: str) -> tuple[Record, ...]:
        """Every party with that account code, archived ones too."""
        partners = self._partners([["ref", "=", key], _ALONE, _ALSO_ARCHIVED])
        return tuple(self._record(each) for each in partners)

    def match(self, party: Party, by: str) -> tuple[Record, ...]:
        """See ``ErpAdapter.match``. Archived ones are not taken."""
        value = party.email if by == "email" else plain_vat_number(party.vat_number)
        if not value.strip():
            return ()
        term = ["email" if by == "email" else "vat", "=ilike", literal(value.strip())]
        partners = self._partners([term, _ALONE], limit=_MATCHES)
        return tuple(self._record(each, (party.billing, party.shipping)) for each in partners)

    def create(self, document: PartyDocument, key: str) -> Record:
        """The new partner. Its account code is not unique in Odoo, so it is looked for first; two
        who do so at once meet in the external id.

        Raises: DuplicateError: there is one with that account code.
        """
        with nothing_made():
            known = self._master.known(needs(document))
            company = self._master.company().id
            if self.find(key):
                raise DuplicateError(f"{self._client.connection} has a customer {key} already")
        external = external_id(MODEL, company, key)
        try:
            id_ = self._load(external, *partner_values(document, key, known))
        except RejectedError:
            # Most likely a VAT number that fails its check, which may not keep an order from the
            # books. Anything else is refused once more.
            id_ = self._load(external, *partner_values(document, key, known, checked=False))
        (partner,) = self._partners([["id", "=", id_]])
        return self._record(partner, (document.party.billing, document.party.shipping))

    def _load(self, external: str, values: Values, children: Sequence[Values]) -> int:
        names = columns(values, children, "child_ids")
        first, *rest = children or [{}]
        rows = [row_of(names, {"id": external, **values}, first, "child_ids")]
        rows += [row_of(names, {}, child, "child_ids") for child in rest]
        return self._client.load_once(MODEL, names, rows)

    def add_address(self, party: Ref, address: Address) -> str:
        """See ``ErpAdapter.add_address``."""
        partner = self._one(party)
        if found := holder(partner, address, self._places([partner])):
            return str(found)
        with nothing_made():
            known = self._master.known(needs_of_addresses([address]))
        values = {
            "parent_id": partner.id,
            "type": "other",
            **child_values(address, partner.company, known),
        }
        return str(self._client.create(MODEL, values))

    def profile(self, party: Ref) -> tuple[Profile, str] | None:
        """See ``ErpAdapter.profile``."""
        if not party.id.isdigit():
            return None
        partners = self._partners([["id", "=", int(party.id)], _ALSO_ARCHIVED])
        return self._profile(partners[0]) if partners else None

    def profiles(self, parties: Sequence[Ref]) -> Mapping[Ref, Profile]:
        """See ``ErpAdapter.profiles``."""
        by_id = {int(party.id): party for party in parties if party.id.isdigit()}
        if not by_id:
            return {}
        partners = self._partners([["id", "in", list(by_id)], _ALSO_ARCHIVED])
        places = self._places(partners)
        return {by_id[each.id]: profile_of(each, places) for each in partners}

    def update_profile(self, party: Ref, changes: Profile, *, version: str) -> tuple[Profile, str]:
        """See ``ErpAdapter.update_profile``. Odoo locks nothing: who writes between our look and
        our write, a moment later, is written over.

        Raises: also UnsupportedError: a price group.
        """
        if changes.price_group:
            raise UnsupportedError(
                f"{self._client.connection}: price groups are not kept in Odoo; give the customer "
                "a price list there by hand"
            )
        with nothing_made():
            known = self._master.known(_needs(changes))
        partner = self._one(party)
        if partner.version != version:
            raise StaleVersionError(
                f"{party} was changed in Odoo", connection=self._client.connection
            )
        places = self._places([partner])
        values = profile_values(changes, partner, places, known)
        if not values:
            return profile_of(partner, places), version
        try:
            self._client.write(MODEL, [partner.id], values)
        except RejectedError:
            unchecked = profile_values(changes, partner, places, known, checked=False)
            if unchecked == values:
                raise
            self._client.write(MODEL, [partner.id], unchecked)
        return self._profile(self._one(party))

    def archive(self, party: Ref) -> None:
        """See ``ErpAdapter.archive``. Its addresses and documents stay as they are."""
        if not party.id.isdigit():
            raise RejectedError(f"{party} is not in Odoo")
        self._client.write(MODEL, [int(party.id)], {"active": False})

    # --- reading them ----------------------------------------------------------

    def _one(self, party: Ref) -> Partner:
        found = party.id.isdigit() and self._partners([["id", "=", int(party.id)], _ALSO_ARCHIVED])
        if not found:
            raise RejectedError(f"{party} is no longer in Odoo")
        return found[0]

    def _partners(self, domain: list[Any], *, limit: int | None = None) -> list[Partner]:
        """The partners of the domain with their children, archived ones of them too."""
        tops = self._client.search_read(MODEL, domain, PARTNER_FIELDS, limit=limit)
        if not tops:
            return []
        ids = [row["id"] for row in tops]
        of_them = [["parent_id", "in", ids], _ALSO_ARCHIVED]
        children: dict[int | None, list[Values]] = {}
        for row in self._client.search_read(MODEL, of_them, PARTNER_FIELDS):
            children.setdefault(id_of(row["parent_id"]), []).append(row)
        return [Partner(row, children.get(row["id"], ())) for row in tops]

    def _record(self, partner: Partner, ours: Iterable[Address] = ()) -> Record:
        return party_record(partner, self._client.connection, self._places([partner]), ours)

    def _profile(self, partner: Partner) -> tuple[Profile, str]:
        return profile_of(partner, self._places([partner])), partner.version

    def _places(self, partners: Iterable[Partner]) -> Places:
        """Codes of every country, and of the states that ``partners`` are in."""
        if not self._countries:
            rows = self._client.search_read("res.country", [], ["code"])
            self._countries = {row["id"]: text(row["code"]) for row in rows}
        rows = [row for each in partners for row in (each.row, *each.children)]
        ids = {id_ for row in rows if (id_ := id_of(row["state_id"]))} - self._states.keys()
        if ids:
            for row in self._client.read("res.country.state", sorted(ids), ["code", "country_id"]):
                country = self._countries.get(id_of(row["country_id"]) or 0, "")
                self._states[row["id"]] = f"{country}-{row['code']}"
        return Places(self._countries, self._states)


def _needs(changes: Profile) -> Needs:
    addresses = [each for each in (changes.billing, changes.shipping) if each]
    terms = {changes.payment_terms} if changes.payment_terms else set()
    return {**needs_of_addresses(addresses), "terms": terms}
