"""Archives that lie, explode, or were damaged: each line of the list of hostile input that is about archives."""

import io
import random
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import assume, given
from hypothesis import strategies as st

from dqv.connectors.containers import archives, compression
from dqv.connectors.containers.archives import Member, Refused
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

TEXT = b"".join(b"%d lines of text\n" % number for number in range(200))


def paths(found: list[Member | Refused]) -> list[bytes]:
    return [each.path for each in found if isinstance(each, Member)]


def with_sum(header: bytes) -> bytes:
    """A tar header with its right checksum."""
    blank = header[:148] + b" " * 8 + header[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def patched(data: bytes, signature: bytes, offset: int, value: bytes, *, which: int = 0) -> bytes:
    """Bytes overwritten in the record that the signature begins."""
    at = -1
    for _ in range(which + 1):
        at = data.index(signature, at + 1)
    at += offset
    return data[:at] + value + data[at + len(value) :]


LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"


# -- tar ----------------------------------------------------------------------------------------------


def test_tar_with_parents_absolute_paths_links_fifos_devices_and_setuid_extracts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outside = tmp_path / "outside"
    packed: list[tuple[str | tarfile.TarInfo, bytes]] = [("../up", b"1"), (str(outside), b"2")]
    for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.BLKTYPE)):
        info = tarfile.TarInfo(f"special{number}")
        info.type, info.linkname, info.mode = kind, "/etc/passwd", 0o4777
        packed.append((info, b""))
    data = tar_of(*packed)
    found = listed(data)
    opened = opener(data)
    assert paths(found) == [b"../up", str(outside).encode()]
    assert [opened.open(each.locator).read() for each in found if isinstance(each, Member)] == [b"1", b"2"]
    assert set(why(found).values()) == {
        ("symbolic-link", None),
        ("hard-link", None),
        ("not-a-regular-file", None),
    }
    assert not list(tmp_path.iterdir())


MILLIONS = """
import io, resource, sys, tarfile, time
from dqv.connectors.containers.archives import index
from dqv.core.settings import Limits

count = int(sys.argv[1])
info = tarfile.TarInfo("folder/000000000")
info.size = 100
first = info.tobuf()
total = int(first[148:154], 8)
whole = count * 1024 + 1024

def unit(number):
    # A member of a name of its own, with the sum of its header.
    name = b"%09d" % number
    more = total + sum(name) - 9 * ord("0")
    return first[:7] + name + first[16:148] + b"%06o" % more + first[154:] + b"x" * 512

class Counted(io.RawIOBase):
    # Members that are made when they are read, never in memory as a whole.
    def readable(self): return True
    def seekable(self): return True
    def tell(self): return self.at
    def seek(self, offset, whence=0):
        self.at = offset + (0, 0, whole)[whence]
        return self.at
    def readinto(self, buffer):
        size = max(0, min(len(buffer), whole - self.at))
        number, lead = divmod(self.at, 1024)
        data = b"".join(map(unit, range(number, number + size // 1024 + 2)))[lead:lead + size]
        over = self.at + size - (whole - 1024)
        if over > 0:
            data = data[:max(0, size - over)].ljust(size, b"\\0")
        buffer[:size] = data
        self.at += size
        return size

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
file = Counted()
file.at = 0
file = io.BufferedReader(file, 1 << 16)
found = sum(each.size_bytes == 100 for each in index(file, "tar", None, whole, Limits(), lambda: None))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(found, after - before, after, time.process_time() - started)
"""


@pytest.mark.slow
def test_tar_with_a_million_members_takes_no_memory_but_for_the_hashes_of_their_names() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", MILLIONS, "1000000"], capture_output=True, text=True, check=True
    )
    found, grown_kb, _, _ = ran.stdout.split()
    assert int(found) == 1_000_000
    assert int(grown_kb) < 90_000


