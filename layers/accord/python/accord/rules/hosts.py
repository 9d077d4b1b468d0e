"""Which hosts lie inside, where nobody's address in a record or a file may send us. Pure."""

import ipaddress
import re
from urllib.parse import urlsplit

_LOOPBACK = re.compile(r"http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(/\S*)?")
_INSIDE = (".local", ".localhost", ".internal", ".intranet", ".lan", ".home.arpa", ".corp")


def is_loopback(url: str) -> bool:
    """Whether ``url`` is plain http to this very machine, the only place that may be."""
    return _LOOPBACK.fullmatch(url) is not None


def is_inside(address: str) -> bool:
    """Whether ``address`` (IPv4 or IPv6) is anything but an address of the public internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return not found.is_global or found.is_multicast


def names_inside(url: str) -> bool:
    """Whether ``url`` names a host that only a network of one's own can know.

    A name on the internet that leads to an address inside is found when it is looked up.
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return True
    try:
        return is_inside(host)
    except ValueError:  # a name
        return "." not in host or host.endswith(_INSIDE)


def is_public(url: str) -> bool:
    """Whether ``url`` is https:// to a host of the internet, and holds no credentials."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and "@" not in parts.netloc and not names_inside(url)
