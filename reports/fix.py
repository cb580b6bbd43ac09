"""What to remove or replace so that a report's failing clauses would pass, what then remains, and what no removal mends.

A plan rests on the report and its evidence alone: nothing of the data is read, nothing is deleted. A rule is planned for only where
its numbers come out of its evidence again; else the plan says so and keeps the report's next step. The items are the fewest among those
that evidence lists: for a rate of duplicates surplus ones go and their originals stay. Where many repeat one original and not one another,
removing that one could do with fewer; evidence does not tell, so such originals are named (`instead`) and left to a person. Removing is computed exactly but
in one point: what a kept item leaves behind. Where it goes and surplus ones stay that named it as their original, they are compared
anew in the next check; `unsettled` counts them. Replacing an item by a conforming one does no worse than removing it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from dqv.core.errors import TrustError
from dqv.core.policy import Words
from dqv.core.schema import MODALITIES
from dqv.core.units import FLICKS_PER_SECOND, decimal_string, hours, human
from dqv.core.verdicts import ReportVerdict, Verdict
from dqv.reports import evidence
from dqv.reports.load import Loaded
from dqv.reports.model import Finding, ModalityMeasurements
from dqv.reports.selection import Population, fewest, fewest_by_weight

SCHEMA_ID: Literal["urn:dqv:fix:1"] = "urn:dqv:fix:1"

MOST_ORIGINALS = 100
"""So many originals that might go instead are named."""

_OPEN = (Verdict.FAIL, Verdict.INDETERMINATE, Verdict.REVIEW)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Original(_Model):
    """A kept item that others are near.

    Attributes:
        name: of its object, as evidence shows it.
        near: surplus items that are near it and not equal to it.
    """

    name: str
    place: int
    near: int


class Step(_Model):
    """What would mend one finding.

    Attributes:
        remove: items, or paragraphs, of the list that go for this rule; null: no item of a list mends it.
        alone: the fewest that this rule alone would take; of duplicates the fewest surplus ones, for originals are kept.
        after: the measured value without all that is on the list; null: not known.
        conforms: whether that conforms; null: not known.
        todo: what to do, in sentences.
        instead: originals of which so few might do instead, were what is near them not near one another: to be checked anew. Of very
            many the first `MOST_ORIGINALS`.
    """

    rule: str
    clause: str
    title: Words
    verdict: Verdict
    unit: str | None
    comparator: Literal[">=", "<="] | None
    threshold: str | None
    measured: str | None
    remove: int | None = None
    alone: int | None = None
    after: str | None = None
    conforms: bool | None = None
    todo: list[Words] = []
    instead: list[Original] = []
    evidence: str | None = None


class Remains(_Model):
    """One modality without what is on the list.

    Attributes:
        unit: of the scale: byte or hour.
        threshold: of the scale; null where its rule does not say one in that unit.
        shortfall: what is then missing of it; null likewise.
        unsettled: surplus items that stay while their original goes: the next check compares them anew.
    """

    modality: str
    unit: Literal["byte", "hour"]
    items: int
    items_after: int
    scale: str
    scale_after: str
    threshold: str | None
    shortfall: str | None
    unsettled: int


class Plan(_Model):
    """What would mend a report (`urn:dqv:fix:1`); the items stand in the list.

    Attributes:
        report_sha256: of its RFC 8785 form.
        remove: items and paragraphs on the list that are to be removed or replaced.
        repair: defective and unread items on the list, which count for nothing as they are.
        complete: false where evidence is missing or capped, or does not give a finding's numbers: the list is then not all of it.
    """

    plan_schema: Literal["urn:dqv:fix:1"] = Field(SCHEMA_ID, serialization_alias="schema")
    report_sha256: str
    verdict: ReportVerdict
    remove: int
    repair: int
    complete: bool
    steps: list[Step]
    remains: list[Remains]


_COLUMNS: Mapping[str, Any] = {
    "action": pl.String, "modality": pl.String, "object": pl.Int64, "name": pl.String, "place": pl.Int64, "part": pl.Int64,
    "weight": pl.Int64, "rules": pl.List(pl.String),
}  # fmt: skip
LISTED = pl.Schema(_COLUMNS)
"""The list: remove or repair an item, or remove_part, a paragraph of it; its weight in bytes (of audio in flicks), and the rules it goes for."""


def plan(loaded: Loaded) -> tuple[Plan, pl.DataFrame]:
    """Plan what would mend a report.

    Returns:
        The plan, and its list, rows of `LISTED` in canonical order by modality.

    Raises:
        TrustError: an evidence file is another than the report's, or not as this version writes it.
    """
    case = _Case(loaded)
    found = [_Modality(case, modality) for modality in case.deciding]
    for each in found:
        each.choose()
    repair = pl.concat([case.damaged(status) for status in ("defective", "unread")])
    steps = [step for finding in loaded.report.findings if (step := _step(finding, case, found)) is not None]
    removed = [each.listed for each in found]
    whole = pl.concat([*removed, repair])
    made = Plan(
        report_sha256=loaded.sha256,
        verdict=loaded.report.verdict,
        remove=sum(each.height for each in removed),
        repair=repair.height,
        complete=not case.gaps,
        steps=steps,
        remains=[each.remains() for each in found],
    )
    return made, whole


# The evidence -------------------------------------------------------------------------------------------


_SECONDS = (pl.col("duration_s") * FLICKS_PER_SECOND).round().cast(pl.Int64)
"""Durations are written as seconds; below 2^52 flicks that gives them back exactly."""


@dataclass
class _Case:
    """The report with its evidence; `gaps` gathers, by rule, why something cannot be planned."""

    loaded: Loaded
    gaps: dict[str, Words] = field(default_factory=dict)

    @cached_property
    def rules(self) -> Mapping[str, Finding]:
        return {finding.rule: finding for finding in self.loaded.report.findings}

    @cached_property
    def deciding(self) -> list[str]:
        found = self.loaded.report.measurements
        return [name for name in MODALITIES if name in found and found[name].decides and found[name].items]

    def rows(self, name: str, columns: Iterable[str]) -> pl.LazyFrame | None:
        """The rows of an evidence file; None where there is none, with a gap where there should be one.

        Raises:
            TrustError: it is another file than the report's, or has not these columns.
        """
        path = f"evidence/{name}.parquet"
        file = next((each for each in self.loaded.report.evidence if each.path == path), None)
        if file is None:
            return None
        rows = evidence.scan(self.loaded.folder, file)
        if rows is None:
            self.gaps[name] = Words(
                zh=f"证据文件 {path} 不在报告旁，无法列出。",
                en=f"{path} is not beside the report: nothing can be listed from it.",
            )
            return None
        missing = set(columns) - set(rows.collect_schema().names())
        if missing:
            raise TrustError(
                f"{path} has no column {', '.join(sorted(missing))}: it is of another version of dqv; check again"
            )
        if file.rows < file.total:
            self.gaps[name] = Words(
                zh=f"证据文件只含 {file.total} 行中的 {file.rows} 行，清单不全。",
                en=f"The evidence holds {file.rows} of {file.total} rows: the list is not all of it.",
            )
        return rows

    def damaged(self, status: str) -> pl.DataFrame:
        """Rows of `LISTED`: what is to be repaired."""
        rows = self.rows(status, ("object", "name", "place", "modality", "stored_bytes"))
        if rows is None:
            return pl.DataFrame(schema=LISTED)
        return _listed(rows.with_columns(weight=pl.col("stored_bytes"), rules=pl.lit([status])), "repair")

    @cached_property
    def stale(self) -> pl.LazyFrame | None:
        """All items that do not count as recent."""
        return self.rows(
            "recency", ("object", "name", "place", "modality", "date", "payload_bytes", "duration_s")
        )


def _listed(rows: pl.LazyFrame | pl.DataFrame, action: str, modality: str | None = None) -> pl.DataFrame:
    given = rows.lazy().collect_schema().names()
    columns = {"action": pl.lit(action)} | ({} if modality is None else {"modality": pl.lit(modality)})
    columns |= {name: pl.lit(None) for name in LISTED if name not in given and name not in columns}
    return rows.lazy().with_columns(**columns).select(*LISTED).cast(LISTED).collect()


class _Left(NamedTuple):
    """What is left of a modality: items, and weight in bytes or flicks."""

    items: int
    surplus: int
    meeting: int
    weight: int
    recent: int


_FLAGS = {"resolution": "below", "duplicates": "surplus", "recency": "stale"}
"""Families of rules, and the flag of the items that they are about."""


# One modality ---------------------------------------------------------------------------------------------


class _Modality:
    """What goes of one modality, and what its rules then measure.

    Attributes:
        items: that may go, sorted: object, place, name, weight, `surplus`, `below` (the floor), `stale` (not recent), `undated`,
            original_object, original_place.
        known: rules whose numbers come out of the evidence.
        gone: which of the items go.
        parts: paragraphs, or short texts, that go where the rate over paragraphs decides.
    """

    def __init__(self, case: _Case, name: str) -> None:
        self.case, self.name = case, name
        self.measured: ModalityMeasurements = case.loaded.report.measurements[name]
        self.timed = name == "audio"
        self.items = self._gather()
        self.known = {rule for rule in self.rules if self._comes_out(rule)}
        self.gone = np.zeros(self.items.height, np.bool_)
        self.parts = pl.DataFrame(schema=LISTED)
        self.reachable = True

    @cached_property
    def rules(self) -> list[str]:
        """Its rules on which items bear."""
        names = (f"resolution.{self.name}", f"duplicates.{self.name}", "recency")
        return [each for each in names if each in self.case.rules]

    def _gather(self) -> pl.DataFrame:
        weight = _SECONDS if self.timed else pl.col("payload_bytes")
        base = ("object", "name", "place", "payload_bytes")
        timed = (*base, "duration_s")
        surplus = self.case.rows(f"duplicates.{self.name}", (*timed, "original_object", "original_place"))
        below = self.case.rows(f"resolution.{self.name}", base)
        stale = self.case.stale
        if surplus is not None and "text_bytes" in surplus.collect_schema().names():
            surplus = surplus.filter(pl.col("text_bytes").is_null())
        parts = []
        for rows, flags in (
            (surplus, {"surplus": pl.lit(value=True), "original_object": pl.col("original_object"), "original_place": pl.col("original_place")}),
            (below, {"below": pl.lit(value=True)}),
            (None if stale is None else stale.filter(pl.col("modality") == self.name),
             {"stale": pl.lit(value=True), "undated": pl.col("date").is_null()}),
        ):  # fmt: skip
            if rows is not None:
                parts.append(rows.select("object", "place", "name", weight=weight, **flags))
        told = ("surplus", "below", "stale", "undated")
        empty = {
            "object": pl.Int64, "place": pl.Int64, "name": pl.String, "weight": pl.Int64, **dict.fromkeys(told, pl.Boolean),
            "original_object": pl.Int64, "original_place": pl.Int64,
        }  # fmt: skip
        joined = pl.concat([pl.LazyFrame(schema=empty), *parts], how="diagonal")
        return (
            joined.group_by("object", "place")
            .agg(
                pl.col("name", "weight", "original_object", "original_place").drop_nulls().first(),
                *(pl.col(each).fill_null(value=False).any() for each in told),
            )
            .sort("object", "place")
            .collect()
        )

    def flag(self, name: str) -> NDArray[np.bool_]:
        """One of the flags of the items, as an array."""
        return self.items[name].to_numpy().astype(np.bool_)

    @cached_property
    def weights(self) -> NDArray[np.int64]:
        return self.items["weight"].fill_null(0).to_numpy().astype(np.int64)

    @cached_property
    def whole(self) -> int:
        """All of its weight."""
        if not self.timed:
            return self.measured.payload_bytes
        rows = self.case.rows("scale.audio", ("duration_s",))
        if rows is not None:
            return int(rows.select(_SECONDS.sum()).collect().item() or 0)
        return round(Fraction(self.measured.hours or 0) * 3600 * FLICKS_PER_SECOND)

    @property
    def recent(self) -> int:
        """The weight of what counts as recent."""
        return self.whole - int(self.weights[self.flag("stale")].sum())

    def _comes_out(self, rule: str) -> bool:
        """Whether the evidence gives the numbers of the finding."""
        finding = self.case.rules[rule]
        if finding.measured is None or finding.verdict is Verdict.NOT_APPLICABLE:
            return False
        if rule == "recency":
            return _recency_comes_out(self.case)
        flag = _FLAGS[rule.partition(".")[0]]
        count = int(self.flag(flag).sum())
        shown = self.measured.items - count if flag == "below" else count
        holds = (finding.numerator, finding.denominator) == (str(shown), str(self.measured.items))
        if not holds and not (rule == "duplicates.text" and self.paragraphs is not None):
            self.case.gaps.setdefault(rule, _OTHERWISE)
        return holds

    @cached_property
    def paragraphs(self) -> pl.DataFrame | None:
        """What repeats where long texts are cut into paragraphs; None unless that rate decides."""
        finding = self.case.rules.get(f"duplicates.{self.name}")
        rows = self.case.rows(f"duplicates.{self.name}", ())
        if finding is None or rows is None or "text_bytes" not in rows.collect_schema().names():
            return None
        found = (
            rows.filter(pl.col("text_bytes").is_not_null())
            .with_columns(weight=pl.col("text_bytes"))
            .collect()
        )
        told = (str(int(found["text_bytes"].sum())), str(self.measured.text_bytes))
        return found if (finding.numerator, finding.denominator) == told else None

    @cached_property
    def originals(self) -> pl.DataFrame:
        """Originals of which fewer might go than surplus items: the fewest, if nothing that is near one were near another.

        What equals its original stays equal to the others that do, so only what is near counts.
        """
        rule = f"duplicates.{self.name}"
        rows, limit = self.case.rows(rule, ("original_name", "original_place")), self.limit(rule)
        if rows is None or limit is None or "similarity" not in rows.collect_schema().names():
            return pl.DataFrame()
        if "text_bytes" in rows.collect_schema().names():
            rows = rows.filter(pl.col("text_bytes").is_null())
        found = (
            rows.filter(pl.col("similarity") != "1.0000")
            .group_by("original_object", "original_place")
            .agg(pl.col("original_name").first(), near=pl.len().cast(pl.Int64))
            .sort("near", "original_object", "original_place", descending=[True, False, False])
            .collect()
        )
        surplus, items = int(self.flag("surplus").sum()), self.measured.items
        freed = np.cumsum(found["near"].to_numpy())
        left = np.arange(items - 1, items - 1 - found.height, -1)
        enough = (surplus - freed) * limit.denominator <= left * limit.numerator
        count = int(np.argmax(enough)) + 1 if enough.any() else 0
        return found.head(count if count < _fewest_surplus(surplus, items, limit) else 0)

    def limit(self, rule: str) -> Fraction | None:
        """The threshold of a rule that is planned for."""
        finding = self.case.rules.get(rule)
        return Fraction(finding.threshold) if finding and finding.threshold and rule in self.known else None

    def choose(self) -> None:
        """Decide which items go."""
        floor = self.limit(f"resolution.{self.name}")
        if floor is not None and not self.conforms("resolution"):
            self._below(floor)
        self._rates()
        while (
            floor is not None and self.conforms("resolution") is False
        ):  # a floor below 100 %: fewer items, another share
            self._below(floor)
        if self.paragraphs is not None:
            self._paragraphs()

    def _below(self, floor: Fraction) -> None:
        """The fewest items below the floor: those that count for other rules first, then the lightest."""
        left = self.after()
        count = ceil(left.items - left.meeting / floor) if floor else 0
        at = np.flatnonzero(self.flag("below") & ~self.gone)
        order = np.lexsort((at, self.weights[at], ~self.flag("surplus")[at], ~self.flag("stale")[at]))
        self.gone[at[order[: max(count, 1)]]] = True

    def _rates(self) -> None:
        """Duplicates and recency together, of what is then left."""
        rest = np.flatnonzero(~self.gone & (self.flag("surplus") | self.flag("stale")))
        most, least = self.limit(f"duplicates.{self.name}"), self.limit("recency")
        for floor in (least, None):
            left = self.after()
            all_ = Population(left.items, left.surplus, left.weight, left.recent, most, floor)
            fresh = ~self.flag("stale")[rest] if floor is not None else np.ones(len(rest), np.bool_)
            chosen = fewest(self.weights[rest], self.flag("surplus")[rest], fresh, all_)
            if chosen is not None:
                self.gone[rest[chosen]] = True
                return
            self.reachable = False  # nothing recent is there: no removal helps

    def _paragraphs(self) -> None:
        """The fewest paragraphs whose removal makes the rate by bytes conform."""
        rule = f"duplicates.{self.name}"
        rows, limit = self.paragraphs, Fraction(self.case.rules[rule].threshold or 0)
        assert rows is not None
        weights = rows["weight"].to_numpy().astype(np.int64)
        need = (
            (int(weights.sum()) - limit * self.measured.text_bytes) / (1 - limit)
            if limit < 1
            else Fraction(0)
        )
        chosen = fewest_by_weight(weights, need)
        if chosen is not None and need > 0:
            parts = _listed(rows[chosen].with_columns(rules=pl.lit([rule])), "remove", self.name)
            action = pl.when(pl.col("part").is_null()).then("action").otherwise(pl.lit("remove_part"))
            self.parts = parts.with_columns(action=action)

    # What is left

    def after(self, gone: NDArray[np.bool_] | None = None) -> "_Left":
        """What is left when these items go; else those that were chosen."""
        gone = self.gone if gone is None else gone
        below, stale = self.flag("below"), self.flag("stale")
        return _Left(
            items=self.measured.items - int(gone.sum()),
            surplus=int((self.flag("surplus") & ~gone).sum()),
            meeting=self.measured.items - int(below.sum()) - int((gone & ~below).sum()),
            weight=self.whole - int(self.weights[gone].sum()),
            recent=self.recent - int(self.weights[gone & ~stale].sum()),
        )

    def share(self, family: str, gone: NDArray[np.bool_] | None = None) -> Fraction | None:
        """What resolution, duplicates or recency would then measure; None: not known, or nothing is left."""
        rule = family if family == "recency" else f"{family}.{self.name}"
        if rule == "duplicates.text" and self.paragraphs is not None and not self.gone.any():
            cut, whole = int(self.parts["weight"].sum()), self.measured.text_bytes
            return Fraction(int(self.paragraphs["weight"].sum()) - cut, whole - cut) if whole > cut else None
        left = self.after(gone)
        part, of = {
            "resolution": (left.meeting, left.items),
            "duplicates": (left.surplus, left.items),
            "recency": (left.recent, left.weight),
        }[family]
        return Fraction(part, of) if of and rule in self.known else None

    def conforms(self, family: str, gone: NDArray[np.bool_] | None = None) -> bool | None:
        """Whether that conforms."""
        share = self.share(family, gone)
        finding = self.case.rules.get(family if family == "recency" else f"{family}.{self.name}")
        return None if share is None or finding is None else _holds(finding, share)

    def amount(self, weight: int) -> Fraction:
        """A weight in the unit of the scale."""
        return hours(weight) if self.timed else Fraction(weight)

    @property
    def unit(self) -> Literal["byte", "hour"]:
        return "hour" if self.timed else "byte"

    @property
    def scale_left(self) -> Fraction:
        return self.amount(self.after().weight - int(self.parts["weight"].sum()))

    @property
    def unsettled(self) -> int:
        gone = self.items.filter(pl.Series(self.gone)).select("object", "place")
        stay = self.items.filter(pl.Series(~self.gone & self.flag("surplus")))
        return stay.join(
            gone, left_on=["original_object", "original_place"], right_on=["object", "place"], how="semi"
        ).height

    @cached_property
    def listed(self) -> pl.DataFrame:
        """Rows of `LISTED`; asked for once all is chosen."""
        reasons = [
            pl.when(pl.col(flag)).then(pl.lit(family if family == "recency" else f"{family}.{self.name}"))
            for family, flag in _FLAGS.items()
            if self._serves(family)
        ]
        chosen = self.items.filter(pl.Series(self.gone)).with_columns(
            rules=pl.concat_list([pl.lit(None, pl.String), *reasons]).list.drop_nulls()
        )
        whole = self.items.filter(pl.Series(self.gone)).select("object", "place")
        parts = self.parts.join(whole, on=["object", "place"], how="anti", maintain_order="left")
        return pl.concat([_listed(chosen, "remove", self.name), parts])

    def _serves(self, family: str) -> bool:
        """Whether items go for a rule's sake: without those that it is about it would not conform, and with them it can."""
        others = self.gone & ~self.flag(_FLAGS[family])
        return self.conforms(family, others) is False and (family != "recency" or self.reachable)

    def remains(self) -> Remains:
        finding = self.case.rules.get(f"scale.{self.name}")
        told = finding is not None and finding.threshold is not None and finding.unit == self.unit
        threshold = Fraction(finding.threshold) if finding and finding.threshold and told else None
        missing = None if threshold is None else max(threshold - self.scale_left, Fraction(0))
        return Remains(
            modality=self.name,
            unit=self.unit,
            items=self.measured.items,
            items_after=self.after().items,
            scale=decimal_string(self.amount(self.whole), 12),
            scale_after=decimal_string(self.scale_left, 12),
            threshold=None if threshold is None else decimal_string(threshold, 12),
            shortfall=None if missing is None else decimal_string(missing, 12),
            unsettled=self.unsettled,
        )


