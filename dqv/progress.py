"""How far a run is, on standard error: a bar with rate and time left, or plain lines where there is no terminal."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from dqv.core.units import human_bytes

_EVERY_S = 10.0


class Bars:
    """Shows stages; used as a context manager."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._bar: TaskID | None = None
        self._name, self._work, self._done, self._began, self._told = "", 0, 0, 0.0, 0.0

    def __enter__(self) -> "Bars":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def stage(self, name: str, work: int) -> None:
        """A stage of `work` bytes begins."""
        self._name, self._work, self._done = name, work, 0
        self._began = self._told = time.monotonic()
        if self._console.is_terminal and work:
            self._bars.start()  # not before: the terminal may be asked for a passphrase first
            self._bar = self._bars.add_task(name, total=work)

    def advance(self, work: int) -> None:
        """So many bytes of the stage are done."""
        self._done += work
        if self._console.is_terminal:
            if self._bar is not None and work:
                self._bars.update(self._bar, advance=work)
            return
        now = time.monotonic()
        if now - self._told > _EVERY_S and self._done:
            self._told = now
            rate = self._done / (now - self._began)
            left = (self._work - self._done) / rate
            sys.stderr.write(
                f"{self._name}: {human_bytes(self._done)} of {human_bytes(self._work)}, "
                f"{human_bytes(int(rate))}/s, {left:.0f} s left\n"
            )
