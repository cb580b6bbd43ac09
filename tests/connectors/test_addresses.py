import contextlib
import ipaddress
import socket
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dqv.connectors import addresses
from dqv.connectors.addresses import check_url
from dqv.core.errors import AddressError

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def named(monkeypatch: pytest.MonkeyPatch, *found: str) -> list[tuple[Any, ...]]:
    """Every name has these addresses; what was asked is recorded."""
    asked: list[tuple[Any, ...]] = []

    def answer(*args: Any, **_: Any) -> list[Any]:
        asked.append(args)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://10.1.2.3/", "https://172.16.0.1/", "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data", "https://100.64.0.1/", "https://0.0.0.0/", "https://255.255.255.255/",
        "https://192.0.0.9/", "https://192.88.99.1/", "https://198.18.0.1/", "https://224.0.0.1/", "https://240.0.0.1/",
        "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/",
        "https://[fe80::1]/", "https://[fc00::1]/", "https://[ff02::1]/", "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b::a9fe:a9fe]/", "https://[64:ff9b:1::1]/", "https://[2002:7f00:1::]/", "https://[2001::1]/",
        "https://[2001:db8::1]/", "https://[3fff::1]/", "https://[100::1]/",
    ],
)  # fmt: skip
def test_registration_addresses_that_point_inside_are_refused(url: str) -> None:
    with pytest.raises(AddressError, match="lies inside"):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://127.1/", "https://0x7f.1/", "https://0x7f000001/", "https://2130706433/", "https://017700000001/",
     "https://0177.0.0.1/", "https://127.0.0.1./", "https://127.0.0.01/", "https://1.2.3.4.5/", "https://8.8.2056/",
     "https://0X8.8.8.8/", "https://example.0x7f/", "https://999.1.1.1/", "https://[fe80::1%25lo]/"],
)  # fmt: skip
def test_a_number_in_disguise_is_refused_even_where_its_network_is_allowed(url: str) -> None:
    with pytest.raises(AddressError):
        check_url(url, (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")))


@pytest.mark.parametrize(
    "url",
    ["http://8.8.8.8/", "ftp://8.8.8.8/", "//8.8.8.8/", "8.8.8.8", "", "https:///x", "https://", "file:///etc/passwd",
     "https://u:p@8.8.8.8/", "https://8.8.8.8/#x", "https://8.8.8.8:65536/", "https://8.8.8.8:0/", "https://\x00/", "https://１２７.１/", "https://a b/"],
)  # fmt: skip
def test_only_a_plain_https_url_is_used(url: str) -> None:
    with pytest.raises(AddressError):
        check_url(url, (ipaddress.ip_network("0.0.0.0/0"),))


def test_no_secret_of_a_url_stands_in_the_message() -> None:
    for url in (
        "https://user:geheim@8.8.8.8/",
        "https://127.0.0.1/x?token=geheim",
        "http://8.8.8.8/?token=geheim",
    ):
        with pytest.raises(AddressError) as caught:
            check_url(url)
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "port", "address"),
    [
        ("https://8.8.8.8/x", "8.8.8.8", 443, "8.8.8.8"),
        ("https://8.8.8.8:8443/x", "8.8.8.8", 8443, "8.8.8.8"),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443, "2606:4700::1111"),
        ("https://[::ffff:8.8.8.8]/", "::ffff:8.8.8.8", 443, "8.8.8.8"),
    ],
)
def test_a_global_address_is_where_to_connect(url: str, host: str, port: int, address: str) -> None:
    found = check_url(url)
    assert (found.port, found.addresses) == (port, (ipaddress.ip_address(address),))
    assert ipaddress.ip_address(found.host) == ipaddress.ip_address(host)


def test_an_address_inside_is_used_where_its_network_is_allowed() -> None:
    assert check_url("https://127.0.0.1/", LOOPBACK).addresses == (ipaddress.ip_address("127.0.0.1"),)
    assert check_url("https://[::ffff:127.0.0.1]/", LOOPBACK).addresses == (
        ipaddress.ip_address("127.0.0.1"),
    )
    with pytest.raises(AddressError):
        check_url("https://[::1]/", LOOPBACK)
    with pytest.raises(AddressError):
        check_url("https://10.0.0.1/", LOOPBACK)


def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = named(monkeypatch, "8.8.8.8", "8.8.4.4", "8.8.8.8")
    found = check_url("https://Platform.Example/x")
    assert [str(each) for each in found.addresses] == ["8.8.8.8", "8.8.4.4"]
    assert found.host == "platform.example"
    assert [args[:2] for args in asked] == [("platform.example", 443)]


def test_a_name_with_one_address_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "8.8.8.8", "127.0.0.1")
    with pytest.raises(AddressError, match="lies inside"):
        check_url("https://platform.example/")


@pytest.mark.parametrize("found", [(), ("nonsense",)])
def test_a_name_without_addresses_is_refused(monkeypatch: pytest.MonkeyPatch, found: tuple[str, ...]) -> None:
    named(monkeypatch, *found)
    with pytest.raises(AddressError, match="cannot be resolved"):
        check_url("https://platform.example/")


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **__: Any) -> list[Any]:
        time.sleep(0.2)
        return []

    monkeypatch.setattr(addresses, "_RESOLVE_S", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(AddressError, match="not resolved within"):
        check_url("https://platform.example/")


@given(st.integers(0, 2**32 - 1))
def test_whatever_is_let_through_is_global(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    try:
        found = check_url(f"https://{address}/")
    except AddressError:
        return
    assert found.addresses == (address,)
    assert address.is_global
    assert not address.is_multicast


@given(st.text(max_size=40))
@example("xn--")  # which httpx decodes when its host is asked for, and fails
def test_any_text_is_checked_or_refused(text: str) -> None:
    for url in (text, f"https://{text}/", f"https://8.8.8.8/{text}"):
        with contextlib.suppress(AddressError):
            assert addresses.parse_url(url).scheme == "https"
