import hashlib
import os
from pathlib import Path

import pytest

from dqv.connectors import attached as module
from dqv.connectors.attached import MOST_DOCUMENTS, attached
from dqv.core.registration import Attached

DIGEST = hashlib.sha256(b"proof").hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    mine = tmp_path / "filed"
    (mine / "docs").mkdir(parents=True)
    (mine / "a.pdf").write_bytes(b"proof")
    (mine / "docs" / "b.pdf").write_bytes(b"proof")
    (tmp_path / "outside.pdf").write_bytes(b"proof")
    return mine


def test_what_is_named_is_read_and_nothing_else(folder: Path) -> None:
    found = attached(folder, ["a.pdf", "docs/b.pdf", "none.pdf"])
    assert found == {"a.pdf": Attached(5, DIGEST), "docs/b.pdf": Attached(5, DIGEST)}


@pytest.mark.parametrize(
    "name", ["../outside.pdf", "docs/../a.pdf", "./a.pdf", "docs//b.pdf", "", "/etc/passwd", "x" * 300]
)
def test_a_name_leads_nowhere_else(folder: Path, name: str) -> None:
    assert attached(folder, [name]) == {}
    assert attached(folder, [str(folder / "a.pdf")]) == {}


def test_a_link_is_not_followed(folder: Path) -> None:
    (folder / "link.pdf").symlink_to("../outside.pdf")
    (folder / "inner").symlink_to("docs")
    found = attached(folder, ["link.pdf", "inner/b.pdf"])
    assert {name: (each.sha256, each.problem) for name, each in found.items()} == {
        "link.pdf": (None, "link"), "inner/b.pdf": (None, "changed"),
    }  # fmt: skip


def test_a_pipe_and_a_folder_are_no_documents(folder: Path) -> None:
    os.mkfifo(folder / "pipe.pdf")
    found = attached(folder, ["pipe.pdf", "docs"])
    assert [(each.sha256, each.problem) for each in found.values()] == [(None, "no-file")] * 2


@pytest.mark.parametrize(("size", "problem"), [(5, None), (4, "too-large")])
def test_a_document_has_a_limit(
    folder: Path, monkeypatch: pytest.MonkeyPatch, size: int, problem: str | None
) -> None:
    monkeypatch.setattr(module, "MOST_DOCUMENT_BYTES", size)
    found = attached(folder, ["a.pdf"])["a.pdf"]
    assert (found.problem, found.sha256) == (problem, None if problem else DIGEST)


def test_a_sparse_file_of_a_terabyte_costs_nothing(folder: Path) -> None:
    with (folder / "huge.pdf").open("wb") as file:
        file.truncate(2**40)
    assert attached(folder, ["huge.pdf"]) == {"huge.pdf": Attached(2**40, None, "too-large")}


def test_so_many_documents_are_read(folder: Path) -> None:
    names = [f"{number:03d}.pdf" for number in range(MOST_DOCUMENTS + 1)]
    for name in names:
        (folder / name).write_bytes(b"proof")
    found = attached(folder, names)
    assert [each.problem for each in found.values()] == [None] * MOST_DOCUMENTS + ["too-many"]
