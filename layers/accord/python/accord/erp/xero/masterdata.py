"""Xero's master data by our codes: each list asked for whole, kept while the process lives.

Calls: one for each kind that a document names something new of; none once it is known.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from accord.erp.codes import by_code, learn, to_make
from accord.erp.needs import Needs
from accord.erp.xero.client import Client
from accord.erp.xero.known import Known, SoldItem, TaxRate
from accord.erp.xero.options import Options
from accord.erp.xero.wire import Values, decimal, text
from accord.errors import UnmappedError

_CAUSES: Final = {
    "items": ("item", "one item that is sold with that code"),
    "taxes": ("tax", "one tax rate with that name that revenue accounts can have"),
    "currencies": ("currency", "that currency"),
    "accounts": ("account", "one ledger account with that code or name"),
    "journals": ("account", "one bank account, or one that payments are enabled for, of that name"),
    "tracking": (
        "tracking",
        "the tracking category and the option that options.tracking names, both active",
    ),
    "terms": ("terms", "terms that say their days, as in `30 days`: Xero has no others"),
}
"""Field of Known → the prefix of the cause, and what to make in Xero."""


class MasterData:
    """Items, tax rates, accounts and the like of one organisation.

    A code that is not known is asked for once more at each use, so what is added in Xero is found
    without a restart; what was found is kept until ``forget``.
    """

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._connection = client.connection
        self.options = options
        self._known = Known()
        self._base = ""
        self._tax_names: dict[str, str] = {}

    def forget(self) -> None:
        """Asks anew from now on: what we know may be why Xero refused."""
        self._known = Known()
        self._base = ""
        self._tax_names = {}

    def organisation(self) -> Values:
        """As it is now. One call. Raises: as ``Client.get``; UnmappedError: there is none."""
        rows = self._client.get("Organisation").get("Organisations") or []
        if not rows:
            raise self.unmapped(["company"], "its user sees none; connect it again")
        return dict(rows[0])

    def base_currency(self) -> str:
        """One call, once."""
        self._base = self._base or text(self.organisation().get("BaseCurrency"))
        return self._base

    def tax_names(self) -> Mapping[str, str]:
        """Tax type → the name of its rate, archived ones too. One call, once."""
        if not self._tax_names:
            rows = self._client.get("TaxRates").get("TaxRates") or []
            self._tax_names = {text(row.get("TaxType")): text(row.get("Name")) for row in rows}
        return self._tax_names

    def known(self, needs: Needs) -> Known:
        """Xero's words for all that ``needs`` names.

        Raises: UnmappedError: naming every code that Xero does not hold.
        """
        if missing := learn(self._known, needs, self._find):
            causes, what = to_make(missing, _CAUSES)
            raise self.unmapped(causes, f"make {what} in Xero, or map to another")
        return self._known

    def tracking(self) -> set[str]:
        """What every line bears, as it is needed."""
        return {tracked(*each) for each in self.options.tracking.items()}

    def untracked(self) -> list[str]:
        """What the options name for every line and Xero does not hold now. One call, none where
        they name nothing."""
        needed = self.tracking()
        return sorted(needed - self._find_tracking([]).keys()) if needed else []

    def unmapped(self, causes: Iterable[str], remedy: str) -> UnmappedError:
        causes = tuple(causes)
        return UnmappedError(
            f"{self._connection} does not hold {', '.join(causes)}: {remedy}",
            connection=self._connection,
            causes=causes,
        )

    def _find(self, field: str, codes: list[str]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = getattr(self, f"_find_{field}")(codes)
        return found

    # --- one kind each: codes in, what Xero holds out, and more where it costs nothing --------

    def _find_items(self, _: list[str]) -> dict[str, SoldItem]:
        rows = self._client.get("Items", params={"unitdp": 4}).get("Items") or []
        sold = [row for row in rows if row.get("IsSold", True) and row.get("Code")]
        return by_code(sold, lambda row: str(row["Code"]), _sold_item)

    def _find_taxes(self, _: list[str]) -> dict[str, TaxRate]:
        rows = [
            row
            for row in self._client.get("TaxRates").get("TaxRates") or []
            if row.get("Status", "ACTIVE") == "ACTIVE" and row.get("CanApplyToRevenue", True)
        ]
        return _by_code_or_name(rows, "TaxType", _tax_rate)

    def _find_currencies(self, _: list[str]) -> dict[str, str]:
        rows = self._client.get("Currencies").get("Currencies") or []
        return {str(row["Code"]): str(row["Code"]) for row in rows}

    def _find_accounts(self, _: list[str]) -> dict[str, str]:
        self._learn_accounts()
        return self._known.accounts

    def _find_journals(self, _: list[str]) -> dict[str, str]:
        self._learn_accounts()
        return self._known.journals

    def _learn_accounts(self) -> None:
        rows = [
            row
            for row in self._client.get("Accounts").get("Accounts") or []
            if row.get("Status", "ACTIVE") == "ACTIVE"
        ]
        booked = [row for row in rows if row.get("Code") and row.get("Type") != "BANK"]
        paid = [row for row in rows if row.get("Type") == "BANK" or _takes_payments(row)]
        self._known.accounts = _by_code_or_name(booked, "Code", lambda row: str(row["Code"]))
        self._known.journals = _by_code_or_name(paid, "Code", lambda row: str(row["AccountID"]))

    def _find_tracking(self, _: list[str]) -> dict[str, tuple[str, str]]:
        rows = self._client.get("TrackingCategories").get("TrackingCategories") or []
        return {
            tracked(text(row.get("Name")), text(option.get("Name"))): (
                text(row.get("Name")),
                text(option.get("Name")),
            )
            for row in rows
            if row.get("Status", "ACTIVE") == "ACTIVE"
            for option in row.get("Options") or ()
            if option.get("Status", "ACTIVE") == "ACTIVE"
        }

    def _find_terms(self, codes: list[str]) -> dict[str, int]:
        found = {code: re.search(r"\d{1,3}", code) for code in codes}
        return {code: int(days[0]) for code, days in found.items() if days}


def tracked(category: str, option: str) -> str:
    return f"{category}={option}"


def _by_code_or_name(
    rows: list[Values], code: str, made: Callable[[Values], Any]
) -> dict[str, Any]:
    """By name, and by code before all: a code is one's alone."""
    named = [row for row in rows if row.get("Name")]
    coded = [row for row in rows if row.get(code)]
    return {
        **by_code(named, lambda row: str(row["Name"]), made),
        **by_code(coded, lambda row: str(row[code]), made),
    }


def _takes_payments(row: Values) -> bool:
    return row.get("EnablePaymentsToAccount") is True


def _sold_item(row: Values) -> SoldItem:
    account = (row.get("SalesDetails") or {}).get("AccountCode")
    return SoldItem(str(row["Code"]), str(account) if account else None)


def _tax_rate(row: Values) -> TaxRate:
    return TaxRate(str(row["TaxType"]), decimal(row.get("EffectiveRate")))
