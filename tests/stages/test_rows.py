from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.errors import ItemError
from dqv.core.schema import DESCRIPTIONS, ITEMS, PARAGRAPHS, PERSONAL
from dqv.core.settings import Measuring
from dqv.execute import parts
from dqv.execute.parts import Table
from dqv.stages.gathered import Gathered
from dqv.stages.privacy import PersonalRows
from dqv.stages.rows import ItemRows

PHONE = 13812345678

# objects: how many records, which of them are broken, and whether the object fails at its end
OBJECTS = st.lists(st.tuples(st.integers(0, 25), st.sets(st.integers(0, 24)), st.booleans()), max_size=12)


def piece(number: int) -> dict[str, object]:
    return {"object": number, "path": "a.jsonl", "modality": "text", "format": "jsonl", "why": "", "read": "whole",
            "size_bytes": 1}  # fmt: skip


@given(OBJECTS, st.integers(1, 30), st.sampled_from([1, 3000, 1 << 20]))
def test_rows_are_there_whole_in_order_and_with_their_facts(
    objects: list[tuple[int, set[int], bool]], batch_rows: int, held_bytes: int
) -> None:
    expected = []
    with (
        TemporaryDirectory() as name,
        patch.object(Gathered, "_BATCH_ROWS", batch_rows),
        patch.object(PersonalRows, "_BATCH_ROWS", batch_rows),
        patch.object(parts, "_HELD_BYTES", held_bytes),
    ):
        with (
            Table(Path(name), "items", ITEMS) as table,
            Table(Path(name), "paragraphs", PARAGRAPHS) as long,
            Table(Path(name), "descriptions", DESCRIPTIONS) as more,
            Table(Path(name), "personal", PERSONAL) as values,
        ):
            personal = PersonalRows(values)
            gathered = ItemRows(table, long, more, personal, Measuring(long_text_bytes=40))
            for number, (count, broken, fails) in enumerate(objects):
                gathered.begin(piece(number))
                mine = []
                for place in range(count):
                    if place in broken:
                        gathered.add_error(place, ItemError("json", "x"), single=True, stored_bytes=1)
                    else:
                        gathered.add(
                            place,
                            {
                                "text": f"object {number} record {place} " + "w " * place,
                                "id": place,
                                "phone": PHONE,
                            },
                            1,
                        )
                    mine.append((number, place, "defective" if place in broken else "measured"))
                if fails:
                    gathered.take_back()
                    gathered.add_error(0, ItemError("io", "x"), single=False, stored_bytes=1)
                    mine = [(number, 0, "unread")]
                expected += mine
            gathered.end()
        found, cut, described, told = (
            [
                row
                for path in sorted(
                    Path(name).glob(f"{kind}-*"), key=lambda path: int(path.stem.split("-")[1])
                )
                for row in pq.read_table(path).to_pylist()
            ]
            for kind in ("items", "paragraphs", "descriptions", "personal")
        )
    assert [(row["object"], row["place"], row["status"]) for row in found] == expected
    assert [(row["object"], row["place"], row["id"]) for row in described] == [
        (number, place, str(place)) for number, place, status in expected if status == "measured"
    ]
    assert [(row["object"], row["place"], row["field"], row["kind"]) for row in told] == [
        (number, place, "phone", "mobile") for number, place, status in expected if status == "measured"
    ]
    longer = [row for row in found if (row["text_bytes"] or 0) > 40]
    assert [
        (row["object"], row["place"], row["part"], row["text_bytes"], row["xxh3_128"]) for row in cut
    ] == [(row["object"], row["place"], 0, row["text_bytes"], row["xxh3_128"]) for row in longer], (
        "each is one paragraph, being of few tokens"
    )
    for row in found:
        if row["status"] == "measured":
            assert row["tokens"] == 4 + row["place"]
            assert len(row["sketch"]) == 512
        else:
            assert row["tokens"] is row["sketch"] is row["xxh3_128"] is row["payload_bytes"] is None
