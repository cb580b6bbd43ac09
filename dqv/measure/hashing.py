"""Exact hashes of payloads (xxh3_128, Collet): equal means a duplicate; identity of objects rests on sha256."""

from itertools import pairwise

import pyarrow as pa
import xxhash

from dqv.neardup.tokens import buffers


def payload_hashes(texts: pa.LargeStringArray) -> list[bytes]:
    """xxh3_128 of the UTF-8 bytes of every text: n digests of 16 bytes."""
    data, ends = buffers(texts)
    view, digest = memoryview(data), xxhash.xxh3_128_digest
    return [digest(view[begin:end]) for begin, end in pairwise(ends.tolist())]
