"""What a data card says: which of the twenty aspects, found where and how.

A card comes as blocks in reading order (`Block`), whatever its format. An aspect is found

- by a *heading* with content beneath it, its subheadings included;
- by a *table*: a row that begins with a term and says something behind it, or a column called so with something in it;
- by a *field*: `term: value` in a line of its own, in the front matter too;
- by a *term*: wording that says it in passing, together with what only the real thing has (a licence's name, an amount, an
  address). That is weak; the others are strong.

A heading, row or field that nothing follows, or nothing but "TODO", "待补充" and the like, is *empty*: not found.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from dqv.measure.card_terms import ASPECTS, PLACEHOLDERS

MAX_HEADING = 60
"""Characters; what is longer is no heading and no name of a field, whatever it looks like."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document.

    Attributes:
        kind: heading, text, row (of a table) or code.
        place: line, page or paragraph, from 1 on.
        text: of a row its cells, with " | " between.
        level: of a heading, 1 the highest.
        cells: of a row.
        table: of a row: the number of its table.
    """

    kind: str
    place: int
    text: str
    level: int = 0
    cells: tuple[str, ...] = ()
    table: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """An aspect at one place.

    Attributes:
        how: heading, table, field or term.
        strength: strong, weak, or empty: named, and nothing said.
    """

    aspect: str
    place: int
    how: str
    strength: str


@dataclass(frozen=True, slots=True)
class Context:
    """Where a statement stands.

    Attributes:
        aspects: that the name of its field, its row or column, or else the nearest heading that names any, tells.
        key: of its field or row, folded; "" without.
        heading: the nearest, folded.
        section: number of that.
        column: of a cell: its column's heading, folded.
        table: number of its table; 0: none.
    """

    aspects: frozenset[str]
    key: str
    heading: str
    section: int
    column: str = ""
    table: int = 0


@dataclass
class Card:
    """What a document came to.

    Attributes:
        found: the best of each aspect, in the order of the standard; empty ones too.
        content: letters and digits outside headings; 0: it says nothing.
    """

    found: list[Found] = field(default_factory=list)
    content: int = 0


_MARKS = re.compile(r"[*`#>~\[\]【】《》“”\"']+")
_NUMBERING = re.compile(
    r"^[\s\W]*(?:(?:第?[一二三四五六七八九十]{1,3}[章节部分、.．:：)）]+|[(（][一二三四五六七八九十\d]{1,3}[)）]|"
    r"\d{1,2}(?:\.\d{1,2}){0,3}[.、:：)）]?(?=\s|(?![万亿千百条张篇])[\u3400-\u9fff]))[\s.、]*)?"
)
_UNITS = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]|[^\W_]+")


def folded(text: str) -> str:
    """A heading or the name of a field, as terms are written: without numbering, marks, case and width."""
    text = unicodedata.normalize("NFKC", text[: 4 * MAX_HEADING]).casefold()
    text = _NUMBERING.sub("", _MARKS.sub("", text.replace("_", " ")), count=1)
    return " ".join(text.split()).strip(" :;,.?!-–—。：；")


def _alternatives(terms: Iterable[str]) -> str:
    return "|".join(re.escape(term) for term in sorted(terms, key=lambda term: (-len(term), term)))


_OF_TERM: dict[str, frozenset[str]] = {}
for _each in ASPECTS:
    for _term in _each.terms:
        _OF_TERM[_term] = _OF_TERM.get(_term, frozenset()) | {_each.name}
_CHINESE = re.compile(_alternatives(term for term in _OF_TERM if not term.isascii()))
_LATIN = re.compile(
    rf"(?<![a-z0-9])(?:{_alternatives(term for term in _OF_TERM if term.isascii())})(?![a-z0-9])"
)


def aspects_of(name: str) -> frozenset[str]:
    """The aspects that a heading, the name of a field or a column names, as `folded`; none of a long one."""
    if not name or len(name) > MAX_HEADING:
        return frozenset()
    if name in _OF_TERM:
        return _OF_TERM[name]
    found: frozenset[str] = frozenset()
    for pattern in (_CHINESE, _LATIN):
        for match in pattern.finditer(name):
            found |= _OF_TERM[match[0]]
    return found


_BLANKS = re.compile(
    r"\[\s*(?:todo|tbd|more information needed)[^\]\n]{0,200}\]|【\s*(?:待|todo|请)[^】\n]{0,200}】",
    re.IGNORECASE,
)
_STILL = re.compile(
    r"\W*(?:待(?:补充|填写|完善|添加|更新)|请(?:填写|补充))\w{0,8}\W*|\W*(?:todo|tbd|fixme)\b[^\n]{0,120}"
)
_NOTHING = re.compile(rf"(?<![^\W_])(?:{_alternatives(PLACEHOLDERS)})(?![^\W_])")


def content(text: str) -> int:
    """How much a text says: Chinese characters and words, but for what stands where something is still to be written."""
    if "[" in text or "【" in text:
        text = _BLANKS.sub(" ", text)
    if len(text) < 4 * MAX_HEADING:
        short = unicodedata.normalize("NFKC", text).casefold()
        if _STILL.fullmatch(short) or not _UNITS.search(_NOTHING.sub(" ", short)):
            return 0
    return len(_UNITS.findall(text))


_FIELD = re.compile(
    r"\s*(?:[-*+•·●○▪]\s+|\d{1,2}[.)、]\s*)?([^:：\n|]{1,60}?)\s*[:：](?!//)\s*(.*)", re.DOTALL
)
_KEY_BY_NAME = re.compile(r"[.,;!?。，；！？]")


def as_field(text: str) -> tuple[str, str] | None:
    """The folded name of a field and its value, where a line is one."""
    match = _FIELD.match(text)
    if match is None or _KEY_BY_NAME.search(match[1].strip("*_ ")) is not None:
        return None
    name = folded(match[1])
    if not name or len(_UNITS.findall(name)) > 10:
        return None
    return name, match[2].lstrip("*_ ").strip()


_FIELDS_OF_RECORDS = re.compile(
    r"字段|列名|参数|变量|^(?:field|fields|column|columns|feature|attribute|variable)\b|类型|^d?type$"
)


class _Table:
    """The rows of one table, while they come."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.columns: tuple[str, ...] = ()
        self.rows = 0
        self.dictionary = False

    def begin(self, cells: tuple[str, ...]) -> None:
        self.columns = tuple(folded(cell) for cell in cells)
        hits = [name for name in self.columns if _FIELDS_OF_RECORDS.search(name)]
        self.dictionary = bool(hits) and bool(self.columns) and len(self.columns) > 1 and (
            len(hits) > 1 or _FIELDS_OF_RECORDS.search(self.columns[0]) is not None
        )  # fmt: skip


