"""What a text states of its data in numbers and names, in Chinese and English.

Counts, sizes, hours, sizes of pictures, spans of time; formats, modalities, licences.

Nothing is judged here. A statement keeps what it needs to be compared fairly: whether it is a bound or an estimate, whether
it speaks of the whole or of a part (训练集, per class), and with what else it stands, since parts add up. What speaks of
something else (memory of a machine, a requirement, what the data was selected from) is no statement. Values are fractions
and names from closed lists, never text of the document.
"""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from dqv.measure.datacards import Context

MAX_TEXT = 4000
"""Characters of a piece of text that are looked at: a sentence is shorter."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        kind: items, bytes, hours, pixels, span, format, modality, licence.
        what: of items: image, text, audio, video, file or any; of hours: audio or video where it names one of them; of pixels:
            size or side; else the format, modality or licence, by its usual name; "" where the kind says it.
        least: of a number the value, or the lower end of a range; of a span its first day as an ordinal; of pixels the short
            side; None of a name.
        most: the upper end of a range, the last day, the long side; None: as `least`.
        bound: exact, about, least, most or range.
        step: half of the last digit that is stated.
        whole: it speaks of all of the dataset.
        part: it speaks of a part.
        own: it says that the dataset has it, which may be all or some of what there is.
        section: of the document.
    """

    kind: str
    what: str
    least: Fraction | None = None
    most: Fraction | None = None
    bound: str = "exact"
    step: Fraction = Fraction(0)
    whole: bool = False
    part: bool = False
    section: int = 0
    own: bool = False


_DIGITS = r"\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,6})?|\d{1,18}(?:\.\d{1,6})?"
_MULTIPLES = {
    "十": 10, "百": 100, "千": 1000, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8, "十亿": 10**9,
    "百亿": 10**10, "k": 1000, "m": 10**6, "b": 10**9, "w": 10**4, "thousand": 1000, "million": 10**6, "billion": 10**9,
    "mn": 10**6, "bn": 10**9,
}  # fmt: skip
_MULTIPLE = r"\s{0,2}(?P<multiple>百万|千万|十万|十亿|百亿|[十百千万亿]|(?:thousand|million|billion)(?![a-z])|(?:mn|bn|[kmbw])(?![a-z]))"
_CHINESE_NUMBER = r"[零〇一二两三四五六七八九十百千万亿]{1,20}"
_FIGURE = re.compile(r"[\d零〇一二两三四五六七八九十百千万亿]")
_NUMBER = rf"(?:(?<![\d.,a-z_/-])(?P<digits>{_DIGITS})(?:{_MULTIPLE})?|(?P<chinese>{_CHINESE_NUMBER}))"
_TO = r"\s{0,2}(?:[-~–—至到]|to)\s{0,2}"

_BYTES = {
    "b": 1, "byte": 1, "bytes": 1, "字节": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "pb": 10**15,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "pib": 2**50,
}  # fmt: skip
_HOURS = {
    "小时": Fraction(1), "个小时": Fraction(1), "hour": Fraction(1), "hours": Fraction(1), "hrs": Fraction(1), "hr": Fraction(1),
    "h": Fraction(1), "分钟": Fraction(1, 60), "minutes": Fraction(1, 60), "minute": Fraction(1, 60), "mins": Fraction(1, 60),
    "min": Fraction(1, 60),
}  # fmt: skip
_NOUNS = {
    "image": "图像|图片|照片|影像|images?|pictures?|photos?|photographs?",
    "video": "视频|videos?",
    "audio": "音频|录音|语音|recordings?|audio files?|audio clips?|utterances?",
    "text": "文本|文档|文章|语料|句子|documents?|texts?|articles?|sentences?",
    "file": "文件|files?",
    "any": "样本|数据|记录|样例|实例|问答对|图文对|对话|records?|rows?|samples?|examples?|instances?|entries|items?|pairs?|dialogues?|"
    "conversations?|data points?",
}
_COUNTERS = {
    "张": "image",
    "幅": "image",
    "篇": "text",
    "条": "any",
    "段": "any",
    "份": "any",
    "则": "any",
    "组": "any",
    "对": "any",
}
_NOUN = "|".join(f"(?P<{name}>{words})" for name, words in _NOUNS.items())
_LATIN_END = r"(?![a-z])"
_UNIT = (
    rf"\s{{0,2}}(?:(?P<more>余|多|\+|以上)\s{{0,2}})?(?:(?P<bytes>[kmgtp]i?b|字节|bytes?){_LATIN_END}|"
    rf"(?P<hours>个?小时|分钟|hours?|hrs?|h|minutes?|mins?){_LATIN_END}|"
    rf"(?P<counter>[张幅篇条段份则组对])|个\s{{0,2}}(?:[\u4e00-\u9fff]{{0,6}}?)(?P<noun_zh>图像|图片|照片|影像|视频|音频|录音|文本|文档|文章|文件|样本|数据|记录|样例|实例)|"
    rf"(?:[a-z-]{{1,20}} ){{0,3}}?(?:{_NOUN}){_LATIN_END})(?P<after>\s{{0,2}}(?:余|以上|左右|上下|or more|\+))?"
)
_QUANTITY = re.compile(
    rf"{_NUMBER}(?:\s{{0,2}}(?P<first>[kmgtp]i?b|小时|hours?|[张幅篇条段份])?{_TO}(?P<to>{_DIGITS})(?:\s{{0,2}}(?P<to_multiple>百万|千万|十万|[十百千万亿]|[kmbw](?![a-z])))?)?{_UNIT}"
)  # fmt: skip
_OF_SIZE_CATEGORY = re.compile(r"\b(?:(\d{1,4})([kmbt]?)\s?<\s?)?n\s?([<>])\s?(\d{1,4})([kmbt]?)\b")

