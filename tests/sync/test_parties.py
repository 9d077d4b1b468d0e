"""Account codes, and that no stranger and no second party comes of a failure."""

import copy
import datetime as dt
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from accord.erp.memory.faults import Fault
from accord.local.world import World
from accord.model.change import Change, Ref
from accord.model.party import Address, Party
from accord.sync.parties import account_code
from tests.conftest import order_json

RICH = order_json("order_created_rich")
MakeWorld = Callable[..., World]
PATTERNS = st.sampled_from(
    ["{name:4}{n:02}", "{name}{n}", "{store}-{n:05}", "C{n}", "{name:12}-{n}"]
)


def named(name: str) -> Party:
    return Party(name, "", "", "", "", None, Address(), Address())


@given(pattern=PATTERNS, name=st.text(), n=st.integers(1, 10**6))
def test_a_code_is_never_empty_and_always_ascii(pattern: str, name: str, n: int) -> None:
    code = account_code(pattern, named(name), store="uk", n=n)

    assert code
    assert code.isascii()
    assert code.isprintable()
    assert " " not in code


@given(pattern=PATTERNS, name=st.text(), ns=st.sets(st.integers(1, 10**6), min_size=2, max_size=2))
def test_another_number_is_another_code(pattern: str, name: str, ns: set[int]) -> None:
    first, second = (account_code(pattern, named(name), store="uk", n=n) for n in ns)

    assert first != second


@given(pattern=PATTERNS, name=st.text(), n=st.integers(1, 10**6))
def test_a_later_number_is_no_shorter(pattern: str, name: str, n: int) -> None:
    first, second = (account_code(pattern, named(name), store="uk", n=each) for each in (n, n + 1))

    assert len(second) >= len(first)


def test_the_example_of_the_rules() -> None:
    assert account_code("{name:4}{n:02}", named("Maria Jones"), store="uk", n=1) == "MARI01"
    assert account_code("{name:4}{n:02}", named("Zoë"), store="uk", n=2) == "ZOEX02"
    assert account_code("{name:4}{n:02}", named("李"), store="uk", n=3) == "XXXX03"


def stranger(world: World, code: str) -> None:
    document = {"name": "A stranger", "email": "", "vat_number": "", "addresses": []}
    world.books.call("create", {"kind": "party", "key": code, **document})


def test_a_stranger_who_has_the_code_already_is_not_taken_for_the_shopper(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    world.deliver(RICH)
    world.drain()
    (code,) = (party["key"] for party in world.books.parties())

    world = make_world()
    stranger(world, code)
    world.deliver(RICH)
    world.drain()

    (sale,) = world.books.sales()
    parties = {party["id"]: party["key"] for party in world.books.parties()}
    assert len(parties) == 2
    assert parties[sale["party"]] != code


def test_a_party_half_made_is_not_made_again_for_an_order_that_tells_more(
    make_world: MakeWorld,
) -> None:
    """The first order's create is finished late; the second knows the VAT number too."""
    faults = iter([Fault("late", dt.timedelta(seconds=20))])
    world = make_world(faults=lambda called: next(faults, None) if called == "create" else None)
    more = copy.deepcopy(RICH)
    more["id"], more["number"] = 31, "31"
    del more["_links"]
    vat = {"id": 1, "key": "_billing_vat_number", "value": "GB123456789"}
    plain = [meta for meta in RICH["meta_data"] if "vat" not in meta["key"]]
    more["meta_data"] = [*plain, vat]
    world.deliver({**RICH, "meta_data": plain})
    world.work()
    world.deliver(more)
    world.drain()

    assert len(world.books.sales()) == 2
    assert len(world.books.parties()) == 1


def test_an_order_refused_for_its_party_is_sold_once_a_person_has_merged_it(
    make_world: MakeWorld,
) -> None:
    """The back office takes no order of a party that was merged into another."""
    world = make_world()
    world.deliver(RICH)
    world.drain()
    (old,) = world.books.parties()
    world.books.call("archive", {"party": old["id"]})
    kept = world.books.call

    def call(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if operation == "create" and arguments.get("party") == old["id"]:
            return {"error": {"code": "rejected", "message": "its address is another party's"}}
        if operation == "get" and arguments == {"kind": "party", "id": old["id"]}:
            return {"record": None}
        return kept(operation, arguments)

    world.books.call = call  # type: ignore[method-assign]
    more = copy.deepcopy(RICH)
    more["id"], more["number"] = 31, "31"
    del more["_links"]
    world.deliver(more)
    world.drain()
    assert [item.reason for item in world.attention.open()] == ["rejected"]
    ref = Ref("uk", "order", "31")
    world.queue.put(Change(ref, "order_updated", world.clock(), "r", replay="kim"), sending="r")
    world.drain()

    assert len(world.books.sales()) == 2
