"""Chaos around the real handlers: what goes wrong does, is counted, and both sides agree after."""

import contextlib
import http.server
import json
import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from accord.cli import bench_chaos
from accord.cli.app import app
from accord.local.bench import chaos, dying, traffic
from accord.local.bench.courier import Courier
from accord.local.place import REPO, toml_of
from accord.local.runner import LocalStack
from accord.local.runner.throttles import Plan, Throttles
from tests.local.runner.conftest import function, write_assembly

# --- all of it ---


@pytest.mark.slow
def test_after_the_chaos_every_order_stands_once_to_the_cent(tmp_path: Path) -> None:
    pace = traffic.Pace(speed=12, erp_timeout_s=0.4, concurrency=2)
    with Courier(seed=2) as courier:
        config = toml_of(REPO / "accord.toml")
        with chaos.stand_ins(config, tmp_path, "memory", courier, pace=pace) as place:
            result = chaos.run(place, courier, 15, seed=2, told=lambda *_: None)

    assert result.differences == []
    assert (result.compared.documents, result.compared.notes) == (15, 15)
    assert result.paths.total() == 15
    assert result.faults["webhook lost"] > 0
    assert result.faults["webhooks disabled by the store"] == 2
    assert result.faults["webhooks made anew"] >= 2
    assert any(name.endswith("too much to do") for name in result.faults)
    assert result.kills.total() > 0


# --- the courier ---


@pytest.fixture
def arrived(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies that the receiver took, in order."""
    bodies: list[bytes] = []

    def send(_: Courier, delivery: Any) -> int:
        bodies.append(delivery.body)
        return 200

    monkeypatch.setattr(Courier, "_send", send)
    return bodies


@pytest.fixture
def courier() -> Iterator[Courier]:
    with Courier(seed=1) as made:
        yield made


def take(courier: Courier, number: int, webhook: str = "1") -> int:
    headers = {"x-wc-webhook-topic": "order.created", "x-wc-webhook-id": webhook}
    return courier.take(headers, str(number).encode())


def test_what_is_lost_doubled_or_late_is_delivered_to_the_store(
    courier: Courier, arrived: list[bytes]
) -> None:
    answers = {take(courier, number) for number in range(300)}
    courier.calm()

    times = Counter(arrived)
    assert answers == {200}
    assert 300 - len(times) == courier.count["webhook lost"] > 30
    assert sum(n == 2 for n in times.values()) == courier.count["webhook doubled"] > 30
    assert courier.count["webhook late"] > 30
    assert arrived != sorted(arrived, key=int)


def test_once_it_is_calm_each_delivery_arrives_once(courier: Courier, arrived: list[bytes]) -> None:
    courier.calm()

    for number in range(100):
        take(courier, number)

    assert [int(body) for body in arrived] == list(range(100))


def test_a_deaf_receiver_refuses_until_each_webhook_is_switched_off(
    courier: Courier, arrived: list[bytes]
) -> None:
    courier.deafen(["1", "2"])

    answers = [take(courier, number, "12"[number % 2]) for number in range(16)]

    assert answers[:14] == [503] * 14
    assert 503 not in answers[14:]
    assert courier.count["webhook not answered"] == 14
    assert len(arrived) <= 4


def test_a_webhook_that_was_made_anew_is_heard(courier: Courier, arrived: list[bytes]) -> None:
    courier.deafen(["1"])
    courier.calm()
    courier.deafen(["1"])

    assert [take(courier, 1, "1"), take(courier, 2, "3")] == [503, 200]
    assert arrived == [b"2"]


def test_a_ping_is_passed_on_whatever_happens(courier: Courier, arrived: list[bytes]) -> None:
    courier.deafen(["1"])

    assert courier.take({}, b"webhook_id=1") == 200
    assert arrived == [b"webhook_id=1"]


def test_a_receiver_that_is_gone_is_a_failure_to_the_store(courier: Courier) -> None:
    courier.target = "http://127.0.0.1:9/webhooks"
    courier.calm()

    assert take(courier, 1) == 502
    assert courier.count["webhook not answered"] == 1


# --- tables and queues ---


def signed(key: str, target: str = "DynamoDB_20120810.GetItem") -> dict[str, str]:
    credential = f"AWS4-HMAC-SHA256 Credential={key}/20260101/eu-west-1/dynamodb/aws4_request"
    return {"Authorization": credential, "X-Amz-Target": target}


LINKS = b'{"TableName": "accord-dev-links", "Key": {}}'


def test_a_table_that_has_too_much_to_do_has_so_for_a_while() -> None:
    now = [0.0]
    throttles = Throttles(clock=lambda: now[0])
    throttles.set(Plan(seed=4, rate=1.0, stretch_s=1.0))
    while "links: too much to do" not in throttles.counts():
        throttles.meet(signed("LOCAL_wake"), LINKS)

    within = [throttles.meet(signed("LOCAL_wake"), LINKS) for _ in range(40)]
    now[0] = 1.0
    later = throttles.meet(signed("LOCAL_wake"), LINKS)

    refused = [each for each in within if each is not None]
    assert 10 < len(refused) < 40  # a stretch lets some through, at this rate nothing else does
    assert {each.status for each in refused} == {400}
    assert all(b"Throttling" in each.body or b"Throughput" in each.body for each in refused)
    assert later is not None


def test_a_queue_throttles_by_its_own_name() -> None:
    throttles = Throttles()
    throttles.set(Plan(seed=4, rate=1.0))
    headers = signed("LOCAL_receive_store_webhook", "AmazonSQS.SendMessage")

    bodies = [each.body for _ in range(40) if (each := throttles.meet(headers, b"{}"))]

    assert any(b"RequestThrottled" in body for body in bodies)
    assert {name.partition(":")[0] for name in throttles.counts()} == {"queues"}


@pytest.mark.parametrize(
    "headers",
    [
        signed("LOCAL_runner"),
        signed("LOCAL_order_created_source"),
        signed("LOCAL_wake", "secretsmanager.GetSecretValue"),
        {},
    ],
)
def test_only_the_functions_own_calls_are_refused(headers: dict[str, str]) -> None:
    throttles = Throttles()
    throttles.set(Plan(seed=1, rate=1.0))

    assert [throttles.meet(headers, LINKS) for _ in range(20)] == [None] * 20


def test_without_a_plan_nothing_is_refused() -> None:
    throttles = Throttles()
    throttles.set(Plan(seed=1, rate=1.0))
    assert throttles.meet(signed("LOCAL_wake"), LINKS) is not None

    throttles.set(None)

    assert throttles.meet(signed("LOCAL_wake"), LINKS) is None


# --- death ---


def test_a_function_runs_what_comes_first_in_the_time_it_is_given(tmp_path: Path) -> None:
    first = tmp_path / "first.py"
    first.write_text("import os\nos.environ['WAS_FIRST'] = 'yes'\n")
    source = """
        import os, time
        FIRST = os.environ["WAS_FIRST"]
        def lambda_handler(event, context):
            time.sleep(event["seconds"])
            return FIRST, context.get_remaining_time_in_millis() <= 1000
    """
    resources = {"Echo": function("echo", Timeout=60)}
    assembly = write_assembly(tmp_path / "out", resources, handlers={"echo": source})
    environment = {"LOCAL_FIRST": str(first)}

    with LocalStack(
        assembly,
        work=tmp_path / "work",
        moto="thread",
        environment=environment,
        timeouts_s={"echo": 1.0},
    ) as stack:
        assert stack.invoke("echo", {"seconds": 0}).json() == ["yes", True]
        assert stack.invoke("echo", {"seconds": 30}).kind == "timeout"


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """The address of one that answers, and what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}", asked
        finally:
            listening.shutdown()
            thread.join()


