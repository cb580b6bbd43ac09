import gzip
import ipaddress
import logging
import socket
import ssl
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dqv.connectors.https import Https, Patience
from dqv.core.errors import AddressError, RegistrationError

MOST = 10_000
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
QUICK = Patience(connect_s=0.5, silence_s=0.1, answer_s=0.2, attempts=2, pause_s=0.01)


@pytest.fixture
def https(server: Any) -> Https:
    return Https(ssl.create_default_context(cafile=server.ca), LOOPBACK, QUICK)


def said(https: Https, url: str) -> str:
    with pytest.raises(RegistrationError) as caught:
        https.request(url, most_bytes=MOST, headers={"Authorization": "geheim"})
    assert "geheim" not in str(caught.value)
    return str(caught.value)


def test_a_body_is_given_whole(server: Any, https: Https) -> None:
    server.routes["/x"] = (200, {}, b"a" * MOST)
    answer = https.request(f"{server.url}/x?q=1", most_bytes=MOST, headers={"X-Key": "k"})
    assert (answer.status, answer.body) == (200, b"a" * MOST)
    method, path, headers, _ = server.asked[0]
    assert (method, path, headers["x-key"], headers["host"]) == (
        "GET",
        "/x?q=1",
        "k",
        f"127.0.0.1:{server.port}",
    )


def test_a_form_is_posted(server: Any, https: Https) -> None:
    server.routes["/token"] = (200, {}, b"{}")
    https.request(f"{server.url}/token", most_bytes=MOST, form={"grant_type": "client_credentials"})
    assert (server.asked[0][0], server.asked[0][3]) == ("POST", b"grant_type=client_credentials")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_another_status_is_told_without_its_body(server: Any, https: Https, status: int) -> None:
    server.routes["/x"] = (status, {}, b"a" * 10 * MOST)
    answer = https.request(f"{server.url}/x", most_bytes=MOST)
    assert (answer.status, answer.body) == (status, b"")
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_and_not_for_ever(server: Any, https: Https, status: int) -> None:
    server.routes["/x"] = (status, {}, b"")
    assert f"answers {status}, 2 times" in said(https, f"{server.url}/x")
    assert len(server.asked) == 2


def test_an_answer_of_the_second_attempt_counts(server: Any, https: Https) -> None:
    server.routes["/x"] = lambda _: (503, {}, b"") if len(server.asked) == 1 else (200, {}, b"ok")
    assert https.request(f"{server.url}/x", most_bytes=MOST).body == b"ok"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: Any, https: Https, status: int) -> None:
    server.routes["/x"] = (status, {"Location": f"{server.url}/secret-place"}, b"")
    server.routes["/secret-place"] = (200, {}, b"")
    message = said(https, f"{server.url}/x")
    assert "redirect" in message
    assert "secret-place" not in message
    assert len(server.asked) == 1


def silent(handler: Any) -> None:
    time.sleep(0.3)