_ABOUT = re.compile(
    r"(?:约|大约|近|将近|大概|approximately|approx\.?|about|around|nearly|almost|roughly|circa|ca\.|[~≈])\s{0,2}(?:为|有)?\s{0,2}$"
)
_LEAST = re.compile(
    r"(?:(?<!不)超过?|逾|(?<!不)多于|(?<!不)大于|(?<!不)高于|不少于|不低于|不小于|至少|over|(?<!no )more than|at least|exceed(?:s|ing)?|above|no (?:less|fewer|smaller) than|[>≥]=?)\s{0,2}$"
)
_MOST = re.compile(
    r"(?:不超过|不多于|不大于|少于|小于|低于|至多|最多|最大|up to|at most|(?<!no )fewer than|(?<!no )less than|under|below|no more than|maximum(?: of)?|[<≤]=?)\s{0,2}$"
)
_PART = re.compile(
    r"训练|验证|测试|评估集|开发集|其中|子集|[每各单]|平均|最[大小长短]|分别|占|[0-9]\s?%|\b(?:train|training|validation|valid|val|dev|test|testing|"
    r"split|splits|subset|subsets|of which|of these|per|each|every|average|mean|median|longest|shortest|maximum|minimum|held-out|holdout|"
    r"remaining|rest|another|additional|only)\b|其他|其余|另有|新增|增加"
)  # fmt: skip
_WHOLE = re.compile(
    r"共|总|合计|全部|整体|数据集包含|数据集包括|数据集的?(?:规模|大小|体量|容量)|数据集由[^，,。；]{1,40}(?:组成|构成)|数据量|\b(?:total|totals|overall|in all|altogether|dataset (?:contains|comprises|includes|has|consists)|comprises|consists of|the (?:whole|entire|full) (?:dataset|corpus|collection))\b"
)
_OWN = re.compile(
    r"(?:(?:^|[\s:：]|[本该此]|这个|我们的)数据集(?:目前|现|已|中|内|里)?(?:收录|收集|提供|包含|含有|含|有(?!效)|涵盖|汇集|发布|公开|收有)了?|我们(?:发布|公开|提供|开放)了?|"
    r"\b(?:(?:this|our|the) (?:data ?set|corpus|collection)(?: (?:now|currently))? (?:provides?|offers?|holds?|has|have|includes?|contains?|covers?)|"
    r"we (?:hereby |also )?(?:provide|release|publish|offer|share|present)|(?:this|our) (?:data ?set|corpus|collection) of))"
    r"(?:(?! (?:on|for|with|from|using|by|to) |对|用于|关于)[^,，;；]){0,24}$"
)  # fmt: skip
"""Behind it, at once, what the dataset has."""
_NOT_OWN = re.compile(
    r"例如|比如|譬如|类似|不同于|来源|源数据|源语料|引用|标注员|\b(?:e\.g|for example|for instance|example of|such as|like|et al|source|sources|"
    r"annotators?|checkpoints?|weights|extends|extended|builds? on|based on|inspired by|their|other|others|imagenet|coco)\b"
)
_ELSEWHERE = re.compile(
    r"内存|显存|显卡|磁盘|硬盘|带宽|模型|参数|要求|门槛|应当?|须|不得|计划|预计|将(?:扩|增|达)|目标|原始|筛选自|选自|抽取自|提取自|转写自|转录自|识别自|(?:其他|其它|现有|已有|同类)的?数据集|相比|对比|此前|上一版|旧版|历史版本|"
    r"\b(?:gpu|ram|vram|memory|disk|bandwidth|parameters|require[sd]?|requirements?|must|should|shall|plan|planned|will|goal|selected from|"
    r"sampled from|out of|derived from|extracted from|transcribed from|subset of|their (?:dataset|corpus)|(?:other|another|existing) (?:datasets?|corpora|corpus)|original|originally|previous|earlier|formerly|compared|unlike|pretrained|trained on|model|models|"
    r"crawl|batch|epochs?|tokens?)\b"
)  # fmt: skip
_OF_WORK = re.compile(
    r"耗时|耗费|花费|工时|人时|用时|费时|[以之]?内(?:响应|回复|处理|完成|提供|审核)|\b(?:took|takes|spent|effort|labou?r|within|person|man|work|working|worked)\b"
)
"""Hours of people, not of recordings."""
_CLAUSE = re.compile(r"[。；;!?！？\n]|，|,(?!\d{3})|\.(?!\d)|[（）()]|、")

