"""Word documents (docx) and Excel workbooks (xlsx).

**docx** is one document: headers, the body with its tables, footnotes, endnotes, footers; a paragraph is a
line. What Word does not print is left out: deleted and moved text, field codes, comments.

**xlsx** gives one record a row, as the field's name to its text, sheet by sheet, hidden ones too. In every
sheet the first row that holds something names the fields, as in CSV. A cell is what it shows: of a formula
its last result, of a date ISO 8601, of a number its value with 15 digits (not its format: 0.5, not 50 %).
Rows that hold nothing are no records. The place is the number of the record, counted through all sheets.

Both are read by a walk over their XML, in CPU time (`benchmarks/documents.py`) four times as fast as
python-docx and 1.5 times as fast as openpyxl's read-only mode. Those two build an object for every element, and
openpyxl refuses a workbook for a colour that it does not understand. python-calamine is four times as fast as
this, but holds whole sheets as rectangles: two cells in far corners end the process.
"""

import io
import math
import re
from collections.abc import Container, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from dqv.connectors.containers.compression import FREE_BYTES
from dqv.connectors.containers.documents import lines
from dqv.connectors.containers.model import Broken, Job, Record
from dqv.connectors.containers.ooxml import SMALL_PART_BYTES, Elements, Package, relation_of
from dqv.connectors.containers.tables import NUMBER, column_names
from dqv.core.errors import ItemError
from dqv.measure.datacards import Block

MAX_COLUMNS = 16_384
"""Of a sheet; Excel has no more."""

_UNPRINTED = frozenset({"Fallback", "moveFrom"})
"""What is inside stands elsewhere, too; deleted text and field codes are no `t`."""

_ROOTS = {"header": "hdr", "footnotes": "footnotes", "endnotes": "endnotes", "footer": "ftr"}
_IN_A_RUN = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read_docx(job: Job) -> Iterator[Record | Broken]:
    """The text of a document.

    Raises:
        ItemError: see `Package`; "empty".
    """
    if not job.beat.at(0):
        return
    with closing(Package(job)) as package:
        text = _prose(package, job.limits.document_bytes)
        if not text:
            raise ItemError("empty", f"no text in {package.size_bytes} bytes")
        yield Record(0, text, package.size_bytes)


def _prose(package: Package, limit: int) -> str:
    main = package.main()
    relations = package.relations(main)
    body = _Prose("document", relations)
    package.walk(main, body, "the body", limit)
    beside: dict[str, list[str]] = {}
    for kind, root in _ROOTS.items():
        named = body.shown if kind in ("header", "footer") else relations
        parts = dict.fromkeys(relations[each].part for each in named if relations[each].kind == kind)
        for number, part in enumerate(parts, 1):
            handler = _Prose(root, {})
            package.walk(part, handler, f"{kind} {number}", limit)
            beside.setdefault(kind, []).append(handler.text.getvalue())
    notes = [*beside.get("footnotes", ()), *beside.get("endnotes", ())]
    return lines([*beside.get("header", ()), body.text.getvalue(), *notes, *beside.get("footer", ())])


class _Prose(Elements):
    """The text of a part of a document.

    Attributes:
        text: so far.
        shown: the headers and footers that it names, in order, by their relationships.
    """

    def __init__(self, root: str, relations: Container[str]) -> None:
        super().__init__()
        self.root = root
        self.text = io.StringIO()
        self.shown: dict[str, None] = {}
        self._relations = relations
        self._unprinted = 0

    def begin(self, name: str, attrs: Mapping[str, str]) -> None:
        if name in _UNPRINTED:
            self._unprinted += 1
        elif name in _IN_A_RUN:
            if self.open[-2:-1] == ["r"] and not self._unprinted:  # elsewhere a tab is where one may stand
                self.text.write(_IN_A_RUN[name])
        elif name in ("headerReference", "footerReference") and relation_of(attrs) in self._relations:
            self.shown[relation_of(attrs)] = None

    def end(self, name: str) -> None:
        if name in _UNPRINTED:
            self._unprinted -= 1
        elif name == "p":
            self.text.write("\n")

    def characters(self, content: str) -> None:
        if self.open[-1] == "t" and not self._unprinted:
            self.text.write(content)


_RUNS = re.compile(r"vbaproject\.bin|vbadata\.xml|/activex/|/embeddings/|attachedtoolbars")
_PICTURES = re.compile(r"^word/media/")
_INSERTS = frozenset(
    {"attachedTemplate", "subDocument", "oleObject", "package", "frame", "aFChunk", "control"}
)
"""Relationships to outside that put something into the document, or run."""


