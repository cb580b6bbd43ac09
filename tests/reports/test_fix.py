"""What would mend a report, from the report and its evidence."""

import base64
import io
import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from dqv import pipeline
from dqv.core.errors import TrustError
from dqv.core.policy import dump_policy, load_policy
from dqv.core.settings import Settings
from dqv.reports import evidence, fix_list
from dqv.reports.escape import visible_path
from dqv.reports.fix import LISTED, Plan, Step, plan
from dqv.reports.fix_terminal import plan_summary
from dqv.reports.load import Loaded, load
from dqv.reports.model import EvidenceRef, Report

NAMES = pl.LazyFrame({"object": list(range(1000)), "name": [f"f{n}" for n in range(1000)]})
OLD, NEW = date(2001, 1, 1), None


def item(number: int, size: int = 100, name: str | None = None, **values: Any) -> dict[str, Any]:
    """A row of evidence; the name is that of its object."""
    base = {
        "object": number,
        "name": name or f"f{number}",
        "place": 0,
        "payload_bytes": size,
        "duration_s": size / 1.0,
    }
    return base | values


def surplus(number: int, original: int, size: int = 100, **values: Any) -> dict[str, Any]:
    return item(number, size, original_object=original, original_place=0) | values


def stale(number: int, size: int = 100, modality: str = "text", day: date | None = OLD) -> dict[str, Any]:
    return item(number, size, modality=modality, date=day)


SCHEMAS: dict[str, Any] = {
    "object": pl.Int64, "name": pl.String, "place": pl.Int64, "payload_bytes": pl.Int64, "duration_s": pl.Float64,
    "original_object": pl.Int64, "original_place": pl.Int64, "modality": pl.String, "date": pl.Date, "part": pl.Int64,
    "text_bytes": pl.Int64, "stored_bytes": pl.Int64, "similarity": pl.String,
}  # fmt: skip


