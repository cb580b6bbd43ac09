"""The Merkle trees over the manifest, range by range."""

from pathlib import Path
from typing import Any

from dqv.execute.child import Beat
from dqv.trust import manifest, merkle


def subtrees(args: dict[str, Any], out: Path, beat: Beat) -> dict[str, Any] | None:
    """Hash a range of the manifest as far as it goes without its neighbours.

    Args:
        args: `manifest`, its path, and its `digest`; `groups`, the first of its row groups and the one behind the last;
            `first`, the number of their first object.
        out: no table is written.
        beat: of the child.

    Returns:
        `size_bytes` of the objects and, by hash, the height and the hex root of each subtree in order; null where an
        object has no sha256.
    """
    at, size_bytes = args["first"], 0
    found: dict[str, list[tuple[int, str]]] = {name: [] for name in merkle.HASHES}
    for records, size in manifest.objects(Path(args["manifest"]), range(*args["groups"])):
        if records is None:
            return None
        for name, digest in merkle.HASHES.items():
            found[name] += [(height, node.hex()) for height, node in merkle.subtrees(records, at, digest)]
            beat.tick()
        at, size_bytes = at + len(records), size_bytes + size
    return {"size_bytes": size_bytes, **found}
