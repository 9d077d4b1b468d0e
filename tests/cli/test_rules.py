"""`accord rules explain`: which rule decided, and what has none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import rules as command
from accord.cli.app import app
from accord.errors import BadInputError, UnavailableError
from accord.model.change import Ref
from accord.ports.state import Link
from accord.rules.load import check
from accord.woo.mapping import from_wire
from tests.conftest import EVENTS, order_json

RICH = EVENTS / "receive_store_webhook" / "order_created_rich.json"
TOML = """\
[stores.uk]
key = "uk"
url = "https://store.example"
erp = "main"
secret = "store/uk"
flows.orders = "on"

[stores.uk.orders]
start_at = 2020-01-01T00:00:00Z

[[stores.uk.orders.route]]
name = "abroad"
when = { country = ["FR"] }
erp = "main"

[[stores.uk.orders.route]]
name = "businesses"
when = { vat_number = true }
make = "quotation"

[stores.uk.mappings]
taxes = { "20" = "VAT 20%", "5" = "VAT 5%" }
shipping."*" = { item = "SHIPPING", carrier = "Post" }
payments."*" = { record = true, account = "Bank", refund_account = "Out" }
classes = { books = ["BOOK-*"] }

[[stores.uk.mappings.tax_rules]]
when = { rate = ["20"], country = ["GB"] }
code = "UK standard"

[[stores.uk.mappings.revenue]]
when = { item_class = ["books"] }
account = "4100"

[erps.main]
adapter = "memory"
url = "https://erp.example"
secret = "erp/main"
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "accord.toml"
    path.write_text(TOML, encoding="utf-8")
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["rules", "explain", *map(str, words)])


def told(*words: object) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def saved(folder: Path, **changes: Any) -> Path:
    path = folder / "order.json"
    path.write_text(json.dumps({**order_json("order_created_rich"), **changes}), encoding="utf-8")
    return path


# --- what it says -------------------------------------------------------------


def test_the_status_and_the_route_that_decided_are_named(toml: Path) -> None:
    found = told("uk", RICH, "--config", toml)

    assert (found["status_makes"], found["route"], found["makes"], found["erp"]) == (
        "sales_order",
        "businesses",
        "quotation",
        "main",
    )


def test_each_route_says_why(toml: Path) -> None:
    assert told("uk", RICH, "--config", toml)["routes"] == [
        "abroad: the country is GB, not FR",
        "businesses: fits",
    ]


def test_each_line_says_what_it_becomes_and_by_which_rule(toml: Path) -> None:
    lines = {line["code"]: line for line in told("uk", RICH, "--config", toml)["lines"]}

    book = lines["BOOK-1"]
    assert (book["item"], book["by"], book["class"]) == ("BOOK-1", "items_same_code", "books")
    assert (book["revenue"], book["revenue_by"]) == ("4100", "revenue rule 1")


def test_each_tax_says_its_code_and_by_which_rule(toml: Path) -> None:
    lines = {line["code"]: line for line in told("uk", RICH, "--config", toml)["lines"]}

    taxes = [
        (tax["code"], tax["by"]) for code in ("WID-BLUE", "SEAT-1") for tax in lines[code]["taxes"]
    ]
    assert taxes == [("UK standard", "tax rule 1"), ("VAT 5%", 'taxes."5"')]


def test_what_has_no_rule_is_named_with_its_remedy(toml: Path) -> None:
    unmapped = {
        each["cause"]: each["remedy"] for each in told("uk", RICH, "--config", toml)["unmapped"]
    }

    assert "[stores.uk.mappings.fees]" in unmapped["fee:Gift wrap"]
    assert len(unmapped) == 2  # and the tax of 0 %


def test_the_payment_says_where_money_and_refunds_go(toml: Path) -> None:
    payment = told("uk", RICH, "--config", toml)["payment"]

    assert (payment["account"], payment["refund_account"], payment["by"]) == (
        "Bank",
        "Out",
        'payments."*"',
    )


def test_people_read_the_same(toml: Path) -> None:
    said = run("uk", RICH, "--config", toml).stdout

    for part in ("uk:order:30", "businesses: fits", "a quotation in main", "tax rule 1", "4100"):
        assert part in said


def test_people_read_a_remedy_whole(toml: Path) -> None:
    assert "add it to [stores.uk.mappings.fees]" in run("uk", RICH, "--config", toml).stdout


def test_a_line_for_which_a_person_is_asked_is_said(toml: Path, tmp_path: Path) -> None:
    line = {**order_json("order_created_rich")["line_items"][0], "sku": ""}
    path = saved(tmp_path, line_items=[line])

    assert "has no SKU" in told("uk", path, "--config", toml)["refused"]


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"status": "pending"}, "[stores.uk.orders.statuses]"),
        ({"status": "cancelled"}, "nothing is sold"),
        ({"date_created_gmt": "2019-12-31T23:59:59"}, "before the start"),
    ],
    ids=["status", "closed", "start"],
)
def test_why_the_rules_are_not_followed_is_said(
    toml: Path, tmp_path: Path, changes: dict[str, Any], part: str
) -> None:
    assert part in told("uk", saved(tmp_path, **changes), "--config", toml)["but"][0]


