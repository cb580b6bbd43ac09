"""What may happen to a run: killed workers, a lost scheduler, Ctrl-C, a full disk. The report stays the same."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.conftest import Start, check_args, report_of, wait_for_parts

pytestmark = pytest.mark.integration


@pytest.fixture
def cluster(start: Start, tmp_path: Path) -> Any:
    """A real scheduler and two real workers: (address, scheduler, workers)."""
    return lambda: start_cluster(start)


def start_cluster(start: Start) -> tuple[str, Any, list[Any]]:
    scheduler = start(
        "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
    )
    address = ""
    deadline = time.monotonic() + 60
    assert scheduler.stderr is not None
    while not address and time.monotonic() < deadline:
        match = re.search(r"tcp://127\.0\.0\.1:\d+", scheduler.stderr.readline())
        address = match[0] if match else ""
    assert address
    workers = [
        start(
            "-m",
            "distributed.cli.dask_worker",
            address,
            "--nthreads",
            "1",
            "--nworkers",
            "1",
            "--no-nanny",
            "--no-dashboard",
        )
        for _ in range(2)
    ]
    return address, scheduler, workers


def finish(args: list[str], code: int = 1) -> None:
    done = subprocess.run(args, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr


def descendants(process: Any) -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    return found


def assert_ended(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=15)
    assert not alive, [process.cmdline() for process in alive]


def test_a_killed_worker_costs_nothing(
    start: Start, cluster: Any, many_files: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    address, _, workers = cluster()
    out = tmp_path / "out"
    run = start(*check_args(many_files, out, "--scheduler", address)[1:])
    wait_for_parts(out, 1, run)
    workers[0].send_signal(signal.SIGKILL)
    _, errors = run.communicate(timeout=300)
    assert run.returncode == 1, errors
    assert report_of(out) == undisturbed


def test_a_lost_scheduler_stops_the_run_and_another_one_ends_it(
    start: Start, cluster: Any, many_files: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    address, scheduler, _ = cluster()
    out = tmp_path / "out"
    run = start(*check_args(many_files, out, "--scheduler", address)[1:])
    wait_for_parts(out, 2, run)
    scheduler.send_signal(signal.SIGKILL)
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 3, errors
    assert "run the same command again" in errors
    again, _, _ = cluster()
    finish(check_args(many_files, out, "--scheduler", again))
    assert report_of(out) == undisturbed


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(
    start: Start, many_files: Path, undisturbed: bytes, tmp_path: Path, sign: signal.Signals
) -> None:
    out = tmp_path / "out"
    run = start(*check_args(many_files, out)[1:])
    wait_for_parts(out, 2, run)
    family = descendants(run)
    if sign is signal.SIGINT:
        os.killpg(run.pid, sign)  # as a terminal does: to the whole group
    else:
        run.send_signal(sign)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 3, errors
    assert "the same command goes on" in errors
    assert "Traceback" not in errors
    assert_ended(family)
    done = {path: path.stat().st_mtime_ns for path in (out / "run" / "ledger").iterdir()}
    finish(check_args(many_files, out))
    assert report_of(out) == undisturbed
    assert {path: path.stat().st_mtime_ns for path in done} == done, "done again what was proved"


def test_a_killed_client_leaves_no_process_and_the_same_command_goes_on(
    start: Start, many_files: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = start(*check_args(many_files, out)[1:])
    wait_for_parts(out, 2, run)
    family = descendants(run)
    run.kill()
    run.communicate()
    assert_ended(family)
    finish(check_args(many_files, out, "--workers", "1"))
    assert report_of(out) == undisturbed


def test_a_killed_child_costs_at_most_the_item_at_work(
    start: Start, many_files: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = start(*check_args(many_files, out, "--workers", "1")[1:])
    wait_for_parts(out, 1, run)
    child = next(each for each in descendants(run) if "dqv.execute.child" in each.cmdline())
    child.kill()
    _, errors = run.communicate(timeout=300)
    assert run.returncode in (1, 3), errors
    assert (out / "report.json").exists()


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(
    many_files: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", mount], check=True)
    try:
        done = subprocess.run(
            check_args(many_files, mount / "out"), capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 3, done.stderr
        assert "cannot be written" in done.stderr
        assert "No space left on device" in done.stderr
        assert "Traceback" not in done.stderr
        subprocess.run(["mount", "-o", "remount,size=200m", mount], check=True)
        finish(check_args(many_files, mount / "out"))
        assert report_of(mount / "out") == undisturbed
    finally:
        subprocess.run(["umount", mount], check=True)


def test_a_read_only_out_folder_is_told(many_files: Path, tmp_path: Path) -> None:
    mount = tmp_path / "fixed"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", mount], check=True)
    try:
        done = subprocess.run(
            check_args(many_files, mount / "out"), capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 3
        assert "cannot be written" in done.stderr
    finally:
        subprocess.run(["umount", mount], check=True)
