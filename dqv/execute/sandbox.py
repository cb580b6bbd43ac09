"""The worker's side of the sandbox: starts the child, watches it, and isolates what kills it.

A hang, a crash or exhausted memory costs the one item that was at work: it becomes an error row and the
part is measured again without it.
"""

import contextlib
import json
import logging
import mmap
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from dqv.core.errors import IncompleteRun, StageFailedError
from dqv.core.settings import Limits
from dqv.execute.child import HEARTBEAT, NOWHERE
from dqv.execute.ledger import Task, code_digest

_log = logging.getLogger(__name__)

_POISON_PER_OBJECT = 8
"""So many items of one object may kill the child before the object is given up as a whole."""


_CHILD_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the default one reserves 1 GiB, which the memory limit counts
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "GX_ANALYTICS_ENABLED": "false",  # Great Expectations tells nobody anything
}


@dataclass
class _Died(Exception):
    kind: str
    detail: str
    object: int
    place: int


class Child:
    """One persistent child process of one worker slot."""

    def __init__(self) -> None:
        self._shared_file = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the child
        self._shared_file.truncate(HEARTBEAT.size)
        self._shared = mmap.mmap(self._shared_file.fileno(), HEARTBEAT.size)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dqv.execute.child", str(self._shared_file.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[self._shared_file.fileno()],
            start_new_session=True,  # Ctrl-C of the terminal must not reach it
            env={**os.environ, **_CHILD_ENVIRONMENT},
        )
        self._watched = psutil.Process(self._process.pid)
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def call(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """Make one call and watch it.

        Raises:
            _Died: the child was lost or had to be killed; it names the item at work.
        """
        HEARTBEAT.pack_into(self._shared, 0, 0, NOWHERE, NOWHERE)
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._death("crash", "the child ended between two calls") from None
        answer = b""
        last_count, last_change, last_rss = -1, time.monotonic(), 0
        while not answer.endswith(b"\n"):
            if self._selector.select(timeout=0.1):
                assert self._process.stdout is not None
                chunk = os.read(self._process.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise self._explain_exit(last_rss, limits)
                answer += chunk
                continue
            count, _, _ = HEARTBEAT.unpack_from(self._shared, 0)
            now = time.monotonic()
            if count != last_count:
                last_count, last_change = count, now
            elif now - last_change > limits.stall_s:
                raise self._death("hang", f"no progress in {limits.stall_s:g} seconds")
            with contextlib.suppress(psutil.NoSuchProcess):
                last_rss = self._watched.memory_info().rss
            if request["data_bytes"] and last_rss > limits.memory_bytes:
                raise self._death("memory", f"more than {limits.memory_bytes} bytes resident")
        result: dict[str, Any] = json.loads(answer)
        if "died" in result:
            _, number, place = HEARTBEAT.unpack_from(self._shared, 0)
            if result["died"] == "memory":
                self.close()  # what it holds is not worth keeping
            raise _Died(result["died"], result["detail"], number, place)
        return result

    def _explain_exit(self, rss: int, limits: Limits) -> _Died:
        code = self._process.wait()
        if code == -signal.SIGXCPU:
            return self._death("cpu", f"more than {limits.cpu_s} CPU seconds without progress")
        if rss > limits.memory_bytes * 7 // 10:
            return self._death("memory", f"the child ended with {rss} bytes resident")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return self._death("crash", f"the child ended by {name}")

    def _death(self, kind: str, detail: str) -> _Died:
        _, number, place = HEARTBEAT.unpack_from(self._shared, 0)
        self.close()
        return _Died(kind, detail, number, place)

    @property
    def alive(self) -> bool:
        """Whether it can take a call."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it; its unfinished part was only a temporary folder."""
        self._process.kill()
        self._process.wait()
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._shared.close()
        self._shared_file.close()


_slot = threading.local()  # a worker slot is a thread of the worker


def _child() -> Child:
    child: Child | None = getattr(_slot, "child", None)
    if child is None or not child.alive:
        child = _slot.child = Child()
    return child


def close_child() -> None:
    """End this thread's child, if there is one."""
    child: Child | None = getattr(_slot, "child", None)
    if child is not None and child.alive:
        child.close()
    _slot.child = None


def run_task(task: Task) -> dict[str, Any]:
    """Run one task in this worker slot's child; what kills the child is left out and named.

    Returns:
        `result` as the called function gave it, `tables` (name → sha256, size_bytes), `poison`.

    Raises:
        IncompleteRun: the out folder cannot be written.
        StageFailedError: the task cannot be done, and no item is to blame.
    """
    if task.code != code_digest():
        raise StageFailedError(
            "this worker runs another version of dqv or of its libraries than the client; "
            "install the same one everywhere"
        )
    poison: list[list[Any]] = []
    blameless = 0
    while True:
        request = {
            "call": task.call,
            "args": task.args,
            "out": str(Path(task.parts) / task.folder),
            "poison": poison,
            "secrets": task.secrets,
            "data_bytes": task.limits.memory_bytes if task.reads_source else None,
            "cpu_s": task.limits.cpu_s,
        }
        try:
            answer = _child().call(request, task.limits)
        except _Died as died:
            _log.warning(
                "%s died: %s (%s) at %d/%d", task.folder, died.kind, died.detail, died.object, died.place
            )
            if died.object == NOWHERE:
                blameless += 1
                if blameless > 1:  # once may be an accident from outside, such as a killed process
                    raise StageFailedError(
                        f"stage {task.stage}, part {task.index}: {died.kind}, {died.detail}, with no item at work"
                    ) from None
                continue
            _add_poison(poison, died)
            continue
        if "disk" in answer:
            raise IncompleteRun(
                f"the out folder cannot be written: {answer['disk']}; "
                "make room or rights and run the same command again: it goes on where it stopped"
            )
        return {**answer, "poison": len(poison)}


def _add_poison(poison: list[list[Any]], died: _Died) -> None:
    """Leave out what died: the item; or the object, when that did not help or too many items of it died."""
    known = [entry[1] for entry in poison if entry[0] == died.object]
    if NOWHERE in known:
        raise StageFailedError(f"object {died.object} was left out and died again: {died.detail}")
    place = NOWHERE if died.place in known or len(known) >= _POISON_PER_OBJECT else died.place
    poison.append([died.object, place, died.kind, died.detail])
