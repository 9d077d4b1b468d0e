"""What would hurt: a function not deployed or not told, a queue whose dead have nowhere to go."""

import dataclasses
import json
from pathlib import Path

import pytest

from accord import aws, edge, erp
from accord.erp.hooks import webhook_of
from accord.model.documents import Kind
from accord.settings import Settings
from accord.sync.flows import FLOWS
from accord.woo import webhook
from infra.events import (
    CALLING,
    COMPARED,
    EVENTS,
    FROM_ERP,
    FROM_STORE,
    HINT_S,
    HINTED,
    POLLED,
    PRINTED,
    SEALED,
    SENDS,
    SWEPT,
    workers,
)
from infra.wiring import OWNERS
from tests.infra.policies import (
    allowed,
    allowed_actions,
    functions,
    of_type,
    role_statements,
    statements,
)

ROOT = Path(__file__).parents[2]
FOLDERS = {folder.name for folder in (ROOT / "functions").iterdir() if folder.is_dir()} - {
    "__pycache__"
}


def _environment(sync, folder):
    return sync["Resources"][functions(sync)[folder]]["Properties"]["Environment"]["Variables"]


def _told(sync, folder, variable):
    """The variable's JSON; where CloudFormation fills in a queue's URL stands its logical id."""
    value = _environment(sync, folder)[variable]
    if isinstance(value, dict):
        value = "".join(
            part if isinstance(part, str) else part["Ref"] for part in value["Fn::Join"][1]
        )
    return json.loads(value)


def _queues(sync):
    return {
        str(queue["QueueName"]): (name, queue)
        for name, queue in of_type(sync, "AWS::SQS::Queue").items()
    }


def test_every_folder_in_functions_is_deployed(sync):
    assert set(functions(sync)) == FOLDERS


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_every_function_is_given_every_setting(sync, folder):
    settings = {field.name for field in dataclasses.fields(Settings)} - {
        "region",
        "endpoint",
        "function",
    }
    given = _environment(sync, folder)
    assert {f"ACCORD_{setting.upper()}" for setting in settings} <= set(given)


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_every_function_logs_and_measures_under_its_own_name(sync, folder):
    given = _environment(sync, folder)
    assert (given["POWERTOOLS_SERVICE_NAME"], given["POWERTOOLS_METRICS_NAMESPACE"]) == (
        folder,
        "Accord",
    )


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_every_function_is_told_the_tables_it_may_use_and_no_other(sync, folder):
    told = set(_told(sync, folder, "ACCORD_TABLES").values())
    may = {
        resource.rpartition(":table/")[2].removesuffix('"]]}')
        for action, resource in allowed(sync, folder)
        if action.startswith("dynamodb:")
    }
    assert told == may


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_every_function_is_told_the_queues_it_may_send_to_and_no_other(sync, folder):
    told = set(_told(sync, folder, "ACCORD_QUEUES").values())
    may = {
        json.loads(resource)["Fn::GetAtt"][0]
        for action, resource in allowed(sync, folder)
        if action == "sqs:SendMessage"
    }
    assert told == may


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_a_sender_knows_the_queues_of_the_events_that_it_sends(sync, folder):
    told = _told(sync, folder, "ACCORD_QUEUES")
    assert told == {event: _queues(sync)[_fifo(event)][0] for event in SENDS.get(folder, ())}


def test_every_event_is_sent_by_somebody_beside_wake():
    sent = {event for folder, events in SENDS.items() if folder != "wake" for event in events}
    assert sent == {*EVENTS, *HINTED}


def test_every_flow_has_an_event_and_every_event_a_flow():
    assert {flow.function for flow in FLOWS} == set(EVENTS)


def test_whatever_waits_can_be_woken():
    assert set(SENDS["wake"]) == set(EVENTS)


def test_the_receiver_sends_what_deliveries_become():
    assert set(SENDS["receive_store_webhook"]) == set(webhook.FOLLOWED.values())


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_the_outside_address_is_told_to_those_who_tell_it(sync, folder):
    assert bool(_environment(sync, folder)["ACCORD_PUBLIC_URL"]) is (
        folder in {*PRINTED, "guard_webhooks"}
    )


