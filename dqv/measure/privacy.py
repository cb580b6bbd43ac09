"""Personal values in texts: what they are told by, and how a text is shown without them.

| kind | told by |
|---|---|
| `id` | 身份证号 (GB 11643-1999): 18 characters, alone or as 6-8-4; province, a day that exists, check character. 15 digits (before 1999) have none: only behind 身份证 |
| `mobile` | 11 digits of a segment given to mobile numbers, alone or as 3-4-4, with or without +86 |
| `landline` | an area code (010, 02x, 03xx to 09xx) and 7 or 8 digits, which do not begin with 0, 1 or 9; without a space, hyphen or bracket between, or where they may be a day, only behind a word such as 电话 |
| `card` | a bank card (ISO/IEC 7812-1): 15 to 19 digits, alone or in groups, of an issuer, with Luhn's check digit; other than UnionPay's, in one group, only behind a word such as 卡 |
| `email` | an address (RFC 5322 dot-atom) with a domain of two labels or more |
| `plate` | 机动车号牌 (GA 36-2018): province, letter, five or six characters |
| `passport` | of China, by its form, behind 护照 or passport |
| `uscc` | 统一社会信用代码 (GB 32100-2015): of a unit, no personal value; told so that it is not taken for one |

Digits, hyphens and brackets in full width are those in ASCII. Letters or digits around a value make it part of something else; so
does a decimal point before or behind, but for zeros alone behind what else is the whole text: so a number is written that was read as
one with decimals. So does an underscore around a landline or card, and around a mobile number where a letter or digit of ASCII stands
behind it (14526359573_0e7c9a2e2b_z.jpg), unless a word before says what it is. What stands behind a word such as 订单号, or in an address of the web, is no telephone
number and no card.

Names, addresses of homes, faces and voices are told by no such rule and are not looked for.
"""

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import pyarrow as pa
import xxhash

from dqv.core.uscc import well_formed
from dqv.measure.privacy_kernel import (
    CARD,
    CODE,
    CREDIT,
    IDENTITY,
    LANDLINE,
    MAIL,
    MOBILE,
    PLATE,
    runs,
)
from dqv.neardup.tokens import buffers

PERSONAL = ("id", "mobile", "landline", "card", "email", "plate", "passport")
"""Kinds of personal values that texts are searched for."""

_BEFORE, _BEHIND = 256, 24
"""Bytes around a run: words that say what it is; the rest of a plate, and what would make it part of something else."""

_MOST_MAIL = 320
"""RFC 5321: 64 characters, @, 255."""


class Found(NamedTuple):
    """One value.

    Attributes:
        text: which one of several.
        kind: of PERSONAL, or `uscc`.
        first: byte in its text.
        stop: the byte behind.
        value: xxh3_64 of kind and value, whatever it is written with.
    """

    text: int
    kind: str
    first: int
    stop: int
    value: bytes


def find(texts: pa.LargeStringArray, fields: Sequence[str]) -> list[Found]:
    """All values in texts, in their order.

    Args:
        texts: n; null holds nothing.
        fields: n names of the fields that they stand in: words before a value.
    """
    data, offsets = buffers(texts)
    table = runs(data, offsets).tolist()
    found: list[Found] = []
    view = memoryview(data)
    for text, mine in groupby(table, itemgetter(0)):
        found += _of_text(view, text, list(mine), int(offsets[text]), int(offsets[text + 1]), fields[text])
    return found


def _of_text(
    data: memoryview, text: int, mine: list[list[int]], start: int, stop: int, field: str
) -> list[Found]:
    """What the runs of one text hold; where values lie over each other, an address comes first, then what begins first."""
    told = [(first, end, kind) for _, first, end, kind in mine if kind != MAIL]
    if len(told) < len(mine):
        told[:0] = _mail_runs(data, [run for run in mine if run[3] == MAIL], start, stop)
    starts: list[int] = []
    found: list[Found] = []
    for run in told:
        for kind, first, end, value in _of_run(data, *run, start, stop, field):
            at = bisect(starts, first)
            if (at == 0 or found[at - 1].stop <= first - start) and (at == len(starts) or end <= starts[at]):
                digest = xxhash.xxh3_64_digest(f"{kind}:{value}".encode())
                starts.insert(at, first)
                found.insert(at, Found(text, kind, first - start, end - start, digest))
    return found


