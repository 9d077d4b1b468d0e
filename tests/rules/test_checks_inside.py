"""An address of a network of one's own is refused, unless it is said to be meant."""

import pytest

from accord.rules.load import check

TOML = """
[stores.uk]
key = "uk"
url = "{store}"
erp = "main"
secret = "store/uk"
{more}
[stores.uk.orders]
start_at = 2026-01-01T00:00:00Z
[erps.main]
adapter = "tryton"
url = "{erp}"
secret = "erp/main"
"""


def errors(store: str, erp: str, more: str = "") -> list[str]:
    _, findings = check(TOML.format(store=store, erp=erp, more=more), stage="dev")
    return [str(each) for each in findings if "network of your own" in str(each)]


@pytest.mark.parametrize("inside", ["https://10.0.0.5", "https://erp.internal", "https://erp"])
def test_an_address_inside_is_refused_with_the_remedy(inside: str) -> None:
    (error,) = errors("https://store.example", inside)

    assert "allow_private = true" in error


def test_it_is_allowed_where_that_is_said() -> None:
    assert errors("https://10.0.0.5", "https://erp.example", "allow_private = true") == []


def test_where_the_store_is_reached_counts_and_not_its_home() -> None:
    more = 'api_url = "https://192.168.0.9"'

    assert len(errors("https://store.example", "https://erp.example", more)) == 1


def test_this_very_machine_says_so_by_itself() -> None:
    assert errors("https://store.example", "http://127.0.0.1:8100") == []


@pytest.mark.parametrize("front", ["https://api.example", "api.example/x", "api"])
def test_the_host_of_the_api_is_a_host(front: str) -> None:
    text = TOML.format(store="https://store.example", erp="https://erp.example", more="")

    config, _ = check(f'{text}[deploy]\nfront = "{front}"\n', stage="dev")

    assert config is None
