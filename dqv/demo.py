"""`dqv demo`: two small datasets, one with planted flaws and one without, and their reports.

What was planted is written down in truth.json by what planted it, not by dqv's measuring code, so that a
test can hold the findings against it.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tomli_w
import zstandard

from dqv import demo_media_plan, engine, pipeline
from dqv.core.errors import OutFolderError
from dqv.core.files import write_atomic
from dqv.core.policy import Policy, Quantity, dump_policy, load_policy
from dqv.core.registration import Registration
from dqv.core.settings import Settings
from dqv.core.units import decimal_string, parse_quantity
from dqv.demo_days import FUTURE, REFERENCE, WINDOW, age, old, recent
from dqv.demo_texts import document, edited, restyled, similarity
from dqv.reports.model import Report
from dqv.trust import keys

DIVISOR = 10**6
"""The scaled policy's thresholds of scale are the real ones divided by this."""

_MADE_BY = "dqv demo"
_NEAR = Fraction(4, 5)


def run(
    out: Path, lang: str, workers: int | None, progress: engine.Progress | None
) -> list[tuple[Path, Report]]:
    """Build the demo, or build an earlier one anew, and check both datasets.

    Args:
        out: empty, not there, or an earlier demo.
        lang: of the reports: zh or en.
        workers: of the embedded cluster; None: one per core.
        progress: told how far the checks are.

    Returns:
        The out folders with their reports: under the real policy, and under the scaled one.

    Raises:
        OutFolderError: `out` holds something else; nothing was written.
    """
    policy = scaled(load_policy("jiaxing-2025-65"), DIVISOR, "scaled")
    datasets = {"dataset": _build(_FLAWED), "clean": _build(_CLEAN)}
    files: dict[str, bytes] = {
        "truth.json": _truth(datasets),  # the first that is written: it marks the folder as a demo
        "registration.toml": tomli_w.dumps(_registration()).encode(),
        **{f"{rule}.txt": f"{statement}\n".encode() for rule, statement in _STATEMENTS.items()},
        "policy-scaled.toml": dump_policy(policy).encode(),
        **{f"{name}/{path}": data for name, built in datasets.items() for path, data in built.files.items()},
    }
    _claim(out, files)
    for name, content in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(out / name, content)
    if not (out / "demo.key").exists():
        keys.generate(out / "demo")
    jobs = (
        ("dataset", "report", "jiaxing-2025-65"),
        ("clean", "report-scaled", str(out / "policy-scaled.toml")),
    )
    reports = []
    for source, folder, rules in jobs:
        values = {
            "source": str(out / source),
            "out": out / folder,
            "policy": rules,
            "registration": out / "registration.toml",
            "reference_date": REFERENCE,
            "workers": workers,
            "keys": (out / "demo.key",),
            "lang": lang,
        }
        reports.append((out / folder, pipeline.check(Settings.model_validate(values), progress)))
    return reports