def drip_headers(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(20):
        handler.wfile.write(b"X: y\r\n")
        time.sleep(0.03)


def drip_body(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(20):
        handler.wfile.write(b"a")
        time.sleep(0.03)


@pytest.mark.parametrize("slow", [silent, drip_headers, drip_body])
def test_a_slow_server_is_not_waited_for(server: Any, https: Https, slow: Callable[[Any], None]) -> None:
    server.routes["/x"] = slow
    began = time.monotonic()
    assert "no whole answer came in time" in said(https, f"{server.url}/x")
    assert time.monotonic() - began < 0.9


@pytest.mark.parametrize(
    "sent",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
     b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n"],
)  # fmt: skip
def test_a_broken_answer_is_none(server: Any, https: Https, sent: bytes) -> None:
    server.routes["/x"] = lambda handler: handler.wfile.write(sent) and None
    assert "the connection failed" in said(https, f"{server.url}/x")


def test_an_answer_without_an_end_is_refused(server: Any, https: Https) -> None:
    server.routes["/x"] = lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n{}") and None
    assert "where it ends" in said(https, f"{server.url}/x")


def endless(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        handler.wfile.write(b"400\r\n" + b"a" * 1024 + b"\r\n")


@pytest.mark.parametrize(
    "route",
    [
        (200, {}, b"a" * (MOST + 1)),
        (200, {"Content-Length": str(10**15)}, b"a"),
        (200, {"Content-Encoding": "gzip"}, gzip.compress(b"a" * (MOST + 1), mtime=0)),
        (200, {"Content-Encoding": "gzip"}, gzip.compress(b"a" * 10**7, mtime=0)),
        endless,
    ],
)
def test_a_body_over_the_limit_is_refused(server: Any, https: Https, route: Any) -> None:
    server.routes["/x"] = route
    assert f"larger than {MOST} bytes" in said(https, f"{server.url}/x")


def test_gzip_is_decoded_up_to_the_limit(server: Any, https: Https) -> None:
    server.routes["/x"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(b"a" * MOST, mtime=0))
    assert https.request(f"{server.url}/x", most_bytes=MOST).body == b"a" * MOST
    assert server.asked[0][2]["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("br", b"x"), ("zstd", b"x"), ("deflate", zlib.compress(b"x")), ("gzip, gzip", gzip.compress(gzip.compress(b"x", mtime=0), mtime=0)),
     ("gzip", b"x"), ("gzip", gzip.compress(b"abc", mtime=0)[:-1]), ("gzip", gzip.compress(b"abc", mtime=0) * 2)],
)  # fmt: skip
def test_an_encoding_that_was_not_asked_for_is_refused(
    server: Any, https: Https, encoding: str, body: bytes
) -> None:
    server.routes["/x"] = (200, {"Content-Encoding": encoding}, body)
    said(https, f"{server.url}/x")


def test_a_certificate_of_an_unknown_authority_is_refused_at_once(server: Any, https: Https) -> None:
    message = said(replace(https, context=ssl.create_default_context()), f"{server.url}/x")
    assert "certificate" in message
    assert server.asked == []


@pytest.mark.parametrize("server", ["platform.example", "127.0.0.2"], indirect=True)
def test_a_certificate_for_another_name_is_refused(server: Any, https: Https) -> None:
    assert "certificate" in said(https, f"{server.url}/x")
    assert server.asked == []


@pytest.mark.parametrize("server", ["platform.example"], indirect=True)
def test_the_connection_goes_to_the_address_that_was_checked(
    server: Any, https: Https, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is resolved again may be another's by then."""
    answers = [["127.0.0.9", "127.0.0.1"], ["192.0.2.1"]]
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host != "platform.example":
            return real(host, port, *args, **more)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in answers[len(asked) - 1]]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    server.routes["/x"] = (200, {}, b"ok")
    assert https.request(f"https://platform.example:{server.port}/x", most_bytes=MOST).body == b"ok"
    assert len(asked) == 1
    assert server.asked[0][2]["host"] == f"platform.example:{server.port}"


def test_an_address_inside_is_not_connected_to(server: Any, https: Https) -> None:
    with pytest.raises(AddressError, match="lies inside"):
        replace(https, inside=()).request(f"{server.url}/x", most_bytes=MOST)
    assert server.asked == []


def test_a_server_that_is_not_there_is_told(server: Any, https: Https) -> None:
    server.close()
    assert "the connection failed (ConnectError), 2 times" in said(https, f"{server.url}/x")


def test_neither_proxies_nor_netrc_are_taken_from_the_environment(
    server: Any, https: Https, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    server.routes["/x"] = (200, {}, b"ok")
    assert https.request(f"{server.url}/x", most_bytes=MOST).body == b"ok"


def test_no_log_holds_what_was_sent(server: Any, https: Https, caplog: pytest.LogCaptureFixture) -> None:
    server.routes["/x"] = (200, {}, b"body-geheim")
    with caplog.at_level(logging.DEBUG):
        https.request(f"{server.url}/x", most_bytes=MOST, headers={"Authorization": "header-geheim"},
                      form={"client_secret": "form-geheim"})  # fmt: skip
    assert caplog.records
    assert "geheim" not in caplog.text