_OTHERWISE = Words(
    zh="该项数值并非出自其证据所列条目（如采用其他读法），无法据此列出应移除者。",
    en="The numbers of this finding do not come from the items of its evidence (another reading decides, or rows are missing): "
    "what to remove cannot be told from it.",
)


def _recency_comes_out(case: _Case) -> bool:
    """Whether one of the modalities, by volume, gives the numbers of the finding, which shows the worst."""
    finding = case.rules["recency"]
    if "recency" in case.gaps or case.stale is None:
        return False
    for name in case.deciding:
        weight = _SECONDS if name == "audio" else pl.col("payload_bytes")
        rows = case.stale.filter(pl.col("modality") == name).select(weight.sum())
        measured = case.loaded.report.measurements[name]
        old = int(rows.collect().item() or 0)
        if name == "audio":
            whole = Fraction(measured.hours or 0)
            told = finding.numerator is not None and finding.denominator == measured.hours
            if told and abs(whole - hours(old) - Fraction(finding.numerator or 0)) <= Fraction(1, 10**11):
                return True
        elif (finding.numerator, finding.denominator) == (
            str(measured.payload_bytes - old),
            str(measured.payload_bytes),
        ):
            return True
    case.gaps["recency"] = _OTHERWISE
    return False


def _holds(finding: Finding, value: Fraction) -> bool:
    limit = Fraction(finding.threshold or 0)
    return value >= limit if finding.comparator == ">=" else value <= limit