_LABEL_COLUMN = re.compile(r"类别|标签|类型名|^(?:label|class|category|tag)")
_COUNT_COLUMN = re.compile(
    r"数量|个数|占比|样本数|比例|条数|^(?:count|number|#|n|share|percentage|samples|images|freq)"
)
_SPLIT_ROW = re.compile(r"训练|验证|测试|\b(?:train|training|valid|validation|val|dev|test)\b")


@dataclass
class _Open:
    """A heading whose section goes on."""

    level: int
    place: int
    aspects: frozenset[str]
    name: str
    number: int
    content: int = 0


Visit = Callable[[Block, str, Context], None]
"""Called for every piece of text that may state something: its block, the text, where it stands."""

_PSEUDO = 9
"""Level of a line that is nothing but a term: a heading that was not marked as one."""


class Finder:
    """Reads the blocks of a document in order."""

    def __init__(self, visit: Visit | None = None) -> None:
        self._visit = visit
        self._open: list[_Open] = []
        self._sections = 0
        self._table: _Table | None = None
        self._waiting: tuple[frozenset[str], int] | None = None
        self._best: dict[str, Found] = {}
        self._content = 0

    def card(self, blocks: Iterable[Block]) -> Card:
        """All that a document says."""
        for block in blocks:
            self.add(block)
        return self.end()

    def add(self, block: Block) -> None:
        """The next block."""
        if block.kind == "row":
            self._settle(block.text)
            self._row(block)
            return
        self._table = None
        name = folded(block.text) if len(block.text) <= MAX_HEADING else ""
        if block.kind == "heading" and name:
            self._settle("")
            self._heading(block, name, block.level)
        elif block.kind == "text" and name in _OF_TERM and ":" not in block.text and "：" not in block.text:
            self._settle("")
            self._heading(block, name, _PSEUDO)
        else:
            self._settle(block.text)
            self._text(block)

    def end(self) -> Card:
        """After the last block."""
        self._settle("")
        self._close(0)
        order = [aspect.name for aspect in ASPECTS]
        found = sorted(self._best.values(), key=lambda each: order.index(each.aspect))
        return Card(found, self._content)

    def _note(self, aspects: Iterable[str], place: int, how: str, strength: str) -> None:
        for aspect in aspects:
            new = Found(aspect, place, how, strength)
            old = self._best.get(aspect)
            if old is None or rank(new.strength, new.how) > rank(old.strength, old.how):
                self._best[aspect] = new

    def _heading(self, block: Block, name: str, level: int) -> None:
        self._close(level)
        self._sections += 1
        self._open.append(_Open(level, block.place, aspects_of(name), name, self._sections))

    def _close(self, level: int) -> None:
        while self._open and self._open[-1].level >= level:
            done = self._open.pop()
            strength = "strong" if done.content else "empty"
            self._note(done.aspects, done.place, "heading", strength)
            if self._open:
                self._open[-1].content += done.content

    def _count(self, text: str) -> int:
        said = content(text)
        self._content += said
        if self._open:
            self._open[-1].content += said
        return said

    def _settle(self, text: str) -> None:
        """A field without a value has what follows it, if that is no field itself."""
        if self._waiting is not None:
            aspects, place = self._waiting
            self._waiting = None
            follows = content(text) if text and as_field(text) is None else 0
            self._note(aspects, place, "field", "strong" if follows else "empty")

    def _context(self, key: str = "", column: str = "", table: int = 0) -> Context:
        nearest = self._open[-1] if self._open else None
        aspects = aspects_of(key) | aspects_of(column)
        if not aspects:
            aspects = next((each.aspects for each in reversed(self._open) if each.aspects), frozenset())
        return Context(
            aspects, key, nearest.name if nearest else "", nearest.number if nearest else 0, column, table
        )

    def _text(self, block: Block) -> None:
        said = as_field(block.text) if block.kind == "text" else None
        aspects = aspects_of(said[0]) if said is not None else frozenset()
        if said is not None and aspects:
            key, value = said
            amount = self._count(value)
            if amount:
                self._note(aspects, block.place, "field", "strong")
            elif value:
                self._note(aspects, block.place, "field", "empty")
            else:
                self._waiting = (aspects, block.place)
        else:
            amount = self._count(block.text)
        if not amount:
            return
        text = block.text.casefold()
        for aspect, words, pattern in WORDINGS:
            known = self._best.get(aspect)
            if known is not None and known.strength != "empty":
                continue  # it could not be told better
            if any(word in text for word in words) and pattern.search(text):
                self._note((aspect,), block.place, "term", "weak")
        if self._visit is not None and block.kind == "text":
            key = said[0] if said is not None else ""
            self._visit(block, said[1] if said is not None and aspects else block.text, self._context(key))

    def _row(self, block: Block) -> None:
        first = self._table is None or self._table.number != block.table
        if first:
            self._table = _Table(block.table)
            self._table.begin(block.cells)
        table = self._table
        assert table is not None
        table.rows += 1
        key, rest = folded(block.cells[0]), block.cells[1:]
        said = max((content(cell) for cell in rest), default=0)
        self._count(block.text if not first or said else "")
        if not first:
            self._columns(table, block)
        if len(block.cells) == 1:
            if self._visit is not None:
                self._visit(block, block.text, self._context())
            return
        named = frozenset() if table.dictionary else aspects_of(key)
        headed = first and len(block.cells) > 1 and any(aspects_of(folded(cell)) for cell in rest)
        if named and not headed:
            self._note(named, block.place, "table", "strong" if said else "empty")
        if self._visit is not None and not table.dictionary:
            for at, cell in enumerate(rest, 1):
                column = "" if first or at >= len(table.columns) else table.columns[at]
                self._visit(block, cell, self._context(key, column, block.table))

    def _columns(self, table: _Table, block: Block) -> None:
        """What the first rows tell of the columns of a table."""
        if table.rows > _ROWS_THAT_TELL:
            return
        columns, cells = table.columns, block.cells
        if table.dictionary:
            self._note(("structure",), block.place, "table", "strong")
            return
        for name, cell in zip(columns, cells, strict=False):
            if content(cell):
                self._note(aspects_of(name) - {"samples"}, block.place, "table", "strong")
        counted = any(_COUNT_COLUMN.search(name) for name in columns[1:])
        if counted and any(_LABEL_COLUMN.search(name) for name in columns):
            self._note(("labels",), block.place, "table", "strong")
        if _SPLIT_ROW.search(folded(cells[0])) and any(map(content, cells[1:])):
            self._note(("distribution",), block.place, "table", "strong")


