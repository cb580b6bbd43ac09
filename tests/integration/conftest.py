import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

Start = Callable[..., "subprocess.Popen[str]"]

REFERENCE = "2026-06-30"


@pytest.fixture
def start() -> Iterator[Start]:
    """Start programs of this environment in sessions of their own; what is left at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def begin(*args: Any, **env: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, env={**os.environ, **env},
        )  # fmt: skip
        running.append(process)
        return process

    yield begin
    for process in running:
        family = [process.pid]
        with contextlib.suppress(psutil.NoSuchProcess):
            family += [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="session")
def many_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset that makes several parts: 20,000 small files, some of them copies."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(20_000):
        if number % 1000 == 0:
            sub = folder / f"{number // 1000:02d}"
            sub.mkdir()
        base = number - number % 50 if number % 50 < 2 else number  # one exact copy in fifty
        words = " ".join(f"w{base * 131 + i * 7919}" for i in range(120))
        (sub / f"2024-01-{number % 28 + 1:02d}_{number}.txt").write_text(words)
    return folder


@pytest.fixture(scope="session")
def undisturbed(many_files: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The report of a run that nothing disturbed, without its environment."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    done = subprocess.run(check_args(many_files, out), capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    return report_of(out)


def check_args(source: Path, out: Path, *more: Any) -> list[str]:
    """The command line of a check."""
    args = [sys.executable, "-m", "dqv", "check", source, "--out", out, "--reference-date", REFERENCE, *more]
    return list(map(str, args))


def report_of(out: Path) -> bytes:
    """The bytes of report.json, `run.environment` cut out."""
    content, cuts = re.subn(rb'"environment": \{[^}]*\}', b"", (out / "report.json").read_bytes())
    assert cuts == 1
    return content


def wait_for_parts(out: Path, count: int, process: "subprocess.Popen[str]", seconds: float = 120) -> None:
    """Wait until so many tasks are in the ledger, and the run still goes on."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before it could be disturbed"
        if len(list((out / "run" / "ledger").glob("*.json"))) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"fewer than {count} parts within {seconds} s")
