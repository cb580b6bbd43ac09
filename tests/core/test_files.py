from collections.abc import Iterator
from pathlib import Path

import pytest

from dqv.core.files import write_atomic


def test_a_file_is_written_piece_by_piece(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", iter([b"one\n", b"", b"two\n"]))
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"


def test_where_a_piece_fails_the_old_file_is_untouched(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"new"
        raise ValueError("no more")

    write_atomic(tmp_path / "a", b"old")
    with pytest.raises(ValueError, match="no more"):
        write_atomic(tmp_path / "a", pieces())
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]
