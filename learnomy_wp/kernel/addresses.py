"""Which addresses an outbound call may reach: the public internet, and hosts the owner named."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_LENGTH = 2048
# Public by the registry, but never the public internet: translations to IPv4, tunnels,
# documentation, and the metadata address of Azure.
_REFUSED = [
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
]
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


class OutboundRefused(Exception):
    """This address may not be called; the message can be shown to whoever entered it."""


@dataclass(frozen=True)
class Target:
    """A parsed address. `is_trusted` where the owner named its host."""

    scheme: str
    host: str
    port: int
    is_trusted: bool


def parse_target(url: str, trusted_hosts: Collection[str] = ()) -> Target:
    """The target of `url`; raises OutboundRefused for what no outbound call may use.

    Two parsers must agree on the host, since a difference between them is how a check is
    led past: the one of the standard library and the one that requests connects by.
    """
    if len(url) > MAX_URL_LENGTH or not url.isascii() or not url.isprintable() or set(url) & set(' \\"#<>^`{|}'):
        raise OutboundRefused("The address is too long or has characters that no address has.")
    try:
        plain, connected = urlsplit(url), parse_url(url)
        port = plain.port
    except (ValueError, LocationParseError) as error:
        raise OutboundRefused("This is not an address that can be called.") from error
    host = (plain.hostname or "").lower()
    if "@" in plain.netloc or connected.auth:
        raise OutboundRefused("The address must not contain a user name or a password.")
    if not host or (connected.host or "").strip("[]").lower() != host or connected.port != port:
        raise OutboundRefused("The address has no host that can be read without doubt.")
    is_trusted = host in trusted_hosts or f"{host}:{port}" in trusted_hosts
    if plain.scheme != "https" and not (plain.scheme == "http" and is_trusted):
        raise OutboundRefused("The address must begin with https://.")
    return Target(plain.scheme, host, port or (443 if plain.scheme == "https" else 80), is_trusted)


def require_public(address: Address) -> None:
    """Raise OutboundRefused unless `address` is on the public internet."""
    is_public = address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
    if isinstance(address, ipaddress.IPv6Address):
        is_public = is_public and address in _GLOBAL_UNICAST
    if not is_public or any(address.version == network.version and address in network for network in _REFUSED):
        raise OutboundRefused("The address leads into a private or reserved network.")


def check_url(url: str, trusted_hosts: Collection[str] = ()) -> None:
    """Judge an address as it is registered: its form, and everything its host resolves to now.

    What it resolves to later is judged again at every call.
    """
    target = parse_target(url, trusted_hosts)
    if target.is_trusted:
        return
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutboundRefused("The host of the address cannot be found.") from error
    for *_, place in found:
        require_public(ipaddress.ip_address(str(place[0])))
