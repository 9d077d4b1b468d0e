"""Which addresses are the internet's, and which lie inside."""

import pytest

from accord.rules.hosts import is_inside, is_public, names_inside


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "224.0.0.1", "::1", "::", "fe80::1%eth0", "fd00:ec2::254", "::ffff:10.0.0.1"),
    ],
)
def test_addresses_of_a_network_of_ones_own_are_inside(address: str) -> None:
    assert is_inside(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"])
def test_addresses_of_the_internet_are_not(address: str) -> None:
    assert not is_inside(address)


@pytest.mark.parametrize(
    "url",
    [
        *("https://10.0.0.5", "https://localhost", "https://erp", "https://erp.local/x"),
        *("https://ERP.Internal.", "https://[fd00::1]:8443/x", "https://[", "https://"),
        "https://metadata.google.internal/computeMetadata",
    ],
)
def test_hosts_that_only_a_network_of_ones_own_knows(url: str) -> None:
    assert names_inside(url)
    assert not is_public(url)


@pytest.mark.parametrize("url", ["https://store.example", "https://erp.example:8443/x?y=1"])
def test_hosts_of_the_internet(url: str) -> None:
    assert not names_inside(url)
    assert is_public(url)


@pytest.mark.parametrize(
    "url",
    ["http://store.example/a.png", "ftp://store.example", "https://u:p@store.example", "a.png"],
)
def test_what_is_not_encrypted_or_holds_a_password_is_not_for_the_public(url: str) -> None:
    assert not is_public(url)
