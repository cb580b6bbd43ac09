"""Binding: Merkle trees over 0.1, 1 and 10 million records, a proof, and `dqv verify` without the data.

The report, its envelope and evidence are a real run's over a small folder; manifest.parquet is replaced by one of that many
made-up objects, in the row groups that a run writes, and the whole is signed again. Each row is a process of its own:

- trees: both roots from the manifest, in one go on one core, as `dqv verify` makes them.
- stage: the same by the stage of a run, with an embedded cluster of two workers; start of the cluster apart.
- prove: the inclusion proof of the object in the middle.
- verify: all steps of `dqv verify` but for the data.

Memory is the process's peak; of `stage` that is the client's.

`python -m benchmarks.binding WORK FOLDER` is one such process.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dqv import pipeline
from dqv.core.files import sha256_file
from dqv.core.policy import load_policy
from dqv.core.settings import Settings
from dqv.engine import Engine, Silent
from dqv.execute import cluster
from dqv.execute.ledger import Ledger
from dqv.reports.schema import read
from dqv.trust import dsse, keys, manifest, proof, statement, verification

COUNTS = (100_000, 1_000_000, 10_000_000)
WORKS = ("trees", "stage", "prove", "verify")

_GROUP = 1 << 16


def _path(number: int) -> bytes:
    return b"images/part-%05d/%08d.jpg" % (number // 1000, number)


def write_manifest(count: int, path: Path) -> None:
    """A manifest of that many objects."""
    schema = pa.schema(
        [("path", pa.binary()), ("size_bytes", pa.int64()), ("sha256", pa.binary(32)), ("role", pa.string())]
    )
    random = np.random.default_rng(count)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for first in range(0, count, _GROUP):
            rows = min(_GROUP, count - first)
            digests = pa.Array.from_buffers(
                pa.binary(32), rows, [None, pa.py_buffer(random.bytes(32 * rows))]
            )
            paths = [_path(number) for number in range(first, first + rows)]
            columns = [paths, random.integers(1, 40_000, rows), digests, ["data"] * rows]
            writer.write_table(pa.table(columns, schema=schema))


def checked(folder: Path) -> Path:
    """An out folder of a small run."""
    (folder / "source").mkdir(parents=True)
    for number in range(20):
        (folder / "source" / f"{number}.txt").write_text(f"text {number} of a small run")
    settings = Settings(source=str(folder / "source"), out=folder / "out", workers=1)
    pipeline.check(settings)
    return folder / "out"


def signed(out: Path, count: int, key: Path) -> None:
    """Put another manifest into an out folder and sign it."""
    write_manifest(count, out / "manifest.parquet")
    found = manifest.bound(out / "manifest.parquet")
    assert found is not None
    values = json.loads((out / "report.json").read_text("utf-8"))
    values["subject"] |= {"root_sha256": found.root_sha256, "root_sm3": found.root_sm3}
    (out / "report.json").write_text(json.dumps(values), "utf-8")
    payload = statement.build(
        values,
        report_sha256=sha256_file(out / "report.json"),
        manifest_sha256=sha256_file(out / "manifest.parquet"),
        bound=found,
    )
    (out / "report.dsse.json").write_bytes(dsse.sign(payload, [keys.load_private(key)]))


def _trees(out: Path) -> None:
    assert manifest.bound(out / "manifest.parquet") is not None


def _prove(out: Path) -> None:
    count = sum(manifest.counts(out / "manifest.parquet"))
    proof.dump(proof.make(out / "manifest.parquet", _path(count // 2)))


def _verify(out: Path) -> None:
    trusted = keys.load_trusted(out.parent / "k.pub")
    assert verification.verify(out / "report.dsse.json", trusted=trusted, conforms=read).holds


def work(name: str, out: Path) -> tuple[float, int]:
    """Seconds and peak bytes of one work in this process."""
    if name == "stage":
        settings = Settings(source=str(out.parent / "source"), out=out, workers=2)
        with cluster.connect(None, 2) as client:
            engine = Engine(client, Ledger(out / "run"), load_policy(settings.policy), settings, Silent())
            began = time.monotonic()
            assert engine.bind(out / "manifest.parquet") is not None
            seconds = time.monotonic() - began
    else:
        works: dict[str, Callable[[Path], None]] = {"trees": _trees, "prove": _prove, "verify": _verify}
        began = time.monotonic()
        works[name](out)
        seconds = time.monotonic() - began
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(folder: Path, counts: tuple[int, ...] = COUNTS) -> dict[int, dict[str, tuple[float, int]]]:
    """Count → work → seconds and peak bytes."""
    folder = folder / "binding"
    out = checked(folder)
    key, _ = keys.generate(folder / "k")
    found: dict[int, dict[str, tuple[float, int]]] = {}
    for count in counts:
        signed(out, count, key)
        for name in WORKS:
            args = [sys.executable, "-m", "benchmarks.binding", name, str(out)]
            done = subprocess.run(args, check=True, stdout=subprocess.PIPE)
            found.setdefault(count, {})[name] = tuple(json.loads(done.stdout))
    return found


def as_markdown(found: dict[int, dict[str, tuple[float, int]]]) -> str:
    """The table of benchmarks/README.md."""
    lines = ["| objects | work | s | µs an object | peak MB |", "|---|---|---|---|---|"]
    for count, works in found.items():
        for name, (seconds, peak) in works.items():
            lines.append(
                f"| {count:,} | {name} | {seconds:.2f} | {seconds / count * 1e6:.1f} | {peak / 1e6:.0f} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    json.dump(work(sys.argv[1], Path(sys.argv[2])), sys.stdout)