def mask(text: str) -> str:
    """A text as it may be shown: each personal value as its kind, in brackets.

    What is left is looked at again: a value gone, a word before it may stand before another.
    """
    data = text.encode("utf-8", "replace")
    while True:
        shown, at = bytearray(), 0
        for each in find(pa.array([data.decode()], pa.large_string()), [""]):
            if each.kind in PERSONAL:
                shown += data[at : each.first] + f"[{each.kind}]".encode()
                at = each.stop
        if not at:
            return data.decode()
        data = bytes(shown) + data[at:]


# Runs ---------------------------------------------------------------------------------------------------

_WIDE = re.compile("[０-９（）－＋Ｘｘ\u00a0\u3000\u2010-\u2015]")
_FOLDED = str.maketrans(
    "０１２３４５６７８９（）－＋Ｘｘ\u00a0\u3000\u2010\u2011\u2012\u2013\u2014\u2015",
    "0123456789()-+Xx  ------",
)
"""One character for one."""


def _of_run(
    data: memoryview, first: int, end: int, kind: int, start: int, stop: int, field: str
) -> Iterator[tuple[str, int, int, str]]:
    """What a run holds: kind, first byte and the one behind, both of `data`, and the value.

    Args:
        data: bytes.
        first: of the run.
        end: of the run.
        kind: what it may hold.
        start: of its text.
        stop: of its text.
        field: see `find`.
    """
    if first == start and _ZEROS.match(data, end, stop) and bytes(data[first:end]).isdigit():
        stop = end
    opens = max(start, first - _BEFORE)
    before = str(data[opens:first], "utf-8", "ignore")  # half a character at the window's edge is left out
    if opens == start and field:
        before = f"{field}：{before}"
    raw = str(data[first : min(stop, end + _BEHIND)], "utf-8", "ignore")
    size = len(before)
    core = end - first if raw.isascii() else len(str(data[first:end], "utf-8", "ignore"))
    text = before + raw
    opening = max(0, size - _OPENING)
    if kind != MAIL and _WIDE.search(text, opening):
        text = text[:opening] + text[opening:].translate(_FOLDED)
    for name, begin, finish, value in _TOLD.get(kind, _numbers)(text, size, size + core, kind):
        at = begin - size
        here = first - len(before[at:].encode()) if at < 0 else first + len(raw[:at].encode())
        yield name, max(start, here), first + len(raw[: finish - size].encode()), value


_ZEROS = re.compile(rb"\.0+\Z")
"""What stands behind a number that was read as one with decimals."""

_OPENING = 2
"""Characters before a run in which a number may begin: a bracket and a sign."""

_MAIL_BYTES = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._%+-@")


def _mail_runs(
    data: memoryview, mine: list[list[int]], start: int, stop: int
) -> Iterator[tuple[int, int, int]]:
    """The characters of addresses around each @, no more than an address has."""
    until = start
    for _, first, end, kind in mine:
        if first < until:
            continue
        least, most = max(until, first - _MOST_MAIL), min(stop, end + _MOST_MAIL)
        while first > least and data[first - 1] in _MAIL_BYTES:
            first -= 1
        while end < most and data[end] in _MAIL_BYTES:
            end += 1
        yield first, end, kind
        until = end


_Told = Iterator[tuple[str, int, int, str]]
"""Kind, first character, the one behind, value."""


# Numbers ------------------------------------------------------------------------------------------------

_LEFT = r"(?=[0-9(+])(?:(?<![0-9A-Za-z])|(?<=(?i:tel))|(?<=(?i:phone))|(?<=(?i:mobile)))(?<![0-9][.-])"
_RIGHT = r"(?![0-9A-Za-z@])(?!\.[0-9])(?!-[0-9])"
_JOIN = r"[ -]"

