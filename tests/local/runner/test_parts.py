"""What the parts of the runner decide by themselves."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from accord.errors import BadInputError, UnsupportedError
from accord.local.runner.alarms import Measured, evaluate, evaluate_all, holds
from accord.local.runner.calls import Recorder, load
from accord.local.runner.environment import Workshop, foreign_extension
from accord.local.runner.gateway import Route, event, reply
from accord.local.runner.metrics import Metrics
from accord.local.runner.pollers import failures
from accord.local.runner.resources import AlarmSpec, FunctionSpec
from accord.local.runner.sandbox import Answer
from accord.local.runner.schedules import interval

NOW = dt.datetime(2026, 11, 22, 16, 0, tzinfo=dt.UTC)


def answer(kind: Any = "ok", payload: Any = None) -> Answer:
    return Answer(kind, json.dumps(payload).encode(), "r1", 0.1)


# --- batches ---


@pytest.mark.parametrize(
    ("given", "stay"),
    [
        (answer(payload=None), set()),
        (answer(payload={}), set()),
        (answer(payload={"batchItemFailures": []}), set()),
        (answer(payload={"batchItemFailures": [{"itemIdentifier": "a"}]}), {"a"}),
        (answer(payload={"batchItemFailures": [{"itemIdentifier": "strange"}]}), {"a", "b"}),
        (answer(payload={"batchItemFailures": [{"wrong": "a"}]}), {"a", "b"}),
        (answer(payload={"batchItemFailures": [{"itemIdentifier": None}]}), {"a", "b"}),
        (answer(payload="text"), {"a", "b"}),
        (answer("error"), {"a", "b"}),
        (answer("timeout"), {"a", "b"}),
        (answer("crash"), {"a", "b"}),
        (answer("throttled"), {"a", "b"}),
    ],
)
def test_what_stays_in_the_queue_follows_from_the_answer(given: Answer, stay: set[str]) -> None:
    assert failures(given, {"a", "b"}, partial=True) == stay


def test_without_partial_batches_a_report_means_nothing() -> None:
    given = answer(payload={"batchItemFailures": [{"itemIdentifier": "a"}]})

    assert failures(given, {"a", "b"}, partial=False) == set()


# --- schedules ---


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(5 minutes)", 300),
        ("rate(2 hours)", 7200),
        ("rate(1 day)", 86400),
    ],
)
def test_a_rate_is_read(expression: str, seconds: float) -> None:
    assert interval(expression) == seconds


def test_a_cron_schedule_has_no_interval() -> None:
    assert interval("cron(0 3 * * ? *)") is None


@pytest.mark.parametrize("expression", ["rate(0 minutes)", "rate(x)", "every minute"])
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(BadInputError, match="is no schedule"):
        interval(expression)


# --- requests and replies ---


def built(
    body: bytes = b"", *, target: str = "/stores/uk/webhooks", **headers: str
) -> dict[str, Any]:
    return event(
        Route("POST /stores/{store}/webhooks", None),  # type: ignore[arg-type]
        method="POST",
        target=target,
        headers=[(name.replace("_", "-"), value) for name, value in headers.items()],
        body=body,
        source_ip="192.0.2.7",
        parameters={"store": "uk"},
        now=NOW,
        host="127.0.0.1:8080",
    )


def test_a_request_is_told_as_payload_2() -> None:
    made = built(b"{}", target="/stores/uk/webhooks?a=1&a=2&b=", X_WC_Topic="order.created")

    assert made["headers"]["x-wc-topic"] == "order.created"
    assert made["pathParameters"] == {"store": "uk"}
    assert made["queryStringParameters"] == {"a": "1,2", "b": ""}
    assert made["rawQueryString"] == "a=1&a=2&b="
    assert made["requestContext"]["http"]["sourceIp"] == "192.0.2.7"
    assert made["requestContext"]["time"] == "22/Nov/2026:16:00:00 +0000"


@pytest.mark.parametrize(
    ("content_type", "body", "encoded"),
    [
        ("application/json", b'{"a": "\xc3\xa9"}', False),
        ("Application/JSON; charset=utf-8", b"{}", False),
        ("text/plain", b"x", False),
        ("application/json", b'{"a": "\xe9"}', True),
        ("application/x-www-form-urlencoded", b"webhook_id=1", True),
        ("application/octet-stream", b"x", True),
        ("", b"x", True),
    ],
)
def test_a_body_is_encoded_unless_it_is_text(content_type: str, body: bytes, encoded: bool) -> None:
    assert built(body, Content_Type=content_type)["isBase64Encoded"] is encoded


def test_repeated_headers_are_joined_and_cookies_stand_apart() -> None:
    made = event(
        Route("$default", None),  # type: ignore[arg-type]
        method="GET",
        target="/",
        headers=[("Accept", "a"), ("accept", "b"), ("Cookie", "x=1; y=2")],
        body=b"",
        source_ip="192.0.2.7",
        parameters={},
        now=NOW,
        host="127.0.0.1:8080",
    )

    assert (made["headers"]["accept"], made["cookies"]) == ("a,b", ["x=1", "y=2"])
    assert "body" not in made


@pytest.mark.parametrize(
    ("key", "method", "path", "parameters"),
    [
        ("POST /stores/{store}/webhooks", "POST", "/stores/uk/webhooks", {"store": "uk"}),
        ("POST /stores/{store}/webhooks", "GET", "/stores/uk/webhooks", None),
        ("POST /stores/{store}/webhooks", "POST", "/stores/uk/de/webhooks", None),
        ("GET /documents/{token}", "GET", "/documents/a_B-9", {"token": "a_B-9"}),
        ("GET /documents/{token}", "GET", "/documents/", None),
        ("GET /documents/{token}", "GET", "/documents/a/b", None),
        ("ANY /a.b", "GET", "/axb", None),
        ("GET /files/{path+}", "GET", "/files/a/b", {"path": "a/b"}),
        ("$default", "PUT", "/whatever", {}),
    ],
)
def test_a_route_takes_what_it_names(
    key: str, method: str, path: str, parameters: dict[str, str] | None
) -> None:
    assert Route(key, None).match(method, path) == parameters  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "status", "body"),
    [
        (answer(payload={"statusCode": 201, "body": "é"}), 201, "é".encode()),
        (
            answer(payload={"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}),
            200,
            b"\0\xff",
        ),
        (answer(payload={"plain": 1}), 200, b'{"plain": 1}'),
        (answer(payload={"statusCode": "x"}), 500, b'{"message": "Internal Server Error"}'),
        (answer("error"), 500, b'{"message": "Internal Server Error"}'),
        (answer("timeout"), 500, b'{"message": "Internal Server Error"}'),
        (answer("throttled"), 503, b'{"message": "Service Unavailable"}'),
    ],
)
def test_an_answer_becomes_a_reply(given: Answer, status: int, body: bytes) -> None:
    made = reply(given)

    assert (made.status, made.body) == (status, body)


# --- metrics and alarms ---


def line(name: str, value: Any, **dimensions: str) -> bytes:
    directive = {
        "Namespace": "Accord",
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name}],
    }
    document = {"_aws": {"CloudWatchMetrics": [directive]}, name: value, **dimensions}
    return json.dumps(document).encode()


def test_metric_lines_are_summed() -> None:
    metrics = Metrics()
    for each in (line("Posted", [1]), line("Posted", 2.5), b"plain", b'{"_aws": 3}', b'"_aws"'):
        metrics.feed(each, at=1.0)

    assert metrics.sums() == {"Posted": 3.5}


def alarm(metrics: Metrics, *, now: float = 100.0, **properties: Any) -> tuple[str, float | None]:
    defaults = {
        "Namespace": "Accord",
        "MetricName": "Posted",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 3,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    }
    queues = {"dead.fifo": {"visible": 2.0, "age_s": 6.0}}
    measured = Measured(metrics, queues, since=0.0, now=now, speed=10.0)
    found = evaluate(AlarmSpec("a", {**defaults, **properties}), measured)
    return found.state, found.value


def test_an_alarm_looks_at_its_window_and_dimensions() -> None:
    metrics = Metrics()
    metrics.feed(line("Posted", 9, store="uk"), at=90.0)  # 6 s are a minute at speed 10
    metrics.feed(line("Posted", 9, store="fr"), at=99.0)
    metrics.feed(line("Posted", 2, store="uk"), at=99.0)
    dimensions = [{"Name": "store", "Value": "uk"}]

    assert alarm(metrics, Dimensions=dimensions) == ("OK", 2.0)
    assert alarm(metrics, Dimensions=dimensions, Period=120) == ("ALARM", 11.0)


@pytest.mark.parametrize(
    ("treatment", "now", "state"),
    [
        ("breaching", 100.0, "ALARM"),
        ("breaching", 1.0, "INSUFFICIENT_DATA"),
        ("notBreaching", 100.0, "OK"),
        ("missing", 100.0, "INSUFFICIENT_DATA"),
    ],
)
def test_silence_means_what_the_alarm_says(treatment: str, now: float, state: str) -> None:
    assert alarm(Metrics(), now=now, TreatMissingData=treatment) == (state, None)


def test_an_alarm_on_a_queues_age_counts_in_the_queues_time() -> None:
    found = alarm(
        Metrics(),
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": "dead.fifo"}],
        Threshold=60,
    )

    assert found == ("ALARM", 60.0)


def test_an_alarm_rings_when_all_of_its_periods_do() -> None:
    metrics = Metrics()
    for at in (83.0, 89.0, 95.0):  # 6 s are a minute at speed 10
        metrics.feed(line("Posted", 9), at=at)

    assert alarm(metrics, EvaluationPeriods=3)[0] == "ALARM"
    assert alarm(metrics, EvaluationPeriods=4, TreatMissingData="notBreaching")[0] == "OK"
    assert alarm(metrics, EvaluationPeriods=4, DatapointsToAlarm=3)[0] == "ALARM"


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("p50", 3.0), ("p95", 9.0), ("Minimum", 1.0), ("SampleCount", 3.0), ("Average", 13 / 3)],
)
def test_an_alarm_knows_the_statistics(statistic: str, value: float) -> None:
    metrics = Metrics()
    for each in (9, 1, 3):
        metrics.feed(line("Posted", each), at=99.0)

    assert alarm(metrics, Statistic=statistic)[1] == value


def slow(metrics: Metrics) -> tuple[str, float | None]:
    """An alarm on a band of four deviations around what is usual."""
    stat = {
        "Metric": {"Namespace": "Accord", "MetricName": "Posted"},
        "Period": 60,
        "Stat": "Average",
    }
    band = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m0, 4)"}
    return alarm(
        metrics,
        MetricName=None,
        Metrics=[band, {"Id": "m0", "MetricStat": stat}],
        ComparisonOperator="GreaterThanUpperThreshold",
        TreatMissingData="notBreaching",
    )


def test_what_is_far_above_the_usual_rings() -> None:
    metrics = Metrics()
    for n in range(10):
        metrics.feed(line("Posted", 4 + n % 2), at=30.0 + 6 * n)
    metrics.feed(line("Posted", 5), at=97.0)
    assert slow(metrics) == ("OK", 5.0)

    metrics.feed(line("Posted", 30), at=98.0)
    assert slow(metrics)[0] == "ALARM"


def test_nothing_is_unusual_while_nothing_is_usual_yet() -> None:
    metrics = Metrics()
    metrics.feed(line("Posted", 30), at=98.0)

    assert slow(metrics) == ("INSUFFICIENT_DATA", 30.0)


@pytest.mark.parametrize(
    ("rule", "true"),
    [
        ('ALARM("a")', True),
        ('ALARM("c")', False),
        ('ALARM("a") AND ALARM("c")', False),
        ('ALARM("a") OR ALARM("c")', True),
        ('ALARM("c") OR ALARM("a") AND ALARM("b")', True),
        ('NOT (ALARM("a") AND ALARM("c"))', True),
        ('ALARM("arn:aws:cloudwatch:eu-west-1:1:alarm:b")', True),
    ],
)
def test_an_alarm_over_alarms_rings_as_its_rule_says(rule: str, true: bool) -> None:
    assert holds(rule, {"a", "b"}) is true


@pytest.mark.parametrize("rule", ['OK("a")', 'ALARM("a") ALARM("b")', '(ALARM("a")', "", "AND"])
def test_a_rule_that_is_not_known_is_refused(rule: str) -> None:
    with pytest.raises(UnsupportedError):
        holds(rule, set())


def test_an_alarm_says_whose_it_is() -> None:
    actions = ["arn:aws:sns:eu-west-1:123456789012:accord-dev-ops"]
    spec = AlarmSpec("both", {"AlarmRule": 'ALARM("a")', "AlarmActions": actions})
    measured = Measured(Metrics(), {}, since=0.0, now=1.0, speed=1.0)

    (found,) = evaluate_all([spec], measured)
    assert (found.state, found.owners) == ("OK", ("ops",))


def test_an_alarm_over_maths_has_no_state() -> None:
    metrics = [{"Id": "e", "Expression": "a / b"}]

    assert alarm(Metrics(), MetricName=None, Metrics=metrics)[0] == "INSUFFICIENT_DATA"


# --- calls ---


def noted(service: str, target: str = "", body: Any = None, **request: str) -> Any:
    recorder = Recorder()
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential=LOCAL_f/20260101/eu-west-1/{service}/aws4_request",
        "X-Amz-Target": target,
    }
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    recorder.note(request.get("method", "POST"), request.get("path", "/"), headers, content)
    return load(json.loads(recorder.dump()))["LOCAL_f"]


def test_a_batch_needs_the_permission_of_its_call() -> None:
    calls = noted("sqs", "AmazonSQS.SendMessageBatch", {"QueueUrl": "http://h/1/orders.fifo"})

    assert calls.operations == {"sqs:SendMessageBatch": 1}
    assert calls.actions == {("sqs:SendMessage", "orders.fifo"): 1}


@pytest.mark.parametrize(
    ("service", "target", "body", "name"),
    [
        (
            "secretsmanager",
            "GetSecretValue",
            {"SecretId": "accord/dev/store/uk"},
            "accord/dev/store/uk",
        ),
        ("dynamodb", "GetItem", {"TableName": "arn:aws:dynamodb:eu:1:table/links"}, "links"),
        ("dynamodb", "GetItem", {"TableName": "links"}, "links"),
    ],
)
def test_a_resource_is_known_by_its_name(
    service: str, target: str, body: dict[str, str], name: str
) -> None:
    assert noted(service, f"x.{target}", body).actions == {(f"{service}:{target}", name): 1}


def test_a_transaction_needs_the_permissions_of_its_parts() -> None:
    items = [{"Put": {"TableName": "links"}}, {"ConditionCheck": {"TableName": "steps"}}]
    calls = noted("dynamodb", "DynamoDB_20120810.TransactWriteItems", {"TransactItems": items})

    assert calls.operations == {"dynamodb:TransactWriteItems": 1}
    assert calls.actions == {
        ("dynamodb:PutItem", "links"): 1,
        ("dynamodb:ConditionCheckItem", "steps"): 1,
    }


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("PUT", "/payloads/a/b", ("s3:PutObject", "payloads")),
        ("GET", "/payloads/a?x=1", ("s3:GetObject", "payloads")),
        ("HEAD", "/payloads/a", ("s3:GetObject", "payloads")),
        ("GET", "/payloads?list-type=2", ("s3:ListBucket", "payloads")),
    ],
)
def test_an_object_call_is_read_from_its_path(
    method: str, path: str, action: tuple[str, str]
) -> None:
    assert noted("s3", b"", method=method, path=path).actions == {action: 1}


def test_a_publish_is_read_from_its_form() -> None:
    calls = noted("sns", body=b"Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aeu%3A1%3Aops")

    assert calls.actions == {("sns:Publish", "ops"): 1}


def test_an_unsigned_request_is_nobodys() -> None:
    recorder = Recorder()
    recorder.note("GET", "/", {}, b"")

    assert recorder.dump() == b"{}"


# --- environments ---


def spec(folder: Path, *layers: Path, **environment: str) -> FunctionSpec:
    return FunctionSpec(
        folder="f",
        name="dev-f",
        arn="arn:aws:lambda:eu-west-1:1:function:dev-f",
        handler="handler.lambda_handler",
        code=folder,
        layers=layers,
        environment=environment,
        timeout_s=3,
        memory_mib=128,
        reserved=None,
    )


def folder(path: Path, *files: str) -> Path:
    for file in files:
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        (path / file).write_text("")
    return path


def test_a_mounted_path_becomes_the_layers(tmp_path: Path) -> None:
    code = folder(tmp_path / "asset.code", "handler.py")
    layer = folder(tmp_path / "asset.layer", "accord.json", "python/accord/__init__.py")
    workshop = Workshop(tmp_path / "work", endpoint="http://127.0.0.1:1")

    made = workshop.environment(
        spec(code, layer, ACCORD_CONFIG="/opt/accord.json", OTHER="/opt/none"), runtime_api="h:1"
    )

    copies = tmp_path / "work" / "assets"
    assert made["ACCORD_CONFIG"] == str(copies / "asset.layer" / "accord.json")
    assert made["OTHER"] == "/opt/none"
    assert made["PYTHONPATH"] == f"{copies}/asset.code:{copies}/asset.layer/python"


def test_another_configuration_stands_in_for_the_layers(tmp_path: Path) -> None:
    code = folder(tmp_path / "asset.code", "handler.py")
    workshop = Workshop(
        tmp_path / "work", endpoint="http://127.0.0.1:1", config=tmp_path / "mine.json"
    )

    made = workshop.environment(spec(code, ACCORD_CONFIG="/opt/accord.json"), runtime_api="h:1")

    assert made["ACCORD_CONFIG"] == str(tmp_path / "mine.json")


def test_a_layer_of_another_platform_is_left_out(tmp_path: Path) -> None:
    code = folder(tmp_path / "asset.code", "handler.py")
    alien = "python/pydantic_core/_pydantic_core.cpython-399-mips-linux-gnu.so"
    layer = folder(tmp_path / "asset.layer", alien)
    workshop = Workshop(tmp_path / "work", endpoint="http://127.0.0.1:1")

    made = workshop.environment(spec(code, layer), runtime_api="h:1")

    assert "asset.layer" not in made["PYTHONPATH"]


def test_a_layer_without_compiled_modules_suits_everyone(tmp_path: Path) -> None:
    assert foreign_extension(folder(tmp_path, "python/a.py", "python/lib/libz.so")) is None
