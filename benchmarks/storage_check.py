"""Storage: shards of text in an S3 server on loopback beside the same shards in a folder; eight terabytes that are simulated.

The S3 server (moto's) runs in a process of its own. Times are of the measuring stage in one process, in turns; what was
asked of the storage is what the stage's own rows say. The terabytes are videos whose bytes are made up where they are
read (`simulated.py`), under `--assurance identity`, as a whole `dqv check`.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks import simulated, text_corpus, text_scale
from benchmarks.text_curves import beat
from dqv.core.location import as_args, located
from dqv.core.settings import Measuring
from dqv.engine import list_source
from dqv.execute import partitions
from dqv.stages import measure as measuring

SHARDS = 10
TURNS = 3
VIDEOS, VIDEO_BYTES = 20_000, 400_000_000

_SERVER = """
import sys
from tests.integration.objectstore import serving
from pathlib import Path
with serving() as server:
    server.upload(Path(sys.argv[1]), "shards")
    print(*(f"{name}={value}" for name, value in server.env.items()), flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Row:
    """One way of reading the shards, or one check of what is simulated."""

    name: str
    input_bytes: int
    seconds: float
    requests: int
    bytes_read: int
    client_bytes: int = 0


def measure(folder: Path) -> list[Row]:
    """All rows."""
    corpora = text_corpus.build()
    shards = folder / "shards"
    _shard(corpora[text_scale.SIZES[0]].path, shards)
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(shards)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        os.environ.update(pair.split("=", 1) for pair in server.stdout.readline().split())
        return [*_beside(str(shards), "s3://shards", folder), _terabytes()]
    finally:
        server.kill()
        server.wait()


def _shard(corpus: Path, shards: Path) -> None:
    shards.mkdir()
    with corpus.open("rb") as lines:
        files = [(shards / f"{number:03d}.jsonl").open("wb") for number in range(SHARDS)]
        for number, line in enumerate(lines):
            files[number % SHARDS].write(line)
        for file in files:
            file.close()


def _beside(local: str, remote: str, folder: Path) -> list[Row]:
    """The least time of each, measured in turns."""
    best: dict[str, Row] = {}
    _stage(local, folder)  # compiles
    for _ in range(TURNS):
        for name, source in (("folder", local), ("S3 on loopback", remote)):
            row = _stage(source, folder)
            if name not in best or row.seconds < best[name].seconds:
                best[name] = Row(name, row.input_bytes, row.seconds, row.requests, row.bytes_read)
    return list(best.values())


def _stage(source: str, folder: Path) -> Row:
    where = [located(source)]
    listing = list_source(where, folder / "listing.parquet")
    pieces = [partitions.piece(row) for rows in listing.batches() for row in rows.to_pylist()]
    args: dict[str, Any] = {
        "source": as_args(where), "raw": None, "pieces": pieces, "measuring": Measuring().model_dump(mode="json"),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(dir=folder) as out:
        began = time.monotonic()
        measuring.measure(args, Path(out), beat())
        seconds = time.monotonic() - began
        read = pq.read_table(Path(out) / "objects-0.parquet").to_pydict()
    size = sum(piece["size_bytes"] for piece in pieces)
    return Row(source, size, seconds, sum(read["requests"]), sum(read["bytes_read"]))


def _terabytes() -> Row:
    with simulated.installed() as known, tempfile.TemporaryDirectory() as name:
        here = Path(__file__).parents[1]
        out = Path(name) / "out"
        args = [
            sys.executable, "-m", "dqv", "check", f"simulated://{VIDEOS}/{VIDEO_BYTES}", "--out", str(out),
            "--assurance", "identity", "--modality", "video", "--quiet",
        ]  # fmt: skip
        path = os.pathsep.join([known, str(here), os.environ.get("PYTHONPATH", "")])
        began = time.monotonic()
        process = subprocess.Popen(args, env={**os.environ, "PYTHONPATH": path})
        client = 0
        while process.poll() is None:
            client = max(client, text_scale.sizes(process.pid)[1])
            time.sleep(0.1)
        seconds = time.monotonic() - began
        tables = [pq.read_table(each) for each in out.glob("run/parts/measure-*/objects-*.parquet")]
        read = [sum(table[column].to_pylist()) for table in tables for column in ("requests", "bytes_read")]
        sizes = pq.read_table(out / "manifest.parquet")["size_bytes"].to_pylist()
        return Row(
            f"{len(sizes):,} videos, simulated", sum(sizes), seconds, sum(read[::2]), sum(read[1::2]), client
        )


def as_markdown(rows: list[Row]) -> str:
    """The tables of benchmarks/README.md."""
    folder, store, videos = rows
    lines = [
        f"| {SHARDS} shards of text, measuring stage | s | MB/s | requests | read MB | against the folder |",
        "|---|---|---|---|---|---|",
    ]
    for row in (folder, store):
        lines.append(
            f"| {row.name} ({row.input_bytes / 1e6:.0f} MB) | {row.seconds:.2f} | {row.input_bytes / 1e6 / row.seconds:.0f} | "
            f"{row.requests:,} | {row.bytes_read / 1e6:.0f} | {folder.seconds / row.seconds:.0%} |"
        )
    share = videos.bytes_read / videos.input_bytes
    count = VIDEOS / 100_000
    lines += [
        "",
        "| `dqv check --assurance identity` | TB | s | s a 100,000 files | requests a file | read of it | client, peak MB |",
        "|---|---|---|---|---|---|---|",
        f"| {videos.name} | {videos.input_bytes / 1e12:.2f} | {videos.seconds:.0f} | {videos.seconds / count:.0f} | "
        f"{videos.requests / VIDEOS:.1f} | {share:.4%} | {videos.client_bytes / 1e6:.0f} |",
    ]
    return "\n".join(lines) + "\n"