_ALONE = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
"""Around what a check character tells well enough."""

_IDENTITY = re.compile(
    rf"(?=[1-9]){_ALONE[0]}([1-9]\d{{5}})({_JOIN}?)((?:19|20)\d\d)(\d\d)(\d\d)\2(\d{{3}}[0-9Xx]){_ALONE[1]}",
    re.ASCII,
)
_USCC = re.compile(
    rf"{_ALONE[0]}[1-9A-HJ-NPQRTUWXY][0-9A-HJ-NPQRTUWXY]\d{{6}}[0-9A-HJ-NPQRTUWXY]{{10}}{_ALONE[1]}", re.ASCII
)
_IDENTITY_15 = re.compile(_LEFT + rf"([1-9]\d{{5}})(\d\d)(\d\d)(\d\d)\d{{3}}{_RIGHT}", re.ASCII)
_CARD = re.compile(
    _LEFT
    + rf"(?:\d{{15,19}}|(?<![0-9A-F]{{4}}[ -])\d{{4}}({_JOIN})\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{1,3}})?(?!\1[0-9A-F]{{4}}(?![0-9A-Za-z]))|\d{{6}}{_JOIN}\d{{13}}|\d{{4}}{_JOIN}\d{{6}}{_JOIN}\d{{5}}){_RIGHT}",
    re.ASCII,
)
_MOBILE = re.compile(
    _LEFT + rf"(?:(?:\(\+?86\)|(?:\+|00)?86){_JOIN}?)?(1[3-9]\d)({_JOIN}?)(\d{{4}})\2(\d{{4}}){_RIGHT}",
    re.ASCII,
)
_LANDLINE = re.compile(
    _LEFT
    + rf"(?:(\(?)(0\d{{2,3}})(\)?{_JOIN}?)|(?:\+|00)?86{_JOIN}()(10|2\d|[3-9]\d\d)({_JOIN}))([2-8]\d{{2,3}}{_JOIN}?\d{{4}})(?![0-9A-Za-z@])(?!\.[0-9])",
    re.ASCII,
)

_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
"""GB/T 2260, and 83 of residence permits for people from Taiwan."""

_SEGMENTS = frozenset(
    [f"13{n}" for n in range(10)] + [f"14{n}" for n in range(5, 10)] + [f"15{n}" for n in range(10) if n != 4]
    + [f"16{n}" for n in (2, 5, 6, 7)] + [f"17{n}" for n in range(9)] + [f"18{n}" for n in range(10)]
    + [f"19{n}" for n in range(10) if n != 4]
)  # fmt: skip
"""Of mobile numbers that are given out."""

_OF_IDENTITY = re.compile(r"身份|证件|identity|id.?card", re.IGNORECASE)
_OF_PHONE = re.compile(r"电话|座机|传真|热线|联系|号码|tel|phone|fax", re.IGNORECASE)
_OF_CARD = re.compile(
    r"卡|银行|开户|账[号户]|帐[号户]|[汇转付打]款|[汇转]入|转账|card|bank|visa|account", re.IGNORECASE
)
_OF_MOBILE = re.compile(r"手机|通话|电话|联系|号码|(?<![A-Za-z])(?:tel|phone|mobile)", re.IGNORECASE)
_OTHER_NUMBER = re.compile(
    r"(?:(?:订单|运单|快递|物流|流水|编[号码]|序列|条码|工单|发票|合同|版本|QQ|时间戳"
    r"|order|serial|sku|barcode|tracking|ticket|invoice|batch|version|imei|isbn|timestamp|\bref|\bpart)[^\d，。；、,;\n]{0,8}"
    r"|[^机话系线卡账帐户同]号(?:码?为|是)?[：: ]{0,2})$",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r"(?<![A-Za-z])u?u?id[\"'：:=#\s]{0,4}$", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"://[!-~]*$")
_ADDRESS = 64
"""Characters before a value in which an address may begin."""

_LABEL = 24
"""Characters before a value in which a word may say what it is."""


