"""A dataset on a real web server, over TLS on loopback."""

import contextlib
import hashlib
import http.server
import json
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from dqv.connectors import remote, storage
from dqv.connectors.objects import Listed, Reads, Stored
from dqv.core.errors import AddressError, ItemError, SourceError
from dqv.core.location import Location, as_args
from dqv.engine import list_source
from tests.integration.conftest import check_args

pytestmark = pytest.mark.integration


class Web:
    """A folder behind https, with index pages, ranges and ETags.

    Attributes:
        url: of the folder.
        folder: what is served.
        ignores_ranges: it sends all of a file, whatever is asked for.
        redirects: paths that lead elsewhere.
        has_tags: it gives ETags.
        says: headers of its own choice, of files.
        drips: it sends a folder's page a byte at a time, without end.
    """

    def __init__(self, folder: Path, context: ssl.SSLContext) -> None:
        self.folder = folder
        self.ignores_ranges = False
        self.has_tags = True
        self.redirects: dict[str, str] = {}
        self.says: dict[str, str] = {}
        self.drips = False
        web = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args, directory=str(folder))

            def do_GET(self) -> None:
                path = Path(self.translate_path(self.path))
                if self.path in web.redirects:
                    self.send_response(HTTPStatus.FOUND)
                    self.send_header("Location", web.redirects[self.path])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if web.drips:
                    self.send_response(HTTPStatus.OK)
                    self.send_header("Content-Length", "1000000")
                    self.end_headers()
                    with contextlib.suppress(OSError):
                        while True:
                            self.wfile.write(b"x")
                            time.sleep(0.05)
                if path.is_dir() or not path.exists():
                    super().do_GET()
                    return
                self.send_file(path.read_bytes())

            do_HEAD = do_GET

            def send_file(self, data: bytes) -> None:
                tag = f'"{hashlib.md5(data).hexdigest()}"'
                if self.headers.get("If-Match", tag) != tag:
                    self.send_error(HTTPStatus.PRECONDITION_FAILED)
                    return
                status, size = HTTPStatus.OK, len(data)
                wanted = self.headers.get("Range")
                if wanted and not web.ignores_ranges:
                    first, last = map(int, wanted.removeprefix("bytes=").split("-"))
                    status, data = HTTPStatus.PARTIAL_CONTENT, data[first : last + 1]
                self.send_response(status)
                if status is HTTPStatus.PARTIAL_CONTENT:
                    self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
                own = {
                    "Content-Length": str(len(data)),
                    **({"ETag": tag} if web.has_tags else {}),
                    **web.says,
                }
                for name, value in own.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def web(tmp_path: Path, authority: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[1]))
    folder = tmp_path / "served"
    (folder / "a b" / "深").mkdir(parents=True)
    (folder / "a b" / "深" / "测试.txt").write_text("one text of a few words")
    (folder / "b.txt").write_text("another text of a few words")
    found = Web(folder, context)
    yield found
    found.close()


def store(url: str, networks: tuple[str, ...] | None = None) -> Any:
    storage._opened.cache_clear()
    return storage.open_store(as_args([Location(url=url, networks=networks)]))


def listed(url: str) -> dict[bytes, Listed]:
    return {each.path: each for each in store(url).listed()}


def opened(url: str, each: Listed) -> Stored:
    found: Stored = store(url).open(each.path, each.size_bytes, each.mtime_ns, each.identity)
    return found


def test_what_index_pages_link_to_below_the_folder_is_listed(web: Web) -> None:
    (web.folder / "index").mkdir()
    (web.folder / "index" / "index.html").write_text(
        '<a href="https://elsewhere.example/x.txt">x</a><a href="../b.txt">up</a><a href="c.txt">c</a><a href="#top">t</a>'
    )
    (web.folder / "index" / "c.txt").write_text("c")
    found = listed(web.url)
    assert sorted(found) == sorted(["a b/深/测试.txt".encode(), b"b.txt", b"index/c.txt"])
    assert found[b"b.txt"].size_bytes == 27
    assert listed(web.url + "b.txt").keys() == {b"b.txt"}


