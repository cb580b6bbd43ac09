from typing import Any

import polars as pl
import pytest

from dqv.checks.engine import FOUND_PERSONAL
from dqv.core.verdicts import Verdict
from tests.checks.declared import ATTACHED, facts, items, objects, outcome

OBJECTS = objects({"name": "a.jsonl"}, {"name": "13812345678.jsonl"})


def personal(*rows: dict[str, Any]) -> pl.LazyFrame:
    usual = {"object": 0, "place": 0, "where": "record", "field": "text", "kind": "mobile", "at": 0, "value": b"12345678", "count": 1}  # fmt: skip
    return pl.LazyFrame([{**usual, **row} for row in rows], schema=FOUND_PERSONAL)


def told(*rows: dict[str, Any], record: dict[str, Any] | None = None, **case: Any) -> Any:
    digests = [bytes([number]) * 16 for number in range(2)]
    whole = items(None, None, xxh3_128=digests, normalised=digests)
    case = {"items": whole, "objects": OBJECTS, **case}
    return outcome("privacy", record, personal=personal(*rows), **case)


def test_nothing_found_and_a_statement_with_documents_is_attested() -> None:
    found = told()
    assert found.verdict is Verdict.ATTESTED
    assert found.next_step is None
    assert (found.numerator, found.denominator) == (0, 6)


def test_nothing_found_and_no_statement_is_for_review() -> None:
    assert told(record={"attestations": []}).verdict is Verdict.REVIEW
    assert told(registration=None).verdict is Verdict.REVIEW


def test_a_document_that_is_missing_fails() -> None:
    assert told(attached={}).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "kind", ["id", "mobile", "landline", "card", "email", "plate", "passport", "position"]
)
def test_what_is_found_is_for_review(kind: str) -> None:
    assert told({"kind": kind}).verdict is Verdict.REVIEW


def test_credit_codes_are_of_units() -> None:
    assert told({"kind": "uscc"}).verdict is Verdict.ATTESTED


def test_items_are_counted_once_and_names_are_none() -> None:
    found = told({}, {"kind": "email"}, {"place": 1, "count": 3}, {"object": 1, "where": "name"})
    assert (found.numerator, found.denominator) == (2, 6)
    assert "2 of 6 items" in found.message.en
    assert "5 mobile numbers (1 different), 1 e-mail addresses (1 different)." in found.message.en
    many = told({}, {"value": None, "count": 9})
    assert "10 mobile numbers (at least 1 different)." in many.message.en


def test_names_that_hold_values_are_told() -> None:
    assert "hold personal values;" not in told({}).message.en
    found = told({"object": 1, "where": "name"}, {"object": 1, "where": "name", "kind": "email"})
    assert "1 names of files hold personal values" in found.message.en
    assert "1 个文件名含个人信息" in found.message.zh
    found = told({"where": "fields", "field": ""})
    assert found.verdict is Verdict.REVIEW
    assert "The names of fields of 1 objects hold personal values" in found.message.en


def test_names_of_fields_told_by_every_piece_of_an_object_count_once() -> None:
    name = {"where": "fields", "field": ""}
    found = told({}, name, name, {**name, "object": 1})
    assert "3 mobile numbers (1 different)" in found.message.en
    assert found.evidence.collect()["object"].to_list() == [None, 0, 0, 1]


def test_what_was_not_read_was_not_searched() -> None:
    other = {name: facts() for name in ("audio", "image", "video")}
    unread = told(facts={"text": facts(10, 1, items=6), **other})
    assert unread.verdict is Verdict.REVIEW
    assert "were not searched" in unread.message.en
    assert told(facts={"text": facts(10, items=6, defective=1), **other}).verdict is Verdict.REVIEW
    assert (
        told(
            facts={
                "text": facts(10, items=6, unread_anywhere=1),
                **{name: facts(unread_anywhere=1) for name in other},
            }
        ).verdict
        is Verdict.REVIEW
    )


def test_evidence_has_place_and_keyed_hash_and_the_documents() -> None:
    found = told(
        {},
        {"place": 3, "value": None, "kind": "position"},
        {"object": 1, "where": "name", "value": b"12345678"},
    )
    rows = found.evidence.collect()
    assert rows["kind"].to_list() == ["document", "mobile", "position", "mobile"]
    assert rows["name"].to_list() == ["a.pdf", "a.jsonl", "a.jsonl", "[mobile].jsonl"]
    hashes = rows["keyed_hash"].to_list()
    assert hashes[0] is hashes[2] is None
    assert hashes[1] == hashes[3] != b"12345678".hex()


def test_the_key_is_of_the_data() -> None:
    def hashed(digest: bytes) -> str:
        data = items(None, xxh3_128=[digest], normalised=[None]).cast({"normalised": pl.Binary})
        return str(told({}, items=data, attached=ATTACHED).evidence.collect()["keyed_hash"][1])

    assert hashed(b"a" * 16) == hashed(b"a" * 16) != hashed(b"b" * 16)
