"""Fingerprints of 12-megapixel JPEGs beside imagehash's and imagededup's pHash: decoding and hashing, CPU time.

Each peer has an environment and a process of its own; all take turns over the same file, round after round, on one
thread each, and a figure is the median of the rounds. dqv's way is what a full check does: the strict decode at 1/8
scale, which the check of the file needs anyway, then what is stored of a picture (16 hashes and the cells). That decode
reads every code and is all but 0.2 ms of it, so it grows with the bytes, which full decoding hardly does.
"""

import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import simplejpeg

from benchmarks.image_check import HEIGHT_PX, WIDTH_PX, exif, photo
from benchmarks.packages import environment
from dqv.neardup import pictures

PHOTOS, ROUNDS = 6, 3
QUALITIES = (75, 85, 90, 95)
PEERS = {
    "imagehash": ["imagehash==4.3.2"],
    "imagededup": [
        "--no-deps", "imagededup==0.3.3.post2", "numpy", "pillow", "scipy", "pywavelets", "tqdm", "matplotlib",
        "scikit-learn", "joblib", "cloudpickle", "threadpoolctl", "packaging", "pyparsing", "cycler", "kiwisolver", "python-dateutil",
        "six", "contourpy", "fonttools", "narwhals",
    ],
}  # fmt: skip
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Row:
    """One way.

    Attributes:
        mean_mb: size of the files.
        per_s: pictures a CPU second, median of the rounds.
        ratio: of dqv's to these.
    """

    mean_mb: float
    way: str
    per_s: float
    ratio: float


def fingerprint(path: Path) -> bytes:
    """As a full check does it."""
    grey = simplejpeg.decode_jpeg(
        path.read_bytes(), "GRAY", min_height=1, min_width=1, min_factor=8, strict=True
    )
    return pictures.fingerprint_bytes(grey[:, :, 0])


def _peer(name: str) -> subprocess.Popen[str]:
    python = environment(name, PEERS[name])
    script = Path(__file__).with_name("image_hash_peer.py")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([str(python), str(script), name], env={**os.environ, **ONE_CORE}, **pipes)  # type: ignore[call-overload,no-any-return]


def _asked(peer: subprocess.Popen[str], path: Path) -> float:
    assert peer.stdin is not None
    assert peer.stdout is not None
    peer.stdin.write(f"{path}\n")
    peer.stdin.flush()
    return float(peer.stdout.readline().split()[0])


def measure(folder: Path) -> list[Row]:
    """All rows."""
    paths: dict[int, list[Path]] = {quality: [] for quality in QUALITIES}
    for seed in range(PHOTOS):
        made = photo(seed, WIDTH_PX, HEIGHT_PX)
        for quality, group in paths.items():
            group.append(folder / f"{quality}-{seed}.jpg")
            made.save(group[-1], quality=quality, exif=exif(date(2023, 1, 1 + seed)))
    peers = {name: _peer(name) for name in PEERS}
    fingerprint(paths[QUALITIES[0]][0])  # compiles
    for peer in peers.values():
        _asked(peer, paths[QUALITIES[0]][0])
    rows = [row for group in paths.values() for row in _turns(group, peers)]
    for peer in peers.values():
        peer.communicate()
    return rows


def _turns(paths: list[Path], peers: dict[str, subprocess.Popen[str]]) -> list[Row]:
    """The rows of one quality."""
    rounds: dict[str, list[float]] = {"dqv": [], **{name: [] for name in peers}}
    for _ in range(ROUNDS):
        seconds = dict.fromkeys(rounds, 0.0)
        for path in paths:
            began = time.process_time()
            fingerprint(path)
            seconds["dqv"] += time.process_time() - began
            for name, peer in peers.items():
                seconds[name] += _asked(peer, path)
        for name, total in seconds.items():
            rounds[name].append(len(paths) / total)
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    mean_mb = sum(path.stat().st_size for path in paths) / len(paths) / 1e6
    return [Row(mean_mb, name, each, medians["dqv"] / each) for name, each in medians.items()]


def as_markdown(rows: list[Row]) -> str:
    """The table of benchmarks/README.md."""
    lines = [
        "| 12 MP JPEG, decode and fingerprint | way | images/CPU s | dqv against it |",
        "|---|---|---|---|",
    ]
    lines += [f"| {row.mean_mb:.1f} MB | {row.way} | {row.per_s:.1f} | {row.ratio:.2f} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(as_markdown(measure(Path(name))))
