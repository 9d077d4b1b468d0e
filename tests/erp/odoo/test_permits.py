"""What Odoo's user may write, said before the first order; and when its key ends."""

import datetime as dt

import pytest

from accord.errors import UnauthorizedError
from accord.local.odoo import FakeOdoo
from accord.local.odoo.server import USER
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.sync.connecting import rights
from accord.sync.key_ends import KEY_NOTICE
from tests.erp.odoo.conftest import START, Clock, connected, furnished

ORDERS = frozenset({Kind.SALES_ORDER, Kind.PARTY, Kind.PAYMENT, Kind.CREDIT_NOTE})
RELEASES = pytest.mark.parametrize("version", [16, 17, 18, 19])
WITH_ENDS = pytest.mark.parametrize("version", [18, 19])


def found(odoo: FakeOdoo, writes: frozenset[Kind] = ORDERS) -> list[tuple[str, str, str]]:
    _, findings = rights("main", connected(odoo), now=START, writes=writes)
    told = [each for each in findings if each.topic in {"rights", "key"}]
    assert all(each.remedy for each in told)
    return [(each.severity, each.topic, each.subject) for each in told]


def key(odoo: FakeOdoo, name: str, ends: dt.datetime, user: int = USER, scope: str = "rpc") -> None:
    values = {"name": name, "scope": scope, "user_id": user}
    id_ = odoo.call("res.users.apikeys", "create", values)
    odoo.call("res.users.apikeys", "write", [id_], {"expiration_date": f"{ends:%Y-%m-%d %H:%M:%S}"})


# --- what may be written -------------------------------------------------------------------


@RELEASES
def test_nothing_lacks_where_all_may_be_written(clock: Clock, version: int) -> None:
    assert found(furnished(clock, version)) == []


@RELEASES
def test_a_user_without_an_address_is_an_error_wherever_something_is_booked(
    clock: Clock, version: int
) -> None:
    odoo = furnished(clock, version)
    odoo.database.user_has_email = False

    assert found(odoo) == [("error", "rights", "connector")]
    assert found(odoo, frozenset({Kind.PARTY})) == []


@RELEASES
def test_a_model_that_may_not_be_written_is_an_error_for_the_flows_that_write_it(
    clock: Clock, version: int
) -> None:
    odoo = furnished(clock, version)
    odoo.database.denied = {("account.payment", "create"), ("product.template", "write")}

    assert found(odoo) == [("error", "rights", "account.payment")]
    assert found(odoo, frozenset({Kind.ITEM})) == [("error", "rights", "product.template")]
    assert found(odoo, frozenset()) == []


@RELEASES
def test_to_ask_writes_nothing_and_what_is_denied_is_refused(clock: Clock, version: int) -> None:
    odoo = furnished(clock, version)
    odoo.database.denied = {("res.partner", "write")}
    odoo.calls.clear()

    found(odoo)

    asked = {call.rpartition(".")[2] for call in odoo.calls}
    assert asked <= {"search_read", "fields_get", "check_access_rights", "has_access"}
    with pytest.raises(UnauthorizedError, match="not allowed to write"):
        connected(odoo).archive(Ref("main", Kind.PARTY, "1"))


# --- when the key ends -----------------------------------------------------------------------


@WITH_ENDS
@pytest.mark.parametrize(
    ("left", "severity"),
    [(KEY_NOTICE - dt.timedelta(hours=1), "warning"), (KEY_NOTICE * 2, "note")],
)
def test_the_first_key_of_its_own_to_end_is_told_of(
    clock: Clock, version: int, left: dt.timedelta, severity: str
) -> None:
    odoo = furnished(clock, version)
    key(odoo, "later", START + 5 * KEY_NOTICE)
    key(odoo, "ours", START + left)
    key(odoo, "the one before", START - KEY_NOTICE)
    key(odoo, "of a browser", START, scope="browser")
    key(odoo, "somebody's", START, user=odoo.call("res.users", "create", {"login": "anna"}))

    _, (finding,) = rights("main", connected(odoo), now=START)

    assert (finding.severity, finding.topic) == (severity, "key")
    assert f"'ours' ends on {(START + left).day} {START + left:%B %Y}" in finding.what
    assert "accord connect main" in finding.remedy


def test_up_to_17_no_key_ends(odoo: FakeOdoo) -> None:
    assert connected(odoo).ends() is None


@WITH_ENDS
def test_a_key_without_an_end_is_not_told_of(clock: Clock, version: int) -> None:
    odoo = furnished(clock, version)
    odoo.call("res.users.apikeys", "create", {"name": "ours", "scope": "rpc", "user_id": USER})

    assert connected(odoo).ends() is None
