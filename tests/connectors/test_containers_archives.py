"""Archives: what stands in them is listed and opened as tarfile and zipfile see it."""

import gzip
import io
import os
import random
import struct
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqv.connectors.containers.archives import Member, Opener, index
from dqv.connectors.containers.records import Facts, read, singly
from dqv.connectors.layout import archive_kind
from dqv.core.errors import ItemError
from dqv.core.settings import Limits
from tests.connectors.archives import (
    compress,
    contents,
    error_of,
    listed,
    members,
    only_refused,
    opener,
    tar_of,
    why,
    zip_of,
)
from tests.connectors.beats import Beats

RANDOM = random.Random(1).randbytes(300_000)
DATA = {b"a.txt": b"first", b"dir/b.bin": RANDOM, b"empty": b"", b"c": RANDOM[:513]}
NAMED = tuple((name.decode(), data) for name, data in DATA.items())

FORMATS = {"v7": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
COMPRESSIONS = [None, "gzip", "zstd"]


def info(name: str, **values: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in values.items():
        setattr(made, key, value)
    return made


# -- names of archives --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"x.tar", ("tar", None)),
        (b"x/Y.TAR.GZ", ("tar", "gzip")),
        (b"x.tgz", ("tar", "gzip")),
        (b"x.tar.zst", ("tar", "zstd")),
        (b"x.zip", ("zip", None)),
        (b"x.txt.gz", None),
        (b"x.docx", None),
        (b"x.rar", None),
        (b"x.7z", None),
        (b"tar", None),
        (b"zip/x.txt", None),
    ],
)
def test_an_archive_is_told_by_its_name(name: bytes, kind: tuple[str, str | None] | None) -> None:
    assert archive_kind(os.fsdecode(name)) == kind


# -- tar ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("format", FORMATS)
def test_a_tar_gives_its_members(format: str, compression: str | None) -> None:
    data = compress(tar_of(*NAMED, format=FORMATS[format]), compression)
    assert contents(data, "tar", compression) == DATA


def test_a_member_of_a_tar_says_its_size_time_and_place() -> None:
    data = tar_of((info("a", mtime=1_700_000_000.25), b"12345"))
    (found,) = members(listed(data))
    assert found == Member(b"a", 5, 5, 1_700_000_000_250_000_000, "tar:1536:5")
    assert data[1536:1541] == b"12345"


def test_times_that_are_none_or_do_not_fit_are_zero() -> None:
    data = tar_of(
        (info("a", mtime=2**62), b""), (info("b", mtime=-5), b""), (info("c", mtime=0), b""),
        format=tarfile.GNU_FORMAT,
    )  # fmt: skip
    assert [each.mtime_ns for each in members(listed(data))] == [0, -5_000_000_000, 0]
    data = tar_of((info("a", pax_headers={"mtime": "1e999"}, mtime=7), b""))
    assert members(listed(data))[0].mtime_ns == 7_000_000_000


@pytest.mark.parametrize("format", ["gnu", "pax"])
@pytest.mark.parametrize("length", [99, 100, 101, 255, 256, 257, 4095, 4096])
def test_long_names_are_whole(format: str, length: int) -> None:
    name = "d/" + "长" * 10 + "x" * (length - 32)
    assert len(name.encode()) == length
    assert contents(tar_of((name, b"1"), ("b", b"2"), format=FORMATS[format])) == {
        name.encode(): b"1",
        b"b": b"2",
    }


def test_a_long_name_of_ustar_stands_in_two_fields() -> None:
    name = "d" * 90 + "/" + "e" * 90
    assert contents(tar_of((name, b"1"), format=tarfile.USTAR_FORMAT)) == {name.encode(): b"1"}


def test_an_extended_header_holds_for_all_members_or_for_one() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", pax_headers={"mtime": "5"}) as packed:
        packed.addfile(info("a", mtime=1, pax_headers={"comment": "x"}))
        packed.addfile(info("b", mtime=1, pax_headers={"mtime": "6.5"}))
        packed.addfile(info("c", mtime=1))
    assert [each.mtime_ns for each in members(listed(file.getvalue()))] == [
        5 * 10**9,
        6_500_000_000,
        5 * 10**9,
    ]


