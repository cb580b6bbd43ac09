"""One dataset, packed in every way and lying in two places, gives the same counts, hours and rates."""

import csv
import json
import os
import ssl
import subprocess
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from dqv.demo import run
from tests.conftest import HttpsServer
from tests.integration.conftest import REFERENCE, check_args
from tests.integration.objectstore import Server, serving

pytestmark = pytest.mark.integration

NUMBER = "DEMO-2026-000001"
MEDIUM = (".jpg", ".png", ".webp", ".wav", ".flac", ".mp3", ".ogg", ".mp4")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo dataset as a folder, and its registration beside it."""
    out = tmp_path_factory.mktemp("demo") / "demo"
    run(out, "en", 2, None)
    return out


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def dates(found: dict[str, bytes]) -> dict[str, dict[str, str]]:
    """What the table beside the files says of each."""
    rows = csv.DictReader(found["metadata.csv"].decode("utf-8-sig").splitlines())
    return {row["file_name"]: row for row in rows}


def folder(found: dict[str, bytes], out: Path) -> None:
    for name, data in found.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)


def webdataset(found: dict[str, bytes], out: Path) -> None:
    """Samples of media with a JSON each, in shards of 20; texts in shards of their own, the rest beside them."""
    said = dates(found)
    media = [name for name in found if name.endswith(MEDIUM)]
    for shard in range(0, len(media), 20):
        with tarfile.open(out / f"media-{shard // 20:06d}.tar", "w") as tar:
            for name in media[shard : shard + 20]:
                add(tar, name, found[name])
                if name in said:
                    add(tar, os.path.splitext(name)[0] + ".json", json.dumps(said[name]).encode())  # noqa: PTH122
    texts = [name for name in found if name.endswith(".txt")]
    table = found["metadata.csv"]  # its names are those of the shard it stands in
    for shard in range(0, len(texts), 50):
        with tarfile.open(out / f"texts-{shard // 50:06d}.tar.gz", "w:gz") as tar:
            add(tar, "metadata.csv", table)
            for name in texts[shard : shard + 50]:
                add(tar, name, found[name])
    rest = {name: data for name, data in found.items() if name not in {*media, *texts, "metadata.csv"}}
    folder(rest, out)


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, BytesIO(data))


def zipped(found: dict[str, bytes], out: Path) -> None:
    with zipfile.ZipFile(out / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in found.items():
            archive.writestr(name, data)


def embedded(found: dict[str, bytes], out: Path) -> None:
    """Media in a column of Parquet with the dates beside them, as Hugging Face stores them; the rest as it is."""
    said, media = dates(found), [name for name in found if name.endswith(MEDIUM)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    names = {name for row in said.values() for name in row} - {"file_name"}
    columns: dict[str, Any] = {
        name: [said.get(each, {}).get(name) for each in media] for name in sorted(names)
    }
    columns["media"] = pa.array([{"bytes": found[name], "path": name} for name in media], kind)
    (out / "data").mkdir()
    pq.write_table(pa.table(columns), out / "data" / "train-00000-of-00001.parquet", row_group_size=16)
    folder({name: data for name, data in found.items() if name not in media}, out)


def compressed(found: dict[str, bytes], out: Path) -> None:
    """Records in JSON Lines under zstd, a wrong line and all; the rest as it is."""
    packed = {
        name + ".zst" if name.endswith(".jsonl") else name: zstandard.compress(data)
        if name.endswith(".jsonl")
        else data
        for name, data in found.items()
    }
    folder(packed, out)


PACKED: dict[str, Callable[[dict[str, bytes], Path], None]] = {
    "folder": folder, "webdataset": webdataset, "zip": zipped, "parquet": embedded, "jsonl.zst": compressed,
}  # fmt: skip
LAYOUTS = {
    "webdataset": "webdataset",
    "parquet": "huggingface",
    "zip": "imagefolder",
    "jsonl.zst": "imagefolder",
}


@pytest.fixture(scope="module")
def packed(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found, folders = files(demo / "dataset"), {}
    for name, pack in PACKED.items():
        folders[name] = tmp_path_factory.mktemp("packed") / "set"
        folders[name].mkdir()
        pack(found, folders[name])
    return folders


def essence(report: dict[str, Any]) -> dict[str, Any]:
    """What must be the same however the data is packed."""
    numbers = {
        modality: {
            name: facts[name] for name in ("items", "payload_bytes", "hours", "defective") if name in facts
        }
        for modality, facts in report["measurements"].items()
    }
    rules = {
        each["rule"]: [each[name] for name in ("verdict", "measured", "numerator", "denominator")]
        for each in report["findings"]
        if each["rule"].partition(".")[0] in ("scale", "resolution", "duplicates", "recency")
    }
    return {"numbers": numbers, "rules": rules}


def checked(args: list[str], out: Path, **env: str) -> dict[str, Any]:
    done = subprocess.run(args, capture_output=True, text=True, timeout=600, env={**os.environ, **env})
    assert done.returncode == 1, done.stderr
    found: dict[str, Any] = json.loads((out / "report.json").read_bytes())
    assert found["run"]["complete"]
    return found


@pytest.fixture(scope="module")
def expected(demo: Path) -> dict[str, Any]:
    """Of the demo's own report: it was made of the folder, under the same registration."""
    return essence(json.loads((demo / "report" / "report.json").read_bytes()))


