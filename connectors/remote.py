"""Objects behind a network: S3-compatible stores, web servers, and whatever else fsspec knows.

Reads are ranges pinned to what was listed (ETag, version). Where all of an object is read it comes in blocks, some
ahead of the one at work, and objects that are read soon are fetched while others are measured; where only headers
are read, few and small ranges are asked for.
"""

import asyncio
import errno
import os
import re
import socket
import ssl
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes, urljoin, urlsplit

import aiohttp
import aiohttp.abc
import fsspec
import fsspec.asyn
import s3fs
from aiohttp.abc import ResolveResult
from botocore.exceptions import BotoCoreError, ClientError

from dqv.connectors.addresses import check_url
from dqv.connectors.objects import Listed, Ranged, Reads, time_of
from dqv.core.errors import AddressError, ItemError, SourceError
from dqv.core.location import Credentials, Location

PATIENCE_S = 50.0
"""For one range, retries included: below the time after which a child counts as hung; and for one page of a list."""

RETRIES = 4
"""Of one range, with pauses that double from a tenth of a second."""

RANGE_BYTES = 8 * 2**20
"""One request, where all of an object is read."""

AHEAD_RANGES = 4
"""Requests ahead of what is read."""

HELD_BYTES = 192 * 10**6
"""So much of an object is kept while it is measured: one that is not split is fetched once, hashed and then read."""

EXPECTED_BYTES = 64 * 2**20
EXPECTED_OBJECTS = 32
"""Of the objects that are opened next, so much is fetched meanwhile; at least one of them."""

HEAD_BYTES = 128 * 2**10
"""First request, where only headers are read; a next one behind it asks for twice as much."""

TAIL_BYTES = 768 * 2**10
"""What lies so near the end is fetched to the end: indexes stand there."""


Fetch = Callable[[int, int], "Future[bytes]"]
"""Bytes [start, stop) of an object."""


