"""A registration in which nothing is missing, a dataset beside it, and what a rule says of both, changed as told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from dqv.checks import CHECKS
from dqv.checks.engine import DESCRIBED, Case, ModalityFacts, Outcome, Unread
from dqv.core.policy import load_policy
from dqv.core.registration import Attached, Registration

DAY = date(2026, 6, 30)
ADDRESS = "https://platform.example/api"
DIGEST = "0a" * 32

SCENARIO = {"title": "one", "user": "u", "place": "p", "task": "t", "effect": "e"}
SCENARIOS = [SCENARIO, {**SCENARIO, "title": "two", "task": "another"}]
STATED = (
    "legality",
    "safeguards",
    "value",
    "openness",
    "updates",
    "privacy",
    "documentation",
    "metadata",
)
RECORD: dict[str, Any] = {
    "name": "n",
    "applicant": {"name": "a", "uscc": "913304990000000006"},
    "certificate": {"number": "C-1"},
    "modalities": {"text": {"scale": "35 GB"}},
    "category": "行业专识数据集",
    "cadence": "monthly",
    "scenarios": SCENARIOS,
    "attestations": [{"rule": rule, "statement": "s", "documents": ["a.pdf"]} for rule in STATED],
}
ATTACHED = {"a.pdf": Attached(3, DIGEST)}


def objects(*rows: dict[str, Any]) -> pl.LazyFrame:
    """Objects of a dataset; each has what is told, else nothing special."""
    usual: dict[str, Any] = {
        "object": 0, "role": "data", "name": "x", "size_bytes": 10, "why": "", "format": None, "fields": [],
        "error_kind": None, "error": None, "sha256": None, "container": None, "mtime_ns": 0,
    }  # fmt: skip
    schema: dict[str, Any] = {
        "object": pl.Int64, "role": pl.String, "name": pl.String, "size_bytes": pl.Int64, "why": pl.String,
        "format": pl.String, "fields": pl.List(pl.String), "error_kind": pl.String, "error": pl.String,
        "sha256": pl.Binary, "container": pl.Int64, "mtime_ns": pl.Int64,
    }  # fmt: skip
    return pl.LazyFrame(
        [{**usual, "object": number, **row} for number, row in enumerate(rows)], schema=schema
    )


OBJECTS = objects(
    {"role": "documentation", "name": "README.md", "why": "documentation-name"},
    {
        "role": "metadata",
        "name": "metadata.csv",
        "why": "metadata-name",
        "format": "csv",
        "fields": ["file_name", "date"],
    },
)


def items(*days: date | None, **columns: Sequence[Any]) -> pl.LazyFrame:
    """Measured items of text, one for each day from which it is."""
    size = len(days)
    whole: dict[str, Sequence[Any]] = {
        "modality": ["text"] * size, "status": ["measured"] * size, "payload_bytes": [10] * size,
        "duration_flicks": [None] * size, "surplus": [False] * size, "date_record": days, "date_sidecar": [None] * size,
        "date_embedded": [None] * size, "date_name": [None] * size, "date_modified": [None] * size,
        "date_sidecar_modified": [None] * size, "date_refused": [False] * size, "embedded_refused": [None] * size,
        **columns,
    }  # fmt: skip
    kinds = {name: pl.Date for name in whole if name.startswith("date_") and name != "date_refused"}
    return pl.LazyFrame(
        whole, schema_overrides={**kinds, "embedded_refused": pl.Boolean, "duration_flicks": pl.Int64}
    )


def described(**columns: Sequence[Any]) -> pl.LazyFrame:
    """Descriptions of items; columns that are not told say nothing."""
    size = len(next(iter(columns.values())))
    whole = {name: columns.get(name, [None] * size) for name in DESCRIBED}
    return pl.LazyFrame(whole, schema=DESCRIBED)


def facts(payload: int = 0, unread: int = 0, **more: Any) -> ModalityFacts:
    """Of one modality; `unread` rows hold up to as many bytes each as ten."""
    nothing = {name: 0 for name in ModalityFacts.__dataclass_fields__ if name != "unread"}
    bound = more.pop("bound", Unread(0, 0))
    return ModalityFacts(**{**nothing, "payload_bytes": payload, "unread_rows": unread, **more}, unread=bound)


def outcome(rule: str, record: dict[str, Any] | None = None, /, **case: Any) -> Outcome:
    """What a rule says of the usual registration, changed as told; with `registration=None` of none."""
    whole = Case(
        policy=load_policy("jiaxing-2025-65"),
        registration=Registration.model_validate({**RECORD, **(record or {})}),
        reference_date=DAY,
        items=items(*(date(2026, month, 1) for month in range(1, 7))),
        objects=OBJECTS,
        deciding=("text",),
        facts={name: facts(35 * 10**9, items=6) if name == "text" else facts() for name in ("text", "audio", "image", "video")},
        attached=ATTACHED,
    )  # fmt: skip
    return CHECKS[rule](replace(whole, **case))


def rows(found: Outcome, kind: str) -> list[dict[str, Any]]:
    """The facts of one kind among the evidence, without what is null."""
    if found.evidence is None:
        return []
    table = found.evidence.filter(pl.col("kind") == kind).collect()
    return [
        {name: value for name, value in row.items() if value is not None and name != "kind"}
        for row in table.to_dicts()
    ]
