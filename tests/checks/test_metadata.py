from typing import Any

import pytest

from tests.checks.declared import objects, outcome

PHONE, ID = "13812345678", "11010519491231002X"


def shown(names: list[str], form: str) -> Any:
    found = outcome("metadata", objects=objects({"format": form, "fields": sorted(names)}))
    assert found.evidence is not None
    return found.evidence.collect()["at"].to_list()[0]


@pytest.mark.parametrize("form", ["jsonl", "parquet", "csv", "xlsx"])
def test_names_of_fields_are_listed(form: str) -> None:
    assert shown(["日期", "id", "text_2"], form) == "id, text_2, 日期"


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_value_in_a_name_is_masked(form: str) -> None:
    assert shown([f"user.{PHONE}", "zhang.san@corp.cn", "text"], form) == "text, user.[mobile], [email]"


def test_long_names_are_cut() -> None:
    assert shown(["a" * 64, "b" * 65], "jsonl") == f"{'a' * 64}, {'b' * 63}…"


@pytest.mark.parametrize("form", ["csv", "tsv", "xlsx"])
@pytest.mark.parametrize("second", [PHONE, ID, "a@b.cn", "3", "2024-05-06", "字" * 65, "李四_2"])
def test_of_a_first_row_that_looks_like_values_only_the_number_is_shown(form: str, second: str) -> None:
    assert shown(["李四", second], form) == "2 fields, whose names look like values"