MODALITIES = {
    "text": re.compile(r"文本|文字|语料|\btexts?\b|\btextual\b"),
    "image": re.compile(r"图像|图片|影像|照片|\bimages?\b|\bpictures?\b|\bphotos?\b"),
    "audio": re.compile(r"音频|语音|录音|声音|\baudio\b|\bspeech\b"),
    "video": re.compile(r"视频|\bvideos?\b"),
}
_NOT = re.compile(r"(?:不含|不包含|不包括|没有|无|非|without|no|not|excluding|except)\s{0,2}(?:any\s)?$")

FORMATS = {
    "jpg": "jpe?g", "png": "png", "webp": "webp", "tiff": "tiff?", "bmp": "bmp", "gif": "gif", "heic": "hei[cf]", "avif": "avif",
    "wav": "wav", "flac": "flac", "mp3": "mp3", "ogg": "ogg", "opus": "opus", "m4a": "m4a", "aac": "aac", "amr": "amr", "pcm": "pcm",
    "mp4": "mp4", "mkv": "mkv", "avi": "avi", "mov": "mov", "webm": "webm", "flv": "flv", "wmv": "wmv",
    "jsonl": "jsonl|ndjson|json ?lines", "json": "json", "csv": "csv", "tsv": "tsv", "parquet": "parquet", "arrow": "arrow",
    "xml": "xml", "html": "html?", "txt": "txt", "pdf": "pdf", "docx": "docx", "xlsx": "xlsx", "zip": "zip", "tar": "tar|webdataset",
    "hdf5": "hdf5", "tfrecord": "tfrecords?", "lmdb": "lmdb", "npy": "npy", "npz": "npz", "las": "las", "pcd": "pcd",
}  # fmt: skip
_FORMAT = re.compile(
    "|".join(rf"(?P<{name}>(?<![a-z0-9])(?:{words})(?![a-z0-9]))" for name, words in FORMATS.items())
)