def test_a_size_in_an_extended_header_counts() -> None:
    data = bytearray(tar_of((info("a", pax_headers={"size": "5"}), b"12345"), ("b", b"6")))
    data[1024 + 124 : 1024 + 136] = b"00000000000\0"
    data[1024 + 148 : 1024 + 156] = b" " * 8
    data[1024 + 148 : 1024 + 156] = b"%06o\0 " % sum(data[1024:1536])
    assert contents(bytes(data)) == {b"a": b"12345", b"b": b"6"}


def test_names_are_bytes() -> None:
    names = ["\udcff\udcfe", "../../x", "/etc/passwd", "a\\b", "C:\\x", "a\nb", "./c"]
    data = tar_of(*((name, b"x") for name in names), format=tarfile.GNU_FORMAT)
    assert list(contents(data)) == [name.encode("utf-8", "surrogateescape") for name in names]


def test_members_that_are_no_data_are_named_and_folders_passed_over() -> None:
    kinds = {
        "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE, "char": tarfile.CHRTYPE,
        "block": tarfile.BLKTYPE, "dir": tarfile.DIRTYPE, "old/": tarfile.AREGTYPE,
    }  # fmt: skip
    found = listed(
        tar_of(
            *((info(name, type=kind, linkname="/x", mode=0o6777), b"") for name, kind in kinds.items()),
            ("a", b"1"),
        )
    )
    assert why(found) == {
        b"link": ("symbolic-link", None),
        b"hard": ("hard-link", None),
        b"fifo": ("not-a-regular-file", None),
        b"char": ("not-a-regular-file", None),
        b"block": ("not-a-regular-file", None),
    }
    assert [each.path for each in found if isinstance(each, Member)] == [b"a"]


def test_a_member_of_an_unknown_type_is_unread_and_the_next_is_found() -> None:
    data = bytearray(tar_of(("odd", b"x" * 600), ("a", b"1")))
    data[156:157] = b"M"
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    found = listed(bytes(data))
    assert why(found) == {b"odd": ("type-of-member", "unsupported")}
    assert only_refused(found).stored_bytes == 600
    assert len(found) == 2


def test_of_a_name_that_stands_twice_in_a_tar_the_first_is_a_member() -> None:
    data = tar_of(("a", b"1"), ("b", b"2"), ("a", b"3" * 600))
    found = listed(data)
    assert [each.path for each in found if isinstance(each, Member)] == [b"a", b"b"]
    assert why(found) == {b"a": ("duplicate-name", "archive")}
    assert only_refused(found).stored_bytes == 600


def test_an_empty_tar_has_no_members() -> None:
    assert listed(bytes(10240)) == listed(bytes(1024)) == []


# Ends on a boundary that tar(1) takes without a word.
@pytest.mark.parametrize("end", [0, 1, 511, 512, 1023, 1024, 1025, 1535, 1536, 1537, 2047, 2048])
def test_a_tar_that_is_cut_off_keeps_what_came_before(end: int) -> None:
    data = tar_of(("a", b"x" * 300), ("b", b"y" * 300))
    found = listed(data[:end])
    assert why(found)[b""] == ("broken", "truncated")
    assert len(found) == 1 + (end >= 512 + 300) + (end >= 1536 + 300)
    assert only_refused(found).stored_bytes == end - {1: 0, 2: 812, 3: 1836}[len(found)]
    assert len(listed(data[: 2048 + 512])) == 2


def test_a_broken_header_ends_the_list() -> None:
    data = bytearray(tar_of(*((name, b"x") for name in "abc")))
    data[1024] ^= 1
    found = listed(bytes(data))
    assert [each.path for each in found] == [b"a", b""]
    assert why(found) == {b"": ("broken", "archive")}


def test_what_follows_the_end_mark_is_not_passed_over() -> None:
    data = tar_of(("a", b"x"))
    found = listed(data + tar_of(("hidden", b"y")))
    assert [each.path for each in found] == [b"a", b""]
    assert only_refused(found).error is not None
    assert members(listed(data + bytes(3_000_000)))
    assert why(listed(data + bytes(3_000_000) + b"x")) == {b"": ("broken", "archive")}


