"""Mutated files of every format, through the real sandbox: no crash of the run, no hang, all accounted for."""

import gzip
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from PIL import Image

from dqv import demo_media
from dqv.core.settings import Limits, Measuring, Settings
from dqv.pipeline import check
from tests.connectors import made

pytestmark = pytest.mark.integration

INPUTS = 2000
LIMITS = Limits(memory_bytes=1_000_000_000, stall_s=20, cpu_s=20)


def seeds(realdata: Path) -> list[tuple[str, bytes]]:
    """(suffix, content) of sound and broken files."""
    records: list[dict[str, Any]] = [
        {"id": i, "text": f"第{i}条 record number {i} 的内容", "date": f"2024-01-{i + 1:02d}"}
        for i in range(20)
    ]
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records).encode()
    table = pa.Table.from_pylist(records)
    sinks = [pa.BufferOutputStream(), pa.BufferOutputStream()]
    pq.write_table(table, sinks[0])
    with pa.ipc.new_file(sinks[1], table.schema) as writer:
        writer.write_table(table)
    text = "".join(each["text"] + "\n" for each in records)
    found = [
        ("jsonl", lines), ("jsonl.gz", gzip.compress(lines)), ("jsonl.zst", zstandard.compress(lines)),
        ("json", json.dumps(records).encode()), ("csv", ("text,date\n" + text.replace("\n", ",2024-01-01\n")).encode()),
        ("tsv", ("text\tdate\n" + text).encode("gb18030")), ("txt", text.encode()), ("md", text.encode("utf-16")),
        ("html", f"<html><body><p>{text}</p></body></html>".encode()), ("xml", f"<a><b>{text}</b></a>".encode()),
        ("parquet", sinks[0].getvalue().to_pybytes()), ("arrow", sinks[1].getvalue().to_pybytes()),
        ("docx", made.docx(*text.split("\n"))), ("xlsx", made.xlsx(["text"], *[[each["text"]] for each in records])),
        ("pdf", made.pdf(text.split("\n")[:10], text.split("\n")[10:])),
    ]  # fmt: skip
    for folder in ("json", "parquet"):
        for path in sorted((realdata / "bad" / folder).iterdir()):
            if path.suffix in (".json", ".parquet") and path.stat().st_size < 200_000:
                found.append((path.suffix[1:], path.read_bytes()))
    return found


def media_seeds(realdata: Path) -> list[tuple[str, bytes]]:
    """(suffix, content) of sound and broken images, recordings and videos."""
    wave = demo_media.tone(1, 4000, 8000)
    found = [
        (form.lower(), demo_media.image(form, 1, 200, 150, orientation=6)) for form in ("JPEG", "PNG", "WEBP")
    ]
    for form in ("TIFF", "BMP", "GIF", "AVIF"):
        sink = io.BytesIO()
        Image.fromarray(demo_media.scene(1, 80, 60)).save(sink, form)
        found.append((form.lower(), sink.getvalue()))
    found += [(form.lower(), demo_media.sound(form, wave, 8000)) for form in ("WAV", "FLAC", "MP3", "OGG")]
    found.append(("mp4", demo_media.movie(1, 64, 48, frames=8)))
    for folder in ("bad/image", "audio_one_recording", "video_codecs"):
        for path in sorted((realdata / folder).iterdir()):
            if path.suffix not in (".Pillow", ".json", "") and path.stat().st_size < 400_000:
                found.append((path.suffix[1:], path.read_bytes()))
    return found


def archive_seeds(realdata: Path) -> list[tuple[str, bytes]]:
    """(suffix, content) of archives: tar, compressed and not, zip, one inside the other, with members of every kind."""
    sound = [*seeds(realdata)[:10], *media_seeds(realdata)[:12]]
    members = [
        (f"{number}.{suffix}", content)
        for number, (suffix, content) in enumerate(sound)
        if len(content) < 50_000
    ]
    found = []
    for few in (members[:8], members[8:16], members[::3]):
        plain, zipped = tarred(few), zipfile_of(few)
        found += [
            ("tar", plain), ("tar.gz", gzip.compress(plain)), ("tar.zst", zstandard.compress(plain)), ("zip", zipped),
            ("tar", tarred([("inner.zip", zipped), *few[:1]])), ("zip", zipfile_of([("inner.tar", plain), *few[:1]])),
        ]  # fmt: skip
    return found


def tarred(members: list[tuple[str, bytes]]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return sink.getvalue()


def zipfile_of(members: list[tuple[str, bytes]]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return sink.getvalue()


def mutate(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content or b"\0")
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data))
        kind = rng.randrange(5)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2 and len(data) > 1:
            del data[at : at + rng.randint(1, 64)]
            data = data or bytearray(b"\0")
        elif kind == 3:
            data[at:at] = data[at : at + rng.randint(1, 64)]
        else:
            data[at : at + 4] = rng.choice(
                [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0"]
            )
    return bytes(data)


@pytest.mark.parametrize("make", [seeds, media_seeds, archive_seeds])
def test_mutated_files_are_each_accounted_for(
    realdata: Path, tmp_path: Path, scheduler: str, make: Callable[[Path], list[tuple[str, bytes]]]
) -> None:
    rng = random.Random(65_2025)
    source = tmp_path / "source"
    source.mkdir()
    originals = make(realdata)
    for number in range(INPUTS):
        suffix, content = originals[number % len(originals)]
        (source / f"{number:05d}.{suffix}").write_bytes(mutate(content, rng))
    outside = tmp_path / "outside"
    outside.mkdir()
    measuring = Measuring(limits=LIMITS)
    report = check(
        Settings(source=str(source), out=tmp_path / "out", scheduler=scheduler, measuring=measuring)
    )
    assert report.accounting.objects == INPUTS
    assert sum(each.objects for each in report.accounting.tallies) == INPUTS
    assert sum(each.members for each in report.accounting.tallies) == report.accounting.members
    counted = sum(each.items for each in (*report.run.defective, *report.run.unread))
    listed = sum(
        pl.read_parquet(tmp_path / "out" / "evidence" / f"{name}.parquet").height
        for name in ("defective", "unread")
        if (tmp_path / "out" / "evidence" / f"{name}.parquet").exists()
    )
    assert counted == listed > INPUTS // 4
    died = {each.kind for each in report.run.unread} & {"crash", "hang", "memory", "cpu"}
    assert not died, died
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "outside", "source"]
    assert list(outside.iterdir()) == []
