"""Many objects: time and memory of the client over 0.1, 1 and 10 million names.

Every row is one `dqv check` in a process of its own, with an embedded cluster of two workers, in which two things are
made by a function instead of being there: what the folder lists, and what measuring an object says. All else is real:
the listing is sorted and cut, tasks pass through Dask, the ledger and the children, equal items are looked for, rows
are joined, checks ask, report and manifest are written. Memory is the client's peak, the embedded scheduler included.
Then the commands that read a report are asked of this one, each in a process of its own.

`python -m benchmarks.objects_scale COUNT FOLDER` is one such check.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa

from dqv import engine, pipeline
from dqv.connectors import storage
from dqv.connectors.local import Folder
from dqv.core.schema import ITEMS, READ_OBJECTS
from dqv.core.settings import Settings
from dqv.engine import Engine
from dqv.execute import partitions
from dqv.execute.child import Beat
from dqv.execute.ledger import Part
from dqv.execute.parts import open_writer

COUNTS = (100_000, 1_000_000, 10_000_000)

_PHASES = {"measure": "measuring", "planted": "duplicates", "settle": "report"}
"""Stage → the phase that begins with it."""


def listed(count: int) -> Iterator[storage.Listed]:
    """Names of images of 20 kB, in no order, a thousand to a folder; and one README."""
    yield storage.Listed(b"README.md", "file", 1000, 0, "0:0")
    step = 7_368_787  # prime, and no divisor of a count: every number comes once
    for each in range(count - 1):
        number = each * step % (count - 1)
        yield storage.Listed(
            b"images/part-%05d/%08d.jpg" % (number // 1000, number),
            "file",
            1 + number * 2_654_435_761 % 40_000,
            number,
            f"1:{number + 1}",
        )


def simulate(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """What measuring says, made by a function: one in a hundred repeats its neighbour, one in a thousand is defective.

    Args:
        args: as for `stages.measure.measure`.
        out: where the tables go.
        beat: of the child.
    """
    items, objects = [], []
    for piece in partitions.pieces(args):
        number, size = piece["object"], piece["size_bytes"]
        objects.append({"object": number, "sha256": number.to_bytes(32), "bytes_read": size, "requests": 1})
        if piece["role"] != "data":
            continue
        item = {
            "object": number, "place": 0, "modality": "image", "format": "jpg", "status": "measured", "single": True,
            "stored_bytes": size,
        }  # fmt: skip
        if number % 1000 == 7:
            items.append(item | {"status": "defective", "error_kind": "corrupt", "error": "simulated"})
            continue
        payload = number - (number % 100 == 1)
        facts = {
            "payload_bytes": size, "codec": "JPEG", "mode": "RGB", "width_px": 1024, "height_px": 700 + number % 100,
            "frames": 1, "decoded": True, "comparable": False, "flags": [], "xxh3_128": payload.to_bytes(16),
            "date_embedded": date(2015 + number % 12, 1, 1), "date_refused": False,
        }  # fmt: skip
        items.append(item | facts)
        beat.tick()
    for name, rows, schema in (("items", items, ITEMS), ("objects", objects, READ_OBJECTS)):
        with open_writer(out / f"{name}-0.parquet", schema) as writer:
            writer.write_table(pa.Table.from_pylist(rows, schema))


class _Simulated(Engine):
    """A run whose measuring is simulated."""

    def _run(
        self, stage: str, function: Any, calls: Iterable[tuple[dict[str, Any], int]], work: int = 0
    ) -> list[Part]:
        return super()._run(stage, simulate if stage == "measure" else function, calls, work)


class _Watch(engine.Silent):
    """When a phase ended, and the client's peak in it."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[float, int]] = {}
        self._phase = "listing"
        self._began = time.monotonic()

    def stage(self, name: str, work: int) -> None:
        """A stage begins, and with it perhaps a phase."""
        if name in _PHASES:
            self.end(_PHASES[name])

    def end(self, following: str) -> None:
        """A phase is over."""
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        assert peak is not None
        self.rows[self._phase] = time.monotonic() - self._began, 1024 * int(peak[1])
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._phase, self._began = following, time.monotonic()


