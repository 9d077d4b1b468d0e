"""What would hurt: a failure that nobody is told of, and an alarm that says not what to do."""

import json
import re

import pytest

from infra import ROOT, events
from infra.wiring import OWNERS
from tests.infra.policies import functions, of_type

RUNBOOKS = ROOT / "docs" / "runbooks"
EVENTS = [event.replace("_", "-") for event in events.EVENTS]


def _alarms(template):
    return {
        alarm["AlarmName"]: alarm for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
    }


def _dimensions(alarm):
    return {pair["Name"]: pair["Value"] for pair in alarm.get("Dimensions", ())}


def _every(template):
    """Those that look at a metric, and those that look at others."""
    composite = of_type(template, "AWS::CloudWatch::CompositeAlarm").values()
    return _alarms(template) | {alarm["AlarmName"]: alarm for alarm in composite}


def test_every_alarm_tells_somebody_or_is_a_part_of_one_that_does(alarms):
    topics = of_type(alarms, "AWS::SNS::Topic")
    every = _every(alarms)
    told = " ".join(alarm.get("AlarmRule", "") for alarm in every.values())
    silent = [
        name
        for name, alarm in every.items()
        if not {action["Ref"] for action in alarm.get("AlarmActions", [])} & set(topics)
    ]
    assert silent == ["accord-prod-store-uk-silent-part", "accord-prod-store-uk-busy-part"]
    assert all(f'ALARM("{name}")' in told for name in silent)


def test_every_alarm_names_a_runbook_that_is_there(alarms):
    for name, alarm in _every(alarms).items():
        found = re.search(r" Runbook: (\S+)/([a-z-]+\.md)$", alarm["AlarmDescription"])
        assert found, name
        assert found[1] == "https://wiki.store.example/accord"
        assert (RUNBOOKS / found[2]).is_file(), name


def test_every_runbook_is_named_by_an_alarm(alarms):
    named = {alarm["AlarmDescription"].rpartition("/")[2] for alarm in _every(alarms).values()}
    assert {path.name for path in RUNBOOKS.glob("*.md")} - {"README.md"} == named


def test_a_runbook_says_what_it_means_where_to_look_what_to_do_and_when_it_is_over():
    for path in RUNBOOKS.glob("*.md"):
        if path.name == "README.md":
            continue
        heads = re.findall(r"^## (.+)$", path.read_text(), re.M)
        assert heads == ["What it means", "Look at", "Do", "Closes"], path.name


def test_no_alarm_is_longer_than_cloudwatch_takes(alarms):
    assert max(len(alarm["AlarmDescription"]) for alarm in _every(alarms).values()) <= 1024


def test_no_alarm_looks_back_further_than_cloudwatch_does(alarms):
    """A day, and a week where a period is an hour or more."""
    for name, alarm in _alarms(alarms).items():
        period = alarm.get("Period") or alarm["Metrics"][-1]["MetricStat"]["Period"]
        assert period * alarm["EvaluationPeriods"] <= (86_400 if period < 3600 else 604_800), name


def test_a_store_that_is_quiet_at_night_rings_for_nobody(alarms):
    rule = _every(alarms)["accord-prod-store-uk-quiet"]["AlarmRule"]
    assert rule == (
        'ALARM("accord-prod-store-uk-silent-part") AND ALARM("accord-prod-store-uk-busy-part")'
    )
    parts = _alarms(alarms)
    assert parts["accord-prod-store-uk-silent-part"]["TreatMissingData"] == "breaching"
    assert parts["accord-prod-store-uk-busy-part"]["TreatMissingData"] == "notBreaching"


def test_support_is_told_once_of_whatever_is_wrong_with_a_store(alarms):
    trouble = _every(alarms)["accord-prod-store-uk-trouble"]
    topics = of_type(alarms, "AWS::SNS::Topic")
    assert [topics[action["Ref"]]["TopicName"] for action in trouble["AlarmActions"]] == [
        "accord-prod-support"
    ]
    of_store = {name for name in _every(alarms) if name.startswith("accord-prod-store-uk-")}
    named = set(re.findall(r'ALARM\("([^"]+)"\)', trouble["AlarmRule"]))
    parts = {name for name in of_store if name.endswith("-part")}
    assert named == of_store - parts - {"accord-prod-store-uk-trouble"}


