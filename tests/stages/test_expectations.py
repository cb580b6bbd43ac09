import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqv.core.policy import load_policy
from dqv.stages import expectations
from tests.stages.calls import beat, read

os.environ["GX_ANALYTICS_ENABLED"] = "false"  # as the sandbox has it

pytestmark = pytest.mark.filterwarnings("ignore")  # those of Great Expectations and pandas, not ours

RULES = load_policy("jiaxing-2025-65").metadata
GOOD: dict[str, Any] = {
    "modality": "text", "id": "a", "licence": "MIT", "source": "s", "language": "zh", "labels": ["x"], "annotation_method": "人工标注",
    "version": "1", "generated": "false", "types": "ssssssbl", "dated": True, "licence_id": "mit", "method_id": "人工标注",
}  # fmt: skip
FILES = {"object": pl.Int64, "place": pl.Int64, **dict.fromkeys(expectations.FILES[3:], pl.Boolean)}


def tables(folder: Path, items: list[dict[str, Any]], files: list[tuple[Any, ...]] = []) -> dict[str, Any]:  # noqa: B006
    rows = [
        {"object": number // 10, "place": number % 10, **GOOD, "id": f"secret-{number}", **row}
        for number, row in enumerate(items)
    ]
    empty = {"object": [0], "place": [0], **{name: [value] for name, value in GOOD.items()}}
    frame = pl.DataFrame(rows, schema=pl.DataFrame(empty).schema)
    frame.write_parquet(folder / "descriptions.parquet", row_group_size=3)
    pl.DataFrame(files, FILES, orient="row").write_parquet(folder / "files.parquet")
    return {
        "descriptions": str(folder / "descriptions.parquet"), "files": str(folder / "files.parquet"), "own": None,
        "suite": expectations.policy_suite(RULES),
    }  # fmt: skip


def ask(
    folder: Path, args: dict[str, Any], poison: list[list[Any]] | None = None
) -> tuple[dict[str, Any], dict[str, list[tuple[int, int]]]]:
    out = folder / "out"
    out.mkdir()
    expectations.check(args, out, beat(poison))
    assert not (out / "items.sqlite").exists()
    rows = read(out, "expectations")
    places: dict[str, list[tuple[int, int]]] = {}
    rules = {(row["suite"], row["number"]): row["rule"] for row in rows}
    for row in read(out, "unexpected"):
        places.setdefault(rules[row["suite"], row["number"]], []).append((row["object"], row["place"]))
    for path in out.iterdir():
        assert b"secret" not in path.read_bytes()
    return {row["rule"]: row for row in rows}, places


def test_what_is_not_expected_is_counted_and_placed_and_no_value_is_told(tmp_path: Path) -> None:
    items: list[dict[str, Any]] = [{} for _ in range(25)]
    items[3] = {"id": "secret-4"}
    items[7] = {"licence": "secret licence", "licence_id": "secret-licence"}
    items[11] = {"source": None, "types": "ss-sssbl"}
    items[12] = {"dated": False}
    items[13] = {"dated": None}
    items[14] = {"method_id": "secret"}
    items[15] = {"types": "nsssssbl"}
    items.append({"place": None, "id": None, "licence_id": "secret"})  # a file as a whole is no item
    results, places = ask(tmp_path, tables(tmp_path, items))
    unmet = {rule: row["unexpected"] for rule, row in results.items() if not row["met"]}
    assert unmet == {
        "required:source": 1, "unique:id": 2, "dated": 1, "listed:licence": 1, "listed:annotation_method": 1, "type:id": 1,
    }  # fmt: skip
    assert places == {
        "required:source": [(1, 1)], "unique:id": [(0, 3), (0, 4)], "dated": [(1, 2)], "listed:licence": [(0, 7)],
        "listed:annotation_method": [(1, 4)], "type:id": [(1, 5)],
    }  # fmt: skip
    assert {row["elements"] for row in results.values()} == {25}
    assert results["dated"]["missing"] == 1


def test_what_metadata_names_must_be_there_and_what_is_there_be_named(tmp_path: Path) -> None:
    files = [
        (1, 0, True, True, None),
        (1, 1, False, True, None),
        (4, 0, None, False, None),
        (1, None, True, True, False),
    ]
    results, places = ask(tmp_path, tables(tmp_path, [], files))
    assert {rule: row["unexpected"] for rule, row in results.items()} == {
        "files:found": 1, "files:referenced": 1, "files:same_digest": 1,
    }  # fmt: skip
    assert places == {"files:found": [(1, 1)], "files:referenced": [(4, 0)], "files:same_digest": [(1, None)]}


def test_a_suite_of_the_users_own_is_run_and_what_kills_costs_one_expectation(tmp_path: Path) -> None:
    own = {"name": "mine", "expectations": [
        {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "id", "regex": "^secret-[0-8]$"}},
        {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "language", "value_set": ["zh"], "mostly": 0.5}},
        {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 100}},
        {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["id", "source"]}},
    ]}  # fmt: skip
    args = tables(tmp_path, [{} for _ in range(10)]) | {"own": own}
    results, places = ask(tmp_path, args, [[0, 2, "hang", "no progress"]])
    mine = {rule: row for rule, row in results.items() if row["suite"] == "own"}
    assert [(row["number"], row["met"], row["unexpected"], row["error"]) for row in mine.values()] == [
        (1, False, 1, None), (2, None, None, "hang: no progress"), (3, False, None, None), (4, True, 0, None),
    ]  # fmt: skip
    assert places["expect_column_values_to_match_regex"] == [(0, 9)]


