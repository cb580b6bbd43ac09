"""Office Open XML packages (ISO/IEC 29500-2): a zip archive, looked at before a part of it is read.

What a relationship points to outside the archive is never followed, and nothing in it is run: macros,
embedded objects and pictures are parts that no reader asks for.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.handler import ContentHandler

from dqv.connectors.containers.compression import FREE_BYTES
from dqv.connectors.containers.documents import XML_DEPTH, walk_xml
from dqv.connectors.containers.model import Job, read_document
from dqv.core.errors import ItemError

DIRECTORY_BYTES = 4 * 2**20
"""What the archive's list of its members may take: some 80,000 of them."""

SMALL_PART_BYTES = 16 * 2**20
"""What parts that are held at once and are no text may expand to: relationships, styles, list of sheets."""

_BLOCK_BYTES = 1 << 21
"""Of a part at once: expat looks at a tag that has not ended anew with every block, so small ones are slow."""
_END = b"PK\5\6"
_END_BYTES = 22
_ZIP64 = b"PK\6\7"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ENCRYPTED = "encrypted: save it without a password"


@dataclass(frozen=True, slots=True)
class Relation:
    """Where a part points to.

    Attributes:
        kind: the last word of its type, the same in the strict and the transitional standard.
        part: the member that it names, which may not be there.
    """

    kind: str
    part: str