@pytest.mark.parametrize("folder", ["receive_store_webhook", "receive_erp_webhook"])
def test_a_receiver_touches_no_table_and_no_payload(sync, folder):
    assert not {
        action
        for action in allowed_actions(sync, folder)
        if action.startswith(("dynamodb:", "s3:"))
    }


def _readable(sync, folder):
    return [
        resource
        for action, resource in allowed(sync, folder)
        if action == "secretsmanager:GetSecretValue"
    ]


def test_the_receiver_reads_the_stores_secrets_only(sync):
    (secret,) = _readable(sync, "receive_store_webhook")
    assert ":secret:accord/prod/store/uk-" in secret


def test_a_back_office_that_does_not_call_keeps_its_secret_from_the_receiver_of_calls(sync):
    assert _readable(sync, "receive_erp_webhook") == []


def test_back_offices_that_call_are_those_whose_folder_says_how():
    assert {name for name in erp.NAMES if webhook_of(name) is not None} == set(CALLING)


def test_whoever_receives_a_stores_key_reads_no_secret_and_one_table(sync):
    assert {
        action
        for action in allowed_actions(sync, "receive_store_keys")
        if action.startswith(("dynamodb:", "secretsmanager:", "sqs:", "s3:"))
    } == {"dynamodb:GetItem", "dynamodb:PutItem"}


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_no_function_reads_a_whole_table(sync, folder):
    assert "dynamodb:Scan" not in allowed_actions(sync, folder)


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_no_action_is_a_wildcard(sync, folder):
    assert [action for action in allowed_actions(sync, folder) if "*" in action] == []


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_a_wildcard_stands_for_traces_and_objects_of_the_bucket_only(sync, folder):
    wide = {action for action, resource in allowed(sync, folder) if "*" in resource}
    assert wide <= {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "s3:GetObject",
        "s3:PutObject",
    }


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_only_those_who_print_write_where_documents_are(sync, folder):
    written = [resource for action, resource in allowed(sync, folder) if action == "s3:PutObject"]
    others = [each for each in written if "/attention/*" not in each and "/dead-" not in each]
    others = [each for each in others if "/reports/*" not in each or folder != "reconcile"]
    others = [each for each in others if "-audit-" not in each or folder != "seal_journal"]
    assert all("/documents/*" in each for each in others)
    assert bool(others) is (folder in PRINTED)


def test_nothing_but_a_printed_document_is_served_to_the_outside(sync):
    objects = {
        (action, resource)
        for action, resource in allowed(sync, "get_document")
        if action.startswith("s3:")
    }
    ((action, resource),) = objects
    assert action == "s3:GetObject"
    assert '/documents/*"' in resource


def test_whoever_serves_documents_reads_one_table_and_no_secret(sync):
    assert {
        action
        for action in allowed_actions(sync, "get_document")
        if action.startswith(("dynamodb:", "secretsmanager:", "sqs:"))
    } == {"dynamodb:GetItem"}


def test_only_who_seals_the_journal_reaches_what_is_sealed(sync):
    reach = {
        folder: {action for action, resource in allowed(sync, folder) if "-audit-" in resource}
        for folder in FOLDERS
    }
    assert {folder for folder, actions in reach.items() if actions} == {"seal_journal"}
    assert reach["seal_journal"] == {"s3:GetObject", "s3:PutObject", "s3:ListBucket"}


def test_whoever_reports_the_backlog_writes_nothing(sync):
    """But that it takes away a cause that nothing waits for any more, as every reader of them."""
    written = {
        (action, resource.rpartition("/")[2].strip('"]}'))
        for action, resource in allowed(sync, "report_backlog")
        if action.startswith("dynamodb:") and action.endswith("Item")
        if "Get" not in action
    }
    assert {action for action, _ in written} == {"dynamodb:DeleteItem"}