def old_gnu_sparse(claimed: bytes, *, extended: int) -> bytes:
    """A sparse member of 512 stored bytes that claims to be large, its map going on in more blocks."""
    header = bytearray(tarfile.TarInfo("sparse").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"%011o\0" % 512
    header[156:157] = b"S"
    header[483:495] = claimed
    header[482] = extended > 0
    maps = b"".join(bytes(504) + bytes([number + 1 < extended]) + bytes(7) for number in range(extended))
    return with_sum(bytes(header)) + maps + b"x" * 512


@pytest.mark.parametrize("extended", [0, 1, 2, 50])
def test_sparse_tar_claiming_a_tebibyte_is_refused_and_the_next_member_read(extended: int) -> None:
    tebibyte = b"\x80" + (2**40).to_bytes(11, "big")
    data = old_gnu_sparse(tebibyte, extended=extended) + tar_of(("a", b"1"))
    found = listed(data)
    assert why(found) == {b"sparse": ("sparse", "unsupported")}
    assert only_refused(found).stored_bytes == 512
    assert paths(found) == [b"a"]
    assert why(listed(data[:700])).get(b"") == ("broken", "truncated")


@pytest.mark.parametrize(
    "keys",
    [
        {"GNU.sparse.map": "0,512", "GNU.sparse.size": str(2**40), "GNU.sparse.numblocks": "1"},
        {"GNU.sparse.size": str(2**40), "GNU.sparse.offset": "0", "GNU.sparse.numbytes": "512"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**40), "GNU.sparse.name": "real"},
    ],
)  # fmt: skip
def test_sparse_tar_of_each_pax_version_is_refused(keys: dict[str, str]) -> None:
    info = tarfile.TarInfo("sparse")
    info.pax_headers = keys
    found = listed(tar_of((info, b"x" * 512), ("a", b"1")))
    assert why(found) == {keys.get("GNU.sparse.name", "sparse").encode(): ("sparse", "unsupported")}
    assert paths(found) == [b"a"]


def test_gnu_tar_with_sparse_files_is_refused_member_by_member(tmp_path: Path) -> None:
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(1 << 30)
        file.seek(1 << 20)
        file.write(b"x")
    (tmp_path / "z").write_bytes(b"1")
    for options in (
        ["--format=oldgnu"],
        ["--format=gnu"],
        *(["--format=posix", f"--sparse-version={v}"] for v in ("0.0", "0.1", "1.0")),
    ):
        subprocess.run(
            ["tar", "-S", *options, "-C", tmp_path, "-cf", tmp_path / "x.tar", "holes", "z"], check=True
        )
        data = (tmp_path / "x.tar").read_bytes()
        assert len(data) < 100_000
        found = listed(data)
        assert why(found) == {b"holes": ("sparse", "unsupported")}, options
        assert paths(found) == [b"z"]


@pytest.mark.parametrize(
    "size",
    [b"77777777777\0", b"\x80" + b"\xff" * 11, b"\xff" * 12, b"\xff" + bytes(11), b"-0000000001\0", b"0x000000010\0",
     b"00000000009\0", b"0_000000001\0", b"\0" * 11 + b"1"],
)  # fmt: skip
def test_tar_with_a_size_that_is_none_or_not_there_gives_no_member(size: bytes) -> None:
    data = tar_of(("a", b"1"), ("b", b"2"))
    data = data[:1024] + with_sum(data[1024:1148] + size + data[1160:1536]) + data[1536:]
    found = listed(data)
    assert paths(found) == [b"a"]
    assert why(found)[b""][0] == "broken"


@pytest.mark.parametrize(
    "records",
    [b"x", b"5 a=\n", b"0 path=x\n", b"99 path=x\n", b"-9 path=x\n", b"9 path=xy", b"7 path\n", b"10 size=-5\n",
     b"9 size=x\n", b"9" * 30 + b" a=b\n", b"6 a=b\nrest"],
)  # fmt: skip
def test_tar_with_a_broken_extended_header_gives_no_member_behind_it(records: bytes) -> None:
    header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"%011o\0" % len(records)
    header[156:157] = b"x"
    found = listed(with_sum(bytes(header)) + records.ljust(512, b"\0") + tar_of(("a", b"1")))
    assert why(found) == ({b"": ("broken", "archive")} if records != b"5 a=\n" else {})
    assert paths(found) == ([b"a"] if records == b"5 a=\n" else [])


