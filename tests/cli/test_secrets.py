"""`accord secrets`: one command gives a store's webhooks a new secret, and says each step."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from accord import bootstrap
from accord.bootstrap import connections, rules, tables
from accord.cli import secrets
from accord.cli.app import app
from accord.errors import AccordError
from accord.local.model_store import ModelStore
from accord.local.world import Clock
from accord.rules.config import Config
from accord.settings import settings
from accord.state.memory import MemoryAttention, MemoryControl, MemoryJournal
from tests.sync.conftest import START, config

RUN = CliRunner()
URL = "https://hooks.example/stores/uk/webhooks"


class Manager:
    """Secrets Manager with one secret."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803
        self.names.add(SecretId)
        return {"SecretString": self.text}

    def put_secret_value(self, SecretId: str, SecretString: str) -> dict[str, Any]:  # noqa: N803
        self.names.add(SecretId)
        self.text = SecretString
        return {}


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Manager:
    held = Manager(json.dumps({"webhook_secrets": ["old"], "consumer_key": "ck"}))
    monkeypatch.setattr(bootstrap, "client", lambda _: held)
    return held


@pytest.fixture
def store(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    clock, toml = Clock(START), config()
    model = ModelStore("uk", clock)
    model.shop.outbox._sender = lambda *_, **__: 200
    for topic in ("order.created", "order.updated"):
        model.shop.create_webhook({"topic": topic, "delivery_url": URL, "secret": "old"})
    control, journal, attention = MemoryControl(), MemoryJournal(), MemoryAttention()
    for name, made in {"control": control, "journal": journal, "attention": attention}.items():
        for module in (bootstrap, tables):
            monkeypatch.setattr(module, name, lambda made=made: made)
    monkeypatch.setattr(bootstrap, "config", lambda: toml)
    monkeypatch.setattr(rules, "store_table", lambda name: (_table(toml, name), "1"))
    for module in (bootstrap, connections):
        monkeypatch.setattr(module, "store", lambda _: model)
    monkeypatch.setattr(secrets, "connect", lambda _: None)
    monkeypatch.setattr(secrets, "_wait", lambda _: None)
    for variable in ("ACCORD_STAGE", "ACCORD_CONFIG", "AWS_REGION"):
        monkeypatch.setenv(variable, "local")
    monkeypatch.setenv("ACCORD_PUBLIC_URL", "https://hooks.example")
    settings.cache_clear()
    return model


def _table(toml: Config, name: str) -> Any:
    return toml.stores[name]


def borne(store: ModelStore) -> set[str]:
    return {hook.secret for hook in store.shop.outbox.webhooks.values()}


def test_one_command_renews_it_and_another_ends_it(store: ModelStore, manager: Manager) -> None:
    begun = RUN.invoke(app, ["secrets", "rotate", "uk", "--by", "olivia"])
    new, old = json.loads(manager.text)["webhook_secrets"]

    assert begun.exit_code == 0
    assert (old, borne(store)) == ("old", {new})
    assert begun.stdout.count("✓") >= 4

    ended = RUN.invoke(app, ["secrets", "rotate", "uk", "--finish", "--by", "olivia"])

    assert ended.exit_code == 0
    assert json.loads(manager.text) == {"webhook_secrets": [new], "consumer_key": "ck"}
    assert manager.names == {"accord/local/store/uk"}


def test_no_secret_is_printed(store: ModelStore, manager: Manager) -> None:
    result = RUN.invoke(app, ["secrets", "rotate", "uk", "--by", "olivia"])
    (new, _) = json.loads(manager.text)["webhook_secrets"]

    assert new not in result.output


def test_a_secret_is_fifty_letters_and_digits() -> None:
    made = {secrets.new_secret() for _ in range(20)}

    assert len(made) == 20
    assert all(len(each) == 50 and each.isascii() and each.isalnum() for each in made)


def test_without_a_known_address_none_is_guessed_from_what_the_store_has(
    store: ModelStore, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCORD_PUBLIC_URL", "")
    settings.cache_clear()

    result = RUN.invoke(app, ["secrets", "rotate", "uk", "--by", "olivia"])
    assert isinstance(result.exception, AccordError)
    assert "--url" in str(result.exception)
    assert URL in str(result.exception)
    assert borne(store) == {"old"}

    given = RUN.invoke(app, ["secrets", "rotate", "uk", "--by", "olivia", "--url", URL])
    assert URL in given.stdout.splitlines()[0]
    assert "old" not in borne(store)


def test_another_stages_webhooks_are_left_alone(store: ModelStore, manager: Manager) -> None:
    other = URL.replace("hooks.example", "staging.example")
    store.shop.create_webhook({"topic": "order.created", "delivery_url": other, "secret": "other"})

    RUN.invoke(app, ["secrets", "rotate", "uk", "--by", "olivia"])

    assert "other" in borne(store)
    assert "old" not in borne(store)


@pytest.mark.parametrize("finish", [False, True])
def test_where_no_webhook_is_ours_nothing_is_changed(
    store: ModelStore, manager: Manager, finish: bool
) -> None:
    if finish:
        assert RUN.invoke(app, ["secrets", "rotate", "uk", "--by", "olivia"]).exit_code == 0
    store.shop.outbox.webhooks.clear()
    before = manager.text

    asked = ["secrets", "rotate", "uk", "--by", "olivia", *(["--finish"] if finish else [])]
    result = RUN.invoke(app, asked)

    assert isinstance(result.exception, AccordError)
    assert "--url" in str(result.exception)
    assert manager.text == before


def test_the_first_secret_is_made_before_there_are_webhooks(
    store: ModelStore, manager: Manager
) -> None:
    manager.text = json.dumps({"consumer_key": "ck"})
    store.shop.outbox.webhooks.clear()

    result = RUN.invoke(app, ["secrets", "rotate", "uk", "--by", "olivia"])

    assert result.exit_code == 0
    assert len(json.loads(manager.text)["webhook_secrets"]) == 1


def test_a_store_that_is_not_there_is_said_so(store: ModelStore) -> None:
    result = RUN.invoke(app, ["secrets", "rotate", "de", "--by", "olivia"])

    assert result.exit_code == 1
    assert "there is no store 'de'" in result.stderr


@pytest.mark.parametrize("text", ["no json", "[]", '{"webhook_secrets": "old"}'])
def test_a_secret_that_is_spoilt_is_said_so_and_not_shown(
    store: ModelStore, manager: Manager, text: str
) -> None:
    manager.text = text

    result = RUN.invoke(app, ["secrets", "rotate", "uk", "--by", "olivia"])

    assert isinstance(result.exception, AccordError)
    assert "mend it" in str(result.exception)
    assert manager.text == text


def test_what_aws_refuses_is_said_so(
    store: ModelStore, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: str) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutSecretValue")

    monkeypatch.setattr(manager, "put_secret_value", refuse)

    result = RUN.invoke(app, ["secrets", "rotate", "uk", "--by", "olivia"])

    assert isinstance(result.exception, AccordError)
    assert "put_secret_value" in str(result.exception)
    assert borne(store) == {"old"}
