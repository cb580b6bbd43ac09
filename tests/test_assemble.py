"""From rows to the report: what a witness said, and the charts' steps."""

from types import SimpleNamespace
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from dqv import assemble
from dqv.core.policy import Words
from dqv.stages.witness import WITNESS
from tests.checks.test_media import GOOD, case, videos


def facts(rows: list[tuple[int, str, bool | None]]) -> pl.DataFrame:
    """(object, field, agrees) as the witness's stage writes them."""
    held = [
        {
            "object": n,
            "place": 0,
            "modality": "video",
            "field": field,
            "ours": "1",
            "theirs": "2",
            "agrees": agrees,
        }
        for n, field, agrees in rows
    ]
    return pl.DataFrame(pl.from_arrow(pa.Table.from_pylist(held, schema=WITNESS)))


def test_an_item_counts_once_whatever_it_differs_in() -> None:
    rows = [
        (0, "width_px", True), (0, "height_px", True),
        (1, "width_px", False), (1, "height_px", False),
        (2, "answer", None),
    ]  # fmt: skip
    said = assemble.Witnessed("7.1", 7, ["video"] * 3, facts(rows))
    (found,) = assemble._witnesses(case(videos(GOOD, GOOD, GOOD)), said)
    assert (found.sample, found.agreed, found.disagreed, found.unanswered) == (3, 1, 1, 1)
    assert [(each.name, each.fact) for each in found.disagreements] == [
        ("file-1", "width_px"),
        ("file-1", "height_px"),
    ]
    assert said.disagreements == {"video": 1}


@pytest.mark.parametrize(("count", "listed"), [(19, 19), (20, 20), (21, 20)])
def test_at_most_twenty_disagreements_are_listed(count: int, listed: int) -> None:
    said = assemble.Witnessed(
        "7.1", 7, ["video"] * count, facts([(n, "width_px", False) for n in range(count)])
    )
    (found,) = assemble._witnesses(case(videos(*[GOOD] * count)), said)
    assert (found.disagreed, len(found.disagreements)) == (count, listed)


def test_without_a_witness_nothing_is_said_to_agree() -> None:
    said = assemble.Witnessed(None, 7, ["video"], None)
    (found,) = assemble._witnesses(case(videos(GOOD)), said)
    assert (found.status, found.sample, found.agreed, found.version) == ("not_run", 0, 0, None)
    assert said.disagreements == {}


@pytest.mark.parametrize(
    ("number", "label"),
    [(0, "< 1"), (1, "1 – < 10"), (9, "1 – < 10"), (10, "10 – < 100"), (999, "100 – < 1,000"),
     (None, None), (1000, "1,000 – < 10,000"), (10**17, f"{10**17:,} – < {10**18:,}")],
)  # fmt: skip
def test_a_chart_steps_at_powers_of_ten(number: int | None, label: str | None) -> None:
    frame = pl.DataFrame({"n": [number]}, schema={"n": pl.Int64})
    assert frame.select(assemble._power(pl.col("n"))).item() == label


@pytest.mark.parametrize(
    ("objects", "layout"),
    [
        ([("a/1.txt", "data", "text")], "folder"),
        ([("a/1.jpg", "data", "image"), ("a/metadata.csv", "metadata", None)], "imagefolder"),
        ([("a/1.jpg", "data", "image"), ("a/metadata.xml", "metadata", None)], "folder"),
        ([("a/1.txt", "data", "text"), ("metadata.jsonl", "metadata", None)], "folder"),
        (
            [("data/train-00000-of-00002.parquet", "data", "text"), ("README.md", "documentation", None)],
            "huggingface",
        ),
        ([("a/1.txt", "data", "text"), ("croissant.json", "metadata", None)], "croissant"),
    ],
)
def test_the_layout_is_told_by_names(objects: list[tuple[str, str, str | None]], layout: str) -> None:
    rows: list[dict[str, Any]] = [
        {"name": name, "role": role, "modality": modality, "sample": None, "fields": []}
        for name, role, modality in objects
    ]
    assert assemble._layout(laid_out(rows)) == layout


def test_the_layout_is_told_by_samples_and_by_fields() -> None:
    row: dict[str, Any] = {"name": "x", "role": "data", "modality": "text", "sample": None, "fields": []}
    assert assemble._layout(laid_out([row, {**row, "sample": b"x/1"}])) == "webdataset"
    assert assemble._layout(laid_out([row, {**row, "fields": ["data_content", "id"]}])) == "tc609"


def laid_out(rows: list[dict[str, Any]]) -> Any:
    types: dict[str, Any] = {"modality": pl.String, "sample": pl.Binary, "fields": pl.List(pl.String)}
    return SimpleNamespace(objects=pl.LazyFrame(rows, schema_overrides=types))


@pytest.mark.parametrize("different", [49, 50, 51, 300])
def test_a_distribution_is_bounded_and_loses_no_item(different: int) -> None:
    rows = {"rate": [rate for rate in range(different) for _ in range(rate % 3 + 1)]}
    items = pl.LazyFrame(rows).with_columns(payload_bytes=pl.lit(10))
    rate = pl.col("rate")
    found = assemble._distribution(items, "rate", Words(zh="率", en="rate"), rate.cast(pl.String), rate)
    assert len(found.buckets) == min(different, 50)
    assert sum(each.items for each in found.buckets) == len(rows["rate"])
    assert sum(each.payload_bytes for each in found.buckets) == 10 * len(rows["rate"])
    labels = [each.label for each in found.buckets]
    assert ("…" in labels) == (different > 50)
    kept = [int(each) for each in labels if each != "…"]
    assert kept == sorted(kept)
    if different == 300:
        assert all(each % 3 == 2 for each in kept)