@pytest.mark.parametrize(("size", "fits"), [(2**20 - 1, True), (2**20, True), (2**20 + 1, False)])
def test_tar_with_an_extended_header_over_the_limit_is_not_held(size: int, fits: bool) -> None:
    for kind in (b"x", b"K"):
        header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
        header[124:136] = b"%011o\0" % size
        header[156:157] = kind
        body = b"%d comment=" % size
        body = body + b"y" * (size - len(body) - 1) + b"\n"
        found = listed(with_sum(bytes(header)) + body + bytes(-size % 512) + tar_of(("a", b"1")))
        assert why(found) == ({} if fits else {b"": ("broken", "too-large")})


@pytest.mark.parametrize(("kind", "name"), [(tarfile.AREGTYPE, "a/"), (b"D", "a")])
def test_tar_whose_folders_hold_bytes_has_them_unread(kind: bytes, name: str) -> None:
    empty, full = tarfile.TarInfo(name), tarfile.TarInfo(name)
    empty.type = full.type = kind
    full.size = 1000
    data = tar_of((empty, b""), (full, b"x" * 1000), ("b.txt", b"y"))
    found = listed(data)
    assert why(found) == {name.encode(): ("type-of-member", "unsupported")}
    assert only_refused(found).stored_bytes == 1000
    assert paths(found) == [b"b.txt"]


@pytest.mark.parametrize("size", [2**63 - 1, 2**63, 2**80])
def test_tar_with_more_claimed_than_there_is_costs_what_there_is(size: int) -> None:
    info = tarfile.TarInfo("a")
    info.type, info.size = b"Z", size
    data = tar_of(("b.txt", b"y"))[:1024] + info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    found = listed(data)
    assert paths(found) == [b"b.txt"]
    assert why(found) == {b"": ("broken", "truncated")}
    assert only_refused(found).stored_bytes == len(data) - 513


@pytest.mark.parametrize("size", [2**63 - 1, 2**63, 2**64 - 1])
def test_zip_with_more_claimed_than_there_is_costs_what_there_is(size: int) -> None:
    name, extra = b"e.txt", struct.pack("<HHQQ", 1, 16, size, size)
    entry = struct.pack(
        "<4s6H3L5H2L", CENTRAL, 45, 45, 1, 0, 0, 0, 0, 2**32 - 1, 2**32 - 1, len(name), len(extra), *[0] * 5
    )
    entry += name + extra
    data = entry + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), 0, 0)
    refused = only_refused(listed(data, "zip"))
    assert (refused.why, refused.stored_bytes) == ("encrypted", len(data))


def test_tar_with_endless_extended_headers_ends() -> None:
    header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    header[156:157] = b"K"
    found = listed(with_sum(bytes(header)) * 20_000)
    assert why(found) == {b"": ("broken", "truncated")}
    header[156:157] = b"x"
    header[124:136] = b"%011o\0" % 9
    assert why(listed(with_sum(bytes(header)) + b"9 path=x\n".ljust(512, b"\0") + bytes(1024))) == {
        b"": ("broken", "archive")
    }


# -- zip ----------------------------------------------------------------------------------------------


def test_zip_bomb_is_refused_by_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "FREE_BYTES", 1000)
    data = zip_of(("a", bytes(100_000)), ("b", b"1"))
    stored = members(listed(data, "zip"))[0].stored_bytes
    at = 100_000 // stored + 1
    assert len(members(listed(data, "zip", limits=Limits(expansion=at)))) == 2
    found = listed(data, "zip", limits=Limits(expansion=at - 1))
    assert why(found) == {b"a": ("bomb", "bomb")}
    assert paths(found) == [b"b"]