class Remote(ABC):
    """A `Store` behind a network; what differs between them is how names are listed and a range is fetched."""

    def __init__(self) -> None:
        self._loop = fsspec.asyn.get_loop()
        self._expected: deque[tuple[bytes, int, int, str]] = deque()
        self._coming: dict[bytes, Whole] = {}

    @abstractmethod
    def listed(self) -> Iterator[Listed]:
        """As `Store`."""

    @abstractmethod
    async def _range(self, path: bytes, start: int, stop: int, identity: str) -> bytes:
        """Bytes of an object that is still the one that was listed.

        Raises:
            ItemError: "changed".
            OSError: it cannot be read now.
        """

    def open(self, path: bytes, size_bytes: int, mtime_ns: int, identity: str) -> "RemoteObject":
        """As `Store`; nothing is asked for before it is read."""
        whole = self._come(path) or self._whole(path, size_bytes, identity)
        self._fetch_expected()
        return RemoteObject(size_bytes, lambda a, b: self._fetch(path, a, b, identity), whole)

    def expect(self, objects: Sequence[tuple[bytes, int, int, str]]) -> None:
        """These are opened next, in this order, and read whole: fetch some of them ahead."""
        self._expected = deque(objects)
        while self._coming:
            self._coming.popitem()[1].close()

    def _come(self, path: bytes) -> "Whole | None":
        """What was fetched of an object that was expected; what was to come before it is not wanted any more."""
        if path in self._coming:
            while True:
                before, whole = next(iter(self._coming.items()))
                del self._coming[before]
                if before == path:
                    return whole
                whole.close()
        if self._expected and self._expected[0][0] == path:
            self._expected.popleft()
        return None

    def _fetch_expected(self) -> None:
        while self._expected:
            path, size, _, identity = self._expected[0]
            held = sum(each.size for each in self._coming.values())
            if self._coming and (held + size > EXPECTED_BYTES or len(self._coming) >= EXPECTED_OBJECTS):
                return
            self._expected.popleft()
            if size <= HELD_BYTES:
                self._coming[path] = whole = self._whole(path, size, identity)
                whole.begin()

    def _whole(self, path: bytes, size: int, identity: str) -> "Whole":
        return Whole(size, lambda start, stop: self._fetch(path, start, stop, identity))

    def _fetch(self, path: bytes, start: int, stop: int, identity: str) -> "Future[bytes]":
        return asyncio.run_coroutine_threadsafe(self._patient(path, start, stop, identity), self._loop)

    async def _patient(self, path: bytes, start: int, stop: int, identity: str) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            for attempt in range(RETRIES):
                try:
                    data = await self._range(path, start, stop, identity)
                    if len(data) == stop - start:
                        return data
                    error = OSError(errno.EIO, f"{len(data)} bytes came of {stop - start}")
                except (PermissionError, FileNotFoundError):
                    raise
                except OSError as failure:
                    error = failure
                await asyncio.sleep(0.1 * 2**attempt)
            raise error

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for a coroutine of the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Whole:
    """The ranges of an object that is read from its beginning to its end."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        self.size = size
        self._fetch = fetch
        self._ranges: dict[int, Future[bytes]] = {}
        self._counted: set[int] = set()

    def begin(self) -> None:
        """Fetch the first ranges."""
        for number in range(AHEAD_RANGES):
            self._ask(number)

    def read(self, start: int, size: int, reads: Reads) -> bytes:
        """As `Ranged.read`."""
        number = start // RANGE_BYTES
        for each in range(number, number + AHEAD_RANGES):
            self._ask(each)
        coming = self._ranges[number] = self._ranges.pop(number)  # the last of them is the one used last
        while len(self._ranges) > HELD_BYTES // RANGE_BYTES + 1:
            self._ranges.pop(next(iter(self._ranges))).cancel()
        data = _result(coming)
        if number not in self._counted:
            self._counted.add(number)
            reads.add(len(data))
        begin = start - number * RANGE_BYTES
        return data[begin : begin + size]

    def _ask(self, number: int) -> None:
        start = number * RANGE_BYTES
        if start < self.size and number not in self._ranges:
            self._counted.discard(number)
            self._ranges[number] = self._fetch(start, min(start + RANGE_BYTES, self.size))

    def close(self) -> None:
        """What is still under way is not wanted."""
        for each in self._ranges.values():
            each.cancel()


class Heads:
    """Few ranges of an object of which only headers are read."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        self._size = size
        self._fetch = fetch
        self._ranges: list[tuple[int, bytes]] = []

    def read(self, start: int, size: int, reads: Reads) -> bytes:
        """As `Ranged.read`."""
        for begin, data in self._ranges:
            if begin <= start < begin + len(data):
                return data[start - begin : start - begin + size]
        before = max((len(data) for begin, data in self._ranges if begin + len(data) == start), default=0)
        length = max(size, 2 * before or HEAD_BYTES)
        if self._size - start <= TAIL_BYTES:
            length = self._size - start
        stop = min([start + length, self._size, *(begin for begin, _ in self._ranges if begin > start)])
        data = _result(self._fetch(start, stop))
        reads.add(len(data))
        self._ranges.append((start, data))
        return data[:size]


class RemoteObject(Ranged):
    """An object of a `Remote`."""

    def __init__(self, size_bytes: int, fetch: Fetch, whole: Whole) -> None:
        self._size = size_bytes
        self._whole = whole
        self._heads = Heads(size_bytes, fetch)

    @property
    def size_bytes(self) -> int:
        """As listed: whatever is read is pinned to that."""
        return self._size

    def read(self, start: int, size: int, reads: Reads, *, whole: bool) -> bytes:
        """As `Ranged`."""
        if start >= self._size:
            return b""
        kind = self._whole if whole else self._heads
        return kind.read(start, min(size, self._size - start), reads)

    def check_unchanged(self) -> None:
        """Every range was pinned when it was read."""

    def close(self) -> None:
        """As `Stored`."""
        self._whole.close()


def _changed() -> ItemError:
    return ItemError("changed", "is no longer the object that was listed")


def _result(coming: "Future[bytes]") -> bytes:
    """What came.

    Raises:
        OSError: nothing, or not in time.
    """
    try:
        return coming.result(PATIENCE_S + 5)
    except (TimeoutError, FutureTimeoutError):
        raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None


class Guard(aiohttp.abc.AbstractResolver):
    """Resolves names to addresses that may be connected to, and to no others: each time a connection is made."""

    def __init__(self, networks: Sequence[str]) -> None:
        self.inside = tuple(map(ip_network, networks))

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """As aiohttp asks.

        Raises:
            AddressError: the name leads inside.
        """
        target = await asyncio.to_thread(check_url, f"https://{host}:{port}", self.inside)
        return [
            ResolveResult(hostname=host, host=str(each), port=port, proto=0, flags=socket.AI_NUMERICHOST,
                          family=socket.AF_INET6 if each.version == 6 else socket.AF_INET)
            for each in target.addresses
        ]  # fmt: skip

    async def close(self) -> None:
        """Nothing is held."""