LICENCES = {
    "cc0-1.0": r"cc0(?:[- ]1\.0)?",
    "cc-by-nc-nd": r"cc[- ]by[- ]nc[- ]nd|attribution-noncommercial-noderivatives|署名-非商业性?使用-禁止演绎",
    "cc-by-nc-sa": r"cc[- ]by[- ]nc[- ]sa|attribution-noncommercial-sharealike|署名-非商业性?使用-相同方式共享",
    "cc-by-nc": r"cc[- ]by[- ]nc|attribution-noncommercial|署名-非商业性?使用",
    "cc-by-nd": r"cc[- ]by[- ]nd|attribution-noderivatives|署名-禁止演绎",
    "cc-by-sa": r"cc[- ]by[- ]sa|attribution-sharealike|署名-相同方式共享",
    "cc-by": r"cc[- ]by|creative commons attribution(?![- ](?:non|share|no))|知识共享[- ]?署名(?!-)",
    "apache-2.0": r"apache(?: software)?(?: license|-)?,?\s{0,80}(?:v|version )?\s?2(?:\.0)?",
    "mit": r"mit(?= license| licence|[^a-z]{0,3}许可|$|[\s,.;。，；)])",
    "agpl-3.0": r"agpl[- ]?(?:v?3(?:\.0)?)?|gnu affero general public license",
    "lgpl": r"lgpl[- ]?(?:v?[23](?:\.[01])?)?|gnu lesser general public license",
    "gpl": r"gpl[- ]?(?:v?[23](?:\.0)?)?|gnu general public license",
    "bsd": r"bsd(?:[- ][234][- ]clause)?|redistribution and use in source and binary forms",
    "mpl-2.0": r"mpl[- ]?2(?:\.0)?|mozilla public license",
    "odbl": r"odbl|open database license",
    "odc-by": r"odc[- ]by",
    "mulan-psl": r"木兰宽松许可|mulan(?: ?psl| permissive)",
    "proprietary": r"proprietary|all rights reserved|版权所有",
}
_LICENCE = re.compile(
    "|".join(f"(?P<l{number}>(?<![a-z0-9])(?:{words}))" for number, words in enumerate(LICENCES.values()))
)
_LICENCE_NAMES = tuple(LICENCES)

_SIDES = re.compile(r"(?<![\d.])(\d{2,5})\s{0,2}(?:px|像素)?\s{0,2}[x×*✕]\s{0,2}(\d{2,5})(?![\d.])")
_LINES = re.compile(
    r"(?<![\d.])(480|720|1080|1440|2160|4320)\s?p\b|(?<![a-z0-9._-])([248])k(?![a-z0-9_]|\s?[张个条幅])"
)
_LINES_OF = {"2": 1440, "4": 2160, "8": 4320}
_OF_PICTURES = re.compile(r"分辨率|像素|尺寸|清晰度|resolution|pixels?|\bpx\b|image size|frame size")

_DAY = r"(?<!\d)((?:19|20)\d{2})\s?(?:年\s?(?:(\d{1,2})\s?月\s?(?:(\d{1,2})\s?日)?)?|[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?!\d)"
_SPAN = re.compile(
    rf"{_DAY}\s{{0,2}}(?:[-~–—/至到]|to|until|through|and)\s{{0,2}}(?:{_DAY}|(今|now|present))"
)
_OF_TIME = re.compile(
    r"时间范围|时间跨度|时间段|采集时间|收集时间|数据时间|起止时间|时间覆盖|覆盖时间|采集于|收集于|录制于|拍摄于|time span|time range|time period|temporal ?coverage|"
    r"(?:覆盖|跨越|来自)了?\s?(?=(?:19|20)\d{2})|\bdata(?: ?set)? (?:spans?|covers?|spanning|covering|ranges? from)\b|\bspan(?:s|ning) (?:the )?(?:years?|period)\b|"
    r"collection period|date range|collected (?:between|from)|recorded (?:between|from)|captured (?:between|from)|period covered"
)  # fmt: skip


def chinese_number(text: str) -> int:
    """一百二十万 → 1200000.

    Raises:
        ValueError: it is none.
    """
    if not text or text.strip("零〇一二两三四五六七八九十百千万亿"):
        raise ValueError(text)
    digits = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
    total = section = held = 0
    for char in text:
        if char in digits:
            if held:
                raise ValueError(text)
            held = digits[char]
        elif char in "十百千":
            section += (held or 1) * {"十": 10, "百": 100, "千": 1000}[char]
            held = 0
        else:
            factor = 10**4 if char == "万" else 10**8
            if char == "亿":
                total = (total + section + held or 1) * factor
            else:
                total += (section + held or 1) * factor
            section = held = 0
    return total + section + held


def _value(digits: str, multiple: str | None) -> tuple[Fraction, Fraction]:
    """A number, and half of its last digit that is stated, where it is rounded."""
    plain = digits.replace(",", "")
    factor = _MULTIPLES.get(multiple or "", 1)
    decimals = len(plain.partition(".")[2])
    step = Fraction(factor, 2 * 10**decimals) if multiple or decimals else Fraction(0)
    return Fraction(plain) * factor, step


