import subprocess
import sys
from pathlib import Path

from dqv.stages import planted


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_another_process_plants_the_same_bytes(tmp_path: Path) -> None:
    planted.plant(tmp_path / "one", planted.PAIRS)
    plant = "import sys, pathlib; from dqv.stages.planted import *; plant(pathlib.Path(sys.argv[1]), PAIRS)"
    subprocess.run([sys.executable, "-c", plant, str(tmp_path / "two")], check=True)
    assert len(_contents(tmp_path / "one")) == 2 * sum(planted.PAIRS.values())
    assert _contents(tmp_path / "one") == _contents(tmp_path / "two")


def test_what_a_stopped_run_left_half_written_is_made_whole_and_the_rest_is_left_alone(
    tmp_path: Path,
) -> None:
    planted.plant(tmp_path, ["text"])
    whole = _contents(tmp_path)
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    (tmp_path / "text-00-first.txt").write_bytes(b"")
    planted.plant(tmp_path, ["text"])
    assert _contents(tmp_path) == whole
    del times["text-00-first.txt"]
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in times} == times
