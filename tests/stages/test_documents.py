"""Documents through the stage: real files, good and hostile."""

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pypdf
import pytest

from dqv.core.location import as_args, located
from dqv.core.settings import Limits, Measuring
from dqv.stages import documents
from tests.connectors import made
from tests.connectors.documents_made import CHINESE, SHELL
from tests.stages.calls import beat, pieces, read

MIT = "Permission is hereby granted, free of charge, to any person obtaining\na copy of this software"


def rows(
    source: Path, out: Path, poison: list[list[Any]] | None = None, **options: Any
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """What the stage says of the documents of a folder, by their names."""
    out.mkdir()
    mine = [piece for piece in pieces(source) if piece["role"] in ("documentation", "licence")]
    args = {
        "source": as_args([located(str(source))]),
        "pieces": mine,
        "measuring": Measuring(**options).model_dump(mode="json"),
    }
    documents.read(args, out, beat(poison))
    names = {piece["object"]: piece["path"] for piece in mine}
    return (
        {names[row["object"]]: row for row in read(out, "documents")},
        read(out, "aspects"),
        read(out, "statements"),
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "data.txt").write_text("data")
    return folder


def test_a_card_is_read_with_its_aspects_and_statements(source: Path, tmp_path: Path) -> None:
    (source / "README.md").write_text(CHINESE, "utf-8")
    (source / "LICENSE").write_text(f"MIT License\n\nCopyright\n\n{MIT}, and so on.\n")
    (source / "readme.txt.gz").write_bytes(gzip.compress(b"License: MIT", mtime=0))
    found, aspects, stated = rows(source, tmp_path / "out")
    assert {name: (row["role"], row["format"], row["status"]) for name, row in found.items()} == {
        "LICENSE": ("licence", "txt", "read"),
        "README.md": ("documentation", "md", "read"),
        "readme.txt.gz": ("documentation", "txt", "read"),
    }
    assert found["LICENSE"]["licences"] == ["MIT"]
    number = found["README.md"]["object"]
    line = CHINESE[: CHINESE.index("**许可协议")].count("\n") + 1
    assert sum(row["object"] == number for row in aspects) == 20
    assert {
        (row["unit"], row["place"])
        for row in aspects
        if row["aspect"] == "licence" and row["object"] == number
    } == {("line", line)}
    numbers = [(row["kind"], row["least"], row["bound"], row["whole"]) for row in stated if row["place"] == 5]
    assert numbers == [("items", "1000", "exact", True), ("bytes", "265000", "about", True)]


def test_no_row_holds_words_of_a_document(source: Path, tmp_path: Path) -> None:
    (source / "README.md").write_text(
        "## Size\n13800138000 records of ZHANGSAN, mail zhangsan@secret.example\n"
    )
    found, aspects, stated = rows(source, tmp_path / "out")
    assert "zhangsan" not in str([found, aspects, stated]).lower()


def encrypted_pdf() -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(made.pdf(["License: MIT"])))
    writer.encrypt("user", "owner", algorithm="AES-256")
    sink = io.BytesIO()
    writer.write(sink)
    return sink.getvalue()


MACRO = made.package(
    made.docx_parts(made.paragraphs("License: MIT"), rels=made.relations(m="vbaProject:vbaProject.bin"))
    | {"word/vbaProject.bin": b"\xd0\xcf\x11\xe0"}
)


