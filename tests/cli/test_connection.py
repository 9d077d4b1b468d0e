"""A command reads the configuration as the functions of its stage do."""

import json
from pathlib import Path

import pytest

from accord.cli import connection
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