def test_only_the_digest_mails_and_only_the_desks(sync):
    mails = {
        (folder, resource)
        for folder in FOLDERS
        for action, resource in allowed(sync, folder)
        if action == "sns:Publish"
    }
    assert {folder for folder, _ in mails} == {"send_digest"}
    assert len(mails) == len(OWNERS)
    told = json.dumps(_environment(sync, "send_digest")["ACCORD_TOPICS"])
    assert all(f":accord-prod-{owner}" in told for owner in OWNERS)


def test_whoever_polls_a_back_office_has_no_stores_secret(sync):
    secrets = [
        resource
        for action, resource in allowed(sync, "poll_erp")
        if action == "secretsmanager:GetSecretValue"
    ]
    assert len(secrets) == 1
    assert ":secret:accord/prod/erp/main-" in secrets[0]


@pytest.mark.parametrize("folder", ["stock_changed", "price_changed"])
def test_whoever_only_writes_to_stores_has_no_secret_of_a_back_office_and_no_links(sync, folder):
    granted = {resource for _, resource in allowed(sync, folder)}
    assert not [each for each in granted if ":secret:accord/prod/erp/" in each]
    assert not [each for each in granted if "accord-prod-links" in each or "prod-steps" in each]
    assert [each for each in granted if ":secret:accord/prod/store/uk-" in each]


def test_a_hold_may_depend_on_what_it_does_not_change(sync):
    levels = {
        action
        for action, resource in allowed(sync, "check_availability")
        if ":table/accord-prod-levels" in resource
    }
    assert "dynamodb:ConditionCheckItem" in levels


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_the_key_is_used_through_a_service_only(sync, folder):
    assert all(
        "kms:ViaService" in statement["Condition"]["StringEquals"]
        for statement in statements(sync, folder)
        if "kms:Decrypt" in statement["Action"]
    )


def test_no_role_but_code_deploys_has_a_policy_of_amazon(sync):
    assert {
        role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
        for role in of_type(sync, "AWS::IAM::Role").values()
        if role.get("ManagedPolicyArns")
    } == {"codedeploy.amazonaws.com"}


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_every_function_runs_as_the_layers_were_built(sync, folder):
    function = sync["Resources"][functions(sync)[folder]]["Properties"]
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_every_function_has_both_layers(sync, folder):
    function = sync["Resources"][functions(sync)[folder]]["Properties"]
    assert {layer["Ref"] for layer in function["Layers"]} == set(
        of_type(sync, "AWS::Lambda::LayerVersion")
    )


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_every_function_is_traced(sync, folder):
    function = sync["Resources"][functions(sync)[folder]]["Properties"]
    assert function["TracingConfig"] == {"Mode": "Active"}


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_every_folder_holds_the_entry_point_that_is_called(sync, folder):
    function = sync["Resources"][functions(sync)[folder]]["Properties"]
    assert function["Handler"] == "handler.lambda_handler"
    assert (ROOT / "functions" / folder / "handler.py").is_file()


def test_every_log_is_forgotten_some_day(sync):
    assert all(
        "RetentionInDays" in group for group in of_type(sync, "AWS::Logs::LogGroup").values()
    )


def test_every_new_version_comes_gradually_and_goes_when_it_fails(sync):
    groups = of_type(sync, "AWS::CodeDeploy::DeploymentGroup").values()
    assert len(groups) == len(FOLDERS)
    assert all(
        group["AlarmConfiguration"]["Enabled"]
        and "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        for group in groups
    )


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_a_rollout_is_stopped_by_the_errors_of_the_new_version_alone(sync, folder):
    """Else the errors of the old one would stop the release that mends them."""
    name = sync["Resources"][functions(sync)[folder]]["Properties"]["FunctionName"]
    version = {
        "Fn::GetAtt": [
            next(
                logical
                for logical, version in of_type(sync, "AWS::Lambda::Version").items()
                if version["FunctionName"] == {"Ref": functions(sync)[folder]}
            ),
            "Version",
        ]
    }
    (alarm,) = (
        alarm
        for alarm in of_type(sync, "AWS::CloudWatch::Alarm").values()
        if alarm["AlarmName"] == {"Fn::Join": ["", [f"{name}-rollout-", version]]}
    )
    (executed,) = (d["Value"] for d in alarm["Dimensions"] if d["Name"] == "ExecutedVersion")
    assert executed == version


