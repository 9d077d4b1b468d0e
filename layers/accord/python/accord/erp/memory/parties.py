"""Who buys, as the ledger keeps them: their profile, their addresses, how they are recognised."""

from collections.abc import Collection

from accord.erp.memory.entries import Entry, Json, Records, RefusedError
from accord.erp.memory.master import Master
from accord.model.party import Address

FIELDS = (
    "name",
    "company",
    "email",
    "phone",
    "vat_number",
    "billing",
    "shipping",
    "price_group",
    "payment_terms",
)
"""What is kept of a party: the fields of Profile."""

_MOST_MATCHES = 3


class Parties:
    """The parties among ``records``."""

    def __init__(self, records: Records, master: Master) -> None:
        self._records = records
        self._master = master
        self._by: dict[str, dict[str, list[Entry]]] = {"email": {}, "vat_number": {}}

    # --- reading --------------------------------------------------------------

    def match(self, arguments: Json) -> Json:
        """Those of that e-mail address or VAT number that are not archived; at most three."""
        by = arguments["by"]
        found: Collection[Entry] = self._by[by].get(_natural(by, arguments["value"]), ())
        there = [entry for entry in self._records.seen(found) if not entry.archived]
        return {"records": [entry.shown() for entry in there[:_MOST_MATCHES]]}

    def profile(self, arguments: Json) -> Json:
        """What is kept of the party, and its version; ``profile`` is None when it is not there."""
        entry = self._records.get("party", arguments["party"])
        return {"profile": None} if entry is None else _profile(entry)

    def profiles(self, arguments: Json) -> Json:
        """What is kept of each that is there, by id."""
        found = {id_: self._records.get("party", id_) for id_ in arguments["parties"]}
        return {"profiles": {id_: _profile(each)["profile"] for id_, each in found.items() if each}}

    def find(self, id_: str) -> Entry:
        """Raises: RefusedError: there is none."""
        entry = self._records.get("party", id_)
        if entry is None:
            raise RefusedError("rejected", f"no party {id_}")
        return entry

    def check(self, document: Json) -> None:
        """Raises: RefusedError: no such party, or an address that is not the party's."""
        party = self.find(document["party"])
        for role in ("billing_address", "shipping_address"):
            there = document.get(role)
            if there and there not in party.addresses.values():
                raise RefusedError("rejected", f"party {party.key} has no address {there}")

    # --- writing --------------------------------------------------------------

    def enter(self, entry: Entry) -> None:
        """A new party gets its number, its addresses and its place in the indexes."""
        entry.number = entry.key
        entry.document = {field: entry.document.get(field) or "" for field in FIELDS}
        self._take_addresses(entry)
        for by in self._by:
            self._list(entry, by)

    def add_address(self, arguments: Json) -> Json:
        """The address' id, found at the party or added."""
        entry, fingerprint = self.find(arguments["party"]), arguments["fingerprint"]
        if fingerprint not in entry.addresses:
            self._add(entry, fingerprint)
            self._records.wrote(entry)
        return {"id": entry.addresses[fingerprint]}

    def update(self, arguments: Json) -> Json:
        """The fields that are given; refused as ``stale`` when someone wrote since ``version``."""
        entry = self.find(arguments["party"])
        if str(entry.version) != arguments["version"]:
            raise RefusedError(
                "stale", f"party {entry.key} is at {entry.version}, not {arguments['version']}"
            )
        self._write(entry, arguments["changes"])
        return _profile(entry)

    def edit(self, arguments: Json) -> Json:
        """The same by a person, who says which party by its account code."""
        for entry in self._records.under("party", arguments["code"]):
            self._write(entry, arguments["changes"])
            return {"record": entry.shown()}
        raise RefusedError("rejected", f"no party {arguments['code']}")

    def archive(self, arguments: Json) -> Json:
        """It is matched no more; its documents stay."""
        entry = self.find(arguments["party"])
        if not entry.archived:
            entry.archived = True
            self._records.wrote(entry)
        return {}

    def _write(self, entry: Entry, changes: Json) -> None:
        if unknown := changes.keys() - set(FIELDS):
            raise RefusedError("rejected", f"a party has no {', '.join(sorted(unknown))}")
        self._master.check(changes)
        new = {field: value for field, value in changes.items() if value is not None}
        before = entry.document
        if all(before[field] == value for field, value in new.items()):
            return
        entry.document = {**before, **new}
        self._take_addresses(entry)
        for by, index in self._by.items():
            if (old := _natural(by, before[by])) != _natural(by, entry.document[by]):
                if old:
                    index[old].remove(entry)
                self._list(entry, by)
        self._records.wrote(entry)

    def _list(self, entry: Entry, by: str) -> None:
        if value := _natural(by, entry.document[by]):
            self._by[by].setdefault(value, []).append(entry)

    def _take_addresses(self, entry: Entry) -> None:
        for use in ("billing", "shipping"):
            address = Address(**(entry.document[use] or {}))
            if address and address.fingerprint not in entry.addresses:
                self._add(entry, address.fingerprint)

    def _add(self, entry: Entry, fingerprint: str) -> None:
        entry.addresses[fingerprint] = f"{entry.id}.{len(entry.addresses) + 1}"


def _profile(entry: Entry) -> Json:
    return {"profile": dict(entry.document), "version": str(entry.version)}


def _natural(by: str, text: str) -> str:
    """A key as it is compared: letter case aside, and ``gb 123.456`` is ``GB123456``."""
    if by == "email":
        return text.strip().casefold()
    return "".join(filter(str.isalnum, text)).upper()
