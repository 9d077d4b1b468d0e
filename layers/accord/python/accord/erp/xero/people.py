"""Contacts asked for, made once and written.

Calls: ``match``, ``find``, ``profile`` and ``profiles`` 1, ``create`` 2, ``add_address`` 1 and one
more for a place that is free, ``update_profile`` and ``archive`` 2.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from accord.erp.unsent import nothing_made
from accord.erp.xero.client import Client
from accord.erp.xero.masterdata import MasterData
from accord.erp.xero.parties import (
    BILLING,
    DELIVERY,
    address_values,
    beside,
    company_of,
    contact_values,
    holder,
    is_active,
    is_forgotten,
    is_free,
    party_record,
    profile_of,
    profile_values,
    suffixed,
    version_of,
    words,
)
from accord.erp.xero.wire import Values, every, is_id, only, quoted, text
from accord.errors import DuplicateError, RejectedError, StaleVersionError, UnsupportedError
from accord.model.change import Ref
from accord.model.documents import PartyDocument, Record
from accord.model.party import Address, Party, Profile, plain_vat_number

T = TypeVar("T")

PATH: Final = "Contacts"
_MATCHES: Final = 3
_IDS_AT_ONCE: Final = 40  # they are part of the address
_ARCHIVED: Final = re.compile(r"contact\b.*\barchived", re.I)
_MERGES: Final = 5  # of a contact into another, of that into a third


class People:
    """The contacts of one organisation."""

    def __init__(self, client: Client, master: MasterData) -> None:
        self._client = client
        self._master = master

    def get(self, id_: str) -> Record | None:
        """See ``ErpAdapter.get``."""
        row = self._row(id_)
        return self._record(row) if row is not None else None

    def find(self, key: str) -> tuple[Record, ...]:
        """Parties with that account code, archived or not; of one that was merged, the other."""
        term = quoted(key)
        if term is None:
            return ()
        params = {"where": f"ContactNumber=={term}", "includeArchived": "true"}
        rows = every(self._client.pages(PATH, PATH, params=params), "ContactNumber", key)
        found = (self._merged(row) for row in rows)
        return tuple(self._record(row) for row in found if row is not None)

    def match(self, party: Party, by: str) -> tuple[Record, ...]:
        """See ``ErpAdapter.match``. Archived ones are not taken."""
        rows = self._of_email(party.email) if by == "email" else self._of_vat(party.vat_number)
        active = [row for row in rows if is_active(row)][:_MATCHES]
        return tuple(party_record(row, self._system, _places(party)) for row in active)

    def create(self, document: PartyDocument, key: str) -> Record:
        """The new contact, told apart by ``key`` from another of its name.

        Raises: DuplicateError: there is one with that account code.
        """
        with nothing_made():
            terms = document.payment_terms
            days = self._master.known({"terms": {terms}}).terms[terms] if terms else None
            if self.find(key):
                raise self._taken(key)
        values = contact_values(document, key, days)
        try:
            row = self._put(values, key)
        except DuplicateError:
            with nothing_made():
                if self.find(key):  # somebody else made it at this moment
                    raise self._taken(key) from None
            row = self._put({**values, "Name": suffixed(values["Name"], key)}, key)
        return party_record(row, self._system, _places(document.party))

    def add_address(self, party: Ref, address: Address) -> str:
        """See ``ErpAdapter.add_address``. What finds no place is told in its order's words."""
        row = self._one(party)
        if use := holder(row, address):
            return use
        free = next((use for use in (BILLING, DELIVERY) if is_free(row, use)), None)
        if free is None or not address:
            return words(address)
        new = [address_values(free, address, company_of(row))]
        self._post(row, {"Addresses": beside(row, "Addresses", "AddressType", new)})
        return free

    def profile(self, party: Ref) -> tuple[Profile, str] | None:
        """See ``ErpAdapter.profile``."""
        row = self._row(party.id)
        return (profile_of(row), version_of(row)) if row is not None else None

    def profiles(self, parties: Sequence[Ref]) -> Mapping[Ref, Profile]:
        """See ``ErpAdapter.profiles``."""
        by_id = {party.id.lower(): party for party in parties if is_id(party.id)}
        ids, found = list(by_id), {}
        for start in range(0, len(ids), _IDS_AT_ONCE):
            part = ids[start : start + _IDS_AT_ONCE]
            params = {"IDs": ",".join(part), "includeArchived": "true"}
            for row in self._client.get(PATH, params=params).get(PATH) or []:
                party = by_id.get(str(row["ContactID"]).lower())
                if party is not None and not is_forgotten(row):
                    found[party] = profile_of(row)
        return found

    def update_profile(self, party: Ref, changes: Profile, *, version: str) -> tuple[Profile, str]:
        """See ``ErpAdapter.update_profile``. Xero locks nothing: who writes between our look and
        our write, a moment later, is written over.

        Raises: also UnsupportedError: a price group or payment terms.
        """
        for asked, what in (
            (changes.price_group, "price groups are"),
            (changes.payment_terms, "payment terms by name are"),
        ):
            if asked:
                raise UnsupportedError(
                    f"{self._system}: {what} not kept in Xero; leave them to the store"
                )
        with nothing_made():
            row = self._one(party)
        if version_of(row) != version:
            raise StaleVersionError(f"someone wrote {party} in between", connection=self._system)
        values = profile_values(changes, row)
        if not values:
            return profile_of(row), version
        try:
            now = self._post(row, values)
        except DuplicateError:
            if "Name" not in values or not row.get("ContactNumber"):
                raise
            name = suffixed(values["Name"], text(row["ContactNumber"]))
            now = self._post(row, {**values, "Name": name})
        return profile_of(now), version_of(now)

    def archive(self, party: Ref) -> None:
        """See ``ErpAdapter.archive``. One that asked to be forgotten is hidden already."""
        row = self._held(party.id)
        if row is None:
            raise self._gone(party)
        if is_active(row):
            self._post(row, {"ContactStatus": "ARCHIVED"})

    def served(self, write: Callable[[Values, str], T], body: Values, key: str) -> T:
        """What ``write`` answers to a document and its key: once more where its contact was
        archived, which is made active for it, or merged into another, who is named in its place.
        """
        try:
            return write(body, key)
        except DuplicateError:
            raise
        except RejectedError as error:
            if not _ARCHIVED.search(str(error)):
                raise
            with nothing_made():
                contact = self.revived(str(body["Contact"]["ContactID"]))
            return write({**body, "Contact": {"ContactID": contact}}, f"{key} for {contact}")

    def revived(self, id_: str) -> str:
        """The contact that documents go to: the one that it was merged into, or itself again.

        Raises: RejectedError: it is gone, or asked to be forgotten. Its order met trouble then, so
            the next try finds another contact for it, or makes one.
        """
        row = self._row(id_)
        if row is None:
            raise RejectedError(
                f"{self._system}: contact {id_} is no longer in Xero, or asked there to be "
                "forgotten (GDPRREQUEST), and is not brought back; replay an order, which makes "
                "another contact, or book a refund by hand"
            )
        if not is_active(row):
            self._post(row, {"ContactStatus": "ACTIVE"})
        return str(row["ContactID"])

    # --- the wire -----------------------------------------------------------

    @property
    def _system(self) -> str:
        return self._client.connection

    def _of_email(self, email: str) -> list[Values]:
        wanted = email.strip().lower()
        if not wanted:
            return []
        rows = self._client.pages(PATH, PATH, params={"searchTerm": wanted})
        return [row for row in rows if text(row.get("EmailAddress")).strip().lower() == wanted]

    def _of_vat(self, number: str) -> list[Values]:
        term = quoted(plain_vat_number(number))
        if term is None or term == '""':
            return []
        return self._client.pages(PATH, PATH, params={"where": f"TaxNumber=={term}"})

    def _row(self, id_: str) -> Values | None:
        """The contact, or the one that it was merged into. One that asked to be forgotten is there
        for the books alone: nothing is written on it, and nobody is taken for it."""
        row = self._held(id_)
        return None if row is not None and is_forgotten(row) else row

    def _held(self, id_: str) -> Values | None:
        if not is_id(id_):
            return None
        rows = self._client.get(f"{PATH}/{id_}").get(PATH) or []
        return self._merged(rows[0]) if rows else None

    def _merged(self, row: Values) -> Values | None:
        """The one that it was merged into, in the end; itself, if into none."""
        for _ in range(_MERGES):
            into = row.get("MergedToContactID")
            if not into:
                return row
            rows = self._client.get(f"{PATH}/{into}").get(PATH) or []
            if not rows:
                return None
            row = rows[0]
        return row

    def _one(self, party: Ref) -> Values:
        row = self._row(party.id)
        if row is None:
            raise self._gone(party)
        return row

    def _gone(self, party: Ref) -> RejectedError:
        return RejectedError(
            f"{party} is no longer in Xero, or asked there to be forgotten (GDPRREQUEST)"
        )

    def _put(self, values: Values, key: str) -> Values:
        return only(self._client.put(PATH, {PATH: [values]}, key=key), PATH)

    def _post(self, row: Values, values: Values) -> Values:
        """The contact after ``values`` were written on ``row``, as it was read just now."""
        id_ = str(row["ContactID"])
        body = {PATH: [{"ContactID": id_, **values}]}
        return only(self._client.post(f"{PATH}/{id_}", body, key=_now_of(row)), PATH)

    def _record(self, row: Values) -> Record:
        return party_record(row, self._system)

    def _taken(self, key: str) -> DuplicateError:
        return DuplicateError(f"{self._system} has a customer {key} already")


def _places(party: Party) -> tuple[Address, Address]:
    return party.billing, party.shipping


def _now_of(row: Values) -> str:
    """What a write is a repetition of: the same one onto what somebody wrote since is another."""
    return f"{row['ContactID']} {row.get('UpdatedDateUTC')} {version_of(row)}"
