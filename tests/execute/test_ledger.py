from pathlib import Path
from typing import Any

import pytest

from dqv.core.files import sha256_file
from dqv.core.settings import Limits
from dqv.execute.ledger import Ledger, Task, code_digest


def task(ledger: Ledger, **changes: Any) -> Task:
    values: dict[str, Any] = {
        "stage": "measure", "index": 0, "call": "m:f", "args": {"a": 1}, "policy": "p", "limits": Limits(),
        "parts": str(ledger.parts), "work": 0, "code": "c", "reads_source": True,
    }  # fmt: skip
    return Task(**(values | changes))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def finish(ledger: Ledger, done: Task) -> Path:
    folder = ledger.parts / done.folder
    folder.mkdir()
    table = folder / "items-0.parquet"
    table.write_bytes(b"rows")
    ledger.record(
        done, {"result": 7, "tables": {table.name: {"sha256": sha256_file(table), "size_bytes": 4}}}
    )
    return table


def test_a_recorded_part_is_proved(ledger: Ledger) -> None:
    done = task(ledger)
    table = finish(ledger, done)
    part = ledger.proved(done)
    assert part is not None
    assert part.result == 7
    assert part.files("items") == [table]


def test_a_part_without_an_entry_does_not_count(ledger: Ledger) -> None:
    done = task(ledger)
    (ledger.parts / done.folder).mkdir()
    assert ledger.proved(done) is None


def test_one_changed_byte_of_a_part_is_noticed(ledger: Ledger) -> None:
    done = task(ledger)
    finish(ledger, done).write_bytes(b"rovs")
    assert ledger.proved(done) is None


def test_a_missing_table_is_noticed(ledger: Ledger) -> None:
    done = task(ledger)
    finish(ledger, done).unlink()
    assert ledger.proved(done) is None


def test_a_torn_entry_does_not_count(ledger: Ledger, tmp_path: Path) -> None:
    done = task(ledger)
    finish(ledger, done)
    entry = tmp_path / "ledger" / f"{done.folder}.json"
    entry.write_bytes(entry.read_bytes()[:-5])
    assert ledger.proved(done) is None


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "other"}, {"index": 1}, {"call": "m:g"}, {"args": {"a": 2}}, {"policy": "q"}, {"code": "d"},
        {"limits": Limits(stall_s=1)},
    ],
)  # fmt: skip
def test_whatever_may_change_a_part_is_in_its_identity(ledger: Ledger, change: dict[str, Any]) -> None:
    finish(ledger, task(ledger))
    assert ledger.proved(task(ledger, **change)) is None


def test_where_it_runs_is_not_in_its_identity(ledger: Ledger) -> None:
    assert task(ledger).identity == task(ledger, parts="/elsewhere", work=9).identity


def test_tables_are_in_the_order_of_their_numbers(ledger: Ledger) -> None:
    done = task(ledger)
    (ledger.parts / done.folder).mkdir()
    tables = {}
    for number in range(12):
        path = ledger.parts / done.folder / f"items-{number}.parquet"
        path.write_bytes(b"x")
        tables[path.name] = {"sha256": sha256_file(path), "size_bytes": 1}
    part = ledger.record(done, {"result": None, "tables": tables})
    assert [path.name for path in part.files("items")] == [f"items-{number}.parquet" for number in range(12)]


def test_leftovers_of_killed_children_are_removed(tmp_path: Path) -> None:
    leftover = tmp_path / "parts" / ".measure-000000-ab.123.tmp"
    leftover.mkdir(parents=True)
    Ledger(tmp_path)
    assert not leftover.exists()


def test_the_digest_of_the_code_covers_the_linked_folders() -> None:
    assert len(code_digest()) == 64
