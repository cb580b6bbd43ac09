"""A dataset in a real S3 server on loopback."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dqv.connectors import storage
from dqv.connectors.storage import Listed, Reads, Stored, open_store
from dqv.core.errors import ItemError, SourceError
from dqv.core.location import Location, as_args, located
from tests.integration.conftest import check_args
from tests.integration.objectstore import SECRET, Server, failing, serving

pytestmark = pytest.mark.integration


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving() as each:
        for name, value in each.env.items():
            monkeypatch.setenv(name, value)
        yield each


def listed(url: str) -> dict[bytes, Listed]:
    return {each.path: each for each in _store(url).listed()}


def _store(url: str) -> Any:
    storage._opened.cache_clear()  # another server has another address
    return open_store(as_args([located(url)]))


def opened(url: str, each: Listed) -> Stored:
    found: Stored = _store(url).open(each.path, each.size_bytes, each.mtime_ns, each.identity)
    return found


def test_objects_are_listed_over_pages_by_their_keys(server: Server) -> None:
    server.client.create_bucket(Bucket="data")
    names = [f"set/{number:04d}.txt" for number in range(1234)] + ["set/a b/测试.txt", "set/../x//n&<>.txt"]
    for name in names:
        server.client.put_object(Bucket="data", Key=name, Body=b"x")
    server.client.put_object(Bucket="data", Key="set/folder/", Body=b"")  # a mark, no object
    server.client.put_object(Bucket="data", Key="setting/other.txt", Body=b"x")  # another prefix
    assert sorted(listed("s3://data/set")) == sorted(name.removeprefix("set/").encode() for name in names)


def test_what_is_read_is_what_was_listed_or_nothing(server: Server) -> None:
    server.client.create_bucket(Bucket="data")
    server.client.put_object(Bucket="data", Key="a.txt", Body=b"first")
    each = listed("s3://data")[b"a.txt"]
    server.client.put_object(Bucket="data", Key="a.txt", Body=b"other")  # of the same size
    with opened("s3://data", each) as object_, pytest.raises(ItemError) as caught:
        object_.view(Reads()).read()
    assert caught.value.kind == "changed"
    server.client.delete_object(Bucket="data", Key="a.txt")
    with opened("s3://data", each) as object_, pytest.raises(ItemError) as caught:
        object_.view(Reads()).read()
    assert caught.value.kind == "changed"


def test_a_server_that_fails_now_and_then_is_asked_again(server: Server) -> None:
    server.client.create_bucket(Bucket="data")
    server.client.put_object(Bucket="data", Key="a.txt", Body=b"whole")
    each = listed("s3://data")[b"a.txt"]
    failures = iter([failing("503 Slow Down"), failing("500 Internal")])
    server.spoil = lambda path, environ: next(failures, None)
    with opened("s3://data", each) as object_:
        assert object_.view(Reads()).read() == b"whole"


def test_an_answer_that_is_too_short_is_no_answer(server: Server) -> None:
    server.client.create_bucket(Bucket="data")
    server.client.put_object(Bucket="data", Key="a.txt", Body=b"0123456789")
    each = listed("s3://data")[b"a.txt"]

    def short(environ: Any, start: Any) -> list[bytes]:
        start("206 Partial Content", [("Content-Length", "4"), ("Content-Range", "bytes 0-3/10")])
        return [b"0123"]

    server.spoil = lambda path, environ: short
    with opened("s3://data", each) as object_, pytest.raises(OSError, match="4 bytes came of 10"):
        object_.view(Reads()).read()


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found"])
def test_a_bucket_that_cannot_be_listed_is_told(server: Server, status: str) -> None:
    server.spoil = lambda path, environ: failing(status)
    with pytest.raises(SourceError, match=r"s3://data cannot be listed: .*check"):
        listed("s3://data")


def test_a_header_takes_few_requests_of_a_large_object(server: Server) -> None:
    server.client.create_bucket(Bucket="data")
    server.client.put_object(Bucket="data", Key="a.bin", Body=bytes(20 * 2**20))
    each, reads = listed("s3://data")[b"a.bin"], Reads()
    with opened("s3://data", each) as object_:
        view = object_.view(reads, 16 * 1024)
        view.read(100_000)
        view.seek(-500_000, os.SEEK_END)
        view.read(400_000)
        view.seek(0)
        view.read(10)
    assert (reads.requests, reads.bytes) == (2, 128 * 1024 + 500_000)


def check(source: str, out: Path, server: Server, *more: str) -> tuple[dict[str, Any], str]:
    args = [*check_args(Path("x"), out), *more]
    args[args.index("x")] = source
    done = subprocess.run(args, capture_output=True, text=True, timeout=600, env={**os.environ, **server.env})
    assert (out / "report.json").exists(), done.stderr
    return json.loads((out / "report.json").read_bytes()), done.stdout + done.stderr


def test_the_demo_in_a_bucket_gives_the_report_of_the_folder_and_no_secret(
    server: Server, tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "dqv", "demo", "--out", str(tmp_path / "demo")], check=True, timeout=300
    )
    server.upload(tmp_path / "demo" / "dataset", "data", "sets/demo/")
    there, said = check("s3://data/sets/demo", tmp_path / "there", server)
    here, _ = check(str(tmp_path / "demo" / "dataset"), tmp_path / "here", server)
    for name in ("subject", "findings", "verdict", "decided_by"):
        assert there[name] == here[name], name
    assert there["measurements"] == here["measurements"]
    secret = SECRET.encode()
    assert secret not in said.encode()
    for path in (tmp_path / "there").rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path


def test_an_object_that_cannot_be_read_is_one_row(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.txt").write_text(f"text number {number} of a small set")
    server.upload(folder, "data")
    server.spoil = lambda path, environ: failing("403 Forbidden") if path.endswith("/7.txt") else None
    report, _ = check("s3://data", tmp_path / "out", server, "--modality", "text")
    assert [(each["kind"], each["items"]) for each in report["run"]["unread"]] == [("io", 1)]
    assert not report["run"]["complete"]
    assert report["measurements"]["text"]["items"] == 19


def test_a_dataset_is_verified_where_it_lies(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.txt").write_text("one")
    server.upload(tmp_path / "set", "data")
    dqv = [sys.executable, "-m", "dqv"]
    env = {**os.environ, **server.env}
    subprocess.run([*dqv, "keygen", "--out", str(tmp_path / "key")], check=True, env=env)
    check("s3://data", tmp_path / "out", server, "--key", str(tmp_path / "key.key"))
    verify = [
        *dqv,
        "verify",
        str(tmp_path / "out/report.dsse.json"),
        "--trust",
        str(tmp_path / "key.pub"),
        "--data",
        "s3://data",
    ]
    assert subprocess.run(verify, env=env, capture_output=True).returncode == 0
    server.client.put_object(Bucket="data", Key="a.txt", Body=b"two")
    assert subprocess.run(verify, env=env, capture_output=True).returncode == 4


def test_an_endpoint_that_a_record_names_gets_no_credentials_of_the_environment(
    authority: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority[1]))
    heads: list[str] = []
    with serving(context, authority[1]) as server:
        for name, value in {**server.env, "AWS_SESSION_TOKEN": SECRET}.items():
            monkeypatch.setenv(name, value)
        server.client.create_bucket(Bucket="data", ACL="public-read")
        server.spoil = lambda path, environ: heads.append(str(environ))
        open_store.__globals__["_opened"].cache_clear()
        where = Location(url="s3://data/x", endpoint=server.endpoint, networks=("127.0.0.0/8",))
        assert list(open_store(as_args([where])).listed()) == []
    assert len(heads) == 1
    assert "HTTP_AUTHORIZATION" not in heads[0]
    assert SECRET not in heads[0]
