"""What would hurt: a test stage that touches a live shop, and a file that is wrong and deployed."""

import json
from pathlib import Path

import pytest

from infra import wiring
from infra.wiring import RefusedError, check, read
from tests.infra.conftest import ACCORD_TOML

LIVE = 'secret = "store/uk"\nprod = true'
TEST = 'secret = "store/uk"'


@pytest.fixture
def config(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "accord.toml"
        path.write_text(text)
        return path

    return write


def test_a_stage_that_is_not_prod_refuses_a_live_store(config):
    with pytest.raises(RefusedError, match=r"stores\.uk marked prod = true"):
        read(config(ACCORD_TOML), prod=False)


def test_a_stage_that_is_not_prod_refuses_live_books(config):
    text = ACCORD_TOML.replace(LIVE, TEST).replace("concurrency = 6", "prod = true")
    with pytest.raises(RefusedError, match=r"erps\.main marked prod = true"):
        read(config(text), prod=False)


def test_a_stage_that_is_not_prod_takes_a_test_store(config):
    assert read(config(ACCORD_TOML.replace(LIVE, TEST)), prod=False).stores == ("uk",)


def test_prod_takes_a_live_store(config):
    assert read(config(ACCORD_TOML), prod=True).secrets == ("store/uk", "erp/main")


def test_a_moment_is_compiled_to_iso_text(config):
    document = json.loads(read(config(ACCORD_TOML), prod=True).compiled)
    assert document["stores"]["uk"]["orders"]["start_at"] == "2026-01-01T00:00:00+00:00"


def test_there_are_never_fewer_than_two_workers(config):
    text = ACCORD_TOML.replace("concurrency = 6", "concurrency = 1")
    assert read(config(text), prod=True).workers == 2


def test_a_secret_that_two_stores_share_is_one(config):
    text = ACCORD_TOML.replace(
        "[erps.main]", '[stores.de]\nerp = "main"\nsecret = "store/uk"\n[erps.main]'
    )
    assert read(config(text), prod=True).store_secrets == ("store/uk",)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(RefusedError, match="is not there"):
        read(tmp_path / "accord.toml", prod=True)


def test_what_is_no_toml_is_refused_with_its_line(config):
    with pytest.raises(RefusedError, match="line 2"):
        read(config("[stores.uk]\nkey = \n"), prod=True)


def test_a_store_without_a_secret_is_refused(config):
    with pytest.raises(RefusedError, match="secret"):
        read(config(ACCORD_TOML.replace('secret = "store/uk"', "")), prod=True)


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Puts another `accord config check` in place of ours: the given lines of Python."""

    def put(lines: str) -> None:
        package = tmp_path / "layers/accord/python/accord"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "cli.py").write_text(f"import sys\n{lines}\n")
        monkeypatch.setattr(wiring, "ROOT", tmp_path)
        monkeypatch.delenv("ACCORD_SKIP_CHECK", raising=False)

    return put


def test_what_config_check_refuses_is_not_deployed(command, config):
    command("sys.exit(1)")
    with pytest.raises(RefusedError, match="refuses it"):
        check(config(ACCORD_TOML))


def test_what_config_check_says_is_shown(command, config, capfd):
    command("print('line 4: no such key'); sys.exit(1)")
    with pytest.raises(RefusedError):
        check(config(ACCORD_TOML))
    assert "line 4: no such key" in capfd.readouterr().err


def test_what_config_check_accepts_is_deployed(command, config):
    command("sys.exit(0 if sys.argv[1:3] == ['config', 'check'] else 2)")
    check(config(ACCORD_TOML))


def test_a_config_check_that_hangs_is_given_up(config, monkeypatch):
    def hang(*_, timeout, **__):
        raise wiring.subprocess.TimeoutExpired("accord", timeout)

    monkeypatch.setattr(wiring.subprocess, "run", hang)
    monkeypatch.delenv("ACCORD_SKIP_CHECK", raising=False)

    with pytest.raises(RefusedError, match="within a minute"):
        check(config(ACCORD_TOML))
