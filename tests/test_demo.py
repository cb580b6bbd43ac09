import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from dqv import cli, demo, pipeline
from dqv.core.errors import OutFolderError
from dqv.core.policy import load_policy
from dqv.core.verdicts import ReportVerdict, Verdict
from dqv.demo_texts import shingles
from dqv.reports.model import Finding, Report

PAIRS = {"dataset": "report", "clean": "report-scaled"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "out"
    demo.run(folder, "en", 2, None)
    return folder


@pytest.fixture(params=PAIRS, scope="module")
def made(request: pytest.FixtureRequest, out: Path) -> tuple[Path, Report, dict[str, Any]]:
    folder = out / PAIRS[request.param]
    report = Report.model_validate_json((folder / "report.json").read_bytes())
    return folder, report, json.loads((out / "truth.json").read_bytes())[request.param]


def finding(report: Report, rule: str) -> Finding:
    return next(each for each in report.findings if each.rule == rule)


def numbers(found: Finding) -> dict[str, tuple[int, int]]:
    return {each.name: (int(each.numerator or -1), int(each.denominator or -1)) for each in found.readings}


def test_scale_equals_truth(made: tuple[Path, Report, dict[str, Any]]) -> None:
    _, report, truth = made
    text, readings = report.measurements["text"], numbers(finding(report, "scale.text"))
    assert (text.items, text.payload_bytes, text.text_bytes, text.defective_items, text.unread_items) == (
        truth["items"], truth["payload_bytes"], truth["text_bytes"], truth["defective"], 0,
    )  # fmt: skip
    assert readings["payload"][0] == truth["payload_bytes"]
    assert readings["text-field"][0] == truth["text_bytes"]
    assert readings["after-duplicates"][0] == truth["payload_bytes"] - truth["surplus_bytes"]


def test_duplicates_equal_truth(made: tuple[Path, Report, dict[str, Any]]) -> None:
    folder, report, truth = made
    items = truth["items"]
    assert numbers(finding(report, "duplicates.text")) == {
        "near": (truth["surplus_items"], items),
        "exact": (truth["surplus_exact"], items),
        "normalised": (truth["surplus_normalised"], items),
        "bytes": (truth["surplus_bytes"], truth["payload_bytes"]),
        "members": (truth["members"], items),
        "whole-set": (truth["surplus_items"], items),
    }
    found = pl.read_parquet(folder / "evidence" / "duplicates.text.parquet").to_dicts()
    where = ("name", "place", "original_name", "original_place")
    assert [[row[name] for name in where] for row in found] == [
        [row[name] for name in where] for row in truth["surplus"]
    ]
    for row, planted in zip(found, truth["surplus"], strict=True):
        assert (row["verified"] == "payload") == (planted["how"] == "exact")
        if row["verified"] == "exact":
            assert Fraction(row["shared"], row["of"]) == Fraction(planted["jaccard"])


def test_recency_equals_truth(made: tuple[Path, Report, dict[str, Any]]) -> None:
    folder, report, truth = made
    size = truth["payload_bytes"]
    assert numbers(finding(report, "recency")) == {
        "days": (truth["recent_bytes"], size),
        "items": (truth["recent_items"], truth["items"]),
        "years": (truth["recent_by_calendar_year_bytes"], size),
        "modified": (truth["recent_bytes"], size),
        "no-names": (truth["recent_bytes"] - truth["recent_by_name_bytes"], size),
    }
    others = pl.read_parquet(folder / "evidence" / "recency.parquet")
    undated = others.filter(pl.col("date").is_null())
    assert (undated.height, undated["payload_bytes"].sum()) == (
        truth["undated_items"],
        truth["undated_bytes"],
    )
    assert (others.height - undated.height) == truth["old_items"]
    assert truth["recent_bytes"] + truth["old_bytes"] + truth["undated_bytes"] == size


def test_the_real_policy_fails_on_scale_and_says_what_is_missing(out: Path) -> None:
    report = Report.model_validate_json((out / "report" / "report.json").read_bytes())
    scale = finding(report, "scale.text")
    assert report.verdict is ReportVerdict.DOES_NOT_CONFORM
    assert scale.verdict is Verdict.FAIL
    assert scale.next_step is not None
    assert "Missing: 29,99" in scale.next_step.en
    assert len(report.notices) == 1  # only near-duplicates exceed the ceiling
    assert finding(report, "recency").verdict is Verdict.REVIEW


def test_no_clause_fails_on_the_clean_dataset(out: Path) -> None:
    report = Report.model_validate_json((out / "report-scaled" / "report.json").read_bytes())
    assert report.verdict is ReportVerdict.NEEDS_REVIEW
    assert {each.verdict for each in report.findings} == {
        Verdict.PASS, Verdict.REVIEW, Verdict.ATTESTED, Verdict.NOT_APPLICABLE,
    }  # fmt: skip


def test_the_scaled_policy_differs_in_scale_and_name_alone(out: Path) -> None:
    real, small = (
        load_policy(name).model_dump() for name in ("jiaxing-2025-65", str(out / "policy-scaled.toml"))
    )
    assert small["rules"]["scale.text"]["threshold"] == "30000 B"
    assert small["rules"]["scale.text"]["readings"][1]["threshold"] == "32212.25472 B"
    for policy in (real, small):
        del policy["id"], policy["title"]
        for rule in list(policy["rules"]):
            if rule.startswith("scale."):
                del policy["rules"][rule]
    assert small == real


def test_both_reports_verify_with_the_demo_key(out: Path) -> None:
    for data, folder in PAIRS.items():
        steps = pipeline.verify(out / folder / "report.dsse.json", out / "demo.pub", str(out / data))
        assert [step.holds for step in steps] == [True] * 7


@pytest.mark.parametrize("name", PAIRS)
def test_no_texts_are_alike_but_the_planted_ones(out: Path, name: str) -> None:
    truth = json.loads((out / "truth.json").read_bytes())[name]
    items = demo._build({"dataset": demo._FLAWED, "clean": demo._CLEAN}[name]).items
    planted, traps = (
        {
            ((each["original_name"], each["original_place"]), (each["name"], each["place"]))
            for each in truth[kind]
        }
        for kind in ("surplus", "not_surplus")
    )
    # of a triple, the copies are alike too; of a chain, the third is like the second, and not like the first
    siblings = {(a, b) for first, a in planted for again, b in planted if first == again and a < b}
    chain = {pair for pair in traps if pair[0] in {copy for _, copy in planted}}
    ends = {(first, third) for second, third in chain for first, copy in planted if copy == second}
    alike = {
        (items[a].where, items[b].where): j for a, b, j in _alike([shingles(each.text) for each in items])
    }
    assert {pair for pair, j in alike.items() if j >= Fraction(4, 5)} == planted | siblings | chain
    assert set(alike) == planted | siblings | traps | ends


def _alike(sets: list[set[Any]]) -> Iterator[tuple[int, int, Fraction]]:
    """Every pair whose exact Jaccard similarity is at least a half."""
    seen: dict[Any, list[int]] = defaultdict(list)
    for later, each in enumerate(sets):
        for earlier, both in Counter(earlier for one in each for earlier in seen[one]).items():
            j = Fraction(both, len(each) + len(sets[earlier]) - both)
            if 2 * j >= 1:
                yield earlier, later, j
        for one in each:
            seen[one].append(later)


def test_the_applicants_code_has_its_check_character() -> None:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015
    code = demo._registration()["applicant"]["uscc"]
    total = sum(alphabet.index(each) * pow(3, place, 31) for place, each in enumerate(code[:17]))
    assert alphabet[-total % 31] == code[17]


def test_a_second_run_rebuilds_and_one_worker_says_the_same_as_two(out: Path) -> None:
    names = [*(f"{folder}/report.json" for folder in PAIRS.values()), "truth.json", "demo.pub"]
    before = {name: (out / name).read_bytes() for name in names}
    (out / "dataset" / "README.md").write_text("changed")
    (out / "mine.txt").write_text("not of the demo")
    answer = CliRunner().invoke(cli.app, ["demo", "--out", str(out), "--workers", "1", "--lang", "en"])
    assert (answer.exit_code, answer.exception) == (0, None)
    assert (out / "dataset" / "README.md").read_text("utf-8").startswith("# ")
    assert (out / "mine.txt").exists()
    for name in names:
        after = (out / name).read_bytes()
        if name.endswith("report.json"):
            old, new = json.loads(before[name]), json.loads(after)
            del old["run"]["environment"], new["run"]["environment"]
            assert json.dumps(new) == json.dumps(old)
        else:
            assert after == before[name]


@pytest.mark.parametrize("name", ["notes.txt", "truth.json"])
def test_a_folder_that_is_no_demo_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(OutFolderError, match="not an earlier demo"):
        demo.run(tmp_path, "en", 1, None)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_strange_file_among_the_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text('{"made_by": "dqv demo"}')
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "mine.txt").write_text("mine")
    with pytest.raises(OutFolderError, match=r"mine\.txt is not a file of this demo"):
        demo.run(tmp_path, "en", 1, None)