def _numbers(text: str, first: int, end: int, may: int) -> _Told:
    """Numbers that begin in a chain of digits, or with a bracket or sign before it.

    Args:
        text: around it.
        first: character of the chain.
        end: of the chain.
        may: which kinds are looked for, as bits.
    """
    taken = bytearray(len(text))
    for bit, kind, pattern, value in _NUMBERS:
        if not may & bit:
            continue
        for match in pattern.finditer(text, max(0, first - _OPENING)):
            if match.start() >= end:
                break
            if match.end() <= first or taken.find(1, *match.span()) >= 0:
                continue
            told = value(match, text[max(0, match.start() - _ADDRESS) : match.start()])
            if told is not None:
                taken[match.start() : match.end()] = b"\1" * len(match[0])
                yield kind, match.start(), match.end(), told


def _identity(match: re.Match[str], _before: str) -> str | None:
    region, _, year, month, day, rest = match.groups()
    number = f"{region}{year}{month}{day}{rest.upper()}"
    return number if is_identity(number) else None


def _credit_code(match: re.Match[str], _before: str = "") -> str | None:
    return match[0] if well_formed(match[0]) and not is_identity(match[0]) else None


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_identity(number: str) -> bool:
    """Whether 18 characters have the form of GB 11643-1999: province, a day that exists, check character (ISO 7064, mod 11-2)."""
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number) or not _is_birth(
        number[:2], number[6:10], number[10:14]
    ):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return "10X98765432"[total % 11] == number[17]


def _is_birth(province: str, year: str, day: str) -> bool:
    if province not in _PROVINCES or not 1900 <= int(year) <= 2099:
        return False
    try:
        date(int(year), int(day[:2]), int(day[2:]))
    except ValueError:
        return False
    return True


def _identity_15(match: re.Match[str], before: str) -> str | None:
    region, year, month, day = match.groups()
    if not _OF_IDENTITY.search(before[-_LABEL:]) or not _is_birth(region[:2], f"19{year}", month + day):
        return None
    return match[0]


def has_luhn(digits: str) -> bool:
    """Whether the last digit is that of Luhn (ISO/IEC 7812-1, annex B)."""
    total = sum(map(int, digits[-1::-2])) + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return total % 10 == 0


def _card(match: re.Match[str], before: str) -> str | None:
    digits = re.sub(r"\D", "", match[0])
    if not _is_of_issuer(digits) or not has_luhn(digits) or is_identity(digits):
        return None
    if _is_other(before) or _IDENTIFIER.search(before):
        return None
    bare = digits == match[0] and not digits.startswith("62")
    if (bare or _has_underscore(match, before)) and not _OF_CARD.search(before[-_LABEL:]):
        return None
    return digits


def _is_of_issuer(digits: str) -> bool:
    """UnionPay, Visa, Mastercard, JCB, American Express; and what Chinese banks gave out before UnionPay's numbers."""
    length = len(digits)
    if digits.startswith(("62", "9558", "955")):
        return 16 <= length <= 19
    if digits.startswith(("34", "37")):
        return length == 15
    head = int(digits[:4])
    return length == 16 and (
        digits[0] == "4" or 5100 <= head <= 5599 or 2221 <= head <= 2720 or 3528 <= head <= 3589
    )


def _mobile(match: re.Match[str], before: str) -> str | None:
    head, _, middle, last = match.groups()
    if head not in _SEGMENTS or _is_other(before):
        return None
    if _has_underscore(match, before, _PART) and not _OF_MOBILE.search(before[-_LABEL:]):
        return None
    return head + middle + last


def _landline(match: re.Match[str], before: str) -> str | None:
    bracket, area, join, _, abroad, _, local = match.groups()
    if not local.isdecimal() and join == " ":  # three groups of four between spaces are anything
        return None
    local = re.sub(_JOIN, "", local)
    area = area or f"0{abroad}"
    if area[1] in "12":
        known = len(area) == 3 and (area == "010" or area[1] == "2") and len(local) == 8
    else:
        known = len(area) == 4 and area[1] in "3456789"
    if not known or _is_other(before) or bool(bracket) != bool(join and ")" in join):
        return None
    doubtful = (abroad is None and not join) or _is_day(local) or _has_underscore(match, before)
    if doubtful and not _OF_PHONE.search(before[-_LABEL:]):
        return None
    return f"{area}-{local}"