class Made:
    """A report in the making, with its evidence, in a folder."""

    def __init__(self, folder: Path, report: Report) -> None:
        self.folder = folder
        self.values: dict[str, Any] = report.model_dump(mode="json", by_alias=True)
        self.values["measurements"] = {}
        self.files: dict[str, EvidenceRef] = {}
        for finding in self.values["findings"]:
            finding.update(
                verdict="pass", measured=None, numerator=None, denominator=None, readings=[], evidence=None
            )
        self.values["evidence"] = []

    def measured(
        self, modality: str, items: int, size: int = 0, hours: str | None = None, text: int = 0
    ) -> "Made":
        self.values["measurements"][modality] = {
            "declared": True, "decides": True, "items": items, "objects": items, "stored_bytes": size, "payload_bytes": size,
            "text_bytes": text, "tokens": 0, "hours": hours, "share_of_payload": "1", "defective_items": 0, "unread_items": 0,
            "unread_bytes": 0, "distributions": [],
        }  # fmt: skip
        return self

    def found(
        self, rule: str, value: tuple[Any, Any], limit: str, verdict: str = "fail", unit: str = "ratio"
    ) -> "Made":
        numerator, denominator = value
        measured = (
            numerator if denominator is None else str(float(Fraction(numerator) / Fraction(denominator)))
        )
        finding = next(each for each in self.values["findings"] if each["rule"] == rule)
        finding.update(
            verdict=verdict, measured=str(measured), numerator=str(numerator), threshold=limit, unit=unit,
            denominator=None if denominator is None else str(denominator),
            comparator="<=" if rule.startswith("duplicates") else ">=",
            next_step={"zh": "下一步", "en": "the report's next step"},
        )  # fmt: skip
        return self

    def rows(self, name: str, rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> "Made":
        schema = {each: SCHEMAS[each] for each in columns}
        frame = pl.LazyFrame([{each: row.get(each) for each in columns} for row in rows], schema=schema)
        self.files[name] = evidence.write(frame, self.folder, name, NAMES)
        return self

    def duplicates(self, modality: str, rows: Iterable[Mapping[str, Any]]) -> "Made":
        base = ("object", "name", "place", "original_object", "original_place", "payload_bytes", "duration_s")
        return self.rows(f"duplicates.{modality}", rows, base)

    def recency(self, rows: Iterable[Mapping[str, Any]]) -> "Made":
        return self.rows(
            "recency", rows, ("object", "name", "place", "modality", "date", "payload_bytes", "duration_s")
        )

    def below(self, modality: str, rows: Iterable[Mapping[str, Any]]) -> "Made":
        return self.rows(f"resolution.{modality}", rows, ("object", "name", "place", "payload_bytes"))

    def loaded(self) -> Loaded:
        self.values["evidence"] = [each.model_dump() for each in self.files.values()]
        return Loaded(Report.model_validate(self.values), self.folder, "0" * 64)

    def plan(self) -> tuple[Plan, pl.DataFrame]:
        return plan(self.loaded())


@pytest.fixture
def made(tmp_path: Path, report: Report) -> Made:
    return Made(tmp_path, report)


def step(found: Plan, rule: str) -> Step:
    return next(each for each in found.steps if each.rule == rule)


def told(found: Step) -> str:
    return " ".join(words.en for words in found.todo)


@pytest.mark.parametrize(("count", "remove"), [(5, None), (6, 2), (7, 3)])
def test_the_fewest_surplus_items_go_and_of_them_the_lightest(
    made: Made, count: int, remove: int | None
) -> None:
    made.measured("text", 100, 100_000).found(
        "duplicates.text", (count, 100), "0.05", "pass" if count == 5 else "fail"
    )
    made.duplicates("text", [surplus(10 + n, 1, 500 - n) for n in range(count)])
    found, rows = made.plan()
    if remove is None:
        assert (found.steps, rows.height, found.remove) == ([], 0, 0)
        return
    assert rows["object"].to_list() == [10 + n for n in range(count - remove, count)]
    assert rows["rules"].to_list() == [["duplicates.text"]] * remove
    each = step(found, "duplicates.text")
    assert (each.remove, each.alone, each.conforms) == (remove, remove, True)
    assert Fraction(each.after or 0) <= Fraction(5, 100)
    assert f"add {20 * (count - 5)} items that repeat none" in told(each)
    assert found.complete


def test_all_items_below_a_floor_of_all_go_and_what_they_repeat_is_told(made: Made) -> None:
    made.measured("image", 50, 5_000).found("resolution.image", (47, 50), "1").below(
        "image", map(item, (1, 2, 3))
    )
    made.found("duplicates.image", (2, 50), "0.05", "pass").duplicates(
        "image", [surplus(2, 1), surplus(4, 1)]
    )
    found, rows = made.plan()
    assert rows["object"].to_list() == [1, 2, 3]
    assert rows["rules"].to_list() == [["resolution.image"]] * 3
    assert (step(found, "resolution.image").after, found.remains[0].items_after) == ("1", 47)
    assert found.remains[0].unsettled == 1  # item 4 repeats item 1, which goes


def test_a_floor_that_a_share_may_miss_takes_the_fewest(made: Made) -> None:
    made.measured("video", 10, 1000).found("resolution.video", (4, 10), "0.5")
    made.below("video", [item(n, 100 + n) for n in range(6)])
    found, rows = made.plan()
    assert rows["object"].to_list() == [0, 1]  # (4) ÷ (10 − 2)
    assert (step(found, "resolution.video").alone, step(found, "resolution.video").after) == (2, "0.5")


def test_removing_for_one_rule_keeps_the_others_met(made: Made) -> None:
    """Forty kept pictures below the floor go; then five duplicates are more than 5 % of the sixty that stay."""
    made.measured("image", 100, 10_000).found("resolution.image", (60, 100), "1").below(
        "image", map(item, range(40))
    )
    made.found("duplicates.image", (5, 100), "0.05", "pass").duplicates(
        "image", [surplus(50 + n, 49) for n in range(5)]
    )
    found, rows = made.plan()
    assert found.remains[0].items_after == 100 - rows.height
    assert rows.filter(pl.col("object") >= 50).height == 3  # (5 − 3) ÷ (60 − 3)
    assert [rule for rules in rows["rules"].to_list()[40:] for rule in rules] == ["duplicates.image"] * 3


def test_old_and_undated_items_go_heaviest_first_and_dates_would_do_instead(made: Made) -> None:
    made.measured("text", 10, 1000).found("recency", (300, 1000), "0.5")
    made.recency([stale(1, 300), stale(2, 150), stale(3, 150, day=NEW), stale(4, 100)])
    found, rows = made.plan()
    assert rows["object"].to_list() == [1, 4]  # 400 of 700 have to go: two are the fewest
    each = step(found, "recency")
    assert (each.remove, each.after, each.conforms) == (2, "0.5", True)
    assert "the undated hold 150 B; even if all of them were recent it would not be enough" in told(each)
    assert "add 400 B of the last five years" in told(each)


def test_one_item_that_serves_two_rules_is_taken_before_two(made: Made) -> None:
    made.measured("text", 21, 2100).found("recency", (1000, 2100), "0.5").found(
        "duplicates.text", (3, 21), "0.1"
    )
    made.recency([stale(n) for n in range(1, 12)])
    made.duplicates("text", [surplus(11, 1), surplus(15, 14, 1), surplus(16, 14, 1)])
    found, rows = made.plan()
    assert rows.select("object", "rules").rows() == [(11, ["duplicates.text", "recency"])]
    assert step(found, "duplicates.text").conforms
    assert step(found, "recency").conforms


def test_sound_is_weighed_by_its_hours(made: Made) -> None:
    made.measured("audio", 4, 10, hours="1").found("recency", ("0.25", "1"), "0.5")
    made.rows("scale.audio", [item(n, 900) for n in range(4)], ("object", "name", "place", "duration_s"))
    made.recency([stale(n, 900, "audio") for n in range(3)])
    found, rows = made.plan()
    assert rows.height == 2
    assert (found.remains[0].unit, found.remains[0].scale_after, step(found, "recency").after) == (
        "hour",
        "0.5",
        "0.5",
    )


def test_a_scale_that_removing_breaks_is_told_though_its_rule_passes(made: Made) -> None:
    made.measured("text", 100, 30_000_000_100).found("duplicates.text", (6, 100), "0.05")
    made.found("scale.text", (30_000_000_100, None), "30000000000", "pass", "byte")
    made.duplicates("text", [surplus(n, 50, 60) for n in range(6)])
    found, _ = made.plan()
    each = step(found, "scale.text")
    assert (each.after, each.conforms, found.remains[0].shortfall) == ("29999999980", False, "20")
    assert "add 20 B" in told(each)


def test_no_removal_makes_a_scale_larger(made: Made) -> None:
    made.measured("text", 1, 100).found("scale.text", (100, None), "30000000000", unit="byte")
    found, rows = made.plan()
    assert rows.height == 0
    assert "No removal helps: without what is on the list 29,999,999,900 B are missing" in told(
        step(found, "scale.text")
    )


def test_where_nothing_is_recent_no_removal_helps(made: Made) -> None:
    made.measured("text", 3, 300).found("recency", (0, 300), "0.5").recency([stale(n) for n in range(3)])
    found, rows = made.plan()
    assert rows.height == 0
    assert "no removal helps" in told(step(found, "recency"))
    assert "add 300 B" in told(step(found, "recency"))


def test_what_goes_for_duplicates_alone_is_not_said_to_go_for_recency(made: Made) -> None:
    made.measured("text", 4, 400).found("recency", (0, 400), "0.5").recency([stale(n) for n in range(4)])
    made.found("duplicates.text", (1, 4), "0.05").duplicates("text", [surplus(2, 1)])
    found, rows = made.plan()
    assert rows["rules"].to_list() == [["duplicates.text"]]
    assert (step(found, "recency").remove, step(found, "duplicates.text").remove) == (0, 1)


def test_what_goes_for_recency_alone_is_not_said_to_go_for_duplicates(made: Made) -> None:
    made.measured("text", 40, 4000).found("recency", (1900, 4000), "0.5").recency(
        [stale(n) for n in range(21)]
    )
    made.found("duplicates.text", (2, 40), "0.05", "pass").duplicates("text", [surplus(2, 1), surplus(3, 1)])
    _, rows = made.plan()
    assert rows["rules"].to_list()[0] == ["recency"]


def test_paragraphs_go_largest_first_where_their_rate_decides(made: Made) -> None:
    made.measured("text", 10, 10_000, text=10_000).found("duplicates.text", (1500, 10_000), "0.05")
    columns = (
        "object",
        "name",
        "place",
        "original_object",
        "original_place",
        "payload_bytes",
        "duration_s",
        "part",
        "text_bytes",
    )
    sizes = {2: 900, 3: 200, 4: 400}
    parts = [
        surplus(n, 1, part=None if n == 3 else 7, text_bytes=size, payload_bytes=None)
        for n, size in sizes.items()
    ]
    made.rows("duplicates.text", [surplus(2, 1, 5000), *parts], columns)
    found, rows = made.plan()
    told_rows = [("remove_part", 2, 7, 900), ("remove", 3, None, 200)]  # a short text is a whole one
    assert rows.select("action", "object", "part", "weight").rows() == told_rows
    each = step(found, "duplicates.text")
    assert (each.remove, each.conforms, each.after) == (2, True, "0.044943820225")  # 400 ÷ 8900


def test_a_report_without_a_rule_plans_nothing_for_it(made: Made) -> None:
    usual(made)
    made.values["findings"] = [each for each in made.values["findings"] if each["rule"] != "duplicates.text"]
    found, rows = made.plan()
    assert ([each.rule for each in found.steps], rows.height) == ([], 0)


def test_the_plan_says_that_originals_are_kept(made: Made) -> None:
    found, _ = usual(made).plan()
    assert "the fewest among surplus items; originals are kept" in told(step(found, "duplicates.text"))
    assert "originals are kept" in " ".join(_printed(found, "en").split())
    assert "保留原件" in _printed(found, "zh")


NEAR = (
    "object",
    "name",
    "place",
    "original_object",
    "original_place",
    "similarity",
    "payload_bytes",
    "duration_s",
)


def test_an_original_that_many_are_near_is_named_instead(made: Made) -> None:
    made.measured("text", 41, 4100).found("duplicates.text", (10, 41), "0.05")
    made.rows("duplicates.text", [surplus(n, 1, similarity="0.8442") for n in range(2, 12)], NEAR)
    found, rows = made.plan()
    each = step(found, "duplicates.text")
    assert [(one.name, one.place, one.near) for one in each.instead] == [("f1", 0, 10)]
    assert "Removing 1 of the originals might do instead" in told(each)
    assert 1 not in rows["object"].to_list()
    assert "f1 @ 0: 10" in " ".join(_printed(found, "en").split())


@pytest.mark.parametrize("equal", [2, 1, 0])
def test_originals_are_counted_by_what_is_near_and_not_equal(made: Made, equal: int) -> None:
    """Without two originals at most 4 of 98 may be surplus: 7 of the 11 have to be freed."""
    made.measured("text", 100, 4100).found("duplicates.text", (11, 100), "0.05")
    groups = (
        [(1, "0.9000")] * 4 + [(2, "0.9000")] * (3 - equal) + [(2, "1.0000")] * equal + [(3, "1.0000")] * 4
    )
    made.rows(
        "duplicates.text", [surplus(10 + n, of, similarity=like) for n, (of, like) in enumerate(groups)], NEAR
    )
    assert [one.near for one in step(made.plan()[0], "duplicates.text").instead] == {2: [], 1: [], 0: [4, 3]}[
        equal
    ]


def test_defective_and_unread_items_are_listed_for_repair(made: Made) -> None:
    columns = ("object", "name", "place", "modality", "stored_bytes")
    made.measured("text", 1, 1).rows("defective", [item(1, modality="text", stored_bytes=5)], columns)
    made.rows("unread", [item(2, modality=None, stored_bytes=6)], columns)
    found, rows = made.plan()
    assert (found.repair, found.remove) == (2, 0)
    assert rows.select("action", "object", "weight", "rules").rows() == [
        ("repair", 1, 5, ["defective"]), ("repair", 2, 6, ["unread"]),
    ]  # fmt: skip


# What is missing or forged ---------------------------------------------------------------------------------


def usual(made: Made) -> Made:
    made.measured("text", 100, 100_000).found("duplicates.text", (6, 100), "0.05")
    return made.duplicates("text", [surplus(n, 50) for n in range(6)])


def test_evidence_that_is_not_there_is_told_and_nothing_is_made_up(made: Made) -> None:
    loaded = usual(made).loaded()
    (made.folder / "evidence/duplicates.text.parquet").unlink()
    found, rows = plan(loaded)
    each = step(found, "duplicates.text")
    assert (found.complete, rows.height, each.remove, each.conforms) == (False, 0, None, None)
    assert "is not beside the report" in told(each)
    assert "the report's next step" in told(each)


def test_capped_evidence_is_told(made: Made) -> None:
    usual(made).found("duplicates.text", (9, 100), "0.05")
    made.files["duplicates.text"] = made.files["duplicates.text"].model_copy(update={"total": 9})
    found, rows = made.plan()
    assert (found.complete, rows.height) == (False, 0)
    assert "holds 6 of 9 rows" in told(step(found, "duplicates.text"))


def test_numbers_that_the_evidence_does_not_give_are_not_planned_for(made: Made) -> None:
    found, rows = usual(made).found("duplicates.text", (7, 100), "0.05").plan()
    assert (found.complete, rows.height) == (False, 0)
    assert "do not come from the items of its evidence" in told(step(found, "duplicates.text"))
    made.measured("text", 10, 1000).found("recency", (301, 1000), "0.5").recency([stale(1, 700)])
    found, _ = made.plan()
    assert "do not come from the items of its evidence" in told(step(found, "recency"))


def test_another_file_than_the_report_s_is_refused(made: Made) -> None:
    loaded = usual(made).loaded()
    path = made.folder / "evidence/duplicates.text.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(TrustError, match="its sha256 is another"):
        plan(loaded)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "evidence/../report.json",
        "../evidence/x.parquet",
        "evidence/a/b.parquet",
        "evidence/\x1b[31m.parquet",
        "evidence/\u202e.parquet",
        "evidence/a\nb.parquet",
    ],
)
def test_evidence_outside_its_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(TrustError, match="outside its folder"):
        evidence.scan(tmp_path, EvidenceRef(path=path, digest="0" * 64, rows=0, total=0))


