"""What listing archives gives: rows like those of files, and the reasons of what is no good."""

import gzip
import io
import itertools
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dqv.core.location import as_args, located
from dqv.core.settings import Measuring
from dqv.execute import partitions
from dqv.stages import index
from tests.stages.calls import beat, listed, measure, pieces, read


def tar(members: dict[str, bytes], **kinds: bytes) -> bytes:
    """A tar of files, and of names of other kinds."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, kind in kinds.items():
            member = tarfile.TarInfo(name)
            member.type = kind
            archive.addfile(member)
    return sink.getvalue()


def members(
    source: Path, out: Path, poison: list[list[Any]] | None = None, **options: Any
) -> dict[str, dict[str, Any]]:
    out.mkdir()
    args = {
        "source": as_args([located(str(source))]),
        "pieces": [piece for piece in pieces(source) if piece["role"] == "container"],
        "measuring": Measuring(**options).model_dump(mode="json"),
    }
    index.members(args, out, beat(poison))
    return {row["path"].decode(): row for row in read(out, "members")}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


SAMPLES = {
    "a/1.jpg": b"x", "a/1.json": b"{}", "a/1.cls": b"7", "a/1.txt": b"a caption",
    "a/2.json": b"{}", "a/2.txt": b"no medium",
    "a/3.jpg": b"y",
}  # fmt: skip


def test_json_and_labels_beside_a_medium_describe_it(source: Path, tmp_path: Path) -> None:
    (source / "s.tar").write_bytes(tar(SAMPLES))
    found = members(source, tmp_path / "out")
    assert {path.removeprefix("s.tar/"): (row["role"], row["sample"]) for path, row in found.items()} == {
        "a/1.jpg": ("data", b"s.tar/a/1"), "a/1.json": ("metadata", b"s.tar/a/1"), "a/1.cls": ("metadata", b"s.tar/a/1"),
        "a/1.txt": ("data", b"s.tar/a/1"), "a/2.json": ("data", None), "a/2.txt": ("data", None), "a/3.jpg": ("data", None),
    }  # fmt: skip
    assert [row["why"] for row in found.values()][1:3] == ["webdataset-sample", "webdataset-label"]


def test_another_layout_has_no_samples(source: Path, tmp_path: Path) -> None:
    (source / "s.tar").write_bytes(tar(SAMPLES))
    found = members(source, tmp_path / "out", layout="folder")
    assert {row["sample"] for row in found.values()} == {None}
    assert found["s.tar/a/1.json"]["role"] == "data"
    assert found["s.tar/a/1.cls"]["role"] == "other"


def test_members_that_are_no_files_are_ignored_by_name(source: Path, tmp_path: Path) -> None:
    (source / "s.tar").write_bytes(tar({"a.txt": b"x"}, link=tarfile.SYMTYPE, pipe=tarfile.FIFOTYPE))
    found = members(source, tmp_path / "out")
    assert [(row["role"], row["why"], row["refused_kind"]) for row in found.values()] == [
        ("data", "format-txt", None), ("ignored", "symbolic-link", None), ("ignored", "not-a-regular-file", None),
    ]  # fmt: skip


def test_a_link_in_an_archive_keeps_the_format_that_its_name_says(source: Path, tmp_path: Path) -> None:
    """As one in a folder does: a person must look at what is named data and not measured."""
    (source / "s.tar").write_bytes(tar({"a.txt": b"x"}, **{"b.txt": tarfile.SYMTYPE, "c": tarfile.SYMTYPE}))
    found = members(source, tmp_path / "out")
    assert [(row["role"], row["format"], row["modality"]) for row in found.values()] == [
        ("data", "txt", "text"), ("ignored", "txt", None), ("ignored", None, None),
    ]  # fmt: skip


def test_what_follows_damage_is_one_row_with_its_reason(source: Path, tmp_path: Path) -> None:
    data = tar({"a.txt": b"x" * 600, "b.txt": b"y" * 600})
    (source / "s.tar").write_bytes(data[:1536] + b"\xff" * 512 + data[2048:])
    found = members(source, tmp_path / "out")
    assert [(path, row["refused_kind"]) for path, row in found.items()] == [
        ("s.tar/a.txt", None),
        ("s.tar/", "archive"),
    ]


def test_an_archive_that_kills_the_child_or_is_gone_is_one_row(source: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(source / "s.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    (number,) = [row["object"] for row in listed(source)]
    found = members(source, tmp_path / "out", poison=[[number, -1, "memory", "too much"]])
    assert [(row["refused_kind"], row["refused"], row["modality"]) for row in found.values()] == [
        ("memory", "too much", None)
    ]


def test_identity_lists_what_needs_no_decompression(source: Path, tmp_path: Path) -> None:
    (source / "a.tar").write_bytes(tar({"1.jpg": b"x"}))
    (source / "b.tar.gz").write_bytes(gzip.compress(tar({"2.jpg": b"x"})))
    found = members(source, tmp_path / "out", assurance="identity")
    assert {path: row["refused_kind"] for path, row in found.items()} == {
        "a.tar/1.jpg": None,
        "b.tar.gz/": "not-read",
    }


def test_the_sum_of_a_zips_member_is_checked_where_its_records_are_read_in_parts(
    source: Path, tmp_path: Path
) -> None:
    lines = b"".join(b'{"text": "line %d %s"}\n' % (number, b"x" * 250_000) for number in range(100))
    with zipfile.ZipFile(source / "s.zip", "w") as archive:
        archive.writestr("a.jsonl", lines)
    data = (source / "s.zip").read_bytes()
    half = len(lines) // 2
    bad = data.replace(b"line 7 ", b"line 8 ", 1)
    for name, content, expected in (("good", data, [None]), ("bad", bad, [None, "archive"])):
        (source / "s.zip").write_bytes(content)
        (row,) = members(source, tmp_path / f"{name}-members").values()
        (outer,) = pieces(source)
        member = row | {"object": 1}
        cut = [
            partitions.piece(member, "span", (0, half, half)), partitions.piece(member, "span", (half, len(lines), half)),
            partitions.piece(member, "digest"),
        ]  # fmt: skip
        items, _, _ = measure(source, tmp_path / name, cut=[each | {"outer": outer} for each in cut])
        kinds = [kind for kind, _ in itertools.groupby(each["error_kind"] for each in items)]
        assert len(items) == 100 + len(kinds) - 1
        assert kinds == expected
