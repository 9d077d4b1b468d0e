"""Credentials: renewed ones are used, and bad ones park what needs them."""

import pytest

from accord import bootstrap
from accord.errors import RejectedError, UnauthorizedError


class Secrets:
    """Secrets Manager; ``asked`` counts."""

    def __init__(self) -> None:
        self.text = '{"password": "old"}'
        self.asked = 0
        self.refuses = False

    def get_secret(self, _: str) -> str:
        self.asked += 1
        if self.refuses:
            raise RejectedError("GetSecretValue: ResourceNotFoundException: no AWSCURRENT")
        return self.text


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    kept = Secrets()
    monkeypatch.setattr(bootstrap, "aws_client", lambda: kept)
    monkeypatch.setattr(bootstrap, "secret_name", lambda name: name)
    monkeypatch.setattr(bootstrap, "_secrets", {})
    return kept


def test_a_secret_is_asked_for_once_in_a_while(secrets: Secrets) -> None:
    for _ in range(3):
        bootstrap._secret("erp/main", connection="main")

    assert secrets.asked == 1


def test_a_renewed_secret_is_used_without_a_new_process(
    secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap._secret("erp/main", connection="main")
    secrets.text = '{"password": "new"}'
    monkeypatch.setattr(bootstrap, "_SECRETS_KEPT_S", -1.0)

    assert bootstrap._secret("erp/main", connection="main") == {"password": "new"}


@pytest.mark.parametrize("text", ["pass word", '"text"', "[]"])
def test_a_secret_that_is_no_object_waits_for_its_mend(secrets: Secrets, text: str) -> None:
    secrets.text = text
    with pytest.raises(UnauthorizedError) as caught:
        bootstrap._secret("erp/main", connection="main")

    assert caught.value.connection == "main"
    assert "pass word" not in str(caught.value)


def test_a_secret_without_a_value_is_waited_for_by_all_together(secrets: Secrets) -> None:
    """As after a first deployment. Refused, each order would become a matter of its own."""
    secrets.refuses = True
    with pytest.raises(UnauthorizedError, match="secret erp/main cannot be read") as caught:
        bootstrap._secret("erp/main", connection="main")

    assert caught.value.connection == "main"
