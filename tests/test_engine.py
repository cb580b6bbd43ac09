"""What the client holds while it makes tasks."""

import tracemalloc
from pathlib import Path
from typing import Any

from dqv.connectors.objects import Listed
from dqv.core.policy import load_policy
from dqv.core.settings import Settings
from dqv.engine import Engine, Silent, classified
from dqv.execute import manifest


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
