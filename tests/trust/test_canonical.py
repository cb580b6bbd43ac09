import pytest

from dqv.core.errors import TrustError
from dqv.trust import canonical


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"c":2,"b":1}}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\xff"}',
        b'{"a":1}{"a":1}',
        b"[" * 200_000,
        b"1" * 5000,
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    with pytest.raises(TrustError, match="the thing is not strict JSON"):
        canonical.load(data, "the thing")


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**53, "\ud800", {"\ud800": 1}, {1: 1}, {"a": object()}]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TrustError, match="the thing has no canonical form"):
        canonical.dump(value, "the thing")


def test_the_same_value_has_the_same_bytes() -> None:
    assert canonical.dump({"b": 1, "a": "é\n"}, "it") == '{"a":"é\\n","b":1}'.encode()