def test_logs_of_a_first_deployment_that_failed_are_not_in_the_way_of_the_second(sync):
    groups = [r for r in sync["Resources"].values() if r["Type"] == "AWS::Logs::LogGroup"]
    assert {group["DeletionPolicy"] for group in groups} == {"RetainExceptOnCreate"}


@pytest.mark.parametrize("folder", ["receive_store_webhook", "receive_erp_webhook"])
def test_a_receiver_outlasts_its_calls_of_aws_and_ends_before_the_door_gives_up(sync, folder):
    logical = functions(sync)[folder]
    timeout = sync["Resources"][logical]["Properties"]["Timeout"]
    call = aws._CONNECT_S + aws._READ_S
    assert 3 * call < timeout < 30


def _fifo(event, suffix=""):
    return f"accord-prod-{event.replace('_', '-')}{suffix}.fifo"


@pytest.mark.parametrize("event", EVENTS)
def test_every_queue_has_somewhere_for_its_dead(sync, event):
    dead, _ = _queues(sync)[_fifo(event, "-dead")]
    _, queue = _queues(sync)[_fifo(event)]
    assert queue["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead, "Arn"]},
        "maxReceiveCount": 6,
    }


HINTS = {f"accord-prod-{folder.replace('_', '-')}.fifo" for folder in HINTED}


def test_no_queue_is_without_a_place_for_its_dead_unless_it_is_one_or_holds_hints(sync):
    assert {
        name
        for name, (_, queue) in _queues(sync).items()
        if "RedrivePolicy" not in queue and "-dead" not in name
    } == HINTS


def test_every_message_waits_two_weeks_but_a_hint(sync):
    waits = {name: queue["MessageRetentionPeriod"] for name, (_, queue) in _queues(sync).items()}
    assert {waits.pop(name) for name in HINTS} == {300}
    assert set(waits.values()) == {14 * 86400}


@pytest.mark.parametrize("folder", HINTED)
def test_a_hint_lies_as_long_as_the_receiver_reckons_and_outlasts_a_look(sync, folder):
    name, queue = _queues(sync)[_fifo(folder)]
    assert queue["DelaySeconds"] == edge.HINT_S == HINT_S
    timeout = sync["Resources"][functions(sync)[folder]]["Properties"]["Timeout"]
    assert timeout < queue["VisibilityTimeout"] < queue["MessageRetentionPeriod"] / 2
    source = _source(sync, name)
    assert (source["BatchSize"], source["ScalingConfig"]["MaximumConcurrency"]) == (1, 2)
    assert queue["DeduplicationScope"] == "messageGroup"


@pytest.mark.parametrize("suffix", ["", "-dead"])
@pytest.mark.parametrize("event", EVENTS)
def test_a_killed_worker_costs_two_minutes(sync, event, suffix):
    assert _queues(sync)[_fifo(event, suffix)][1]["VisibilityTimeout"] == 120


@pytest.mark.parametrize("event", EVENTS)
def test_one_record_slows_no_other(sync, event):
    _, queue = _queues(sync)[_fifo(event)]
    assert (queue["DeduplicationScope"], queue["FifoThroughputLimit"]) == (
        "messageGroup",
        "perMessageGroupId",
    )


def test_queues_with_work_outlive_the_stack(sync):
    assert {
        sync["Resources"][_queues(sync)[_fifo(event)][0]]["DeletionPolicy"] for event in EVENTS
    } == {"RetainExceptOnCreate"}


def test_no_queue_speaks_without_tls(sync):
    denied = {
        queue["Ref"]
        for policy in of_type(sync, "AWS::SQS::QueuePolicy").values()
        for queue in policy["Queues"]
        if policy["PolicyDocument"]["Statement"][0]["Effect"] == "Deny"
    }
    assert denied == set(of_type(sync, "AWS::SQS::Queue"))


