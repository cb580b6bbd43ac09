"""The sandboxed child: reads calls from its standard input, one JSON line each, and answers the same way.

Started by `subprocess` from a Dask worker (multiprocessing cannot start children there) and kept over many
calls. It does the reading, decoding and writing; the worker only watches. A call names a function
`module:name` that is called as `function(args, out, beat)` and writes its tables into the folder `out`, which
becomes the part when the function returns.
"""

import importlib
import json
import mmap
import os
import resource
import shutil
import signal
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

from dqv.core import location
from dqv.core.errors import OutputError
from dqv.core.files import sha256_file, sync_folder

HEARTBEAT = struct.Struct("<Qqq")
"""Shared with the worker: counter, object at work, place in it."""

NOWHERE = -1
"""As an object: no item is at work. As a place: the object as a whole."""


class Beat:
    """The heartbeat: says which item is at work, that work goes on, and which items to leave out.

    Writing it costs a quarter of a microsecond, so it is written for every record and a death can be
    pinned to one item.
    """

    def __init__(self, shared: mmap.mmap, poison: list[list[Any]], cpu_s: int) -> None:
        self._shared = shared
        self._count = 0
        self._poison = {(entry[0], entry[1]): (entry[2], entry[3]) for entry in poison}
        self._poisoned_objects = {entry[0] for entry in poison}
        self._cpu_s = cpu_s
        self._renew = 0.0
        self._object = NOWHERE
        self.skipped: list[tuple[int, str, str]] = []
        self.clear()

    def clear(self) -> None:
        """No item is at work: a death now is nobody's fault but the call's."""
        self.begin(NOWHERE)

    def begin(self, number: int) -> tuple[str, str] | None:
        """Object `number` is at work; returns (kind, detail) when it must be left out as a whole."""
        self._object = number
        self.skipped = []
        self._write(NOWHERE)
        return self._poison.get((number, NOWHERE))

    @property
    def leaves_out(self) -> bool:
        """Whether some items of the object at work are left out."""
        return self._object in self._poisoned_objects

    def at(self, place: int) -> bool:
        """The item at `place` is at work; False when it must be left out (then noted in `skipped`)."""
        self._write(place)
        if self.leaves_out:
            found = self._poison.get((self._object, place))
            if found is not None:
                self.skipped.append((place, *found))
                return False
        return True

    def tick(self) -> None:
        """Work goes on: bytes were consumed."""
        self._count += 1
        struct.pack_into("<Q", self._shared, 0, self._count)
        self._limit_cpu()

    def _write(self, place: int) -> None:
        self._count += 1
        HEARTBEAT.pack_into(self._shared, 0, self._count, self._object, place)
        self._limit_cpu()

    def _limit_cpu(self) -> None:
        now = time.monotonic()
        if now < self._renew:
            return
        self._renew = now + 1.0
        used = time.process_time()
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used) + self._cpu_s + 1, hard))


def main() -> None:
    """Serve calls until the worker closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the client; the worker stops us
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    _silence_libraries()
    shared = mmap.mmap(int(sys.argv[1]), HEARTBEAT.size)
    _watch_parent()
    for line in sys.stdin:
        answer = _serve(json.loads(line), shared)
        try:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        except BrokenPipeError:
            os._exit(1)  # the worker is gone; nobody is to read of it on a terminal


def _silence_libraries() -> None:
    """What libraries print goes nowhere: it must not look like an answer, and it may quote the data.

    Python's own standard error stays, for the log.
    """
    sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _serve(request: dict[str, Any], shared: mmap.mmap) -> dict[str, Any]:
    if sys.platform == "linux":  # elsewhere the worker's watch over resident memory has to do
        bytes_ = request["data_bytes"] or resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_DATA, (bytes_, resource.RLIM_INFINITY))
    location.unlock(request["secrets"])
    beat = Beat(shared, request["poison"], request["cpu_s"])
    final = Path(request["out"])
    temporary = final.with_name(f".{final.name}.{os.getpid()}.tmp")
    try:
        temporary.mkdir()
        module, _, name = request["call"].partition(":")
        result = getattr(importlib.import_module(module), name)(request["args"], temporary, beat)
        beat.clear()
        return {"result": result, "tables": _commit(temporary, final)}
    except MemoryError:
        return {"died": "memory", "detail": "the memory limit was reached"}
    except OutputError as error:
        return {"disk": str(error)}
    except OSError as error:  # reading errors are rows by now, so this is the out folder
        return {"disk": f"{error.strerror or error} ({error.filename or final.parent})"}
    except Exception as error:  # noqa: BLE001  the boundary: the type is recorded, the item named
        return {"died": "crash", "detail": _describe(error)}
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _describe(error: Exception) -> str:
    """Type and place in the code; never the message, which may hold values of the data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"


def _commit(temporary: Path, final: Path) -> dict[str, dict[str, Any]]:
    """Make the part durable and give it its name; only then does it exist."""
    tables = {}
    for path in sorted(temporary.iterdir()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
        tables[path.name] = {"sha256": sha256_file(path), "size_bytes": path.stat().st_size}
    sync_folder(temporary)
    if final.exists():  # left by a run that ended before its ledger entry
        shutil.rmtree(final)
    temporary.rename(final)
    sync_folder(final.parent)
    return tables


def _watch_parent() -> None:
    """End with the worker, even when it was killed and could not say so."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
