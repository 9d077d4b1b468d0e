"""What would hurt: a failure that nobody is told of, and an alarm that says not what to do."""

import json

import pytest

from infra import events
from tests.infra.policies import functions, of_type

EVENTS = [event.replace("_", "-") for event in events.EVENTS]


def _alarms(template):
    return {
        alarm["AlarmName"]: alarm for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
    }


def _dimensions(alarm):
    return {pair["Name"]: pair["Value"] for pair in alarm.get("Dimensions", ())}


def test_every_alarm_tells_somebody(alarms):
    topics = of_type(alarms, "AWS::SNS::Topic")
    assert all(
        alarm["AlarmActions"] and {action["Ref"] for action in alarm["AlarmActions"]} <= set(topics)
        for alarm in _alarms(alarms).values()
    )


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
        if alarm["MetricName"] == metric
    } == names


def test_no_alarm_watches_a_queue_that_is_not_there(alarms, sync):
    queues = {queue["QueueName"] for queue in of_type(sync, "AWS::SQS::Queue").values()}
    watched = {
        _dimensions(alarm)["QueueName"]
        for alarm in _alarms(alarms).values()
        if alarm["Namespace"] == "AWS/SQS"
    }
    assert watched == queues


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


def test_whoever_may_have_to_act_is_told_that_an_order_waits_for_a_person(alarms):
    """A mapping is finance's to add, goods that left are the warehouse's, a password is ops'."""
    actions = {a["Ref"] for a in _alarms(alarms)["accord-prod-store-uk-attention"]["AlarmActions"]}
    topics = of_type(alarms, "AWS::SNS::Topic")
    assert {topics[action]["TopicName"] for action in actions} == {
        "accord-prod-commerce",
        "accord-prod-finance",
        "accord-prod-warehouse",
        "accord-prod-ops",
    }