CALLS = """
import runpy, sys, http.client, httpx
runpy.run_path(sys.argv[1], run_name="__main__")
host = sys.argv[2].removeprefix("http://")
for number in range(40):
    httpx.get(f"{sys.argv[2]}/{number}", trust_env=False)
    connection = http.client.HTTPConnection(host)
    connection.request("GET", f"/plain-{number}")
    connection.getresponse().read()
    connection.close()
"""

Live = Callable[[], int]


@pytest.fixture
def live(tmp_path: Path, server: tuple[str, list[str]]) -> Live:
    """A process that makes eighty calls, from its birth; its exit code."""

    def run() -> int:
        environment = {
            **os.environ,
            "LOCAL_DEATHS": str(tmp_path),
            "AWS_LAMBDA_FUNCTION_NAME": "accord-dev-wake",
        }
        command = [sys.executable, "-c", CALLS, str(dying.__file__), server[0]]
        return subprocess.run(command, env=environment, timeout=60, check=False).returncode

    return run


def test_a_process_dies_at_a_call_and_says_when(
    tmp_path: Path, live: Live, server: tuple[str, list[str]]
) -> None:
    (tmp_path / "plan").write_text('{"seed": 1, "rate": 0.2}')

    codes = [live() for _ in range(3)]

    assert codes == [-9, -9, -9]
    moments = (tmp_path / "deaths").read_text().splitlines()
    assert len(moments) == 3
    assert {line.partition(" ")[0] for line in moments} == {"accord-dev-wake"}
    assert 0 < len(server[1]) < 240
    assert (tmp_path / "births").read_bytes() == b"..."


def test_in_peace_nobody_dies(live: Live, server: tuple[str, list[str]]) -> None:
    assert live() == 0
    assert len(server[1]) == 80


# --- by which way an order came ---


def line(ref: str, correlation: str, attempt: int, outcome: str, second: int = 0) -> str:
    return json.dumps(
        {
            "message": "handled",
            "timestamp": f"2026-11-22 21:45:{second:02},298+0000",
            "correlation_id": correlation,
            "ref": ref,
            "attempt": attempt,
            "outcome": outcome,
        },
        separators=(",", ":"),
    )


MADE = "made SO-000967 (uk-1968) of 18.79 GBP"


