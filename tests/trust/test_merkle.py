import hashlib
import itertools
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
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
SHA256 = merkle.HASHES["sha256"]
records = st.tuples(st.binary(max_size=20), st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32))
leaves_of_a_tree = st.lists(st.binary(max_size=4), max_size=70)


def sm3(data: bytes) -> bytes:
    """As the library gives it, with none of our short cuts."""
    begun = hashes.Hash(hashes.SM3())
    begun.update(data)
    return begun.finalize()


DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "sm3": sm3,
}
by_hash = pytest.mark.parametrize("name", list(merkle.HASHES))


def naive(leaves: list[bytes], digest: Callable[[bytes], bytes] = DIGESTS["sha256"]) -> bytes:
    """The definition of RFC 9162, 2.1.1, word for word."""
    n = len(leaves)
    if n == 0:
        return digest(b"")
    if n == 1:
        return digest(b"\x00" + leaves[0])
    k = 1
    while k * 2 < n:
        k *= 2
    return digest(b"\x01" + naive(leaves[:k], digest) + naive(leaves[k:], digest))


def path(m: int, leaves: list[bytes], digest: Callable[[bytes], bytes]) -> list[bytes]:
    """The definition of RFC 9162, 2.1.3.1, word for word."""
    n = len(leaves)
    if n == 1:
        return []
    k = 1
    while k * 2 < n:
        k *= 2
    if m < k:
        return [*path(m, leaves[:k], digest), naive(leaves[k:], digest)]
    return [*path(m - k, leaves[k:], digest), naive(leaves[:k], digest)]


def root(leaves: list[bytes], digest: merkle.Hash = SHA256) -> bytes:
    tree = merkle.Tree(digest)
    tree.extend(leaves)
    return tree.root()


@by_hash
@given(leaves=leaves_of_a_tree)
def test_root_is_the_one_of_the_rfc(name: str, leaves: list[bytes]) -> None:
    assert root(leaves, merkle.HASHES[name]) == naive(leaves, DIGESTS[name])


@pytest.mark.parametrize("count", range(9))
def test_roots_are_those_of_certificate_transparency(count: int) -> None:
    assert root(CT_LEAVES[:count]).hex() == CT_ROOTS[count]


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_is_that_of_the_standard(data: bytes, digest: str) -> None:
    """GB/T 32905-2016, annex A."""
    assert merkle.HASHES["sm3"](data).hex() == digest


@by_hash
@given(leaves=leaves_of_a_tree, cuts=st.lists(st.integers(0, 70), max_size=12))
def test_any_cut_into_ranges_gives_the_root(name: str, leaves: list[bytes], cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(leaves)) for cut in cuts), len(leaves)]
    tree = merkle.Tree(merkle.HASHES[name])
    for first, stop in itertools.pairwise(edges):
        found = merkle.subtrees(leaves[first:stop], first, merkle.HASHES[name])
        assert all(sum(height == each for height, _ in found) <= 2 for each in range(8))
        tree.add(found)
    assert tree.leaves == len(leaves)
    assert tree.root() == naive(leaves, DIGESTS[name])


def test_a_subtree_must_stand_at_a_multiple_of_its_size() -> None:
    tree = merkle.Tree(SHA256)
    tree.extend([b"a", b"b", b"c"])
    with pytest.raises(ValueError, match="height 1 begins at leaf 3"):
        tree.add(merkle.subtrees([b"d", b"e"], 0, SHA256))


def test_order_of_leaves_counts() -> None:
    assert root([b"a", b"b"]) != root([b"b", b"a"])


def test_a_leaf_cannot_be_taken_for_a_node() -> None:
    left, right = (hashlib.sha256(b"\x00" + leaf).digest() for leaf in (b"a", b"b"))
    assert root([left + right]) != root([b"a", b"b"])


@by_hash
@given(leaves=leaves_of_a_tree.filter(bool), data=st.data())
def test_the_proof_is_the_one_of_the_rfc(name: str, leaves: list[bytes], data: st.DataObject) -> None:
    index, digest = data.draw(st.integers(0, len(leaves) - 1)), merkle.HASHES[name]
    proof = [root(leaves[begin:end], digest) for begin, end in merkle.siblings(index, len(leaves))]
    assert proof == path(index, leaves, DIGESTS[name])
    assert merkle.root_from(leaves[index], index, len(leaves), proof, digest) == naive(leaves, DIGESTS[name])


@given(leaves=st.lists(st.binary(max_size=4), min_size=1, max_size=40, unique=True), data=st.data())
def test_a_proof_holds_for_its_own_leaf_alone(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = path(index, leaves, SHA256)
    for other in range(len(leaves)):
        for record in {leaves[other], leaves[index], b"other"}:
            try:
                found = merkle.root_from(record, other, len(leaves), proof, SHA256)
            except ValueError:
                continue
            assert (found == naive(leaves)) == (other == index and record == leaves[index])


@pytest.mark.parametrize(("index", "leaves"), [(0, 0), (-1, 3), (3, 3)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, leaves: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.siblings(index, leaves)


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