def test_a_link_or_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "b.parquet").write_bytes(b"no Parquet")
    (folder / "a.parquet").symlink_to(folder / "b.parquet")
    from dqv.core.files import sha256_file

    digest = sha256_file(folder / "b.parquet")
    for name, words in (("a", "no regular file"), ("b", "cannot be read as Parquet")):
        with pytest.raises(TrustError, match=words):
            evidence.scan(
                tmp_path, EvidenceRef(path=f"evidence/{name}.parquet", digest=digest, rows=0, total=0)
            )


def test_evidence_without_the_columns_of_this_version_is_refused(made: Made) -> None:
    made.measured("text", 100, 100_000).found("duplicates.text", (6, 100), "0.05")
    made.rows("duplicates.text", [surplus(1, 2)], ("name", "place"))
    with pytest.raises(TrustError, match="has no column duration_s, object, original_object"):
        made.plan()


# The list --------------------------------------------------------------------------------------------------

HOSTILE_PATHS = (
    b"a\nb\tc.txt",
    b"\xff\xfe.txt",
    b"x[U+202E]y.txt",
    "a\u202eb.txt".encode(),
    b'"q"\\x00.txt',
    b"=cmd()",
    b"plain.txt",
)


def manifest(folder: Path, rows: Mapping[bytes, str]) -> None:
    """A manifest.parquet of paths and roles."""
    table = pa.table(
        {"path": pa.array(sorted(rows), pa.binary()), "role": [rows[path] for path in sorted(rows)]}
    )
    pq.write_table(table, folder / "manifest.parquet")


