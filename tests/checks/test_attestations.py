from typing import Any

import pytest

from dqv.core.registration import Attached, Registration
from dqv.core.verdicts import Verdict
from tests.checks.declared import ADDRESS, DIGEST, RECORD, STATED, objects, outcome, rows

MINE = ("legality", "safeguards", "value", "openness", "updates")
OTHER = "0b" * 32


def stated(rule: str, *documents: Any) -> dict[str, Any]:
    """A registration whose statement for a rule names these documents."""
    return {"attestations": [{"rule": rule, "statement": "secret words", "documents": list(documents)}]}


@pytest.mark.parametrize("rule", MINE)
def test_a_document_that_is_there_is_evidence_with_size_and_digest(rule: str) -> None:
    found = outcome(rule, stated(rule, "a.pdf"))
    assert found.verdict is (Verdict.REVIEW if rule == "openness" else Verdict.ATTESTED)
    assert rows(found, "document") == [
        {
            "name": "a.pdf",
            "place": "beside the registration",
            "status": "found",
            "size_bytes": 3,
            "sha256": DIGEST,
        }
    ]
    assert "secret" not in found.message.en + found.message.zh


@pytest.mark.parametrize("rule", MINE)
@pytest.mark.parametrize(
    ("document", "attached", "status", "verdict"),
    [
        ("b.pdf", None, "missing", Verdict.FAIL),
        ("b.pdf", Attached(0, DIGEST), "empty", Verdict.FAIL),
        ({"name": "b.pdf", "sha256": OTHER}, Attached(1, DIGEST), "differs", Verdict.FAIL),
        ({"name": "b.pdf", "sha256": DIGEST.upper()}, Attached(1, DIGEST), "found", Verdict.ATTESTED),
        ("b.pdf", Attached(1, DIGEST), "found", Verdict.ATTESTED),
        ("b.pdf", Attached(1, None, "too-large"), "unread", Verdict.REVIEW),
        ("b.pdf", Attached(1, None, "link"), "unread", Verdict.REVIEW),
        ({"name": "b.pdf", "sha256": DIGEST}, Attached(1, None, "io"), "unread", Verdict.REVIEW),
    ],
)
def test_a_document_that_is_missing_or_another_fails_its_rule(
    rule: str, document: Any, attached: Attached | None, status: str, verdict: Verdict
) -> None:
    there = {"a.pdf": Attached(3, DIGEST), **({} if attached is None else {"b.pdf": attached})}
    found = outcome(rule, stated(rule, "a.pdf", document), attached=there)
    expected = Verdict.REVIEW if rule == "openness" and verdict is Verdict.ATTESTED else verdict
    assert found.verdict is expected
    assert [row["status"] for row in rows(found, "document")] == ["found", status]
    told = status not in ("found",)
    assert ("b.pdf" in found.message.en) is ("b.pdf" in found.message.zh) is told
    assert (found.next_step is None) is (found.verdict is Verdict.ATTESTED)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("docs/权属说明.pdf", "docs/权属说明.pdf"),
        ("权属说明.pdf", "docs/权属说明.pdf"),
        ("e\u0301.pdf", "\u00e9.pdf"),
        ("权属说明", None),
        ("other/权属说明.pdf", None),
        ("link.pdf", None),
    ],
)
def test_a_document_is_found_among_the_objects_by_path_or_base_name(name: str, place: str | None) -> None:
    there = objects(
        {"name": "docs/权属说明.pdf", "role": "documentation", "sha256": bytes.fromhex(DIGEST)},
        {"name": "\u00e9.pdf", "role": "other", "sha256": bytes.fromhex(DIGEST)},
        {"name": "link.pdf", "role": "ignored", "why": "symbolic-link"},
    )
    found = outcome("safeguards", stated("safeguards", name), objects=there, attached={})
    (row,) = rows(found, "document")
    assert row.get("place") == place
    assert found.verdict is (Verdict.FAIL if place is None else Verdict.ATTESTED)


def test_of_several_of_one_name_one_of_the_right_digest_is_enough() -> None:
    there = objects(
        {"name": "1/a.pdf", "role": "documentation", "sha256": bytes.fromhex(OTHER)},
        {"name": "2/a.pdf", "role": "documentation", "sha256": bytes.fromhex(DIGEST)},
    )
    document = {"name": "a.pdf", "sha256": DIGEST}
    found = outcome("safeguards", stated("safeguards", document), objects=there, attached={})
    assert found.verdict is Verdict.ATTESTED
    assert rows(found, "document")[0]["place"] == "2/a.pdf"


def test_a_member_of_an_archive_is_there_but_has_no_digest_to_compare() -> None:
    there = objects({"name": "x.zip/a.pdf", "role": "documentation", "container": 7})
    found = outcome("safeguards", stated("safeguards", "a.pdf"), objects=there, attached={})
    assert found.verdict is Verdict.ATTESTED
    compared = stated("safeguards", {"name": "a.pdf", "sha256": DIGEST})
    assert outcome("safeguards", compared, objects=there, attached={}).verdict is Verdict.REVIEW