def _guarded(location: Location, url: str) -> dict[str, Any]:
    """What makes aiohttp's connections keep to the addresses that a location may have.

    Raises:
        AddressError: they are none to begin with.
    """
    if location.networks is None:
        return {}
    guard = Guard(location.networks)
    check_url(url, guard.inside)  # an address that is spelt out is never resolved
    return {"resolver": guard}


class Bucket(Remote):
    """An S3-compatible store: objects below a prefix of a bucket, through s3fs."""

    def __init__(self, location: Location, credentials: Credentials | None) -> None:
        super().__init__()
        said = credentials.as_secrets() if credentials else {}
        self._bucket, _, prefix = location.url.removeprefix("s3://").partition("/")
        self._prefix = prefix.rstrip("/") + "/" if prefix.rstrip("/") else ""
        self._url = location.url
        self._files = s3fs.S3FileSystem(
            key=said.get("access_key"),
            secret=said.get("secret_key"),
            token=said.get("session_token"),
            # whoever a record names gets no credentials of ours, not even a signature
            anon=credentials is None and location.networks is not None and location.endpoint is not None,
            endpoint_url=location.endpoint,
            client_kwargs={"region_name": location.region} if location.region else {},
            config_kwargs={
                "connect_timeout": 10, "read_timeout": 20, "max_pool_connections": 2 * EXPECTED_OBJECTS,
                "retries": {"max_attempts": 2, "mode": "standard"},
                "response_checksum_validation": "when_required",
                "connector_args": _guarded(location, location.endpoint) if location.endpoint else {},
            },
            use_listings_cache=False,
            skip_instance_cache=True,
        )  # fmt: skip

    def listed(self) -> Iterator[Listed]:
        """Every object below the prefix, a page of the store at a time.

        Raises:
            SourceError: it cannot be listed.
        """
        more: dict[str, str] = {}
        while True:
            try:
                page = self._run(
                    self._files._call_s3("list_objects_v2", Bucket=self._bucket, Prefix=self._prefix, **more)
                )
                found = [self._listed(each) for each in page.get("Contents", ())]
                next_page = page["NextContinuationToken"] if page.get("IsTruncated") else None
            except _OF_THE_STORE as error:
                raise SourceError(f"{self._url} cannot be listed: {_why(error)}") from None
            except (LookupError, TypeError, ValueError):
                raise SourceError(
                    f"{self._url} cannot be listed: what the store answers is no list"
                ) from None
            for each in found:
                if each.path and not (each.path.endswith(b"/") and not each.size_bytes):  # a folder's mark
                    yield each
            if next_page is None:
                return
            if next_page == more.get("ContinuationToken"):
                raise SourceError(f"{self._url} cannot be listed: the store gives the same page twice")
            more = {"ContinuationToken": next_page}

    def _listed(self, found: dict[str, Any]) -> Listed:
        return Listed(
            found["Key"][len(self._prefix) :].encode("utf-8", "surrogateescape"),
            "file",
            _size(found["Size"]),
            time_of(int(found["LastModified"].timestamp()) * 10**9),
            f"etag:{found['ETag']}",
        )

    async def _range(self, path: bytes, start: int, stop: int, identity: str) -> bytes:
        key = self._prefix + path.decode("utf-8", "surrogateescape")
        try:
            answer = await self._files._call_s3(
                "get_object", Bucket=self._bucket, Key=key, Range=f"bytes={start}-{stop - 1}",
                IfMatch=identity.removeprefix("etag:"),
            )  # fmt: skip
            async with answer["Body"] as body:
                data: bytes = await body.read()
        except _OF_THE_STORE as error:
            raise _translated(error) from None
        except (AddressError, ValueError):
            # its name leads inside by now, or the store called it what cannot stand in a header
            raise OSError(errno.EIO, "the store cannot be asked for it") from None
        return data


_OF_THE_STORE = (OSError, BotoCoreError, ClientError)

