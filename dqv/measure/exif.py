"""The orientation, the dates, the place and the texts of an EXIF block (CIPA DC-008), read without a library.

Pillow's reader takes longer than the rest of a header, and warns of what is broken.
"""

import re
import struct
from collections.abc import Callable, Iterator
from datetime import date

from dqv.measure.media import MOST_CHARACTERS
from dqv.measure.timestamps import parse_day

At = Callable[[int, int], bytes]
"""Bytes from a place on; fewer at the end."""

Tags = dict[int, int | bytes]
"""Tag → number or text."""

ORIENTATION = 274
_EXIF_IFD = 34665
_GPS_IFD = 34853
_LATITUDE, _LONGITUDE = 2, 4
_DATES = ((36867, 36881), (36868, 36882), (306, 36880))  # taken, digitised, written; each with its offset
_TEXTS = {
    0x010E: "ImageDescription", 0x013B: "Artist", 0x8298: "Copyright", 0x9286: "UserComment", 0x9C9B: "XPTitle", 0x9C9C: "XPComment",
    0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject", 0xA430: "CameraOwnerName",
}  # fmt: skip
"""What people write."""

_WANTED = frozenset({*_TEXTS, _EXIF_IFD, _GPS_IFD, ORIENTATION, *(tag for pair in _DATES for tag in pair)})
_EXIF_DATE = re.compile(r"(\d{4}:\d{1,2}:\d{1,2})(?: (?!24).*)?", re.ASCII)
_OFFSET = re.compile(r"[+-]\d\d:?\d\d|Z", re.ASCII)


def within(block: bytes) -> At:
    """How to read a block that is held."""
    return lambda start, size: block[start : start + size]


def without_mark(exif: bytes) -> bytes:
    """The TIFF inside, behind the mark that some containers put before it."""
    return exif.removeprefix(b"Exif\0\0")


def read(at: At) -> Tags:
    """The orientation, the dates and the texts of an EXIF block; what is broken is left out (Pillow's reader takes longer)."""
    head = at(0, 8)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None or len(head) < 8:
        return {}
    tags = _directory(at, order, struct.unpack(order + "I", head[4:])[0])
    inner = tags.get(_EXIF_IFD)
    if isinstance(inner, int):
        tags = _directory(at, order, inner) | tags
    return tags


def has_place(at: At, tags: Tags) -> bool:
    """Whether an EXIF block says where it was taken: latitude and longitude, and not both all zeros, which say nothing."""
    order, place = {b"II": "<", b"MM": ">"}.get(at(0, 2)), tags.get(_GPS_IFD)
    if order is None or not isinstance(place, int):
        return False
    found: dict[int, tuple[int, ...]] = {}
    for tag, form, size, value in _entries(at, order, place):
        if tag in (_LATITUDE, _LONGITUDE) and form == 5 and size == 3:
            angle = at(struct.unpack(order + "I", value)[0], 24)
            if len(angle) == 24:
                found.setdefault(tag, struct.unpack(order + "6I", angle)[::2])
    return len(found) == 2 and any(map(any, found.values()))


def _entries(at: At, order: str, place: int) -> Iterator[tuple[int, int, int, bytes]]:
    """Tag, form, number of values, and value or its place, of one directory; none where it is cut off."""
    count = at(place, 2)
    if len(count) < 2:
        return
    entries = at(place + 2, 12 * struct.unpack(order + "H", count)[0])
    yield from struct.iter_unpack(order + "HHI4s", entries[: len(entries) // 12 * 12])


def _directory(at: At, order: str, place: int) -> Tags:
    """The wanted tags of one directory."""
    tags: Tags = {}
    for tag, form, size, value in _entries(at, order, place):
        if tag not in _WANTED or tag in tags:
            continue
        if tag in _TEXTS:
            if form in (1, 2, 7) and size > len(value):  # bytes, ASCII, undefined
                tags[tag] = at(struct.unpack(order + "I", value)[0], min(size, 2 * MOST_CHARACTERS))
            continue
        if form == 3:
            tags[tag] = struct.unpack(order + "H", value[:2])[0]
        elif form == 4:
            tags[tag] = struct.unpack(order + "I", value)[0]
        elif form == 2:
            tags[tag] = value[:size] if size <= 4 else at(struct.unpack(order + "I", value)[0], min(size, 64))
    return tags


def texts(tags: Tags) -> tuple[tuple[str, str], ...]:
    """What people wrote: the tag's name and its text, of at most MOST_CHARACTERS."""
    found = []
    for tag, name in _TEXTS.items():
        value = tags.get(tag)
        if isinstance(value, bytes):
            text = _decoded(value, name).partition("\0")[0].strip()
            if text:
                found.append((name, text[:MOST_CHARACTERS]))
    return tuple(found)


def _decoded(value: bytes, name: str) -> str:
    """A text: of Windows' tags UTF-16, of a comment in what its first eight bytes say, else UTF-8 or what Chinese programs write."""
    if name.startswith("XP"):
        return value.decode("utf-16-le", "ignore")
    if name == "UserComment":
        told, value = value[:8], value[8:]
        if told == b"UNICODE\0":  # in either order
            first_is_low = value[1::2].count(0) >= value[::2].count(0)
            return value.decode("utf-16-le" if first_is_low else "utf-16-be", "ignore")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("gb18030", "ignore")


def day(tags: Tags, text_date: str | None) -> tuple[date | None, bool]:
    """The day, and whether one that stands there cannot be one; the first that says something decides.

    All zeros are an unset clock: they are refused only where nothing else speaks.
    """
    unset = False
    for stamp, offset in _DATES:
        written = _text(tags.get(stamp))
        if not written.strip(" :0-"):
            unset = unset or "0" in written
            continue
        zone = _text(tags.get(offset))
        said = _EXIF_DATE.match(written)
        if said is None:
            return _parsed(written)
        timed = said[0] + zone if said[0] != said[1] and _OFFSET.fullmatch(zone) else said[0]
        found, refused = _parsed(timed)
        # some cameras write 24:00:00, or second 60: the day stands all the same
        return _parsed(said[1]) if refused else (found, refused)
    found, refused = _parsed(text_date or "")
    return found, refused or (unset and found is None)


def _text(value: int | bytes | None) -> str:
    return value.partition(b"\0")[0].decode("latin-1").strip() if isinstance(value, bytes) else ""


def _parsed(written: str) -> tuple[date | None, bool]:
    try:
        return parse_day(written), False
    except ValueError:
        return None, True
