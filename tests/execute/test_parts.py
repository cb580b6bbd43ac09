from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.files import sha256_file
from dqv.execute import parts
from dqv.execute.parts import Table

SCHEMA = pa.schema([("object", pa.int64()), ("row", pa.int64())])

# objects: rows in batches, kept or taken back and replaced by one error row (row −1)
OBJECTS = st.lists(st.tuples(st.lists(st.integers(1, 40), max_size=6), st.booleans()), max_size=12)


def write(folder: Path, objects: list[tuple[list[int], bool]]) -> list[tuple[int, int]]:
    expected: list[tuple[int, int]] = []
    with Table(folder, "items", SCHEMA) as table:
        for number, (batches, good) in enumerate(objects):
            table.begin()
            at = 0
            for size in batches:
                rows = [{"object": number, "row": at + i} for i in range(size)]
                table.add_rows(rows)
                at += size
            if good:
                expected += [(number, row) for row in range(at)]
            else:
                table.take_back()
                table.add_rows([{"object": number, "row": -1}])
                expected.append((number, -1))
            table.keep()
    return expected


@given(OBJECTS, st.sampled_from([16, 200, 1000, 1 << 20]))
def test_an_object_is_there_whole_or_not_at_all_and_in_order(
    objects: list[tuple[list[int], bool]], held_bytes: int
) -> None:
    with TemporaryDirectory() as name, patch.object(parts, "_HELD_BYTES", held_bytes):
        folder = Path(name)
        expected = write(folder, objects)
        files = sorted(folder.iterdir(), key=lambda path: int(path.stem.split("-")[1]))
        assert [path.name for path in files] == [f"items-{number}.parquet" for number in range(len(files))]
        found = [tuple(row.values()) for path in files for row in pq.read_table(path).to_pylist()]
        assert found == expected


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        write(folder, [([10, 20], True), ([5], False)])
        digests.add(sha256_file(folder / "items-0.parquet"))
    assert len(digests) == 1
