"""Where the data is, as one store: folders, S3-compatible stores, web servers, whatever else fsspec knows."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from dqv.connectors.local import Folder
from dqv.connectors.objects import BLOCK_BYTES, InMemory, Listed, Reads, Store, Stored
from dqv.core.errors import UsageError
from dqv.core.location import Location, credentials

__all__ = ["BLOCK_BYTES", "InMemory", "Listed", "Reads", "Store", "Stored", "open_store"]


def open_store(source: Sequence[Mapping[str, Any]]) -> Store:
    """One store over all locations of a dataset, the same one for the same locations.

    Where they are several, paths begin with the location's name.

    Args:
        source: fields of each `Location`, as the arguments of a task have them.
    """
    return _opened(tuple(Location.model_validate(each) for each in source))


@lru_cache(4)
def _opened(source: tuple[Location, ...]) -> Store:
    stores = {each.name: _store(each) for each in source}
    return Several(stores) if len(stores) > 1 else next(iter(stores.values()))


def _store(location: Location) -> Store:
    scheme, mark, _ = location.url.partition("://")
    if not mark:
        return Folder(location.url)
    from dqv.connectors import remote  # with asyncio and its clients

    if scheme == "s3":
        return remote.Bucket(location, credentials(location.url))
    if scheme == "https":
        return remote.Web(location)
    try:
        return remote.Files(location)
    except (ValueError, ImportError):
        raise UsageError(
            f"{location.url}: dqv knows no storage {scheme}://; give a folder, s3:// or https://"
        ) from None


class Several:
    """Several stores as one: a `Store`.

    Attributes:
        stores: by the name that their paths begin with.
    """

    def __init__(self, stores: dict[str, Store]) -> None:
        self.stores = {os.fsencode(name): store for name, store in stores.items()}

    def listed(self) -> Iterator[Listed]:
        """As `Store`."""
        for name, store in self.stores.items():
            for each in store.listed():
                yield Listed(
                    name + b"/" + each.path, each.kind, each.size_bytes, each.mtime_ns, each.identity
                )

    def open(self, path: bytes, size_bytes: int, mtime_ns: int, identity: str) -> Stored:
        """As `Store`."""
        name, _, rest = path.partition(b"/")
        return self.stores[name].open(rest, size_bytes, mtime_ns, identity)

    def expect(self, objects: Sequence[tuple[bytes, int, int, str]]) -> None:
        """As `Store`."""
        for name, store in self.stores.items():
            mine = [
                (path.partition(b"/")[2], *facts) for path, *facts in objects if path.startswith(name + b"/")
            ]
            store.expect(mine)  # type: ignore[arg-type]  # a tuple stays one