def test_an_alarm_on_posting_time_knows_what_is_usual(alarms):
    alarm = _alarms(alarms)["accord-prod-store-uk-posting-slow"]
    assert alarm["ComparisonOperator"] == "GreaterThanUpperThreshold"
    assert any("ANOMALY_DETECTION_BAND" in each.get("Expression", "") for each in alarm["Metrics"])


# --- the dashboard and the logs -----------------------------------------------------


def test_the_dashboard_shows_every_metric_that_a_function_tells(alarms):
    (board,) = of_type(alarms, "AWS::CloudWatch::Dashboard").values()
    body = json.dumps(board["DashboardBody"])
    for metric in (
        *("OrdersPosted", "WebhooksReceived", "WebhooksRejected", "OrderPostingSeconds"),
        "StoreKeysRejected",
        *("OldestUnpostedOrderSeconds", "StockAgeSeconds", "Waiting", "AttentionOpen"),
        *("DeadLetters", "WebhooksDisabled", "DifferencesFound", "OversoldUnits"),
        *("ErpCalls", "StoreCalls", "StockWindowSeconds"),
        *("ChangesAttention", "ChangesParked", "OrdersRecovered"),
    ):
        assert metric in body


def test_the_dashboard_has_room_for_every_widget(alarms):
    (board,) = of_type(alarms, "AWS::CloudWatch::Dashboard").values()
    body = "".join(
        part if isinstance(part, str) else "x" for part in board["DashboardBody"]["Fn::Join"][1]
    )
    widgets = json.loads(body)["widgets"]
    assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)


def test_the_questions_that_are_asked_again_and_again_are_saved(alarms):
    queries = of_type(alarms, "AWS::Logs::QueryDefinition").values()
    assert {query["Name"].rpartition("/")[2] for query in queries} == {
        *("failed changes", "slowest", "one story", "by store", "what waits")
    }
    assert all(len(query["LogGroupNames"]) <= 50 for query in queries)


def test_an_alarm_that_tells_nobody_stops_a_rollout(sync):
    stopping = {
        alarm["Name"]["Ref"]
        for group in of_type(sync, "AWS::CodeDeploy::DeploymentGroup").values()
        for alarm in group["AlarmConfiguration"]["Alarms"]
    }
    assert stopping == set(of_type(sync, "AWS::CloudWatch::Alarm"))


def test_every_alarm_says_what_to_do(alarms):
    assert [n for n, alarm in _alarms(alarms).items() if len(alarm["AlarmDescription"]) < 80] == []


def test_a_dead_letter_is_told(alarms):
    alarm = _alarms(alarms)["accord-prod-dead-letters"]
    assert (alarm["Namespace"], alarm["MetricName"], _dimensions(alarm), alarm["Threshold"]) == (
        "Accord",
        "DeadLetters",
        {"stage": "prod"},
        1,
    )


@pytest.mark.parametrize("event", EVENTS)
def test_dead_letters_that_nobody_reports_are_told(alarms, event):
    alarm = _alarms(alarms)[f"accord-prod-{event}-dead-late"]
    assert alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
    assert _dimensions(alarm) == {"QueueName": f"accord-prod-{event}-dead.fifo"}


@pytest.mark.parametrize("event", EVENTS)
def test_orders_that_are_late_are_told(alarms, event):
    alarm = _alarms(alarms)[f"accord-prod-{event}-late"]
    assert alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
    assert _dimensions(alarm) == {"QueueName": f"accord-prod-{event}.fifo"}


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_is_watched(alarms, sync, metric):
    names = {
        sync["Resources"][logical]["Properties"]["FunctionName"]
        for logical in functions(sync).values()
    }
    assert {
        _dimensions(alarm)["FunctionName"]
        for alarm in _alarms(alarms).values()
        if alarm.get("MetricName") == metric
    } == names


