"""Files that are there whole or not at all, and digests."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file, streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a whole file: temporary file, fsync, rename, fsync of the folder.

    Args:
        path: of the file.
        content: all of it, or one piece after the other.

    Raises:
        OSError: as the file system says; the old file, if any, is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def json_bytes(value: Any) -> bytes:
    """JSON with sorted keys: the same value always gives the same bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest_of(value: Any) -> str:
    """Hex sha256 of a JSON-able value."""
    return hashlib.sha256(json_bytes(value)).hexdigest()
