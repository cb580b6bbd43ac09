"""What the tests of archives share: made archives, and what dqv sees in them."""

import gzip
import io
import tarfile
import zipfile
from typing import BinaryIO, cast

import zstandard

from dqv.connectors.containers.archives import Member, Opener, Refused, index
from dqv.core.errors import ItemError
from dqv.core.settings import Limits


def tar_of(*members: tuple[str | tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as packed:
        for name, data in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            if info.isreg():
                info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return file.getvalue()


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, data in members:
            packed.writestr(name, data, compress_type=None if isinstance(name, str) else name.compress_type)
    return file.getvalue()


def compress(data: bytes, compression: str | None) -> bytes:
    if compression is None:
        return data
    return gzip.compress(data, 1) if compression == "gzip" else zstandard.compress(data)


def listed(
    data: bytes, format: str = "tar", compression: str | None = None, limits: Limits | None = None
) -> list[Member | Refused]:
    found = index(io.BytesIO(data), format, compression, len(data), limits or Limits(), lambda: None)
    return list(found)


def members(found: list[Member | Refused]) -> list[Member]:
    assert all(isinstance(each, Member) for each in found), found
    return cast(list[Member], found)


def only_refused(found: list[Member | Refused]) -> Refused:
    (refused,) = (each for each in found if isinstance(each, Refused))
    return refused


def why(found: list[Member | Refused]) -> dict[bytes, tuple[str, str | None]]:
    """Path → rule and kind of error, of what is refused."""
    return {
        each.path: (each.why, each.error.kind if each.error else None)
        for each in found
        if isinstance(each, Refused)
    }


def opener(data: bytes, limits: Limits | None = None) -> Opener:
    return Opener(lambda: io.BytesIO(data), limits or Limits(), lambda: None)


def contents(data: bytes, format: str = "tar", compression: str | None = None) -> dict[bytes, bytes]:
    """Path → bytes of all members, none of which may be refused; each member opened once, in storing order."""
    opened = opener(data)
    found = members(listed(data, format, compression))
    read = {each.path: opened.open(each.locator).read() for each in found}
    assert len(read) == len(found)
    assert [len(value) for value in read.values()] == [each.size_bytes for each in found]
    return read


def error_of(file: BinaryIO) -> str | None:
    """The kind of error that reading a member to its end meets."""
    try:
        while file.read(1000):
            pass
    except ItemError as error:
        return error.kind
    return None
