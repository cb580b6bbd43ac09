"""A plan of what to mend, on a terminal."""

from fractions import Fraction

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dqv.core.policy import Words
from dqv.core.units import human
from dqv.reports.escape import shortened, visible
from dqv.reports.fix import Original, Plan, Remains, Step
from dqv.reports.shown import shown_value
from dqv.reports.words import Lang, label, words_of

WORDS = words_of(
    {
        "nothing": ("没有须处理的要求。", "No requirement leaves anything to do."),
        "removes": ("须移除或替换 {} 项", "{} items to remove or replace"),
        "repairs": ("，须修复 {} 项（损坏或未读，现不计入）", ", {} to repair (defective or unread; as they are they count for nothing)"),
        "least": (
            "此为证据所列条目中的最少者；重复项中只移除多余项，保留原件。",
            "The fewest among the items that evidence lists: of duplicates surplus ones go, originals are kept.",
        ),
        "list": ("清单用 --list FILE 写出；dqv 不删除任何数据。", "--list FILE writes the list; dqv deletes nothing."),
        "incomplete": (
            "清单不全：有的证据缺失、不全，或得不出该项数值（见下）。",
            "The list is not all of it: evidence is missing, capped, or does not give a finding's numbers (see below).",
        ),
        "unsettled": (
            "{} 个多余项的原件在清单中而其本身不在：下次检查将重新比较，重复率可能不同。",
            "The originals of {} surplus items are on the list, and these are not: the next check compares them anew, and the rate of "
            "duplicates may be another.",
        ),
        "unread": (
            "未能读取的条目仍可能改变结论；先修复，再检查。",
            "What could not be read may still change the verdict: repair it first, and check again.",
        ),
        "now": ("现为", "Now"),
        "then": ("移除后", "Then"),
        "remove": ("移除", "Remove"),
        "alone": ("单独至少", "Alone at least"),
        "todo": ("做什么", "What to do"),
        "remains": ("移除之后", "What then remains"),
        "scale": ("规模", "Scale"),
        "needed": ("要求", "Required"),
        "short": ("还差", "Missing"),
    }
)  # fmt: skip


def plan_summary(plan: Plan, lang: Lang) -> Group:
    """Each finding with what would mend it, and what of the scale then remains."""

    def say(key: str, value: object = "") -> str:
        return (WORDS[key].zh if lang == "zh" else WORDS[key].en).replace(
            "{}", f"{value:,}" if isinstance(value, int) else ""
        )

    if not plan.steps and not plan.repair:
        return Group(Text(say("nothing"), style="bold green"))
    head = say("removes", plan.remove) + (say("repairs", plan.repair) if plan.repair else "")
    parts: list[RenderableType] = [Text(head, style="bold"), Text(say("list"), style="dim")]
    if plan.remove:
        parts.append(Text(say("least"), style="dim"))
    if not plan.complete:
        parts.append(Text(say("incomplete"), style="yellow"))
    unsettled = sum(each.unsettled for each in plan.remains)
    if unsettled:
        parts.append(Text(say("unsettled", unsettled), style="yellow"))
    if plan.repair:
        parts.append(Text(say("unread"), style="yellow"))
    table = _table(label("rule", lang), *(say(key) for key in ("now", "then", "remove", "todo")))
    for step in plan.steps:
        table.add_row(*_step(step, lang, say("alone")))
    parts += [Text(), table]
    if plan.remains:
        remains = _table(say("remains"), label("items", lang), say("scale"), say("needed"), say("short"))
        for each in plan.remains:
            remains.add_row(*map(Text, _remains(each, lang)))
        parts += [Text(), remains]
    return Group(*parts)


def _table(*heads: str) -> Table:
    table = Table(expand=True, header_style="bold", pad_edge=False, box=None)
    for at, head in enumerate(heads):
        table.add_column(head, ratio=5 if head is heads[-1] else 3 if at == 0 else 2, overflow="fold")
    return table


def _say(words: Words, lang: Lang) -> str:
    return visible(words.zh if lang == "zh" else words.en)


def _step(step: Step, lang: Lang, alone: str) -> list[Text]:
    style = {True: "green", False: "bold red", None: ""}[step.conforms]
    remove = "" if step.remove is None else f"{step.remove:,}"
    if step.alone is not None and step.alone != step.remove:
        remove += f"\n({alone} {step.alone:,})"
    return [
        Text.assemble(_say(step.title, lang), "\n", (visible(step.rule), "dim"), overflow="fold"),
        Text(f"{label(step.verdict.value, lang)}\n{shown_value(step.measured, step.threshold, step.unit)}", overflow="fold"),
        Text("" if step.after is None else shown_value(step.after, step.threshold, step.unit), style=style, overflow="fold"),
        Text(remove, overflow="fold"),
        Text("\n".join([*(_say(words, lang) for words in step.todo), *map(_original, step.instead[:_ORIGINALS])]), overflow="fold"),
    ]  # fmt: skip


_ORIGINALS = 3
"""So many of those that might go instead are shown; all are in the JSON."""


def _original(each: Original) -> str:
    return f"· {shortened(each.name)} @ {each.place}: {each.near:,}"


def _remains(each: Remains, lang: Lang) -> list[str]:
    def amount(value: str | None) -> str:
        return "—" if value is None else human(Fraction(value), each.unit)

    return [
        label(each.modality, lang),
        f"{each.items:,} → {each.items_after:,}",
        f"{amount(each.scale)} → {amount(each.scale_after)}",
        amount(each.threshold),
        shown_value(each.shortfall, each.threshold, each.unit) if each.shortfall != "0" else "—",
    ]