def test_sums_of_signed_bytes_are_accepted() -> None:
    data = bytearray(tar_of(("长", b"x"), format=tarfile.GNU_FORMAT))
    block = bytes(data[:148]) + b" " * 8 + bytes(data[156:512])
    data[148:156] = b"%06o\0 " % sum(struct.unpack("512b", block))
    assert contents(bytes(data)) == {"长".encode(): b"x"}
    data[148:156] = b"%06o\0 " % (sum(block) + 1)
    assert why(listed(bytes(data))) == {b"": ("broken", "archive")}


def test_gnu_tar_is_read(tmp_path: Path) -> None:
    for name, data in DATA.items():
        path = tmp_path / "in" / name.decode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for format in ("v7", "oldgnu", "gnu", "ustar", "posix"):
        packed = tmp_path / "x.tar"
        subprocess.run(
            ["tar", f"--format={format}", "-C", tmp_path / "in", "-cf", packed, "a.txt", "dir", "empty", "c"],
            check=True,
        )
        assert contents(packed.read_bytes()) == DATA, format


# -- zip ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_gives_its_members(method: int) -> None:
    assert contents(zip_of(*NAMED, method=method), "zip") == DATA


def test_a_member_of_a_zip_says_its_sizes_time_and_place() -> None:
    data = zip_of((zipfile.ZipInfo("a", (2024, 5, 6, 7, 8, 10)), b"x" * 1000))
    (found,) = members(listed(data, "zip"))
    # 07:08:10 in China is 23:08:10 UTC the day before.
    assert found == Member(
        b"a", 1000, 1000, 1_714_950_490_000_000_000, f"zip:0:0:1000:1000:{zlib.crc32(b'x' * 1000)}"
    )


def test_a_time_in_utc_is_preferred_and_an_impossible_one_is_zero() -> None:
    utc = zipfile.ZipInfo("a")
    utc.extra = struct.pack("<2HBl", 0x5455, 5, 1, -1)
    never = zipfile.ZipInfo("b", (1980, 0, 0, 0, 0, 0))
    assert [each.mtime_ns for each in members(listed(zip_of((utc, b""), (never, b"")), "zip"))] == [
        -(10**9),
        0,
    ]


def test_a_zip_with_data_descriptors_is_read() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in NAMED:
            with packed.open(name, "w", force_zip64=name == "c") as member:
                member.write(data)
    assert contents(bytes(pipe.data), "zip") == DATA


def test_zip64_is_read() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in NAMED:
            with packed.open(name, "w", force_zip64=True) as member:
                member.write(data)
    assert contents(file.getvalue(), "zip") == DATA


def test_zip64_fields_of_the_directory_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    data = zip_of(*NAMED)
    assert data[-42:-38] == b"PK\6\7"
    assert contents(data, "zip") == DATA
    for at in range(len(data) - 98, len(data)):  # every byte of the end records
        broken = bytearray(data)
        broken[at] ^= 255
        found = listed(bytes(broken), "zip")
        if [each for each in found if isinstance(each, Member)] != members(listed(data, "zip")):
            assert only_refused(found).error is not None, at


def test_more_entries_than_two_bytes_count_are_read() -> None:
    for count in (65_535, 65_536):
        data = zip_of(*((str(number), b"") for number in range(count)), method=zipfile.ZIP_STORED)
        assert len(members(listed(data, "zip"))) == count
        if count == 65_536:  # as writers without zip64 do: the number runs over
            end = data[-22:]
            end = (
                end[:8]
                + bytes(4)
                + struct.pack("<2L", len(data) - 98 - data.index(b"PK\1\2"), data.index(b"PK\1\2"))
                + end[20:]
            )
            assert len(members(listed(data[:-98] + end, "zip"))) == count


