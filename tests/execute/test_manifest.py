import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dqv.execute.manifest import Entry, build, digest


def entry(path: bytes, identity: str = "", size: int = 1) -> Entry:
    return Entry(path, size, 0, identity or path.hex(), "data", "format-txt", "text", "txt", None)


@given(st.permutations([b"b", b"a", b"a/b", b"\xff", "é".encode(), b"B"]))
def test_the_order_of_listing_does_not_matter(paths: list[bytes]) -> None:
    table = build(entry(path) for path in paths)
    assert table["path"].to_pylist() == sorted(paths)
    assert table["object"].to_pylist() == list(range(len(paths)))


def test_a_second_name_of_the_same_file_is_ignored() -> None:
    table = build([entry(b"b", "1:7"), entry(b"a", "1:7"), entry(b"c", "1:8")])
    assert table["role"].to_pylist() == ["data", "ignored", "data"]
    assert table["why"].to_pylist()[1] == "hard-link"


def test_data_is_not_hidden_behind_another_name_of_its_file() -> None:
    licence = Entry(b"LICENSE", 1, 0, "1:7", "licence", "licence-name", None, None, None)
    link = Entry(b".link", 1, 0, "1:7", "ignored", "symbolic-link", None, None, None)
    table = build([licence, link, entry(b"old.jsonl", "1:7")])
    assert table["role"].to_pylist() == ["ignored", "licence", "data"]


def test_the_digest_tells_size_time_and_name() -> None:
    first = build([entry(b"a", "1:1")])
    assert digest(first) == digest(build([entry(b"a", "1:1")]))
    assert digest(first) != digest(build([entry(b"a", "1:1", size=2)]))
    assert digest(first) != digest(build([entry(b"b", "1:1")]))
    assert isinstance(first, pa.Table)