def test_zip_bomb_that_hides_its_size_gives_no_more_than_it_says() -> None:
    data = zip_of(("a", bytes(50_000_000)))
    claimed = struct.pack("<L", 1000)
    data = patched(patched(data, LOCAL, 22, claimed), CENTRAL, 24, claimed)
    (found,) = members(listed(data, "zip"))
    assert found.size_bytes == 1000
    file = opener(data).open(found.locator)
    with pytest.raises(ItemError, match="archive"):
        file.read()
    assert error_of(opener(data).open(found.locator)) == "archive"


@pytest.mark.parametrize("record", [LOCAL, CENTRAL])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("field", ["method", "crc", "stored", "size", "offset", "encrypted"])
@pytest.mark.parametrize("delta", [-1, 1])
def test_zip_whose_directory_header_and_data_disagree_is_refused(
    record: bytes, method: int, field: str, delta: int
) -> None:
    data = zip_of(("a", TEXT), ("b", TEXT), method=method)
    offsets = {"method": 8, "crc": 14, "stored": 18, "size": 22, "encrypted": 6}
    if record == CENTRAL:
        offsets = {key: value + 2 for key, value in offsets.items()} | {"offset": 42}
    if field not in offsets:
        return
    at = data.index(record) + offsets[field]
    size = 2 if field in ("method", "encrypted") else 4
    value = (int.from_bytes(data[at : at + size], "little") + delta) % (1 << 8 * size)
    broken = data[:at] + value.to_bytes(size, "little") + data[at + size :]
    found = listed(broken, "zip")
    opened = opener(broken)
    good = []
    for each in found:
        if isinstance(each, Member):
            try:
                good.append((each.path, opened.open(each.locator).read()))
            except ItemError as error:
                assert error.kind in ("archive", "truncated")  # noqa: PT017  both sorts go on
    assert good in ([(b"b", TEXT)], [])  # none where the first is said to reach into the second


def test_zip_with_lies_told_in_both_headers_is_found_out_by_its_data() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        data = zip_of(("a", TEXT), method=method)
        for value in (len(TEXT) - 1, len(TEXT) + 1, 0):
            size = struct.pack("<L", value)
            broken = patched(patched(data, LOCAL, 22, size), CENTRAL, 24, size)
            if method == zipfile.ZIP_STORED:
                assert why(listed(broken, "zip")) == {b"a": ("size", "archive")}
                continue
            (found,) = members(listed(broken, "zip"))
            assert error_of(opener(broken).open(found.locator)) == "archive"
        wrong = struct.pack("<L", zlib.crc32(TEXT) ^ 1)
        broken = patched(patched(data, LOCAL, 14, wrong), CENTRAL, 16, wrong)
        (found,) = members(listed(broken, "zip"))
        assert error_of(opener(broken).open(found.locator)) == "archive"


def test_zip_with_a_wrong_sum_of_nothing_is_found_out() -> None:
    data = zip_of(("a", b""), method=zipfile.ZIP_STORED)
    broken = patched(patched(data, LOCAL, 14, b"\1"), CENTRAL, 16, b"\1")
    (found,) = members(listed(broken, "zip"))
    assert error_of(opener(broken).open(found.locator)) == "archive"


def test_zip_with_more_stored_than_the_data_takes_is_found_out() -> None:
    data = zip_of(("a", TEXT))
    stored = members(listed(data, "zip"))[0].stored_bytes
    at = data.index(CENTRAL)
    grown = data[:at] + b"hidden" + data[at:]
    grown = patched(
        patched(grown, LOCAL, 18, struct.pack("<L", stored + 6)), CENTRAL, 20, struct.pack("<L", stored + 6)
    )
    grown = patched(grown, b"PK\5\6", 16, struct.pack("<L", at + 6))
    (found,) = members(listed(grown, "zip"))
    assert error_of(opener(grown).open(found.locator)) == "archive"


