import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dqv.execute import partitions
from dqv.execute.partitions import TARGET_BYTES, byte_spans, group_spans, is_large, pack, pieces_of

SIZES = st.lists(st.integers(0, 5 * TARGET_BYTES), max_size=60)


def row(number: int, size: int) -> dict[str, Any]:
    return {"object": number, "path": b"\xff%d" % number, "size_bytes": size, "role": "data", "why": ""}


def spans(size: int) -> list[tuple[int, int, int]]:
    return byte_spans(size) if is_large(size) else []


def cut(sizes: list[int]) -> list[list[partitions.Piece]]:
    rows = [row(number, size) for number, size in enumerate(sizes)]
    return list(pack(piece for each in rows for piece in pieces_of(each, spans(each["size_bytes"]))))


@given(SIZES)
def test_every_byte_is_read_once_and_every_object_hashed_once(sizes: list[int]) -> None:
    pieces = [piece for task in cut(sizes) for piece in task]
    for number, size in enumerate(sizes):
        mine = [piece for piece in pieces if piece.row["object"] == number]
        hashed = [piece for piece in mine if piece.read in ("whole", "digest")]
        assert len(hashed) == 1
        spans = [(piece.start, piece.stop) for piece in mine if piece.read == "span"]
        if spans:
            assert spans[0][0] == 0
            assert spans[-1][1] == size
            assert all(a[1] == b[0] for a, b in itertools.pairwise(spans))
        else:
            assert mine[0].read == "whole"


@given(SIZES)
def test_tasks_keep_the_canonical_order_and_their_size(sizes: list[int]) -> None:
    tasks = cut(sizes)
    order = [(p.row["object"], p.start) for task in tasks for p in task if p.read != "digest"]
    assert order == sorted(order)
    for task in tasks:
        assert len(task) == 1 or sum(piece.work for piece in task) <= TARGET_BYTES


def test_small_files_are_packed_up_to_the_most(monkeypatch: Any) -> None:
    monkeypatch.setattr(partitions, "MOST_OBJECTS", 10)
    assert [len(task) for task in cut([1] * 25)] == [10, 10, 5]


@given(st.lists(st.integers(1, 2 * TARGET_BYTES), min_size=1, max_size=40))
def test_row_groups_are_each_in_one_span(sizes: list[int]) -> None:
    spans = group_spans(sizes)
    assert [number for start, stop, _ in spans for number in range(start, stop)] == list(range(len(sizes)))
    assert sum(work for _, _, work in spans) == sum(sizes)


def test_path_bytes_survive_the_way_to_the_child() -> None:
    (piece,) = pieces_of(row(3, 5), ())
    assert piece.as_args()["path"].encode("latin-1") == b"\xff3"
