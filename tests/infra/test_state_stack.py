"""What would hurt: data that can be lost, read by others, or made up."""

import json
import re

from tests.infra.policies import of_type

TABLES = {
    *("links", "steps", "waiting", "attention", "journal"),
    *("control", "config", "levels", "tokens"),
}


def _tables(state):
    return of_type(state, "AWS::DynamoDB::Table").values()


def test_every_table_has_its_fixed_name(state):
    assert {table["TableName"] for table in _tables(state)} == {f"accord-prod-{t}" for t in TABLES}


def test_every_table_has_the_keys_that_the_code_uses(state):
    keys = [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert [table["KeySchema"] for table in _tables(state)] == [keys] * len(TABLES)


def test_every_table_can_be_restored_to_any_second(state):
    assert all(
        table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        for table in _tables(state)
    )


def test_no_table_can_be_deleted_in_passing(state):
    assert all(table["DeletionProtectionEnabled"] for table in _tables(state))


def test_every_table_is_paid_by_request(state):
    assert {table["BillingMode"] for table in _tables(state)} == {"PAY_PER_REQUEST"}


def test_every_table_forgets_what_has_expired(state):
    ttl = {"AttributeName": "expires_at", "Enabled": True}
    assert all(table["TimeToLiveSpecification"] == ttl for table in _tables(state))


def test_every_table_lies_under_our_key(state):
    (key,) = of_type(state, "AWS::KMS::Key")
    assert all(
        table["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": [key, "Arn"]}
        for table in _tables(state)
    )


def test_everything_that_holds_something_outlives_the_stack(state):
    kept = (
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
    )
    assert [
        name
        for name, resource in state["Resources"].items()
        if resource["Type"] in kept
        and (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) != ("Retain", "Retain")
    ] == []


def test_no_bucket_is_open_to_the_world(state):
    assert all(
        set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        for bucket in of_type(state, "AWS::S3::Bucket").values()
    )


def test_no_bucket_speaks_without_tls(state):
    denied = {
        policy["Bucket"]["Ref"]
        for policy in of_type(state, "AWS::S3::BucketPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert denied == set(of_type(state, "AWS::S3::Bucket"))


def _bucket(state, name):
    (found,) = (
        bucket
        for bucket in of_type(state, "AWS::S3::Bucket").values()
        if f"accord-prod-{name}" in json.dumps(bucket.get("BucketName", ""))
    )
    return found


def test_what_is_sealed_in_prod_cannot_be_deleted_by_anybody_for_as_long_as_it_is_kept(state):
    audit = _bucket(state, "audit")
    assert audit["ObjectLockEnabled"]
    assert audit["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {
        "Mode": "COMPLIANCE",
        "Days": 400,
    }
    assert audit["VersioningConfiguration"] == {"Status": "Enabled"}


def test_payloads_are_gone_after_a_year_and_reports_a_little_later(state):
    payloads = _bucket(state, "payloads")
    rules = payloads["LifecycleConfiguration"]["Rules"]
    days = {rule.get("Prefix"): rule.get("ExpirationInDays") for rule in rules}
    assert days == {
        None: None,  # what was written over goes everywhere
        "attention/": 365,
        "dead-letters/": 365,
        "documents/": 365,
        "reports/": 400,
    }
    assert rules[0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}


def test_every_secret_of_accord_toml_is_there_under_its_stage(state):
    names = {secret["Name"] for secret in of_type(state, "AWS::SecretsManager::Secret").values()}
    assert names == {"accord/prod/store/uk", "accord/prod/erp/main"}


def test_no_secret_has_a_value_that_nobody_chose(state):
    secrets = json.dumps(of_type(state, "AWS::SecretsManager::Secret"))
    assert "GenerateSecretString" not in secrets
    assert "SecretString" not in secrets


def test_the_key_is_renewed_each_year(state):
    (key,) = of_type(state, "AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] is True


def test_whatever_a_function_may_put_there_has_its_days(state, sync):
    """A folder without a rule would hold personal data for ever."""
    rules = _bucket(state, "payloads")["LifecycleConfiguration"]["Rules"]
    kept = {rule["Prefix"] for rule in rules if "Prefix" in rule}
    granted = set(re.findall(r'"/([a-z-]+/)\*"', json.dumps(sync)))
    assert granted
    assert granted <= kept
