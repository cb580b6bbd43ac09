import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.trust import merkle

CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
records = st.tuples(st.binary(max_size=20), st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32))


def naive(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162, 2.1.1, word for word."""
    n = len(leaves)
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < n:
        k *= 2
    return hashlib.sha256(b"\x01" + naive(leaves[:k]) + naive(leaves[k:])).digest()


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_root_is_the_one_of_the_rfc(leaves: list[bytes]) -> None:
    assert merkle.root(iter(leaves)) == naive(leaves)


@pytest.mark.parametrize("count", range(9))
def test_roots_are_those_of_certificate_transparency(count: int) -> None:
    assert merkle.root(CT_LEAVES[:count]).hex() == CT_ROOTS[count]


def test_order_of_leaves_counts() -> None:
    assert merkle.root([b"a", b"b"]) != merkle.root([b"b", b"a"])


def test_a_leaf_cannot_be_taken_for_a_node() -> None:
    left, right = (hashlib.sha256(b"\x00" + leaf).digest() for leaf in (b"a", b"b"))
    assert merkle.root([left + right]) != merkle.root([b"a", b"b"])


@given(records, records)
def test_no_two_objects_share_a_record(a: tuple[bytes, int, bytes], b: tuple[bytes, int, bytes]) -> None:
    assert (merkle.leaf_record(*a) == merkle.leaf_record(*b)) == (a == b)


def test_record_has_the_documented_layout() -> None:
    assert merkle.leaf_record(b"a/\xff", 258, b"\x07" * 32) == (
        b"\0\0\0\0\0\0\0\x03" + b"a/\xff" + b"\0\0\0\0\0\0\x01\x02" + b"\x07" * 32
    )


@pytest.mark.parametrize(
    ("size", "sha256", "error"),
    [(1, b"short", ValueError), (-1, bytes(32), OverflowError), (2**64, bytes(32), OverflowError)],
)
def test_record_refuses_what_does_not_fit(size: int, sha256: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        merkle.leaf_record(b"a", size, sha256)