# The steps ------------------------------------------------------------------------------------------------


def _step(finding: Finding, case: _Case, found: Sequence[_Modality]) -> Step | None:
    """What would mend a finding; None where nothing is to be done."""
    family, _, name = finding.rule.partition(".")
    mine = [each for each in found if each.name == name or (finding.rule == "recency" and not name)]
    values: dict[str, Any] = {}
    todo: list[Words] = []
    if mine and family == "scale":
        values, todo = _scale(finding, mine[0])
    elif mine and family in ("resolution", "duplicates", "recency"):
        values, todo = _removal(finding, family, mine)
    if finding.verdict not in _OPEN and values.get("conforms") is not False:
        return None
    gap = case.gaps.get(finding.rule)
    if gap is not None:
        todo = [gap, *todo]
    if finding.next_step is not None and (not todo or gap is not None or values.get("conforms") is None):
        todo.append(finding.next_step)
    return Step(
        rule=finding.rule,
        clause=finding.clause,
        title=finding.title,
        verdict=finding.verdict,
        unit=finding.unit,
        comparator=finding.comparator,
        threshold=finding.threshold,
        measured=finding.measured,
        todo=todo,
        evidence=finding.evidence.path if finding.evidence else None,
        **values,
    )


def _scale(finding: Finding, mine: _Modality) -> tuple[dict[str, Any], list[Words]]:
    """The scale without what goes: no removal makes it larger."""
    before = decimal_string(mine.amount(mine.whole), 12)
    if finding.threshold is None or finding.unit != mine.unit:
        return {}, []
    if mine.timed:
        known = abs(Fraction(finding.measured or 0) - Fraction(before)) <= Fraction(1, 10**11)
    else:
        known = finding.measured == before
    if not known:
        return {}, []
    after = mine.scale_left
    missing = Fraction(finding.threshold) - after
    values: dict[str, Any] = {"after": decimal_string(after, 12), "conforms": missing <= 0}
    if missing <= 0:
        return values, []
    amount = _amount(missing, mine)
    if _holds(finding, mine.amount(mine.whole)):
        words = Words(
            zh=f"移除清单所列之后规模不足，须另加 {amount}。",
            en=f"Without what is on the list the scale is not reached: add {amount}.",
        )
    else:
        words = Words(
            zh=f"移除无济于事：清单所列移除之后还差 {amount}，须增加数据。",
            en=f"No removal helps: without what is on the list {amount} are missing; add data.",
        )
    return values, [words]