_GONE = frozenset({"PreconditionFailed", "NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "412"})


def _code(error: BaseException) -> str:
    """What the store calls it, or the name of its type; never a message, which may hold anything."""
    for each in (error, error.__cause__):
        answer = getattr(each, "response", None)
        if isinstance(answer, dict):
            return str(answer.get("Error", {}).get("Code", ""))[:40]
    return type(error).__name__


def _translated(error: Exception) -> Exception:
    code = _code(error)
    if code in _GONE:
        return _changed()
    if isinstance(error, PermissionError):
        return PermissionError(errno.EACCES, f"the store refuses it: {code}")
    return OSError(errno.EIO, f"the store gives no answer that can be used: {code}")


def _why(error: Exception) -> str:
    code = _code(error)
    if code in ("NoCredentialsError", "PartialCredentialsError"):
        return "no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if code in _GONE:
        return f"{code}; check the name"
    return f"{code}; check the address, the credentials and their rights"


MOST_PAGES = 100_000
MOST_PAGE_BYTES = 16 * 2**20
"""Of a web server: pages that list a folder, and what one of them may hold."""

_AT_ONCE = 32

_LINK = re.compile(r"""<a\s[^<>]*?\bhref\s*=\s*["']([^"'<>]+)""", re.IGNORECASE)
"""Not fsspec's expression, which takes a minute for a tag of two thousand blanks, and eight times that for twice as many."""


def _joined(url: str, link: str) -> str:
    try:
        return urljoin(url, link)
    except ValueError:  # such as https://[
        return ""


class Web(Remote):
    """A web server: one object, or those that index pages under a folder link to, through fsspec's session."""

    def __init__(self, location: Location) -> None:
        super().__init__()
        self._url = location.url
        self._guard = _guarded(location, location.url)
        self._files = fsspec.filesystem(
            "https", get_client=self._client, use_listings_cache=False, skip_instance_cache=True
        )

    async def _client(self, **_: Any) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=2 * EXPECTED_OBJECTS, ssl=ssl.create_default_context(), **self._guard
            ),
            timeout=aiohttp.ClientTimeout(sock_connect=10, sock_read=20),
        )

    def listed(self) -> Iterator[Listed]:
        """The object, or what is under the folder; of each the size is asked for.

        Raises:
            SourceError: it cannot be listed.
        """
        if not urlsplit(self._url).path.endswith("/"):
            name = unquote_to_bytes(urlsplit(self._url).path.rpartition("/")[2])
            yield from self._asked([(name, self._url)])
            return
        folders, seen = [self._url], {self._url}
        while folders:
            found = []
            for url in self._links(folders.pop()):
                if url in seen:
                    continue
                seen.add(url)
                if url.endswith("/"):
                    folders.append(url)
                else:
                    found.append((unquote_to_bytes(url[len(self._url) :]), url))
            if len(seen) > MOST_PAGES * 100 or len(folders) > MOST_PAGES:
                raise SourceError(f"{self._url} does not end: more than {MOST_PAGES} folders")
            for first in range(0, len(found), _AT_ONCE):
                yield from self._asked(found[first : first + _AT_ONCE])

    def _links(self, url: str) -> list[str]:
        """What an index page links to below its folder."""
        try:
            page = self._run(self._page(url))
        except (OSError, aiohttp.ClientError) as error:
            raise SourceError(f"{url} cannot be listed: {_web_why(error)}") from None
        links = (_joined(url, found) for found in _LINK.findall(page.decode("utf-8", "replace")))
        bare = (link.partition("#")[0].partition("?")[0] for link in links)
        return sorted({link for link in bare if link.startswith(url) and link != url})

    async def _page(self, url: str) -> bytes:
        session = await self._files.set_session()
        async with asyncio.timeout(PATIENCE_S), session.get(url, allow_redirects=False) as answer:
            _refuse(answer.status, 200)
            data: bytes = await _bounded(answer, MOST_PAGE_BYTES)
            return data

    def _asked(self, found: list[tuple[bytes, str]]) -> list[Listed]:
        async def all_of_them() -> list[Listed]:
            return await asyncio.gather(*(self._head(path, url) for path, url in found))

        listed: list[Listed] = self._run(all_of_them())
        return listed

    async def _head(self, path: bytes, url: str) -> Listed:
        session = await self._files.set_session()
        try:
            async with (
                asyncio.timeout(PATIENCE_S),
                session.head(url, allow_redirects=False, headers=_AS_IT_IS) as answer,
            ):
                _refuse(answer.status, 200)
                size = _size(int(answer.headers["Content-Length"]))
                tag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified")
        except (OSError, KeyError, ValueError, aiohttp.ClientError):
            return Listed(path, "unreadable", 0, 0, "")
        if not f"{tag}{modified}".isascii():  # no header is another, and none could ask for it
            return Listed(path, "unreadable", 0, 0, "")
        identity = f"etag:{tag}" if tag else f"modified:{modified}" if modified else ""
        return Listed(path, "file", size, _nanoseconds(modified), identity)

    async def _range(self, path: bytes, start: int, stop: int, identity: str) -> bytes:
        whole = not urlsplit(self._url).path.endswith("/")
        url = self._url if whole else self._url + quote_from_bytes(path)
        kind, _, value = identity.partition(":")
        pinned = {"If-Match": value} if kind == "etag" and not value.startswith("W/") else {}
        if kind == "modified":
            pinned = {"If-Unmodified-Since": value}
        session = await self._files.set_session()
        headers = {**_AS_IT_IS, **pinned, "Range": f"bytes={start}-{stop - 1}"}
        try:
            async with session.get(url, allow_redirects=False, headers=headers) as answer:
                if answer.status in (404, 410, 412, 416):
                    raise _changed()
                _refuse(answer.status, 206)
                if kind == "etag" and answer.headers.get("ETag", value) != value:
                    raise _changed()
                return await _bounded(answer, stop - start)
        except _OF_THE_SERVER as error:
            raise OSError(
                errno.EIO, f"the server gives no answer that can be used: {type(error).__name__}"
            ) from None


