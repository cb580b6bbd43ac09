"""A commented registration to fill in (`dqv init`), with what was answered already in its place."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from typing import get_args

import tomli_w

from dqv.core.policy import UNITS, Words, of_unit
from dqv.core.registration import Category, Modality
from dqv.core.uscc import well_formed

CATEGORIES: tuple[str, ...] = get_args(Category)


def _any(text: str) -> str:
    return text


def _category(text: str) -> str:
    chosen = CATEGORIES[int(text) - 1] if text in ("1", "2", "3") else text
    if chosen not in CATEGORIES:
        raise ValueError
    return chosen


def _code(text: str) -> str:
    if not well_formed(text):
        raise ValueError
    return text


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


@dataclass(frozen=True)
class Question:
    """One field of a registration.

    Attributes:
        table: of the TOML file, "" at its top; `[[…]]` of many entries, where the answers are several.
        needed: a registration without it is refused, so that a blank stays for it.
        check: gives the value to write for an answer; ValueError: it is none such as `example`.
        fixed: what else stands in the entry.
    """

    table: str
    key: str
    words: Words
    example: str
    needed: bool = False
    check: Callable[[str], str] = _any
    fixed: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """Under which the answers are kept."""
        return ".".join((self.table, *(self.fixed or {}).values(), self.key))


_MODALITIES = {
    "text": Words(zh="文本规模", en="scale of text"),
    "audio": Words(zh="音频时长", en="hours of audio"),
    "image": Words(zh="图像规模", en="scale of images"),
    "video": Words(zh="视频规模", en="scale of video"),
}
_STATEMENTS = {
    "legality": (
        Words(zh="来源合法、权属清晰的说明", en="lawful origin and ownership"),
        "数据均为本单位生产中形成，权属清晰。",
    ),
    "safeguards": (
        Words(zh="安全防护机制的说明", en="how the data is protected"),
        "数据分级存储，访问留痕。",
    ),
    "value": (
        Words(zh="价值密度与推广价值的说明", en="density of value, and worth"),
        "用于训练的问答模型准确率提高。",
    ),
    "openness": (
        Words(zh="不含已开源数据集的说明", en="that no open dataset is in it"),
        "不含已开源的行业数据集。",
    ),
    "privacy": (Words(zh="个人信息处理的说明", en="how personal data is processed"), "不含个人信息。"),
}

_DOCUMENTS = Words(
    zh="其证明文件名，以逗号分隔；文件放在登记文件旁",
    en="names of its documents, by commas; put them beside this file",
)

QUESTIONS: tuple[Question, ...] = (
    Question("", "name", Words(zh="数据集名称", en="name of the dataset"), "工业设备维修文本数据集", needed=True),
    Question("", "category", Words(zh=f"类别：{'、'.join(CATEGORIES)}（1、2、3）", en="category (1, 2 or 3)"),
             CATEGORIES[0], check=_category),
    Question("", "cadence", Words(zh="更新周期", en="how often it is updated"), "每季度更新"),
    Question("", "licence", Words(zh="数据的许可（SPDX 标识或文字）", en="licence of the data: SPDX identifier, or words"), "CC-BY-4.0"),
    Question("applicant", "name", Words(zh="申报单位", en="applicant"), "示例科技有限公司", needed=True),
    Question("applicant", "uscc", Words(zh="统一社会信用代码（18 位）", en="unified social credit code, 18 characters"),
             "91330400MA0000000U", check=_code),
    Question("certificate", "number", Words(zh="登记证书编号", en="number of the certificate"), "JX-2026-0001"),
    Question("certificate", "platform", Words(zh="登记平台", en="platform that registered it"), "示例数据交易平台"),
    Question("certificate", "valid_from", Words(zh="证书有效期起", en="first day of its validity"), "2026-01-01", check=_day),
    Question("certificate", "valid_until", Words(zh="证书有效期止", en="last day of its validity"), "2028-12-31", check=_day),
    *(
        Question(
            f"modalities.{name}", "scale", Words(zh=f"{words.zh}（无则留空）", en=f"{words.en}; empty: none"),
            "1200 h" if name == "audio" else "35 GB", needed=name == "text",
            check=partial(of_unit, unit=UNITS[f"scale.{name}"]),
        )
        for name, words in _MODALITIES.items()
    ),
    Question("[scenarios]", "title", Words(zh="应用场景（至少两个）", en="scenario of use; two at least"), "设备故障诊断问答"),
    Question("[scenarios]", "user", Words(zh="使用者", en="who uses it"), "车间维修班组"),
    Question("[scenarios]", "place", Words(zh="地点", en="where"), "嘉兴"),
    Question("[scenarios]", "task", Words(zh="任务", en="for what"), "根据现象给出原因与处置步骤"),
    Question("[scenarios]", "effect", Words(zh="成效", en="to what effect"), "平均停机时间缩短"),
    *(
        question
        for rule, (words, example) in _STATEMENTS.items()
        for question in (
            Question("[attestations]", "statement", words, example, fixed={"rule": rule}),
            Question("[attestations]", "documents", _DOCUMENTS, f"{rule}.pdf", fixed={"rule": rule}),
        )
    ),
)  # fmt: skip


def entries() -> Iterator[list[Question]]:
    """The questions, those of one entry of a list together."""
    for _, group in groupby(QUESTIONS, key=lambda each: (each.table, tuple((each.fixed or {}).values()))):
        questions = list(group)
        yield from [questions] if questions[0].table.startswith("[") else ([each] for each in questions)


assert set(_MODALITIES) == set(get_args(Modality))

_HEAD = """\
# 数据集登记信息。带 # 的行未启用：填好后去掉 #。登记信息决定适用哪些条款；其内容本身不作为通过的依据。
# The registration of a dataset. Lines behind a # do not count: fill in and remove the #. It says whose rules decide; no
# clause passes on what is written here.
#
#   dqv check FOLDER --registration THIS-FILE
"""


def draft(answers: Mapping[str, Sequence[str]]) -> str:
    """A registration in TOML.

    Args:
        answers: by `Question.name`; what is not there, or empty, is commented out or, where it is needed, left blank. Of a
            list's entries the first question says how many there are.
    """
    given = {question.name for question in QUESTIONS if answers.get(question.name)}
    declared = any(name.startswith("modalities.") for name in given)
    lines, table = [_HEAD], ""
    for entry in entries():
        first = entry[0]
        if first.table.startswith("["):
            table = first.table
            lines += _listed(entry, answers)
            continue
        needed = first.needed and not (declared and first.table.startswith("modalities."))
        value = next(iter(answers.get(first.name, ())), "")
        if first.table != table:
            table = first.table
            used = needed or any(other.name in given for other in QUESTIONS if other.table == table)
            lines.append(f"\n{'' if used else '# '}[{table}]")
        lines += _written(first, value, needed=needed)
    return "\n".join(lines) + "\n"


def _listed(entry: Sequence[Question], answers: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The entries of a list: as many as there are answers to the first question, else one behind marks."""
    first = entry[0]
    for number, value in enumerate(answers.get(first.name) or [""]):
        mark = "" if value else "# "
        yield f"\n{mark}[{first.table}]"
        yield from (mark + line for line in tomli_w.dumps(dict(first.fixed or {})).splitlines())
        for question in entry:
            values = answers.get(question.name, ())
            yield from _written(question, values[number] if number < len(values) else "", needed=False)


def _written(question: Question, value: str, *, needed: bool) -> Iterator[str]:
    """What is asked for, and the line with the answer, or the example behind a mark."""
    yield f"# {question.words.zh} / {question.words.en}"
    mark = "" if value or needed else "# "
    text = value if value or needed else question.example
    if question.key == "documents":
        names = [_toml(name) for each in re.split("[,，、]", text) if (name := each.strip())]
        yield f"{mark}documents = [{', '.join(names)}]"
        return
    yield from (mark + each for each in f"{question.key} = {_toml(text)}".split("\n"))


def _toml(text: str) -> str:
    return tomli_w.dumps({"x": text}).removeprefix("x = ").rstrip("\n")
