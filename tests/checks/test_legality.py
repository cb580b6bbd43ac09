from typing import Any

import polars as pl
import pytest

from dqv.checks.engine import Documents
from dqv.core.licences import Named
from dqv.core.verdicts import Verdict
from tests.checks.declared import described, outcome, rows


@pytest.mark.parametrize(
    ("declared", "fields", "verdict", "told"),
    [
        ("CC-BY-4.0", ["cc-by-4.0", "CC BY 4.0", None], Verdict.ATTESTED, "those declared: CC-BY-4.0"),
        (
            "CC-BY-4.0",
            ["cc-by-4.0", "MIT"],
            Verdict.REVIEW,
            "Declared is CC-BY-4.0; the data names MIT (1 items, 0 files)",
        ),
        ("MIT OR Apache-2.0", ["MIT", "apache 2.0"], Verdict.ATTESTED, "those declared: Apache-2.0, MIT"),
        ("专有", [" 专有 "], Verdict.ATTESTED, "1 × non-SPDX"),
        ("专有", ["内部"], Verdict.REVIEW, "the data names 1 × non-SPDX"),
        (None, ["MIT"], Verdict.REVIEW, "declares no licence; the data names MIT"),
        (None, [None, " "], Verdict.ATTESTED, ""),
        ("MIT", [None], Verdict.ATTESTED, ""),
    ],
)
def test_licences_in_the_data_must_be_those_declared(
    declared: str | None, fields: list[str | None], verdict: Verdict, told: str
) -> None:
    found = outcome("legality", {"licence": declared}, descriptions=described(licence=fields))
    assert found.verdict is verdict
    assert told in found.message.en
    assert "内部" not in found.message.zh
    assert (found.next_step is None) is (verdict is Verdict.ATTESTED)


def test_every_licence_field_is_evidence_with_its_items() -> None:
    fields = ["MIT", "mit license", "MIT", "CC-BY-4.0"]
    found = outcome("legality", {"licence": "MIT"}, descriptions=described(licence=fields))
    assert rows(found, "licence-field") == [
        {"name": "MIT", "measured": "MIT", "items": 2, "share": "0.5", "status": "as-declared"},
        {"name": "CC-BY-4.0", "measured": "CC-BY-4.0", "items": 1, "share": "0.25", "status": "contradicts"},
        {"name": "MIT", "measured": "mit license", "items": 1, "share": "0.25", "status": "as-declared"},
    ]


@pytest.mark.parametrize(
    ("file", "verdict", "status"),
    [
        (Named("LICENSE", "text", ("MIT",)), Verdict.ATTESTED, "as-declared"),
        (Named("LICENSE", "text", ("GPL-3.0",)), Verdict.REVIEW, "contradicts"),
        (Named("LICENSE", "text", ()), Verdict.REVIEW, "not-identified"),
        (Named("LICENSE.pdf", "text", (), read=False), Verdict.REVIEW, "unread"),
        (Named("README.md", "card", ("CC-BY-4.0",)), Verdict.REVIEW, "contradicts"),
        (Named("README.md", "card", ()), Verdict.ATTESTED, None),
        (Named("croissant.json", "croissant", (), read=False), Verdict.REVIEW, "unread"),
    ],
)
def test_licence_files_cards_and_croissant_are_held_to_it_too(
    file: Named, verdict: Verdict, status: str | None
) -> None:
    found = outcome("legality", {"licence": "MIT"}, licences=(file,))
    assert found.verdict is verdict
    told = rows(found, f"licence-{file.kind}")
    assert [(row["place"], row["status"]) for row in told] == (
        [] if status is None else [(file.name, status)]
    )


def test_a_contradiction_does_not_hide_a_missing_document() -> None:
    found = outcome("legality", {"licence": "MIT"}, descriptions=described(licence=["CC0-1.0"]), attached={})
    assert found.verdict is Verdict.FAIL
    assert "CC0-1.0" in found.message.en