_ROWS_THAT_TELL = 5
_STRENGTHS = ("empty", "weak", "strong")
_HOWS = ("term", "field", "table", "heading")


def rank(strength: str, how: str) -> tuple[int, int]:
    """How good a place is; the first of equals counts."""
    return _STRENGTHS.index(strength), _HOWS.index(how)


_LICENCES = (
    r"\bmit\b|\bapache\b|\bcc[ -]?by|\bcc0\b|\bgpl|\bbsd\b|creative commons|知识共享|木兰|\bodbl\b|\bodc\b"
)
_SPLITS = r"训练集|验证集|测试集|\b(?:train|training|validation|test)[ -](?:set|split)\b"
_SUFFIX = r"\b(?:jsonl?|csv|tsv|parquet|arrow|xml|jpe?g|png|tiff?|wav|flac|mp3|mp4|mkv|pdf|docx|txt)\b"

Wording = tuple[str, tuple[str, ...], re.Pattern[str]]

WORDINGS: tuple[Wording, ...] = tuple(
    (aspect, tuple(words.split("|")), re.compile(pattern))
    for aspect, words, pattern in (
        ("scale", "共|总计|合计|包含|包括|收录|contains|comprises|consists of|total of|in total|includes",
         r"(?:共|总计|合计|包含|包括|收录|contains|comprises|consists of|total of|in total|includes)[^。.;；\n]{0,40}?\d[\d,.]*\s*(?:万|亿|千|k|m|million|thousand)?\s*(?:余|多|\+)?\s*(?:条|张|篇|份|段|幅|小时|gb|tb|mb|hours?|images?|records?|samples?|documents?|examples?|videos?|recordings?|clips)"),
        ("format", "格式|format|stored |saved |存储为|保存为",
         rf"(?:格式|format|stored (?:as|in)|saved (?:as|in)|存储为|保存为)[^。;；\n]{{0,30}}{_SUFFIX}|{_SUFFIX}\s{{0,3}}(?:格式|format)"),
        ("structure", "──", r"[├└]──"),
        ("access", "load_dataset(|clone|http",
         r"\bload_dataset\(|\bgit (?:lfs )?clone\b|\b(?:wget|curl) +\S*https?:|(?:下载|获取|available (?:at|from|on)|download(?:ed)? (?:at|from))[^。;；\n]{0,40}https?://"),
        ("support", "@", r"(?:联系|邮箱|咨询|反馈|contact|e-?mail|questions?|support)[^。;；\n]{0,40}[\w.+-]{1,64}@[\w-]{1,64}\.\w"),
        ("distribution", "训练集|验证集|测试集| set| split|-set|-split",
         rf"(?:{_SPLITS})[^。;；\n]{{0,40}}\d[^。\n]{{0,80}}?(?:{_SPLITS})[^。;；\n]{{0,40}}\d"),
        ("source", "来源于|来自|采自|取自| from",
         r"(?:数据|样本|语料|图像|图片|音频|视频)(?:均|主要|全部)?(?:来源于|来自|采自|取自)[^。，,;；\n]{2}|\b(?:data|images|texts|recordings|videos|dataset) (?:was|were|is|are) (?:sourced|obtained|taken|drawn|derived) from\b"),
        ("collection", "采集|收集|录制|拍摄|collected|recorded|captured|crawled",
         r"(?:(?:于|自|从|在)?\d{4}\s?年[^。;；\n]{0,30}(?:采集|收集|录制|拍摄))|(?:采集|收集|录制|拍摄)(?:于|自|时间[为是])[^。;；\n]{0,10}\d|\b(?:collected|recorded|captured|crawled) (?:between|from|in|during|by) [^.;\n]{0,30}\d{4}"),
        ("processing", "清洗|去重|脱敏|过滤|归一化|cleaned|duplicated|filtered|normali|anonymi|identified",
         r"(?:经过?|进行了?|采用|通过)[^。;；\n]{0,20}(?:清洗|去重|脱敏|过滤|归一化)|\b(?:was|were|is|are|been) (?:\w+ly )?(?:cleaned|deduplicated|de-duplicated|filtered|normali[sz]ed|anonymi[sz]ed|de-identified)\b"),
        ("annotation", "标注|annotated|labeled|labelled",
         r"由[^。;；\n]{1,20}(?:进行)?(?:人工)?标注|\b(?:annotated|labell?ed) (?:by|using|with|manually)\b"),
        ("version", "版本|version|release",
         r"(?:版本|version|release)\s{0,2}(?:号)?(?:[:：为是]|is)?\s{0,2}v?\d{1,4}\.\d{1,4}"),
        ("licence", "许可|授权|协议|licen|under the",
         rf"(?:许可|授权|协议|licen[cs]e|licen[cs]ed|under the)[^。;；\n]{{0,40}}(?:{_LICENCES})|(?:{_LICENCES})[^。;；\n]{{0,40}}(?:许可|授权|协议|licen[cs]e)"),
        ("scenarios", "适用于|可用于|应用于|用于训练|服务于|intended |can be used|suitable for|designed for",
         r"(?:适用于|可用于|应用于|用于训练|服务于)[^。;；\n]{4}|\b(?:intended (?:for|to be used)|can be used (?:for|to)|suitable for|designed for) \w+ing\b"),
        ("benchmarks", "准确率|召回率|f1|bleu|rouge|map|wer|cer|accuracy|recall|precision",
         r"(?:准确率|召回率|f1|bleu|rouge|map|wer|cer|accuracy|recall|precision)[^。;；\n]{0,20}(?:达到?|为|of|is|reaches|:|：|=)\s{0,2}\d"),
    )
)  # fmt: skip
"""Aspect → words of which one stands in every text that the pattern finds, and the pattern: wording that says the aspect,
together with what only the real thing has. Both are of text without case. Looking for words is many times as fast."""


