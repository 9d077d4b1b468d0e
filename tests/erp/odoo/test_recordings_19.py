"""The stand-in's release 19 answers what a real 19.0 was asked, in its shape and with its values.

``day.py`` is what was done, over JSON-2 and over JSON-RPC; ``record.py`` wrote it down.
"""

import functools
import json
from typing import Any

import pytest

from accord.local.odoo.schema import models
from tests.erp.odoo.record import APIS, FOLDER
from tests.erp.odoo.replaying import Replay, paired
from tests.erp.odoo.shapes import differences

_SAME = (
    "active",
    "amount_tax",
    "amount_total",
    "amount_untaxed",
    "carrier_tracking_ref",
    "client_order_ref",
    "default_code",
    "delivery_status",
    "display_type",
    "free_qty",
    "invoice_status",
    "lst_price",
    "move_type",
    "origin",
    "payment_state",
    "payment_type",
    "phone",
    "picking_type_code",
    "product_uom_qty",
    "qty_available",
    "quantity",
    "ref",
    "state",
    "type",
)
"""Fields whose value is Odoo's decision, or what it made of ours."""


@functools.cache
def recorded(api: str) -> list[dict[str, Any]]:
    text = (FOLDER / f"{api}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def named(each: dict[str, Any]) -> str:
    if "desk" in each:
        return "desk " + ".".join(each["desk"][:2])
    if each["path"] == "/jsonrpc":
        params = each["request"]["params"]
        if params["service"] == "object":
            return ".".join(params["args"][3:5])
        return f"{params['service']}.{params['method']}"
    return ".".join(each["path"].split("/")[-2:])


EXCHANGES = {
    f"{api} {n:03} {named(each)}": (api, n) for api in APIS for n, each in enumerate(recorded(api))
}


@pytest.fixture(scope="module")
def answers() -> dict[str, list[tuple[int, Any]]]:
    """What the stand-in answered to each, in their order."""
    found = {}
    for api in APIS:
        replay = Replay()
        found[api] = [replay.answered(each) for each in recorded(api)]
    return found


_OWN = {
    ("account.payment.register", "move_ids"),  # the real one keeps their lines
    ("product.template", "attribute_line_ids"),  # of a model that is not played
    ("res.users.apikeys", "write_date"),  # the real one is never written
    ("res.company", "lock_confirmed"),  # a setting of sales there
    ("stock.move", "reserved"),
    ("stock.picking", "warehouse_id"),
}
"""What the stand-in keeps for itself, or otherwise; nobody asks for it."""
_UNRECORDED = {"res.users", "res.users.apikeys"}
"""Models that came after the recording: the next run of ``record`` has them."""
_TYPES = {
    "binary": "char",
    "html": "char",
    "many2one_reference": "integer",
    "monetary": "float",
    "selection": "char",
    "text": "char",
}
_PRINTED = {"datetime": "char", "one2many": "many2many"}
"""Types that read alike."""


def test_every_field_is_one_of_odoos_own_and_of_its_type() -> None:
    real = json.loads((FOLDER / "fields.json").read_text(encoding="utf-8"))
    wrong = []
    for model, of_model in models(19).items():
        if model in _UNRECORDED - real.keys():
            continue
        for name, field in of_model.fields.items():
            theirs = real[model].get(name)
            if (model, name) in _OWN:
                continue
            if theirs is None:
                wrong.append(f"{model} has no {name}")
                continue
            type_ = _TYPES.get(theirs["type"], theirs["type"])
            if field.type not in {type_, _PRINTED.get(type_)}:
                wrong.append(f"{model}.{name} is {theirs['type']}")
            if field.of and theirs.get("relation") != field.of:
                wrong.append(f"{model}.{name} points to {theirs.get('relation')}")
            if field.digits is not None and bool(theirs.get("digits")) != bool(field.digits):
                wrong.append(f"{model}.{name} has digits {theirs.get('digits')}")

    assert wrong == []


@pytest.mark.parametrize("name", EXCHANGES)
def test_the_answer_is_as_the_real_one(
    answers: dict[str, list[tuple[int, Any]]], name: str
) -> None:
    api, n = EXCHANGES[name]
    real, (status, ours) = recorded(api)[n], answers[api][n]

    assert status == real.get("status", 200)
    theirs = real["response"]
    if name.endswith(".fields_get"):
        assert bare(theirs).keys() & bare(ours).keys()  # which fields.json says more of
        return
    assert list(differences(theirs, ours, "")) == []
    assert list(unlike(bare(theirs), bare(ours), named(real))) == []


def bare(answer: Any) -> Any:
    """Without the envelope of JSON-RPC: what it returned, or what the error is."""
    if not isinstance(answer, dict) or "jsonrpc" not in answer:
        return answer
    if "error" in answer:
        return {**answer["error"]["data"], "code": answer["error"]["code"]}
    return answer.get("result")


_FULL = ("account.tax", "product.category", "product.pricelist", "res.currency")
"""Models of which a new database has records of its own."""


def unlike(real: Any, ours: Any, call: str) -> Any:
    """Rows that lack, values that differ, and errors of another class."""
    if isinstance(real, list) and isinstance(ours, list) and real and isinstance(real[0], dict):
        if len(real) != len(ours) and not call.startswith(_FULL):
            yield f"{len(ours)} records instead of {len(real)}"
        for one, other in paired(real, ours):
            for name in one.keys() & other.keys() & {*_SAME}:
                if one[name] != other[name]:
                    yield f"{name}: {other[name]!r} instead of {one[name]!r}"
    elif isinstance(real, dict) and isinstance(ours, dict) and "arguments" in real:
        if real.get("code") != ours.get("code"):
            yield f"code {ours.get('code')} instead of {real.get('code')}"
        if real["name"] != ours["name"]:
            yield f"{ours['name']} instead of {real['name']}"