def test_a_name_of_a_zip_is_utf8_in_the_end() -> None:
    chinese, raw = "数据/说明.txt", "数据/说明.txt".encode("cp936")

    def named(stored: bytes, flags: int = 0, extra: bytes = b"") -> bytes:
        plain = zipfile.ZipInfo("x" * len(stored))
        plain.extra = extra
        data = zip_of((plain, b"1")).replace(b"x" * len(stored), stored)
        at = data.index(b"PK\1\2") + 8
        data = data[:at] + struct.pack("<H", flags) + data[at + 2 :]
        return members(listed(data, "zip"))[0].path

    assert named(chinese.encode(), 0x800) == chinese.encode()
    assert named(chinese.encode()) == chinese.encode()
    assert named(raw) == chinese.encode()
    assert named(b"\xff\xff\x80") == b"\xff\xff\x80"
    field = struct.pack("<BL", 1, zlib.crc32(raw)) + "另一个".encode()
    assert named(raw, extra=struct.pack("<2H", 0x7075, len(field)) + field) == "另一个".encode()
    field = struct.pack("<BL", 1, zlib.crc32(raw) ^ 1) + "另一个".encode()
    assert named(raw, extra=struct.pack("<2H", 0x7075, len(field)) + field) == chinese.encode()
    assert named(b"abc", extra=b"\x75") == b"abc"


def test_info_zip_is_read(tmp_path: Path) -> None:
    (tmp_path / "数据").mkdir()
    (tmp_path / "数据" / "文.txt").write_bytes(b"x" * 1000)
    (tmp_path / "link").symlink_to("/etc/passwd")
    subprocess.run(["zip", "-qry", "x.zip", "."], cwd=tmp_path, check=True)
    data = (tmp_path / "x.zip").read_bytes()
    found = listed(data, "zip")
    assert why(found) == {b"link": ("symbolic-link", None)}
    (member,) = (each for each in found if isinstance(each, Member))
    assert member.path == "数据/文.txt".encode()
    assert member.mtime_ns // 10**9 == int((tmp_path / "数据" / "文.txt").stat().st_mtime)
    assert opener(data).open(member.locator).read() == b"x" * 1000


def test_folders_of_a_zip_are_passed_over_unless_they_hold_something() -> None:
    found = listed(zip_of(("dir/", b""), ("odd_", b"data"), ("a", b"1")).replace(b"odd_", b"odd/"), "zip")
    assert why(found) == {b"odd/": ("bytes-of-no-file", "unsupported")}
    assert [each.path for each in found if isinstance(each, Member)] == [b"a"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_compression_is_unread(method: int) -> None:
    assert why(listed(zip_of(("a", b"x" * 100), method=method), "zip")) == {b"a": ("method", "unsupported")}


def test_an_empty_zip_has_no_members() -> None:
    assert listed(zip_of(), "zip") == []


def test_a_zip_may_end_in_a_comment_and_nothing_else() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("a", b"1")
        packed.comment = b"PK\5\6" * 16383 + b"xxx"
    data = file.getvalue()
    assert contents(data, "zip") == {b"a": b"1"}
    assert why(listed(data + b"x", "zip")) == {b"": ("broken", "archive")}
    assert why(listed(b"x" + data, "zip")) == {b"": ("broken", "archive")}


def test_a_zip_that_is_cut_off_is_broken_as_a_whole() -> None:
    data = zip_of(("a", b"x" * 300), ("b", b"y" * 300))
    for end in range(len(data)):
        found = listed(data[:end], "zip")
        assert why(found) == {b"": ("broken", "archive")}, end
        assert only_refused(found).stored_bytes == end


def test_a_directory_that_breaks_keeps_the_entries_before() -> None:
    data = bytearray(zip_of(("a", b"x"), ("b", b"y"), ("c", b"z")))
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    data[second] ^= 1
    found = listed(bytes(data), "zip")
    assert [each.path for each in found] == [b"a", b""]
    assert why(found) == {b"": ("broken", "archive")}


# -- opening ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "format", "compression", "plain"),
    [
        (tar_of(*NAMED), "tar", None, True),
        (zip_of(*NAMED, method=zipfile.ZIP_STORED), "zip", None, True),
        (zip_of(*NAMED), "zip", None, False),
        (compress(tar_of(*NAMED), "gzip"), "tar", "gzip", False),
        (zip_of(("x.tar", tar_of(*NAMED)), method=zipfile.ZIP_STORED), "zip", None, True),
    ],
)
def test_a_member_can_be_sought_in_where_it_is_stored_plainly(
    data: bytes, format: str, compression: str | None, plain: bool
) -> None:
    opened = opener(data)
    (found,) = (each for each in members(listed(data, format, compression)) if each.path.endswith(b"b.bin"))
    file = opened.open(found.locator)
    assert file.seekable() == plain
    file = opened.seekable(found.locator, len(RANDOM))
    assert (file.seek(-5, 2), file.read(), file.seek(100), file.read(50)) == (
        len(RANDOM) - 5, RANDOM[-5:], 100, RANDOM[100:150],
    )  # fmt: skip
    assert file.seek(len(RANDOM) + 5) == len(RANDOM) + 5
    assert file.read() == b""