_AS_IT_IS = {"Accept-Encoding": "identity"}


_OF_THE_SERVER = (aiohttp.ClientError, AddressError, TimeoutError)


def _refuse(status: int, wanted: int) -> None:
    if status != wanted:
        if status in (401, 403):
            raise PermissionError(errno.EACCES, f"the server refuses it: status {status}")
        raise OSError(errno.EIO, f"the server answers with status {status}, not {wanted}")


async def _bounded(answer: Any, most: int) -> bytes:
    blocks, size = [], 0
    async for block in answer.content.iter_chunked(1 << 20):
        size += len(block)
        if size > most:
            raise OSError(errno.EFBIG, f"the server sends more than the {most} bytes that were asked for")
        blocks.append(block)
    return b"".join(blocks)


def _web_why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}; check the address"
    return f"{type(error).__name__}; check the address"


def _size(size: int) -> int:
    if not 0 <= size < 1 << 63:
        raise ValueError("no size")
    return size


def _nanoseconds(date: str | None) -> int:
    try:
        return time_of(int(parsedate_to_datetime(date).timestamp()) * 10**9) if date else 0
    except (ValueError, OverflowError):
        return 0


class Files(Remote):
    """Any other filesystem that fsspec knows, by its own calls; what it gives for `info` must be the same each time."""

    def __init__(self, location: Location) -> None:
        super().__init__()
        self._files, self._root = fsspec.url_to_fs(location.url, use_listings_cache=False)
        self._root = self._root.rstrip("/")
        self._url = location.url

    def listed(self) -> Iterator[Listed]:
        """Every file below the root, a folder at a time.

        Raises:
            SourceError: it cannot be listed.
        """
        folders = [self._root]
        while folders:
            try:
                entries = self._files.ls(folders.pop(), detail=True)
            except Exception as error:  # noqa: BLE001  each filesystem has errors of its own
                raise SourceError(
                    f"{self._url} cannot be listed: {type(error).__name__}; check the address"
                ) from None
            for each in entries:
                if each["type"] == "directory":
                    folders.append(each["name"])
                else:
                    path = each["name"][len(self._root) :].lstrip("/")
                    yield Listed(
                        path.encode("utf-8", "surrogateescape"),
                        "file",
                        each["size"] or 0,
                        _modified(each),
                        _version(each),
                    )

    async def _range(self, path: bytes, start: int, stop: int, identity: str) -> bytes:
        name = f"{self._root}/{path.decode('utf-8', 'surrogateescape')}"
        try:
            if self._files.async_impl:
                data: bytes = await self._files._cat_file(name, start=start, end=stop)
            else:
                data = await asyncio.to_thread(self._files.cat_file, name, start=start, end=stop)
            return data
        except FileNotFoundError:
            raise _changed() from None


def _modified(info: dict[str, Any]) -> int:
    found = next(
        (info[name] for name in ("mtime", "modified", "LastModified", "created") if info.get(name)), 0
    )
    if isinstance(found, datetime):
        found = found.timestamp()
    return time_of(int(found) * 10**9) if isinstance(found, int | float) else 0


def _version(info: dict[str, Any]) -> str:
    return next(
        (f"version:{info[name]}" for name in ("ETag", "etag", "versionId", "version_id") if info.get(name)),
        "",
    )
