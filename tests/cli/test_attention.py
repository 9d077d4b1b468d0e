"""Acts on the attention list: a plan first, never without a person's word, never half silent."""

import copy
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import acting, attention, ops
from accord.cli.app import app
from accord.errors import BadInputError, UnavailableError
from accord.local.life.known import sales_of
from accord.local.world import World
from accord.model.change import Change, Ref
from accord.ports.state import Item, Parked
from accord.state.memory_levels import MemoryLevels
from accord.sync.backlog import BacklogReader
from tests.conftest import order_json
from tests.sync.conftest import START, config

RUN = CliRunner()
ORDER = Ref("uk", "order", "30")
MakeWorld = Callable[..., World]


@pytest.fixture
def make_world() -> MakeWorld:
    from accord.erp.memory.adapter import Memory

    def make(**tables: Any) -> World:
        world = World(config(**tables), START)
        Memory(world.books.call).ping()
        return world

    return make


@pytest.fixture
def world(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> World:
    """An order that a person must look at, and a command line that is connected with it."""
    world = make_world(mappings={"no_sku": "attention"})
    order = copy.deepcopy(order_json("order_created_rich"))
    order["line_items"][2]["sku"] = ""
    world.store.place(order)
    world.drain()
    for module in (attention, ops):
        monkeypatch.setattr(module, "connect", lambda _: None)
    for name, port in (
        ("links", world.links),
        ("attention", world.attention),
        ("payloads", world.payloads),
        ("waiting", world.waiting),
        ("journal", world.journal),
        ("queues", world.queue),
        ("config", world.config),
    ):
        monkeypatch.setattr(bootstrap, name, lambda port=port: port)
    monkeypatch.setattr(bootstrap, "store", lambda _: world.store)
    monkeypatch.setattr(bootstrap, "now", world.clock)
    return world


def run(*words: str) -> Result:
    result = RUN.invoke(app, ["attention", *words], env={"ACCORD_OPERATOR": "ada"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(*words: str) -> Any:
    """What the command prints with --json, if it ends well."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def id_of(world: World) -> str:
    (item,) = world.attention.open()
    return item.id


def more(world: World, id_: str, subject: str, **fields: Any) -> None:
    """Another open item."""
    values = {"reason": "rejected", "owner": "finance", "message": "it says no", **fields}
    at = world.clock()
    world.attention.put(Item(id=id_, subject=subject, opened_at=at, updated_at=at, **values))


# --- list ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], {"no_sku", "rejected", "outage"}),
        (["--owner", "finance"], {"rejected"}),
        (["--reason", "no_sku"], {"no_sku"}),
        (["--store", "uk"], {"no_sku", "outage"}),
        (["--store", "main"], {"outage"}),
        (["--subject", "de:order:7"], {"rejected"}),
        (["--match", "SAYS NO"], {"rejected"}),
        (["--older", "1h"], set()),
        (["--owner", "ops", "--match", "says no"], set()),
    ],
)
def test_the_list_shows_what_is_asked_for(world: World, words: list[str], found: set[str]) -> None:
    more(world, "i2", "de:order:7")
    more(world, "i3", "waiting:main:outage", reason="outage", owner="ops", message="it is off")

    assert {each["reason"] for each in told("list", *words)} == found


@pytest.mark.parametrize(
    "subject",
    ["waiting:main:item:NOPE-1", "waiting:uk:outage", "webhooks:uk", "page:uk", "consent:main"],
)
def test_what_blocks_a_store_is_shown_for_it_as_the_alarm_counts_it(
    world: World, subject: str
) -> None:
    more(world, "i2", subject)
    reader = BacklogReader(
        config=world.config,
        waiting=world.waiting,
        attention=world.attention,
        links=world.links,
        levels=MemoryLevels(),
        control=world.control,
        clock=world.clock,
    )

    assert {each["id"] for each in told("list", "--store", "uk")} == {
        id_of_reason(world, "no_sku"),
        "i2",
    }
    assert reader.read().stores["uk"].attention.total() == 2


def test_what_waits_elsewhere_is_of_the_store_whose_change_waits(world: World) -> None:
    now = world.clock()
    change = Change(Ref("uk", "order", "31"), "order_created", now, "c")
    world.waiting.park(Parked(change, "former", "tax:20", "why", now, now))
    more(world, "i2", "waiting:former:tax:20", reason="unmapped")
    more(world, "i3", "waiting:former:tax:7", reason="unmapped")

    assert [each["id"] for each in told("list", "--store", "uk", "--reason", "unmapped")] == ["i2"]


def test_an_act_by_store_means_what_the_list_shows(world: World) -> None:
    more(world, "i2", "waiting:main:outage", reason="outage")

    found = told("replay", "--store", "uk", "--yes")
    assert found["done"] == [id_of_reason(world, "no_sku")]
    assert found["left_alone"][0].startswith("i2")


def test_a_filter_that_nothing_matches_does_not_read_as_peace(world: World) -> None:
    more(world, "i2", "uk:order:31")

    for words in (["list"], ["replay", "--yes"]):
        out = run(*words, "--owner", "warehouse").output
        assert "None of the 2 open items matches" in out
    assert told("list", "--owner", "warehouse") == []


def test_one_open_item_that_is_not_meant_is_told_of(world: World) -> None:
    assert "The one open item does not match" in run("list", "--owner", "warehouse").output


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (["--store", "nostore"], ("'nostore'", "uk", "main")),
        (["--reason", "nope"], ("'nope'", "no_sku", "outage")),
        (["--owner", "nobody"], ("nobody", "warehouse", "finance")),
    ],
)
@pytest.mark.parametrize("command", ["list", "replay"])
def test_a_filter_that_names_nothing_is_refused(
    world: World, command: str, words: list[str], known: tuple[str, ...]
) -> None:
    result = run(command, *words)

    assert result.exit_code == 2
    assert all(word in result.output for word in known)


def test_a_reason_of_the_other_sides_own_is_known_while_it_is_open(world: World) -> None:
    more(world, "i2", "uk:order:31", reason="6190")

    assert [each["id"] for each in told("list", "--reason", "6190")] == ["i2"]


def test_an_age_that_is_none_is_refused(world: World) -> None:
    assert run("list", "--older", "soon").exit_code == 2


# --- show ----------------------------------------------------------------------


def test_an_item_is_shown_with_what_it_means_and_what_can_be_done(world: World) -> None:
    found = told("show", id_of(world))

    assert found["reason"] == "no_sku"
    assert "Give the product a SKU" in found["remedy"]
    assert found["journal"][-1]["text"].startswith("no_sku")
    assert f"accord attention replay {id_of(world)}" in found["next"]


def test_for_people_it_says_the_same(world: World) -> None:
    out = run("show", id_of(world)).output

    assert all(word in out for word in ("commerce", "has no SKU", "accord trace uk 30", "dismiss"))


def test_personal_data_is_shown_only_in_full(world: World) -> None:
    world.payloads.put("attention/p.json", {"sent": {"email": "ada@example.com"}})
    more(world, "i2", "uk:order:31", payload="attention/p.json")

    assert "ada@example.com" not in run("show", "i2").output
    assert told("show", "i2", "--full")["held"] == {"sent": {"email": "ada@example.com"}}


def test_what_waits_is_named_so_that_it_can_be_mended(world: World) -> None:
    now = world.clock()
    change = Change(Ref("uk", "order", "31"), "order_created", now, "c")
    world.waiting.park(Parked(change, "main", "tax:20", "why", now, now))
    more(world, "i2", "waiting:main:tax:20", reason="unmapped")

    assert told("show", "i2")["waits"] == ["uk:order:31"]
    out = run("show", "i2").output
    assert "uk:order:31" in out
    assert "accord config push" in out


def test_an_item_counts_those_that_wait_now(world: World) -> None:
    now = world.clock()
    for n in ("31", "32", "33"):
        change = Change(Ref("uk", "order", n), "order_created", now, "c")
        world.waiting.park(Parked(change, "main", "tax:20", "why", now, now))
    more(world, "i2", "waiting:main:tax:20", reason="unmapped", count=3)
    mended = world.waiting.get(Ref("uk", "order", "31"))
    assert mended is not None
    world.waiting.remove(mended)

    assert [each["count"] for each in told("list", "--reason", "unmapped")] == [2]
    out = " ".join(run("show", "i2").output.split())
    assert "waits uk:order:32, uk:order:33 concerns 2" in out


def test_a_closed_item_says_how_long_it_was_open(world: World) -> None:
    more(world, "i2", "uk:order:31")
    world.clock.now += dt.timedelta(minutes=7)
    world.attention.close("i2", now=world.clock(), by="a later attempt")
    world.clock.now += dt.timedelta(hours=3)

    assert "was open for 7 min" in run("show", "i2").output
    assert told("show", "i2")["age_s"] == 420


def test_a_script_is_shown_the_plan_that_nobody_agreed_to(world: World) -> None:
    result = run("replay", id_of(world), "--json")

    assert result.exit_code == 2
    assert json.loads(result.stdout)["due"] == [id_of(world)]
    assert json.loads(result.stdout)["done"] == []


def test_what_is_not_there_is_said_so(world: World) -> None:
    assert run("show", "nothing").exit_code == 1


# --- replay --------------------------------------------------------------------


def test_without_a_word_nothing_is_sent(world: World) -> None:
    result = run("replay", id_of(world))

    assert result.exit_code == 2
    assert "1 item will be sent through again" in result.output
    assert world.queue.next_at() is None


def test_a_replay_goes_through_and_the_item_closes(world: World) -> None:
    id_ = id_of(world)
    world.store.orders["30"]["line_items"][2]["sku"] = "BOOK-1"

    assert told("replay", id_, "--yes")["done"] == [id_]
    world.drain()
    assert world.attention.open() == []
    assert "replayed by ada" in str(told("show", id_)["acted"])


def test_an_order_is_replayed_by_its_name_whatever_item_it_had(world: World) -> None:
    """As the message of a refund says that waits behind an item which was dismissed."""
    told("dismiss", id_of(world), "--why", "mended there", "--yes")
    world.store.orders["30"]["line_items"][2]["sku"] = "BOOK-1"

    assert told("replay", "uk:order:30", "--yes")["done"] == ["uk:order:30"]
    world.drain()
    assert [each["state"] for each in sales_of(world, "30")] == ["confirmed"]

    with pytest.raises(BadInputError, match="'uk:stock:30' names nothing"):
        run("replay", "uk:stock:30", "--yes")


def test_many_are_replayed_by_filter_and_what_cannot_be_is_left_alone(world: World) -> None:
    more(world, "i2", "waiting:main:outage", owner="commerce")

    found = told("replay", "--owner", "commerce", "--yes")
    assert found["done"] == [id_of_reason(world, "no_sku")]
    assert "go on by themselves" in found["left_alone"][0]


def id_of_reason(world: World, reason: str) -> str:
    (item,) = [each for each in world.attention.open() if each.reason == reason]
    return item.id


def test_neither_id_nor_filter_is_no_choice(world: World) -> None:
    assert run("replay", "--yes").exit_code == 2


def test_where_nothing_matches_nothing_happens(world: World) -> None:
    assert told("replay", "--reason", "voided", "--yes") == {
        "done": [],
        "left_alone": [],
        "failed": [],
    }


def test_one_that_fails_does_not_keep_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    more(world, "i2", "uk:order:31")
    put = world.queue.put

    def fails_once(change: Any, *, sending: str) -> None:
        if change.ref.id == "30":
            raise UnavailableError("the queue is away")
        put(change, sending=sending)

    monkeypatch.setattr(world.queue, "put", fails_once)

    result = run("replay", "--store", "uk", "--yes", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["done"]) == (1, ["i2"])
    assert "the queue is away" in found["failed"][0]


# --- dismiss -------------------------------------------------------------------


def test_a_dismissal_needs_a_reason(world: World) -> None:
    assert run("dismiss", id_of(world), "--yes").exit_code == 2


def test_a_dismissed_item_stays_closed(world: World) -> None:
    id_ = id_of(world)

    assert told("dismiss", id_, "--why", "by hand", "--yes")["done"] == [id_]
    told("replay", id_, "--yes")
    world.drain()
    assert world.attention.open() == []
    assert told("show", id_)["closed_why"] == "by hand"


def test_what_waits_or_is_closed_is_not_dismissed(world: World) -> None:
    more(world, "i2", "waiting:main:outage")
    id_ = id_of_reason(world, "no_sku")
    told("dismiss", id_, "--why", "by hand", "--yes")

    result = run("dismiss", "i2", id_, "--why", "again", "--yes", "--json")
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["left_alone"]) == 2


# --- mend ----------------------------------------------------------------------


def test_a_mend_posts_the_order_and_is_shown_where_one_looks(world: World) -> None:
    id_ = id_of(world)
    found = told("mend", id_, "--set", "lines.8.sku=BOOK-1", "--why", "lost", "--yes")
    world.drain()

    assert found["done"] == [id_]
    assert world.attention.open() == []
    assert len(world.books.sales()) == 1
    traced = RUN.invoke(app, ["trace", "uk", "30"]).output
    assert "lines.8.sku = BOOK-1 by ada lost" in traced
    assert told("show", id_)["mends"][0]["value"] == "BOOK-1"


def test_a_mend_that_may_name_the_shopper_is_masked(world: World) -> None:
    fields = ("--set", "billing.street=12 Analytical Row", "--set", "lines.8.sku=BOOK-1")
    told("mend", str(ORDER), *fields, "--yes")

    traced = RUN.invoke(app, ["trace", "uk", "30"]).output
    assert "Analytical" not in traced
    assert "lines.8.sku = BOOK-1" in traced
    shown = told("show", id_of(world))["mends"]
    assert {each["field"]: each["value"] for each in shown} == {
        "billing.street": "•••",
        "lines.8.sku": "BOOK-1",
    }
    full = told("show", id_of(world), "--full")["mends"]
    assert "12 Analytical Row" in [each["value"] for each in full]


def test_an_order_is_mended_by_its_name(world: World) -> None:
    told("mend", str(ORDER), "--set", "lines.8.sku=BOOK-1", "--yes")
    told("mend", str(ORDER), "--remove", "lines.8.sku", "--yes")

    link = world.links.get(ORDER)
    assert link is not None
    assert link.mends == ()


def test_a_field_that_cannot_be_mended_names_those_that_can(world: World) -> None:
    result = run("mend", id_of(world), "--set", "currency=EUR", "--yes")

    assert result.exit_code == 1
    assert "payment_method" in result.output


def test_a_mend_says_what_is_right(world: World) -> None:
    assert run("mend", id_of(world), "--yes").exit_code == 2
    assert run("mend", id_of(world), "--set", "sku", "--yes").exit_code == 2


def test_the_fields_are_those_of_an_order(world: World) -> None:
    assert "Fields of an order: " in run("mend", id_of(world), "--set", "x=1", "--yes").output
    assert "Of an order" in run("mend", "--fields").output


def test_the_fields_that_can_be_mended_are_told() -> None:
    assert "lines.ID.tax_code" in told("mend", "--fields")["order"]


# --- who -----------------------------------------------------------------------


def test_the_operator_is_who_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert acting.operator(" ben ", "prod") == "ben"
    monkeypatch.setattr(acting.getpass, "getuser", lambda: "carl")
    assert acting.operator(None, None) == "carl"


def test_for_a_stage_the_operator_is_whom_aws_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sts:
        def get_caller_identity(self) -> dict[str, str]:
            return {"Arn": "arn:aws:sts::1:assumed-role/ops/dora"}

    monkeypatch.setattr(acting.boto3, "client", lambda *_, **__: Sts())
    monkeypatch.setattr(acting, "settings", lambda: type("S", (), {"region": "eu-west-1"}))

    assert acting.operator(None, "prod") == "arn:aws:sts::1:assumed-role/ops/dora"


def test_where_aws_does_not_say_who_calls_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import NoCredentialsError

    def refuse(*_: object, **__: object) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(acting.boto3, "client", refuse)
    monkeypatch.setattr(acting, "settings", lambda: type("S", (), {"region": "eu-west-1"}))

    with pytest.raises(UnavailableError, match="--by"):
        acting.operator(None, "prod")