def _amount(value: Fraction, mine: _Modality) -> str:
    return f"{ceil(value):,} B" if mine.unit == "byte" else human(value, "hour")


def _removal(finding: Finding, family: str, mine: Sequence[_Modality]) -> tuple[dict[str, Any], list[Words]]:
    """What of the list goes for a rule, and what would do instead."""
    known = [each for each in mine if each.share(family) is not None or finding.rule in each.known]
    if len(known) < len(mine):
        return {}, []
    listed = [each.listed for each in mine]
    remove = sum(rows.filter(pl.col("rules").list.contains(finding.rule)).height for rows in listed)
    shares = [each.share(family) for each in mine]
    worst = None
    if shares and None not in shares:
        told = [each for each in shares if each is not None]
        worst = max(told) if finding.comparator == "<=" else min(told)
    values: dict[str, Any] = {
        "remove": remove,
        "alone": sum(_alone(finding, family, each) for each in mine),
        "after": None if worst is None else decimal_string(worst, 12),
        "conforms": None if worst is None else _holds(finding, worst),
    }
    if remove and family == "duplicates":
        rows = mine[0].originals.head(MOST_ORIGINALS)
        values["instead"] = [
            Original(name=row["original_name"] or "", place=row["original_place"], near=row["near"])
            for row in rows.iter_rows(named=True)
        ]
    todo = [words for each in mine for words in _words(finding, family, each)]
    return values, todo