def statements(text: str, context: Context) -> Iterator[Statement]:
    """All that a piece of text states.

    Args:
        text: a line, a paragraph, a cell or the value of a field; of a long one the beginning.
        context: where it stands.
    """
    text = unicodedata.normalize("NFKC", text[:MAX_TEXT]).lower().translate(_PLAIN)
    yield from _quantities(text, context)
    yield from _bare(text, context)
    if "scale" in context.aspects:
        yield from _size_categories(text, context)
    if _OF_PICTURES.search(text) or _OF_PICTURES.search(f"{context.key} {context.column} {context.heading}"):
        yield from _pixels(text, context, named=True)
    elif MODALITIES["image"].search(text) or MODALITIES["video"].search(text):
        yield from _pixels(text, context, named=False)
    if _OF_TIME.search(text) or _OF_TIME.search(f"{context.key} {context.column} {context.heading}"):
        yield from _spans(text, context)
    if "format" in context.aspects and not _is_of_annotation(context):
        for match in _FORMAT.finditer(text):
            if not _elsewhere(text, match):
                yield Statement("format", match.lastgroup or "", section=context.section)
    if "modality" in context.aspects:
        yield from _modalities(text, context)
    if "licence" in context.aspects:
        for name in licences(text):
            yield Statement("licence", name, section=context.section)


_PLAIN = str.maketrans({"×": "x", "～": "~", "‐": "-", "‑": "-", "\u3000": " ", "\u00a0": " "})


def _is_of_annotation(context: Context) -> bool:
    return "annotation" in context.aspects


def licences(text: str) -> list[str]:
    """The licences that a text in small letters names, each once, in the order of the text."""
    found = (int(match.lastgroup[1:]) for match in _LICENCE.finditer(text) if match.lastgroup)
    return [_LICENCE_NAMES[number] for number in dict.fromkeys(found)]


def _clause(text: str, start: int, stop: int) -> str:
    """The part of the sentence around a match."""
    before = max(
        (match.end() for match in _CLAUSE.finditer(text, max(0, start - 80), start)),
        default=max(0, start - 80),
    )
    after = _CLAUSE.search(text, stop, stop + 40)
    return text[before : after.start() if after else stop + 40]


_ENDS = ("。", "；", ";", "\n", "!", "?", ". ")


def _sentence(text: str, start: int, stop: int) -> str:
    before = max(text.rfind(mark, max(0, start - 200), start) for mark in _ENDS) + 1
    ends = [at for mark in _ENDS if (at := text.find(mark, stop, stop + 100)) >= 0]
    return text[max(before, start - 200) : min(ends, default=stop + 100)]


def _elsewhere(text: str, match: re.Match[str]) -> bool:
    return _ELSEWHERE.search(_sentence(text, match.start(), match.end())) is not None


def _quantities(text: str, context: Context) -> Iterator[Statement]:
    if _FIGURE.search(text) is None:
        return
    named = f"{context.key} {context.column}"
    for match in _QUANTITY.finditer(text):
        read = _read(match)
        if read is None or _elsewhere(text, match):
            continue
        kind, what, least, most, step = read
        clause = _clause(text, match.start(), match.end())
        before = text[max(0, match.start() - 16) : match.start()]
        after = match["after"] or ""
        bound = "range" if most is not None else "exact"
        if bound == "exact":
            if _LEAST.search(before) or match["more"] or after.strip() in ("余", "以上", "or more", "+"):
                bound = "least"
            elif _MOST.search(before):
                bound = "most"
            elif _ABOUT.search(before) or after:
                bound = "about"
        sentence = _sentence(text, match.start(), match.end())
        if kind == "hours":
            if _OF_WORK.search(sentence):
                continue
            what = _recorded(f"{clause} {named} {context.heading}")
        part = any(map(_PART.search, (clause, named, context.heading)))
        whole = not part and (
            _WHOLE.search(clause) is not None or _WHOLE.search(named) is not None or "scale" in context.aspects
            or _WHOLE.search(sentence[: sentence.find(match[0]) + 1]) is not None
        )  # fmt: skip
        own = (
            not whole and not part and (kind != "hours" or what != "") and _NOT_OWN.search(sentence) is None
            and _OWN.search(clause[: clause.find(match[0])]) is not None
        )  # fmt: skip
        yield Statement(kind, what, least, most, bound, step, whole, part, context.section, own)