def test_listed_places_are_the_first_and_bounded(tmp_path: Path) -> None:
    items = [{"source": None, "types": "ss-sssbl"} for _ in range(expectations.PLACES + 5)]
    results, places = ask(tmp_path, tables(tmp_path, items))
    assert results["required:source"]["unexpected"] == expectations.PLACES + 5
    assert places["required:source"] == [(number // 10, number % 10) for number in range(expectations.PLACES)]


_WORDS = st.sampled_from([None, "a", "b"])


@settings(max_examples=20)
@given(
    st.lists(
        st.fixed_dictionaries({
            "id": _WORDS | st.uuids().map(str), "source": _WORDS, "dated": st.sampled_from([None, True, False]),
            "licence_id": st.sampled_from([None, "mit", "x"]), "types": st.sampled_from(["s" * 8, "n" + "s" * 7, "-" * 8]),
            "place": st.sampled_from([0, 0, 0, None]),
        }),
        min_size=1, max_size=30,
    )
)  # fmt: skip
def test_rows_that_stand_for_many_give_the_answers_of_all_rows(items: list[dict[str, Any]]) -> None:
    items = [row | {"place": None if row["place"] is None else number} for number, row in enumerate(items)]
    rows = [row for row in items if row["place"] is not None]
    kinds = Counter(row["types"][0] for row in rows if row["types"][0] != "-")
    usual = min(kinds, key=lambda each: (-kinds[each], each), default=None)
    names = Counter(row["id"] for row in rows)
    wrong: dict[str, Callable[[dict[str, Any]], bool]] = {
        "required:source": lambda row: row["source"] is None,
        "unique:id": lambda row: row["id"] is not None and names[row["id"]] > 1,
        "dated": lambda row: row["dated"] is False,
        "listed:licence": lambda row: row["licence_id"] == "x",
        "type:id": lambda row: row["types"][0] not in ("-", usual),
    }
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(expectations, "_BATCH_ROWS", 4)
        patch.setattr(expectations, "_HASHES", 7)
        patch.setattr(expectations, "PLACES", 3)
        results, places = ask(Path(folder), tables(Path(folder), items))
    for rule, is_wrong in wrong.items() if kinds else ():
        found = [
            (number // 10, row["place"])
            for number, row in enumerate(items)
            if row["place"] is not None and is_wrong(row)
        ]
        assert results[rule]["elements"] == len(rows)
        assert results[rule]["unexpected"] == len(found)
        assert results[rule]["met"] == (not found)
        assert places.get(rule, []) == found[:3]
    missing = {"unique:id": "id", "dated": "dated", "listed:licence": "licence_id"}
    assert {rule: results[rule]["missing"] for rule in missing if kinds} == {
        rule: sum(row[name] is None for row in rows) for rule, name in missing.items() if kinds
    }
    assert bool(results) == bool(kinds)


def between(**arguments: Any) -> dict[str, Any]:
    return {"type": "expect_column_values_to_be_between", "kwargs": {"column": "place", **arguments}}


def in_set(values: Any) -> dict[str, Any]:
    return {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "id", "value_set": values}}


def matches(suffix: str = "", **arguments: Any) -> dict[str, Any]:
    return {"type": f"expect_column_values_to_match_regex{suffix}", "kwargs": {"column": "id", **arguments}}


def test_as_many_values_as_may_be_are_taken() -> None:
    assert (
        accept(in_set(list(range(1000))), matches(regex="(a|b)+"), between(min_value=-1, max_value=2.5)) == []
    )


def accept(*suite: Any) -> list[str]:
    return expectations.accept({"suite": {"expectations": list(suite)}}, Path(), beat())


@pytest.mark.parametrize(
    ("each", "told"),
    [
        ({"type": "expect_the_unexpected", "kwargs": {"column": "id"}}, "there is no 'expect_the_unexpected'"),
        ({"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "SELECT 1"}}, "there is no"),
        ({"type": "expect_column_values_to_be_unique", "kwargs": {"column": "name"}}, "must name columns of item, object"),
        ({"type": "expect_column_values_to_be_unique", "kwargs": {}}, "must name columns"),
        ({"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id; DROP TABLE x"}}, "must name columns"),
        ({"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "id"}}, "`value_set`"),
        ({"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id", "mostly": 3}}, "mostly"),
        ({"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id", "nonsense": 3}}, "nonsense"),
        ({"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id", "row_condition": "1"}}, "not taken"),
        ({"type": "expect_column_values_to_be_unique", "kwargs": []}, "must be an object"),
        ({"kwargs": {}}, "with a `type`"),
        (between(min_value={"$PARAMETER": "x"}), "`min_value` must hold texts and numbers alone"),
        (between(min_value=[[1]]), "`min_value` must hold"),
        (in_set([{"$PARAMETER": "x"}]), "`value_set` must hold"),
        (in_set({"$PARAMETER": "x"}), "`value_set` must hold"),
        (in_set(list(range(1001))), "`value_set` has 1001 values; 1000 are the most"),
        (matches(regex="((("), "`regex` is no regular expression"),
        (matches("_list", regex_list=["a", "[b"]), "`regex_list` is no regular expression"),
        ("x", "with a `type`"),
    ],
)  # fmt: skip
def test_a_suite_that_cannot_be_run_is_refused_by_expectation(each: Any, told: str) -> None:
    good = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}}
    (problem,) = accept(good, each)
    assert problem.startswith("expectation 2: ")
    assert told in problem


@pytest.mark.parametrize(
    "suite", [None, [], {}, {"expectations": []}, {"expectations": {}}, {"expectations": [{}] * 1001}]
)
def test_what_is_no_suite_is_refused(suite: Any) -> None:
    assert len(expectations.accept({"suite": suite}, Path(), beat())) == 1


@pytest.mark.parametrize("kind", expectations.ACCEPTED)
def test_every_expectation_that_may_be_named_is_one_of_great_expectations(kind: str) -> None:
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    assert kind in list_registered_expectation_implementations()


def test_the_policys_suite_can_be_run() -> None:
    assert accept(*expectations.policy_suite(RULES)) == []


def test_what_is_not_used_of_great_expectations_is_not_imported_and_stays_whole_for_others() -> None:
    code = (
        "import sys; from pathlib import Path; from dqv.stages import expectations; from tests.stages.calls import beat; "
        "suite = {'expectations': [{'type': 'expect_table_row_count_to_equal', 'kwargs': {'value': 1}}]}; "
        "assert expectations.accept({'suite': suite}, Path(), beat()) == []; "
        "assert not {'scipy.stats', 'altair', 'boto3'} & set(sys.modules); "
        "from scipy import stats; print(stats.norm.cdf(0))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "0.5\n"
