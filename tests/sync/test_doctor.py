"""The doctor reads both sides whole, in bulk, and says too where it could not."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import UnauthorizedError, UnavailableError
from accord.local.world import World, hooked
from accord.ports.advice import Advice
from accord.rules.findings import Finding
from accord.sync.doctor import Doctor


def examine(
    world: World, hook: Callable[[str], None] = lambda _: None, **ports: Any
) -> list[Finding]:
    store = hooked(ports.get("store", world.store), "store", hook)
    erp = hooked(world.erp(), "erp", hook)
    return Doctor(
        name="uk",
        rules=world.rules,
        store=store,
        shop=store,
        erp=ports.get("erp", lambda: erp),
        clock=world.clock,
    ).examine()


def subjects(findings: list[Finding], topic: str) -> set[str]:
    return {each.subject for each in findings if each.topic == topic}


def test_products_and_variations_are_held_against_the_items(world: World) -> None:
    world.erp().add_item("MUG", price=Decimal(5))
    world.store.add_product("MUG")
    shirt = world.store.add_product("TEE", type="variable", quantity=None)
    world.store.add_product("TEE-S", parent=shirt, quantity=None)

    findings = examine(world)

    assert subjects(findings, "unknown_sku") == {"TEE-S"}


def test_webhooks_that_lack_are_told_with_their_address(world: World) -> None:
    findings = examine(world)

    assert {"order.created", "customer.updated"} <= subjects(findings, "webhooks")
    assert any("/stores/uk/webhooks" in each.remedy for each in findings)


def test_it_reads_only_and_in_bulk(world: World) -> None:
    world.erp().add_items([{"code": f"I-{n}"} for n in range(250)])
    for n in range(250):
        world.store.add_product(f"I-{n}")
    calls: list[str] = []

    examine(world, calls.append)

    made = [call.removeprefix("before ") for call in calls if call.startswith("before")]
    reading = {"store.setup", "store.list_products", "erp.item_ids", "erp.items"}
    assert {*made} <= reading
    assert len(made) <= 1 + 3 + 3 + 3


@pytest.mark.parametrize(
    ("error", "topic"),
    [
        (UnauthorizedError("401", connection="uk"), "key"),
        (UnavailableError("404", connection="uk"), "api"),
    ],
)
def test_a_store_that_cannot_be_read_is_the_finding(
    world: World, error: Exception, topic: str
) -> None:
    def fail(call: str) -> None:
        if call == "before store.setup":
            raise error

    (finding,) = examine(world, fail)

    assert (finding.severity, finding.topic) == ("error", topic)


def test_a_back_office_that_cannot_be_read_leaves_the_store_to_be_looked_at(world: World) -> None:
    world.store.add_product("", quantity=None)

    def refuse() -> Any:
        raise UnauthorizedError("no", connection="main")

    findings = examine(world, erp=refuse)

    assert {"erp", "no_sku", "webhooks"} <= {each.topic for each in findings}
    assert not subjects(findings, "unknown_sku")


def test_what_would_be_better_in_the_back_office_is_told(world: World) -> None:
    class Advising(type(world.erp())):  # type: ignore[misc]
        def advice(self) -> list[Advice]:
            return [Advice("prices", "Product Price", "prices are rounded", "keep more digits")]

    erp = world.erp()
    erp.__class__ = Advising

    findings = examine(world, erp=lambda: erp)

    assert subjects(findings, "prices") >= {"Product Price"}
