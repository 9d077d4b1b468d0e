"""Bare calls of the stand-in, as anybody could send them, each held against Xero's own file."""

import datetime as dt
import itertools
from typing import Any

import httpx

from accord.local.xero import FakeXero
from accord.local.xero.server import TENANT, TOKEN
from tests.erp.xero.checking import Checking

DAY = dt.date(2026, 11, 5)
Json = dict[str, Any]


class Caller:
    """Every write bears a key of its own, unless ``key`` names one."""

    def __init__(self, xero: FakeXero, *, token: str = TOKEN, tenant: str = TENANT) -> None:
        self._xero = xero
        self._keys = itertools.count(1)
        self._http = httpx.Client(
            base_url="https://api.xero.com/api.xro/2.0/",
            headers={
                "Authorization": f"Bearer {token}",
                "xero-tenant-id": tenant,
                "Accept": "application/json",
            },
            transport=Checking(xero),
        )

    def get(self, path: str, *, since: dt.datetime | None = None, **params: Any) -> httpx.Response:
        headers = {"If-Modified-Since": f"{since:%Y-%m-%dT%H:%M:%SZ}"} if since else {}
        return self._http.get(path, params=params, headers=headers)

    def write(
        self, method: str, path: str, body: Json, *, key: str = "", **params: Any
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key or f"key-{next(self._keys)}"}
        return self._http.request(method, path, json=body, params=params, headers=headers)

    def upsert(self, resource: str, element: Json) -> Json:
        """By name or number, which the adapter never does: without the checks."""
        request = self._http.build_request("POST", resource, json={resource: [element]})
        return only(self._xero(request))

    def delete(self, path: str) -> httpx.Response:
        return self._http.delete(path)

    def one(self, path: str, **params: Any) -> Json:
        """The only element of the answer."""
        return only(self.get(path, **params))

    def rows(self, resource: str, *, since: dt.datetime | None = None, **params: Any) -> list[Json]:
        answer = self.get(resource, since=since, **params)
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()[resource]
        return found

    def make(self, resource: str, element: Json, **params: Any) -> Json:
        """What was made of it."""
        return only(self.write("PUT", resource, {resource: [element]}, **params))

    def change(self, resource: str, id_: str, **fields: Any) -> Json:
        return only(self.write("POST", f"{resource}/{id_}", {resource: [fields]}))

    def refused(self, method: str, path: str, element: Json, **params: Any) -> str:
        """The only reason why it is not taken."""
        container = path.rstrip("/").rpartition("/")[2]
        container = path.partition("/")[0] if "-" in container else container
        answer = self.write(method, path, {container: [element]}, **params)
        assert answer.status_code == 400, answer.text
        ((error,),) = ([each["ValidationErrors"] for each in answer.json()["Elements"]],)
        (message,) = error
        return str(message["Message"])


def only(answer: httpx.Response) -> Json:
    assert answer.status_code == 200, answer.text
    (elements,) = (each for each in answer.json().values() if isinstance(each, list))
    (element,) = elements
    found: Json = element
    return found


def line(**changes: Any) -> Json:
    """Two pieces of 10.00, taxed at 20 %."""
    whole = {"Description": "A mug", "Quantity": 2, "UnitAmount": 10.0, "AccountCode": "200"}
    return {**whole, "TaxType": "OUTPUT2", **changes}


def invoice(contact: str, **changes: Any) -> Json:
    """An approved one over 24.00."""
    whole = {
        "Type": "ACCREC",
        "Contact": {"ContactID": contact},
        "Date": DAY.isoformat(),
        "DueDate": (DAY + dt.timedelta(days=14)).isoformat(),
        "InvoiceNumber": "uk-1",
        "LineAmountTypes": "Exclusive",
        "Status": "AUTHORISED",
        "LineItems": [line()],
    }
    return {**whole, **changes}


def credit_note(contact: str, **changes: Any) -> Json:
    """An approved one over 12.00."""
    whole = {
        "Type": "ACCRECCREDIT",
        "Contact": {"ContactID": contact},
        "Date": DAY.isoformat(),
        "CreditNoteNumber": "uk-1-r1",
        "LineAmountTypes": "Exclusive",
        "Status": "AUTHORISED",
        "LineItems": [line(Quantity=1)],
    }
    return {**whole, **changes}


def payment(**changes: Any) -> Json:
    """Of 24.00."""
    whole = {"Account": {"Code": "090"}, "Date": DAY.isoformat(), "Amount": 24.0}
    return {**whole, **changes}
