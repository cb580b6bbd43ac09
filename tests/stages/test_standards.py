"""What descriptions of the whole say, through the stage."""

from pathlib import Path
from typing import Any

import pytest

from dqv.core.location import as_args, located
from dqv.core.settings import Measuring
from dqv.execute.child import NOWHERE
from dqv.measure.problems import Problem
from dqv.stages import standards
from dqv.stages.standards import MOST_BYTES, describe
from tests.stages.calls import beat, pieces, read

WEB = "https://creativecommons.org/licenses/by/4.0/"


def said(
    folder: Path, name: str, content: bytes, poison: list[list[Any]] | None = None
) -> tuple[list[tuple[str, bool, list[str]]], list[tuple[str, str]]]:
    """Of one file: standard, whether it was read, and licences; and its errors."""
    source, out = folder / "source", folder / "out"
    source.mkdir()
    out.mkdir()
    (source / name).write_bytes(content)
    (source / "x.txt").touch()  # some data
    mine = [piece for piece in pieces(source) if piece["role"] != "data"]
    args = {
        "source": as_args([located(str(source))]), "measuring": Measuring().model_dump(mode="json"), "pieces": mine,
    }  # fmt: skip
    found = describe(args, out, beat(poison))
    errors = [(row["standard"], row["rule"]) for row in read(out, "problems") if row["severity"] == "error"]
    return [(each["standard"], each["read"], list(each["licences"])) for each in found], errors


@pytest.mark.parametrize(
    ("content", "read", "found"),
    [
        (b"---\nlicense: cc-by-4.0\n---\n# x", True, ["cc-by-4.0"]),
        (b"---\r\nlicense:\r\n- mit\r\n- 'apache-2.0'\r\ntags: []\r\n---\r\n", True, ["mit", "apache-2.0"]),
        (b"---\nlicense: [mit]\n---\n", True, ["mit"]),
        (b"---\nlicense: other\n---\n", True, ["other"]),
        (b"---\ntitle: x\n---\nlicense: mit\n", True, []),
        (b"---\nlicense: [mit\n---\n", False, []),
        (b"---\n- mit\n---\n", False, []),
        (b"---\n---\n", True, []),
    ],
)
def test_the_licence_of_a_card_stands_in_its_front_matter(
    tmp_path: Path, content: bytes, read: bool, found: list[str]
) -> None:
    assert said(tmp_path, "README.md", content)[0] == [("hugging-face", read, found)]


def test_where_a_problem_stands_is_masked() -> None:
    at = "$.13812345678.encodingFormat"
    assert standards._row(0, Problem("croissant", "r", "error", at, "d"))["at"] == "$.[mobile].encodingFormat"


def test_a_card_without_front_matter_says_nothing(tmp_path: Path) -> None:
    assert said(tmp_path, "README.md", b"license: mit\n") == ([], [])


@pytest.mark.parametrize(
    ("content", "read", "found"),
    [
        (f'{{"license": "{WEB}"}}'.encode(), True, [WEB]),
        (b'{"license": [{"name": "MIT", "@id": "#l"}, {"@id": "CC0"}]}', True, ["MIT", "CC0"]),
        (f'{{"license": {{"name": "ours", "url": "{WEB}"}}}}'.encode(), True, [WEB]),
        (b'{"license": {"name": "ours", "url": "https://example.org/terms"}}', True, ["ours"]),
        (b'{"license": {"text": "ours"}, "name": "x"}', True, []),
        (b'{"name": "x"}', True, []),
        (b'{"license": ', False, []),
        (b"[]", False, []),
    ],
)
def test_the_licence_of_croissant_is_told_by_what_is_well_known(
    tmp_path: Path, content: bytes, read: bool, found: list[str]
) -> None:
    assert said(tmp_path, "croissant.json", content)[0] == [("croissant", read, found)]


def test_a_croissant_file_that_is_no_object_is_an_error(tmp_path: Path) -> None:
    assert said(tmp_path, "croissant.json", b"[]")[1] == [("croissant", "no-dataset")]


def test_dataset_info_names_a_licence_too(tmp_path: Path) -> None:
    assert said(tmp_path, "dataset_info.json", b'{"license": "mit"}')[0] == [("hugging-face", True, ["mit"])]


@pytest.mark.parametrize(
    ("name", "standard", "errors"),
    [("README.md", "hugging-face", []), ("croissant.json", "croissant", [("description", "too-large")])],
)
def test_what_is_too_large_is_not_read(
    tmp_path: Path, name: str, standard: str, errors: list[tuple[str, str]]
) -> None:
    assert said(tmp_path, name, b" " * (MOST_BYTES + 1)) == ([(standard, False, [])], errors)


@pytest.mark.parametrize(
    ("name", "standard"), [("README.md", "hugging-face"), ("croissant.json", "croissant")]
)
def test_what_ends_the_child_is_left_out(tmp_path: Path, name: str, standard: str) -> None:
    poison = [[0, NOWHERE, "hang", "no progress"]]
    assert said(tmp_path, name, b"{}", poison) == ([(standard, False, [])], [("description", "hang")])