def test_a_file_is_read_in_ranges_that_are_pinned(web: Web) -> None:
    each = listed(web.url)[b"b.txt"]
    with opened(web.url, each) as file:
        assert file.view(Reads()).read() == b"another text of a few words"
    (web.folder / "b.txt").write_text("ANOTHER text of a few words")
    with opened(web.url, each) as file, pytest.raises(ItemError) as caught:
        file.view(Reads()).read()
    assert caught.value.kind == "changed"


def test_a_server_that_sends_more_than_was_asked_for_is_not_read(web: Web) -> None:
    (web.folder / "large.bin").write_bytes(bytes(30_000_000))
    each = listed(web.url)[b"large.bin"]
    web.ignores_ranges = True
    with opened(web.url, each) as file, pytest.raises(OSError, match="status 200, not 206"):
        file.view(Reads()).read(10)


def test_neither_a_folder_nor_a_file_is_read_where_it_is_said_to_have_gone(web: Web) -> None:
    web.redirects["/"] = web.redirects["/b.txt"] = "https://127.0.0.1:1/"
    with pytest.raises(SourceError, match="status 302"):
        listed(web.url)
    web.redirects.pop("/")
    assert listed(web.url)[b"b.txt"].kind == "unreadable"


@pytest.mark.parametrize(
    ("says", "kind", "mtime_ns"),
    [
        ({"ETag": '"\xff"'}, "unreadable", 0),
        ({"Last-Modified": "\xff"}, "unreadable", 0),
        ({"Content-Length": str(2**63)}, "unreadable", 0),
        ({"Content-Length": str(2**63 - 1)}, "file", 0),
        ({"Last-Modified": "Fri, 31 Dec 9999 23:59:59 GMT"}, "file", 0),
        ({"Last-Modified": "Thu, 01 Jan 1970 00:00:01 GMT"}, "file", 10**9),
    ],
)
def test_headers_that_a_listing_cannot_hold_cost_their_object(
    web: Web, tmp_path: Path, says: dict[str, str], kind: str, mtime_ns: int
) -> None:
    web.says = says
    each = listed(web.url)[b"b.txt"]
    assert (each.kind, each.mtime_ns) == (kind, mtime_ns)
    assert list_source([Location(url=web.url)], tmp_path / "listing.parquet").names == 2


def test_a_page_that_comes_too_slowly_is_not_waited_for(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PATIENCE_S", 0.5)
    web.drips = True
    with pytest.raises(SourceError, match="cannot be listed"):
        listed(web.url)


def test_a_name_that_leads_inside_after_it_was_listed_is_an_error_of_reading(web: Web) -> None:
    each = listed(web.url)[b"b.txt"]
    found = store(web.url, networks=("127.0.0.0/8",))
    found._url = web.url.replace("127.0.0.1", "localhost")
    found._guard["resolver"].inside = ()
    with found.open(each.path, each.size_bytes, each.mtime_ns, each.identity) as file, pytest.raises(OSError):
        file.view(Reads()).read()


def test_a_server_inside_is_read_only_where_its_network_is_allowed(web: Web) -> None:
    with pytest.raises(AddressError):
        store(web.url, networks=())
    assert len(list(store(web.url, networks=("127.0.0.0/8",)).listed())) == 2


def test_a_server_of_an_unknown_authority_is_not_read(web: Web, tmp_path: Path) -> None:
    args = check_args(Path("x"), tmp_path / "out")
    args[args.index("x")] = web.url
    env = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    done = subprocess.run(args, capture_output=True, text=True, timeout=300, env=env)
    assert done.returncode == 3
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr


def test_a_dataset_on_a_server_gives_the_report_of_the_folder(web: Web, tmp_path: Path) -> None:
    reports = []
    for name, source in (("there", web.url), ("here", str(web.folder))):
        args = check_args(Path("x"), tmp_path / name, "--modality", "text")
        args[args.index("x")] = source
        done = subprocess.run(args, capture_output=True, text=True, timeout=300)
        assert done.returncode == 1, done.stderr
        reports.append(json.loads((tmp_path / name / "report.json").read_bytes()))
    there, here = reports
    assert there["subject"]["root_sha256"] == here["subject"]["root_sha256"]
    assert there["measurements"] == here["measurements"]
