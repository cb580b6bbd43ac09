"""What the client holds while it makes tasks."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dqv.connectors.objects import Listed
from dqv.core.policy import load_policy
from dqv.core.settings import Settings
from dqv.engine import Engine, Silent, classified
from dqv.execute import manifest
from dqv.execute.ledger import Part
from dqv.trust.manifest import bound
from tests.stages.calls import beat


class Told(Exception):
    """The tasks of a stage are made, and nothing is run."""


def test_archives_are_not_held_while_their_tasks_are_made(tmp_path: Path, monkeypatch: Any) -> None:
    names = (Listed(b"%06d.tar" % number, "file", 10_000, 0, "") for number in range(50_000))
    listing = manifest.write(classified(names), tmp_path / "listing.parquet")
    settings = Settings(source=str(tmp_path), out=tmp_path / "out")
    client: Any = None
    engine = Engine(client, client, load_policy(settings.policy), settings, Silent())

    def run(self: Engine, stage: str, function: Any, calls: Any, work: int = 0) -> Any:
        archives = done = 0
        for args, each in calls:
            archives, done = archives + len(args["pieces"]), done + each
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (archives, done) == (50_000, work)
        assert peak < 25_000_000  # a row group of them; all are twice that
        raise Told

    monkeypatch.setattr(Engine, "_run", run)
    tracemalloc.start()
    try:
        engine.expand(listing)
    except Told:
        return
    raise AssertionError("no task was made")


@pytest.mark.parametrize("names", [1, 15, 16, 17, 100])
@pytest.mark.parametrize("group", [1, 3, 1000])
def test_ranges_of_a_manifest_give_its_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: int, group: int
) -> None:
    path = tmp_path / "manifest.parquet"
    rows: dict[str, list[Any]] = {
        "path": [b"%03d" % number for number in range(names)],
        "size_bytes": list(range(names)),
        "sha256": [number.to_bytes(32) for number in range(names)],
        "role": ["ignored" if number % 7 == 6 else "data" for number in range(names)],
    }
    pq.write_table(pa.table(rows), path, row_group_size=group)
    settings = Settings(source=str(tmp_path), out=tmp_path / "out")
    client: Any = None
    engine = Engine(client, client, load_policy(settings.policy), settings, Silent())
    ranges: list[list[int]] = []

    def run(self: Engine, stage: str, function: Any, calls: Any, work: int = 0) -> list[Part]:
        parts = []
        for args, _ in calls:
            given = json.loads(json.dumps(args))
            ranges.append(given["groups"])
            parts.append(Part(tmp_path, (), json.loads(json.dumps(function(given, tmp_path, beat())))))
        return parts

    monkeypatch.setattr(Engine, "_run", run)
    monkeypatch.setattr("dqv.engine._BOUND", 10)
    assert engine.bind(path) == bound(path)
    assert [begin for begin, _ in ranges[1:]] == [end for _, end in ranges[:-1]]
    assert (ranges[0][0], ranges[-1][1]) == (0, -(-names // group))
    if (names, group) == (100, 1):
        assert len(ranges) == 9  # of 86 objects ten in each
    rows["sha256"][names // 2] = None
    rows["role"][names // 2] = "data"
    pq.write_table(pa.table({**rows, "sha256": pa.array(rows["sha256"], pa.binary())}), path)
    assert engine.bind(path) is None