def _claim(out: Path, files: Mapping[str, bytes]) -> None:
    """Refuse a folder that holds anything but an earlier demo.

    Raises:
        OutFolderError: names what stands there.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise OutFolderError(f"{out} is not a folder; choose another with --out")
    try:
        truth = json.loads((out / "truth.json").read_bytes())
        earlier = isinstance(truth, dict) and truth.get("made_by") == _MADE_BY
    except (OSError, ValueError):
        earlier = False
    if not earlier and any(out.iterdir()):
        raise OutFolderError(f"{out} is not empty and not an earlier demo; choose another folder with --out")
    for folder in (out / "dataset", out / "clean"):
        for path in sorted(folder.rglob("*")):
            if not path.is_dir() and path.relative_to(out).as_posix() not in files:
                raise OutFolderError(
                    f"{path} is not a file of this demo, and the truth would not hold with it; "
                    "move it away or choose another folder with --out"
                )


def scaled(policy: Policy, divisor: int, name: str) -> Policy:
    """The same clauses with the thresholds of scale divided.

    Args:
        policy: any.
        divisor: of every `scale.*` threshold, also where a reading has its own.
        name: ends the id; the title says that the policy is no real one.
    """

    def divide(quantity: Quantity) -> Quantity:
        value, unit = parse_quantity(quantity)
        return f"{decimal_string(value / divisor, 12)} {'h' if unit == 'hour' else 'B'}"

    values = policy.model_dump(exclude_none=True)
    for rule, each in values["rules"].items():
        if rule.startswith("scale."):
            for part in (each, *each["readings"]):
                if "threshold" in part:
                    part["threshold"] = divide(part["threshold"])
    values["id"] = f"{policy.id}-{name}"
    values["title"] = {
        "zh": f"{policy.title.zh}——演示用：规模阈值缩小为 1/{divisor}，无效力",
        "en": f"{policy.title.en}, for demonstration: scale thresholds divided by {divisor}, not in force",
    }
    return Policy.model_validate(values)


# What is planted ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """What a dataset shall hold; counts of items of text.

    Attributes:
        folder: of the .txt files.
        sizes: items per file or folder, in canonical order.
        recent, old: shares; the rest is undated.
        exact, normalised, near: surplus items of that kind, each of an original of its own.
        traps: whether to plant a triple, a chain, a pair just under the threshold, an absurd date, the edges
            of the window and a broken line.
        media: the images, sounds and videos beside the text.
    """

    seed: int
    sizes: Mapping[str, int]
    recent: float
    old: float
    exact: int
    normalised: int
    near: int
    traps: bool
    media: demo_media_plan.Plan


_FLAWED = _Plan(
    seed=65,
    sizes={"articles": 160, "records.jsonl.zst": 520, "reports-gb18030.csv": 260, "workorders.parquet": 300},
    recent=0.45,
    old=0.41,
    exact=36,
    normalised=8,
    near=34,
    traps=True,
    media=demo_media_plan.FLAWED,
)
_CLEAN = _Plan(
    seed=8,
    sizes={"articles": 60, "records.jsonl.zst": 160, "reports-gb18030.csv": 80, "workorders.parquet": 100},
    recent=0.8,
    old=0.15,
    exact=2,
    normalised=1,
    near=3,
    traps=False,
    media=demo_media_plan.CLEAN,
)


@dataclass
class _Item:
    """One document of a plan.

    Attributes:
        day: as it is written with the item; null where it is undated.
        source: where its date stands: record, sidecar or name.
    """

    file: str
    text: str
    title: str
    day: date | None
    source: str
    place: int = 0
    payload_bytes: int = 0

    @property
    def where(self) -> tuple[str, int]:
        """Its place in canonical order."""
        return self.file, self.place

    @property
    def age(self) -> str:
        """Recent, old or undated."""
        return age(self.day)


@dataclass
class _Pair:
    """An item and the earlier one that it resembles.

    Attributes:
        how: exact, normalised or near; of a pair that must not count, why not.
    """

    copy: _Item
    original: _Item
    how: str


@dataclass
class _Built:
    """A dataset in memory; `items` of text in canonical order, and what is planted among them."""

    items: list[_Item]
    media: list[demo_media_plan.Medium]
    files: dict[str, bytes] = field(default_factory=dict)
    surplus: list[_Pair] = field(default_factory=list)
    not_surplus: list[_Pair] = field(default_factory=list)
    defective: int = 0


def _build(plan: _Plan) -> _Built:
    random = Random(plan.seed)
    items = [
        _item(random, file, number, plan) for file, count in plan.sizes.items() for number in range(count)
    ]
    built = _Built(items, demo_media_plan.build(plan.media))
    _plant_duplicates(random, plan, built)
    if plan.traps:
        records = [item for item in items if item.file == "records.jsonl.zst"]
        records[7].day, records[8].day, records[9].day = FUTURE, WINDOW, WINDOW - timedelta(days=1)
    built.files["README.md"] = _card(plan, built).encode()
    articles = [item for item in items if item.source != "record"]
    for item in articles:
        item.payload_bytes = len(item.text.encode())
        built.files[item.file] = item.text.encode()
    for medium in built.media:
        built.files[medium.file] = medium.data
    rows = [(item.file, item.day or "") for item in articles if item.source == "sidecar"]
    rows += [(medium.file, medium.day or "") for medium in built.media if medium.source == "sidecar"]
    built.files["metadata.csv"] = _csv([("file_name", "date"), *rows]).encode()
    for file, write in _WRITERS.items():
        built.files[file] = write(built, [item for item in items if item.file == file], plan)
    return built


def _item(random: Random, file: str, number: int, plan: _Plan) -> _Item:
    draw = random.random()
    day: date | None = None
    if draw < plan.recent:
        day = recent(random)
    elif draw < plan.recent + plan.old:
        day = old(random)
    source = "record"
    if file == "articles":
        source = random.choice(("sidecar", "name"))
        stamp = f"-{day:%Y%m%d}" if day is not None and source == "name" else ""
        file = f"articles/{number:04d}{stamp}.txt"
    text = document(random, chinese=random.random() < 0.6)
    return _Item(file, text, f"{file.partition('.')[0]} {number}", day, source)


def _plant_duplicates(random: Random, plan: _Plan, built: _Built) -> None:
    """Turn items into copies of earlier ones; each item takes part in at most one plan."""
    free = list(range(len(built.items)))
    random.shuffle(free)

    def take(count: int) -> list[_Item]:
        return [built.items[each] for each in sorted(free.pop() for _ in range(count))]

    def plant(copy: _Item, original: _Item, text: str, how: str) -> None:
        copy.text = text
        built.surplus.append(_Pair(copy, original, how))

    for _ in range(plan.exact):
        original, copy = take(2)
        plant(copy, original, original.text, "exact")
    for _ in range(plan.normalised):
        original, copy = take(2)
        plant(copy, original, restyled(original.text), "normalised")
    for _ in range(plan.near):
        original, copy = take(2)
        plant(copy, original, edited(original.text, random.randint(1, 3)), "near")
    if not plan.traps:
        return
    original, second, third = take(3)
    plant(second, original, original.text, "exact")
    plant(third, original, original.text, "exact")
    # A chain: the third repeats the second, which was not kept, since it repeats the first.
    first, second, third = take(3)
    changes = len(first.text) // 60
    plant(second, first, edited(first.text, changes), "near")
    third.text = edited(second.text, changes, offset=7)
    built.not_surplus.append(_Pair(third, second, "what it repeats was not kept"))
    original, copy = take(2)
    changes = 1
    while similarity(original.text, edited(original.text, changes)) >= _NEAR:
        changes += 1
    copy.text = edited(original.text, changes)
    built.not_surplus.append(_Pair(copy, original, "just under the threshold"))


# How it is written -------------------------------------------------------------------------------------


def _write_jsonl(built: _Built, items: list[_Item], plan: _Plan) -> bytes:
    lines = b""
    for number, item in enumerate(items):
        record = {"id": f"R{number:05d}", "title": item.title, "text": item.text}
        if item.day is not None:
            record["original_time"] = item.day.isoformat()
        item.place, item.payload_bytes = len(lines), _payload(record)
        lines += json.dumps(record, ensure_ascii=False).encode() + b"\n"
        if plan.traps and number == 100:
            lines += b'{"id": "R-broken", "text": "the line ends before its record does\n'
            built.defective += 1
    return zstandard.ZstdCompressor(level=3).compress(lines)


def _write_csv(_: _Built, items: list[_Item], __: _Plan) -> bytes:
    rows = []
    for number, item in enumerate(items):
        record = {
            "编号": f"C{number:05d}",
            "标题": item.title,
            "正文": item.text,
            "发布日期": f"{item.day.year}年{item.day.month}月{item.day.day}日" if item.day else "",
        }
        item.place, item.payload_bytes = number, _payload(record)
        rows.append(record)
    return _csv([tuple(rows[0]), *(tuple(row.values()) for row in rows)]).encode("gb18030")


def _write_parquet(_: _Built, items: list[_Item], __: _Plan) -> bytes:
    rows = []
    for number, item in enumerate(items):
        record = {
            "id": f"P{number:05d}",
            "content": item.text,
            "created_at": item.day.isoformat() if item.day else None,
        }
        item.place, item.payload_bytes = number, _payload(record)
        rows.append(record)
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


_WRITERS = {
    "records.jsonl.zst": _write_jsonl,
    "reports-gb18030.csv": _write_csv,
    "workorders.parquet": _write_parquet,
}


def _payload(record: Mapping[str, str | None]) -> int:
    return sum(len(value.encode()) for value in record.values() if value is not None)


def _csv(rows: list[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _card(plan: _Plan, built: _Built) -> str:
    images, sounds, videos = (
        sum(each.modality == modality for each in built.media) for modality in demo_media_plan.MODALITIES
    )
    return f"""# 工厂异常处置记录（示例） · Factory incident records (a sample)