@pytest.mark.parametrize(
    ("name", "data", "status", "kind"),
    [
        ("README.pdf", encrypted_pdf(), "unread", "unsupported"),
        ("README.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "unread", "unsupported"),
        ("README.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unread", "unsupported"),
        ("README.pdf", made.pdf([], []), "defective", "empty"),
        ("README.pdf", made.pdf(["x"])[:300], "defective", "truncated"),
        ("README.docx", b"PK\3\4", "defective", "truncated"),
        ("README.md", b"", "defective", "empty"),
        ("README.md", b"\xff\xfe\x00\xd8", "defective", "encoding"),
        ("README.txt.gz", b"\x1f\x8b\x08\x00", "defective", "compression"),
        ("README.md.gz", gzip.compress(b"x" * 100_000_000, 1, mtime=0), "unread", "too-large"),
        ("README.docx", MACRO, "active", None),
        ("README.html", b"<script>document.write('License')</script><p>License: MIT</p>", "active", None),
        ("README.pdf", made.pdf(["License: MIT"], head="/OpenAction<</S/Launch/F(a.exe)>>"), "active", None),
    ],
)  # fmt: skip
def test_what_does_not_count_as_read_is_named(
    source: Path, tmp_path: Path, name: str, data: bytes, status: str, kind: str | None
) -> None:
    (source / name).write_bytes(data)
    found, aspects, stated = rows(source, tmp_path / "out")
    assert [(row["status"], row["error_kind"]) for row in found.values()] == [(status, kind)]
    if kind is not None:
        assert (aspects, stated) == ([], [])
        assert found[name]["content"] == 0


@pytest.mark.parametrize("name", ["README.pdf", "README.md", "README.docx", "README.html"])
def test_a_document_of_500_mb_is_named_without_being_read(source: Path, tmp_path: Path, name: str) -> None:
    with (source / name).open("wb") as file:
        file.truncate(500_000_000)
    found, _, _ = rows(source, tmp_path / "out")
    assert found[name]["error_kind"] == "too-large"
    assert "500000000 bytes" in found[name]["error"]


def test_the_limit_of_a_document_is_inclusive(source: Path, tmp_path: Path) -> None:
    (source / "README.md").write_text("License: MIT")
    for size, status in ((12, "read"), (11, "unread")):
        limits = Limits(document_bytes=size)
        found, _, _ = rows(source, tmp_path / f"out-{size}", limits=limits)
        assert found["README.md"]["status"] == status


def test_a_bomb_and_a_document_that_kills_the_child_are_named(source: Path, tmp_path: Path) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in made.docx_parts(made.paragraphs("x")).items():
            archive.writestr(name, part)
        archive.writestr("word/media/big.bin", b"\0" * 80_000_000)
    (source / "README.docx").write_bytes(sink.getvalue())
    (source / "readme.md").write_text("License: MIT")
    numbers = {piece["path"]: piece["object"] for piece in pieces(source)}
    found, aspects, _ = rows(
        source, tmp_path / "out", [[numbers["readme.md"], -1, "memory", "the memory limit was reached"]]
    )
    assert {name: row["error_kind"] for name, row in found.items()} == {
        "README.docx": "bomb",
        "readme.md": "memory",
    }
    assert aspects == []


@pytest.mark.parametrize(
    ("name", "content", "status", "licences"),
    [
        ("LICENSE", b"\xef\xbb\xbf" + MIT.encode(), "read", ["MIT"]),
        ("LICENSE", "木兰宽松许可证，第2版".encode("gb18030"), "read", ["MulanPSL-2.0"]),
        ("LICENSE", b"our own terms", "read", []),
        ("LICENSE", b"", "defective", []),
        ("LICENSE", b"\xff\xfe\x00\xd8", "defective", []),
        ("LICENSE.txt.gz", gzip.compress(MIT.encode(), mtime=0), "read", ["MIT"]),
        ("LICENSE.pdf", made.pdf(["SPDX-License-Identifier: MIT"]), "read", ["MIT"]),
        ("LICENSE.pdf", made.pdf(["SPDX-License-Identifier: MIT"], head="/OpenAction<</S/Launch/F(a.exe)>>"), "active", []),
        ("LICENSE.docx", MACRO, "active", []),
        ("LICENSE.md", f"# Terms\n\n> {MIT}".encode(), "read", ["MIT"]),
    ],
)  # fmt: skip
def test_a_licence_is_told_by_its_text(
    source: Path, tmp_path: Path, name: str, content: bytes, status: str, licences: list[str]
) -> None:
    (source / name).write_bytes(content)
    found, _, _ = rows(source, tmp_path / "out")
    assert [(row["status"], row["licences"]) for row in found.values()] == [(status, licences)]


def test_a_licence_is_looked_at_up_to_a_limit(source: Path, tmp_path: Path) -> None:
    tag = "SPDX-License-Identifier: MIT"
    for size, licences in ((documents.LICENCE_CHARACTERS, ["MIT"]), (documents.LICENCE_CHARACTERS + 1, [])):
        (source / "LICENSE").write_text(f"{'x' * size}\n{tag}\n")
        found, _, _ = rows(source, tmp_path / f"out-{size}")
        assert found["LICENSE"]["licences"] == licences


def test_headings_alone_say_nothing(source: Path, tmp_path: Path) -> None:
    (source / "README.md").write_text(SHELL, "utf-8")
    found, aspects, _ = rows(source, tmp_path / "out")
    assert (found["README.md"]["status"], found["README.md"]["content"]) == ("read", 0)
    assert {row["strength"] for row in aspects} == {"empty"}


def test_pictures_from_elsewhere_are_told_and_the_document_is_read(source: Path, tmp_path: Path) -> None:
    (source / "README.md").write_text("![badge](https://a.b/c.svg)\n\nLicense: MIT")
    found, _, _ = rows(source, tmp_path / "out")
    assert (found["README.md"]["status"], found["README.md"]["active"]) == ("read", ["pictures"])


def test_statements_of_one_document_are_bounded(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MOST_STATEMENTS", 3)
    (source / "README.md").write_text("".join(f"共 {number} 条\n\n" for number in range(20, 30)), "utf-8")
    _, _, stated = rows(source, tmp_path / "out")
    assert [row["least"] for row in stated] == ["20", "21", "22"]
