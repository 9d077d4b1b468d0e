"""A command reads the configuration as the functions of its stage do."""

import json
from pathlib import Path

import pytest

from accord.cli import connection
from accord.errors import BadInputError, UnavailableError
from accord.rules.load import check, parse

TOML = (Path(__file__).parents[2] / "accord.toml").read_text(encoding="utf-8")


def test_a_deployed_stage_is_spoken_to_with_the_checkouts_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REPO", tmp_path)
    (tmp_path / "accord.toml").write_text(TOML, encoding="utf-8")

    compiled = Path(connection._deployed("staging"))

    assert parse(json.loads(compiled.read_text(encoding="utf-8"))) == check(TOML)[0]


def test_every_queue_of_a_flow_can_be_sent_to() -> None:
    functions = {path.name for path in (Path(__file__).parents[2] / "functions").iterdir()}

    assert set(connection.EVENTS) <= functions


def test_a_delivery_is_sent_to_the_stack_that_runs_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"endpoint": "http://127.0.0.1:1", "webhooks": "http://127.0.0.1:2/stores/uk/webhooks"}
    (tmp_path / ".accord").mkdir()
    (tmp_path / ".accord" / "local.json").write_text(json.dumps(told), encoding="utf-8")
    monkeypatch.setattr(connection, "REPO", tmp_path)

    with pytest.raises(UnavailableError, match="does not answer any more"):
        connection.local_webhooks()  # nobody is at its endpoint


def test_the_file_that_the_stack_here_was_made_of_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = check(TOML)
    assert config is not None
    path = tmp_path / "file.json"
    path.write_text(config.model_dump_json(by_alias=True), encoding="utf-8")
    monkeypatch.setattr(connection, "_local", lambda: {"config": "", "file": str(path)})

    assert connection.local_file() == config


def test_without_a_stack_nothing_is_sent_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REPO", tmp_path)

    with pytest.raises(BadInputError, match="start `accord local`"):
        connection.local_webhooks()
