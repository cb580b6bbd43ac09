"""What the walks over the structures of images, recordings and videos have in common."""

from typing import BinaryIO

from dqv.core.errors import ItemError


def read_at(file: BinaryIO, at: int, size: int) -> bytes:
    """Up to `size` bytes from `at`; fewer only at the end."""
    file.seek(at)
    data = file.read(size)
    while data and len(data) < size and (more := file.read(size - len(data))):  # raw streams may give less
        data += more
    return data


def truncated(what: str, size_bytes: int, end: int | None = None) -> ItemError:
    """The error of a part that an object is too short for.

    Args:
        what: the part, and where it begins.
        size_bytes: of the object.
        end: where the part would end, if it says so.
    """
    claims = "goes on" if end is None else f"claims to reach to byte {end}"
    return ItemError("truncated", f"{what} {claims} and the object has {size_bytes} bytes")


def ebml_element(data: bytes, at: int = 0) -> tuple[int, int | None, int] | None:
    """RFC 8794: identity, size of the body (None: unknown) and place of the body of the element at `at`.

    None where there is no element.
    """
    if at >= len(data) or not data[at]:
        return None
    wide = 9 - data[at].bit_length()
    identity = int.from_bytes(data[at : at + wide], "big")
    at += wide
    if wide > 4 or at >= len(data) or not data[at]:
        return None
    wide = 9 - data[at].bit_length()
    size = int.from_bytes(data[at : at + wide], "big") & ((1 << 7 * wide) - 1)
    if at + wide > len(data):
        return None
    return identity, None if size == (1 << 7 * wide) - 1 else size, at + wide
