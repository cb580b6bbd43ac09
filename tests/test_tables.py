"""Joining the rows of a run, against the same said in plain Python."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv import tables
from dqv.core.schema import ITEMS, LINKED, READ_OBJECTS, SIDECAR, SURPLUS, TURNED
from dqv.engine import Duplicates, Measured
from dqv.execute import manifest
from dqv.execute.ledger import Part
from dqv.execute.partitions import Range

Rows = list[dict[str, Any]]

NAMES = [b"a.jsonl", b"b.jpg", b"c\xff.jpg", b"d.txt", b"e.json", b"f.jsonl"]
TABLES = {"items": ITEMS, "objects": READ_OBJECTS, "sidecar": SIDECAR}


def put(path: Path, rows: Rows, schema: pa.Schema) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path


def measured(folder: Path, parts: list[dict[str, Rows]], split: dict[int, tuple[int, int, int]]) -> Measured:
    """A dataset whose measuring parts have these rows; where an object is split, its last part is its digest."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = [manifest.Entry(name, 1, 0, "", "data", "", None, None, "gzip") for name in NAMES]
    listing = manifest.write(entries, folder / "listing.parquet")
    made = []
    for number, part in enumerate(parts):
        names = []
        for name, rows in part.items():
            if rows:
                names.append(put(folder / f"part-{number}" / f"{name}-0.parquet", rows, TABLES[name]).name)
        made.append(Part(folder / f"part-{number}", tuple(names), None))
    return Measured({}, listing, [Range(0, len(NAMES), "records", split, 0, "")], made)


def duplicates(folder: Path, surplus: Rows, linked: Rows, turned: Rows) -> Duplicates:
    paths = [
        put(folder / f"{number}.parquet", rows, schema)
        for number, (rows, schema) in enumerate(((surplus, SURPLUS), (linked, LINKED), (turned, TURNED)))
    ]
    return Duplicates(paths[0], paths[1], paths[2], {}, {}, {})


def item(number: int, place: int, status: str, modality: str | None = "text") -> dict[str, Any]:
    kind = None if status == "measured" else f"kind-{place}"
    return {
        "object": number, "place": place, "status": status, "error_kind": kind, "modality": modality,
        "payload_bytes": 10 + place, "text_bytes": place,
    }  # fmt: skip


def told(
    number: int, encoding: str | None = None, fields: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "object": number,
        "encoding": encoding,
        "fields": fields or [],
        "bytes_read": 1,
        "requests": 1,
        **more,
    }


STATUS = st.sampled_from(["measured", "defective", "unread"])


