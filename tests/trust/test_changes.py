"""Every change of a byte of what is verified is noticed."""

from pathlib import Path

import pytest

from tests.trust.signed import make, report, verify


@pytest.mark.parametrize(
    ("name", "numbers"),
    [("report.dsse.json", {1, 2}), ("manifest.parquet", {8}), ("evidence/recency.parquet", {9})],
)
def test_every_change_of_a_byte_is_noticed(tmp_path: Path, name: str, numbers: set[int]) -> None:
    # a policy of one's own has no rules that must be found: the envelope is small
    own = report(None)["policy"] | {"id": "own"}
    envelope, path = make(tmp_path, policy=own, findings=[]), tmp_path / name
    content = path.read_bytes()
    assert verify(envelope).holds
    for at, byte in enumerate(content):
        for other in (bytes([byte ^ 1]), bytes([byte ^ 32]), bytes([byte ^ 255]), b""):
            path.write_bytes(content[:at] + other + content[at + 1 :])
            result = verify(envelope)
            assert not result.holds, (at, other)
            assert len(result.steps) in numbers