def _fewest_surplus(surplus: int, items: int, limit: Fraction) -> int:
    """How many surplus items a ceiling asks for."""
    return max(0, ceil((surplus - limit * items) / (1 - limit))) if limit < 1 else 0


def _alone(finding: Finding, family: str, mine: _Modality) -> int:
    """The fewest items that this rule alone would take of a modality; 0 where it is met."""
    limit, n = Fraction(finding.threshold or 0), mine.measured.items
    if family == "resolution":
        return max(0, ceil(n - (n - int(mine.flag("below").sum())) / limit)) if limit else 0
    if family == "duplicates":
        if finding.rule not in mine.known:
            return mine.parts.height
        return _fewest_surplus(int(mine.flag("surplus").sum()), n, limit)
    stale = mine.flag("stale")
    chosen = fewest_by_weight(mine.weights[stale], mine.whole - mine.recent / limit) if limit else None
    return 0 if chosen is None else len(chosen)


def _words(finding: Finding, family: str, mine: _Modality) -> list[Words]:
    """What to do in one modality."""
    rows = mine.listed.filter(pl.col("rules").list.contains(finding.rule))
    count, limit = rows.height, Fraction(finding.threshold or 0)
    name = _MODALITY[mine.name]
    said: list[Words] = []
    if family == "recency" and not mine.reachable:
        said.append(
            Words(
                zh=f"{name.zh}：没有近五年且有日期的数据，移除无济于事。",
                en=f"{name.en}: nothing is dated to the last five years; no removal helps.",
            )
        )
    if count and family == "resolution":
        said.append(
            Words(
                zh=f"替换或移除 {count} 项（见清单）；替换则不损失规模。",
                en=f"Replace or remove {count} items (see the list); replacing costs no scale.",
            )
        )
    elif count and family == "duplicates":
        paragraphs = finding.rule not in mine.known
        what = (
            Words(zh="个重复的段落或文本", en="repeated paragraphs or texts")
            if paragraphs
            else Words(zh="个多余项", en="surplus items")
        )
        said.append(
            Words(
                zh=f"移除或替换 {count} {what.zh}（见清单）。",
                en=f"Remove or replace {count} {what.en} (see the list).",
            )
        )
        if not paragraphs:
            said.append(
                Words(
                    zh="这是在多余项中最少的数目，原件均予保留。",
                    en="These are the fewest among surplus items; originals are kept.",
                )
            )
            if mine.originals.height:
                said.append(
                    Words(
                        zh=f"移除 {mine.originals.height} 个原件或可代之：若与其近似者彼此并不近似；移除后须重新检查。",
                        en=f"Removing {mine.originals.height} of the originals might do instead, if what is near them is not near one "
                        "another; check again after it.",
                    )
                )
        more = (
            ceil(int(mine.flag("surplus").sum()) / limit - mine.measured.items)
            if limit and not paragraphs
            else 0
        )
        if more > 0:
            said.append(
                Words(
                    zh=f"或不移除而另加 {more} 个互不重复的条目。",
                    en=f"Or remove nothing and add {more} items that repeat none.",
                )
            )
    elif count and family == "recency":
        held = _amount(mine.amount(int(rows["weight"].sum())), mine)
        said.append(Words(zh=f"{name.zh}：移除或替换 {count} 项较早或未定日期的条目，共 {held}（见清单）。",
                          en=f"{name.en}: remove or replace {count} items that are old or undated, {held} (see the list)."))  # fmt: skip
    if family == "recency" and not _holds(
        finding, Fraction(mine.recent, mine.whole) if mine.whole else Fraction(0)
    ):
        said += _instead(limit, mine, name)
    return said