def listed(folder: Path, *names: str, **values: Any) -> list[dict[str, Any]]:
    """Lines of items with these names; their numbers are beyond all rows, as where archives hold many members."""
    base = {
        "action": "remove",
        "modality": "text",
        "place": 3,
        "part": None,
        "weight": 1,
        "rules": ["recency"],
    }
    rows = [base | {"object": 1000 + n, "name": name} | values for n, name in enumerate(names)]
    return [json.loads(line) for line in fix_list.lines(pl.DataFrame(rows, schema=LISTED), folder, VERDICTS)]


VERDICTS = {"recency": "review", "duplicates.text": "fail", "scale.text": "pass"}


def test_a_line_tells_the_verdict_of_each_of_its_rules(tmp_path: Path) -> None:
    (line,) = listed(tmp_path, "a", rules=["duplicates.text", "recency"])
    assert line["verdicts"] == {"duplicates.text": "fail", "recency": "review"}
    assert listed(tmp_path, "a", action="repair", rules=["unread"])[0]["verdicts"] == {}


def given_path(line: Mapping[str, Any], key: str = "path") -> bytes:
    return os.fsencode(line[key]) if line[key] is not None else base64.b64decode(line[f"{key}_base64"])


@pytest.mark.parametrize("role", ["data", "container"])
def test_every_name_survives_the_list(tmp_path: Path, role: str) -> None:
    paths = sorted(HOSTILE_PATHS)
    manifest(tmp_path, {b"a.zip": role} | dict.fromkeys(paths, "data"))
    found = listed(tmp_path, *map(visible_path, paths))
    assert [given_path(line) for line in found] == paths
    assert all("name" not in line and "archive" not in line and line["place"] == 3 for line in found)


