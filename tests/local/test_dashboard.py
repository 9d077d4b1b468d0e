"""The dashboard on this machine: the template's own tiles, with what was measured here."""

import datetime as dt
import html.parser
import json

import pytest
from typer.testing import CliRunner

from accord.cli import dashboard as command
from accord.cli.app import app
from accord.local.dashboard_page import number, page
from accord.local.runner.alarms import Alarm, Measured
from accord.local.runner.dashboard import POINTS, Picture, picture
from accord.local.runner.metrics import Metrics

AT = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
BODY = {
    "widgets": [
        {
            "type": "alarm",
            "x": 0,
            "y": 0,
            "width": 24,
            "height": 6,
            "properties": {"title": "Alarms", "alarms": []},
        },
        {
            "type": "metric",
            "x": 0,
            "y": 6,
            "width": 12,
            "height": 6,
            "properties": {
                "title": "Orders posted",
                "view": "timeSeries",
                "metrics": [
                    ["Accord", "OrdersPosted", "stage", "dev", "store", "uk", {"stat": "Sum"}],
                    ["Accord", "OrdersPosted", "stage", "dev", "store", "fr", {"stat": "Sum"}],
                ],
            },
        },
        {
            "type": "metric",
            "x": 12,
            "y": 6,
            "width": 12,
            "height": 4,
            "properties": {
                "title": "Whose turn: uk",
                "view": "singleValue",
                "metrics": [
                    ["Accord", "Waiting", "stage", "dev", {"stat": "Maximum", "label": "<ops>"}]
                ],
            },
        },
    ]
}
RINGING = Alarm(
    name="accord-dev-dead-letters",
    description="A change killed its worker & more.",
    metric="Accord/DeadLetters",
    value=1.0,
    threshold=1.0,
    comparison="",
    state="ALARM",
    owners=("ops",),
)


@pytest.fixture
def metrics() -> Metrics:
    found = Metrics()
    uk = {"stage": "dev", "store": "uk"}
    for at in (10.0, 550.0, 599.0):
        found.put("Accord", "OrdersPosted", 2, uk, at=at)
    found.put("Accord", "Waiting", 7, {"stage": "dev"}, at=300.0)
    found.put("Accord", "Waiting", 3, {"stage": "dev"}, at=400.0)
    return found


def taken(metrics: Metrics, *alarms: Alarm) -> Picture:
    measured = Measured(metrics, {}, since=0.0, now=600.0, speed=1.0)
    return picture("accord-dev", BODY, alarms, measured, at=AT)


def test_a_graph_shows_each_metric_of_its_tile_over_the_time_since_the_start(
    metrics: Metrics,
) -> None:
    posted = taken(metrics).widgets[1]
    uk, fr = posted.lines

    assert (len(uk.values), uk.latest) == (POINTS, 6.0)
    assert [value for value in uk.values if value] == [2.0, 2.0, 2.0]
    assert (uk.values[1], uk.values[-1]) == (2.0, 2.0)
    assert fr.latest is None


def test_a_number_is_the_newest_one(metrics: Metrics) -> None:
    (line,) = taken(metrics).widgets[2].lines

    assert (line.label, line.latest) == ("<ops>", 3.0)


def test_a_picture_survives_its_way_to_another_process(metrics: Metrics) -> None:
    made = taken(metrics, RINGING)

    text = json.dumps(made.to_json())
    assert json.dumps(Picture.from_json(json.loads(text)).to_json()) == text


class Reader(html.parser.HTMLParser):
    """What a page says, and whether it asks for anything from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.asked += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_the_page_needs_nothing_else_and_escapes_what_was_named(metrics: Metrics) -> None:
    reader = Reader()
    reader.feed(page(taken(metrics, RINGING)))

    said = " ".join(reader.said)
    assert (reader.asked, reader.open) == ([], [])
    assert "A change killed its worker & more." in said
    assert "<ops>" in said
    assert "1 alarm rings" in said


def test_a_page_on_which_nothing_rings_says_so(metrics: Metrics) -> None:
    assert "None of 0 rings." in page(taken(metrics))


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (12345.0, "12,345"), (12.345, "12.3"), (0.1234, "0.12")]
)
def test_a_number_is_written_as_a_person_reads_it(value: float | None, text: str) -> None:
    assert number(value) == text


# --- accord dashboard -------------------------------------------------------------------


def shown(monkeypatch: pytest.MonkeyPatch, found: Picture) -> None:
    monkeypatch.setattr(command, "local_dashboard", found.to_json)


def test_the_terminal_shows_graphs_and_no_alarm(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(monkeypatch, taken(metrics))
    result = CliRunner().invoke(app, ["dashboard"])

    assert result.exit_code == 0
    assert "Orders posted" in result.output
    assert "█" in result.output
    assert "None of 0 alarms rings." in result.output


def test_an_alarm_that_rings_is_told_with_whose_turn_it_is(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(monkeypatch, taken(metrics, RINGING))
    result = CliRunner().invoke(app, ["dashboard"])

    assert result.exit_code == 1
    assert "accord-dev-dead-letters" in result.output
    assert "ops" in result.output


def test_the_page_is_written_to_a_file(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    shown(monkeypatch, taken(metrics))
    path = tmp_path / "board.html"

    assert CliRunner().invoke(app, ["dashboard", "--html", str(path)]).exit_code == 0
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_without_a_stack_it_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> dict[str, object]:
        from accord.errors import BadInputError

        raise BadInputError("no stack runs on this machine: start `accord local`")

    monkeypatch.setattr(command, "local_dashboard", none)
    result = CliRunner().invoke(app, ["dashboard"])

    assert "start `accord local`" in str(result.exception)
