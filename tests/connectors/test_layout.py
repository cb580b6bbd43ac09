import pytest

from dqv.connectors.containers.records import READERS
from dqv.connectors.layout import READABLE, classify, medium


@pytest.mark.parametrize(
    ("path", "role", "modality", "form", "compression"),
    [
        ("a.txt", "data", "text", "txt", None),
        ("x/A.JSONL", "data", "text", "jsonl", None),
        ("x/a.jsonl.gz", "data", "text", "jsonl", "gzip"),
        ("x/a.csv.zst", "data", "text", "csv", "zstd"),
        ("a.parquet.gz", "data", None, "gz", None),
        ("a.jpg", "data", "image", "jpg", None),
        ("a.wav", "data", "audio", "wav", None),
        ("a.mp4", "data", "video", "mp4", None),
        ("a.tar", "container", None, "tar", None),
        ("a/b.TAR.GZ", "container", None, "tar", "gzip"),
        ("a.tgz", "container", None, "tar", "gzip"),
        ("a.tar.zst", "container", None, "tar", "zstd"),
        ("a.zip", "container", None, "zip", None),
        ("a.rar", "data", None, "rar", None),
        ("x/a.docx", "data", "text", "docx", None),
        ("x/A.XLSX", "data", "text", "xlsx", None),
        ("a.pdf", "data", "text", "pdf", None),
        ("a.pdf.gz", "data", None, "gz", None),
        ("a.doc", "data", None, "doc", None),
        ("a.pptx", "data", None, "pptx", None),
        ("README.pdf", "documentation", None, None, None),
        ("metadata.xlsx", "data", "text", "xlsx", None),
        ("README.md", "documentation", None, None, None),
        ("x/README.md", "data", "text", "md", None),
        ("docs/readme.md", "documentation", None, None, None),
        ("docs/guide.pdf", "documentation", None, None, None),
        ("docs/000.txt", "data", "text", "txt", None),
        ("README.jsonl", "data", "text", "jsonl", None),
        ("readme_corpus.jsonl", "data", "text", "jsonl", None),
        ("licensed_corpus.jsonl", "data", "text", "jsonl", None),
        ("说明书语料.parquet", "data", "text", "parquet", None),
        ("README", "documentation", None, None, None),
        ("old.idx", "other", None, None, None),
        ("数据集说明.docx", "documentation", None, None, None),
        ("LICENSE", "licence", None, None, None),
        ("metadata.csv", "metadata", None, "csv", None),
        ("x/metadata.jsonl", "metadata", None, "jsonl", None),
        ("SHA256SUMS", "index", None, None, None),
        (".DS_Store", "index", None, None, None),
        ("model.bin", "other", None, None, None),
        ("noname", "other", None, None, None),
    ],
)
def test_a_name_tells_what_it_is(
    path: str, role: str, modality: str | None, form: str | None, compression: str | None
) -> None:
    kind = classify(path.encode(), "file")
    assert (kind.role, kind.modality, kind.format, kind.compression) == (role, modality, form, compression)


@pytest.mark.parametrize(
    ("kind", "role"), [("link", "ignored"), ("special", "ignored"), ("unreadable", "data")]
)
def test_what_is_no_file_has_a_named_rule(kind: str, role: str) -> None:
    found = classify(b"a.txt", kind)
    assert found.role == role
    assert found.why


def test_every_readable_format_has_a_reader_and_the_other_way_round() -> None:
    assert set(READERS) == READABLE


def test_a_name_that_is_not_utf8_is_classified_by_its_suffix() -> None:
    assert classify(b"\xb2\xe2.txt", "file").format == "txt"


def test_a_link_keeps_the_format_of_its_name() -> None:
    assert classify(b"a.jsonl", "link").format == "jsonl"
    assert classify(b"a.jsonl", "link").modality is None


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"FLV\1\1\0\0\0\x09", ("video", "flv")),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), ("video", "wmv")),  # the GUID of an ASF header
        (b"\0\0\1\xba\x44", ("video", "mpg")),  # a pack of an MPEG programme stream
        (b"caff\0\1\0\0", ("audio", "caf")),
        (b"#!AMR\n", ("audio", "amr")),
        (b"\xff\xf1\x50\x80", ("audio", "aac")),
        (b"\xff\xf9\x50\x80", ("audio", "aac")),
        (b"#!AMR-WB\n", ("audio", "amr")),
        (b"\0\0\1\xb9", None),
        (b"FLV\2", None),
    ],
)
def test_a_medium_without_a_name_is_told_by_its_beginning(head: bytes, told: tuple[str, str] | None) -> None:
    """What is not told, in a column of bare bytes, is no item."""
    assert medium(head) == told