@pytest.mark.parametrize("archive", [b"a.tar", b"\xca\xfd.tar", b"d/a\n.tar"])
@pytest.mark.parametrize("member", [b"b.wav", b"d/\n.wav", b"\xff.wav", b"x.zip/b.wav", b""])
def test_a_member_of_an_archive_tells_its_archive(tmp_path: Path, archive: bytes, member: bytes) -> None:
    manifest(tmp_path, {archive: "container", b"b.jsonl": "data"})
    name = visible_path(archive + b"/" + member)
    line, other = listed(tmp_path, name, "b.jsonl", modality="audio", weight=705_600_000)
    assert given_path(line, "archive") == archive
    assert (line["path"], line["name"], line["duration_s"]) == (None, name, 1.0)
    assert "path_base64" not in line
    assert (other["path"], "archive" in other, "name" in other) == ("b.jsonl", False, False)


def test_a_name_of_several_objects_has_no_path(tmp_path: Path) -> None:
    manifest(tmp_path, {b"x\n": "data", b"x[U+000A]": "data", b"a.zip": "container", b"a.zip/b": "data",
                        b"c\n.zip": "container", b"c[U+000A].zip": "container"})  # fmt: skip
    names = ("x[U+000A]", "a.zip/b", "c[U+000A].zip/d")
    for line, name in zip(listed(tmp_path, *names), names, strict=True):
        assert (line["path"], line.get("path_base64"), line.get("archive"), line["name"]) == (
            None,
            None,
            None,
            name,
        )


