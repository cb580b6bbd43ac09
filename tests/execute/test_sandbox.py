import json
import mmap
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from dqv.core.errors import IncompleteRun, StageFailedError
from dqv.core.settings import Limits
from dqv.execute import sandbox
from dqv.execute.ledger import Task, code_digest
from dqv.execute.sandbox import close_child, run_task

LIMITS = Limits(memory_bytes=700_000_000, stall_s=4, cpu_s=1)


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    close_child()
    yield
    close_child()


def task(parts: Path, function: str = "walk", limits: Limits = LIMITS, **args: Any) -> Task:
    values = {"objects": 3, "places": 4, "bad": [], "what": "", **args}
    return Task(
        stage="test", index=0, call=f"bad_calls:{function}", args=values, policy="p", limits=limits,
        parts=str(parts), work=0, code=code_digest(), reads_source=True,
    )  # fmt: skip


ALL = [[number, place] for number in range(3) for place in range(4)]


def test_a_good_call_gives_its_result_and_its_tables(tmp_path: Path) -> None:
    answer = run_task(task(tmp_path))
    assert answer["result"] == ALL
    assert list(answer["tables"]) == ["items-0.parquet"]
    assert (tmp_path / task(tmp_path).folder / "items-0.parquet").is_file()


@pytest.mark.parametrize(
    ("what", "limits"),
    [
        ("hang", LIMITS),
        ("crash", LIMITS),
        ("raise", LIMITS),
        ("memory", LIMITS),
        ("burn", LIMITS.model_copy(update={"stall_s": 30.0})),
    ],
)
def test_what_kills_the_child_costs_the_one_item(tmp_path: Path, what: str, limits: Limits) -> None:
    answer = run_task(task(tmp_path, limits=limits, bad=[[1, 2]], what=what))
    assert answer["result"] == [place for place in ALL if place != [1, 2]]
    assert answer["poison"] == 1


def test_two_poisoned_items_cost_two(tmp_path: Path) -> None:
    answer = run_task(task(tmp_path, bad=[[0, 0], [2, 3]], what="crash"))
    assert answer["result"] == [place for place in ALL if place not in ([0, 0], [2, 3])]


def test_an_object_that_kills_the_child_again_and_again_is_given_up_whole(tmp_path: Path) -> None:
    bad = [[1, place] for place in range(40)]
    answer = run_task(task(tmp_path, places=40, bad=bad, what="raise"))
    assert {number for number, _ in answer["result"]} == {0, 2}
    assert answer["poison"] == sandbox._POISON_PER_OBJECT + 1


def test_an_item_that_kills_even_when_left_out_costs_its_object_and_not_the_run(tmp_path: Path) -> None:
    answer = run_task(task(tmp_path, "parses_all"))
    assert answer["result"] == [0, 2]


def test_a_death_with_no_item_at_work_is_a_failure_of_the_stage(tmp_path: Path) -> None:
    with pytest.raises(StageFailedError, match="no item at work"):
        run_task(task(tmp_path, "nowhere"))


def test_a_full_disk_stops_the_run_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        IncompleteRun, match=r"cannot be written: No space left on device .*run the same command"
    ):
        run_task(task(tmp_path, "full"))
    assert list(tmp_path.iterdir()) == []


def test_workers_of_another_version_are_refused(tmp_path: Path) -> None:
    other = task(tmp_path)
    object.__setattr__(other, "code", "other")
    with pytest.raises(StageFailedError, match="another version"):
        run_task(other)


def test_the_message_of_an_exception_never_leaves_the_child(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run_task(task(tmp_path, bad=[[0, 1]], what="raise"))
    assert "ValueError at bad_calls.py" in caplog.text
    assert "secret" not in caplog.text


def test_the_child_is_kept_over_calls_and_ends_with_its_worker(tmp_path: Path) -> None:
    run_task(task(tmp_path))
    first = sandbox._child()._process.pid
    run_task(task(tmp_path, places=5))
    assert sandbox._child()._process.pid == first


def test_an_orphaned_child_ends_by_itself(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import os, sys; from dqv.execute import sandbox; child = sandbox._child();"
        "print(child._process.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid) or os.name != "posix"


def test_a_child_that_has_done_nothing_takes_a_small_part_of_its_memory(tmp_path: Path) -> None:
    """The kernel's limit counts what is reserved: a library that reserves a gigabyte would eat it all."""
    run_task(task(tmp_path, "allocate"))
    status = Path(f"/proc/{sandbox._child()._process.pid}/status")
    if status.exists():
        data = next(line for line in status.read_text().splitlines() if line.startswith("VmData"))
        assert int(data.split()[1]) * 1024 < Limits().memory_bytes // 4


def test_a_child_whose_worker_is_gone_ends_without_a_word(tmp_path: Path) -> None:
    """As when both are stopped while it works: nobody reads its answer."""
    request: dict[str, Any] = {"call": "bad_calls:walk", "args": {"objects": 1, "places": 1, "bad": [], "what": ""},
               "out": str(tmp_path / "part"), "poison": [], "secrets": {}, "data_bytes": None, "cpu_s": 10}  # fmt: skip
    with tempfile.TemporaryFile() as shared:
        shared.truncate(mmap.PAGESIZE)
        child = subprocess.Popen(
            [sys.executable, "-m", "dqv.execute.child", str(shared.fileno())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[shared.fileno()],
        )
        assert child.stdout is not None
        child.stdout.close()
        assert child.stdin is not None
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.flush()
        assert child.wait(timeout=60) == 1
        assert child.stderr is not None
        assert child.stderr.read() == b""
        child.stderr.close()
        child.stdin.close()