def read_card(blocks: Iterable[Block], visit: Visit | None = None) -> Card:
    """What a document says; see the module.

    Args:
        blocks: in reading order.
        visit: told of every text that may state something.
    """
    return Finder(visit).card(blocks)


def plain_blocks(lines: Iterable[tuple[int, str]]) -> Iterator[Block]:
    """Blocks of a text without markup, where only numbering, length and lines of marks tell what a heading is.

    Args:
        lines: place and text of each line.
    """
    held: tuple[int, str] | None = None
    for place, line in lines:
        text = line.strip()
        if held is not None:
            if len(text) >= 3 and set(text) <= set("=-~^*") and len(set(text)) == 1:
                yield Block("heading", held[0], held[1], 1 if text[0] in "=*" else 2)
                held = None
                continue
            yield _plain(*held)
            held = None
        if text and not _LEADERS.search(text):
            held = (place, text)
    if held is not None:
        yield _plain(*held)


_LEADERS = re.compile(r"[.．·…_]{4,}\s{0,4}\d{1,4}$")
"""A line of a table of contents."""

_NUMBERED: Sequence[tuple[re.Pattern[str], int]] = (
    (re.compile(r"第[一二三四五六七八九十\d]{1,3}[章节部分篇]"), 1),
    (re.compile(r"[一二三四五六七八九十]{1,3}[、.．]"), 1),
    (re.compile(r"[(（][一二三四五六七八九十]{1,3}[)）]"), 2),
    (re.compile(r"\d{1,2}(?:\.\d{1,2}){1,3}\.?(?=\s|[^\d\s.,%])"), 3),
    (re.compile(r"\d{1,2}[.、]?\s+(?=[A-Z\u4e00-\u9fff])|\d{1,2}[.、](?=[A-Z\u4e00-\u9fff])"), 2),
    (re.compile(r"#{1,6} "), 2),
)
_SENTENCE_END = re.compile(r"[。；;，,.!?！？:：]$")


def _plain(place: int, text: str) -> Block:
    short = len(text) <= 40 and _SENTENCE_END.search(text) is None
    if short:
        for pattern, level in _NUMBERED:
            if (match := pattern.match(text)) and len(text) > match.end() and as_field(text) is None:
                return Block("heading", place, text, level)
    return Block("text", place, text)