## 数据说明
本数据集由 `dqv demo` 生成，内容纯属虚构，用于演示数据集检查。
共 {len(built.items)} 条中英文文本记录，来自 {len(plan.sizes)} 个来源：
- `articles/*.txt`：单篇文档，日期见 `metadata.csv` 或文件名；
- `records.jsonl.zst`：字段 id、title、text、original_time；
- `reports-gb18030.csv`：GB18030 编码，字段 编号、标题、正文、发布日期；
- `workorders.parquet`：字段 id、content、created_at。

另有现场图像 {images} 张（`images/`，JPEG、PNG、WebP）、录音 {sounds} 段（`sounds/`，WAV、FLAC、MP3、OGG）、
视频 {videos} 段（`videos/`，MP4 H.264）；日期见 EXIF、标签、容器，或 `metadata.csv`、文件名。

日期为事件发生日；缺失表示未知。更新周期：每季度。许可：可自由使用。

## Data card
Made by `dqv demo`; every word is fiction. {len(built.items)} text records in Chinese and English
from {len(plan.sizes)} sources, as listed above, with {images} images, {sounds} sounds and {videos} videos,
dated by EXIF, tags or container, by `metadata.csv` or by name.
A date is the day of the event; none means unknown. Updated quarterly. Free to use.
"""


# What is true ------------------------------------------------------------------------------------------


def _truth(datasets: Mapping[str, _Built]) -> bytes:
    facts = {name: _facts(built) for name, built in datasets.items()}
    values = {"made_by": _MADE_BY, "reference_date": REFERENCE.isoformat(), "divisor": DIVISOR, **facts}
    return json.dumps(values, ensure_ascii=False, indent=1).encode() + b"\n"


def _facts(built: _Built) -> dict[str, Any]:
    surplus = [pair.copy for pair in built.surplus]
    exact, normalised = (sum(pair.how == how for pair in built.surplus) for how in ("exact", "normalised"))
    recent, old, undated = (
        [item for item in built.items if item.age == age] for age in ("recent", "old", "undated")
    )
    return {
        "items": len(built.items),
        "defective": built.defective,
        "payload_bytes": _bytes(built.items),
        "text_bytes": sum(len(item.text.encode()) for item in built.items),
        "surplus_items": len(surplus),
        "surplus_bytes": _bytes(surplus),
        "surplus_text_bytes": sum(len(item.text.encode()) for item in surplus),
        "surplus_exact": exact,
        "surplus_normalised": exact + normalised,
        "members": len(surplus) + len({pair.original.where for pair in built.surplus}),
        "recent_items": len(recent),
        "recent_bytes": _bytes(recent),
        "recent_by_name_bytes": _bytes([item for item in recent if item.source == "name"]),
        "recent_by_calendar_year_bytes": _bytes(
            [item for item in recent if item.day and item.day.year > REFERENCE.year - 5]
        ),
        "old_items": len(old),
        "old_bytes": _bytes(old),
        "undated_items": len(undated),
        "undated_bytes": _bytes(undated),
        "surplus": _pairs(built.surplus),
        "not_surplus": _pairs(built.not_surplus),
        **{modality: demo_media_plan.facts(built.media, modality) for modality in demo_media_plan.MODALITIES},
    }


def _pairs(pairs: list[_Pair]) -> list[dict[str, Any]]:
    return [
        {
            "name": pair.copy.file,
            "place": pair.copy.place,
            "original_name": pair.original.file,
            "original_place": pair.original.place,
            "how": pair.how,
            "jaccard": "{0.numerator}/{0.denominator}".format(similarity(pair.copy.text, pair.original.text)),
        }
        for pair in sorted(pairs, key=lambda pair: pair.copy.where)
    ]


def _bytes(items: list[_Item]) -> int:
    return sum(item.payload_bytes for item in items)


_STATEMENTS = {
    "legality": "数据由本单位设备与人员产生，权属清晰。",
    "safeguards": "数据分级存储，访问留痕，每日备份。",
    "value": "用于训练的故障问答模型在内部测试中准确率提高。",
    "openness": "不含已开源的行业数据集。",
    "privacy": "人员以岗位代称，不含个人信息。",
}
"""Of the registration; each is a document beside it, too."""


def _registration() -> dict[str, Any]:
    """A registration in which nothing is missing; the applicant and its code are made up."""
    scenarios = (
        ("设备故障问答", "车间维修班组", "嘉兴", "根据现象给出原因与处置步骤", "平均停机时间缩短"),
        ("质量月报生成", "质量管理部门", "嘉兴", "由处置记录汇总月报", "编写时间由两天减为一小时"),
    )
    values = {
        "name": "工厂异常处置记录数据集（示例）",
        "applicant": {"name": "嘉兴示例数据科技有限公司", "uscc": "913304990000000006"},
        "certificate": {
            "number": "DEMO-2026-000001",
            "platform": "示例数据交易平台",
            "valid_from": date(2026, 1, 1),
            "valid_until": date(2028, 12, 31),
        },
        "category": "行业专识数据集",
        "modalities": {
            "text": {"scale": "2 MB"},
            "audio": {"scale": "25 s"},
            "image": {"scale": "2 MB"},
            "video": {"scale": "10 MB"},
        },
        "cadence": "每季度更新一次",
        "scenarios": [
            dict(zip(("title", "user", "place", "task", "effect"), each, strict=True)) for each in scenarios
        ],
        "attestations": [
            {"rule": rule, "statement": statement, "documents": [f"{rule}.txt"]}
            for rule, statement in _STATEMENTS.items()
        ],
    }
    Registration.model_validate(values)
    return values