def test_a_stored_member_is_summed_whatever_the_order_of_reading() -> None:
    data = zip_of(("a", TEXT * 200), method=zipfile.ZIP_STORED)
    broken = bytearray(data)
    broken[400_000] ^= 1
    (found,) = members(listed(data, "zip"))
    for content, expected in ((data, None), (bytes(broken), "archive")):
        file = opener(content).open(found.locator)
        for place in (600_000, 0, 250_000, 300_000, 100_000):
            file.seek(place)
            file.read(10)
        assert error_of(file) == expected
        file = opener(content).open(found.locator)
        file.seek(300_000)  # not all is read: nothing can be said
        assert error_of(file) is None


def overlapping(count: int) -> bytes:
    """A zip whose entries all lead to the same local header."""
    data = zip_of(("0000", bytes(10_000)))
    start = data.index(CENTRAL)
    entry = data[start : data.index(b"PK\5\6")]
    entries = b"".join(entry.replace(b"0000", b"%04d" % number) for number in range(count))
    return (
        data[:start]
        + entries
        + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(entries), start, 0)
    )


def test_zip_with_overlapping_entries_gives_none_of_them() -> None:
    assert len(members(listed(overlapping(1), "zip"))) == 1
    found = listed(overlapping(1000), "zip")
    assert len(found) == 1000
    assert set(why(found).values()) == {("overlap", "archive")}


def test_zip_with_entries_inside_another_gives_neither() -> None:
    inner = zip_of(("in", b"hidden"), method=zipfile.ZIP_STORED)
    data = zip_of(("out", inner), ("z", b"1"), method=zipfile.ZIP_STORED)
    at = data.index(b"PK\1\2", data.index(b"PK\5\6"))  # the outer directory
    entry = inner[inner.index(CENTRAL) : inner.index(b"PK\5\6")]
    entry = entry[:42] + struct.pack("<L", 33) + entry[46:]
    end = data.rindex(b"PK\5\6")
    data = data[:end] + entry + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 3, 3, end + len(entry) - at, at, 0)
    found = listed(data, "zip")
    assert why(found) == {b"out": ("overlap", "archive"), b"in": ("overlap", "archive")}
    assert paths(found) == [b"z"]


def test_zip_whose_data_runs_into_the_directory_is_refused() -> None:
    data = zip_of(("a", b"12345"), method=zipfile.ZIP_STORED)
    for grown, fits in ((5, True), (6, False)):
        size = struct.pack("<2L", grown, grown)
        found = listed(patched(patched(data, LOCAL, 18, size), CENTRAL, 20, size), "zip")
        assert why(found) == ({} if fits else {b"a": ("overlap", "archive")})


def test_zip_with_duplicate_names_gives_none_of_them() -> None:
    data = zip_of(("a", b"1"), ("b", b"2"), ("c", b"3")).replace(b"c", b"a")
    found = listed(data, "zip")
    assert [(each.path, each.why) for each in found if isinstance(each, Refused)] == [
        (b"a", "duplicate-name")
    ] * 2
    assert paths(found) == [b"b"]


def test_zip_with_encrypted_members_has_them_unread() -> None:
    data = zip_of(("a", b"1"), ("b", b"2"))
    for flag in (1, 0x41, 0x2000):
        found = listed(patched(data, CENTRAL, 8, struct.pack("<H", flag)), "zip")
        assert why(found) == {b"a": ("encrypted", "unsupported")}
        assert paths(found) == [b"b"]


