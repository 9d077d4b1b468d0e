"""The gate: what a plan does to a server behind it."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
import pytest

from accord.local.faults import KINDS, FaultGate, Plan


class World:
    """An application that counts, behind a gate whose clock is ours."""

    def __init__(self, **options: Any) -> None:
        self.handled: list[bytes] = []
        self.waited: list[float] = []
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.gate = FaultGate(
            self.app,
            wait=self.waited.append,
            later=lambda seconds, work: self.later.append((seconds, work)),
            **options,
        )
        transport = httpx.WSGITransport(app=self.gate)
        self.client = httpx.Client(transport=transport, base_url="http://127.0.0.1")

    def app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        self.handled.append(body)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"did " + body]

    def plan(self, **plan: Any) -> httpx.Response:
        return self.client.put("/_accord/faults", json=plan)

    def ask(self, body: str = "x", path: str = "/things/12/parts") -> httpx.Response:
        return self.client.post(path, content=body)

    def told(self) -> Any:
        return self.client.get("/_accord/calls").json()


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with made.client:
        yield made


def test_without_a_plan_everything_goes_through(world: World) -> None:
    assert world.ask("hello").text == "did hello"


@pytest.mark.parametrize(
    ("kind", "status", "handled"),
    [
        ("503_before", 503, 0),
        ("503_after", 503, 1),
        ("timeout_before", 504, 0),
        ("timeout_after", 504, 1),
        ("late", 504, 0),
    ],
)
def test_a_fault_comes_before_or_after_the_effect(
    world: World, kind: str, status: int, handled: int
) -> None:
    world.plan(kinds=[kind])

    assert (world.ask().status_code, len(world.handled)) == (status, handled)


def test_a_connection_is_held_before_it_is_given_up(world: World) -> None:
    world.plan(kinds=["timeout_before"], delay_s=1.5)

    world.ask()

    assert world.waited == [1.5]


def test_a_late_request_is_handled_when_nobody_listens(world: World) -> None:
    world.plan(kinds=["late"], delay_s=2.0, late_s=4.0)
    world.ask("slow")

    ((seconds, work),) = world.later
    work()

    assert (seconds, world.handled) == (6.0, [b"slow"])


def test_what_is_still_to_come_is_told(world: World) -> None:
    world.plan(kinds=["late"])
    world.ask()
    before = world.told()["pending"]

    world.later[0][1]()

    assert (before, world.told()["pending"]) == (1, 0)


def test_only_what_is_named_is_hit(world: World) -> None:
    world.plan(kinds=["503_before"], only="sale.create")

    statuses = [world.ask(body).status_code for body in ("sale.read", "sale.create")]

    assert statuses == [200, 503]


def test_a_path_may_be_named(world: World) -> None:
    world.plan(kinds=["503_before"], only="/orders")

    statuses = [world.ask(path=path).status_code for path in ("/items", "/orders/7")]

    assert statuses == [200, 503]


def test_the_same_seed_hits_the_same_calls() -> None:
    def fates() -> list[int]:
        world = World()
        with world.client:
            world.plan(seed=7, rate=0.3)
            return [world.ask().status_code for _ in range(60)]

    assert fates() == fates()


def test_about_as_many_are_hit_as_planned(world: World) -> None:
    world.plan(seed=1, rate=0.1, kinds=["503_before"])

    hit = sum(world.ask().status_code == 503 for _ in range(400))

    assert 20 <= hit <= 60


def test_every_kind_happens(world: World) -> None:
    world.plan(seed=1)
    for _ in range(100):
        world.ask()

    assert set(world.told()["faults"]) == set(KINDS)


def test_a_plan_is_cleared(world: World) -> None:
    world.plan(kinds=["503_before"])
    world.client.delete("/_accord/faults")

    assert world.ask().status_code == 200


def test_calls_are_counted_by_rpc_method_or_by_path(world: World) -> None:
    world.ask('{"id":1,"method":"model.sale.sale.quote","params":[]}')
    world.ask("x")
    world.client.get("/things/9")

    assert world.told()["calls"] == {
        "model.sale.sale.quote": 1,
        "POST /things/{}/parts": 1,
        "GET /things/{}": 1,
    }


def test_counts_begin_anew(world: World) -> None:
    world.ask()
    world.client.delete("/_accord/calls")

    assert world.told()["total"] == 0


def test_a_server_that_is_down_answers_nothing(world: World) -> None:
    world.client.put("/_accord/down", json={"down": True})
    while_down = world.ask().status_code
    world.client.put("/_accord/down", json={"down": False})

    assert (while_down, world.ask().status_code, len(world.handled)) == (503, 200, 1)


@pytest.mark.parametrize(
    "plan",
    [{"kinds": ["flood"]}, {"rate": 2}, {"kinds": []}, {"sede": 1}, [1], {"kinds": 5}],
)
def test_what_is_no_plan_is_refused(world: World, plan: object) -> None:
    answer = world.client.put("/_accord/faults", json=plan)

    assert (answer.status_code, world.ask().status_code) == (400, 200)


def test_only_this_machine_may_plan() -> None:
    world = World()
    transport = httpx.WSGITransport(app=world.gate, remote_addr="10.0.0.9")

    with httpx.Client(transport=transport, base_url="http://127.0.0.1") as client:
        client.put("/_accord/faults", json={})

    assert len(world.handled) == 1  # it went to the application like anything else


def test_a_gate_that_is_not_controlled_takes_no_plan() -> None:
    world = World(controlled=False)

    with world.client:
        world.plan(kinds=["503_before"])
        assert world.ask().status_code == 200


def test_one_request_at_a_time_is_let_in() -> None:
    inside, most = 0, 0
    entered = threading.Barrier(2, timeout=0.05)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        with contextlib.suppress(threading.BrokenBarrierError):
            entered.wait()  # a second one inside would free this at once
        inside -= 1
        start_response("200 OK", [])
        return [b""]

    gate = FaultGate(app, one_at_a_time=True)

    def ask() -> None:
        with httpx.Client(transport=httpx.WSGITransport(app=gate)) as client:
            client.get("http://127.0.0.1/")

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 1


def test_a_plan_has_sensible_defaults() -> None:
    assert Plan.parse(b"{}") == Plan()
