"""What may be sold goes to the store in batches, and what it sold meanwhile is not sold twice."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.errors import BusyError, UnavailableError
from accord.local.world import KilledError
from accord.model.change import Change, Ref
from accord.ports.levels import UNKNOWN_FOR, Level
from accord.sync.flush_stock import unknown_sales
from accord.sync.outcome import Shadowed, Skipped
from accord.sync.pace import Tried
from tests.sync.conftest import START
from tests.sync.shopfront import MINUTE, UK, Shopfront


def stocked(quantity: int = 50, *skus: str, **tables: Any) -> Shopfront:
    """A store that shows ``quantity`` of each SKU, as it was sent."""
    front = Shopfront(**tables)
    for sku in skus or ("MUG",):
        front.shop.add_product(sku)
        front.observe(sku, quantity)
    front.flush()
    return front


def test_the_store_shows_what_may_be_sold() -> None:
    front = stocked(50)
    assert front.shop.stock_of("MUG") == 50
    assert front.levels.count_dirty(UK, "stock") == 0


def test_two_thousand_simple_skus_are_twenty_calls() -> None:
    front = Shopfront()
    skus = [f"S{number:05}" for number in range(2_000)]
    for sku in skus:
        front.shop.add_product(sku)
    front.stock(dict.fromkeys(skus, 20))
    front.flush_all()

    front.stock(dict.fromkeys(skus, 30))
    front.flush_all()
    assert front.calls == {"write_products": 20}


def test_variations_of_one_parent_are_one_call() -> None:
    front = Shopfront()
    skus = []
    for family in range(30):
        parent = front.shop.add_product(f"TEE{family}", quantity=None, type="variable")
        for size in range(10):
            skus.append(f"TEE{family}-{size}")
            front.shop.add_product(skus[-1], parent=parent)
    front.stock(dict.fromkeys(skus, 20))
    front.flush()

    assert front.calls["write_products"] == 30
    assert {front.shop.stock_of(sku) for sku in skus} == {20}


def test_nothing_to_send_asks_the_store_nothing() -> None:
    front = stocked(50)
    assert front.post().outcome == Skipped("all is sent")
    assert not front.calls


def test_a_variation_whose_parent_counted_counts_for_itself() -> None:
    front = Shopfront()
    parent = front.shop.add_product("TEE", quantity=9, type="variable")
    front.shop.add_product("TEE-S", parent=parent, quantity=None)
    front.stock({"TEE-S": 20})
    front.flush()
    assert front.shop.stock_of("TEE-S") == 20


def test_the_backorder_rule_goes_with_the_quantity() -> None:
    front = Shopfront()
    front.shop.add_product("MUG")
    front.stock({"MUG": 20}, backorders="notify")
    front.flush()
    assert front.product("MUG")["backorders"] == "notify"


def test_a_backorder_setting_that_no_rule_names_is_left() -> None:
    front = Shopfront()
    front.shop.add_product("MUG", backorders="yes")
    front.stock({"MUG": 20})
    front.flush()
    assert front.product("MUG")["backorders"] == "yes"


# --- what the store sold and we do not know of --------------------------------------


def test_a_sale_that_is_not_known_yet_is_not_sold_again() -> None:
    front = stocked(3)
    front.shop.sell({"MUG": 1})
    front.observe("MUG", 4)
    outcome = front.flush()
    assert front.shop.stock_of("MUG") == 3
    assert outcome.unknown == 1


def test_it_stays_subtracted_until_its_order_is_known() -> None:
    front = stocked(3)
    front.shop.sell({"MUG": 1})
    for quantity in (4, 5, 4):
        front.observe("MUG", quantity)
        front.flush()
        assert front.shop.stock_of("MUG") == quantity - 1


def test_once_its_order_is_known_it_is_subtracted_once() -> None:
    front = stocked(3)
    front.shop.sell({"MUG": 1})
    front.observe("MUG", 4)
    front.flush()

    front.order_known("MUG", 1)
    front.stock({"MUG": 3})  # 4 less what the order claims
    front.post()
    assert front.shop.stock_of("MUG") == 3


def test_what_is_subtracted_is_not_sent_again_with_each_look() -> None:
    front = stocked(3)
    front.shop.sell({"MUG": 1})
    front.observe("MUG", 4)
    front.flush()
    front.observe("MUG", 4)
    assert front.post().outcome == Skipped("all is sent")


def test_a_look_after_a_while_finds_it_anew() -> None:
    front = stocked(3)
    front.shop.set_stock("MUG", 2)
    front.observe("MUG", 4)
    front.flush()
    front.clock.now += UNKNOWN_FOR
    front.observe("MUG", 4)
    front.flush()
    assert front.shop.stock_of("MUG") == 4


def test_an_order_that_became_known_after_the_number_was_computed_counts() -> None:
    front = stocked(1)
    front.observe("MUG", 2)
    front.shop.sell({"MUG": 1})
    front.order_known("MUG", 1)  # and nobody computed anew
    front.flush()
    assert front.shop.stock_of("MUG") == 1


def test_what_nobody_knows_of_is_somebody_elses_after_a_while() -> None:
    front = stocked(3)
    front.shop.set_stock("MUG", 2)
    front.observe("MUG", 4)
    front.flush()
    assert front.shop.stock_of("MUG") == 3

    front.clock.now += UNKNOWN_FOR
    front.observe("MUG", 5)
    front.flush()
    assert front.shop.stock_of("MUG") == 5


def test_far_from_zero_the_store_is_not_read() -> None:
    front = stocked(50)
    front.observe("MUG", 40)
    front.flush()
    assert front.calls == {"write_products": 1}


def test_near_zero_a_hundred_products_are_read_by_one_call() -> None:
    skus = [f"S{number}" for number in range(100)]
    front = stocked(5, *skus)
    front.stock(dict.fromkeys(skus, 4))
    front.flush()
    assert front.calls == {"products_of": 1, "write_products": 1}


def test_what_the_store_shows_already_is_not_written() -> None:
    front = stocked(5)
    front.shop.sell({"MUG": 1})
    front.order_known("MUG", 1)
    front.levels.resend(UK, "stock", ["MUG"])
    front.stock({"MUG": 4})
    front.flush()
    assert front.calls == {"products_of": 1}
    assert front.level("MUG").sent == {"quantity": 4}


def test_the_window_in_which_it_may_be_oversold_is_measured() -> None:
    front = stocked(5)
    front.shop.shop.latency = type(front.shop.shop.latency)(call_s=2.0)
    front.observe("MUG", 4)
    assert front.flush().window == dt.timedelta(seconds=2)


@pytest.mark.parametrize("took_effect", [True, False])
@pytest.mark.parametrize(("before", "wanted"), [(9, 4), (4, 9)])
def test_a_batch_that_was_not_answered_is_not_taken_for_sales(
    before: int, wanted: int, *, took_effect: bool
) -> None:
    front = stocked(before)
    front.observe("MUG", wanted)
    fails = iter([True])

    def lose(call: str) -> None:
        moment = "after" if took_effect else "before"
        if call == f"{moment} store.write_products" and next(fails, False):
            raise UnavailableError("timed out")

    front.hook = lose
    front.flush()
    assert front.shop.stock_of("MUG") == wanted


def test_a_worker_that_died_after_the_store_took_it_leaves_no_sale_behind() -> None:
    front = stocked(9)
    front.observe("MUG", 4)

    def die(call: str) -> None:
        if call == "after store.write_products":
            raise KilledError(call)

    front.hook = die
    with pytest.raises(KilledError):
        front.post()
    front.hook = lambda _: None
    front.clock.now += 2 * MINUTE

    front.flush()
    assert front.shop.stock_of("MUG") == 4


def test_killed_anywhere_the_store_shows_the_right_number_in_the_end() -> None:
    fatal, ended = 0, False
    while not ended:
        front = stocked(9)
        front.shop.sell({"MUG": 2})
        front.observe("MUG", 6)
        left = [fatal]

        def kill(call: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise KilledError(call)

        front.hook = kill
        try:
            front.post()
            ended = True
        except KilledError:
            fatal += 1
        front.hook = lambda _: None
        front.clock.now += 2 * MINUTE
        front.post()
        assert front.shop.stock_of("MUG") == 4, f"killed at call {fatal}"
    assert fatal > 20


@given(
    sent=st.integers(0, 50),
    sold=st.integers(0, 60),
    known=st.integers(0, 60),
    unknown=st.integers(0, 5),
)
def test_unknown_sales_are_what_no_order_took(
    sent: int, sold: int, known: int, unknown: int
) -> None:
    level = Level(
        "MUG",
        sent={"quantity": sent, "unknown": str(unknown), "since": START.isoformat()},
        moved=Decimal(min(known, sold + unknown)),
    )
    found = unknown_sales(level, Decimal(sent - sold), None, now=START)
    assert found == unknown + sold - min(known, sold + unknown)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_unknown_sales_are_never_negative(sent: int, tried: int, shown: int) -> None:
    level = Level("MUG", sent={"quantity": sent})
    later = Tried(tried, Decimal(0), Decimal(0), START)
    assert unknown_sales(level, Decimal(shown), later, now=START) >= 0


# --- what the store refuses -----------------------------------------------------------


def test_a_sku_that_the_store_lacks_is_nobodys_trouble() -> None:
    front = Shopfront()
    front.stock({"NONE": 5})
    assert front.flush().absent == 1
    assert not front.open()


def test_it_is_not_asked_for_again_before_another_number_is_wanted() -> None:
    front = Shopfront()
    front.stock({"NONE": 5})
    front.flush()
    assert front.post().outcome == Skipped("all is sent")


def test_a_value_that_the_store_would_spoil_is_not_sent() -> None:
    front = stocked(50)
    front.want("stock", {"MUG": {"quantity": "lots"}})
    front.flush()
    assert front.shop.stock_of("MUG") == 50
    assert front.reasons() == [("uk:stock:MUG", "invalid_value")]


def test_what_a_plugin_overrules_is_tried_alone_and_then_told() -> None:
    front = stocked(50, "CUP", "MUG")
    write = front.shop.shop.shelf.update

    def overrule(id_: int, fields: dict[str, object], **more: object) -> object:
        if fields.get("stock_quantity") == 40:
            fields = {**fields, "stock_quantity": 39}
        return write(id_, fields, **more)  # type: ignore[arg-type]

    front.shop.shop.shelf.update = overrule  # type: ignore[method-assign,assignment]
    front.stock({"CUP": 40, "MUG": 30})
    front.flush()
    assert front.calls["write_products"] == 2
    assert front.reasons() == [("uk:stock:CUP", "not_kept")]
    assert front.shop.stock_of("MUG") == 30


def test_the_item_names_the_sku_what_the_store_said_and_the_remedy() -> None:
    front = stocked(50)
    front.want("stock", {"MUG": {"quantity": "lots"}})
    front.flush()
    (item,) = front.open()
    assert item.owner == "commerce"
    assert "MUG" in item.message
    assert "'lots' is no number" in item.message
    assert "Correct it" in item.message


def test_a_later_success_closes_the_item() -> None:
    front = stocked(50)
    front.want("stock", {"MUG": {"quantity": "lots"}})
    front.flush()
    front.stock({"MUG": 30})
    front.flush()
    assert not front.open()


def test_a_replay_of_the_item_sends_its_sku_again() -> None:
    front = stocked(50)
    front.shop.set_stock("MUG", 7)
    change = Change(Ref(UK, "stock", "MUG"), "stock_changed", front.clock(), "x", replay="olivia")
    front.flow().post(change, front.run())
    assert front.shop.stock_of("MUG") == 50


def test_a_product_that_was_made_anew_is_found_by_its_sku() -> None:
    front = stocked(50)
    front.shop.delete_product("MUG")
    front.shop.add_product("MUG")
    front.stock({"MUG": 30})
    front.flush()
    assert front.shop.stock_of("MUG") == 30
    assert not front.open()


def test_a_product_that_is_gone_is_forgotten() -> None:
    front = stocked(50)
    front.shop.delete_product("MUG")
    front.stock({"MUG": 30})
    assert front.flush().absent == 1
    assert front.level("MUG").place is None


def test_a_product_that_got_another_sku_gives_the_other_its_number_back() -> None:
    front = stocked(50, "CUP", "MUG")
    front.shop.delete_product("CUP")
    front.shop.shop.shelf.update(front.product("MUG")["id"], {"sku": "CUP"})
    front.stock({"MUG": 30})
    front.flush()
    front.flush()
    assert front.shop.stock_of("CUP") == 50
    assert front.level("MUG").place is None


# --- the flow as a whole ----------------------------------------------------------------


def test_two_workers_never_write_to_one_store_at_once() -> None:
    front = stocked(50)
    front.stock({"MUG": 30})

    def second(call: str) -> None:
        if call == "before store.write_products":
            front.hook = lambda _: None
            with pytest.raises(BusyError):
                front.post("price")

    front.hook = second
    front.flush()
    assert front.shop.stock_of("MUG") == 30


def test_a_number_that_changes_while_it_is_sent_is_sent_again() -> None:
    front = stocked(50)
    front.stock({"MUG": 30})

    def change(call: str) -> None:
        if call == "before store.write_products":
            front.hook = lambda _: None
            front.stock({"MUG": 25})

    front.hook = change
    front.flush()
    front.flush()
    assert front.shop.stock_of("MUG") == 25


def test_shadow_sends_nothing_and_says_what_it_would() -> None:
    front = Shopfront(flows={"stock": "shadow"})
    front.shop.add_product("MUG", quantity=3)
    front.shop.add_product("CUP", quantity=7)
    front.stock({"MUG": 5, "CUP": 7, "NONE": 1})
    outcome = front.post().outcome
    assert outcome == Shadowed("1 stock to send, 1 shown already, 1 not there")
    assert front.shop.stock_of("MUG") == 3
    assert front.levels.count_dirty(UK, "stock") == 3


def test_off_leaves_what_is_wanted_for_later() -> None:
    front = Shopfront(flows={"stock": "off"})
    front.shop.add_product("MUG")
    front.stock({"MUG": 5})
    assert front.post().outcome == Skipped("the flow is off")
    assert front.levels.count_dirty(UK, "stock") == 1


def test_the_age_of_what_was_shown_is_measured() -> None:
    front = stocked(50)
    front.stock({"MUG": 30})
    front.clock.now += dt.timedelta(seconds=40)
    assert front.flush().oldest == dt.timedelta(seconds=40)