@pytest.mark.parametrize(
    "mode", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFREG]
)
def test_zip_whose_members_with_bytes_are_called_no_files_has_them_unread(mode: int) -> None:
    """What extracts them may take them for files, as Python's zipfile does."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, size in (("a.txt", 4097), ("b.txt", 4096), ("c.txt", 0)):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, (mode | 0o644) << 16
            archive.writestr(info, b"x" * size)
    found = listed(sink.getvalue(), "zip")
    if mode == stat.S_IFREG:
        assert len(members(found)) == 3
    elif mode == stat.S_IFLNK:  # of which only the name it leads to can be the content
        assert list(why(found).values()) == [
            ("bytes-of-no-file", "unsupported"),
            *[("symbolic-link", None)] * 2,
        ]
    else:
        assert list(why(found).values()) == [
            *[("bytes-of-no-file", "unsupported")] * 2, ("not-a-regular-file", None)
        ]  # fmt: skip


def test_zip_in_volumes_is_unread() -> None:
    data = zip_of(("a", b"1"))
    assert why(listed(patched(data, b"PK\5\6", 4, b"\1"), "zip")) == {b"": ("broken", "unsupported")}
    assert why(listed(patched(data, CENTRAL, 34, b"\1"), "zip")) == {b"a": ("method", "unsupported")}


def test_zip_that_counts_wrong_is_broken_at_its_end() -> None:
    data = zip_of(("a", b"1"), ("b", b"2"))
    for count in (1, 3):
        found = listed(patched(data, b"PK\5\6", 8, struct.pack("<2H", count, count)), "zip")
        assert paths(found) == [b"a", b"b"]
        assert why(found) == {b"": ("broken", "archive")}


def test_zip_names_are_names_and_nothing_more() -> None:
    names = ["../../x", "/etc/passwd", "a\\b", "C:\\x", "a\nb", "<b>", "\u202egpj"]
    assert list(contents(zip_of(*((name, b"x") for name in names)), "zip")) == [
        name.encode() for name in names
    ]
    assert list(contents(zip_of(("a_b", b"x")).replace(b"a_b", b"a\0b"), "zip")) == [b"a\0b"]


@pytest.mark.slow
def test_zip_with_very_many_members_takes_little_memory_for_them(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    count = 300_000
    with path.open("wb") as file:
        local = b"PK\3\4" + struct.pack("<5H3L2H", 20, 0, 0, 0, 33, 0, 0, 0, 8, 0)
        file.writelines(local + b"%08d" % number for number in range(count))
        start = file.tell()
        for number in range(count):
            file.write(
                b"PK\1\2" + struct.pack("<6H3L5H2L", 20, 20, 0, 0, 0, 33, 0, 0, 0, 8, 0, 0, 0, 0, 0, number * 38)
                + b"%08d" % number
            )  # fmt: skip
        stop = file.tell()
        file.write(b"PK\6\6" + struct.pack("<Q2H2L4Q", 44, 45, 45, 0, 0, count, count, stop - start, start))
        file.write(b"PK\6\7" + struct.pack("<LQL", 0, stop, 1))
        file.write(b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0))
    code = """
import os, resource, sys
from dqv.connectors.containers.archives import index
from dqv.core.settings import Limits
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = os.path.getsize(sys.argv[1])
with open(sys.argv[1], "rb") as file:
    found = sum(each.size_bytes == 0 for each in index(file, "zip", None, size, Limits(), lambda: None))
