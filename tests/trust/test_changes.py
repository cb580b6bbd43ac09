"""Every change of a byte of what is verified is noticed."""

from functools import cache
from pathlib import Path

import pytest

from dqv.core.policy import load_policy
from dqv.trust import verification
from tests.trust.signed import make, verify


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("report.dsse.json", {1, 2}), ("manifest.parquet", {8}), ("evidence/recency.parquet", {9})],
)
def test_every_change_of_a_byte_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, numbers: set[int]
) -> None:
    monkeypatch.setattr(
        verification, "load_policy", cache(load_policy)
    )  # half of the time, and never another
    envelope, path = make(tmp_path), tmp_path / name
    content = path.read_bytes()
    assert verify(envelope).holds
    for at, byte in enumerate(content):
        for other in (bytes([byte ^ 1]), bytes([byte ^ 32]), bytes([byte ^ 255]), b""):
            path.write_bytes(content[:at] + other + content[at + 1 :])
            result = verify(envelope)
            assert not result.holds, (at, other)
            assert len(result.steps) in numbers
