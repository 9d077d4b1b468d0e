"""How keys, names of secrets, web addresses and ranges of them are written."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from accord.rules.hosts import is_loopback
from accord.rules.table import wrong

_KEY = r"^[a-z][a-z0-9]{0,11}$"


def _key(key: str) -> str:
    if not re.fullmatch(_KEY, key):
        raise wrong(
            f"{key!r} cannot be a store's key",
            "Use one to twelve small letters and digits, a letter first, such as uk or shop2.",
        )
    return key


Key = Annotated[str, AfterValidator(_key), Field(json_schema_extra={"pattern": _KEY})]

_IN_SECRETS_MANAGER = r"^[A-Za-z0-9/_+=.@-]{1,512}$"


def _secret(name: str) -> str:
    # Source: AWS Secrets Manager API Reference, "CreateSecret", Name.
    if not re.fullmatch(_IN_SECRETS_MANAGER, name):
        raise wrong(
            f"{name!r} cannot be the name of a secret",
            "Use letters, digits and / _ + = . @ - only, such as store/uk.",
        )
    if re.fullmatch(r"(ck|cs)_[0-9a-f]{20,}", name):
        raise wrong(
            "this is a WooCommerce key, not the name of a secret",
            "Put the key into the secret, write the secret's name here, and make a new key: "
            "this one has been in a file.",
        )
    return name


SecretName = Annotated[
    str, AfterValidator(_secret), Field(json_schema_extra={"pattern": _IN_SECRETS_MANAGER})
]


def _url(url: str) -> str:
    if re.search(r"//[^/]*@", url):
        raise wrong(
            "the address holds a user name or password",
            "Take them out and keep them in the secret.",
        )
    if "?" in url or "#" in url:
        raise wrong(f"{url!r} goes on behind its path", "Cut it before the first ? or #.")
    if url.startswith("http://") and not is_loopback(url):
        raise wrong(
            f"{url!r} is not encrypted",
            "Use https://; http:// is for this machine (127.0.0.1, localhost) only.",
        )
    if not is_loopback(url) and not re.fullmatch(r"https://[^/\s]+(/\S*)?", url):
        raise wrong(f"{url!r} is no web address", "Write it like https://store.example.")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_url)]


def _range(text: str) -> str:
    import ipaddress

    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise wrong(
            f"{text!r} is no address range: {error}",
            "Write one address (203.0.113.7) or a range (203.0.113.0/24).",
        ) from error
    return text


Range = Annotated[str, AfterValidator(_range)]


def host(host: str) -> str:
    if host and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host):
        raise wrong(
            f"{host!r} is no host", "Write the API's name, without https:// and without a path."
        )
    return host