def test_more_licences_than_are_compared_are_for_a_person() -> None:
    for count, verdict in ((50, Verdict.ATTESTED), (51, Verdict.REVIEW)):
        fields = [f"MIT{' ' * number}x" for number in range(1, count + 1)]
        declared = "MIT x"
        found = outcome("legality", {"licence": declared}, descriptions=described(licence=fields))
        assert found.verdict is verdict, count


@pytest.mark.parametrize(
    ("source", "hosts"),
    [
        ("https://huggingface.co/datasets/a/b", ["huggingface.co"]),
        ("从 HuggingFace.co 下载", ["huggingface.co"]),
        ("www.kaggle.com", ["kaggle.com"]),
        ("https://kaggle.com.example.org/", []),
        ("https://notkaggle.com/", []),
        ("本单位设备", []),
    ],
)
def test_sources_that_name_hosts_of_open_datasets_are_findings(source: str, hosts: list[str]) -> None:
    found = outcome("openness", descriptions=described(source=[source, None]))
    assert found.verdict is Verdict.REVIEW
    assert [(row["name"], row["items"], row["share"]) for row in rows(found, "open-host")] == [
        (host, 1, "1") for host in hosts
    ]
    assert ("1 items from hosts" in found.message.en) is bool(hosts)


@pytest.mark.parametrize(
    ("licence", "open_"), [("CC-BY-4.0", True), ("MIT", True), ("CC-BY-NC-4.0", False), ("专有", False)]
)
def test_open_licences_are_findings(licence: str, open_: bool) -> None:
    file = Named("LICENSE", "text", ("ODbL-1.0",))
    found = outcome("openness", descriptions=described(licence=[licence, licence]), licences=(file,))
    expected: list[dict[str, Any]] = [{"name": licence, "items": 2, "share": "1"}] if open_ else []
    assert rows(found, "open-licence") == [*expected, {"name": "ODbL-1.0", "place": "LICENSE"}]
    assert f"{2 if open_ else 0} items and 1 files under an open licence" in found.message.en
    assert found.verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("declared", "named", "verdict", "statuses"),
    [
        ("GPL-3.0", ["mit"], Verdict.REVIEW, ["contradicts"]),
        ("MIT", ["mit"], Verdict.ATTESTED, ["as-declared"]),
        ("CC-BY-4.0", ["mit", "cc-by"], Verdict.ATTESTED, ["not-compared", "as-declared"]),
        ("专有", ["mit"], Verdict.ATTESTED, ["not-compared"]),
        (None, ["mit"], Verdict.ATTESTED, ["not-declared"]),
    ],
)
def test_what_the_words_of_documents_name_is_held_to_it(
    declared: str | None, named: list[str], verdict: Verdict, statuses: list[str]
) -> None:
    read = pl.DataFrame({"object": [0], "role": ["documentation"], "status": ["read"]})
    stated = pl.DataFrame({"object": 0, "kind": "licence", "what": named})
    found = outcome("legality", {"licence": declared}, documents=Documents(read, stated.clear(), stated))
    assert found.verdict is verdict
    told = rows(found, "licence-document")
    assert told == [
        {"name": name, "place": "README.md", "status": status}
        for name, status in zip(named, statuses, strict=True)
    ]
    assert ("Declared is GPL-3.0; 1 documents state mit." in found.message.en) is (verdict is Verdict.REVIEW)


def test_a_card_says_its_licence_once() -> None:
    read = pl.DataFrame({"object": [0], "role": ["documentation"], "status": ["read"]})
    stated = pl.DataFrame({"object": 0, "kind": "licence", "what": ["mit"]})
    card = (Named("README.md", "card", ("MIT",)),)
    found = outcome(
        "legality", {"licence": "MIT"}, documents=Documents(read, stated.clear(), stated), licences=card
    )
    assert rows(found, "licence-document") == []
