"""Dask: an embedded local cluster or a scheduler elsewhere, and how tasks pass through it."""

import contextlib
import logging
import os
import signal
import threading
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator

from distributed import Client, KilledWorker, LocalCluster, as_completed
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError

from dqv.core.errors import IncompleteRun, UsageError
from dqv.execute.ledger import Ledger, Part, Task
from dqv.execute.sandbox import run_task

_IN_FLIGHT_PER_WORKER = 4
"""Tasks handed to the scheduler ahead of need, per worker: enough to hide its answer time, and the
client's memory stays small whatever the number of tasks."""


@contextlib.contextmanager
def connect(scheduler: str | None, workers: int | None) -> Iterator[Client]:
    """Connect to a scheduler, or start a cluster on this machine's loopback address.

    Args:
        scheduler: its address, or None for an embedded cluster.
        workers: processes of the embedded cluster; None: one per core that this process may use.

    Raises:
        UsageError: nobody answers at the address.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)  # a killed worker is no news to the user
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout="10s", set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(f"no Dask scheduler answers at {scheduler}: {error}") from error
        with client:
            yield client
        return
    count = workers or len(
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    with contextlib.ExitStack() as stack:
        with _ctrl_c_ignored():
            started = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=None,  # pickle is code execution: what listens, listens on loopback alone
                scheduler_kwargs={
                    "dashboard_address": "127.0.0.1:0"
                },  # its HTTP server: any free port, not 8787
                silence_logs=logging.CRITICAL,
                memory_limit=0,  # the children have limits; the workers only watch
            )
        local = stack.enter_context(started)
        yield stack.enter_context(Client(local, set_as_default=False))


@contextlib.contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Processes started meanwhile ignore Ctrl-C: it goes to all of a terminal, and is for the client alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_stage(
    client: Client, ledger: Ledger, tasks: Iterable[Task], advance: Callable[[int], None]
) -> list[Part]:
    """Run what the ledger does not prove done; returns the parts in the order of the tasks.

    Args:
        client: from `connect`.
        ledger: read before, written after each task.
        tasks: made one by one as they are handed over; their calls must be importable on the workers.
        advance: told the `work` of every task as it is done.

    Raises:
        DqvError: as a task raised it; finished tasks stay finished.
    """
    parts: dict[int, Part] = {}
    waiting = enumerate(tasks)
    handed: dict[str, tuple[int, Task]] = {}
    workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    running = as_completed(loop=client.loop)

    def submit_next() -> None:
        for number, task in waiting:
            part = ledger.proved(task)
            if part is None:
                future = client.submit(run_task, task, pure=False)
                handed[future.key] = number, task
                running.add(future)
                return
            parts[number] = part
            advance(task.work)

    for _ in range(workers * _IN_FLIGHT_PER_WORKER):
        submit_next()
    for future in running:
        number, task = handed.pop(future.key)
        try:
            answer = future.result()
        except KilledWorker as error:
            raise IncompleteRun(
                "workers died again and again, from outside or for want of memory; what is done is kept: "
                "run the same command again"
            ) from error
        except (CancelledError, FutureCancelledError, CommClosedError, TimeoutError) as error:
            raise IncompleteRun(
                "the Dask scheduler was lost; what is done is kept: run the same command again"
            ) from error
        try:
            parts[number] = ledger.record(task, answer)
        except OSError as error:
            raise IncompleteRun(
                f"the out folder cannot be written: {error.strerror} ({error.filename}); "
                "make room or rights and run the same command again: it goes on where it stopped"
            ) from error
        advance(task.work)
        submit_next()
    return [parts[number] for number in range(len(parts))]
