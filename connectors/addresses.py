"""Which addresses dqv connects to: https only, resolved once, nothing inside that is not allowed by configuration.

A registration, or the applicant who wrote it, may name any address; followed blindly, it would have dqv ask the
services of the machine it runs on. So a URL is checked here, and whoever connects uses the addresses that were
checked: a name that is resolved again may by then be another's.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from dqv.core.errors import AddressError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PORTS = range(1, 1 << 16)
_RESOLVE_S = 10.0
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE | re.DOTALL)
"""What resolvers read as a number: 127.1, 2130706433, 0x7f.1, 017700000001."""
_UNICAST6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_GLOBAL: tuple[Network, ...] = (
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays of 6to4
    ipaddress.IPv6Network("2001::/23"),  # Teredo and other protocols
    ipaddress.IPv6Network("3fff::/20"),  # documentation
)
"""What some versions of Python take for global."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads.

    Attributes:
        url: as checked; its host is what the certificate must name.
        host: ASCII, in lower case; an IPv6 address without brackets.
        addresses: where to connect, and nowhere else; not empty.
    """

    url: httpx.URL
    host: str
    port: int
    addresses: tuple[Address, ...]


def check_url(url: str, inside: Sequence[Network] = ()) -> Target:
    """Find the addresses that a URL may be fetched from.

    Args:
        url: from a platform's description, a record or a user.
        inside: networks that are allowed though they are not global.

    Raises:
        AddressError: not https, not a plain URL, a number in disguise, a name that is not resolved, or one of whose
            addresses is neither global nor allowed.
    """
    parsed = parse_url(url)
    host = parsed.raw_host.decode("ascii").strip("[]").lower()
    port = parsed.port or 443
    found = _literal(host) or _resolve(host, port)
    for address in found:
        if not _is_global(address) and not any(address in network for network in inside):
            raise AddressError(
                f"the address of {shown(parsed)} lies inside, not on the public internet; if that is meant, allow its "
                "network by `networks` in the platform's description"
            )
    return Target(parsed, host, port, found)


def parse_url(url: str) -> httpx.URL:
    """Read an https URL without credentials and fragment.

    Raises:
        AddressError: it is none.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        raise AddressError("an address is no URL such as https://platform.example/api") from None
    port = 443 if parsed.port is None else parsed.port
    if parsed.scheme != "https" or not parsed.raw_host or port not in _PORTS:
        raise AddressError(
            f"the address {shown(parsed)} does not begin with https:// and a host (and port); only https is used"
        )
    if parsed.userinfo or parsed.fragment:
        raise AddressError(
            f"the address {shown(parsed)} holds a user, a password or a fragment; give credentials by environment variables"
        )
    return parsed


def shown(url: httpx.URL) -> str:
    """Scheme, host and path of a URL for a message: what a query or a user part holds may be secret."""
    host = url.raw_host.decode("ascii", "backslashreplace")
    path = url.raw_path.partition(b"?")[0].decode("ascii", "backslashreplace")
    return f"{url.scheme}://{host}{'' if url.port is None else f':{url.port}'}{path}"[:500]


def _literal(host: str) -> tuple[Address, ...] | None:
    """The address that a host spells out; None of a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if ":" in host or _NUMERIC.fullmatch(host):
            raise AddressError(
                f"the host {host[:100]!a} is a number in disguise; write an IPv4 address as four decimal numbers"
            ) from None
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise AddressError(f"the host {host[:100]!a} names an interface of this machine")
    return (_plain(address),)


def _plain(address: Address) -> Address:
    """The IPv4 address inside ::ffff:…, which the system connects to; else the address itself."""
    return getattr(address, "ipv4_mapped", None) or address


def _is_global(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = ipaddress.IPv4Address(address.packed[-4:]) if address in _NAT64 else address.sixtofour
        if inner is not None:
            return _is_global(inner)
        if address not in _UNICAST6:
            return False
    special = address.is_multicast or address.is_reserved or any(address in each for each in _NOT_GLOBAL)
    return address.is_global and not special


def _resolve(host: str, port: int) -> tuple[Address, ...]:
    """Ask the system once; its answer has no time limit of its own, so it is waited for in a thread."""
    answers: list[Address] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            for _, _, _, _, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                answers.append(_plain(ipaddress.ip_address(str(where[0]).partition("%")[0])))
        except (OSError, ValueError) as error:
            failed.append(OSError(str(error)))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_RESOLVE_S)
    if thread.is_alive():
        raise AddressError(
            f"the name {host[:253]!a} was not resolved within {_RESOLVE_S:g} s; try again later"
        )
    found = tuple(dict.fromkeys(answers))
    if failed or not found:
        raise AddressError(
            f"the name {host[:253]!a} cannot be resolved; check it, and this machine's name servers"
        )
    return found
