"""Every call of a longer operation failing in turn, on a scripted transport."""

import copy
import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import (
    AccordError,
    DisagreementError,
    RejectedError,
    StaleVersionError,
    UnavailableError,
)
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    DocumentLine,
    Kind,
    LineTax,
    PaymentDocument,
    Record,
    SalesDocument,
    State,
)
from accord.model.money import Money
from accord.ports.erp import Connection

Reply = httpx.Response | Exception | list[Any]
"""A list is several answers, the last one for good."""

TODAY = dt.date(2026, 11, 22)
GBP = Money(Decimal(10), "GBP")
LINE = DocumentLine("Mug", Decimal(1), GBP, item="MUG", taxes=(LineTax("VAT 20%", GBP),))
SALE = Ref("main", Kind.SALES_ORDER, "5")
PARTY = Ref("main", Kind.PARTY, "7")


def number(text: str) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": text}


def day(on: dt.date) -> dict[str, Any]:
    return {"__class__": "date", "year": on.year, "month": on.month, "day": on.day}


TOTALS = {
    "untaxed_amount": number("10.00"),
    "tax_amount": number("2.00"),
    "total_amount": number("12.00"),
    "currency.": {"code": "GBP"},
    "_timestamp": "1.0",
}
PROCESSED: dict[str, Any] = {
    "party": 7,
    **TOTALS,
    "id": 5,
    "state": "processing",
    "number": "3",
    "web_id": "uk-5",
    "shipment_state": "waiting",
    "invoice_state": "pending",
    "invoices_ignored": [],
    "lines": [1],
    "shipments.": [
        {"id": 8, "number": "4", "state": "waiting", "_timestamp": "1.0", "outgoing_moves.": []}
    ],
    "shipment_returns.": [],
    "moves.": [{"id": 9, "state": "draft", "sale_exception_state": ""}],
    "invoices.": [
        {
            "id": 6,
            "number": None,
            "state": "draft",
            "sale_exception_state": "",
            "sales": [5],
            "_timestamp": "1.0",
            "party": 7,
            "account": 1,
            "journal": 1,
            "party_tax_identifier": None,
            "lines.": [{"id": 2, "type": "line", "product": 1, "description": "Mug", "account": 4}],
        }
    ],
}
CANCELLED = {
    **PROCESSED,
    "state": "done",
    "shipment_state": "none",
    "invoice_state": "none",
    "invoices_ignored": [6],
}
NOTE = {**TOTALS, "id": 11, "number": "CN-1", "state": "draft", "reference": "k"}
MOVE = {
    "id": 12,
    "number": "1",
    "state": "posted",
    "description": "k",
    "_timestamp": "1.0",
    "company.": {"currency.": {"code": "GBP"}},
    "lines.": [],
}
MASTER: dict[str, Any] = {
    "common.db.login": [1, "token", None],
    "model.res.user.get_preferences": {"company": 1},
    "model.res.user.warning.skip": None,
    "model.product.product.search_read": [{"id": 1, "code": "MUG", "sale_uom": 1}],
    "model.account.tax.search_read": [
        {
            "id": 1,
            "name": "VAT 20%",
            "type": "percentage",
            "rate": number("0.2"),
            "amount": None,
            "sequence": None,
            "update_unit_price": False,
            "invoice_account": 1,
            "credit_note_account": 1,
            "start_date": None,
            "end_date": None,
            "childs.": [],
        }
    ],
    "model.currency.currency.search_read": [{"id": 1, "code": "GBP", "rounding": number("0.01")}],
    "model.web.shop.search_read": [
        {
            "id": 1,
            "warehouses": [1],
            "guest_party": None,
            "company.": {"currency.": {"code": "GBP"}},
        }
    ],
    "model.account.configuration.read": [
        {
            "tax_rounding": "line",
            "default_account_receivable": 1,
            "default_category_account_revenue.": {"id": 4, "code": "4", "name": "Revenue"},
        }
    ],
    "model.account.invoice.payment.method.search_read": [
        {
            "name": "Web payments",
            "debit_account": 1,
            "credit_account": 2,
            "journal.": {"id": 1, "name": "Cash", "code": "C"},
        }
    ],
}