def test_what_is_held_to_be_sought_in_has_a_limit() -> None:
    data = zip_of(("a", bytes(1000)), ("b", b"1"))
    found = members(listed(data, "zip"))
    assert opener(data).seekable(found[0].locator, 1000).read() == bytes(1000)
    with pytest.raises(ItemError, match="too-large"):
        opener(data).seekable(found[0].locator, 999)
    plain = tar_of(("a", bytes(1000)))
    assert opener(plain).seekable(members(listed(plain))[0].locator, 1).read() == bytes(1000)


def test_a_member_that_is_held_is_decompressed_once() -> None:
    data = compress(tar_of(*NAMED), "gzip")
    ticks: list[int] = []
    opened = Opener(lambda: io.BytesIO(data), Limits(), lambda: ticks.append(1))
    found = members(listed(data, "tar", "gzip"))
    assert opened.seekable(found[1].locator, 10**6).read() == RANDOM
    ticks.clear()
    assert [opened.seekable(found[1].locator, 10**6).read() for _ in range(3)] == [RANDOM] * 3
    assert not ticks
    assert opened.seekable(found[3].locator, 10**6).read() == DATA[b"c"]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_members_in_storing_order_share_one_pass(compression: str) -> None:
    data = compress(tar_of(*((str(number), RANDOM[number:][:9000]) for number in range(30))), compression)
    read = 0

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal read
            found = super().read(size)
            read += len(found)
            return found

    opened = Opener(lambda: Counted(data), Limits(), lambda: None)
    found = members(listed(data, "tar", compression))
    for each in found[::3]:
        assert opened.open(each.locator).read(100) == RANDOM[int(each.path) :][:100]
    assert read <= len(data)
    assert opened.open(found[0].locator).read() == RANDOM[:9000]  # back to the beginning
    assert read > len(data) // 2
    opened.close()


def test_two_members_of_one_stream_cannot_be_read_at_once() -> None:
    data = compress(tar_of(*NAMED), "gzip")
    opened = opener(data)
    found = members(listed(data, "tar", "gzip"))
    first, second = opened.open(found[1].locator), opened.open(found[3].locator)
    assert second.read() == DATA[b"c"]
    with pytest.raises(ValueError, match="meanwhile"):
        first.read()


def test_plain_members_can_be_read_at_once() -> None:
    data = tar_of(*NAMED)
    opened = opener(data)
    found = members(listed(data))
    first, second = opened.open(found[1].locator), opened.open(found[3].locator)
    assert (first.read(10), second.read(), first.read()) == (RANDOM[:10], DATA[b"c"], RANDOM[10:])


def test_an_archive_is_opened_once_and_closed() -> None:
    files = []

    def view() -> io.BytesIO:
        files.append(io.BytesIO(tar_of(*NAMED)))
        return files[-1]

    opened = Opener(view, Limits(), lambda: None)
    assert not files
    for each in members(listed(tar_of(*NAMED))):
        opened.open(each.locator).read()
    opened.close()
    assert [file.closed for file in files] == [True]


