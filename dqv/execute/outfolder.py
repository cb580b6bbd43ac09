"""The out folder: one dataset's, one run at a time, and the state by which an unfinished run goes on."""

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from polars.exceptions import PolarsError

from dqv.core.errors import IncompleteRun, OutFolderError, SourceError
from dqv.core.files import json_bytes, write_atomic
from dqv.core.location import named
from dqv.core.policy import Policy
from dqv.core.settings import Settings
from dqv.execute.ledger import Ledger


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes.

    Attributes:
        path: of the folder `run`.
        ledger: of the tasks that are done.
    """

    path: Path
    ledger: Ledger
    _settings: Settings
    _state: Mapping[str, Any]

    def begin(self, listing_digest: str, policy: Policy) -> date:
        """The run is of this listing.

        Returns:
            The last day of the windows; an unfinished run keeps its own.
        """
        today = datetime.now(ZoneInfo(policy.recency.timezone)).date()
        reference = self._settings.reference_date or today
        state = self._state
        unfinished = state and not state["finished"] and state["listing"] == listing_digest
        if unfinished and self._settings.reference_date is None:
            reference = date.fromisoformat(state["reference_date"])
        now = {
            "source": named(self._settings.where),
            "listing": listing_digest,
            "reference_date": reference.isoformat(),
            "finished": False,
        }
        write_atomic(self.path / "state.json", json_bytes(now))
        return reference


@contextmanager
def out_folder(settings: Settings) -> Iterator[RunFolder]:
    """The out folder, ours alone while we write; nothing of it stays where the source cannot be listed.

    Raises:
        OutFolderError: it holds something else, lies inside the source, or another run writes there.
        IncompleteRun: it cannot be written.
    """
    out, source = settings.out.resolve(), named(settings.where)
    if any(
        each.is_local and (out == Path(each.url) or Path(each.url) in out.parents) for each in settings.where
    ):
        raise OutFolderError(
            f"the out folder {settings.out} lies inside the dataset; choose another with --out"
        )
    state, run, is_new = _state_of(out), out / "run", not out.exists()
    if state and state["source"] != source:
        raise OutFolderError(
            f"{settings.out} holds the run of another dataset, {state['source']}; nothing was overwritten; "
            "choose another folder with --out"
        )
    try:
        run.mkdir(parents=True, exist_ok=True)
        with (run / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutFolderError(f"another run is writing to {settings.out}; wait for it") from None
            try:
                yield RunFolder(run, Ledger(run), settings, state)
            except SourceError:
                if not state:
                    shutil.rmtree(out if is_new else run)
                raise
    except (OSError, PolarsError) as error:
        if not _cannot_be_written(error, out):
            raise
        raise IncompleteRun(
            f"the out folder {settings.out} cannot be written: {error}; "
            "make room or rights and run the same command again: it goes on where it stopped"
        ) from error


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_OF_POLARS = re.compile(r"\(os error (\d+)\)(?:: (.+))?")
"""Polars has number and file in its words alone."""


def _cannot_be_written(error: OSError | PolarsError, out: Path) -> bool:
    """Whether an error is the out folder's: no room, or of a file in it, or of a folder above it."""
    number, name = getattr(error, "errno", None), getattr(error, "filename", None)
    if number is None and (match := _OF_POLARS.search(str(error))):
        number, name = int(match[1]), match[2]
    if number in _NO_ROOM:
        return True
    if not isinstance(name, str | bytes | os.PathLike):
        return False
    path = Path(os.fsdecode(name)).resolve()
    return path == out or out in path.parents or path in out.parents


def _state_of(out: Path) -> dict[str, Any]:
    """What an out folder holds: the run's state; without `run/`, what its report says; nothing of a new one.

    Raises:
        OutFolderError: it holds something that is not ours.
    """
    state, report = out / "run" / "state.json", out / "report.json"
    try:
        if state.exists():
            return dict(orjson.loads(state.read_bytes()))
        if report.exists():
            values = orjson.loads(report.read_bytes())
            if values["schema"] == "urn:dqv:report:1":
                return {"source": values["run"]["environment"]["source"], "finished": True}
        elif not out.exists() or (out.is_dir() and all(path.name == "run" for path in out.iterdir())):
            return {}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise OutFolderError(f"{out} is not empty and not an out folder of dqv; choose another with --out")


def finished(out: Path) -> None:
    """The run has written its report: the next one is a new run, with a reference date of its own."""
    state_file = out / "run" / "state.json"
    state = orjson.loads(state_file.read_bytes())
    write_atomic(state_file, json_bytes({**state, "finished": True}))
