"""What report.pdf shows, as blocks for `report.typ`, in the order of report.html.

A block is JSON: its `kind` names the function of the template that draws it, all else is text, or a number of the drawing.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from dqv.core.policy import Words
from dqv.core.units import human_bytes
from dqv.core.verdicts import ReportVerdict, Verdict
from dqv.reports.model import Distribution, EvidenceRef, Finding, ModalityMeasurements, Report
from dqv.reports.shown import (
    Balance,
    anchors,
    decimal_of,
    every_digit,
    exact,
    shown_threshold,
    shown_value,
    to_do,
)
from dqv.reports.svg import scaled
from dqv.reports.words import LABELS, Lang, label

Block = dict[str, Any]

_TONES = {
    Verdict.PASS: "good", Verdict.FAIL: "bad", Verdict.REVIEW: "look", Verdict.INDETERMINATE: "open",
    Verdict.ATTESTED: "said", Verdict.NOT_APPLICABLE: "plain",
    ReportVerdict.DOES_NOT_CONFORM: "bad", ReportVerdict.INCOMPLETE: "open", ReportVerdict.NEEDS_REVIEW: "look",
    ReportVerdict.NO_CLAUSE_FAILS: "good",
}  # fmt: skip


def blocks(report: Report, lang: Lang, keyids: Sequence[str] | None = None) -> Iterator[Block]:
    """The whole report.

    Args:
        report: what report.json holds.
        lang: of all but the regulation's own sentences.
        keyids: of the keys that sign the report; null where none does.
    """
    return _Blocks(report, lang, keyids).all_of_it()


class _Blocks:
    """A report's blocks in one language."""

    def __init__(self, report: Report, lang: Lang, keyids: Sequence[str] | None) -> None:
        self.report, self.lang, self.keyids = report, lang, keyids
        self.ids = anchors(report.findings)

    def t(self, key: str) -> str:
        return label(key, self.lang)

    def t_or(self, prefix: str, key: str) -> str:
        return self.t(prefix + key) if prefix + key in LABELS else key

    def say(self, words: Words) -> str:
        return words.zh if self.lang == "zh" else words.en

    def all_of_it(self) -> Iterator[Block]:
        yield from self.first_screen()
        yield from self.rules()
        yield self.part("findings")
        for id_, finding in zip(self.ids, self.report.findings, strict=True):
            yield from self.finding(id_, finding)
        yield from self.measurements()
        yield from self.witnesses()
        yield from self.crosswalk()
        yield from self.accounting()
        yield from self.errors()
        yield from self.subject()
        yield from self.provenance()
        yield from self.verify()

    def part(self, key: str, level: int = 2) -> Block:
        return {"kind": "heading", "level": level, "text": self.t(key)}

    def quiet(self, text: str) -> Block:
        return {"kind": "quiet", "text": text}

    def first_screen(self) -> Iterator[Block]:
        report, run = self.report, self.report.run
        yield {
            "kind": "title",
            "over": self.t("report"),
            "text": report.subject.name or self.t("unnamed"),
            "by": [
                report.subject.applicant or f"{self.t('applicant')}{self.t('colon')}{self.t('not_given')}",
                f"{self.say(report.policy.title)} · {report.policy.document}",
            ],
        }
        yield {
            "kind": "verdict",
            "tone": _TONES[report.verdict],
            "over": self.t("conclusion"),
            "word": self.t(f"report.{report.verdict.value}"),
            "means": self.t(f"report.{report.verdict.value}.means"),
            "experts": self.t("experts_decide"),
        }
        size = f"{self.t('so_many_objects').replace('{}', f'{report.accounting.objects:,}')}"
        means = [
            self.t(f"{key}.means") if f"{key}.means" in LABELS else ""
            for key in (f"role.{run.role}", f"assurance.{run.assurance}")
        ]
        yield {
            "kind": "cards",
            "cards": [
                (self.t("role"), self.t_or("role.", run.role), means[0]),
                (self.t("assurance"), self.t_or("assurance.", run.assurance), means[1]),
                (
                    self.t("reference_date"),
                    run.reference_date,
                    size + human_bytes(report.accounting.size_bytes),
                ),
            ],
        }
        notices = [self.say(notice) for notice in report.notices]
        if not run.complete:
            notices.insert(0, self.t("incomplete_run"))
        if not Balance(report).holds:
            notices.insert(0, self.t("unbalanced"))
        if notices:
            yield {"kind": "notices", "title": self.t("notices"), "texts": notices}
        yield self.part("decided_by")
        places = {finding.rule: place for place, finding in enumerate(report.findings)}
        yield from self.listed(
            "points",
            [places[rule] for rule in report.decided_by if rule in places],
            "message",
            "decided_by.nothing",
        )
        yield self.part("next")
        yield from self.listed("steps", to_do(report.findings), "next_step", "next.nothing")

    def listed(self, kind: str, places: Sequence[int], what: str, nothing: str) -> Iterator[Block]:
        findings = self.report.findings
        if not places:
            yield {"kind": "text", "text": self.t(nothing)}
            return
        yield {
            "kind": kind,
            "steps": [
                {
                    "to": self.ids[place],
                    "head": self.say(findings[place].title),
                    **self.verdict(findings[place].verdict),
                    "text": self.say(getattr(findings[place], what)),
                }
                for place in places
            ],
        }

    def verdict(self, verdict: Verdict) -> dict[str, str]:
        return {"tone": _TONES[verdict], "verdict": self.t(verdict.value)}

    def chip(self, verdict: Verdict, small: str | None = None) -> dict[str, str]:
        return {"chip": _TONES[verdict], "text": self.t(verdict.value)} | ({"small": small} if small else {})

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        foot: Sequence[Sequence[str]] = (),
        wide: str = "",
    ) -> Block:
        """A table; a name of a column with `#` before it holds numbers; `wide` has a digit per column, 0 as wide as it is."""
        widths = wide or "1" * len(columns)
        return {
            "kind": "table",
            "columns": [
                {"name": name.removeprefix("#"), "number": name.startswith("#"), "wide": int(width)}
                for name, width in zip(columns, widths, strict=True)
            ],
            "rows": rows,
            "foot": foot,
        }

    def rules(self) -> Iterator[Block]:
        yield self.part("rules")
        depends = self.t("depends_short")
        yield self.table(
            [
                self.t("rule"),
                self.t("clause"),
                f"#{self.t('measured')}",
                f"#{self.t('threshold')}",
                self.t("verdict"),
            ],
            [
                [
                    {"text": self.say(finding.title), "to": id_, "small": finding.rule},
                    finding.clause,
                    shown_value(finding.measured, finding.threshold, finding.unit),
                    shown_threshold(finding),
                    self.chip(finding.verdict, depends if finding.depends_on_reading else None),
                ]
                for id_, finding in zip(self.ids, self.report.findings, strict=True)
            ],
            wide="41222",
        )
        meanings = (f"{self.t(each)} {self.t(f'{each}.means')}" for each in Verdict)
        yield self.quiet(self.t("legend") + self.t("colon") + self.t("and").join(meanings))

    def finding(self, id_: str, finding: Finding) -> Iterator[Block]:
        yield {
            "kind": "finding",
            "id": id_,
            "text": self.say(finding.title),
            **self.verdict(finding.verdict),
            "rule": f"{finding.rule} · {self.t('clause')} {finding.clause}",
        }
        clause = [("zh", finding.clause_text.zh)] + [("en", finding.clause_text.en)] * (self.lang == "en")
        yield {
            "kind": "quote",
            "lines": [
                {"lang": lang, "text": line}
                for lang, text in clause
                for line in text.split("\n")
                if line.strip()
            ],
        }
        yield {"kind": "text", "text": self.say(finding.message)}
        if finding.next_step is not None:
            head = self.t("to_do") + self.t("colon")
            yield {"kind": "advice", "head": head, "text": self.say(finding.next_step)}
        yield from self.bar(finding)
        facts = list(self.facts(finding))
        if facts:
            yield {"kind": "facts", "facts": facts}
        if finding.readings:
            yield self.part("readings", 4)
            yield self.readings(finding)
            key = "depends" if finding.depends_on_reading else "does_not_depend"
            yield {"kind": "strong" if finding.depends_on_reading else "quiet", "text": self.t(key)}

    def bar(self, finding: Finding) -> Iterator[Block]:
        measured, threshold = decimal_of(finding.measured), decimal_of(finding.threshold)
        if measured is None or threshold is None or finding.comparator is None:
            return
        bar, line = scaled(measured, threshold, Fraction(1) if finding.unit == "ratio" else None)
        shown = shown_value(finding.measured, finding.threshold, finding.unit)
        yield {
            "kind": "bar",
            "measured": round(float(bar), 4),
            "threshold": round(float(line), 4),
            "good": [round(float(line), 4), 1] if finding.comparator == ">=" else [0, round(float(line), 4)],
            "measured-text": f"{self.t('measured')} {shown}",
            "threshold-text": f"{self.t('threshold')} {shown_threshold(finding)}",
            "note": self.t("to_scale"),
        }

    def facts(self, finding: Finding) -> Iterator[tuple[str, Any]]:
        if finding.measured is not None:
            shown = shown_value(finding.measured, finding.threshold, finding.unit)
            yield self.t("measured"), {"text": shown, "aside": every_digit(finding.measured, shown)}
        if finding.threshold is not None:
            shown = shown_threshold(finding)
            yield self.t("threshold"), {"text": shown, "aside": every_digit(finding.threshold, shown)}
        if finding.denominator is not None:
            yield self.t("fraction"), f"{exact(finding.numerator)} / {exact(finding.denominator)}"
        elif finding.numerator is not None:
            yield self.t("numerator"), exact(finding.numerator)
        if finding.population is not None:
            yield self.t("population"), self.say(finding.population)
        if finding.verdict is not Verdict.NOT_APPLICABLE:
            yield self.t("method"), self.say(finding.method)
        if finding.evidence is not None:
            found = finding.evidence
            small = f"{self.t('rows')} {self.rows(found)}"
            yield self.t("evidence"), {"text": found.path, "small": f"{small} · {found.digest}"}

    def rows(self, evidence: EvidenceRef) -> str:
        full = f" ({self.t('rows_of')} {evidence.total:,})" if evidence.rows != evidence.total else ""
        return f"{evidence.rows:,}{full}"

    def readings(self, finding: Finding) -> Block:
        names = ("reading", "#measured", "#numerator", "#denominator", "#threshold", "verdict")
        return self.table(
            [f"#{self.t(name[1:])}" if name.startswith("#") else self.t(name) for name in names],
            [
                [
                    {
                        "text": self.say(reading.words), "bold": reading.deciding, "small": reading.name,
                        **({"mark": self.t("deciding")} if reading.deciding else {}),
                    },
                    shown_value(reading.measured, reading.threshold, finding.unit),
                    exact(reading.numerator),
                    exact(reading.denominator),
                    shown_threshold(finding, reading.threshold),
                    self.chip(reading.verdict),
                ]
                for reading in finding.readings
            ],
            wide="422220",
        )  # fmt: skip

    def measurements(self) -> Iterator[Block]:
        yield self.part("measurements")
        if not self.report.measurements:
            yield {"kind": "text", "text": self.t("no_measurements")}
        for modality, measured in self.report.measurements.items():
            yield {"kind": "heading", "level": 3, "text": self.t_or("", modality)}
            yield self.quiet(
                self.t("declared" if measured.declared else "undeclared")
                + self.t("and")
                + self.t("decides" if measured.decides else "does_not_decide")
            )
            yield {"kind": "grid", "facts": list(self.quantities(measured))}
            yield from (self.chart(each) for each in measured.distributions)

    def quantities(self, measured: ModalityMeasurements) -> Iterator[tuple[str, Any]]:
        yield self.t("items"), f"{measured.items:,}"
        yield self.t("objects"), f"{measured.objects:,}"
        yield self.t("payload_bytes"), self.size(measured.payload_bytes)
        yield self.t("stored_bytes"), self.size(measured.stored_bytes)
        yield self.t("share_of_payload"), shown_value(measured.share_of_payload, None, "ratio")
        if measured.text_bytes:
            yield self.t("text_bytes"), self.size(measured.text_bytes)
        if measured.tokens:
            yield self.t("tokens"), f"{measured.tokens:,}"
        if measured.hours is not None:
            yield self.t("hours"), shown_value(measured.hours, None, "hour")
        if measured.silent_hours is not None:
            yield self.t("silent_hours"), shown_value(measured.silent_hours, None, "hour")
        if measured.undecoded_items:
            yield self.t("undecoded_items"), f"{measured.undecoded_items:,}"
        for flag, number in measured.flagged.items():
            yield self.t("flagged") + self.t("colon") + self.t_or("flag.", flag), f"{number:,}"
        yield self.t("defective_items"), f"{measured.defective_items:,}"
        yield self.t("unread_items"), f"{measured.unread_items:,}"
        yield self.t("unread_bytes"), self.size(measured.unread_bytes)

    def size(self, count: int) -> Any:
        return {"text": human_bytes(count), "small": f"{count:,} B"} if count >= 1000 else human_bytes(count)

    def chart(self, distribution: Distribution) -> Block:
        most = max((bucket.items for bucket in distribution.buckets), default=0)
        return {
            "kind": "chart",
            "title": self.say(distribution.title),
            "note": self.t("chart_note"),
            "rows": [
                (
                    bucket.label,
                    round(bucket.items / most, 4) if most else 0,
                    f"{bucket.items:,} · {human_bytes(bucket.payload_bytes)}",
                )
                for bucket in distribution.buckets
            ],
        }

    def witnesses(self) -> Iterator[Block]:
        run = self.report.run
        yield self.part("witnesses")
        if run.self_test:
            each = (f"{self.t_or('', test.modality)} {test.found} / {test.planted}" for test in run.self_test)
            yield {"kind": "text", "text": self.t("self_test") + self.t("colon") + " · ".join(each)}
        yield self.quiet(self.t("witnesses.means"))
        if not run.witnesses:
            yield {"kind": "text", "text": self.t("no_witnesses")}
            return
        names = ("witness", "modality", "witness_status", "#sample", "#agreed", "#disagreed", "#unanswered")
        yield self.table(
            [f"#{self.t(name[1:])}" if name.startswith("#") else self.t(name) for name in names],
            [
                [
                    f"{witness.name} {witness.version or ''}".strip(), self.t_or("", witness.modality),
                    self.t(f"witness.{witness.status}"), f"{witness.sample:,}", f"{witness.agreed:,}",
                    f"{witness.disagreed:,}", f"{witness.unanswered:,}",
                ]
                for witness in run.witnesses
            ],
            wide="3232222",
        )  # fmt: skip
        for tolerance in dict.fromkeys(self.say(witness.tolerance) for witness in run.witnesses):
            yield self.quiet(self.t("tolerance") + self.t("colon") + tolerance)
        for witness in run.witnesses:
            if witness.mean_difference is not None:
                mean = f"{witness.name} {witness.mean_difference}"
                yield {"kind": "text", "text": self.t("mean_difference") + self.t("colon") + mean}
        differing = [each for witness in run.witnesses for each in witness.disagreements]
        if differing:
            yield self.table(
                [self.t(key) for key in ("name", "fact", "ours", "theirs")],
                [[each.name, each.fact, each.ours, each.theirs] for each in differing],
            )

    def crosswalk(self) -> Iterator[Block]:
        crosswalk = self.report.crosswalk
        if crosswalk is None:
            return
        yield self.part("crosswalk")
        yield self.quiet(self.t("crosswalk.means"))
        yield self.quiet(self.say(crosswalk.source))
        for standard in dict.fromkeys(row.standard for row in crosswalk.rows):
            yield {"kind": "heading", "level": 3, "text": standard}
            yield self.table(
                [self.t(key) for key in ("indicator", "crosswalk.status", "speaks")],
                [
                    [
                        {"text": f"{row.indicator} {self.say(row.title)}".strip()}
                        | ({"small": self.say(row.note)} if row.note else {}),
                        self.t(f"crosswalk.{row.status}"),
                        " ".join([*row.rules, *row.measurements]) or self.t("none"),
                    ]
                    for row in crosswalk.rows
                    if row.standard == standard
                ],
                wide="313",
            )

    def accounting(self) -> Iterator[Block]:
        said, sums = self.report.accounting, Balance(self.report)
        yield self.part("accounting")
        yield self.quiet(self.t("accounting.means"))
        names = ["#objects", "#bytes", "#size"] + ["#members", "#member_bytes"] * bool(said.members)

        def counts(each: Any) -> list[str]:
            row = [f"{each.objects:,}", f"{each.size_bytes:,}", human_bytes(each.size_bytes)]
            return row + [f"{each.members:,}", f"{each.member_bytes:,}"] * bool(said.members)

        yield self.table(
            [self.t("outcome"), self.t("because"), *(f"#{self.t(name[1:])}" for name in names)],
            [[self.t(f"outcome.{tally.outcome}"), tally.rule, *counts(tally)] for tally in said.tallies],
            [[self.t("total"), "", *counts(sums)], [self.t("source"), "", *counts(said)]],
        )
        key = "balanced" if sums.holds else "unbalanced"
        yield {"kind": "quiet" if sums.holds else "strong", "text": self.t(key)}

    def errors(self) -> Iterator[Block]:
        run = self.report.run
        yield self.part("errors")
        yield self.quiet(self.t("errors.means"))
        rows = [
            [
                self.t(outcome), self.t_or("", each.modality), self.t_or("kind.", each.kind), f"{each.items:,}",
                f"{each.stored_bytes:,}",
            ]
            for outcome, all_ in (("unread", run.unread), ("defective", run.defective))
            for each in all_
        ]  # fmt: skip
        if not rows:
            yield {"kind": "text", "text": self.t("no_errors")}
            return
        heads = [self.t("outcome"), self.t("modality"), self.t("kind"), f"#{self.t('items')}"]
        yield self.table([*heads, f"#{self.t('stored_bytes')}"], rows)

    def subject(self) -> Iterator[Block]:
        subject, nothing = self.report.subject, self.t("not_given")
        scale = (f"{self.t_or('', name)} {scale}" for name, scale in sorted(subject.declared.items()))
        facts = [
            ("dataset", subject.name or nothing),
            ("applicant", subject.applicant or nothing),
            ("uscc", subject.uscc or nothing),
            ("certificate", subject.certificate or nothing),
            ("registration_sha256", subject.registration_sha256),
            ("barred_sha256", subject.barred_sha256),
            ("layout", self.t(f"layout.{subject.layout}")),
            ("platform", subject.platform),
            ("platform_sha256", subject.platform_sha256),
            ("category", subject.category or nothing),
            ("declared_scale", self.t("and").join(scale) or nothing),
            ("objects", f"{subject.objects:,}"),
            ("size", self.size(subject.size_bytes)),
            ("root", subject.root_sha256 or self.t("no_root")),
            ("root_sm3", subject.root_sm3 or self.t("no_root")),
        ]
        yield self.part("subject")
        yield {"kind": "facts", "facts": [(self.t(key), value) for key, value in facts if value is not None]}

    def provenance(self) -> Iterator[Block]:
        policy, run = self.report.policy, self.report.run
        until = policy.in_force_until
        in_force = self.t("in_force.from").replace("{}", policy.in_force_from)
        in_force += self.t("in_force.until").replace("{}", until) if until else ""
        yield self.part("policy")
        facts = [
            ("document", policy.document), ("name", self.say(policy.title)), ("status", self.say(policy.status)),
            ("in_force", in_force), ("version", f"{policy.id} {policy.version}"), ("digest", policy.digest),
        ]  # fmt: skip
        yield {"kind": "facts", "facts": [(self.t(key), value) for key, value in facts]}
        yield self.part("run")
        facts = [
            ("role", self.t_or("role.", run.role)), ("assurance", self.t_or("assurance.", run.assurance)),
            ("reference_date", run.reference_date), ("complete", self.t("yes" if run.complete else "no")),
            ("settings_digest", run.settings_digest),
        ]  # fmt: skip
        yield {"kind": "facts", "facts": [(self.t(key), value) for key, value in facts]}
        for key in ("settings", "versions", "environment"):
            yield self.part(key, 3)
            if key == "environment":
                yield self.quiet(self.t("environment.means"))
            values = sorted(getattr(run, key).items())
            if values:
                yield self.table([self.t("name"), self.t("value")], values, wide="12")
            else:
                yield self.quiet(self.t("none"))
        yield self.part("evidence_files")
        files = self.report.evidence
        if files:
            heads = [self.t("path"), f"#{self.t('rows')}", self.t("digest")]
            yield self.table(heads, [[each.path, self.rows(each), each.digest] for each in files], wide="213")
        else:
            yield {"kind": "text", "text": self.t("none")}

    def verify(self) -> Iterator[Block]:
        yield self.part("verify")
        if self.keyids is None:
            yield {"kind": "text", "text": self.t("verify.unsigned")}
            return
        yield {"kind": "text", "text": self.t("verify.1")}
        yield {"kind": "text", "text": self.t("verify.2")}
        yield {"kind": "code", "text": "dqv verify report.dsse.json --trust signer.pub"}
        if self.keyids:
            told = f"{self.t('verify.keys')}{self.t('colon')}{', '.join(self.keyids)}"
            yield {"kind": "text", "text": told}
        yield {"kind": "text", "text": self.t("verify.3")}
