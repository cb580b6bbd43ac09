from pathlib import Path

import polars as pl
import pytest

from dqv.core.location import as_args, located
from dqv.core.settings import Measuring
from dqv.execute.child import NOWHERE
from dqv.stages.licences import MOST, MOST_BYTES, kinds, licences
from tests.stages.calls import beat, pieces

MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software"


def said(folder: Path, name: str, content: bytes, kind: str) -> tuple[bool, list[str]]:
    (folder / name).write_bytes(content)
    (folder / "x.txt").touch()  # some data
    piece = pieces(folder)[0]
    args = {
        "source": as_args([located(str(folder))]), "measuring": Measuring().model_dump(mode="json"),
        "pieces": [piece], "kinds": [kind],
    }  # fmt: skip
    (found,) = licences(args, folder, beat())
    return found


@pytest.mark.parametrize(
    ("kind", "content", "read", "found"),
    [
        ("text", MIT.encode(), True, ["MIT"]),
        ("text", b"\xef\xbb\xbf" + MIT.encode(), True, ["MIT"]),
        ("text", "木兰宽松许可证，第2版".encode("gb18030"), True, ["MulanPSL-2.0"]),
        ("text", b"our own terms", True, []),
        ("text", b"%PDF-1.7\0", False, []),
        ("text", b"\xff\xff", False, []),
        ("text", MIT.encode() + b" " * (MOST_BYTES - len(MIT) - 1) + "许".encode(), True, ["MIT"]),
        ("card", b"---\nlicense: cc-by-4.0\n---\n# x", True, ["CC-BY-4.0"]),
        (
            "card",
            b"---\r\nlicense:\r\n- mit\r\n- 'apache-2.0'\r\ntags: []\r\n---\r\n",
            True,
            ["Apache-2.0", "MIT"],
        ),
        ("card", b"---\nlicense: [mit]\n---\n", True, ["MIT"]),
        ("card", b"license: mit\n", True, []),
        ("card", b"---\ntitle: x\n---\nlicense: mit\n", True, []),
        ("croissant", b'{"license": "https://creativecommons.org/licenses/by/4.0/"}', True, ["CC-BY-4.0"]),
        ("croissant", b'{"license": [{"name": "MIT"}, {"@id": "CC0"}, 7]}', True, ["CC0-1.0", "MIT"]),
        ("croissant", b'{"name": "x"}', True, []),
        ("croissant", b'{"license": ', False, []),
        ("croissant", b"[]", False, []),
    ],
)
def test_what_files_say_of_the_licence(
    tmp_path: Path, kind: str, content: bytes, read: bool, found: list[str]
) -> None:
    assert said(tmp_path, "file", content, kind) == (read, found)


def test_what_ends_the_child_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text(MIT)
    (tmp_path / "x.txt").touch()
    piece = pieces(tmp_path)[0]
    args = {
        "source": as_args([located(str(tmp_path))]), "measuring": Measuring().model_dump(mode="json"),
        "pieces": [piece], "kinds": ["text"],
    }  # fmt: skip
    poisoned = beat([[piece["object"], NOWHERE, "hang", "no progress"]])
    assert licences(args, tmp_path, poisoned) == [(False, [])]
    (tmp_path / "LICENSE").write_text("changed")
    assert licences(args, tmp_path, beat()) == [(False, [])]


def test_few_files_are_asked() -> None:
    names = ["LICENSE", "README.md", "docs/README.md", "a/croissant.json", "README.html", "x.txt"]
    roles = ["licence", "documentation", "documentation", "metadata", "documentation", "data"]
    objects = pl.LazyFrame({"object": range(6), "name": names, "role": roles})
    assert kinds(objects).collect().rows() == [
        (0, "LICENSE", "text"),
        (1, "README.md", "card"),
        (3, "a/croissant.json", "croissant"),
    ]
    many = pl.LazyFrame(
        {"object": range(MOST + 1), "name": ["LICENSE"] * (MOST + 1), "role": ["licence"] * (MOST + 1)}
    )
    assert kinds(many).collect().height == MOST
