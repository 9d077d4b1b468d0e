"""The runner drives a template's functions through real queues, requests and clocks."""

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accord.errors import BadInputError, UnavailableError
from accord.local.runner import LocalStack
from tests.local.runner.conftest import function, world, write_assembly


def request(
    stack: LocalStack, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(stack.url.removeprefix("http://"), timeout=20)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=names)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")
    finally:
        connection.close()


def put(stack: LocalStack, job: dict[str, Any], *, group: str = "") -> None:
    stack.client("sqs").send_message(
        QueueUrl=stack.resources.queue("jobs.fifo").url,
        MessageBody=json.dumps(job),
        MessageGroupId=group or job["id"],
        MessageDeduplicationId=str(uuid.uuid4()),
    )


def item(stack: LocalStack, id_: str) -> dict[str, Any] | None:
    table = stack.resources.tables["Table"]
    found = stack.client("dynamodb").get_item(TableName=table, Key={"id": {"S": id_}})
    return found.get("Item")


def eventually(look: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def tries(stack: LocalStack, id_: str) -> int:
    found = eventually(lambda: item(stack, id_))
    return int(found["tries"]["N"]) if found else 0


def dead(stack: LocalStack) -> list[str]:
    queue = stack.resources.queue("jobs-dead.fifo")
    found = stack.client("sqs").receive_message(
        QueueUrl=queue.url, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [json.loads(message["Body"])["id"] for message in found.get("Messages", [])]


def test_a_posted_job_goes_through_the_queue_to_the_table(stack: LocalStack) -> None:
    status, _ = request(
        stack, "POST", "/groups/a/jobs", b'{"id": "j1"}', content_type="application/json"
    )

    assert status == 200
    assert tries(stack, "j1") == 1


def test_jobs_of_one_group_are_done_in_order_and_the_stack_falls_idle(stack: LocalStack) -> None:
    for number in range(12):
        put(stack, {"id": f"row{number}", "n": number}, group="row")

    assert stack.wait_idle(10)
    seen = (item(stack, "order of row") or {})["seen"]["L"]
    assert [int(each["N"]) for each in seen] == list(range(12))


def test_a_failed_record_is_tried_again_and_its_batch_is_not(stack: LocalStack) -> None:
    put(stack, {"id": "good1"}, group="good")
    put(stack, {"id": "bad1", "do": "fail"}, group="bad")

    assert tries(stack, "good1") == 1
    assert eventually(lambda: stack.queues()["jobs.fifo"]["hidden"])


def test_a_message_that_kills_its_worker_is_delivered_again(stack: LocalStack) -> None:
    put(stack, {"id": "crash1", "do": "crash once"})

    assert tries(stack, "crash1") == 2


def test_a_message_whose_worker_hangs_is_delivered_again(stack: LocalStack) -> None:
    put(stack, {"id": "hang1", "do": "hang once"})

    assert tries(stack, "hang1") == 2


def test_a_poison_message_ends_in_the_dead_letter_queue_and_rings_its_alarm(
    stack: LocalStack,
) -> None:
    put(stack, {"id": "poison", "do": "raise"})

    assert eventually(lambda: "poison" in dead(stack))
    assert [(each.name, each.state) for each in stack.alarms()] == [("dead letters", "ALARM")]


def test_a_schedule_fires_with_its_input(stack: LocalStack) -> None:
    found = eventually(lambda: item(stack, "tick"))

    assert found == {"id": {"S": "tick"}, "saw": {"S": "hello"}}


def test_schedules_of_one_function_take_turns_in_one_process(stack: LocalStack) -> None:
    """They start at the same moment, and the machine is small."""
    found = eventually(lambda: item(stack, "tick") and item(stack, "tock"))

    assert found == {"id": {"S": "tock"}, "saw": {"S": "again"}}
    assert stack.counts()["tick"].cold == 1


def test_while_unscheduled_no_schedule_begins_a_turn(stack: LocalStack) -> None:
    with stack.unscheduled():
        before = stack.counts()["tick"].invocations
        time.sleep(2.2)  # two turns' time
        meanwhile = stack.counts()["tick"].invocations

    assert meanwhile == before
    assert eventually(lambda: stack.counts()["tick"].invocations > before)


def test_a_function_may_keep_its_schedule(stack: LocalStack) -> None:
    with stack.unscheduled(but={"tick"}):
        before = stack.counts()["tick"].invocations

        assert eventually(lambda: stack.counts()["tick"].invocations > before)


def test_what_is_asked_for_by_its_path_is_answered_whole(stack: LocalStack) -> None:
    with urllib.request.urlopen(f"{stack.url}/files/a_b-C", timeout=20) as answer:
        body, headers = answer.read(), answer.headers

    assert body == bytes(range(256)) + b"a_b-C"
    assert (headers["content-type"], headers["cache-control"]) == ("application/pdf", "no-store")


def test_what_is_not_there_is_not_found(stack: LocalStack) -> None:
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(f"{stack.url}/files/none", timeout=20)

    with told.value as answer:
        assert (answer.code, answer.read()) == (404, b"")


def test_a_function_that_nobody_calls_has_no_process(tmp_path: Path) -> None:
    resources = {"Echo": function("echo"), "Never": function("never")}
    source = "def lambda_handler(event, context): return event"
    handlers = {"echo": source, "never": source}
    assembly = write_assembly(tmp_path / "out", resources, handlers=handlers)

    with LocalStack(assembly, work=tmp_path / "work", moto="thread") as stack:
        stack.invoke("echo", {})
        assert {folder: counts.cold for folder, counts in stack.counts().items()} == {
            "echo": 1,
            "never": 0,
        }


def test_a_binary_body_arrives_encoded_and_whole(stack: LocalStack) -> None:
    body = bytes(range(256))

    status, event = request(stack, "POST", "/echo", body, content_type="application/octet-stream")

    assert status == 200
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


def test_a_path_without_a_route_is_not_found(stack: LocalStack) -> None:
    assert request(stack, "GET", "/nowhere") == (404, {"message": "Not Found"})


def test_a_body_above_ten_mebibytes_is_refused(stack: LocalStack) -> None:
    connection = http.client.HTTPConnection(stack.url.removeprefix("http://"), timeout=20)
    connection.putrequest("POST", "/echo")
    connection.putheader("content-length", str(10 * 1024 * 1024 + 1))
    connection.endheaders()
    response = connection.getresponse()
    status, body = response.status, json.loads(response.read())
    connection.close()

    assert (status, body) == (413, {"message": "Request Entity Too Large"})


def test_a_function_that_hangs_is_killed_and_another_takes_its_place(stack: LocalStack) -> None:
    hung = stack.invoke("echo", {"do": "hang"})

    assert (hung.kind, hung.json()["errorType"]) == ("timeout", "Sandbox.Timedout")
    assert stack.invoke("echo", {"a": 1}).json() == {"a": 1}


def test_a_function_that_exits_is_a_crash_with_its_code(stack: LocalStack) -> None:
    answer = stack.invoke("echo", {"do": "crash"})

    assert answer.kind == "crash"
    assert "exited with 3" in answer.json()["errorMessage"]


def test_an_exception_comes_back_as_lambda_reports_it(stack: LocalStack) -> None:
    answer = stack.invoke("echo", {"do": "raise"})

    assert answer.kind == "error"
    assert answer.json()["errorType"] == "ValueError"


def test_a_function_is_told_what_lambda_tells_it(stack: LocalStack) -> None:
    found = stack.invoke("echo", {"do": "environment"}).json()

    assert found["AWS_LAMBDA_FUNCTION_NAME"] == "test-echo"
    assert found["AWS_ENDPOINT_URL"] == stack.endpoint
    assert found["AWS_ACCESS_KEY_ID"] == "LOCAL_echo"


def test_metrics_are_summed_from_the_functions_lines(stack: LocalStack) -> None:
    before = stack.metrics().get("Worked", 0)
    event = {"Records": [_record("m1"), _record("m2")]}

    assert stack.invoke("work", event).ok
    assert stack.metrics()["Worked"] >= before + 2


def _record(id_: str) -> dict[str, Any]:
    body = json.dumps({"id": id_})
    return {"messageId": id_, "body": body, "attributes": {"ApproximateReceiveCount": "1"}}


def test_each_functions_calls_are_known(stack: LocalStack) -> None:
    assert stack.invoke("work", {"Records": [_record("m3")]}).ok

    table = stack.resources.tables["Table"]
    assert stack.calls()["work"].actions["dynamodb:PutItem", table] >= 1
    assert stack.source_calls()["work"].actions["sqs:ReceiveMessage", "jobs.fifo"] >= 1
    assert not stack.calls()["echo"].actions


def test_given_secrets_are_there_under_the_templates_name(stack: LocalStack) -> None:
    client = stack.client("secretsmanager")

    found = client.get_secret_value(SecretId="dev/store/main")["SecretString"]
    assert json.loads(found) == {"webhook": "s3cret"}
    found = client.get_secret_value(SecretId="erp/books")["SecretString"]
    assert json.loads(found) == {"user": "admin"}


def test_an_unknown_function_is_named_with_those_there_are(stack: LocalStack) -> None:
    with pytest.raises(
        BadInputError, match="no function order_created; there are echo, file, receive"
    ):
        stack.invoke("order_created", {})


def test_a_port_that_is_taken_is_said_so(stack: LocalStack, tmp_path: Path) -> None:
    port = int(stack.url.rpartition(":")[2])
    assembly = write_assembly(tmp_path / "out", {})

    with (
        pytest.raises(UnavailableError, match=f"port {port} .* choose another with --port"),
        LocalStack(assembly, work=tmp_path / "work", port=port),
    ):
        pass


def test_a_missing_assembly_says_how_to_make_one(tmp_path: Path) -> None:
    with (
        pytest.raises(BadInputError, match=r"python -m infra\.app"),
        LocalStack(tmp_path / "none", work=tmp_path / "work"),
    ):
        pass


def test_the_aws_stand_in_can_share_the_process(tmp_path: Path) -> None:
    resources = {"Echo": function("echo"), "Table": world()["Table"]}
    source = "def lambda_handler(event, context): return event"
    assembly = write_assembly(tmp_path / "out", resources, handlers={"echo": source})

    with LocalStack(assembly, work=tmp_path / "work", moto="thread") as stack:
        assert stack.client("dynamodb").list_tables()["TableNames"] == ["test-Table"]


def test_a_handler_that_cannot_be_imported_is_found_when_warmed(tmp_path: Path) -> None:
    assembly = write_assembly(
        tmp_path / "out", {"Bad": function("bad")}, handlers={"bad": "import not_there"}
    )

    with LocalStack(assembly, work=tmp_path / "work", moto="thread") as stack:
        answer = stack.invoke("bad", {})
        assert answer.json()["errorType"] == "Runtime.ImportModuleError"
        with pytest.raises(UnavailableError, match=r"bad does not start; see .*bad\.log"):
            stack.prewarm()