def _recorded(around: str) -> str:
    """Of what hours are, by the words around them; "" where they name neither sound nor video, or both."""
    found = [name for name in ("audio", "video") if MODALITIES[name].search(around)]
    return found[0] if len(found) == 1 else ""


_BARE = re.compile(rf"(?P<digits>{_DIGITS})(?:{_MULTIPLE})?\+?")
_COUNTS = re.compile(
    r"(?:样本|数据|图片|图像|视频|音频|文本|文档|文件|记录)(?:总?数|总?数量|条数)$|^(?:总?数量|总数|条数)$|"
    r"^(?:number of|num|no\.? of|#|total)\s?(?:images|samples|records|examples|instances|rows|videos|recordings|documents|files)$|^(?:count|samples|images|records|examples|rows)$"
)  # fmt: skip


def _bare(text: str, context: Context) -> Iterator[Statement]:
    """A number alone, where its field or column says what it counts."""
    match = _BARE.fullmatch(text.strip())
    name = context.column or context.key
    if match is None or _COUNTS.search(name) is None:
        return
    value, step = _value(match["digits"], match["multiple"])
    if 0 < value <= _MOST_VALUE:
        what = next(
            (noun for noun, words in _NOUNS.items() if noun != "any" and re.search(words, name)), "any"
        )
        part = any(map(_PART.search, (context.key, context.column, context.heading)))
        whole = not part and (
            not context.column or _WHOLE.search(f"{context.key} {context.column}") is not None
        )
        yield Statement("items", what, value, None, "exact", step, whole, part, context.section)


def _read(match: re.Match[str]) -> tuple[str, str, Fraction, Fraction | None, Fraction] | None:
    """Kind, what, value, upper end, half of the last digit."""
    if match["chinese"] is not None:
        try:
            value, step = Fraction(chinese_number(match["chinese"])), Fraction(0)
        except ValueError:
            return None
        if value < 10:  # 一张, 两段: no statement of scale
            return None
    else:
        value, step = _value(match["digits"], match["multiple"])
    most = None
    if match["to"] is not None:
        most, step = _value(match["to"], match["to_multiple"])
        if match["multiple"] is None and match["to_multiple"] is not None:
            value *= _MULTIPLES[match["to_multiple"]]
        if most <= value:
            return None
    factor: Fraction | int = 1
    what: str | None
    if match["bytes"]:
        kind, what, factor = "bytes", "", _BYTES[match["bytes"]]
        step = step or Fraction(1, 2)
    elif match["hours"]:
        kind, what, factor = "hours", "", _HOURS[match["hours"]]
    else:
        kind, what = "items", _counted(match)
    if (
        what is None
        or not value
        or value * factor > _MOST_VALUE
        or (most is not None and most * factor > _MOST_VALUE)
    ):
        return None
    return kind, what, value * factor, most * factor if most is not None else None, step * factor


_MOST_VALUE = 10**18


_NOT_DATA = re.compile(r"表|卡|规则|标注|产线|生产线|线|路|代码|问卷|合同|协议|标准|建议|要求|意见")


def _counted(match: re.Match[str]) -> str | None:
    """What is counted; None: no data."""
    if match["counter"]:
        tail = match.string[match.end("counter") : match.end("counter") + 8].lstrip()
        if _NOT_DATA.match(tail):
            return None
        for name, words in _NOUNS.items():
            if name not in ("any", "file") and re.match(words, tail):
                return name
        return _COUNTERS[match["counter"]]
    if (
        match["audio"]
        and match["audio"].startswith("utterance")
        and not MODALITIES["audio"].search(match.string)
    ):
        return None  # of a dialogue
    if match["noun_zh"]:
        return next(name for name, words in _NOUNS.items() if re.fullmatch(words, match["noun_zh"]))
    return next(name for name in _NOUNS if match[name])


def _size_categories(text: str, context: Context) -> Iterator[Statement]:
    """`10K<n<100K`, as Hugging Face's cards have it."""
    for match in _OF_SIZE_CATEGORY.finditer(text):
        factors = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
        end = Fraction(int(match[4]) * factors[match[5]])
        if match[1] is not None and match[3] == "<":
            begin = Fraction(int(match[1]) * factors[match[2]])
            if begin < end:
                yield Statement("items", "any", begin, end, "range", whole=True, section=context.section)
        else:
            bound = "most" if match[3] == "<" else "least"
            yield Statement("items", "any", end, None, bound, whole=True, section=context.section)