def test_a_break_in_a_compressed_tar_is_met_by_all_members_behind_it() -> None:
    data = compress(tar_of(*((str(number), RANDOM) for number in range(6))), "gzip")
    found = members(listed(data, "tar", "gzip"))
    data = data[: len(data) // 2]
    opened = opener(data)
    # Of a decompressor nothing comes that it gave in the same go with the error: a quarter of a MiB may be lost.
    assert [error_of(opened.open(each.locator)) for each in found[:2]] == [None, None]
    for each in found[3:]:
        with pytest.raises(ItemError, match="compression"):
            opened.open(each.locator)
    assert error_of(opened.open(found[0].locator)) is None
    broken = listed(data, "tar", "gzip")
    assert [each.path for each in broken] == [b"0", b"1", b"2", b""]
    assert why(broken) == {b"": ("broken", "compression")}


def test_a_wrong_sum_of_a_compressed_tar_is_met_by_listing_it() -> None:
    data = bytearray(compress(tar_of(*NAMED), "gzip"))
    data[-5] ^= 1
    found = listed(bytes(data), "tar", "gzip")
    assert why(found) == {b"": ("broken", "compression")}
    assert [each.path for each in found] == [b"a.txt", b""]
    assert 0 < only_refused(found).stored_bytes <= len(data)


# -- archives inside archives -------------------------------------------------------------------------


def pack(members: tuple[tuple[str, bytes], ...], suffix: str) -> bytes:
    if suffix in (".zip", ".stored.zip"):
        return zip_of(*members, method=zipfile.ZIP_DEFLATED if suffix == ".zip" else zipfile.ZIP_STORED)
    return compress(tar_of(*members), {".tar": None, ".tgz": "gzip", ".tar.zst": "zstd"}[suffix])


SUFFIXES = [".tar", ".tgz", ".tar.zst", ".zip", ".stored.zip"]


@pytest.mark.parametrize("outer", SUFFIXES)
@pytest.mark.parametrize("inner", SUFFIXES)
def test_archives_inside_are_walked_in_place(inner: str, outer: str) -> None:
    packed = pack(NAMED, inner)
    whole = pack((("0", b"0"), ("d/x" + inner, packed), ("y" + inner, packed), ("z", b"9")), outer)
    kind = archive_kind("whole" + outer)
    assert kind is not None
    wanted = {b"0": b"0", b"z": b"9"}
    for prefix in ("d/x" + inner, "y" + inner):
        wanted |= {prefix.encode() + b"/" + name: data for name, data in DATA.items()}
    assert contents(whole, *kind) == wanted
    opened = opener(whole)
    backwards = reversed(members(listed(whole, *kind)))
    assert {each.path: opened.open(each.locator).read() for each in backwards} == wanted


def test_a_locator_is_the_way_and_nothing_else() -> None:
    packed = compress(tar_of(("b.tar", tar_of(("c", b"123")))), "gzip")
    (found,) = members(listed(packed, "tar", "gzip"))
    assert (found.path, found.locator) == (b"b.tar/c", "gzip/tar:512:10240/tar:512:3")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_archives_inside_may_be_as_deep_as_the_limit(suffix: str) -> None:
    data = pack((("a", b"1"),), suffix)
    for _ in range(3):
        data = pack((("x" + suffix, data),), suffix)
    kind = archive_kind("x" + suffix)
    assert kind is not None
    name = b"x" + suffix.encode()
    assert contents(data, *kind) == {b"/".join([name] * 3) + b"/a": b"1"}
    found = listed(pack((("x" + suffix, data), ("b", b"2")), suffix), *kind)
    assert why(found) == {b"/".join([name] * 4): ("depth", "unsupported")}
    assert [each.path for each in found if isinstance(each, Member)] == [b"b"]


def test_what_is_no_archive_but_called_so_is_refused_alone() -> None:
    found = listed(tar_of(("a.zip", b"text"), ("b.tgz", b"text"), ("c.tar", b"text"), ("d", b"1")))
    assert why(found) == {
        b"a.zip": ("broken", "archive"), b"b.tgz": ("broken", "compression"), b"c.tar": ("broken", "truncated"),
    }  # fmt: skip
    assert [each.stored_bytes for each in found] == [4, 4, 4, 1]


def test_a_zip_inside_what_is_compressed_is_held_up_to_a_limit() -> None:
    inner = zip_of(("a", RANDOM))
    data = compress(tar_of(("x.zip", inner), ("b", b"1")), "gzip")
    assert len(members(listed(data, "tar", "gzip", Limits(document_bytes=len(inner))))) == 2
    found = listed(data, "tar", "gzip", Limits(document_bytes=len(inner) - 1))
    assert why(found) == {b"x.zip": ("broken", "too-large")}
    assert len(found) == 2


# -- as the libraries see it --------------------------------------------------------------------------

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/", exclude_categories=["Cs"])
    | st.sampled_from("数据/a"),
    min_size=1,
    max_size=300,
).filter(lambda name: not name.endswith("/") and not name.startswith("/") and archive_kind(name) is None)
CONTENTS = st.dictionaries(NAMES, st.binary(max_size=1500), max_size=6)


