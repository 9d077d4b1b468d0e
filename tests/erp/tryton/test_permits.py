"""What Tryton's user may write, said before the first order."""

from typing import Any

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import UnavailableError
from accord.local.tryton import TrytonServer
from accord.model.documents import Kind
from tests.erp.tryton.orders import CONTEXT
from tests.erp.tryton.test_reading_failures import Scripted, connected

ALL = {"read": 1, "write": 1, "create": 1, "delete": 1}


def scripted(answer: Any) -> Tryton:
    return connected(Scripted(model_ir_model_access_get_access=[answer]))


def test_what_may_not_be_made_or_changed_is_named_and_nothing_else() -> None:
    erp = scripted({"sale.sale": ALL, "sale.line": {**ALL, "write": 0, "create": 0, "delete": 0}})

    (found,) = erp.lacks({Kind.SALES_ORDER})

    assert (found.topic, found.subject) == ("rights", "sale.line")
    assert "create or write" in found.what


def test_nothing_is_asked_for_what_is_not_written() -> None:
    assert scripted(UnavailableError("not asked")).lacks({Kind.SHIPMENT}) == []


@pytest.mark.tryton
def test_a_server_says_it_of_a_user_of_fewer_groups(server: TrytonServer, erp: Tryton) -> None:
    every = set(Kind)
    assert erp.lacks(every) == []
    administrator = server.administrator()

    def do(method: str, *args: Any) -> Any:
        return administrator.call(f"model.{method}", *args, context=CONTEXT)

    values = {"model": "account.move", "perm_read": True, "perm_write": False}
    held = do("ir.model.access.search", [["model", "=", "account.move"]], 0, None, None)
    do("ir.model.access.write", held, {"active": False})
    (made,) = do("ir.model.access.create", [{**values, "perm_create": False}])
    try:
        assert [each.subject for each in erp.lacks({Kind.PAYMENT})] == [
            "account.move",
            "account.move.line",  # which goes with it
        ]
    finally:
        do("ir.model.access.delete", [made])
        do("ir.model.access.write", held, {"active": True})
