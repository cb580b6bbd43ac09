"""The Merkle tree hash of RFC 9162, section 2.1, over one record per object, with SHA-256 and with SM3 (GB/T 32905-2016).

Leaves and inner nodes are hashed with different prefixes, so none can be taken for the other. A range of leaves is
hashed by itself to few *subtrees*, the complete ones that stand at multiples of their size; those of ranges one behind
the other give the tree, however it was cut.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

from cryptography.hazmat.primitives import hashes

Hash = Callable[[bytes], bytes]
"""A hash of 32 bytes."""

Subtree = tuple[int, bytes]
"""A complete subtree: its height (0 is a leaf), and the hash of its root."""

_SM3 = hashes.Hash(hashes.SM3())


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sm3(data: bytes) -> bytes:
    begun = _SM3.copy()  # a new one takes twice as long
    begun.update(data)
    return begun.finalize()


HASHES: dict[str, Hash] = {"sha256": _sha256, "sm3": _sm3}
"""What a tree is hashed with, by name; a report has a root of each."""


def leaf_record(path: bytes, size: int, sha256: bytes) -> bytes:
    """Encode one object so that no two objects share an encoding.

    Layout, integers unsigned and big-endian: length of the path (8 bytes), path, size (8 bytes),
    sha256 (32 bytes).

    Args:
        path: raw bytes, relative to the source.
        size: bytes of the object.
        sha256: of the stored bytes, 32 bytes.

    Raises:
        ValueError: the digest has not 32 bytes.
        OverflowError: the size is negative or does not fit 8 bytes.
    """
    if len(sha256) != 32:
        raise ValueError(f"a sha256 has 32 bytes, not {len(sha256)}")
    return len(path).to_bytes(8) + path + size.to_bytes(8) + sha256


def subtrees(records: Iterable[bytes], first: int, digest: Hash) -> list[Subtree]:
    """Hash a range of leaves as far as it goes without its neighbours.

    Args:
        records: of the leaves.
        first: number of the first of them in the whole tree.
        digest: one of `HASHES`.

    Returns:
        In order; at most two of a height.
    """
    nodes = [digest(b"\x00" + record) for record in records]
    begin: list[Subtree] = []
    end: list[Subtree] = []
    height, at = 0, first
    while nodes:
        if at % 2:  # a right child: its sibling is of the range before
            begin.append((height, nodes.pop(0)))
        if len(nodes) % 2:  # a left child: its sibling is of the range behind
            end.append((height, nodes.pop()))
        nodes = [digest(b"\x01" + a + b) for a, b in zip(nodes[::2], nodes[1::2], strict=True)]
        height, at = height + 1, (at + 1) // 2
    return begin + end[::-1]


class Tree:
    """A tree that grows at its right end; its memory grows with the logarithm of the leaves.

    Attributes:
        leaves: how many it has.
    """

    def __init__(self, digest: Hash) -> None:
        self.leaves = 0
        self._digest = digest
        self._stack: list[Subtree] = []  # largest first: the binary digits of `leaves`

    def add(self, subtrees: Iterable[Subtree]) -> None:
        """Add the subtrees of the range that begins at leaf `leaves`."""
        for height, node in subtrees:
            if self.leaves % (1 << height):
                raise ValueError(f"no subtree of height {height} begins at leaf {self.leaves}")
            self.leaves += 1 << height
            while self._stack and self._stack[-1][0] == height:
                node = self._digest(b"\x01" + self._stack.pop()[1] + node)
                height += 1
            self._stack.append((height, node))

    def extend(self, records: Sequence[bytes]) -> None:
        """Add leaves."""
        self.add(subtrees(records, self.leaves, self._digest))

    def root(self) -> bytes:
        """32 bytes; the hash of nothing for no leaves."""
        if not self._stack:
            return self._digest(b"")
        _, node = self._stack[-1]
        for _, left in self._stack[-2::-1]:
            node = self._digest(b"\x01" + left + node)
        return node


def siblings(index: int, leaves: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose roots make the inclusion proof of one leaf (RFC 9162, 2.1.3.1).

    Args:
        index: of the leaf, from 0 on.
        leaves: of the whole tree, more than `index`.

    Returns:
        First leaf and the one behind the last, from the leaf's own sibling up to the root's child.
    """
    if not 0 <= index < leaves:
        raise ValueError(f"there is no leaf {index} among {leaves}")
    found = []
    begin, end = 0, leaves
    while end - begin > 1:
        middle = begin + (
            1 << (end - begin - 1).bit_length() - 1
        )  # the largest power of two below the number
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((begin, middle))
            begin = middle
    return found[::-1]


def root_from(record: bytes, index: int, leaves: int, path: Sequence[bytes], digest: Hash) -> bytes:
    """The root to which an inclusion proof leads (RFC 9162, 2.1.3.2); the caller compares it.

    Args:
        record: of the leaf.
        index: as for `siblings`.
        leaves: idem.
        path: the hashes of the proof, in the order of `siblings`.
        digest: one of `HASHES`.

    Raises:
        ValueError: there is no such leaf, or the path has another length than that of this leaf.
    """
    node = digest(b"\x00" + record)
    for (begin, _), sibling in zip(siblings(index, leaves), path, strict=True):
        node = digest(b"\x01" + (sibling + node if begin < index else node + sibling))
    return node