def test_a_path_that_the_evidence_does_not_tell_is_null(tmp_path: Path) -> None:
    plain, line = listed(
        tmp_path, "a.wav", "a.tar/[U+000A].wav", modality="audio", weight=705_600_000, rules=[]
    )
    assert plain["path"] == "a.wav"
    assert line == {
        "action": "remove", "path": None, "place": 3, "name": "a.tar/[U+000A].wav", "modality": "audio", "duration_s": 1.0, "rules": [],
        "verdicts": {},
    }  # fmt: skip


def test_a_manifest_of_another_report_is_refused(tmp_path: Path) -> None:
    manifest(tmp_path, {b"x": "data"})
    with pytest.raises(TrustError, match="not the one of this report"):
        listed(tmp_path, "a.tar/[U+000A].wav")
    for table in ({"path": [b"x"]}, {"path": [1], "role": ["data"]}):
        pq.write_table(pa.table(table), tmp_path / "manifest.parquet")
        with pytest.raises(TrustError, match="cannot be read"):
            listed(tmp_path, "[U+000A].wav")


def _printed(found: Plan, lang: Any) -> str:
    file = io.StringIO()
    Console(file=file, width=100).print(plan_summary(found, lang))
    return file.getvalue()


@pytest.mark.parametrize(
    ("lang", "words"),
    [("zh", ("移除或替换 2 个多余项", "dqv 不删除")), ("en", ("2 items to remove", "deletes nothing"))],
)
def test_the_terminal_says_what_to_do(made: Made, lang: str, words: tuple[str, ...]) -> None:
    text = _printed(usual(made).plan()[0], lang)
    assert all(each in text for each in words)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_nothing_to_mend_is_said(made: Made, lang: str) -> None:
    assert len(_printed(made.plan()[0], lang).splitlines()) == 1