@pytest.mark.parametrize("role", ["data", "index", "container"])
@pytest.mark.parametrize(
    ("digest", "attached", "status", "verdict"),
    [
        (DIGEST, None, "data", Verdict.REVIEW),
        (None, None, "data", Verdict.REVIEW),
        (
            DIGEST,
            Attached(3, DIGEST),
            "data",
            Verdict.REVIEW,
        ),  # the registration lies in the dataset, or its copy does
        (DIGEST, Attached(3, OTHER), "found", Verdict.ATTESTED),
    ],
)
def test_the_data_is_no_document_of_itself(
    role: str, digest: str | None, attached: Attached | None, status: str, verdict: Verdict
) -> None:
    there = objects(
        {"name": "a.jsonl", "role": role, "sha256": None if digest is None else bytes.fromhex(digest)}
    )
    beside = {} if attached is None else {"a.jsonl": attached}
    found = outcome("legality", stated("legality", "a.jsonl"), objects=there, attached=beside)
    assert found.verdict is verdict
    assert [row["status"] for row in rows(found, "document")] == [status]
    assert ("1 of the data itself" in found.message.en) is (status == "data")
    another = stated("legality", {"name": "a.jsonl", "sha256": "0c" * 32})
    if digest is not None:
        assert outcome("legality", another, objects=there, attached=beside).verdict is Verdict.FAIL


def test_the_card_alone_is_no_evidence_of_lawful_origin() -> None:
    card = {
        "name": "README.md",
        "role": "documentation",
        "why": "documentation-name",
        "sha256": bytes.fromhex(DIGEST),
    }
    there = objects(card, {"name": "docs/a.pdf", "role": "documentation", "why": "documentation-folder"})
    for documents, verdict in ((["README.md"], Verdict.REVIEW), (["README.md", "a.txt"], Verdict.ATTESTED)):
        attached = {"a.txt": Attached(3, OTHER)}
        found = outcome("legality", stated("legality", *documents), objects=there, attached=attached)
        assert found.verdict is verdict
        assert ("the only document" in found.message.en) is (verdict is Verdict.REVIEW)
    beside = {"README.md": Attached(3, DIGEST)}
    assert (
        outcome("legality", stated("legality", "README.md"), objects=there, attached=beside).verdict
        is Verdict.REVIEW
    )
    assert outcome("safeguards", stated("safeguards", "README.md"), objects=there).verdict is Verdict.ATTESTED


@pytest.mark.parametrize("rule", ["legality", "safeguards", "value"])
def test_a_statement_without_documents_is_for_review(rule: str) -> None:
    found = outcome(rule, stated(rule))
    assert found.verdict is Verdict.REVIEW
    assert "No document supports" in found.message.en


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ("legality", Verdict.FAIL),
        ("safeguards", Verdict.FAIL),
        ("value", Verdict.REVIEW),
        ("openness", Verdict.REVIEW),
    ],
)
def test_a_registration_without_a_statement(rule: str, verdict: Verdict) -> None:
    """Where the clause demands what only the applicant can show, nothing shown fails."""
    filed = Registration.model_validate({**RECORD, "attestations": []})
    assert outcome(rule, {"attestations": []}).verdict is verdict
    assert outcome(rule, {"attestations": []}, platform=ADDRESS).verdict is Verdict.REVIEW
    assert outcome(rule, {"attestations": []}, platform=ADDRESS, filed=filed).verdict is verdict
    assert outcome(rule, registration=None).verdict is Verdict.REVIEW


@pytest.mark.parametrize("rule", MINE)
def test_a_platform_s_document_is_bound_by_its_digest_alone(rule: str) -> None:
    attested = Verdict.REVIEW if rule == "openness" else Verdict.ATTESTED
    with_digest = stated(rule, {"name": "z.pdf", "sha256": OTHER})
    found = outcome(rule, with_digest, platform=ADDRESS)
    assert found.verdict is attested
    assert rows(found, "document")[0]["place"] == ADDRESS
    without = outcome(rule, stated(rule, "z.pdf"), platform=ADDRESS)
    assert without.verdict is Verdict.REVIEW
    assert rows(without, "document")[0]["status"] == "not-given"


def test_what_a_file_adds_to_a_platform_s_record_must_be_there() -> None:
    filed = Registration.model_validate(
        {**RECORD, **stated("safeguards", {"name": "z.pdf", "sha256": OTHER})}
    )
    record = Registration.model_validate({**RECORD, "attestations": []}).completed(filed)
    found = outcome("safeguards", registration=record, platform=ADDRESS, filed=filed)
    assert found.verdict is Verdict.FAIL
    assert "What the record does not have is from the registration file." in found.method.en


DECLARED = [*(rule for rule in STATED if rule != "documentation"), "applicant", "category", "scenarios"]


@pytest.mark.parametrize("rule", DECLARED)
def test_what_the_applicant_wrote_on_a_platform_passes_nothing(rule: str) -> None:
    documents = [{"name": "a.pdf", "sha256": DIGEST}]
    record = {
        "certificate": {"number": "C-1", "in_force": True},
        "attestations": [{"rule": each, "statement": "s", "documents": documents} for each in STATED],
    }
    found = outcome(rule, record, platform=ADDRESS)
    assert found.verdict is outcome(rule, record).verdict
    assert found.verdict in (Verdict.ATTESTED, Verdict.REVIEW)
    assert "received over TLS" in found.method.en
    assert "the registration file says" in outcome(rule, record).method.en


def test_few_names_of_documents_stand_in_a_message() -> None:
    names = [f"{number}{'x' * 200}.pdf" for number in range(7)]
    found = outcome("safeguards", stated("safeguards", *names))
    assert "7 not found" in found.message.en
    assert found.message.en.count("x" * 79) == 5
    assert "x" * 80 not in found.message.en