def read_docx_blocks(job: Job, active: set[str]) -> Iterator[Block]:
    """The headings, paragraphs and rows of tables of a document's body, by the number of the paragraph from 1 on.

    Args:
        job: of the document.
        active: gets what in it runs, hides or fetches something: "macro" (with embedded objects), "external".

    Raises:
        ItemError: see `Package`; "too-large"; "unsupported", pictures and no text.
    """
    with closing(Package(job)) as package:
        main = package.main()
        relations = package.relations(main)
        for part in sorted({each.part for each in relations.values() if each.kind == "settings"}):
            package.relations(part)  # where a template is attached
        if package.holds(_RUNS):
            active.add("macro")
        if package.outside & _INSERTS:
            active.add("external")
        styles = _Headings()
        for part in sorted({each.part for each in relations.values() if each.kind == "styles"}):
            package.walk(part, styles, "the styles", SMALL_PART_BYTES)
        body = _Blocks("document", styles.levels)
        empty = True
        for _ in package.steps(main, body, "the body", job.limits.document_bytes):
            found = body.take()
            empty = empty and not found
            yield from found
        if empty and package.holds(_PICTURES):
            raise ItemError("unsupported", "pictures and no text: scanned? recognise the text first")


_STYLE = re.compile(r"heading ?([1-9])|标题 ?([1-9])")
_CONTENTS = 0
"""As a level: a line of the table of contents."""


class _Headings(Elements):
    """The levels of the styles of paragraphs that are headings, by their ids."""

    root = "styles"

    def __init__(self) -> None:
        super().__init__()
        self.levels: dict[str, int] = {}
        self._style = ""

    def begin(self, name: str, attrs: Mapping[str, str]) -> None:
        value = next((value for key, value in attrs.items() if key.rpartition(":")[2] == "val"), "")
        if name == "style":
            self._style = next((v for key, v in attrs.items() if key.rpartition(":")[2] == "styleId"), "")
        elif name == "name" and self.open[-2:-1] == ["style"]:
            level = _level_of(value)
            if level is not None:
                self.levels[self._style] = level
        elif name == "outlineLvl" and "style" in self.open and value in tuple("012345678"):
            self.levels.setdefault(self._style, int(value) + 1)


def _level_of(style: str) -> int | None:
    name = style.lower()
    if name.startswith("toc"):
        return _CONTENTS
    if name == "title":
        return 1
    found = _STYLE.fullmatch(name)
    return int(found[1] or found[2]) if found else None


class _Blocks(_Prose):
    """The same text, paragraph by paragraph."""

    def __init__(self, root: str, levels: Mapping[str, int]) -> None:
        super().__init__(root, frozenset())
        self._levels = levels
        self._found: list[Block] = []
        self._place = self._tables = self._depth = 0
        self._level: int | None = None
        self._cells: list[str] = []

    def take(self) -> list[Block]:
        """The blocks since the last time."""
        found, self._found = self._found, []
        return found

    def begin(self, name: str, attrs: Mapping[str, str]) -> None:
        if name == "p":
            self._level = None
        elif name in ("pStyle", "outlineLvl"):
            value = next((value for key, value in attrs.items() if key.rpartition(":")[2] == "val"), "")
            if name == "pStyle":
                self._level = self._levels.get(value, _level_of(value))
            elif value in tuple("012345678"):
                self._level = int(value) + 1
        elif name == "tbl":
            self._depth += 1
            self._tables += self._depth == 1
        elif name == "tr" and self._depth == 1:
            self._cells = []
        super().begin(name, attrs)

    def end(self, name: str) -> None:
        super().end(name)
        if name == "p":
            self._place += 1
            if not self._depth:
                self._paragraph()
        elif name == "tbl":
            self._depth -= 1
        elif self._depth == 1 and name == "tc":
            self._cells.append(" ".join(self._taken().split()))
        elif self._depth == 1 and name == "tr" and any(self._cells):
            self._found.append(
                Block(
                    "row", self._place, " | ".join(self._cells), cells=tuple(self._cells), table=self._tables
                )
            )

    def _paragraph(self) -> None:
        level, lines_of_it = self._level, self._taken().split("\n")
        if level == _CONTENTS:
            return
        for line in lines_of_it:
            text = " ".join(line.split())
            if text:
                self._found.append(Block("heading" if level else "text", self._place, text, level or 0))

    def _taken(self) -> str:
        text = self.text.getvalue()
        self.text.seek(0)
        self.text.truncate()
        return text


