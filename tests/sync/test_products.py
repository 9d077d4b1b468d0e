"""The store tells of its products: our own writes end there, corrections are told, items made."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from accord.errors import RejectedError, TransientError, UnsupportedError, WaitingError
from accord.local.world import KilledError
from accord.model.change import Change, Ref
from accord.model.item import Item
from accord.ports.levels import Place
from accord.state.memory import MemoryPayloads, MemoryWaiting
from accord.sync.outcome import Done, Listed, Shadowed, Skipped, Told
from accord.sync.product_echo import QUIET
from accord.sync.worker import TRIES, WAKE, Worker
from tests.sync.shopfront import MINUTE, UK, Shopfront

PRICE: dict[str, Any] = {"regular": "12.50", "sale": None, "bands": {}}


def shown(quantity: int = 50, **tables: Any) -> Shopfront:
    """A store that shows a mug as it was sent."""
    front = Shopfront(**tables)
    front.shop.add_product("MUG")
    front.observe("MUG", quantity)
    front.want("price", {"MUG": PRICE})
    front.flush()
    front.flush("price")
    front.clock.now += 2 * QUIET
    front.told.clear()
    return front


def later(front: Shopfront, sku: str = "MUG", **more: Any) -> Done:
    """The same change comes again when the orders have had their time."""
    seen_at = front.clock()
    front.clock.now += QUIET
    return front.hear(sku, attempt=2, seen_at=seen_at, **more)


def reasons(done: Done) -> list[tuple[str, str]]:
    return [(ask.reason, ask.owner) for ask in done.asks]


# --- echoes -----------------------------------------------------------------------------


def test_our_own_writes_come_back_and_end_there() -> None:
    front = Shopfront()
    skus = [f"S{number}" for number in range(20)]
    for sku in skus:
        front.shop.add_product(sku)
    front.stock(dict.fromkeys(skus, 30))
    front.want("price", dict.fromkeys(skus, PRICE))
    front.flush()
    front.flush("price")
    front.told.clear()
    front.stock(dict.fromkeys(skus, 40))
    front.flush()

    assert len(front.told) == 20
    for _, body in front.told:
        done = front.tell(str(body["id"]), document=body)
        assert done == Done(Skipped("our own write"), settles=True)
        assert not front.calls
    assert front.levels.count_dirty(UK, "stock") == 0
    assert not front.queued()


def test_a_body_of_before_our_newest_write_is_read_anew() -> None:
    front = shown(50)
    old = front.product("MUG")
    front.stock({"MUG": 40})
    front.flush()
    assert front.tell(str(old["id"]), document=old).outcome == Skipped("our own write")


def test_an_echo_that_is_faster_than_our_memory_ends_too() -> None:
    front = shown(50)
    front.stock({"MUG": 40})
    front.shop.set_stock("MUG", 40)  # written, and not remembered yet
    assert front.hear("MUG").outcome == Skipped("something newer is on its way")


def test_a_sale_whose_order_is_known_is_no_correction() -> None:
    front = shown(50)
    front.shop.sell({"MUG": 2})
    front.order_known("MUG", 2)
    assert front.hear("MUG").outcome == Skipped("our own write")


# --- corrections --------------------------------------------------------------------------


def test_a_sale_whose_order_is_not_known_yet_is_looked_at_again() -> None:
    front = shown(50)
    front.shop.sell({"MUG": 2})
    with pytest.raises(TransientError) as raised:
        front.hear("MUG")
    assert raised.value.retry_after == 10


def looks(front: Shopfront) -> tuple[list[float], Done]:
    """The waits between the looks at one change, and what came of the last one."""
    seen_at, waits = front.clock(), list[float]()
    for attempt in range(1, TRIES):
        try:
            return waits, front.hear("MUG", attempt=attempt, seen_at=seen_at)
        except TransientError as error:
            waits.append(error.retry_after or 0)
            front.clock.now += dt.timedelta(seconds=waits[-1])
    return waits, front.hear("MUG", attempt=TRIES, seen_at=seen_at)


def test_a_sale_ends_with_the_first_look_after_its_order_is_known() -> None:
    front = shown(50)
    front.shop.sell({"MUG": 2})
    with pytest.raises(TransientError):
        front.hear("MUG")
    front.order_known("MUG", 2)
    waits, done = looks(front)
    assert not waits
    assert done.outcome == Skipped("our own write")


@pytest.mark.parametrize("ahead_s", [0, 60, 300])
def test_a_correction_is_told_by_the_last_look_though_the_stores_clock_is_fast(
    ahead_s: int,
) -> None:
    front = shown(50)
    front.clock.now += dt.timedelta(seconds=ahead_s)  # the store's clock, when it was touched
    front.shop.set_stock("MUG", 40)
    front.clock.now -= dt.timedelta(seconds=ahead_s)
    waits, done = looks(front)
    assert waits[:2] == [10, 30]
    assert sum(waits) >= QUIET.total_seconds() + ahead_s
    assert reasons(done) == [("stock_corrected", "warehouse")]


def test_a_cancelled_orders_pieces_are_no_correction_either() -> None:
    front = shown(50)
    order = front.shop.sell({"MUG": 2})
    front.order_known("MUG", 2)
    front.stock({"MUG": 48})
    front.shop.set_status(order, "cancelled")
    with pytest.raises(TransientError):
        front.hear("MUG")


@pytest.mark.parametrize("quantity", [40, 60])
def test_a_correction_by_hand_is_told_to_the_warehouse(quantity: int) -> None:
    front = shown(50)
    front.shop.set_stock("MUG", quantity)
    done = later(front)
    assert reasons(done) == [("stock_corrected", "warehouse")]
    assert f"the store shows {quantity} pieces, and 50 are right" in str(done.asks[0])
    assert "main owns the stock" in str(done.asks[0])
    assert front.shop.stock_of("MUG") == quantity


@pytest.mark.parametrize("near", [0, 100])
def test_by_rule_it_is_written_over(near: int) -> None:
    front = shown(50, stock={"corrections": "overwrite", "near": near})
    front.shop.set_stock("MUG", 40)
    done = later(front)
    assert not done.asks
    assert [change.ref for change in front.queued()] == [Ref(UK, "levels", "stock")]
    front.flush()
    assert front.shop.stock_of("MUG") == 50


def test_a_person_who_replays_the_report_has_it_written_over() -> None:
    front = shown(50)
    front.shop.set_stock("MUG", 40)
    front.clock.now += QUIET
    later(front, replay="olivia")
    front.flush()
    assert front.shop.stock_of("MUG") == 50


def test_the_report_is_closed_once_the_store_shows_what_was_sent() -> None:
    front = shown(50)
    worker = Worker(
        waiting=MemoryWaiting(),
        attention=front.attention,
        payloads=MemoryPayloads(),
        clock=front.clock,
        random=Random(1),
        rules_version=lambda: "1",
    )
    change = Change(
        Ref(UK, "product", str(front.product("MUG")["id"])), "product_updated", front.clock(), "x"
    )

    front.shop.set_stock("MUG", 40)
    front.clock.now += QUIET
    worker.handle(change, front.run(), lambda _: front.products())
    assert [item.reason for item in front.open()] == ["stock_corrected"]

    front.clock.now += MINUTE
    front.stock({"MUG": 30})
    front.flush()
    worker.handle(change, front.run(), lambda _: front.products())
    assert not front.open()


def test_what_wake_sends_again_is_only_told() -> None:
    front = shown(50)
    front.shop.set_stock("MUG", 40)
    assert reasons(later(front, replay=WAKE)) == [("stock_corrected", "warehouse")]


def test_a_product_that_no_longer_counts_is_told_at_once() -> None:
    front = shown(50)
    front.shop.edit_product("MUG", manage_stock=False)
    assert reasons(front.hear("MUG")) == [("stock_corrected", "warehouse")]


def test_a_product_that_goes_on_moving_is_left_to_its_next_change() -> None:
    front = shown(50)
    seen_at = front.clock()
    for attempt in range(1, TRIES):
        front.clock.now += QUIET
        front.shop.sell({"MUG": 1})
        with pytest.raises(TransientError):
            front.hear("MUG", attempt=attempt, seen_at=seen_at)
    front.clock.now += QUIET
    front.shop.sell({"MUG": 1})
    outcome = front.hear("MUG", attempt=TRIES, seen_at=seen_at).outcome
    assert isinstance(outcome, Skipped)


def test_a_price_changed_by_hand_is_told() -> None:
    front = shown()
    front.shop.set_price("MUG", "11.00")
    done = front.hear("MUG")
    assert reasons(done) == [("price_corrected", "commerce")]
    assert "the price is 11.00, not 12.50" in str(done.asks[0])


def test_by_the_same_rule_it_is_written_over() -> None:
    front = shown(stock={"corrections": "overwrite"})
    front.shop.set_price("MUG", "11.00")
    front.hear("MUG")
    front.flush("price")
    assert front.product("MUG")["regular_price"] == "12.50"


def test_a_price_that_was_never_sent_is_the_shops() -> None:
    front = Shopfront()
    front.shop.add_product("MUG", price="3.00")
    assert front.hear("MUG").asks == ()


def test_shadow_tells_and_writes_nothing() -> None:
    front = shown(50)
    front.rules = Shopfront(
        flows={"stock": "shadow", "prices": "shadow", "products": "shadow"}
    ).rules
    front.shop.set_price("MUG", "11.00")
    outcome = front.hear("MUG").outcome
    assert outcome == Shadowed("price: the price is 11.00, not 12.50")
    assert front.levels.count_dirty(UK, "price") == 0


def test_off_does_nothing() -> None:
    front = Shopfront(flows={"stock": "off", "prices": "off", "products": "off"})
    front.shop.add_product("MUG")
    assert front.hear("MUG").outcome == Skipped("the flow is off")


def test_off_keeps_what_a_person_asked_for() -> None:
    front = Shopfront(flows={"stock": "off", "prices": "off", "products": "off"})
    front.shop.add_product("MUG")
    with pytest.raises(WaitingError):
        front.hear("MUG", replay="olivia")


# --- places --------------------------------------------------------------------------------


def test_a_new_product_gets_what_was_waiting_for_it() -> None:
    front = Shopfront()
    front.stock({"MUG": 50})
    front.flush()
    front.shop.add_product("MUG")
    assert front.hear("MUG", topic="product.created").outcome == Told("where MUG is")
    assert [change.event for change in front.queued()] == ["stock_changed"]
    front.flush()
    assert front.shop.stock_of("MUG") == 50


def test_a_sku_of_nobodys_is_only_remembered() -> None:
    front = Shopfront()
    id_ = front.shop.add_product("OTHER")
    front.hear("OTHER")
    assert front.level("OTHER").place == Place(id_)
    assert not front.queued()


def test_a_variation_is_remembered_with_its_parent() -> None:
    front = Shopfront()
    parent = front.shop.add_product("TEE", quantity=None, type="variable")
    id_ = front.shop.add_product("TEE-S", parent=parent)
    front.hear("TEE-S")
    assert front.level("TEE-S").place == Place(id_, parent)


def test_a_product_without_sku_is_nobodys() -> None:
    front = Shopfront()
    id_ = front.shop.add_product("")
    assert front.tell(id_).outcome == Skipped("it has no SKU")


def test_a_product_in_the_trash_is_told_and_forgotten() -> None:
    front = shown()
    id_ = str(front.product("MUG")["id"])
    front.shop.trash_product("MUG")
    done = front.tell(id_)
    assert reasons(done) == [("product_deleted", "commerce")]
    assert front.level("MUG").place is None


def test_a_restored_one_is_sent_what_it_missed() -> None:
    front = shown(50)
    id_ = front.product("MUG")["id"]
    front.shop.trash_product("MUG")
    front.tell(str(id_))
    front.stock({"MUG": 30})
    front.flush()
    front.shop.shop.shelf.restore(id_)
    front.tell(str(id_))
    front.flush()
    assert front.shop.stock_of("MUG") == 30


def test_a_deleted_page_is_no_product() -> None:
    front = shown()
    done = front.tell("4711")
    assert done == Done(Skipped("the store has no such product"), settles=True)


# --- the store leads -------------------------------------------------------------------------

LEADS: dict[str, Any] = {
    "catalogue": {"owner": "store", "tax_classes": {"VAT 20%": "", "VAT 5%": "reduced-rate"}},
    "flows": {"stock": "off", "prices": "off", "products": "on"},
}
_FIELDS: dict[str, Any] = {"name": "Mug", "status": "publish", "description": "It holds tea."}


def leading(sku: str = "MUG", **fields: Any) -> Shopfront:
    front = Shopfront(**LEADS)
    front.shop.add_product(sku, **{**_FIELDS, **fields})
    return front


def item(front: Shopfront, code: str) -> Item | None:
    id_ = front.erp.find_items([code]).get(code)
    return front.erp.items([id_])[0] if id_ else None


def test_a_published_product_becomes_an_item() -> None:
    front = leading(weight="0.35", global_unique_id="4006381333931")
    assert isinstance(front.hear("MUG").outcome, Listed)
    made = item(front, "MUG")
    assert made is not None
    assert (made.name, made.weight, made.gtin) == ("Mug", Decimal("0.35"), "4006381333931")
    assert made.taxes == ("VAT 20%",)
    assert made.goods


def test_its_price_goes_without_tax() -> None:
    front = leading(price="12.00")
    front.hear("MUG")
    id_ = front.erp.find_items(["MUG"])["MUG"]
    (price,) = front.erp.prices([id_], [], currency="GBP")
    assert price.base == Decimal("12.00")


def test_a_price_with_tax_is_brought_to_one_without() -> None:
    front = leading(price="12.00")
    prices = front.rules.prices.model_copy(update={"include_tax": True})
    front.rules = front.rules.model_copy(update={"prices": prices})
    front.hear("MUG")
    id_ = front.erp.find_items(["MUG"])["MUG"]
    (price,) = front.erp.prices([id_], [], currency="GBP")
    assert price.base == Decimal("10")


def test_nothing_is_sent_back() -> None:
    front = leading()
    front.told.clear()
    front.hear("MUG")
    assert not front.told
    assert not front.queued()


def test_the_same_again_costs_the_back_office_nothing() -> None:
    front = leading()
    front.hear("MUG")
    front.hook = lambda call: pytest.fail(call) if "erp." in call else None
    assert front.hear("MUG").outcome == Skipped("nothing changed that the back office keeps")


def test_a_change_is_told_to_the_same_item() -> None:
    front = leading()
    front.hear("MUG")
    front.clock.now += MINUTE
    front.shop.edit_product("MUG", name="Large mug")
    front.hear("MUG")
    changed = item(front, "MUG")
    assert changed is not None
    assert changed.name == "Large mug"
    assert len(front.erp.item_ids()) == 1


def test_a_late_delivery_does_not_bring_the_old_name_back() -> None:
    front = leading()
    old = front.product("MUG")
    front.clock.now += MINUTE
    front.shop.edit_product("MUG", name="Large mug")
    front.hear("MUG")
    assert front.tell(str(old["id"]), document=old).outcome == Skipped("seen before")


def test_an_item_that_is_there_is_linked() -> None:
    front = leading()
    front.erp.add_item("MUG", name="Old name")
    assert isinstance(front.hear("MUG").outcome, Listed)
    linked = item(front, "MUG")
    assert linked is not None
    assert linked.name == "Mug"
    assert len(front.erp.item_ids()) == 1


@pytest.mark.parametrize("status", ["draft", "pending", "private"])
def test_what_is_not_published_is_left_alone(status: str) -> None:
    front = leading(status=status)
    front.hear("MUG")
    assert item(front, "MUG") is None


def test_variations_are_items_and_their_parent_is_not() -> None:
    front = Shopfront(**LEADS)
    parent = front.shop.add_product("TEE", quantity=None, type="variable", **_FIELDS)
    front.shop.add_product("TEE-S", parent=parent)
    front.hear("TEE")
    front.hear("TEE-S")
    assert item(front, "TEE") is None
    assert item(front, "TEE-S") is not None


def test_another_sku_is_another_item() -> None:
    front = leading()
    front.hear("MUG")
    front.clock.now += MINUTE
    front.shop.shop.shelf.update(front.product("MUG")["id"], {"sku": "CUP"})
    front.hear("CUP")
    assert {code for code in ("MUG", "CUP") if item(front, code)} == {"MUG", "CUP"}


def test_an_item_that_was_renumbered_is_not_taken_for_the_one_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    front = leading()
    front.hear("MUG")
    product = front.product("MUG")["id"]
    front.clock.now += MINUTE
    front.shop.shop.shelf.update(product, {"sku": "CUP"})
    front.hear("CUP")
    renumbered = replace(item(front, "MUG"), code="OLD")  # type: ignore[type-var]
    monkeypatch.setattr(front.erp, "find_items", lambda _: {"OLD": renumbered.ref.id})
    monkeypatch.setattr(front.erp, "items", lambda _: [renumbered])
    monkeypatch.setattr(front.erp, "update_item", lambda *_: pytest.fail("another item was told"))
    front.clock.now += MINUTE
    front.shop.shop.shelf.update(product, {"sku": "MUG"})

    with pytest.raises(RejectedError, match="is OLD now; give it MUG back"):
        front.hear("MUG")


def test_a_virtual_product_is_a_service() -> None:
    front = leading(virtual=True, quantity=None)
    front.hear("MUG")
    made = item(front, "MUG")
    assert made is not None
    assert not made.goods


def test_killed_anywhere_the_item_is_there_once() -> None:
    fatal, ended = 0, False
    while not ended:
        front = leading()
        left = [fatal]

        def kill(call: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise KilledError(call)

        front.hook = kill
        try:
            front.hear("MUG")
            ended = True
        except KilledError:
            fatal += 1
        front.hook = lambda _: None
        for attempt in (2, 3):  # the store's and the back office's time to settle
            front.clock.now += dt.timedelta(minutes=3)
            try:
                front.hear("MUG", attempt=attempt)
            except TransientError:
                continue
        assert len(front.erp.item_ids()) == 1, f"killed at call {fatal}"
        made = item(front, "MUG")
        assert made is not None
        assert made.name == "Mug"
    assert fatal > 10


def test_shadow_makes_no_item() -> None:
    front = leading()
    front.rules = Shopfront(
        **{**LEADS, "flows": {"stock": "off", "prices": "off", "products": "shadow"}}
    ).rules
    assert front.hear("MUG").outcome == Shadowed("would make item MUG")
    assert item(front, "MUG") is None


def test_a_back_office_that_takes_no_items_is_a_persons() -> None:
    front = leading()
    duplicates = {
        kind: word for kind, word in front.erp.capabilities.duplicates.items() if kind != "item"
    }
    front.erp.capabilities = type(front.erp.capabilities)(  # type: ignore[misc]
        **{
            **{
                name: getattr(front.erp.capabilities, name)
                for name in front.erp.capabilities.__dataclass_fields__
            },
            "duplicates": duplicates,
        }
    )
    with pytest.raises(UnsupportedError):
        front.hear("MUG")