def test_a_flow_that_is_not_on_is_said(toml: Path) -> None:
    toml.write_text(TOML.replace('orders = "on"', 'orders = "shadow"'), encoding="utf-8")

    assert "shadow" in told("uk", RICH, "--config", toml)["but"][0]


def test_an_order_of_a_status_that_is_not_imported_becomes_nothing(
    toml: Path, tmp_path: Path
) -> None:
    assert told("uk", saved(tmp_path, status="pending"), "--config", toml)["makes"] is None


def test_nothing_is_said_of_who_bought(toml: Path) -> None:
    billing = order_json("order_created_rich")["billing"]

    said = run("uk", RICH, "--config", toml, "--json").stdout
    assert billing["email"] not in said
    assert billing["last_name"] not in said


# --- where the order comes from -------------------------------------------------


def test_an_order_as_the_store_gives_it_is_read_too(toml: Path, tmp_path: Path) -> None:
    assert told("uk", saved(tmp_path), "--config", toml) == told("uk", RICH, "--config", toml)


@pytest.mark.parametrize("content", ["", "[]", '{"id": 1}', '{"body": "x"}', '{"body": "[]"}'])
def test_a_file_that_holds_no_order_is_said_so(toml: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")

    assert isinstance(run("uk", path, "--config", toml).exception, BadInputError)


def test_a_file_that_is_not_there_is_said_so(toml: Path, tmp_path: Path) -> None:
    error = run("uk", tmp_path / "none.json", "--config", toml).exception

    assert isinstance(error, BadInputError)
    assert "order's id" in str(error)


def test_a_store_that_is_not_there_is_said_with_those_that_are(toml: Path) -> None:
    error = run("us", RICH, "--config", toml).exception

    assert isinstance(error, BadInputError)
    assert "there are: uk" in str(error)


@pytest.mark.parametrize("content", [b"a =", b"\xff\xfe", None], ids=["wrong", "no text", "none"])
def test_rules_that_cannot_be_read_are_said_so(toml: Path, content: bytes | None) -> None:
    toml.unlink() if content is None else toml.write_bytes(content)

    assert isinstance(run("uk", RICH, "--config", toml).exception, BadInputError)


class _Store:
    """A store that holds one order, or does not answer."""

    def __init__(self, answer: dict[str, Any] | Exception | None) -> None:
        self._answer = answer

    def get_order(self, _: str) -> tuple[dict[str, Any], str] | None:
        if isinstance(self._answer, Exception):
            raise self._answer
        return None if self._answer is None else (self._answer, "digest")

    def order(self, document: dict[str, Any]) -> object:
        return from_wire(document, store="uk", vat_keys=["_billing_vat_number"], po_keys=[])


class _Links:
    def __init__(self, link: Link | None) -> None:
        self._link = link

    def get(self, _: Ref) -> Link | None:
        return self._link


Connected = Callable[..., None]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Connected:
    """A stack whose store gives ``answer``; what holds there is TOML."""

    def connect(answer: dict[str, Any] | Exception | None, link: Link | None = None) -> None:
        local = tmp_path / ".accord" / "local.json"
        local.parent.mkdir()
        local.write_text("{}", encoding="utf-8")
        monkeypatch.delenv("ACCORD_STAGE", raising=False)
        monkeypatch.setenv("ACCORD_CONFIG", "")
        monkeypatch.setattr(command, "REPO", tmp_path)
        monkeypatch.setattr(command, "connect", lambda _: None)
        monkeypatch.setattr(bootstrap, "config", lambda: check(TOML)[0])
        monkeypatch.setattr(bootstrap, "store", lambda _: _Store(answer))
        monkeypatch.setattr(bootstrap, "links", lambda: _Links(link))

    return connect


def test_an_id_is_read_from_the_store(connected: Connected) -> None:
    connected(order_json("order_created_rich"))

    assert told("uk", "30")["makes"] == "quotation"


def test_where_an_order_stands_already_is_said(connected: Connected) -> None:
    link = Link(Ref("uk", "order", "30"), "uk-30", 1, Ref("main", "sales_order", "5"), number="S5")
    connected(order_json("order_created_rich"), link)

    assert told("uk", "30")["stands"] == "S5 (main:sales_order:5)"


def test_an_order_that_the_store_does_not_have_is_said_so(connected: Connected) -> None:
    connected(None)

    result = run("uk", "30")
    assert (result.exit_code, "no order 30" in result.stderr) == (1, True)


def test_a_store_that_does_not_answer_is_said_so(connected: Connected) -> None:
    connected(UnavailableError("uk does not answer"))

    assert isinstance(run("uk", "30").exception, UnavailableError)


def test_where_no_stack_runs_it_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ACCORD_STAGE", raising=False)
    monkeypatch.setattr("accord.cli.connection.REPO", tmp_path)

    error = run("uk", "30").exception
    assert isinstance(error, BadInputError)
    assert "accord local" in str(error)
