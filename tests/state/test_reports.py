"""Reports of what was compared: of a day the newest, and the draft of a run."""

import datetime as dt
import itertools
import socket
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from accord.errors import UnavailableError
from accord.ports.reports import Reports
from accord.state.memory_reports import MemoryReports
from accord.state.reports import S3Reports

DAY = dt.date(2026, 11, 22)
_numbers = itertools.count()


@pytest.fixture
def bucket(aws: None) -> tuple[Any, str]:
    client = boto3.client("s3", region_name="us-east-1")
    name = f"reports-{next(_numbers)}"
    client.create_bucket(Bucket=name)
    return client, name


@pytest.fixture(params=["memory", "s3"])
def reports(request: pytest.FixtureRequest) -> Reports:
    if request.param == "memory":
        return MemoryReports()
    return S3Reports(*request.getfixturevalue("bucket"))


def test_of_a_day_the_newest_report_stays(reports: Reports) -> None:
    first = reports.put("uk", DAY, {"found": 1}, "<p>one</p>")
    second = reports.put("uk", DAY, {"found": 2}, "<p>two</p>")

    assert first == second
    assert reports.get("uk", DAY) == {"found": 2}


def test_of_a_day_without_one_there_is_none(reports: Reports) -> None:
    reports.put("uk", DAY, {"found": 1}, "")

    assert reports.get("uk", DAY + dt.timedelta(days=1)) is None
    assert reports.get("de", DAY) is None


def test_a_draft_is_there_until_the_next_but_one(reports: Reports) -> None:
    for nth in (1, 2):
        reports.put_draft("uk", nth, {"nth": nth})
    assert [reports.draft("uk", nth) for nth in (1, 2)] == [{"nth": 1}, {"nth": 2}]

    reports.put_draft("uk", 3, {"nth": 3})

    assert [reports.draft("uk", nth) for nth in (1, 2, 3)] == [None, {"nth": 2}, {"nth": 3}]
    assert reports.draft("de", 3) is None


def test_what_is_kept_is_not_what_is_changed_later(reports: Reports) -> None:
    draft: dict[str, Any] = {"found": [1]}
    reports.put_draft("uk", 1, draft)
    draft["found"].append(2)

    assert reports.draft("uk", 1) == {"found": [1]}


def test_the_page_is_one_that_a_browser_shows(bucket: tuple[Any, str]) -> None:
    client, name = bucket

    page = S3Reports(client, name).put("uk", DAY, {}, "<p>£</p>")

    found = client.get_object(Bucket=name, Key=page)
    assert page == "reports/uk/2026-11-22.html"
    assert found["ContentType"] == "text/html; charset=utf-8"
    assert found["Body"].read().decode() == "<p>£</p>"


@pytest.mark.parametrize(
    "call",
    [
        lambda reports: reports.put("uk", DAY, {}, ""),
        lambda reports: reports.get("uk", DAY),
        lambda reports: reports.put_draft("uk", 1, {}),
        lambda reports: reports.draft("uk", 1),
    ],
)
def test_a_bucket_that_cannot_be_reached_is_said_so(call: Callable[[Reports], object]) -> None:
    with socket.socket() as taken:  # bound and never listening: surely refused
        taken.bind(("127.0.0.1", 0))
        client = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{taken.getsockname()[1]}",
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=Config(retries={"max_attempts": 0}, connect_timeout=1, read_timeout=1),
        )
        with pytest.raises(UnavailableError):
            call(S3Reports(client, "nowhere"))