# Carried out -----------------------------------------------------------------------------------------------


def test_a_plan_that_is_carried_out_makes_the_clauses_pass(tmp_path: Path, scheduler: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for n in range(60):
        year = 2010 if n % 2 else 2026
        words = " ".join(f"w{n % 50}x{at}" for at in range(40 + n % 50 + n // 50))
        (source / f"{year}-01-{n % 28 + 1:02d}-{n:02d}.txt").write_text(words)
    policy = tmp_path / "policy.toml"
    shown = dump_policy(load_policy("jiaxing-2025-65"))
    policy.write_text(shown.replace('"30 GB"', '"1 kB"').replace('"30 GiB"', '"1 kB"'), "utf-8")

    def checked(out: str) -> dict[str, str]:
        settings = Settings(source=str(source), out=tmp_path / out, policy=str(policy), scheduler=scheduler,
                            reference_date=date(2026, 11, 23))  # fmt: skip
        return {each.rule: each.verdict.value for each in pipeline.check(settings).findings}

    rules = ("scale.text", "duplicates.text", "recency")
    assert [checked("first")[rule] for rule in rules] == ["pass", "fail", "fail"]
    loaded = load(tmp_path / "first")
    found, rows = plan(loaded)
    assert [step(found, rule).conforms for rule in rules[1:]] == [True, True]
    for line in fix_list.lines(rows, loaded.folder, {}):
        (source / json.loads(line)["path"]).unlink()
    assert [checked("second")[rule] for rule in rules] == ["pass"] * 3
    after = {each.rule: each.measured for each in load(tmp_path / "second").report.findings}
    assert [step(found, rule).after for rule in rules[1:]] == [after[rule] for rule in rules[1:]]


def test_items_behind_an_archive_are_listed_by_their_own_names(tmp_path: Path, scheduler: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    gbk = "数据.jsonl".encode("gbk")
    same = b'{"text": "one and the same record, of which there are several"}\n'
    with zipfile.ZipFile(source / "a.zip", "w") as archive:
        archive.writestr("p.jsonl", same)
        archive.writestr("p\n.jsonl", same)
    for name in (b"b.jsonl", gbk, "文.jsonl".encode()):
        (source / os.fsdecode(name)).write_bytes(same)
    pipeline.check(Settings(source=str(source), out=tmp_path / "out", scheduler=scheduler))
    loaded = load(tmp_path / "out")
    rows = plan(loaded)[1]
    found = [json.loads(line) for line in fix_list.lines(rows, loaded.folder, {})]
    assert [(each["archive"], each["name"]) for each in found if "archive" in each] == [
        ("a.zip", "a.zip/p[U+000A].jsonl")
    ]
    assert [given_path(each) for each in found if "archive" not in each] == [
        b"b.jsonl",
        gbk,
        "文.jsonl".encode(),
    ]


def test_the_same_report_gives_the_same_list(made: Made) -> None:
    loaded = usual(made).loaded()
    first, second = (list(fix_list.lines(plan(loaded)[1], loaded.folder, {})) for _ in range(2))
    assert first == second
