"""The rules on images, audio and video, over rows made by hand: both sides of every threshold, and the limit."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from dqv.checks import CHECKS
from dqv.checks.engine import Case, Outcome, Paragraphs, summarise
from dqv.checks.recency import dated
from dqv.core.policy import Policy, load_policy
from dqv.core.schema import ITEMS, OBJECTS
from dqv.core.units import FLICKS_PER_SECOND
from dqv.core.verdicts import Verdict

DAY = date(2026, 6, 30)
POLICY = load_policy("jiaxing-2025-65")
HOUR = 3600 * FLICKS_PER_SECOND

Row = dict[str, Any]


def item(number: int, modality: str, **facts: Any) -> Row:
    row = {
        "object": number, "place": 0, "modality": modality, "format": "x", "status": "measured", "single": True,
        "stored_bytes": 1000, "payload_bytes": 1000, "decoded": True, "xxh3_128": number.to_bytes(16, "big"),
        "flags": [], "date_refused": False, "embedded_refused": False,
    }  # fmt: skip
    return {**row, **facts}


def images(*sizes: tuple[int, int], **facts: Any) -> list[Row]:
    return [item(n, "image", width_px=w, height_px=h, **facts) for n, (w, h) in enumerate(sizes)]


def videos(*sizes: tuple[int, int], **facts: Any) -> list[Row]:
    rows = images(*sizes, **{"payload_bytes": 8 * 10**12, "duration_flicks": HOUR, **facts})
    return [{**row, "modality": "video"} for row in rows]


def frames(rows: list[Row], surplus: dict[int, int] | None = None) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    fate = surplus or {}
    items = pl.DataFrame(pl.from_arrow(pa.Table.from_pylist(rows, schema=ITEMS))).drop("sketch")
    items = items.with_columns(
        name=pl.format("file-{}", "object"),
        encoding=pl.lit(None, pl.String),
        compression=pl.lit(None, pl.String),
        date_sidecar=pl.lit(None, pl.Date),
        date_sidecar_modified=pl.lit(None, pl.Date),
        surplus=pl.col("object").is_in(list(fate)),
        original_object=pl.col("object").replace_strict(fate, default=None, return_dtype=pl.Int64),
        original_place=pl.lit(0, pl.Int64),
        linked=pl.lit(None, pl.Boolean),
        turned=pl.lit(value=False),
        verified=pl.lit("payload"),
        shared=pl.lit(None, pl.Int64),
        of=pl.lit(None, pl.Int64),
        detail=pl.lit(None, pl.String),
    )
    objects = [
        {
            "object": row["object"],
            "path": b"x",
            "size_bytes": 1000,
            "role": "data",
            "modality": row["modality"],
        }
        for row in rows
    ]
    table = pl.DataFrame(pl.from_arrow(pa.Table.from_pylist(objects, schema=OBJECTS)))
    return items.lazy(), table.lazy().with_columns(name=pl.format("file-{}", "object"))


def case(
    rows: list[Row], surplus: dict[int, int] | None = None, policy: Policy = POLICY, **more: Any
) -> Case:
    items, objects = frames(rows, surplus)
    deciding = tuple({row["modality"]: None for row in rows})
    return Case(policy, None, DAY, items, objects, deciding, summarise(items, policy), **more)


def verdicts(outcome: Outcome) -> dict[str, str]:
    return {each.reading.name: each.verdict.value for each in outcome.results}


GOOD = (1024, 768)


@pytest.mark.parametrize(
    ("size", "either", "upright", "pixels"),
    [
        ((768, 1024), "pass", "pass", "pass"),
        ((1024, 768), "pass", "fail", "pass"),
        ((767, 1024), "fail", "fail", "fail"),
        ((768, 1023), "fail", "fail", "fail"),
        ((1023, 768), "fail", "fail", "fail"),
        ((769, 1025), "pass", "pass", "pass"),
        ((512, 1536), "fail", "fail", "pass"),  # as many pixels
        ((511, 1536), "fail", "fail", "fail"),
    ],
)
def test_the_floor_of_images_is_inclusive_in_every_reading(
    size: tuple[int, int], either: str, upright: str, pixels: str
) -> None:
    outcome = CHECKS["resolution.image"](case(images(size)))
    found = verdicts(outcome)
    assert (found["either-way"], found["upright"], found["pixels"]) == (either, upright, pixels)
    assert (outcome.numerator, outcome.denominator) == (int(either == "pass"), 1)


def test_half_of_the_images_is_most_of_them_and_less_is_not() -> None:
    good, bad = (1024, 768), (10, 10)
    assert verdicts(CHECKS["resolution.image"](case(images(good, bad))))["most"] == "pass"
    assert verdicts(CHECKS["resolution.image"](case(images(good, bad, bad))))["most"] == "fail"


@pytest.mark.parametrize(
    ("size", "verdict"), [(30 * 10**9, "pass"), (30 * 10**9 - 1, "fail"), (30 * 10**9 + 1, "pass")]
)
def test_the_part_that_meets_the_floor_may_reach_the_scale_alone(size: int, verdict: str) -> None:
    rows = images(GOOD, (10, 10))
    rows[0]["payload_bytes"] = size
    outcome = CHECKS["resolution.image"](case(rows))
    assert outcome.verdict is Verdict.FAIL
    assert verdicts(outcome)["part-alone"] == verdict
    assert verdicts(CHECKS["scale.image"](case(rows)))["at-floor"] == verdict


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1280, 720), ("pass", "pass", "pass", "pass")),
        ((720, 1280), ("pass", "pass", "pass", "pass")),
        ((960, 720), ("pass", "pass", "fail", "pass")),
        ((720, 719), ("fail", "fail", "fail", "fail")),
        ((719, 1280), ("fail", "pass", "fail", "pass")),
        ((1280, 719), ("fail", "fail", "fail", "pass")),
        ((1280, 544), ("fail", "fail", "fail", "pass")),
        ((1279, 544), ("fail", "fail", "fail", "fail")),
    ],
)
def test_720p_is_inclusive_in_every_reading(size: tuple[int, int], expected: tuple[str, ...]) -> None:
    found = verdicts(CHECKS["resolution.video"](case(videos(size))))
    assert tuple(found[name] for name in ("short-side", "height", "hd", "letterboxed")) == expected


def test_items_below_the_floor_are_the_evidence() -> None:
    outcome = CHECKS["resolution.image"](case(images(GOOD, (1023, 768), GOOD)))
    assert outcome.evidence is not None
    assert outcome.evidence.select("name", "width_px", "height_px").collect().rows() == [
        ("file-1", 1023, 768)
    ]
    assert outcome.next_step is not None
    assert "1 items" in outcome.next_step.en


@pytest.mark.parametrize(
    ("flicks", "verdict"), [(1000 * HOUR, "pass"), (1000 * HOUR - 1, "fail"), (1000 * HOUR + 1, "pass")]
)
def test_hours_are_exact_at_the_limit(flicks: int, verdict: str) -> None:
    third = flicks // 3
    rows = [
        item(n, "audio", duration_flicks=each) for n, each in enumerate((third, third, flicks - 2 * third))
    ]
    outcome = CHECKS["scale.audio"](case(rows))
    assert outcome.verdict.value == verdict
    assert outcome.measured == Fraction(flicks, HOUR)


def test_silence_and_copies_are_left_out_in_readings_of_their_own() -> None:
    rows = [item(n, "audio", duration_flicks=600 * HOUR, silent_flicks=150 * HOUR) for n in range(2)]
    outcome = CHECKS["scale.audio"](case(rows, surplus={1: 0}))
    measured = {each.reading.name: each.quantity.value for each in outcome.results}
    assert measured == {"decoded": 1200, "after-duplicates": 600, "without-silence": 900}
    assert verdicts(outcome) == {"decoded": "pass", "after-duplicates": "fail", "without-silence": "fail"}
    assert outcome.depends_on_reading


@pytest.mark.parametrize(
    ("stored", "verdict"),
    [(180_000_000, "indeterminate"), (179_999_999, "fail"), (180_000_001, "indeterminate")],
)
def test_unread_sound_may_be_as_long_as_its_bytes_allow(stored: int, verdict: str) -> None:
    """Ten times its bytes at 500 a second: 180 MB could be the 1000 hours."""
    unread = item(1, "audio", status="unread", error_kind="io", stored_bytes=stored, payload_bytes=None)
    silent = item(0, "audio", duration_flicks=0)
    assert CHECKS["scale.audio"](case([silent, unread])).verdict.value == verdict


@pytest.mark.parametrize(
    ("form", "factor"), [("txt", 10), ("parquet", 10), ("docx", 1000), ("xlsx", 1000), ("pdf", 1000)]
)
def test_unread_text_may_hold_ten_times_its_bytes_and_a_document_a_thousand_times(
    form: str, factor: int
) -> None:
    unread = item(0, "text", status="unread", format=form, error_kind="unsupported", payload_bytes=None)
    facts = case([unread]).facts["text"]
    assert facts.unread.payload_bytes == 1000 * factor


def test_a_header_that_states_no_duration_leaves_the_hours_open() -> None:
    rows = [item(0, "audio", decoded=False, xxh3_128=None, stored_bytes=10**9, payload_bytes=10**9)]
    assert CHECKS["scale.audio"](case(rows)).verdict is Verdict.INDETERMINATE


BIG = {"payload_bytes": 30 * 10**9}


@pytest.mark.parametrize("rule", ["scale.image", "resolution.image"])
def test_headers_alone_are_no_ground_for_a_pass(rule: str) -> None:
    assert CHECKS[rule](case(images(GOOD, **BIG))).verdict is Verdict.PASS
    outcome = CHECKS[rule](case(images(GOOD, **BIG, decoded=False)))
    assert outcome.verdict is Verdict.REVIEW
    assert "only headers were read" in outcome.message.en


def test_headers_alone_fail_what_they_say_is_too_small() -> None:
    assert CHECKS["resolution.image"](case(images((10, 10), decoded=False))).verdict is Verdict.FAIL


def test_what_a_witness_sees_otherwise_is_for_review() -> None:
    outcome = CHECKS["scale.image"](case(images(GOOD, **BIG), disagreements={"image": 1}))
    assert outcome.verdict is Verdict.REVIEW
    assert "witness disagrees on 1" in outcome.message.en


def test_scale_that_rests_on_flagged_videos_is_for_review() -> None:
    whole, half = 8 * 10**12, 4 * 10**12
    rows = videos(GOOD, GOOD, payload_bytes=whole)
    rows[1]["flags"] = ["static"]
    outcome = CHECKS["scale.video"](case(rows))
    assert outcome.verdict is Verdict.PASS  # the other one reaches it alone
    assert "1 items are flagged (static picture 1)" in outcome.message.en
    rows = videos(GOOD, GOOD, payload_bytes=half)
    rows[1]["flags"] = ["static", "bars"]
    outcome = CHECKS["scale.video"](case(rows))
    assert outcome.verdict is Verdict.REVIEW
    assert "bars 1, static picture 1" in outcome.message.en
    assert "单色边框 1、静止画面 1" in outcome.message.zh


def test_scale_that_rests_on_silent_recordings_is_for_review_and_speaks_of_hours() -> None:
    for hours, verdict in ((1000, Verdict.PASS), (999, Verdict.REVIEW)):
        rows = [item(n, "audio", duration_flicks=hours * HOUR, silent_flicks=0) for n in range(2)]
        rows[1]["flags"] = ["silent"]
        outcome = CHECKS["scale.audio"](case(rows))
        assert outcome.verdict is verdict
        assert f"1 items are flagged (silent 1); they hold {hours} h" in outcome.message.en
        assert "静音 1" in outcome.message.zh
        assert outcome.evidence is not None
        assert outcome.evidence.collect()["flags"].to_list() == ["", "silent"]


def test_without_the_flagged_it_is_the_deciding_reading_that_must_hold() -> None:
    """Another policy may decide by stored bytes."""
    rule = POLICY.rules["scale.video"].model_copy(update={"deciding": "stored"})
    policy = POLICY.model_copy(update={"rules": {**POLICY.rules, "scale.video": rule}})
    rows = videos(GOOD, GOOD, payload_bytes=1, stored_bytes=8 * 10**12)
    rows[1]["flags"] = ["static"]
    assert CHECKS["scale.video"](case(rows, policy=policy)).verdict is Verdict.PASS
    rows[0]["stored_bytes"] -= 1
    assert CHECKS["scale.video"](case(rows, policy=policy)).verdict is Verdict.REVIEW


@pytest.mark.parametrize(("copies", "verdict"), [(0, Verdict.REVIEW), (1, Verdict.REVIEW), (2, Verdict.FAIL)])
@pytest.mark.parametrize("modality", ["image", "audio", "video"])
def test_equal_items_alone_can_fail_and_never_pass(modality: str, copies: int, verdict: Verdict) -> None:
    rows = [item(n, modality, width_px=1280, height_px=1024, duration_flicks=HOUR) for n in range(20)]
    for n in range(copies):
        rows[n + 1]["xxh3_128"] = rows[0]["xxh3_128"]
    outcome = CHECKS[f"duplicates.{modality}"](case(rows, surplus={n + 1: 0 for n in range(copies)}))
    assert outcome.verdict is verdict
    assert (outcome.numerator, outcome.denominator) == (copies, 20)
    assert verdicts(outcome)["exact"] == ("fail" if copies > 1 else "pass")


@pytest.mark.parametrize(
    ("linked", "verdict", "found"),
    [([], "pass", 1), ([True], "fail", 2), ([False], "indeterminate", 1), ([True, False], "fail", 2)],
)
def test_single_linkage_counts_kept_items_of_a_chain_and_those_that_may_be(
    linked: list[bool], verdict: str, found: int
) -> None:
    rows = [item(n, "text", text_bytes=100, payload_bytes=100) for n in range(20)]
    made = case(rows, surplus={1: 0})
    chained = dict(enumerate(linked, 2))
    column = pl.col("object").replace_strict(chained, default=None, return_dtype=pl.Boolean)
    outcome = CHECKS["duplicates.text"](replace(made, items=made.items.with_columns(linked=column)))
    assert verdicts(outcome)["near"] == "pass"
    assert verdicts(outcome)["single-linkage"] == verdict
    (rate,) = [each.quantity for each in outcome.results if each.reading.name == "single-linkage"]
    assert (rate.numerator, rate.denominator) == (found, 20)


def test_the_method_names_the_sketch_of_the_policy() -> None:
    rows = [item(n, "text", text_bytes=100, payload_bytes=100) for n in range(2)]
    near = POLICY.near_text.model_copy(update={"slots": 256})
    methods = [
        CHECKS["duplicates.text"](case(rows, policy=policy)).method
        for policy in (POLICY, POLICY.model_copy(update={"near_text": near}))
    ]
    assert ["128 slots in 21×6 bands" in each.en for each in methods] == [True, False]
    assert ["256 slots in 36×7 bands" in each.en for each in methods] == [False, True]
    assert ["256 槽" in each.zh and "36×7" in each.zh for each in methods] == [False, True]


@pytest.mark.parametrize("simplified", [False, True])
def test_the_method_says_when_traditional_characters_are_folded(simplified: bool) -> None:
    near = POLICY.near_text.model_copy(update={"simplified": simplified})
    rows = [item(n, "text", text_bytes=100, payload_bytes=100) for n in range(2)]
    method = CHECKS["duplicates.text"](
        case(rows, policy=POLICY.model_copy(update={"near_text": near}))
    ).method
    assert ("traditional" in method.en, "繁体" in method.zh) == (simplified, simplified)


@pytest.mark.parametrize(
    ("long", "repeated", "deciding", "verdict", "paragraphs"),
    [
        (1_000_000, 0, "near", "fail", "pass"),  # not more than 1 MB
        (1_000_001, 550_000, "paragraphs", "pass", "pass"),
        (1_000_001, 550_001, "paragraphs", "fail", "fail"),
    ],
)
def test_where_long_texts_hold_more_than_the_share_the_rate_over_paragraphs_decides(
    long: int, repeated: int, deciding: str, verdict: str, paragraphs: str
) -> None:
    rows = [item(n, "text", text_bytes=1_000_000, payload_bytes=1_000_000) for n in range(9)]
    for n in (9, 10):
        rows.append(item(n, "text", text_bytes=long, payload_bytes=long))
    parts = pl.LazyFrame(
        {
            "object": [8],
            "place": [0],
            "part": [5],
            "original_object": [7],
            "original_place": [0],
            "original_part": [0],
        }
        | {"shared": [1], "of": [1], "verified": ["exact"], "text_bytes": [repeated]}
    )
    found = Paragraphs(parts, 11_000_000)
    made = case(rows, surplus={1: 0}, paragraphs=found if long > 1_000_000 else None)
    outcome = CHECKS["duplicates.text"](made)
    assert (outcome.deciding, outcome.verdict.value) == (deciding, verdict)
    if deciding == "paragraphs":
        assert verdicts(outcome)["paragraphs"] == paragraphs
        assert (outcome.numerator, outcome.denominator) == (repeated, 11_000_000)
        assert "paragraphs, by volume, decides" in outcome.message.en
        assert outcome.evidence is not None
        assert [row["part"] for row in outcome.evidence.collect().to_dicts()] == [None, 5]
    else:
        assert "by volume, decides" not in outcome.message.en
    assert (outcome.next_step is not None and "bytes of repeated" in outcome.next_step.en) == (
        (deciding, verdict) == ("paragraphs", "fail")
    )


def test_without_long_texts_paragraphs_are_texts_by_bytes_and_unverified_pairs_may_be_anything() -> None:
    rows = [item(n, "text", text_bytes=100 + n, payload_bytes=500) for n in range(20)]
    readings = [
        {each.reading.name: each for each in CHECKS["duplicates.text"](made).results}["paragraphs"]
        for made in (case(rows, surplus={1: 0}), case(rows, surplus={1: 0}, unverified={"text": 1}))
    ]
    assert [(each.quantity.numerator, each.quantity.denominator) for each in readings] == [(101, 2190)] * 2
    assert [each.verdict for each in readings] == [Verdict.PASS, Verdict.INDETERMINATE]


def test_one_image_has_no_copy() -> None:
    assert CHECKS["duplicates.image"](case(images(GOOD))).verdict is Verdict.PASS


def test_what_was_not_hashed_may_equal_anything() -> None:
    outcome = CHECKS["duplicates.image"](case(images(GOOD, GOOD, xxh3_128=None, decoded=False)))
    assert outcome.verdict is Verdict.INDETERMINATE


@pytest.mark.parametrize("modality", ["image", "video"])
@pytest.mark.parametrize(("crowded", "verdict"), [(0, "pass"), (1, "pass"), (2, "review")])
def test_what_resembles_many_and_was_compared_with_some_makes_the_rate_a_lower_bound(
    modality: str, crowded: int, verdict: str
) -> None:
    """One surplus and one more of 40 are 5 %, the limit itself."""
    rows = [item(n, modality, comparable=True, width_px=1280, height_px=960) for n in range(40)]
    outcome = CHECKS[f"duplicates.{modality}"](case(rows, surplus={1: 0}, crowded={modality: crowded}))
    assert outcome.verdict.value == verdict
    assert ("2 of the items resemble many others" in outcome.message.en) == (verdict == "review")
    weighed = next(each for each in outcome.results if each.reading.measure == "near_bytes")
    assert weighed.verdict.value == ("review" if crowded else "pass")


def test_copies_of_sound_are_weighed_by_hours() -> None:
    rows = [item(n, "audio", duration_flicks=each * HOUR) for n, each in enumerate((1, 9, 90))]
    rows[1]["xxh3_128"] = rows[0]["xxh3_128"]
    outcome = CHECKS["duplicates.audio"](case(rows, surplus={1: 0}))
    (hours,) = [each.quantity for each in outcome.results if each.reading.name == "hours"]
    assert (hours.numerator, hours.denominator) == (9, 100)


def test_recency_of_sound_is_by_hours_and_the_worst_modality_decides() -> None:
    old, new = date(2015, 1, 1), date(2026, 1, 1)
    sound = [item(n, "audio", duration_flicks=each * HOUR, date_embedded=day)
             for n, (each, day) in enumerate([(50, new), (50, old)])]  # fmt: skip
    assert CHECKS["recency"](case(sound)).verdict is Verdict.PASS
    sound[1]["duration_flicks"] += 1
    assert CHECKS["recency"](case(sound)).verdict is Verdict.FAIL
    pictures = [item(9, "image", width_px=1, height_px=1, date_embedded=new)]
    found = CHECKS["recency"](case([*pictures, *sound]))
    assert found.verdict is Verdict.FAIL
    assert found.denominator == Fraction(100 * HOUR + 1, HOUR)
    assert "Images: dated to the last five years 100 %" in found.message.en  # the better one is told too


def test_doubt_about_any_modality_is_doubt_about_recency() -> None:
    new = date(2026, 1, 1)
    sound = item(1, "audio", duration_flicks=HOUR, date_embedded=new)
    pictures = images((1, 1), (1, 1), date_embedded=new, decoded=False)
    assert CHECKS["recency"](case([{**sound, "object": 9}])).verdict is Verdict.PASS
    assert CHECKS["recency"](case([{**sound, "object": 9}, *pictures])).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("record", "sidecar", "embedded", "name", "expected", "source"),
    [
        ("2024-01-01", "2023-01-01", "2022-01-01", "2021-12-31", "2024-01-01", "record"),
        (None, "2023-01-01", "2022-01-01", "2021-12-31", "2023-01-01", "sidecar"),
        (None, None, "2022-01-01", "2021-12-31", "2022-01-01", "embedded"),
        (None, None, None, "2021-12-31", "2021-12-31", "name"),
        (None, None, "refused", "2021-12-31", None, None),  # no weaker source mends a date that cannot be one
        (None, "2023-01-01", "refused", None, "2023-01-01", "sidecar"),  # a stronger one does not need it
        ("refused", "2023-01-01", "2022-01-01", None, None, None),
        (None, None, "2026-06-30", None, "2026-06-30", "embedded"),
        (None, None, "2026-07-01", "2021-12-31", None, None),  # after the reference date
        (None, None, None, None, None, None),
    ],
)
def test_the_strongest_source_that_says_something_decides(
    record: str | None,
    sidecar: str | None,
    embedded: str | None,
    name: str | None,
    expected: str | None,
    source: str | None,
) -> None:
    def day(text: str | None) -> date | None:
        return None if text in (None, "refused") else date.fromisoformat(text or "")

    rows = [item(0, "image", date_record=day(record), date_embedded=day(embedded), date_name=day(name),
                 date_refused=record == "refused", embedded_refused=embedded == "refused")]  # fmt: skip
    items, _ = frames(rows)
    found = (
        dated(items.with_columns(date_sidecar=pl.lit(day(sidecar), pl.Date)), DAY)
        .collect()
        .row(0, named=True)
    )
    assert (found["date"], found["date_source"]) == (day(expected), source)


def test_contradictions_and_refused_dates_are_counted() -> None:
    rows = images(GOOD, GOOD, GOOD)
    rows[0] |= {"date_embedded": date(2024, 1, 1), "date_name": date(2023, 1, 1)}
    rows[1] |= {"embedded_refused": True}
    rows[2] |= {"date_embedded": date(2099, 1, 1)}
    assert (
        "1 items have dates that contradict each other, 2 have a date that cannot be one"
        in CHECKS["recency"](case(rows)).message.en
    )


def test_below_the_floor_only_a_part_counts_where_the_policy_says_so() -> None:
    rules = dict(POLICY.rules)
    rules["resolution.image"] = rules["resolution.image"].model_copy(update={"deciding": "pixels"})
    other = POLICY.model_copy(update={"rules": rules})
    rows = images((512, 1536), **BIG)
    assert CHECKS["resolution.image"](case(rows, policy=other)).verdict is Verdict.PASS
    assert verdicts(CHECKS["scale.image"](case(rows, policy=other)))["at-floor"] == "pass"


@pytest.mark.parametrize(("found", "verdict"), [(4, Verdict.PASS), (3, Verdict.INDETERMINATE)])
def test_a_planted_copy_that_is_not_found_leaves_nothing_to_say(found: int, verdict: Verdict) -> None:
    made = replace(case(images((1024, 768))), planted={"image": (found, 4)})
    outcome = CHECKS["duplicates.image"](made)
    assert outcome.verdict is verdict
    assert ("3" in outcome.message.en and "planted" in outcome.message.en) == (found == 3)