_NO_SIZE = re.compile(
    r"缩放|裁剪|裁切|切分|网格|缩略图|补丁|屏幕|显示器|播放器|\b(?:resi[sz]ed?|resi[sz]ing|rescaled?|crop|crops|cropped|patch|patches|tiles?|grids?|thumbnails?|input|kernel|screens?|displays?|displayed|monitors?|players?)\b"
)
_LEAST_SIDE = 240
"""Pixels, where nothing but a word for pictures stands beside two numbers: less may be a grid."""
_SAID_OF = re.compile(r"(?:\b(?:is|are|in|at)|为|是|[(:：])\s{0,2}$")
_SAID = re.compile(r"\s{0,2}(?:$|[.,;:()。，；、]|uhd|ultra)")


def _pixels(text: str, context: Context, *, named: bool) -> Iterator[Statement]:
    """Sizes of pictures; where no word for sizes stands there (`named`), what is said of pictures and can mean nothing else."""
    for match in _SIDES.finditer(text):
        short, long = sorted((int(match[1]), int(match[2])))
        if not _elsewhere(text, match) and (named or (short >= _LEAST_SIDE and _is_of_pictures(text, match))):
            yield Statement("pixels", "size", Fraction(short), Fraction(long), _side_bound(text, match),
                            part=_PART.search(_clause(text, *match.span())) is not None, section=context.section)  # fmt: skip
    for match in _LINES.finditer(text):
        lines = int(match[1]) if match[1] else _LINES_OF[match[2]]
        counts = match[2] and not (
            _SAID_OF.search(text, max(0, match.start() - 8), match.start()) and _SAID.match(text, match.end())
        )  # 4k images: four thousand
        if not _elsewhere(text, match) and (named or (not counts and _is_of_pictures(text, match))):
            yield Statement("pixels", "side", Fraction(lines), None, _side_bound(text, match),
                            part=_PART.search(_clause(text, *match.span())) is not None, section=context.section)  # fmt: skip


def _is_of_pictures(text: str, match: re.Match[str]) -> bool:
    sentence = _sentence(text, *match.span())
    if _NO_SIZE.search(sentence):
        return False
    return any(MODALITIES[name].search(sentence) for name in ("image", "video"))


def _side_bound(text: str, match: re.Match[str]) -> str:
    before, after = text[max(0, match.start() - 16) : match.start()], text[match.end() : match.end() + 20]
    if _LEAST.search(before) or re.match(
        r"\s{0,2}(?:像素|px)?\s{0,2}(?:及?以上|or (?:more|higher|larger)|\+)", after
    ):
        return "least"
    return "most" if _MOST.search(before) else "exact"


def _spans(text: str, context: Context) -> Iterator[Statement]:
    for match in _SPAN.finditer(text):
        first = _day(match.groups()[:5], last=False)
        if match[11]:
            last: date | None = date(2100, 12, 31)
        else:
            last = _day(match.groups()[5:10], last=True)
        if first is None or last is None or last < first or _elsewhere(text, match):
            continue
        part = _PART.search(_clause(text, *match.span())) is not None
        yield Statement("span", "", Fraction(first.toordinal()), Fraction(last.toordinal()), "range",
                        whole=not part, part=part, section=context.section)  # fmt: skip


def _day(groups: tuple[str | None, ...], *, last: bool) -> date | None:
    """The first or last day that a year, month or day has."""
    year = int(groups[0] or 0)
    month, day = groups[1] or groups[3], groups[2] or groups[4]
    try:
        m = int(month) if month else 12 if last else 1
        d = int(day) if day else monthrange(year, m)[1] if last else 1
        return date(year, m, d)
    except ValueError:
        return None


def _modalities(text: str, context: Context) -> Iterator[Statement]:
    for name, pattern in MODALITIES.items():
        for match in pattern.finditer(text):
            if _NOT.search(text[max(0, match.start() - 12) : match.start()]) is None and not _elsewhere(
                text, match
            ):
                yield Statement("modality", name, section=context.section)
                break