def _instead(limit: Fraction, mine: _Modality, name: Words) -> list[Words]:
    """What helps recency and removes nothing: dates for the undated, more recent data."""
    said = []
    undated = int(mine.weights[mine.flag("undated")].sum())
    need = limit * mine.whole - mine.recent
    if undated:
        enough = undated >= need
        held, wanted = _amount(mine.amount(undated), mine), _amount(mine.amount(1) * need, mine)
        said.append(Words(
            zh=f"{name.zh}：未定日期者共 {held}；若其中 {wanted} 属近五年并补上日期，即达到。" if enough else
               f"{name.zh}：未定日期者共 {held}，即使全部补上近五年的日期仍不足。",
            en=f"{name.en}: the undated hold {held}; dates of the last five years for {wanted} of them are enough." if enough else
               f"{name.en}: the undated hold {held}; even if all of them were recent it would not be enough.",
        ))  # fmt: skip
    if limit < 1:
        more = _amount(mine.amount(1) * need / (1 - limit), mine)
        said.append(
            Words(
                zh=f"{name.zh}：或不移除而另加 {more} 近五年的数据。",
                en=f"{name.en}: or remove nothing and add {more} of the last five years.",
            )
        )
    return said


_MODALITY = {
    "text": Words(zh="文本", en="Text"),
    "audio": Words(zh="音频", en="Audio"),
    "image": Words(zh="图像", en="Images"),
    "video": Words(zh="视频", en="Video"),
}