def test_no_alarm_watches_a_queue_that_is_not_there(alarms, sync):
    queues = {queue["QueueName"] for queue in of_type(sync, "AWS::SQS::Queue").values()}
    watched = {
        _dimensions(alarm)["QueueName"]
        for alarm in _alarms(alarms).values()
        if alarm.get("Namespace") == "AWS/SQS"
    }
    # What is late of hints is late of the poll, which is watched.
    assert watched == queues - {
        f"accord-prod-{name.replace('_', '-')}.fifo" for name in events.HINTED
    }


@pytest.mark.parametrize("folder", ["wake", "poll-erp"])
def test_silence_is_told(alarms, folder):
    alarm = _alarms(alarms)[f"accord-prod-{folder}-silent"]
    assert alarm["TreatMissingData"] == "breaching"


def test_what_the_clock_starts_is_watched_for_silence(alarms, sync):
    scheduled = {
        sync["Resources"][schedule["Target"]["Arn"]["Ref"]]["Properties"]["FunctionName"]["Ref"]
        for schedule in of_type(sync, "AWS::Scheduler::Schedule").values()
    }
    names = {sync["Resources"][name]["Properties"]["FunctionName"] for name in scheduled}
    silent = {name.removesuffix("-silent") for name in _alarms(alarms) if name.endswith("-silent")}
    assert names == silent


def test_a_back_office_that_is_not_read_to_its_end_is_told_after_an_hour(alarms):
    alarm = _alarms(alarms)["accord-prod-erp-news-late"]
    assert (alarm["MetricName"], _dimensions(alarm)) == ("ErpPollsBehind", {"stage": "prod"})
    assert alarm["EvaluationPeriods"] * alarm["Period"] == 3600


def test_a_door_that_fails_is_told(alarms):
    alarm = _alarms(alarms)["accord-prod-webhooks-failing"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/ApiGateway", "5xx")


def test_every_owner_has_a_topic(alarms):
    names = {topic["TopicName"] for topic in of_type(alarms, "AWS::SNS::Topic").values()}
    owners = ("commerce", "finance", "warehouse", "support", "ops")
    assert names == {f"accord-prod-{owner}" for owner in owners}


def test_every_topic_is_encrypted_under_a_key_that_cloudwatch_may_use(alarms, state):
    (key,) = of_type(state, "AWS::KMS::Key").values()
    assert all("KmsMasterKeyId" in topic for topic in of_type(alarms, "AWS::SNS::Topic").values())
    assert "cloudwatch.amazonaws.com" in json.dumps(key["KeyPolicy"])


def test_no_topic_speaks_without_tls(alarms):
    denied = {
        topic["Ref"]
        for policy in of_type(alarms, "AWS::SNS::TopicPolicy").values()
        for topic in policy["Topics"]
        if policy["PolicyDocument"]["Statement"][0]["Effect"] == "Deny"
    }
    assert denied == set(of_type(alarms, "AWS::SNS::Topic"))


def test_cloudwatch_may_publish_to_every_topic(alarms):
    assert all(
        "cloudwatch.amazonaws.com" in json.dumps(policy)
        for policy in of_type(alarms, "AWS::SNS::TopicPolicy").values()
    )


def test_the_mail_of_accord_toml_is_subscribed(alarms):
    (subscription,) = of_type(alarms, "AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@store.example")


def test_each_desk_is_told_at_once_of_what_is_its_own_and_of_nothing_else(alarms):
    """A tax code that is missing is finance's; it must not ring at the warehouse."""
    topics = of_type(alarms, "AWS::SNS::Topic")
    for owner in OWNERS:
        alarm = _alarms(alarms)[f"accord-prod-store-uk-{owner}-attention"]
        told = [topics[action["Ref"]]["TopicName"] for action in alarm["AlarmActions"]]
        assert told == [f"accord-prod-{owner}"]
        assert _dimensions(alarm) == {"stage": "prod", "store": "uk", "kind": owner}
        assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["Threshold"]) == (300, 1, 1)