@given(
    st.lists(st.lists(STATUS, max_size=4), min_size=6, max_size=6),
    st.lists(st.integers(0, 23), unique=True),
    st.integers(0, 24),
)
def test_items_have_their_fate_and_objects_what_their_items_came_to(
    tmp_path_factory: pytest.TempPathFactory, statuses: list[list[str]], repeated: list[int], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("run")
    rows = [item(n, place, each) for n, mine in enumerate(statuses) for place, each in enumerate(mine)]
    parts = [
        {"items": rows[:cut], "objects": [told(0), told(1), told(2)]},
        {"items": rows[cut:], "objects": [told(3), told(4), told(5)]},
    ]
    surplus = [
        {
            "id": n,
            "object": rows[n]["object"],
            "place": rows[n]["place"],
            "original_object": 0,
            "verified": "exact",
        }
        for n in sorted(repeated)
        if n < len(rows)
    ]
    linked = [{"id": row["id"], "object": 0, "place": 0, "certain": False} for row in surplus[::2]]
    turned = [{"id": row["id"], "object": 0, "place": 0} for row in surplus[1::2]]
    items, objects = tables.joined(
        measured(folder, parts, {}), duplicates(folder, surplus, linked, turned), folder / "tables"
    )
    found = items.collect().to_dicts()
    assert [(row["object"], row["place"], row["status"]) for row in found] == [
        (row["object"], row["place"], row["status"]) for row in rows
    ]
    numbers = [row["id"] for row in surplus]
    assert [n for n, row in enumerate(found) if row["surplus"]] == numbers
    assert [n for n, row in enumerate(found) if row["linked"] is False] == numbers[::2]
    assert [n for n, row in enumerate(found) if row["turned"]] == numbers[1::2]
    assert {row["compression"] for row in found} <= {"gzip"}
    for row, mine in zip(objects.collect().to_dicts(), statuses, strict=True):
        ours = [each for each in rows if each["object"] == row["object"]]
        order = [status for status in ("measured", "defective", "unread") if status in mine]
        assert row["fate"] == (order[0] if order else None)
        assert row["kind"] == next((each["error_kind"] for each in ours if each["error_kind"]), None)
        texts = [each for each in ours if each["status"] == "measured"]
        assert (row["texts"] or 0) == len(texts)
        assert (row["payload_bytes"] or 0) == sum(each["payload_bytes"] for each in texts)


def test_the_pieces_of_a_split_object_are_told_as_one(tmp_path: Path) -> None:
    parts = [
        {"objects": [told(0, "utf-8/gb18030", ["b"]), told(1, "x"), told(5, "utf-8", ["a", "b"])]},
        {"objects": [told(5, "utf-16/utf-8", ["c"], error_kind="io", error="why")]},
        {"objects": [told(5, sha256=b"x" * 32)]},
    ]
    run = measured(tmp_path, parts, {5: (0, 1, 1)})
    _, objects = tables.joined(run, duplicates(tmp_path, [], [], []), tmp_path / "tables")
    rows = objects.collect().to_dicts()
    assert [row["name"] for row in rows] == ["a.jsonl", "b.jpg", "c\\xff.jpg", "d.txt", "e.json", "f.jsonl"]
    assert [row["encoding"] for row in rows] == ["utf-8/gb18030", "x", None, None, None, "utf-8/utf-16"]
    assert rows[5]["fields"] == ["a", "b", "c"]
    assert (rows[5]["bytes_read"], rows[5]["sha256"], rows[5]["error_kind"]) == (3, b"x" * 32, "io")
    assert (rows[0]["bytes_read"], rows[0]["sha256"], rows[2]["bytes_read"]) == (1, None, None)
    manifest.write_final(tmp_path / "tables" / "objects.parquet", tmp_path / "manifest.parquet")
    final = pq.read_table(tmp_path / "manifest.parquet")
    assert final["path"].to_pylist() == NAMES
    assert final["sha256"].to_pylist() == [None] * 5 + [b"x" * 32]


def test_the_first_date_that_metadata_gives_a_path_is_its_date(tmp_path: Path) -> None:
    def said(
        number: int, place: int, target: bytes, year: int | None, modified: int | None = None
    ) -> dict[str, Any]:
        days = [None if each is None else date(each, 1, 1) for each in (year, modified)]
        return {"object": number, "place": place, "target": target, "date": days[0], "date_modified": days[1]}

    first = [said(3, 1, b"c\xff.jpg", None, 2001), said(3, 2, b"c\xff.jpg", 2002), said(3, 3, b"z", 2003)]
    later = [said(4, 0, b"c\xff.jpg", 2004, 2005), said(4, 1, b"a.jsonl", 2006)]
    parts = [
        {"items": [item(0, 0, "measured"), item(2, 0, "measured")], "sidecar": first},
        {"sidecar": later},
    ]
    run = measured(tmp_path, parts, {})
    items, _ = tables.joined(run, duplicates(tmp_path, [], [], []), tmp_path / "tables")
    assert items.select("date_sidecar", "date_sidecar_modified").collect().rows() == [
        (date(2006, 1, 1), None),
        (date(2002, 1, 1), date(2001, 1, 1)),
    ]


def test_rows_that_are_not_in_order_are_no_report(tmp_path: Path) -> None:
    parts = [{"items": [item(4, 0, "measured"), item(1, 0, "measured"), item(4, 1, "unread")]}]
    with pytest.raises(AssertionError, match="not in order"):
        tables.joined(measured(tmp_path, parts, {}), duplicates(tmp_path, [], [], []), tmp_path / "tables")
