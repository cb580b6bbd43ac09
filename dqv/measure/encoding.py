r"""Which encoding a text is in, and the text itself: decided by the bytes alone, strictly, and stated.

The encodings are tried in a fixed order, and the first that holds for every byte is the answer:

1. a byte order mark: `utf-8-sig`, `utf-32`, `utf-16`;
2. strict UTF-8: `utf-8`;
3. UTF-16 without a mark, only where there are NUL bytes: `utf-16-le`, `utf-16-be`;
4. GB18030 (GBK and GB2312 are parts of it): `gb18030`.

3 and 4 decode almost anything, so they must be plausible too: at least 70 % of the characters beyond
ASCII are common, which means in GB2312 (simplified) or in level 1 of Big5 (traditional). Latin-1 read as
GB18030 and binary data read as UTF-16 give rare characters.

In every encoding the text counts as binary, and the encoding as refused, when more than 1 % of its
characters are C0 controls other than \t \n \r \f \x1b; a single stray control is let pass unless it is NUL.
"""

import codecs
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from dqv.core.errors import ItemError

BLOCK_BYTES = 1 << 20
PLAUSIBLE = 70
"""Per cent of the characters beyond ASCII that must be common."""

_MARKS = (  # UTF-32's mark begins with UTF-16's: it comes first
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r\f\x1b"))
_BEYOND_ASCII = bytes(range(0x80, 0x100))
_ADVICE = "save it as UTF-8"


def _common() -> npt.NDArray[np.bool_]:
    """Of each code point below 0x10000, whether it is beyond ASCII and common; the last stands for all above."""
    table = np.zeros(0x10000, np.bool_)
    low, high = range(0x40, 0x7F), range(0xA1, 0xFF)
    parts = (
        ("gb2312", range(0xA1, 0xF8), (high,)),
        ("big5", range(0xA4, 0xC7), (low, high)),  # ends in 0xC67E; behind it the codec has no characters
    )
    for name, leads, trails in parts:
        for lead in leads:
            for trail in (each for some in trails for each in some):
                character = bytes((lead, trail)).decode(name, "ignore")
                if len(character) == 1 and not character.isascii():
                    table[ord(character)] = True
    return table


_COMMON = _common()


def _nothing() -> None:
    pass


def detect(data: bytes, *, whole: bool) -> str:
    """Name the encoding of a text.

    Args:
        data: the text, or its beginning.
        whole: whether `data` is all of it; a beginning may end inside a character.

    Raises:
        ItemError: "encoding", it is in none of the encodings, or binary.
    """
    # In blocks too: what is looked at besides the data stays small.
    starts = range(0, len(data), BLOCK_BYTES)
    return _detect(lambda: (data[start : start + BLOCK_BYTES] for start in starts), whole, _nothing)


def decode(data: bytes) -> tuple[str, str]:
    """The text without its byte order mark, and the name of its encoding.

    Raises:
        ItemError: "encoding", as `detect`.
    """
    name = detect(data, whole=True)
    return data.decode(name), name


def detect_stream(open_: Callable[[], BinaryIO], tick: Callable[[], None] = _nothing) -> str:
    """What `decode` would name, in bounded memory; reads the stream once per encoding that is tried.

    Args:
        open_: gives the stream from its beginning.
        tick: called after every block.

    Raises:
        ItemError: "encoding", as `detect`.
    """

    def blocks() -> Iterator[bytes]:
        with open_() as stream:
            while block := stream.read(BLOCK_BYTES):
                yield block

    with open_() as stream:  # most objects are small: they are opened once
        first = stream.read(BLOCK_BYTES)
        if not (first and stream.read(1)):
            return detect(first, whole=True)
    return _detect(blocks, True, tick)


class _Refused(Exception):
    """This encoding is not it."""

    def __init__(self, why: str, *, binary: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.binary = binary


class _Facts:
    """What makes decoded text plausible, counted block by block."""

    def __init__(self) -> None:
        self.characters = self.ascii = self.controls = self.nuls = self.common = 0

    def add(self, text: str, *, chinese: bool) -> None:
        utf8 = text.encode("utf-8")
        ascii_only = utf8.translate(None, _BEYOND_ASCII)
        self.characters += len(text)
        self.ascii += len(ascii_only)
        self.controls += len(ascii_only) - len(ascii_only.translate(None, _CONTROLS))
        self.nuls += ascii_only.count(0)
        if chinese:
            codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
            self.common += int(_COMMON[np.minimum(codes, 0xFFFF)].sum())

    def check(self, *, chinese: bool) -> None:
        if self.controls * 100 > self.characters and (self.controls > 1 or self.nuls):
            raise _Refused(f"{self.controls} control characters", binary=True)
        beyond = self.characters - self.ascii
        if chinese and self.common * 100 < beyond * PLAUSIBLE:
            raise _Refused(f"{self.common} of {beyond} characters beyond ASCII are common in Chinese")


def _detect(blocks: Callable[[], Iterable[bytes]], whole: bool, tick: Callable[[], None]) -> str:
    head = b""
    for block in blocks():
        head += block[:4]
        if len(head) >= 4:
            break
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        try:
            _try(marked, blocks(), whole, tick, chinese=False)
        except _Refused as refused:
            what = "binary data" if refused.binary else "broken text"
            raise ItemError("encoding", f"{what} behind a {marked} mark: {refused.why}; {_ADVICE}") from None
        return marked
    try:
        _try("utf-8", blocks(), whole, tick, chinese=False)
    except _Refused as refused:
        utf8 = refused
    else:
        return "utf-8"
    tried = ["utf-8"]
    if any(0 in block for block in blocks()):
        tried += ["utf-16-le", "utf-16-be"]
        found = {}
        for name in tried[1:]:
            try:
                found[name] = _try(name, blocks(), whole, tick, chinese=True).ascii
            except _Refused:
                continue
        if found:  # both are rare and short; what has more ASCII is it
            return max(found, key=lambda name: found[name])
    if not utf8.binary:
        tried.append("gb18030")
        try:
            _try("gb18030", blocks(), whole, tick, chinese=True)
        except _Refused as refused:
            utf8.binary = refused.binary
        else:
            return "gb18030"
    what = "binary data, not text" if utf8.binary else "no known encoding"
    raise ItemError("encoding", f"{what}: {utf8.why}; tried {', '.join(tried)}; {_ADVICE}")


def _try(
    name: str, blocks: Iterable[bytes], whole: bool, tick: Callable[[], None], *, chinese: bool
) -> _Facts:
    """Decode everything strictly and look at it.

    Raises:
        _Refused: it does not decode, or is not plausible.
    """
    decoder = codecs.getincrementaldecoder(name)()
    facts = _Facts()
    done = 0
    try:
        for block in blocks:
            held = len(decoder.getstate()[0])
            facts.add(decoder.decode(block), chinese=chinese)
            done += len(block)
            tick()
        held, block = len(decoder.getstate()[0]), b""
        facts.add(decoder.decode(b"", final=whole), chinese=chinese)
    except UnicodeDecodeError as error:
        raise _Refused(f"byte {done - held + error.start} is not {name}") from None
    except UnicodeError as error:  # a surrogate that UTF-16 let pass, or no mark where one must be
        raise _Refused(f"not {name}: {error.__class__.__name__}") from None
    facts.check(chinese=chinese)
    return facts
