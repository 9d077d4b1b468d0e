"""A fuzzer is worth what it finds: nothing in what stands, and every bug that is put in."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from accord import checkout, consent_page
from accord.erp.xero import webhook as xero
from accord.local.fuzz import reading, run
from accord.local.fuzz.door import Verdict, in_time
from accord.local.place import REPO, toml_of
from accord.local.recorded import Recorded, read_all
from accord.rules.config import Config
from accord.sync import consent, store_keys
from accord.woo import webhook
from tests.conftest import EVENTS

RULES = Config.model_validate(toml_of(REPO / "accord.toml"))
RECORDED = read_all(EVENTS / "receive_store_webhook")


def fuzz(count: int, *, seed: int = 1, recorded: list[Recorded] = RECORDED) -> run.Result:
    return run.run(RULES, recorded, count, seed=seed)


@pytest.mark.parametrize("seed", [1, 20261122])
def test_nothing_escapes_and_nothing_unsigned_is_queued(seed: int) -> None:
    result = fuzz(1500, seed=seed)

    assert result.findings == []
    assert result.slowest_s < 1


def test_what_a_real_store_sent_is_as_good_a_seed(shared: Any) -> None:
    captures = [each for each in read_all(shared / "woo" / "captures") if each.body]

    assert fuzz(1500, seed=3, recorded=captures).findings == []


def test_most_of_it_comes_through_the_door_and_much_does_not() -> None:
    result = fuzz(1500)

    assert result.queued > 300
    assert result.read > result.refused > 50
    assert min(result.answers[401], result.answers[404], result.checkouts, result.calls) > 10
    assert result.checkouts == result.keys == result.visits


def test_the_same_seed_makes_the_same_requests() -> None:
    one, other = fuzz(100, seed=4), fuzz(100, seed=4)

    assert (one.answers, one.queued, one.refused) == (other.answers, other.queued, other.refused)


def accept_all(_: object, __: object) -> bool:
    return True


def accept_everyone(*_: object) -> bool:
    return True


def trust_the_body(_: object, __: object, document: dict[str, Any]) -> bool:
    return bool(webhook.host_of(document["_links"]["self"][0]["href"]))


CARELESS = SimpleNamespace(compare_digest=accept_all)


def one_for_all(_: str) -> str:
    return "the same"


def as_it_is(text: str) -> str:
    return text


def lose_the_name(*_: object, **__: object) -> None:
    raise KeyError("name")


@pytest.mark.parametrize(
    ("place", "name", "bug", "said"),
    [
        (webhook.Delivery, "is_genuine", accept_all, "queued unsigned"),
        (webhook.Delivery, "_is_of", trust_the_body, "escaped"),
        (webhook, "_UNSENDABLE", (), "a message that the queue refuses"),
        (webhook, "_LARGEST_ID", 10**4200, "queued as"),
        (reading, "from_wire", lose_the_name, "escaped from the order's reading"),
        (checkout.Request, "is_genuine", accept_all, "answered unsigned"),
        (xero, "is_genuine", accept_everyone, "a call was answered 200, not 401"),
        (xero, "json_object", lose_the_name, "escaped from a call"),
        (xero, "_KINDS", {"INVOICE": ("money",)}, "hinted at"),
        (checkout, "_table", lose_the_name, "escaped from the checkout's question"),
        (store_keys, "_name", one_for_all, "kept a key that nobody asked for"),
        (store_keys, "_is_text", accept_everyone, "kept another key than was posted"),
        (consent, "hmac", CARELESS, "that its browser did not bring"),
        (consent_page, "escape", as_it_is, "says what it was told as it is"),
    ],
    ids=[
        "signature",
        "copy",
        "letters",
        "id",
        "mapping",
        "checkout signature",
        "call's signature",
        "call's form",
        "call's kind",
        "checkout form",
        "key's secret",
        "key's form",
        "browser's cookie",
        "page's letters",
    ],
)
def test_a_bug_that_is_put_in_is_found(
    monkeypatch: pytest.MonkeyPatch,
    place: object,
    name: str,
    bug: Callable[..., object],
    said: str,
) -> None:
    monkeypatch.setattr(place, name, bug)

    slices = (run.run(RULES, RECORDED, 250, seed=1, first=first) for first in range(0, 5000, 250))

    assert any(said in finding for each in slices for finding in each.findings)


def test_what_takes_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SLOWEST_S", 1e-9)

    assert any("slow" in finding for finding in fuzz(20).findings)


@pytest.mark.parametrize(
    ("took", "said"), [([0.1], ""), ([3.0, 0.2, 4.0], ""), ([3.0, 2.0, 4.0], "slow: 2.00 s")]
)
def test_only_what_is_slow_each_time_is_slow(took: list[float], said: str) -> None:
    left = [Verdict(200, cpu) for cpu in took]

    assert in_time(lambda: left.pop(0)).wrong == said
    assert left == []


def test_what_is_wrong_in_any_try_is_told_though_that_was_quick() -> None:
    left = [Verdict(200, 3.0), Verdict(500, 0.1, "escaped"), Verdict(200, 0.1)]

    assert in_time(lambda: left.pop(0)).wrong == "escaped"
