"""Precision and recall of personal values, on made text of which is known where they stand.

Sentences of Chinese and English, in which personal values stand as people write them, beside numbers that look alike: orders,
parcels, serials, names of files, moments, measurements, digests, addresses of the web, and values with one digit changed. A value that is found
counts where its kind and its first byte are those that were written. `python -m benchmarks.privacy_truth` writes the figures
into docs/PRIVACY.md.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa

from dqv.measure.privacy import PERSONAL, find

DOCS = Path(__file__).parent.parent / "docs" / "PRIVACY.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
SEED, TEXTS = 20261129, 20_000
GOAL = 0.99
"""Of precision and recall, for identity, mobile and card numbers."""

_AREAS = ("110105", "330402", "330411", "310115", "440305", "510107", "650102", "150105", "810000")
_WORDS = (
    "设备", "巡检", "数据", "记录", "运行", "温度", "车间", "质量", "报告", "工人", "说明", "系统", "平台", "分析", "模型", "检测", "结果", "阀门",
    "the pump", "was checked", "in the hall", "report", "sensor", "according to", "operator", "and then", "figure", "about",
)  # fmt: skip


def _digits(random: Random, count: int) -> str:
    return "".join(random.choices("0123456789", k=count))


def _identity(random: Random) -> str:
    head = (
        f"{random.choice(_AREAS)}{random.randint(1935, 2022)}{random.randint(1, 12):02}{random.randint(1, 28):02}"
        f"{_digits(random, 3)}"
    )
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return head + "10X98765432"[sum(w * int(d) for w, d in zip(weights, head, strict=True)) % 11]


def _with_luhn(head: str) -> str:
    doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(reversed(head))]
    return head + str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)


_SEGMENTS = (
    "130",
    "135",
    "138",
    "139",
    "147",
    "150",
    "157",
    "159",
    "166",
    "173",
    "177",
    "180",
    "186",
    "188",
    "191",
    "198",
)


def _mobile(random: Random) -> str:
    return random.choice(_SEGMENTS) + _digits(random, 8)


def _card(random: Random) -> str:
    return _with_luhn("62" + _digits(random, random.choice((13, 14, 16, 16, 16))))


def _visa(random: Random) -> str:
    return _with_luhn("4" + _digits(random, 14))


def _other_last(random: Random, number: str) -> str:
    """The number with another last digit, which is then no check digit."""
    return number[:-1] + random.choice("0123456789".replace(number[-1], ""))


def _grouped(number: str, sizes: Sequence[int], join: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(number[at : at + size])
        at += size
    return join.join([*parts, *([number[at:]] if at < len(number) else [])])


def _wide(text: str) -> str:
    return text.translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"})


def _landline(random: Random) -> tuple[str, str]:
    area = random.choice(("010", "021", "020", "0573", "0571", "0755", "028"))
    size = 8 if len(area) == 3 or area in ("0573", "0571", "0755") else 7
    return area, str(random.randint(2, 8)) + _digits(random, size - 1)


def _landline_written(random: Random) -> str:
    area, local = _landline(random)
    return random.choice(
        (
            f"{area}-{local}",
            f"{area} {local}",
            f"({area}){local}",
            f"（{area}）{local}",
            f"{area}-{local[:4]}-{local[4:]}",
        )
    )


def _email(random: Random) -> str:
    name = random.choice(
        (
            "zhang.san",
            "liwei",
            "wang_fang88",
            "j.smith",
            "hr+jobs",
            f"{_mobile(random)}",
            f"{_digits(random, 9)}",
        )
    )
    return f"{name}@{random.choice(('163.com', 'qq.com', 'example.com.cn', 'mail.uni.edu', 'jx-data.cn'))}"


_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def _plate(random: Random) -> str:
    province, city, dot = (
        random.choice("浙京沪粤苏川鲁"),
        random.choice(_LETTERS[:10]),
        random.choice(("", "", "·", " ")),
    )
    serial = random.choice((
        _digits(random, 5), random.choice(_LETTERS) + _digits(random, 4), _digits(random, 3) + random.choice(_LETTERS) + _digits(random, 1),
        random.choice("DF") + _digits(random, 5),
    ))  # fmt: skip
    return f"{province}{city}{dot}{serial}"


_NAMED = ("张三.txt", "李四", "录音.wav", "正面.jpg")
"""What stands behind an underscore in the name of a file."""

_VALUES: dict[str, tuple[Callable[[Random], str], ...]] = {
    "id": (
        _identity, _identity, _identity, lambda r: _identity(r).lower(), lambda r: _grouped(_identity(r), (6, 8), " "),
        lambda r: _wide(_identity(r)), lambda r: f"{_identity(r)}_{r.choice(_NAMED)}",
    ),
    "mobile": (
        _mobile, _mobile, _mobile, lambda r: _grouped(_mobile(r), (3, 4), "-"), lambda r: _grouped(_mobile(r), (3, 4), " "),
        lambda r: f"+86 {_mobile(r)}", lambda r: f"+86{_mobile(r)}", lambda r: f"(+86){_mobile(r)}", lambda r: _wide(_mobile(r)),
        lambda r: f"{_mobile(r)}_{r.choice(_NAMED)}",
    ),
    "card": (_card, _card, lambda r: _grouped(_card(r), (4, 4, 4, 4), " "), lambda r: _grouped(_card(r), (4, 4, 4, 4), "-"), _visa),
    "landline": (_landline_written,),
    "email": (_email,),
    "plate": (_plate,),
    "passport": (lambda r: f"E{_digits(r, 8)}", lambda r: f"G{_digits(r, 8)}", lambda r: f"E{r.choice(_LETTERS.replace('I', ''))}{_digits(r, 7)}"),
}  # fmt: skip

_BEFORE: dict[str, tuple[str, ...]] = {
    "id": ("身份证号：", "身份证号码为", "（", "证件号 ", "ID card ", "，", "持", " ", "身份证_", "scan_"),
    "mobile": (
        "手机：",
        "联系电话 ",
        "电话",
        "，",
        "请拨打",
        "call ",
        "mobile: ",
        "（",
        "微信同号",
        "通话_",
        "tel_",
    ),
    "card": ("银行卡号：", "卡号 ", "账号：", "汇入", "card ", "开户行农行，", "银行卡_"),
    "landline": ("电话：", "传真 ", "tel. ", "座机", "热线"),
    "email": ("邮箱：", "写信至 ", "e-mail ", "<", "，"),
    "plate": ("车牌", "车辆", "，", "truck ", "驾驶"),
    "passport": ("护照号：", "护照 ", "passport no. ", "持护照", "护照_"),
}


def _alike_mobile(random: Random) -> str:
    label = random.choice(
        (
            "订单号",
            "运单编号：",
            "流水号 ",
            "order ",
            "serial no. ",
            "工单",
            "条码",
            "批号：",
            "档案号",
            "会员号：",
            "ticket ",
        )
    )
    return f"{label}{_mobile(random)}"


_ALIKE: tuple[Callable[[Random], str], ...] = (
    _alike_mobile, _alike_mobile,
    lambda r: f"{r.choice(('140', '141', '154', '161', '179', '194', '120', '110', '101'))}{_digits(r, 8)}",
    lambda r: f"SN{_mobile(r)}", lambda r: f"0.{_mobile(r)}", lambda r: f"{_mobile(r)}.{_digits(r, 2)}", lambda r: f"{_mobile(r)}{_digits(r, 1)}",
    lambda r: f"https://shop.example/item/{_mobile(r)}.html", lambda r: f"v{_mobile(r)}",
    lambda r: _other_last(r, _identity(r)), lambda r: f"{r.choice('789')}{_digits(r, 17)}", lambda r: f"{_digits(r, 1)}{_identity(r)}",
    lambda r: f"{r.randint(2019, 2026)}{r.randint(1, 12):02}{r.randint(1, 28):02}{_digits(r, 10)}",
    lambda r: f"{r.randint(2019, 2026)}{r.randint(1, 12):02}{r.randint(1, 28):02}{_digits(r, 6)}",
    lambda r: f"id {r.randint(10**18, 2 * 10**18)}", lambda r: str(r.randint(10**18, 2 * 10**18)), lambda r: str(r.randint(10**15, 10**16 - 1)),
    lambda r: _other_last(r, _card(r)), lambda r: f"订单{_card(r)}", lambda r: f"imei {_with_luhn('86' + _digits(r, 12))}",
    lambda r: str(r.randint(16 * 10**8, 18 * 10**8)), lambda r: str(r.randint(16 * 10**11, 18 * 10**11)),
    lambda r: f"{r.randint(2015, 2026)}-{r.randint(1, 12):02}-{r.randint(1, 28):02} {r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}",
    lambda r: f"{_digits(r, 3)}.{_digits(r, 16)}", lambda r: f"{r.random() * 180:.13f}", lambda r: f"978-7-{_digits(r, 3)}-{_digits(r, 5)}-{_digits(r, 1)}",
    lambda r: f"692{_digits(r, 10)}", lambda r: f"400-{_digits(r, 3)}-{_digits(r, 4)}", lambda r: f"192.168.{r.randint(0, 255)}.{r.randint(0, 255)}",
    lambda r: "".join(r.choices("0123456789abcdef", k=32)), lambda r: f"{''.join(r.choices('0123456789abcdef', k=8))}-{_digits(r, 4)}-4{_digits(r, 3)}",
    lambda r: f"型号E{_digits(r, 8)}", lambda r: f"G{_digits(r, 8)}", lambda r: f"新A{r.randint(2015, 2026)}款", lambda r: f"云C{_digits(r, 3)}",
    lambda r: f"icon{_digits(r, 3)}@2x.png", lambda r: f"@user{_digits(r, 3)}", lambda r: f"0573-{r.choice('019')}{_digits(r, 7)}",
    lambda r: f"¥{_digits(r, 3)},{_digits(r, 3)},{_digits(r, 3)}.00", lambda r: f"{_digits(r, 4)} {_digits(r, 4)} {_digits(r, 4)}",
    lambda r: f"img_{_mobile(r)}{_digits(r, 3)}.jpg", lambda r: f"{_mobile(r)}_{''.join(r.choices('0123456789abcdef', k=10))}_z.jpg",
    lambda r: f"user_{_mobile(r)}", lambda r: f"{_digits(r, 7)}_{_mobile(r)}.png", lambda r: f"COCO_train2014_{_digits(r, 12)}.jpg",
    lambda r: f"{_digits(r, 4)}-{r.randint(2015, 2026)}{r.randint(1, 12):02}{r.randint(1, 28):02}.txt", lambda r: f"part_{_card(r)}.bin",
    lambda r: f"IMG_{r.randint(2015, 2026)}{r.randint(1, 12):02}{r.randint(1, 28):02}_{_digits(r, 6)}.jpg",
)  # fmt: skip


@dataclass(frozen=True)
class Text:
    """One text and what was written into it.

    Attributes:
        values: kind and first byte of each.
    """

    text: str
    values: frozenset[tuple[str, int]]


def made(count: int = TEXTS, seed: int = SEED) -> list[Text]:
    """So many texts, always the same."""
    random = Random(seed)
    return [_text(random) for _ in range(count)]


def _text(random: Random) -> Text:
    text, values = "", set()
    for _ in range(random.randint(1, 5)):
        text += random.choice(("，", "。", " ", "\n", ", ")).join(
            random.choices(_WORDS, k=random.randint(2, 6))
        )
        drawn = random.random()
        if drawn < 0.35:
            kind = random.choice(PERSONAL)
            text += random.choice(("，", " ", "。")) + random.choice(_BEFORE[kind])
            values.add((kind, len(text.encode())))
            text += random.choice(_VALUES[kind])(random)
        elif drawn < 0.85:
            text += random.choice(("，", " ", "。")) + random.choice(_ALIKE)(random)
        text += random.choice(("，", "。", "；", "\n", " ", "）", ", "))
    return Text(text, frozenset(values))


@dataclass(frozen=True)
class Figures:
    """What was found of one kind."""

    written: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """Of what was found, what is right."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Of what was written, what was found."""
        return self.right / self.written if self.written else 1.0