_BESIDE = re.compile(r"_$"), re.compile(r"_")
_PART = re.compile(r"[0-9A-Za-z]_$"), re.compile(r"_[0-9A-Za-z]")
"""Underscores before and behind a number; those by which it is part of a name of ASCII."""


def _has_underscore(
    match: re.Match[str], before: str, of: tuple[re.Pattern[str], re.Pattern[str]] = _BESIDE
) -> bool:
    return bool(of[0].search(before[-2:]) or of[1].match(match.string, match.end()))


def _is_day(digits: str) -> bool:
    """Whether digits may be a day of these decades: behind a number of four they name many a file (0573-20260630)."""
    return bool(re.fullmatch(r"20[0-4]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", digits))


def _is_other(before: str) -> bool:
    return bool(_OTHER_NUMBER.search(before[-_LABEL:]) or _IN_ADDRESS.search(before))


_NUMBERS = (
    (IDENTITY, "id", _IDENTITY, _identity),
    (IDENTITY, "id", _IDENTITY_15, _identity_15),
    (CREDIT, "uscc", _USCC, _credit_code),
    (CARD, "card", _CARD, _card),
    (MOBILE, "mobile", _MOBILE, _mobile),
    (LANDLINE, "landline", _LANDLINE, _landline),
)
"""In this order: what an earlier one is told by is no later one."""


# Codes, addresses, plates ---------------------------------------------------------------------------------

_PASSPORT = re.compile(
    r"(?<![0-9A-Za-z])(?:[EeGg]\d{8}|[Ee][A-HJ-NP-Za-hj-np-z]\d{7}|[DSP]\d{7,8}|[DSP]E\d{7})(?![0-9A-Za-z])",
    re.ASCII,
)
_OF_PASSPORT = re.compile(r"护照|passport", re.IGNORECASE)


def _codes(text: str, first: int, end: int, _may: int) -> _Told:
    """A credit code, or the number of a passport."""
    match = _USCC.match(text, first)
    if match is not None:
        code = _credit_code(match)
        if code is not None:
            yield "uscc", match.start(), match.end(), code
        return
    match = _PASSPORT.match(text, first)
    if match is not None and _OF_PASSPORT.search(text[max(0, first - _LABEL) : first]):
        yield "passport", match.start(), match.end(), match[0].upper()


_MAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_+-])?"
    r"@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8})([A-Za-z]{2,24})(?![A-Za-z0-9-])(?!@)",
    re.ASCII,
)
_FILES = frozenset("png jpg jpeg gif webp svg bmp css js ts json html htm php py txt pdf zip mp3 mp4".split())  # noqa: SIM905
"""What stands at the end of a file's name, as in `icon@2x.png`, and is no domain."""


def _mails(text: str, first: int, end: int, _may: int) -> _Told:
    for match in _MAIL.finditer(text, first):
        if match.start() >= end:
            break
        if match[2].lower() not in _FILES and ".." not in match[0]:
            yield "email", match.start(), match.end(), match[0].lower()


_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•・. -]?"
    r"(?:[DABCEFGHJK][A-HJ-NP-Z0-9]\d{4}|\d{5}[DABCEFGHJK]|[A-HJ-NP-Z0-9]{5}|[A-HJ-NP-Z0-9]{4}[挂学警港澳])(?![0-9A-Za-z])"
)
"""Six characters are those of new energies; so said GA 36-2018."""

_LEAST_DIGITS = 3


def _plates(text: str, first: int, end: int, _may: int) -> _Told:
    match = _PLATE.match(text, first)
    if match is not None:
        serial = re.sub(r"[·•・. -]", "", match[0])
        if sum(map(str.isdecimal, serial[2:])) >= _LEAST_DIGITS:
            yield "plate", match.start(), match.end(), serial


_TOLD = {CODE: _codes, MAIL: _mails, PLATE: _plates}
