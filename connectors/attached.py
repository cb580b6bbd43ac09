"""The documents beside a registration file: only what is named, no link, nothing outside its folder, bounded in size."""

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from dqv.connectors.local import Folder
from dqv.connectors.objects import Reads, time_of
from dqv.core.errors import ItemError
from dqv.core.registration import Attached

MOST_DOCUMENTS = 100
MOST_DOCUMENT_BYTES = 64 * 2**20
"""As many, and as large, as a platform's are fetched."""


def attached(folder: Path, names: Sequence[str]) -> dict[str, Attached]:
    """Size and digest of the files of these names.

    A name may go into folders below, never up or elsewhere; a link on the way is not followed. What is not there is not
    in the answer; what is there and was not read says why.

    Args:
        folder: of the registration.
        names: of documents, each once.
    """
    found = {}
    for number, name in enumerate(names):
        parts = name.split("/")
        if any(part in ("", ".", "..") for part in parts):
            continue
        status = _status(folder, name)
        if status is not None:
            found[name] = _read(folder, name, status, late=number >= MOST_DOCUMENTS)
    return found


def _status(folder: Path, name: str) -> os.stat_result | None:
    try:
        return (folder / name).lstat()
    except (OSError, ValueError):  # not there, or a name that no file can have
        return None


def _read(folder: Path, name: str, status: os.stat_result, *, late: bool) -> Attached:
    size = status.st_size
    problem = None
    if stat.S_ISLNK(status.st_mode):
        problem = "link"
    elif not stat.S_ISREG(status.st_mode):
        problem = "no-file"
    elif size > MOST_DOCUMENT_BYTES:
        problem = "too-large"
    elif late:
        problem = "too-many"
    if problem is not None:
        return Attached(size, None, problem)
    identity = f"{status.st_dev}:{status.st_ino}"
    try:
        with Folder(os.fspath(folder)).open(
            os.fsencode(name), size, time_of(status.st_mtime_ns), identity
        ) as file:
            digest = hashlib.file_digest(file.view(Reads()), "sha256").hexdigest()
            file.check_unchanged()
    except ItemError as error:
        return Attached(size, None, error.kind)
    except OSError:
        return Attached(size, None, "io")
    return Attached(size, digest)