@pytest.mark.parametrize("name", [name for name in PACKED if name != "folder"])
def test_a_packed_dataset_gives_what_the_folder_gives(
    demo: Path, packed: dict[str, Path], expected: dict[str, Any], tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    report = checked(check_args(packed[name], out, "--registration", demo / "registration.toml"), out)
    assert essence(report) == expected
    assert report["subject"]["layout"] == LAYOUTS[name]


@pytest.fixture(scope="module")
def bucket(packed: dict[str, Path], authority: tuple[Any, Path]) -> Iterator[Server]:
    """A real S3 server over TLS that has all packings."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    with serving(context, authority[1]) as each:
        for name, path in packed.items():
            each.upload(path, name)
        yield each


@pytest.mark.parametrize("name", PACKED)
def test_a_dataset_that_a_platform_names_in_an_object_store_gives_the_same(
    demo: Path, bucket: Server, server: HttpsServer, expected: dict[str, Any], tmp_path: Path, name: str
) -> None:
    record = tomllib.loads((demo / "registration.toml").read_text("utf-8"))
    record["locations"] = [
        {"url": f"s3://{name}", "endpoint": bucket.endpoint, "region": "us-east-1", "credentials": "main"}
    ]
    server.routes[f"/datasets/{NUMBER}"] = (200, {}, json.dumps(record, default=str).encode())
    described = tmp_path / "platform.toml"
    fields = {each: each for each in record}
    described.write_text(
        f'name = "test"\nbase = "{server.url}"\nca = "{server.ca}"\nnetworks = ["127.0.0.0/8"]\n'
        'record = "/datasets/{number}"\n'
        + "[stores.main]\n"
        + f'endpoint = "{bucket.endpoint}"\naccess_key_env = "STORE_KEY"\nsecret_key_env = "STORE_SECRET"\n'
        + "[fields]\n"
        + "".join(f'{name} = "{each}"\n' for name, each in fields.items())
    )
    out = tmp_path / "out"
    args = check_args(Path(NUMBER), out, "--platform", described)
    key, secret = bucket.env["AWS_ACCESS_KEY_ID"], bucket.env["AWS_SECRET_ACCESS_KEY"]
    report = checked(
        args,
        out,
        STORE_KEY=key,
        STORE_SECRET=secret,
        AWS_CA_BUNDLE=str(server.ca),
        AWS_EC2_METADATA_DISABLED="true",
    )
    assert essence(report) == expected
    assert report["subject"]["platform"] == server.url
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    assert report["run"]["reference_date"] == REFERENCE
