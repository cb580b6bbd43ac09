"""The rule `documentation`: verdicts, and statements beside measurements, on both sides of every tolerance."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from dqv.checks.documentation import documentation
from dqv.checks.engine import MODALITY_WORDS, Case, Documents, ModalityFacts, Outcome, Unread
from dqv.core.licences import Named
from dqv.core.policy import load_policy
from dqv.core.registration import Registration
from dqv.core.schema import ASPECTS, DOCUMENTS, STATEMENTS
from dqv.core.units import FLICKS_PER_SECOND
from dqv.core.verdicts import Verdict
from dqv.measure.card_terms import BY_NAME
from tests.checks.declared import RECORD, described

NOTHING = {name: 0 for name in ModalityFacts.__dataclass_fields__ if name != "unread"}


def facts(**values: int) -> ModalityFacts:
    return ModalityFacts(**{**NOTHING, **values}, unread=Unread(0, 0))


def frame(schema: Any, rows: list[dict[str, Any]]) -> pl.DataFrame:
    names: dict[str, Any] = {
        "int64": pl.Int64,
        "string": pl.String,
        "bool": pl.Boolean,
        "list<item: string>": pl.List(pl.String),
    }
    return pl.DataFrame(rows, schema={field.name: names[str(field.type)] for field in schema})


def document(number: int = 0, **values: Any) -> dict[str, Any]:
    usual = {
        "object": number,
        "role": "documentation",
        "format": "md",
        "status": "read",
        "active": [],
        "content": 10,
    }
    return {**usual, "licences": [], **values}


def stated(kind: str, what: str, least: str | None, **values: Any) -> dict[str, Any]:
    usual = {
        "object": 0,
        "unit": "line",
        "place": 3,
        "kind": kind,
        "what": what,
        "least": least,
        "bound": "exact",
        "step": "0",
    }
    return {**usual, "whole": True, "part": False, "own": False, "section": 1, **values}


ITEMS = pl.LazyFrame(
    {
        "object": [1] * 800 + [2] * 200,
        "name": ["train/a.jsonl"] * 800 + ["test/b.jsonl"] * 200,
        "modality": "text",
        "format": "jsonl",
        "status": "measured",
        "width_px": None,
        "height_px": None,
        "date_record": [date(2024, 1, 1)] * 950 + [date(2020, 1, 1)] * 50,
        **dict.fromkeys(("date_sidecar", "date_embedded", "date_name", "date_modified", "date_sidecar_modified")),
        "date_refused": False,
        "embedded_refused": False,
    },
    schema_overrides={
        "width_px": pl.Int64, "height_px": pl.Int64,
        **dict.fromkeys(("date_sidecar", "date_embedded", "date_name", "date_modified", "date_sidecar_modified"), pl.Date),
    },
)  # fmt: skip


def objects(documents: int) -> pl.LazyFrame:
    return pl.LazyFrame(
        {
            "object": [0, 1, 2, *range(3, 2 + documents)],
            "role": [
                "documentation" if documents else "other",
                "data",
                "data",
                *["documentation"] * (documents - 1),
            ],
            "name": [
                "README.md",
                "train/a.jsonl",
                "test/b.jsonl",
                *(f"docs/{n}.pdf" for n in range(documents - 1)),
            ],
            "size_bytes": [100, 50_000, 50_000, *[100] * (documents - 1)],
            "container": None,
            "sample": None,
            "texts": [None, 800, 200, *[None] * (documents - 1)],
        },
        schema_overrides={"container": pl.Int64, "sample": pl.Binary, "texts": pl.Int64},
    )


def case_of(
    read: list[dict[str, Any]] | None, statements: list[dict[str, Any]] = [], aspects: list[dict[str, Any]] = [], **values: Any  # noqa: B006
) -> Case:  # fmt: skip
    every = {name: facts() for name in ("audio", "image", "video")}
    text = facts(items=1000, objects=2, payload_bytes=90_000, stored_bytes=100_000)
    usual = Case(
        policy=load_policy("jiaxing-2025-65"),
        registration=Registration.model_validate({**RECORD, "attestations": []}),
        reference_date=date(2026, 6, 30),
        items=ITEMS,
        objects=objects(len([row for row in read or [] if row["role"] == "documentation"])),
        deciding=("text",),
        facts={"text": text, **every},
        documents=None if read is None else Documents(frame(DOCUMENTS, read), frame(ASPECTS, aspects), frame(STATEMENTS, statements)),
    )  # fmt: skip
    return replace(usual, **values)


def rows(outcome: Outcome, kind: str = "statement") -> list[dict[str, Any]]:
    assert outcome.evidence is not None
    return outcome.evidence.filter(pl.col("kind") == kind).collect().to_dicts()


def agrees(*statements: dict[str, Any], **values: Any) -> list[bool | None]:
    return [row["agrees"] for row in rows(documentation(case_of([document()], list(statements), **values)))]


# Verdicts ----------------------------------------------------------------------------------------------

EMPTY = document(status="defective", error_kind="empty", error="the file has no bytes", content=0)
SILENT = document(content=0)
LOCKED = document(
    1, status="unread", error_kind="unsupported", error="encrypted: save it without a password", content=0
)
MACRO = document(1, status="active", active=["macro"])


@pytest.mark.parametrize(
    ("read", "verdict", "told"),
    [
        ([], Verdict.FAIL, "No documentation was found"),
        ([EMPTY], Verdict.FAIL, "README.md does not count as read: empty"),
        ([SILENT], Verdict.FAIL, "nothing but headings and blanks"),
        ([EMPTY, document(3, content=0)], Verdict.FAIL, "0 of them were read"),
        ([{**LOCKED, "object": 0}], Verdict.INDETERMINATE, "encrypted"),
        ([{**MACRO, "object": 0}], Verdict.INDETERMINATE, "it holds macros or embedded objects"),
        (
            [EMPTY, {**LOCKED, "object": 3}],
            Verdict.INDETERMINATE,
            "docs/0.pdf does not count as read: unsupported",
        ),
        ([document()], Verdict.REVIEW, "1 of them were read"),
        ([document(), {**LOCKED, "object": 3}], Verdict.REVIEW, "docs/0.pdf does not count as read"),
        ([document(), {**MACRO, "object": 3}], Verdict.REVIEW, "docs/0.pdf does not count as read"),
    ],
)
def test_absent_or_silent_fails_unreadable_is_open_and_what_was_read_is_for_a_person(
    read: list[dict[str, Any]], verdict: Verdict, told: str
) -> None:
    found = documentation(case_of(read))
    assert found.verdict is verdict
    assert told in found.message.en
    assert found.next_step is not None
    assert found.message.zh


def test_nothing_passes_however_much_was_found_and_agrees() -> None:
    aspects = [
        {"object": 0, "aspect": name, "unit": "line", "place": 1, "how": "heading", "strength": "strong"}
        for name in BY_NAME
    ]
    found = documentation(case_of([document()], [stated("items", "any", "1000")], aspects))
    assert found.verdict is Verdict.REVIEW
    assert (found.numerator, found.denominator) == (20, 20)


def test_where_nothing_was_read_the_rule_is_open() -> None:
    found = documentation(case_of(None, objects=objects(1)))
    assert found.verdict is Verdict.INDETERMINATE
    assert "were not read" in found.message.en


def test_more_documents_than_are_read_are_told() -> None:
    found = documentation(case_of([document()], objects=objects(3)))
    assert found.verdict is Verdict.REVIEW
    assert "2 more were not read" in found.message.en
    none = documentation(case_of([EMPTY], objects=objects(3)))
    assert none.verdict is Verdict.INDETERMINATE


def test_a_statement_of_the_applicant_is_told_and_changes_no_verdict() -> None:
    statement = {"rule": "documentation", "statement": "secret words", "documents": ["a.pdf"]}
    record = Registration.model_validate({**RECORD, "attestations": [statement]})
    for read in ([], [document()], [{**LOCKED, "object": 0}]):
        without, found = documentation(case_of(read)), documentation(case_of(read, registration=record))
        assert found.verdict is without.verdict
        assert (
            found.message.en == f"{without.message.en} The applicant made a statement and names 1 documents."
        )
        assert "secret" not in found.message.en + found.message.zh


def test_the_best_place_of_an_aspect_counts_and_only_of_what_was_read() -> None:
    def aspect(number: int, name: str, strength: str) -> dict[str, Any]:
        return {
            "object": number,
            "aspect": name,
            "unit": "page",
            "place": 2,
            "how": "heading",
            "strength": strength,
        }

    aspects = [aspect(0, "scale", "empty"), aspect(3, "scale", "strong"), aspect(0, "labels", "empty"), aspect(4, "licence", "strong"), aspect(0, "source", "weak")]  # fmt: skip
    read = [document(0), document(3), {**MACRO, "object": 4}]
    found = documentation(case_of(read, aspects=aspects))
    assert found.numerator == 2
    assert "2 were found (1 of them by their wording alone: source)" in found.message.en
    assert "Named with nothing beneath: label statistics." in found.message.en
    assert "licence" in found.message.en.partition("Not found: ")[2]
    absent = [row["subject"] for row in rows(found, "aspect") if row["status"] == "absent"]
    assert "0104 licence" in absent
    assert "0101 scale" not in absent


def test_a_long_name_is_cut_in_the_sentence_and_whole_in_the_evidence() -> None:
    long = objects(1).with_columns(name=pl.lit("x" * 300))
    found = documentation(case_of([{**LOCKED, "object": 0}], objects=long))
    assert f"…{'x' * 59} does not" in found.message.en
    assert rows(found, "document")[0]["name"] == "x" * 300


# Statements --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "bound", "expected"),
    [
        ("1000", "exact", True), ("1052", "exact", True), ("1053", "exact", False), ("953", "exact", True), ("952", "exact", False),
        ("1176", "about", True), ("1177", "about", False), ("870", "about", True), ("869", "about", False),
        ("1052", "least", True), ("1053", "least", False), ("1", "least", True),
        ("953", "most", True), ("2000", "most", True),
    ],
)  # fmt: skip
def test_a_count_agrees_within_the_tolerance_and_no_further(value: str, bound: str, expected: bool) -> None:
    only = ITEMS.with_columns(object=pl.lit(1), name=pl.lit("a.jsonl"))
    data = objects(1).with_columns(texts=pl.when(pl.col("texts") > 0).then(1000))
    text = {
        "text": facts(items=1000, objects=1000),
        **{name: facts() for name in ("audio", "image", "video")},
    }
    assert agrees(stated("items", "text", value, bound=bound), items=only, objects=data, facts=text) == [
        expected
    ]


def test_a_rounded_number_may_differ_by_half_of_its_last_digit_and_by_a_quarter_at_most() -> None:
    assert agrees(stated("items", "text", "1200", step="50")) == [False]
    assert agrees(stated("items", "text", "1200", step="200")) == [True]  # 1000 to 1400
    assert agrees(stated("items", "text", "1300", step="500")) == [True]  # 975 to 1625
    assert agrees(stated("items", "text", "1340", step="500")) == [False]


def test_ranges_agree_where_a_reading_lies_in_them() -> None:
    assert agrees(stated("items", "any", "900", most="5000", bound="range")) == [True]
    assert agrees(stated("items", "text", "2000", most="5000", bound="range")) == [False]


def test_any_reading_explains_a_statement() -> None:
    explained = [
        stated("items", "any", "800"),
        stated("items", "text", "200"),
        stated("items", "file", "2"),
        stated("items", "file", "3"),
    ]
    assert agrees(*explained) == [True] * 4


def test_parts_that_add_up_explain_each_other() -> None:
    assert agrees(stated("items", "any", "700"), stated("items", "any", "300", place=4)) == [None, None]
    total = [stated("items", "any", "700"), stated("items", "any", "300"), stated("items", "any", "1000")]
    assert agrees(*total) == [None, None, True]
    assert agrees(stated("items", "any", "700"), stated("items", "any", "300", section=2)) == [False, False]
    assert agrees(stated("items", "any", "700"), stated("items", "any", "400")) == [False, False]


def test_a_part_is_contradicted_only_where_it_is_more_than_the_whole() -> None:
    part = {"whole": False, "part": True}
    assert agrees(stated("items", "text", "500", **part)) == [None]
    assert agrees(stated("items", "text", "1052", **part)) == [True]
    assert agrees(stated("items", "text", "1053", **part)) == [False]


def test_a_number_said_in_passing_is_never_contradicted() -> None:
    assert agrees(stated("items", "text", "99999", whole=False)) == [None]


def test_what_could_not_be_read_may_explain_more_and_never_less() -> None:
    some = {
        "text": facts(items=1000, objects=2, unread_rows=1),
        **{name: facts() for name in ("audio", "image", "video")},
    }
    assert agrees(stated("items", "text", "5000"), stated("items", "text", "500"), facts=some) == [
        None,
        False,
    ]


def test_a_count_of_what_is_not_there_may_speak_of_something_else() -> None:
    assert agrees(stated("items", "image", "5000", whole=False)) == [None]
    assert agrees(stated("items", "image", "1000")) == [None]  # as many as there are texts


@pytest.mark.parametrize("how", ["whole", "own"])
@pytest.mark.parametrize(
    ("kind", "what"),
    [("items", "image"), ("items", "video"), ("items", "audio"), ("hours", "audio"), ("hours", "video")],
)
def test_pictures_and_sound_that_the_dataset_is_said_to_have_and_has_not_are_contradicted(
    kind: str, what: str, how: str
) -> None:
    claim = stated(kind, what, "5000", **{"whole": False, how: True})
    assert agrees(claim) == [False]
    (row,) = rows(documentation(case_of([document()], [claim])))
    assert (row["measured"], row["detail"]) == (f"{MODALITY_WORDS[what].en} 0 items", "items by modality")
    assert agrees({**claim, "bound": "most"}) == [None]
    for unsure in ({"unread_rows": 1}, {"unread_anywhere": 1}):
        some = {**{name: facts() for name in ("audio", "image", "video")}, "text": facts(items=1000)}
        assert agrees(claim, facts={**some, what: facts(**unsure)}) == [None]


def test_a_text_may_be_what_a_picture_shows_and_hours_may_be_of_anything() -> None:
    images = {**{name: facts() for name in ("audio", "text", "video")}, "image": facts(items=1000)}
    data = objects(1).with_columns(texts=pl.lit(None, pl.Int64))
    assert agrees(stated("items", "text", "5000"), items=FRAMES, facts=images, objects=data) == [None]
    assert agrees(stated("hours", "", "300")) == [None]


def test_what_the_dataset_is_said_to_have_is_contradicted_only_where_it_is_far_more_than_there_is() -> None:
    own = {"whole": False, "own": True}
    assert agrees(stated("items", "any", "300", **own)) == [None]
    assert agrees(stated("items", "any", "2105", **own)) == [None]
    assert agrees(stated("items", "any", "2106", **own)) == [False]
    assert agrees(stated("bytes", "", "2500000000000000", **own)) == [False]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("90000", True), ("100000", True), ("100100", True), ("95000", True), ("85000", True), ("97", False), ("30000000000", False), ("50000", False)],
)  # fmt: skip
def test_sizes_are_compared_with_all_that_they_may_mean(value: str, expected: bool) -> None:
    assert agrees(stated("bytes", "", value)) == [expected]


def test_sizes_agree_in_binary_units() -> None:
    large = {"text": facts(items=1, objects=1, payload_bytes=30 * 2**30, stored_bytes=30 * 2**30), **{name: facts() for name in ("audio", "image", "video")}}  # fmt: skip
    assert agrees(stated("bytes", "", str(30 * 10**9)), facts=large) == [True]
    assert agrees(stated("bytes", "", str(28 * 10**9)), facts=large) == [False]


def test_hours_are_those_of_sound_of_video_and_of_both() -> None:
    hour = 3600 * FLICKS_PER_SECOND
    media = {"text": facts(), "image": facts(), "audio": facts(items=1, duration_flicks=100 * hour), "video": facts(items=1, duration_flicks=50 * hour)}  # fmt: skip
    values = ["100", "50", "150", "157", "158", "75"]
    assert agrees(*(stated("hours", "", each) for each in values), facts=media) == [
        True,
        True,
        True,
        True,
        False,
        False,
    ]
    assert agrees(stated("hours", "", "100")) == [None]


FRAMES = ITEMS.with_columns(
    modality=pl.lit("image"),
    width_px=pl.when(pl.int_range(pl.len()) < 50).then(600).otherwise(1920),
    height_px=pl.when(pl.int_range(pl.len()) < 50).then(800).otherwise(1080),
)


@pytest.mark.parametrize(
    ("least", "most", "bound", "expected"),
    [
        ("1080", "1920", "exact", True), ("600", "800", "exact", True), ("1080", "1921", "exact", False),
        ("1080", "1920", "least", True), ("600", "800", "least", True), ("1081", "1920", "least", False),
        ("1080", "1920", "most", True), ("1079", "1920", "most", False),
    ],
)  # fmt: skip
def test_sizes_of_pictures_are_compared_with_every_picture(
    least: str, most: str, bound: str, expected: bool
) -> None:
    assert agrees(stated("pixels", "size", least, most=most, bound=bound), items=FRAMES) == [expected]


def test_a_floor_holds_where_all_but_a_twentieth_meet_it() -> None:
    more = FRAMES.with_columns(
        height_px=pl.when(pl.int_range(pl.len()) < 51).then(800).otherwise("height_px")
    )
    floor = stated("pixels", "side", "1080", bound="least")
    assert agrees(floor, items=FRAMES) == [True]
    assert agrees(floor, items=more) == [False]
    assert agrees(floor) == [None]
    assert agrees(stated("pixels", "side", "720", part=True), items=FRAMES) == [None]


def days(first: date, last: date, **values: Any) -> dict[str, Any]:
    return stated("span", "", str(first.toordinal()), most=str(last.toordinal()), bound="range", **values)


def test_a_span_agrees_where_all_but_a_twentieth_of_the_dated_items_lie_in_it() -> None:
    inside = days(date(2024, 1, 1), date(2024, 12, 31))
    assert agrees(inside) == [True]
    older = ITEMS.with_columns(
        date_record=pl.when(pl.int_range(pl.len()) < 1).then(date(2020, 1, 1)).otherwise("date_record")
    )
    assert agrees(inside, items=older) == [False]
    assert agrees(days(date(2024, 1, 2), date(2024, 12, 31))) == [False]
    assert agrees(days(date(2021, 1, 1), date(2022, 1, 1), whole=False)) == [None]
    assert agrees(inside, items=ITEMS.with_columns(date_record=pl.lit(None, pl.Date))) == [None]


def test_formats_are_those_measured_and_those_of_names() -> None:
    listed = [stated("format", name, None) for name in ("jsonl", "json", "csv", "png")]
    assert agrees(*listed) == [True, True, False, False]


def test_modalities_are_contradicted_only_where_all_was_read() -> None:
    assert agrees(stated("modality", "text", None), stated("modality", "audio", None)) == [True, False]
    some = {"text": facts(items=1000), "audio": facts(defective=1), "image": facts(), "video": facts()}
    assert agrees(stated("modality", "audio", None), facts=some) == [None]


def test_a_licence_is_compared_with_those_of_the_data_and_the_registered_one() -> None:
    def told(
        *stated_names: str,
        files: tuple[Named, ...] = (),
        fields: Sequence[str] = (),
        registered: str | None = None,
    ) -> list[Any]:
        found = documentation(
            case_of(
                [document()],
                [stated("licence", name, None) for name in stated_names],
                licences=files,
                descriptions=described(licence=list(fields)),
                registration=Registration.model_validate(
                    {**RECORD, "attestations": [], "licence": registered}
                ),
            )
        )
        return [(row["agrees"], row["measured"]) for row in rows(found)]

    mit = (Named("LICENSE", "text", ("MIT",)),)
    file = "MIT (licence files and descriptions)"
    assert told("mit", files=mit) == [(True, file)]
    assert told("cc-by", files=mit) == [(False, file)]
    assert told("mit", "cc-by", files=mit) == [(True, file), (None, file)]
    assert told("cc-by", files=(Named("LICENSE", "text", ()),)) == [(None, None)]
    assert told("mit", files=(Named("README.md", "card", ("MIT",)),)) == [(None, None)]
    both = "CC-BY-NC-4.0 (300 items); registered GPL-3.0"
    assert told("mit", fields=["cc-by-nc-4.0"] * 300, registered="GPL-3.0") == [(False, both)]
    assert told("cc-by-nc", fields=["cc-by-nc-4.0"] * 300, registered="GPL-3.0") == [(False, both)]
    assert told("gpl", registered="GPL-3.0") == [(True, "registered GPL-3.0")]
    assert told("mit", fields=["MIT", "CC-BY-4.0"]) == [(True, "CC-BY-4.0, MIT (2 items)")]
    assert told("mit", fields=["secret words"]) == [(None, "1 × non-SPDX (1 items)")]
    spellings = [f"MIT{' ' * number}license" for number in range(1, 52)]
    assert told("cc-by", fields=spellings[:50]) == [(False, "MIT (50 items)")]
    assert told("cc-by", fields=spellings) == [(None, "MIT (50 items)")]


def test_both_numbers_and_the_place_are_told() -> None:
    found = documentation(
        case_of([document()], [stated("items", "text", "5000"), stated("bytes", "", "30000000000", place=9)])
    )
    assert "README.md, line 3, states 5000 texts; measured: 1000." in found.message.en
    assert "README.md（第 3 行）称 5000 篇文本，测得 1000。" in found.message.zh
    assert "README.md, line 9, states 30 GB; measured: 100.1 kB." in found.message.en
    assert "Correct what the measurements contradict." in (found.next_step.en if found.next_step else "")
    assert [(row["place"], row["stated"], row["measured"], row["detail"]) for row in rows(found)] == [
        (3, "5000 texts", "1000", "items of text"),
        (9, "30 GB", "100.1 kB", "bytes of all objects"),
    ]


def test_few_contradictions_are_told_and_all_are_evidence() -> None:
    many = [stated("items", "text", str(5000 + number), section=number) for number in range(9)]
    found = documentation(case_of([document()], many))
    assert found.message.en.count("states") == 6
    assert len(rows(found)) == 9


def test_statements_of_documents_that_do_not_count_are_not_compared() -> None:
    read = [document(), {**MACRO, "object": 3}]
    found = documentation(case_of(read, [stated("items", "text", "5000", object=3)]))
    assert rows(found) == []