def read_xlsx(job: Job) -> Iterator[Record | Broken]:
    """The rows of all sheets.

    Raises:
        ItemError: see `Package`; "empty"; "bomb", where cells repeat their texts until they are more than
            `limits.expansion` times the bytes of the workbook.
    """
    with closing(Package(job)) as package:
        main = package.main()
        relations = package.relations(main)
        book, styles, strings = _Book(), _Styles(), _Strings()
        package.walk(main, book, "the workbook", SMALL_PART_BYTES)
        part_of = {relation.kind: relation.part for relation in relations.values()}
        if "styles" in part_of:
            package.walk(part_of["styles"], styles, "the styles", SMALL_PART_BYTES)
        if "sharedStrings" in part_of:
            package.walk(part_of["sharedStrings"], strings, "the texts", job.limits.document_bytes)
        if not relations.keys() >= book.sheets.keys():
            raise ItemError("document", "the workbook names a sheet that is not there")
        numbers = _Numbers(styles.dates(), book.epoch)
        rows = _Rows(job, strings.found, numbers, package.size_bytes)
        for number, each in enumerate(book.sheets, 1):
            if relations[each].kind != "worksheet":  # others hold charts, dialogues, macros
                continue
            rows.begin_sheet()
            for _ in package.steps(relations[each].part, rows, f"sheet {number}"):
                yield from rows.take()
        if rows.empty:
            raise ItemError("empty", f"no cell of {len(book.sheets)} sheets holds anything")


class _Book(Elements):
    """The sheets of a workbook in order, by their relationships; and what 0 is as a date."""

    root = "workbook"

    def __init__(self) -> None:
        super().__init__()
        self.sheets: dict[str, None] = {}
        self.epoch = datetime(1899, 12, 30)

    def begin(self, name: str, attrs: Mapping[str, str]) -> None:
        if name == "sheet":
            self.sheets[relation_of(attrs)] = None
        elif name == "workbookPr" and attrs.get("date1904") in ("1", "true"):
            self.epoch = datetime(1904, 1, 1)


class _Strings(Elements):
    """The texts that cells name by number."""

    root = "sst"

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._pieces: list[str] = []

    def end(self, name: str) -> None:
        if name == "si":
            self.found.append(_unescaped("".join(self._pieces)))
            self._pieces = []

    def characters(self, content: str) -> None:
        if self.open[-1] == "t" and self.open[-2] in ("si", "r"):  # not in a reading aid (rPh)
            self._pieces.append(content)


_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Formats of dates and times that need no definition, those of Chinese, Japanese and Korean among them."""

_NO_CODE = re.compile(r'"[^"]*"|\\.|[_*].|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE | re.DOTALL)
"""What is not meant as code: text in quotes, single characters, colours, languages."""


class _Styles(Elements):
    """Which cells are dates."""

    root = "styleSheet"

    def __init__(self) -> None:
        super().__init__()
        self._codes: dict[str, str] = {}
        self._formats: list[str] = []

    def begin(self, name: str, attrs: Mapping[str, str]) -> None:
        if name == "numFmt" and self.open[-2:-1] == ["numFmts"]:
            self._codes[attrs.get("numFmtId", "")] = attrs.get("formatCode", "")
        elif name == "xf" and self.open[-2:-1] == ["cellXfs"]:
            self._formats.append(attrs.get("numFmtId", "0"))

    def dates(self) -> frozenset[str]:
        """The numbers of the styles that show a number as a date or a time, not as a duration ([h]:mm)."""
        known = {str(each) for each in _DATES} - self._codes.keys()
        for name, code in self._codes.items():
            bare = _NO_CODE.sub("", code).lower()
            if "[" not in bare and any(each in bare for each in "dmyhs"):
                known.add(name)
        return frozenset(str(number) for number, name in enumerate(self._formats) if name in known)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What numbers show.

    Attributes:
        dates: styles of dates and times.
        epoch: what 0 is as a date.
    """

    dates: frozenset[str]
    epoch: datetime

    def shown(self, text: str, style: str) -> str:
        """A number as it shows.

        Raises:
            ValueError: it is none.
        """
        if len(text) > 64 or not NUMBER.fullmatch(text):
            raise ValueError
        value = float(text)
        if not math.isfinite(value):
            raise ValueError
        day = self._day(value) if style in self.dates else None
        if day is None and not text.isdigit():  # whole numbers stand as they are: they may be identifiers
            return format(value, ".15g")
        return day or text

    def _day(self, value: float) -> str | None:
        """ISO 8601, to the second; None where it is no day that can be shown."""
        seconds = round(value * 86_400)
        if 0 <= seconds < 86_400:
            return (datetime.min + timedelta(seconds=seconds)).time().isoformat()
        if value < 0:
            return None
        if value < 60 and self.epoch.year == 1899:  # 1900 is a leap year there
            seconds += 86_400
        try:
            moment = self.epoch + timedelta(seconds=seconds)
        except OverflowError:
            return None
        return (moment if moment.time() != time.min else moment.date()).isoformat()


_ESCAPED = re.compile(r"_x(005[Ff]|00[01][0-9A-Fa-f])_")


def _unescaped(text: str) -> str:
    """The text of a cell without the marks for control characters."""
    if "_x00" not in text:
        return text
    return _ESCAPED.sub(lambda found: "_" if found[1][2] == "5" else " ", text)