print(found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    ran = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    found, grown_kb = ran.stdout.split()
    assert int(found) == count
    assert int(grown_kb) < 30_000


# -- bombs, depth and numbers -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_gzip_and_zstd_bombs_stop_the_listing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "FREE_BYTES", 1_000_000)
    data = compress(tar_of(("a", b"1"), ("b", bytes(20_000_000)), ("c", b"2")), kind)
    assert len(members(listed(data, "tar", kind, Limits(expansion=100_000)))) == 3
    found = listed(data, "tar", kind, Limits(expansion=50))
    assert why(found) == {b"": ("broken", "bomb")}
    assert only_refused(found).stored_bytes == len(data)


def test_a_wrong_compression_is_an_error_of_the_whole() -> None:
    data = compress(tar_of(("a", b"1")), "zstd")
    assert why(listed(data, "tar", "gzip")) == {b"": ("broken", "compression")}
    assert why(listed(data, "tar", "xz")) == {b"": ("broken", "unsupported")}
    assert why(listed(data, "tar")) == {b"": ("broken", "truncated")}


def test_nested_bombs_share_one_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "FREE_BYTES", 1_000_000)
    begun = []

    def counted(*values: object) -> object:
        begun.append(values)
        return compression.decompressed(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(archives, "decompressed", counted)
    inner = zstandard.compress(tar_of(("zeros", bytes(900_000))))
    assert len(inner) < 500
    packed = tar_of(*((f"{number}.tar.zst", inner) for number in range(30)), ("z", b"1"))
    assert len(members(listed(packed, limits=Limits(expansion=1000)))) == 31
    begun.clear()
    found = listed(packed, limits=Limits(expansion=100))
    allowed = 100 * len(packed)
    assert len(paths(found)) == allowed // 920_000 + 1
    assert paths(found)[-1] == b"z"
    assert set(why(found).values()) == {("broken", "bomb")}
    assert len(begun) == allowed // 920_000 + 1  # none is begun when all is used up


def test_a_bomb_of_bombs_is_bounded_by_the_outermost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "FREE_BYTES", 1_000_000)
    data = tar_of(("zeros", bytes(30_000_000)))
    for _ in range(2):  # what is made of zeros is much the same all through, and becomes less once more
        data = tar_of(("x.tar.zst", zstandard.compress(data)))
    data = zstandard.compress(data)
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    found = list(archives.index(io.BytesIO(data), "tar", "zstd", len(data), Limits(expansion=1000), tick))
    assert paths(found) == []
    assert ("broken", "bomb") in why(found).values()
    assert ticks < 2000


def test_zip_of_many_members_is_bounded_in_all_that_it_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "FREE_BYTES", 10_000)
    data = zip_of(*((str(number), bytes(9000)) for number in range(100)))
    found = listed(data, "zip", limits=Limits(expansion=20))
    assert len(paths(found)) == 20 * len(data) // 9000
    assert why(found) == {b"": ("broken", "bomb")}


@pytest.mark.parametrize("suffix", [".tar", ".tgz", ".zip"])
def test_nested_archives_without_end_stop_at_the_depth(suffix: str) -> None:
    name, data = "x" + suffix, b"the innermost"
    for _ in range(40):
        data = (
            zip_of((name, data))
            if suffix == ".zip"
            else compress(tar_of((name, data)), None if suffix == ".tar" else "gzip")
        )
    kind = archive_kind(name)
    assert kind is not None
    found = listed(data, *kind)
    assert why(found) == {b"/".join([name.encode()] * 4): ("depth", "unsupported")}


@pytest.mark.parametrize("format", ["tar", "zip"])
def test_the_number_of_members_has_a_limit(format: str) -> None:
    inner = tar_of(("a", b"1"), ("b", b"2"))
    packed = (("x.tar", inner), ("c", b"3"))
    data = tar_of(*packed) if format == "tar" else zip_of(*packed)
    assert len(members(listed(data, format, limits=Limits(archive_members=4)))) == 3
    for limit, kept in ((3, [b"x.tar/a", b"x.tar/b"]), (2, [b"x.tar/a"]), (1, []), (0, [])):
        found = listed(data, format, limits=Limits(archive_members=limit))
        assert paths(found) == kept
        assert why(found)[b""] == ("broken", "too-large")
        assert len(found) - len(kept) <= 2


@pytest.mark.parametrize("format", ["tar", "zip"])
def test_a_name_over_the_limit_is_cut_and_its_member_refused(format: str) -> None:
    packed = (("x" * 4097, b"1"), ("y" * 5000 + ".tar", b"2"), ("z" * 4096, b"3"))
    found = listed(tar_of(*packed) if format == "tar" else zip_of(*packed), format)
    assert why(found) == {each * 4096: ("long-name", "too-large") for each in (b"x", b"y")}
    assert paths(found) == [b"z" * 4096]


# -- damage -------------------------------------------------------------------------------------------

