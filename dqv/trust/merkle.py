"""The Merkle tree hash of RFC 9162, section 2.1.1, with SHA-256, over one record per object.

Leaves and inner nodes are hashed with different prefixes, so none can be taken for the other.
"""

import hashlib
from collections.abc import Iterable


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


def root(leaves: Iterable[bytes]) -> bytes:
    """Hash a stream of leaf records; memory grows with the logarithm of their number.

    Args:
        leaves: records in path-byte order; the order is part of the root.

    Returns:
        32 bytes; sha256 of nothing for no leaves.
    """
    stack: list[bytes] = []  # roots of complete subtrees, largest first: the binary digits of the count
    for count, leaf in enumerate(leaves, start=1):
        stack.append(hashlib.sha256(b"\x00" + leaf).digest())
        while count % 2 == 0:
            right = stack.pop()
            stack.append(_node(stack.pop(), right))
            count //= 2  # a carry for every trailing zero
    if not stack:
        return hashlib.sha256(b"").digest()
    result = stack.pop()
    while stack:
        result = _node(stack.pop(), result)
    return result


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