_BOOLEANS = {"0": "FALSE", "false": "FALSE", "1": "TRUE", "true": "TRUE"}


class _Rows(Elements):
    """The rows of the sheets of a workbook, one sheet after the other.

    Attributes:
        empty: nothing stood in any cell yet.
    """

    root = "worksheet"

    def __init__(self, job: Job, strings: list[str], numbers: _Numbers, size_bytes: int) -> None:
        super().__init__()
        self._job = job
        self._strings = strings
        self._numbers = numbers
        self._most = max(FREE_BYTES, size_bytes * job.limits.expansion)
        self.empty = True
        self._found: list[Record | Broken] = []
        self._place = self._given = 0
        self._announced = -1
        self._wanted = True
        self._header: list[str] = []
        self._names: list[str] = []

    def begin_sheet(self) -> None:
        """What follows is another sheet, whose first row names the fields."""
        self._names = []

    def take(self) -> list[Record | Broken]:
        """The rows since the last time."""
        found, self._found = self._found, []
        return found

    def begin(self, name: str, attrs: Mapping[str, str]) -> None:
        outer = self.open[-2] if len(self.open) > 1 else ""
        if name == "c" and outer == "row":
            self._begin_cell(attrs)
        elif name == "row" and outer == "sheetData":
            if self._announced != self._place:
                self._announced, self._wanted = self._place, self._job.beat.at(self._place)
            self._cells: dict[int, str] = {}
            self._column = self._size = 0
            self._problem: ItemError | None = None

    def _begin_cell(self, attrs: Mapping[str, str]) -> None:
        self._kind, self._style = attrs.get("t", "n"), attrs.get("s", "0")
        self._pieces: list[str] = []
        self._column += 1  # where no name says otherwise
        if name := attrs.get("r"):
            self._column = 0
            for letter in name.rstrip("0123456789"):
                self._column = self._column * 26 + ord(letter) - 64
                if not ("A" <= letter <= "Z" and self._column <= MAX_COLUMNS):
                    raise ItemError("document", f"a cell beyond column {MAX_COLUMNS}, or of no column")

    def characters(self, content: str) -> None:
        inner, outer = self.open[-1], self.open[-2:-1]
        if (inner == "v" and outer == ["c"]) or (inner == "t" and outer in (["is"], ["r"])):
            self._pieces.append(content)
            self._add_size(len(content))

    def _add_size(self, size: int) -> None:
        self._size += size
        if self._size > self._job.limits.record_bytes:
            raise ItemError("too-large", f"a row of more than {self._job.limits.record_bytes} bytes")

    def end(self, name: str) -> None:
        outer = self.open[-1] if self.open else ""
        if name == "c" and outer == "row":
            try:
                value = self._value("".join(self._pieces))
            except (ValueError, LookupError):
                self._problem = ItemError("document", f"column {self._column}: no value of its kind")
            else:
                if value:
                    self._cells[self._column - 1] = value
        elif name == "row" and outer == "sheetData" and (self._cells or self._problem):
            self._end_row()

    def _value(self, text: str) -> str:
        """What the cell shows.

        Raises:
            ValueError: or LookupError: it is not what it says.
        """
        if self._kind == "s":
            if not text.isdecimal():
                raise ValueError
            text = self._strings[int(text)]
            self._add_size(len(text))
            return text
        if self._kind == "n":
            return self._numbers.shown(text, self._style) if text else ""
        if self._kind == "b":
            return _BOOLEANS[text] if text else ""
        if self._kind not in ("str", "inlineStr", "e", "d"):
            raise ValueError
        return _unescaped(text)

    def _end_row(self) -> None:
        self.empty = False
        size = sum(len(each.encode()) for each in self._cells.values())
        self._given += size
        if self._given > self._most:
            raise ItemError("bomb", f"the cells show more than {self._most} bytes")
        width = max(self._cells, default=-1) + 1
        if not self._names:
            if self._problem:
                raise self._problem
            self._header = [self._cells.get(column, "") for column in range(width)]
            named = not all(NUMBER.fullmatch(each) for each in self._header)
            self._header = self._header if named else [""] * width
            self._name(width)
            if named:
                return
        elif width > len(self._names):
            self._name(width)
        if self._wanted and self._problem:
            self._found.append(Broken(self._place, self._problem, size, True))
        elif self._wanted:
            value = {self._names[column]: text for column, text in sorted(self._cells.items())}
            self._found.append(Record(self._place, value, size))
        self._place += 1

    def _name(self, width: int) -> None:
        """Give names to so many columns."""
        self._header += [""] * (width - len(self._header))
        self._names = column_names(self._header)
        self._job.facts.note(dict.fromkeys(self._names))