FILES = (("a.txt", TEXT), ("d/b.bin", random.Random(2).randbytes(700)), ("c", b""), ("数据", b"1"))
PACKED = {content for _, content in FILES} | {b"1"}
SAMPLES = {
    "x.tar": tar_of(*FILES),
    "y.tar": tar_of(*FILES, ("n" * 200, b"x"), format=tarfile.GNU_FORMAT),
    "x.tgz": compress(tar_of(*FILES), "gzip"),
    "x.tar.zst": compress(tar_of(*FILES), "zstd"),
    "x.zip": zip_of(*FILES),
    "y.zip": zip_of(*FILES, method=zipfile.ZIP_STORED),
    "n.tar": tar_of(("x.zip", zip_of(*FILES)), ("y.tgz", compress(tar_of(*FILES), "gzip")), ("z", b"1")),
    "n.zip": zip_of(("x.zip", zip_of(*FILES)), ("y.tar", tar_of(*FILES)), ("z", b"1")),
}


def check_damaged(data: bytes, name: str) -> None:
    kind = archive_kind(name)
    assert kind is not None
    found = listed(data, *kind)
    opened = opener(data)
    stored = 0
    for each in found:
        assert each.stored_bytes >= 0
        if isinstance(each, Refused):
            assert each.error is None or each.error.kind in (
                "archive", "truncated", "compression", "unsupported", "too-large", "bomb"
            )  # fmt: skip
            continue
        stored += each.stored_bytes if kind[1] is None and each.path.count(b"/") == 0 else 0
        try:
            read = opened.open(each.locator).read()
        except ItemError as error:
            assert error.kind in ("archive", "truncated", "compression", "bomb")  # noqa: PT017
        else:
            assert len(read) == each.size_bytes
            if kind[0] == "zip" and read not in PACKED:  # then an archive around it is broken
                assert any(each.path.startswith(path) for path in why(found))
    assert stored <= len(data)


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_truncated_archives_give_only_what_is_there(name: str, data: st.DataObject) -> None:
    whole = SAMPLES[name]
    end = data.draw(st.integers(0, len(whole) - 1))
    kind = archive_kind(name)
    assert kind is not None
    check_damaged(whole[:end], name)
    found = listed(whole[:end], *kind)
    good = {each.path: each for each in listed(whole, *kind)}
    for each in found:
        assert each.path == b"" or each.path in (b"x.zip", b"y.tgz") or each == good[each.path]
    padding = end >= len(whole.rstrip(b"\0")) + 1024
    assert isinstance(found[-1], Refused) or (name.endswith(".tar") and padding)


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_flipped_bytes_never_crash_and_never_add_bytes(name: str, data: st.DataObject) -> None:
    broken = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    check_damaged(bytes(broken), name)


@given(st.sampled_from(["x.zip", "y.zip"]), st.data())
def test_flipped_bytes_of_a_zip_directory_never_give_other_bytes(name: str, data: st.DataObject) -> None:
    broken = bytearray(SAMPLES[name])
    start = broken.index(CENTRAL)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(start, len(broken) - 1))] = data.draw(
            st.sampled_from([0, 1, 127, 128, 255])
        )
    check_damaged(bytes(broken), name)


@given(st.binary(max_size=2000), st.sampled_from(["x.tar", "x.tgz", "x.tar.zst", "x.zip"]))
def test_random_bytes_are_no_archive(content: bytes, name: str) -> None:
    kind = archive_kind(name)
    assert kind is not None
    assume(content.strip(b"\0"))
    assert why(listed(content, *kind)).keys() == {b""}
    for prefix in (b"PK\5\6", SAMPLES["x.tar"][:512]):
        check_damaged(prefix + content, name)


def test_a_file_that_shrinks_while_it_is_read_is_an_error() -> None:
    data = tar_of(("a", TEXT))
    (found,) = members(listed(data))
    file = io.BytesIO(data)
    opened = archives.Opener(lambda: file, Limits(), lambda: None)
    reading = opened.open(found.locator)
    file.truncate(1000)
    with pytest.raises(ItemError, match="truncated"):
        reading.read()