def client(count: int, folder: Path) -> None:
    """Check that many simulated objects; prints seconds and peak bytes of each phase."""
    (folder / "source").mkdir(parents=True)
    settings = Settings(
        source=str(folder / "source"), out=folder / "out", workers=2, reference_date=date(2026, 6, 30)
    )
    watch, there = _Watch(), Folder.listed

    def list_folder(self: Folder) -> Iterator[storage.Listed]:
        return there(self) if self.path.endswith("planted") else listed(count)

    with (
        mock.patch.object(Folder, "listed", list_folder),
        mock.patch.object(pipeline, "Engine", _Simulated),
    ):
        report = pipeline.check(settings, watch)
    watch.end("")
    assert report.accounting.objects == count
    assert report.measurements["image"].items + report.measurements["image"].defective_items == count - 1
    json.dump(watch.rows, sys.stdout)


COMMANDS: dict[str, tuple[str, ...]] = {
    "dqv fix --list": ("fix", "{out}", "--list", "{folder}/items.jsonl", "--quiet"),
    "dqv compare --html": ("compare", "{out}", "{out}", "--html", "{folder}/compare.html", "--quiet"),
    "dqv export": ("export", "{out}", "--out", "{folder}/csv", "--quiet"),
    "dqv annex": ("annex", "{out}", "--out", "{folder}/annex.docx"),
}
"""What is asked of a report."""

PAGES = ("report.html", "report.pdf", "compare.html", "items.jsonl")


@dataclass(frozen=True)
class Row:
    """One number of objects.

    Attributes:
        phases: phase → seconds and peak bytes of the client.
        commands: command → seconds and peak bytes of its process.
        sizes: file → bytes, of PAGES.
    """

    phases: dict[str, tuple[float, int]]
    commands: dict[str, tuple[float, int]]
    sizes: dict[str, int]


def _asked(command: tuple[str, ...], folder: Path) -> tuple[float, int]:
    """Seconds and peak bytes of a command over the report in the folder."""
    args = [each.format(folder=folder, out=folder / "out") for each in command]
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "dqv", *args], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"dqv {' '.join(args)}: exit code {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - began, 1024 * used.ru_maxrss


def measure(folder: Path, counts: tuple[int, ...] = COUNTS) -> dict[int, Row]:
    """Count → what it took."""
    found = {}
    for count in counts:
        place = folder / f"objects-{count}"
        args = [sys.executable, "-m", "benchmarks.objects_scale", str(count), str(place)]
        done = subprocess.run(args, check=True, stdout=subprocess.PIPE)
        commands = {name: _asked(command, place) for name, command in COMMANDS.items()}
        sizes = {path.name: path.stat().st_size for path in place.rglob("*") if path.name in PAGES}
        found[count] = Row(json.loads(done.stdout), commands, sizes)
    return found


def as_markdown(found: dict[int, Row]) -> str:
    """The tables of benchmarks/README.md."""
    lines = [
        "| objects | phase | s | s per 100,000 | client, peak MB | peak MB per 100,000 |",
        "|---|---|---|---|---|---|",
    ]
    for count, row in found.items():
        phases = row.phases
        total = sum(seconds for seconds, _ in phases.values()), max(peak for _, peak in phases.values())
        for phase, (seconds, peak) in [*phases.items(), ("whole", total)]:
            share = count / 100_000
            lines.append(
                f"| {count:,} | {phase} | {seconds:.1f} | {seconds / share:.2f} | {peak / 1e6:.0f} | "
                f"{peak / 1e6 / share:.1f} |"
            )
    lines += [
        "",
        f"| {' | '.join(('objects', *COMMANDS, *PAGES))} |",
        "|---" * (1 + len(COMMANDS) + len(PAGES)) + "|",
    ]
    for count, row in found.items():
        times = [f"{seconds:.1f} s, {peak / 1e6:.0f} MB" for seconds, peak in row.commands.values()]
        sizes = [f"{row.sizes[name] / 1e6:.2f} MB" for name in PAGES]
        lines.append(f"| {' | '.join((f'{count:,}', *times, *sizes))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from benchmarks import objects_scale  # the children find `simulate` by the name of its module

    objects_scale.client(int(sys.argv[1]), Path(sys.argv[2]))