class Package:
    """The parts of a package.

    Attributes:
        outside: kinds of what relationships that were read point to outside the archive.

    Raises:
        ItemError: "too-large": more than `limits.document_bytes`, or too many members; "truncated"; "bomb":
            claims to expand to more than `limits.expansion` times its size (beyond FREE_BYTES);
            "unsupported": encrypted, zip64, or a format of before 2007; "document": anything else.
    """

    def __init__(self, job: Job) -> None:
        data = read_document(job)
        self.size_bytes = len(data)
        self._tick = job.beat.tick
        self._held = 0
        self.outside: set[str] = set()
        count = _look(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            members = self._zip.infolist()
            if any(member.flag_bits & 1 for member in members):
                raise ItemError("unsupported", _ENCRYPTED)
            for member in members:
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ItemError(
                        "unsupported", f"compression method {member.compress_type} in the archive"
                    )
                self._zip.open(member).close()  # its own header names it as the list does
                self._tick()
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise ItemError("document", "the archive's list of members is broken; save it again") from error
        self._members = {member.filename.lower(): member for member in members}  # names have no case
        if len(self._members) != len(members):
            raise ItemError("document", "two members of the archive have the same name")
        if len(members) != count:
            raise ItemError("document", f"the archive lists {len(members)} members and claims {count}")
        claimed = sum(member.file_size for member in members)
        if claimed > FREE_BYTES and claimed > job.limits.expansion * len(data):
            raise ItemError(
                "bomb", f"claims {claimed} bytes in {len(data)}: over {job.limits.expansion} times"
            )

    def close(self) -> None:
        """Let the bytes go."""
        self._zip.close()

    def main(self) -> str:
        """The part that the others hang on."""
        for relation in self.relations("").values():
            if relation.kind == "officeDocument":
                return relation.part
        raise ItemError("document", "no part is named as the main one")

    def relations(self, part: str) -> dict[str, Relation]:
        """Where a part ("": the package) points to inside the archive, by the names that it uses."""
        folder, name = posixpath.split(part)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        if listed.lower() not in self._members:
            return {}
        handler = _Relations(folder)
        self.walk(listed, handler, "the relationships", SMALL_PART_BYTES)
        self.outside |= handler.outside
        return handler.found

    def holds(self, pattern: re.Pattern[str]) -> bool:
        """Whether a member has such a name, in small letters."""
        return any(map(pattern.search, self._members))

    def walk(self, part: str, handler: "Elements", what: str, limit: int) -> None:
        """Read a part through a handler.

        Args:
            part: its name.
            handler: gets its elements.
            what: names it in messages.
            limit: of the bytes to which all parts that were given so, with a limit, expand together.
        """
        for _ in self.steps(part, handler, what, limit):
            pass

    def steps(self, part: str, handler: "Elements", what: str, limit: int | None = None) -> Iterator[None]:
        """As `walk`, coming back after every block, so that what the handler has can be taken from it."""
        yield from walk_xml(handler, self._blocks(part, what, limit), "document", f"{what}, ")

    def _blocks(self, part: str, what: str, limit: int | None) -> Iterator[bytes]:
        member = self._members.get(part.lower())
        if member is None:
            raise ItemError("document", f"{what}: the part is not there")
        if not member.file_size:  # the parser would not mind
            raise ItemError("document", f"{what}: nothing in it")
        if limit is not None:
            self._held += member.file_size
            if self._held > limit:
                raise ItemError("too-large", f"{what}: with it {self._held} bytes, the limit is {limit}")
        size = 0
        try:
            with self._zip.open(member) as file:  # gives no more than the size claimed, and checks the sum
                while block := file.read(_BLOCK_BYTES):
                    size += len(block)
                    self._tick()
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise ItemError("document", f"{what}: broken behind {size} bytes; save it again") from error
        if size != member.file_size:
            raise ItemError("document", f"{what}: {size} bytes, the archive claims {member.file_size}")


def _look(data: bytes) -> int:
    """Refuse what `zipfile` should not see: it believes the end of an archive whatever it says.

    Returns:
        How many members the end claims.
    """
    if data.startswith(_OLE):
        if _OLE_ENCRYPTED in data:
            raise ItemError("unsupported", _ENCRYPTED)
        raise ItemError("unsupported", "a format of before 2007 by another name: save it anew")
    end = data.rfind(_END)
    if end < 0:
        cut = data.startswith(b"PK\3\4")
        what = "the archive's list of members, which stands at the end, is missing"
        raise ItemError("truncated", what) if cut else ItemError("document", "no zip archive")
    size, start = (int.from_bytes(data[end + at : end + at + 4], "little") for at in (12, 16))
    behind = len(data) - end - _END_BYTES - int.from_bytes(data[end + 20 : end + _END_BYTES], "little")
    if behind < 0:
        raise ItemError("truncated", f"{-behind} bytes are missing at the end of the archive")
    if behind:
        raise ItemError("document", f"{behind} bytes stand behind the end of the archive")
    if data[max(end - 20, 0) : end].startswith(_ZIP64):
        raise ItemError("unsupported", "a zip64 archive, which no document of this size needs")
    if start + size != end:
        raise ItemError("document", "the archive's list of members is not where it should be")
    if size > DIRECTORY_BYTES:
        raise ItemError("too-large", f"the archive's list of members has more than {DIRECTORY_BYTES} bytes")
    return int.from_bytes(data[end + 10 : end + 12], "little")


class Elements(ContentHandler):
    """The elements of a part by their names without prefix, strict and transitional alike.

    Attributes:
        root: what the first element must be called.
        open: names of the elements that are open, outermost first.
    """

    root = ""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def begin(self, name: str, attrs: Mapping[str, str]) -> None:
        """An element begins; it stands last in `open`."""

    def end(self, name: str) -> None:
        """An element ends; it stands no more in `open`."""

    def startElement(self, name: str, attrs: Mapping[str, str]) -> None:  # type: ignore[override]  # a dict
        """Of `ContentHandler`."""
        name = name.rpartition(":")[2]
        if not self.open and name != self.root:
            raise ItemError("document", f"a part that should begin with <{self.root}> does not")
        if len(self.open) == XML_DEPTH:
            raise ItemError("document", f"elements nested more than {XML_DEPTH} deep")
        self.open.append(name)
        self.begin(name, attrs)

    def endElement(self, name: str) -> None:
        """Of `ContentHandler`."""
        self.end(self.open.pop())


def relation_of(attrs: Mapping[str, str]) -> str:
    """The relationship that an element names (`r:id`, whatever its prefix); "" for none."""
    return next((value for name, value in attrs.items() if name.endswith(":id")), "")


class _Relations(Elements):
    root = "Relationships"

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder
        self.found: dict[str, Relation] = {}
        self.outside: set[str] = set()

    def begin(self, name: str, attrs: Mapping[str, str]) -> None:
        if name != "Relationship":
            return
        kind = attrs.get("Type", "").rpartition("/")[2]
        if attrs.get("TargetMode") == "External":
            self.outside.add(kind)
        else:
            part = posixpath.normpath(posixpath.join("/", self._folder, attrs.get("Target", "")))
            self.found[attrs.get("Id", "")] = Relation(kind, part.lstrip("/"))