def figures(texts: Sequence[Text]) -> dict[str, Figures]:
    """By kind."""
    array = pa.array([each.text for each in texts], pa.large_string())
    found: list[set[tuple[str, int]]] = [set() for _ in texts]
    for each in find(array, [""] * len(texts)):
        if each.kind in PERSONAL:
            found[each.text].add((each.kind, each.first))
    written, told, right = Counter[str](), Counter[str](), Counter[str]()
    for text, mine in zip(texts, found, strict=True):
        written.update(kind for kind, _ in text.values)
        told.update(kind for kind, _ in mine)
        right.update(kind for kind, _ in mine & text.values)
    return {kind: Figures(written[kind], told[kind], right[kind]) for kind in PERSONAL}


def as_markdown(rows: dict[str, Figures]) -> str:
    """The table of docs/PRIVACY.md."""
    lines = ["| kind | written | found | right | precision | recall |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{kind}` | {row.written:,} | {row.found:,} | {row.right:,} | {row.precision:.4f} | {row.recall:.4f} |"
        for kind, row in rows.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the figures."""
    before, rest = DOCS.read_text("utf-8").split(BEGIN)
    table = as_markdown(figures(made()))
    DOCS.write_text(f"{before}{BEGIN}{table}{END}{rest.split(END)[1]}", "utf-8")


if __name__ == "__main__":
    main()
