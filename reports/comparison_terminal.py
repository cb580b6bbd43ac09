"""A comparison on a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dqv.core.verdicts import Verdict
from dqv.reports.comparison import Comparison, FindingPair, Number
from dqv.reports.comparison_page import (
    differing,
    named,
    say,
    shown_declared,
    shown_numbers,
    shown_reason,
)
from dqv.reports.escape import visible
from dqv.reports.words import Lang, label

_STATUS = {"new": "bold red", "fixed": "green", "changed": "yellow"}
_MOST_FACTS = 12
"""Of one reason and of the accounting; all are in --json and --html."""


def comparison_summary(comparison: Comparison, lang: Lang) -> Group:
    """What differs, and why it can; everything from the reports is plain text.

    Args:
        comparison: to be shown.
        lang: of the words.
    """
    key = "same" if comparison.same else "different"
    parts: list[RenderableType] = [
        Text.assemble((say(key, lang), "bold green" if comparison.same else "bold yellow"), "  ", say(f"{key}.means", lang)),
        *(_side(comparison, at, lang) for at in (0, 1)),
        *_headed("reasons", lang, _reasons(comparison, lang)),
        *_headed("findings", lang, _findings(comparison, lang)),
    ]  # fmt: skip
    unchanged = [visible(each.rule) for each in comparison.findings if each.status == "unchanged"]
    if unchanged:
        parts.append(_text(f"{say('unchanged', lang)}{label('colon', lang)}{', '.join(unchanged)}", "dim"))
    for pair in comparison.measurements:
        if not pair.same:
            head = f"{say('measurements', lang)} · {named(pair.modality, lang)}"
            rows = _numbers(pair.numbers, lang) if pair.numbers else _text(say("distributions", lang))
            parts += [Text(), _text(head, "bold"), rows]
    if comparison.accounting:
        parts += _headed("accounting", lang, _numbers(comparison.accounting[:_MOST_FACTS], lang))
        parts += _more(len(comparison.accounting))
    if comparison.declared:
        parts += _headed("declared_measured", lang, _declared(comparison, lang))
        parts.append(_text(say("declared_measured.means", lang), "dim"))
    return Group(*parts)


def _text(words: str, style: str = "") -> Text:
    return Text(visible(words), style=style, overflow="fold")


def _headed(key: str, lang: Lang, body: RenderableType) -> list[RenderableType]:
    return [Text(), _text(say(key, lang), "bold"), body]


def _table(*columns: tuple[str, bool]) -> Table:
    """Columns by their heads, and whether they hold numbers."""
    table = Table(expand=True, header_style="bold", pad_edge=False, box=None)
    for head, number in columns:
        table.add_column(head, justify="right" if number else "left", ratio=1, overflow="fold")
    return table


def _side(comparison: Comparison, at: int, lang: Lang) -> Text:
    side = (comparison.a, comparison.b)[at]
    facts = (
        label(f"report.{side.verdict.value}", lang),
        named(f"role.{side.role}", lang),
        side.reference_date,
        side.name or "",
    )
    return _text(f"{say('ab'[at], lang)}{label('colon', lang)}{'  '.join(facts)}")  # fmt: skip


def _reasons(comparison: Comparison, lang: Lang) -> Group:
    """What is not the same, each with its facts; then what is, on one line."""
    table = _table(*((head, False) for head in (say("reason", lang), "", say("a", lang), say("b", lang))))
    for reason in comparison.reasons:
        if reason.same:
            continue
        table.add_row(_text(say(reason.kind, lang)), _text(shown_reason(reason, lang), "yellow"), "", "")
        for fact in reason.facts[:_MOST_FACTS]:
            sides = (say("absent", lang) if each is None else each for each in (fact.a, fact.b))
            table.add_row("", _text(named(fact.name, lang)), *map(_text, sides))
        for line in _more(len(reason.facts)):
            table.add_row("", line, "", "")
    kinds = ", ".join(say(each.kind, lang) for each in comparison.reasons if each.same)
    alike = _text(f"{say('reason.same', lang)}{label('colon', lang)}{kinds}", "dim")
    unknown = any(each.kind == "data" and each.same is None for each in comparison.reasons)
    notes = [_text(say("data.unknown", lang), "yellow")] if unknown else []
    return Group(*([table] if table.rows else []), *notes, alike)


def _more(count: int) -> list[Text]:
    return [_text(f"… +{count - _MOST_FACTS} (--json, --html)", "dim")] if count > _MOST_FACTS else []


def _findings(comparison: Comparison, lang: Lang) -> Table | Text:
    pairs = differing(comparison)
    if not pairs:
        return _text(say("equal", lang))
    heads = (
        label("rule", lang),
        say("status", lang),
        say("a", lang),
        say("b", lang),
        say("difference", lang),
    )
    table = _table(*((head, at > 1) for at, head in enumerate(heads)))
    for pair in pairs:
        status = say(pair.status, lang)
        trend = "" if pair.trend == "same" else f" ({say(pair.trend, lang)})"
        table.add_row(
            Text.assemble(visible(pair.title.zh if lang == "zh" else pair.title.en), "\n", (visible(pair.rule), "dim")),
            _text(f"{status}{trend}", _STATUS[pair.status]),
            *(_text(_verdict(each, lang)) for each in pair.verdicts),
            "",
        )  # fmt: skip
        for line in shown_numbers(_telling(pair), pair.unit, lang=lang):
            table.add_row("", *map(_text, line))
        for reading in pair.readings:
            if reading.deciding == (True, True):  # the finding's own numbers, which stand above
                continue
            for line in shown_numbers(_differ(reading.numbers), pair.unit, lang=lang):
                table.add_row("", _text(f"{reading.name}: {line.name}", "dim"), *map(_text, line[1:]))
    return table


def _verdict(verdict: Verdict | None, lang: Lang) -> str:
    return "—" if verdict is None else label(verdict.value, lang)


def _telling(pair: FindingPair) -> list[Number]:
    """The measured value, and what else differs."""
    return [each for each in pair.numbers if each.name == "measured" or each.a != each.b]


def _differ(numbers: list[Number]) -> list[Number]:
    return [each for each in numbers if each.a != each.b]


def _numbers(numbers: list[Number], lang: Lang) -> Table:
    heads = (say("number", lang), say("a", lang), say("b", lang), say("difference", lang))
    table = _table(*((head, at > 0) for at, head in enumerate(heads)))
    for line in shown_numbers(numbers, lang=lang):
        table.add_row(*map(_text, line))
    return table


def _declared(comparison: Comparison, lang: Lang) -> Table:
    heads = (label("modality", lang), "", say("declared", lang), say("measured", lang), say("share", lang))
    table = _table(*((head, at > 1) for at, head in enumerate(heads)))
    for row in comparison.declared:
        for side, shown in zip("ab", shown_declared(row), strict=True):
            table.add_row(_text(named(row.modality, lang)), say(side, lang), *map(_text, shown))
    return table