def answered(result: Any) -> httpx.Response:
    return httpx.Response(200, json={"id": 1, "result": result})


def refused(name: str, *details: Any) -> httpx.Response:
    return httpx.Response(200, json={"id": 1, "error": [name, *details]})


class Script:
    """Answers each method as it was told; several answers to one are given in turn."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.asked: list[str] = []
        self.fails: tuple[str, Callable[[], Reply]] | None = None
        self._answers = {
            name: [*answer] if isinstance(answer, tuple) else [answer]
            for name, answer in copy.deepcopy({**MASTER, **answers}).items()
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        method = json.loads(request.content)["method"]
        self.asked.append(method)
        if self.fails is not None and self.fails[0] == method:
            reply = self.fails[1]()
            if isinstance(reply, Exception):
                raise reply
            assert isinstance(reply, httpx.Response)
            return reply
        answers = self._answers[method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, httpx.Response) else answered(answer)


def connected(script: Script) -> Tryton:
    connection = Connection(
        name="main",
        adapter="tryton",
        url="https://erp.example",
        options={"database": "base", "web_shop": "Woo store"},
        secret={"login": "connector", "password": "hunter2-hunter2"},
        timeout=Decimal(1),
    )
    return Tryton.connect(connection, transport=httpx.MockTransport(script))


def _amend(erp: Tryton) -> object:
    document = SalesDocument("1", PARTY, "1", "1", "GBP", TODAY, (LINE,), GBP)
    return erp.amend(Record(SALE, "3", state=State.QUOTATION, version="1.0"), document)


def _void(erp: Tryton) -> object:
    return erp.void(Record(SALE, "3", state=State.CONFIRMED))


def _credit(erp: Tryton) -> object:
    document = CreditDocument("1-2", SALE, PARTY, "1", "GBP", TODAY, (LINE,), GBP)
    return erp.create(document, key="k")


def _post(erp: Tryton) -> object:
    return erp.advance(Record(Ref("main", Kind.CREDIT_NOTE, "11"), ""), State.CONFIRMED)


def _pay(erp: Tryton) -> object:
    return erp.create(PaymentDocument(SALE, PARTY, -GBP, TODAY, "Web payments", "re"), key="k")


def _day(erp: Tryton) -> object:
    return erp.open_day(Kind.CREDIT_NOTE, TODAY)


def _confirm(erp: Tryton) -> object:
    return erp.advance(Record(SALE, "3", state=State.QUOTATION), State.CONFIRMED)


SHIPMENT, INVOICE = "wizard.sale.handle.shipment.exception", "wizard.sale.handle.invoice.exception"
OPERATIONS: dict[str, tuple[Callable[[Tryton], object], dict[str, Any]]] = {
    "amend": (
        _amend,
        {
            "model.sale.sale.search_read": [{**PROCESSED, "state": "draft"}],
            "model.sale.sale.draft": None,
            "model.sale.sale.write": None,
        },
    ),
    "void": (
        _void,
        {
            "model.sale.sale.search_read": ([PROCESSED], [CANCELLED]),
            "model.stock.shipment.out.cancel": None,
            "model.account.invoice.cancel": None,
            **{
                f"{wizard}.{part}": answer
                for wizard in (SHIPMENT, INVOICE)
                for part, answer in (("create", [1]), ("execute", {}), ("delete", None))
            },
        },
    ),
    "void a quotation": (
        _void,
        {
            "model.sale.sale.search_read": [{**PROCESSED, "state": "quotation", "moves.": []}],
            "model.sale.sale.cancel": None,
        },
    ),
    "credit": (
        _credit,
        {
            "model.sale.sale.search_read": [PROCESSED],
            "model.account.invoice.create": [11],
            "model.account.invoice.search_read": [NOTE],
        },
    ),
    "credit without invoice": (
        _credit,
        {
            "model.sale.sale.search_read": [{**PROCESSED, "invoices.": []}],
            "model.account.journal.search_read": [{"id": 1, "name": "Revenue"}],
            "model.party.party.read": [{"account_receivable": None}],
            "model.account.invoice.line.on_change_product": {"account": 4},
            "model.account.invoice.create": [11],
            "model.account.invoice.search_read": [NOTE],
        },
    ),
    "post": (
        _post,
        {
            "model.account.invoice.post": None,
            "model.account.invoice.search_read": [{**NOTE, "state": "posted"}],
        },
    ),
    "post of an earlier day": (
        _post,
        {
            "model.account.invoice.post": (refused("UserError", ["too early", "", None]), None),
            "model.account.invoice.search_read": (
                [NOTE],
                [{"id": 11, "invoice_date": day(TODAY), "accounting_date": None}],
                [{"id": 10, "invoice_date": day(TODAY + dt.timedelta(days=1))}],
                [{**NOTE, "state": "posted"}],
            ),
            "model.account.invoice.write": None,
        },
    ),
    "pay": (
        _pay,
        {
            "model.party.party.read": [{"account_receivable": 1}],
            "model.account.period.search_read": [{"id": 1, "start_date": day(TODAY)}],
            "model.account.move.create": [12],
            "model.account.move.post": None,
            "model.account.move.search_read": [MOVE],
        },
    ),
    "open day": (
        _day,
        {"model.account.period.search_read": [{"id": 1, "start_date": day(TODAY)}]},
    ),
}
"""What is done, and what Tryton answers where all goes well."""

FAULTS: dict[str, tuple[Callable[[], Reply], type[AccordError]]] = {
    "timeout": (lambda: httpx.ReadTimeout("slow"), UnavailableError),
    "503": (lambda: httpx.Response(503, text="database is locked"), UnavailableError),
    "UserError": (lambda: refused("UserError", ["No.", "", None]), RejectedError),
    "stale": (lambda: refused("ConcurrencyException", "Changed."), StaleVersionError),
    "unknown warning": (
        lambda: refused("UserWarning", ["0a1b.no_such", "Sure?", ""]),
        RejectedError,
    ),
}

_CALLS = [(name, method) for name, (_, answers) in OPERATIONS.items() for method in answers]


@pytest.mark.parametrize("name", OPERATIONS)
def test_where_all_goes_well_each_call_is_made(name: str) -> None:
    run, answers = OPERATIONS[name]
    script = Script(answers)

    run(connected(script))

    assert set(answers) <= set(script.asked)


@pytest.mark.parametrize("fault", ["timeout", "503"])
@pytest.mark.parametrize(("name", "method"), _CALLS)
def test_a_call_without_an_answer_is_one_of_our_errors(name: str, method: str, fault: str) -> None:
    run, answers = OPERATIONS[name]
    script = Script(answers)
    reply, error = FAULTS[fault]
    script.fails = (method, reply)

    with pytest.raises(error):
        run(connected(script))


@pytest.mark.parametrize("fault", ["UserError", "stale", "unknown warning"])
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("amend", "model.sale.sale.write"),
        ("void", "model.stock.shipment.out.cancel"),
        ("void", "model.account.invoice.cancel"),
        ("void", f"{SHIPMENT}.execute"),
        ("void", f"{INVOICE}.execute"),
        ("void a quotation", "model.sale.sale.cancel"),
        ("credit", "model.account.invoice.create"),
        ("post", "model.account.invoice.post"),
        ("pay", "model.account.move.create"),
    ],
)
def test_a_refused_write_is_one_of_our_errors(name: str, method: str, fault: str) -> None:
    run, answers = OPERATIONS[name]
    # Whoever looks again sees that nothing moved.
    unmoved = {method: answer[0] for method, answer in answers.items() if isinstance(answer, tuple)}
    unmoved |= {"model.sale.sale.process": None}
    if name == "post":
        unmoved["model.account.invoice.search_read"] = (
            [NOTE],
            [{"id": 11, "invoice_date": None, "accounting_date": None}],
        )
    script = Script({**answers, **unmoved})
    reply, error = FAULTS[fault]
    script.fails = (method, reply)

    with pytest.raises(error):
        run(connected(script))


@pytest.mark.parametrize(
    ("name", "method", "sent"),
    [
        ("credit", "model.sale.sale.search_read", False),
        ("credit", "model.account.invoice.create", True),
        ("credit", "model.account.invoice.search_read", True),
        ("pay", "model.account.period.search_read", False),
        ("pay", "model.account.move.create", True),
    ],
)
def test_only_what_may_have_been_made_is_said_to_be_sent(
    name: str, method: str, sent: bool
) -> None:
    run, answers = OPERATIONS[name]
    script = Script(answers)
    script.fails = (method, lambda: httpx.ReadTimeout("slow"))

    with pytest.raises(UnavailableError) as caught:
        run(connected(script))

    assert caught.value.sent is sent


# --- a server with a queue of its own ---------------------------------------------------


def test_an_order_that_the_server_has_not_processed_yet_is_taken_back_and_cancelled() -> None:
    confirmed = {**PROCESSED, "state": "confirmed", "shipments.": [], "invoices.": [], "moves.": []}
    script = Script(
        {
            "model.sale.sale.search_read": [confirmed],
            "model.sale.sale.draft": None,
            "model.sale.sale.cancel": None,
        }
    )

    _void(connected(script))

    assert script.asked[-2:] == ["model.sale.sale.draft", "model.sale.sale.cancel"]


def _all_cancelled() -> dict[str, Any]:
    row = copy.deepcopy(PROCESSED)
    for each in (*row["shipments."], *row["invoices."]):
        each["state"] = "cancelled"
    for each in (*row["moves."], *row["invoices."]):
        each["sale_exception_state"] = "ignored"
    return row


def test_an_order_that_the_server_has_yet_to_look_at_is_processed_now() -> None:
    script = Script(
        {
            "model.sale.sale.search_read": ([_all_cancelled()], [CANCELLED]),
            "model.sale.sale.process": None,
        }
    )

    _void(connected(script))

    assert "model.sale.sale.process" in script.asked


def test_an_order_that_will_not_end_is_for_a_person() -> None:
    script = Script(
        {"model.sale.sale.search_read": [_all_cancelled()], "model.sale.sale.process": None}
    )

    with pytest.raises(DisagreementError, match="by hand") as caught:
        _void(connected(script))

    assert caught.value.reason == "not_voided"


def test_goods_that_left_without_a_shipment_count_too() -> None:
    row = {**PROCESSED, "moves.": [{"id": 9, "state": "done", "sale_exception_state": ""}]}
    script = Script({"model.sale.sale.search_read": [row]})

    with pytest.raises(DisagreementError) as caught:
        _void(connected(script))

    assert caught.value.reason == "goods_left"


def test_a_company_without_a_revenue_journal_says_what_is_missing() -> None:
    run, answers = OPERATIONS["credit without invoice"]
    script = Script({**answers, "model.account.journal.search_read": []})

    with pytest.raises(AccordError, match="journal of revenue"):
        run(connected(script))


# --- credit hold ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        refused(
            "UserError",
            ['Party "Maria Jones" has reached their credit limit of £100.00.', "", None],
        ),
        refused("UserWarning", ["credit_limit_amount_sale.sale,5", "A limit is reached.", ""]),
        refused("UserWarning", ["0a1b.credit_limit_dunning", "A limit is reached.", ""]),
    ],
)
def test_a_buyer_whose_credit_is_used_up_is_for_finance(fault: httpx.Response) -> None:
    script = Script({"model.sale.sale.confirm": fault})

    with pytest.raises(DisagreementError) as caught:
        _confirm(connected(script))

    assert (caught.value.reason, caught.value.owner) == ("credit_hold", "finance")


def test_a_credit_limit_is_never_clicked_away() -> None:
    warning = refused("UserWarning", ["credit_limit_amount_sale.sale,5", "Reached.", ""])
    script = Script({"model.sale.sale.confirm": warning})

    with pytest.raises(DisagreementError):
        _confirm(connected(script))

    assert "model.res.user.warning.skip" not in script.asked