@pytest.mark.parametrize(
    ("lines", "way"),
    [
        ([line("o", "a", 1, MADE)], "webhook"),
        ([line("o", "poll-1", 1, MADE)], "poll_store"),
        ([line("o", "a", 3, MADE)], "redelivery"),
        ([line("o", "poll-1", 2, MADE)], "redelivery"),
        ([line("o", "a", 6, "no answer; tried 6 times"), line("o", "a", 1, MADE, 9)], "wake"),
        ([line("o", "b", 1, "same as before", 30), line("o", "a", 1, MADE)], "webhook"),
        ([line("o", "a", 1, MADE, 3), line("o", "a", 2, MADE, 30)], "webhook"),
    ],
)
def test_the_message_that_posted_it_first_says_by_which_way(lines: list[str], way: str) -> None:
    assert chaos.posted_by(chaos.handled(lines))["o"][0] == way


def test_a_line_that_was_cut_off_is_passed_over() -> None:
    whole = line("o", "a", 1, MADE)

    assert len(chaos.handled([whole[:60], "START", whole])) == 1


def test_what_was_not_posted_has_no_way() -> None:
    skipped = line("o", "a", 1, "left alone: pending")

    assert chaos.posted_by(chaos.handled([skipped])) == {}


# --- what is amiss ---


def test_an_order_that_nobody_found_and_a_webhook_that_is_off_are_amiss(courier: Courier) -> None:
    hooks = [
        {"id": 1, "topic": "order.created", "status": "active"},
        {"id": 2, "topic": "order.updated", "status": "disabled"},
    ]
    place: Any = SimpleNamespace(
        config={"stores": {"uk": {"key": "shop"}}},
        store_name="uk",
        sales=lambda: [{"key": "shop-1001"}],
        store=SimpleNamespace(control=lambda *_: {"webhooks": hooks}),
    )
    shop = chaos.Shop(place, courier, random.Random(1))
    shop.orders += [{"id": 1001}, {"id": 1002}]

    assert list(chaos.amiss(place, shop, ["order.created", "order.updated", "gone"])) == [
        "order 1002 is not found by any way",
        "the webhook for gone is gone",
        "the webhook for order.updated is disabled",
    ]
    assert shop.off["webhooks disabled by the store"] == 1


def test_webhooks_with_new_ids_were_made_anew(courier: Courier) -> None:
    hooks = [{"id": 1, "topic": "order.created", "status": "active"}]
    place: Any = SimpleNamespace(store=SimpleNamespace(control=lambda *_: {"webhooks": hooks}))
    shop = chaos.Shop(place, courier, random.Random(1))
    shop.hooks()
    hooks[:] = [{"id": 7, "topic": "order.created", "status": "active"}]

    assert shop.hooks() == {"order.created": "active"}
    assert shop.hooks() == {"order.created": "active"}
    assert shop.off["webhooks made anew"] == 1


# --- what is told ---


def make(**other: Any) -> chaos.Result:
    compared = traffic.Result(erp="memory", orders=4, deliveries=8, documents=4, seconds=2.0)
    compared.differences += other.pop("differences", [])
    return chaos.Result(compared, 12, **other)


def test_the_moment_by_which_a_share_was_posted() -> None:
    result = make(agreed=[4.0, 1.0, 3.0, 2.0])

    assert [result.moment(share) for share in (0.0, 0.5, 0.95, 1.0)] == [1.0, 3.0, 4.0, 4.0]
    assert make().moment(0.5) == 0


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[str, chaos.Result]:
    """What the run will come to."""
    coming: dict[str, chaos.Result] = {}
    place = SimpleNamespace()
    monkeypatch.setattr(bench_chaos, "work_folder", lambda _: contextlib.nullcontext(Path()))
    monkeypatch.setattr(chaos, "stand_ins", lambda *_, **__: contextlib.nullcontext(place))
    monkeypatch.setattr(chaos, "run", lambda *_, **__: coming["result"])
    return coming


def bench(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bench", "--chaos", "4", "--erp", "memory", *arguments])
    return result.exit_code, result.stdout


def test_faults_kills_and_ways_are_shown(said: dict[str, chaos.Result]) -> None:
    said["result"] = make(
        faults=Counter({"webhook lost": 7}),
        kills=Counter({"order-created": 5}),
        paths=Counter({"orders posted: poll_store": 3}),
    )

    code, output = bench()

    assert code == 0
    for text in ("webhook lost", "order-created", "orders posted: poll_store"):
        assert text in output


def test_a_difference_is_exit_code_one(said: dict[str, chaos.Result]) -> None:
    said["result"] = make(differences=["order 1001 stands 2 times in the back office"])

    code, output = bench()

    assert code == 1
    assert "stands 2 times" in output


def test_json_is_for_scripts(said: dict[str, chaos.Result]) -> None:
    said["result"] = make(faults=Counter({"webhook lost": 7}), agreed=[1.0])

    code, output = bench("--json")

    told = json.loads(output)
    assert code == 0
    assert (told["faults"], told["differences"]) == ({"webhook lost": 7}, [])
    assert told["agreement_seconds"]["max"] == 1.0