def _source(sync, queue):
    (mapping,) = (
        mapping
        for mapping in of_type(sync, "AWS::Lambda::EventSourceMapping").values()
        if mapping["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}
    )
    return mapping


@pytest.mark.parametrize("event", EVENTS)
def test_a_worker_takes_one_change_at_a_time(sync, event):
    assert _source(sync, _queues(sync)[_fifo(event)][0])["BatchSize"] == 1


@pytest.mark.parametrize(("bears", "at_once"), [(1, 8), (2, 8), (8, 8), (9, 8), (12, 12), (40, 40)])
def test_no_more_is_written_at_once_than_the_back_office_bears_or_aws_has_as_its_least(
    bears, at_once
):
    assert sum(workers(event, bears) for event in FROM_STORE) == at_once


@pytest.mark.parametrize("event", FROM_ERP)
def test_what_the_back_office_tells_is_carried_by_as_few_as_there_can_be(event):
    assert workers(event, 40) == 2


@pytest.mark.parametrize("event", EVENTS)
def test_a_queue_has_its_share_of_the_workers(sync, event):
    source = _source(sync, _queues(sync)[_fifo(event)][0])
    assert source["ScalingConfig"]["MaximumConcurrency"] == workers(event, 6)


@pytest.mark.parametrize("event", EVENTS)
def test_the_dead_of_every_queue_are_reported(sync, event):
    mapping = _source(sync, _queues(sync)[_fifo(event, "-dead")][0])
    called = json.dumps(mapping["FunctionName"])  # the alias's name, cut from its ARN
    (alias,) = (name for name in of_type(sync, "AWS::Lambda::Alias") if f'"{name}"' in called)
    assert sync["Resources"][alias]["Properties"]["FunctionName"] == {
        "Ref": functions(sync)["report_dead_letters"]
    }


def test_a_failed_record_fails_alone(sync):
    assert all(
        mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        for mapping in of_type(sync, "AWS::Lambda::EventSourceMapping").values()
    )


@pytest.mark.parametrize("folder", EVENTS)
def test_a_worker_ends_before_its_message_comes_again(sync, folder):
    function = sync["Resources"][functions(sync)[folder]]["Properties"]
    _, queue = _queues(sync)[_fifo(folder)]
    assert function["Timeout"] < queue["VisibilityTimeout"]


def test_there_are_these_doors(sync):
    routes = {route["RouteKey"] for route in of_type(sync, "AWS::ApiGatewayV2::Route").values()}
    assert routes == {
        "POST /stores/{store}/webhooks",
        "POST /stores/{store}/availability",
        "POST /erps/{erp}/webhook",
        "POST /stores/{store}/keys",
        "GET /documents/{token}",
    }


def test_the_door_has_a_throttle(sync):
    (stage,) = of_type(sync, "AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 50


def test_the_door_logs_how_it_went_and_nothing_that_was_sent(sync):
    (stage,) = of_type(sync, "AWS::ApiGatewayV2::Stage").values()
    text = stage["AccessLogSettings"]["Format"]
    assert "$context.status" in text
    assert "header" not in text
    assert "body" not in text


def test_the_door_does_not_log_the_address_that_opens_a_document(sync):
    (stage,) = of_type(sync, "AWS::ApiGatewayV2::Stage").values()
    assert "path" not in stage["AccessLogSettings"]["Format"].lower()


def _schedules(sync):
    """Its name → the schedule."""
    found = of_type(sync, "AWS::Scheduler::Schedule").values()
    return {schedule["Name"]: schedule for schedule in found}


KINDS = [kind.replace("_", "-") for kind in POLLED]
EACH_MINUTE = {
    "accord-prod-wake": "wake",
    "accord-prod-report-backlog": "report_backlog",
    "accord-prod-reconcile-uk": "reconcile",
    **{f"accord-prod-poll-main-{kind}": "poll_erp" for kind in KINDS},
}
FEW_MINUTES = {
    "accord-prod-reconcile-uk-begin": (
        "reconcile",
        COMPARED,
        {"store": "uk", "begin": "yes"},
    ),  # schedule → its function, its rate, what it is told
    "accord-prod-poll-store-uk": ("poll_store", "rate(2 minutes)", {"store": "uk"}),
    "accord-prod-guard-uk": ("guard_webhooks", "rate(5 minutes)", {"store": "uk"}),
    "accord-prod-seal-journal": ("seal_journal", SEALED, {}),
    "accord-prod-send-digest": ("send_digest", "cron(15 6 * * ? *)", {}),  # as configured
}
NIGHTLY = {f"accord-prod-sweep-main-{kind}": kind for kind in SWEPT}
SCHEDULES = (
    EACH_MINUTE
    | dict.fromkeys(NIGHTLY, "poll_erp")
    | {name: folder for name, (folder, _, _) in FEW_MINUTES.items()}
)


def test_there_is_a_schedule_for_each_kind_of_each_back_office(sync):
    assert _schedules(sync).keys() == SCHEDULES.keys()


def test_what_is_swept_is_polled_too_and_each_at_a_time_of_its_own():
    assert SWEPT.keys() <= set(POLLED)
    assert len(set(SWEPT.values())) == len(SWEPT)


@pytest.mark.parametrize("name", NIGHTLY)
def test_once_a_night_each_kind_is_read_whole(sync, name):
    schedule = _schedules(sync)[name]
    assert schedule["ScheduleExpression"] == SWEPT[NIGHTLY[name]]
    assert json.loads(schedule["Target"]["Input"]) == {
        "erp": "main",
        "kind": NIGHTLY[name],
        "sweep": "yes",
    }


def test_every_kind_that_is_polled_is_a_kind():
    assert set(POLLED) <= set(Kind)


@pytest.mark.parametrize("name", EACH_MINUTE)
def test_what_has_a_schedule_runs_each_minute(sync, name):
    schedule = _schedules(sync)[name]
    alias = sync["Resources"][schedule["Target"]["Arn"]["Ref"]]["Properties"]
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert alias["FunctionName"] == {"Ref": functions(sync)[SCHEDULES[name]]}


@pytest.mark.parametrize("name", FEW_MINUTES)
def test_each_store_is_asked_every_few_minutes(sync, name):
    folder, rate, told = FEW_MINUTES[name]
    schedule = _schedules(sync)[name]
    alias = sync["Resources"][schedule["Target"]["Arn"]["Ref"]]["Properties"]
    assert schedule["ScheduleExpression"] == rate
    assert json.loads(schedule["Target"]["Input"]) == told
    assert alias["FunctionName"] == {"Ref": functions(sync)[folder]}


def test_a_poll_is_told_what_to_ask_of_whom(sync):
    schedule = _schedules(sync)["accord-prod-poll-main-sales-order"]
    assert json.loads(schedule["Target"]["Input"]) == {"erp": "main", "kind": "sales_order"}


@pytest.mark.parametrize("name", SCHEDULES)
def test_what_the_clock_could_not_deliver_is_kept(sync, name):
    dead = f"accord-prod-{SCHEDULES[name].replace('_', '-')}-schedule-dead"
    queue, _ = _queues(sync)[dead]
    assert _schedules(sync)[name]["Target"]["DeadLetterConfig"] == {
        "Arn": {"Fn::GetAtt": [queue, "Arn"]}
    }


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_clock_may_call_its_function_and_nothing_else(sync, name):
    target = _schedules(sync)[name]["Target"]
    (role, _) = target["RoleArn"]["Fn::GetAtt"]
    invoke = [s for s in role_statements(sync, role) if s["Action"] == "lambda:InvokeFunction"]
    assert [statement["Resource"] for statement in invoke] == [target["Arn"]]


def test_a_store_can_leave_without_one_stack_holding_another(sync):
    imported = {part for part in json.dumps(sync).split('"') if "ExportsOutput" in part}
    own = {part for part in json.dumps(sync["Outputs"]).split('"') if "ExportsOutput" in part}
    assert {name.split(":")[0] for name in imported - own} == {"accord-prod-state"}
    assert len(imported - own) == 1  # the key, which never goes


def test_every_stack_is_far_from_what_cloudformation_takes(assembly):
    """500 resources and 1 MB. Source: CloudFormation quotas."""
    for path in assembly.glob("*.template.json"):
        assert len(json.loads(path.read_text())["Resources"]) < 400
        assert path.stat().st_size < 500_000