@given(CONTENTS, st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), st.sampled_from(COMPRESSIONS))
def test_a_tar_has_the_members_that_tarfile_sees(
    files: dict[str, bytes], format: int, compression: str | None
) -> None:
    plain = tar_of(*files.items(), format=format)
    data = compress(plain, compression)
    wanted = []
    with tarfile.open(fileobj=io.BytesIO(plain)) as packed:
        for each in packed:
            file = packed.extractfile(each)
            assert file is not None
            name = each.name.encode("utf-8", "surrogateescape")
            wanted.append((name, each.size, int(each.mtime) * 10**9, file.read()))
    opened = opener(data)
    found = members(listed(data, "tar", compression))
    read = [(each.path, each.size_bytes, each.mtime_ns, opened.open(each.locator).read()) for each in found]
    assert read == wanted


@given(CONTENTS, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
def test_a_zip_has_the_members_that_zipfile_sees(files: dict[str, bytes], method: int) -> None:
    data = zip_of(*files.items(), method=method)
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        wanted = [
            (each.filename.encode(), each.file_size, each.compress_size, packed.read(each))
            for each in packed.infolist()
        ]
    opened = opener(data)
    found = members(listed(data, "zip"))
    assert [
        (each.path, each.size_bytes, each.stored_bytes, opened.open(each.locator).read()) for each in found
    ] == wanted


MIXED = tar_of(
    ("a.tgz", compress(tar_of(*NAMED), "gzip")),
    ("b.zip", zip_of(*NAMED, ("c.tar.zst", compress(tar_of(*NAMED, ("d.tar", tar_of(*NAMED))), "zstd")))),
    *NAMED,
)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@settings(max_examples=30)
@given(orders=st.data())
def test_members_open_in_any_order(compression: str | None, orders: st.DataObject) -> None:
    data = compress(MIXED, compression)
    found = members(listed(data, "tar", compression))
    assert len(found) == 5 * len(NAMED)
    opened = opener(data)
    for each in orders.draw(st.lists(st.sampled_from(found), max_size=12)):
        size = orders.draw(st.sampled_from([-1, 0, 100]))  # not all is read of each
        wanted = next(content for name, content in DATA.items() if each.path.endswith(name))
        read = opened.open(each.locator).read(size)
        assert read == (wanted if size < 0 else wanted[:size])


@pytest.mark.parametrize("format", ["jsonl", "csv", "txt", "parquet"])
def test_records_are_read_out_of_an_archive(format: str) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2, 3]}), file)
    content = {"jsonl": b'{"a":1}\n' * 3, "csv": b"a\n1\n2\n3\n", "txt": b"text", "parquet": file.getvalue()}[
        format
    ]
    data = compress(tar_of(("x", content), ("y", b"")), "zstd")
    found = members(listed(data, "tar", "zstd"))
    opened = opener(data)
    rows = singly(
        read(
            lambda: opened.seekable(found[0].locator, 10_000), format,
            limits=Limits(), beat=Beats(), facts=Facts(),
        )
    )  # fmt: skip
    assert len(list(rows)) == (1 if format == "txt" else 3)


def test_an_error_of_reading_is_left_as_it_is() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 5000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    for data, compression in ((tar_of(*NAMED), None), (compress(tar_of(*NAMED), "gzip"), "gzip")):
        with pytest.raises(OSError, match="Input"):
            list(index(Failing(data), "tar", compression, len(data), Limits(), lambda: None))
        opened = Opener(lambda data=data: Failing(data), Limits(), lambda: None)  # type: ignore[misc]
        found = members(listed(data, "tar", compression))
        for _ in range(2):
            with pytest.raises(OSError, match="Input"):
                opened.open(found[3].locator).read()


def test_every_read_ticks() -> None:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    data = gzip.compress(tar_of(("a", bytes(20_000_000)), *((str(number), b"") for number in range(3000))), 1)
    found = list(index(io.BytesIO(data), "tar", "gzip", len(data), Limits(), tick))
    assert len(found) == 3001
    assert ticks > 20 + 3000
