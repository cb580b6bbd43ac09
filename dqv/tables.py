"""The rows of a run, joined: two tables on disk, in canonical order, that the checks ask.

What is joined is sorted, by object, by path or by an item's number (`id`), and polars is told so: its streaming engine
then merges, in memory that does not grow with the rows. Where rows were not in order after all, names would be missing
or objects be there twice; that is looked at.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv.core.schema import DESCRIPTIONS, ITEMS, READ_OBJECTS, SIDECAR
from dqv.engine import Duplicates, Measured, scan
from dqv.execute.sorting import Sorter
from dqv.reports.escape import visible_path

_ROW_GROUP_ROWS = 8192
"""Few: polars reads several row groups ahead, of each file that it merges."""


def joined(measured: Measured, found: Duplicates, folder: Path) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Items with their dates and fate, objects with what reading them told; see `checks.engine.Case`.

    Args:
        measured: the data.
        found: of duplicates.
        folder: where the tables go.

    Raises:
        OSError: they cannot be written; likewise of polars.
    """
    folder.mkdir(exist_ok=True)
    objects = written(_objects(measured, folder), folder / "objects.parquet")
    items = written(_items(measured, found, objects), folder / "items.parquet")
    count = objects.select(pl.len()).collect().item()
    nameless = items.select(pl.col("name").null_count()).collect().item()
    if count != measured.listing.names or nameless:
        raise AssertionError("the rows of the parts are not in order")
    return items, objects


def written(rows: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    """The rows, from a file to which they were streamed."""
    rows.sink_parquet(path, compression="zstd", row_group_size=_ROW_GROUP_ROWS, engine="streaming")
    return pl.scan_parquet(path, glob=False)


def _objects(measured: Measured, folder: Path) -> pl.LazyFrame:
    """All names of the listing, with what their pieces told, what metadata files say and what their items came to."""
    listed = pl.scan_parquet(measured.listing.path, glob=False)
    name = pl.col("path").map_batches(
        lambda paths: pl.Series([visible_path(path) for path in paths], dtype=pl.String),
        return_dtype=pl.String,
        is_elementwise=True,
    )
    rows = listed.with_columns(name=name)
    dates = _dates(measured, folder).select("object", "date_sidecar", "date_sidecar_modified")
    for each in (dates, _told(measured), _fates(measured)):
        rows = rows.set_sorted("object").join(each, on="object", how="left", maintain_order="left")
    return rows


def _told(measured: Measured) -> pl.LazyFrame:
    """What reading an object told, one row an object: an object that was split has a row for each piece."""
    split = sorted({number for each in measured.ranges for number in each.spans})
    read = scan(measured.files("objects"), READ_OBJECTS).drop("id")
    several = pl.col("object").is_in(split)
    pieces = read.filter(several).group_by("object").agg(
        sha256=pl.col("sha256").drop_nulls().first(),
        encoding=pl.col("encoding")
        .drop_nulls()
        .str.split("/")
        .explode()
        .unique()
        .sort(descending=True)
        .str.join("/")
        .replace("", None),
        fields=pl.col("fields").explode().drop_nulls().unique().sort().head(256),
        bytes_read=pl.col("bytes_read").sum(),
        requests=pl.col("requests").sum(),
        error_kind=pl.col("error_kind").drop_nulls().first(),
        error=pl.col("error").drop_nulls().first(),
    )  # fmt: skip
    whole = read.filter(~several).set_sorted("object")
    return whole.merge_sorted(pieces.sort("object"), key="object").set_sorted("object")


def _fates(measured: Measured) -> pl.LazyFrame:
    """What the items of an object came to, of the objects that have items."""
    status = pl.col("status")
    text = (status == "measured") & (pl.col("modality") == "text")
    return (
        scan(measured.files("items"), ITEMS)
        .set_sorted("object")
        .group_by("object", maintain_order=True)
        .agg(
            fate=pl.when((status == "measured").any())
            .then(pl.lit("measured"))
            .when((status == "defective").any())
            .then(pl.lit("defective"))
            .otherwise(pl.lit("unread")),
            kind=pl.col("error_kind").drop_nulls().first(),
            texts=text.sum(),
            payload_bytes=pl.col("payload_bytes").filter(text).sum(),
            item_bytes=pl.col("payload_bytes").sum(),
            text_bytes=pl.col("text_bytes").filter(text).sum(),
        )
        .set_sorted("object")
    )


_SAID = pa.schema(
    [
        ("key", pa.binary()),  # what is described: its path, or a mark and its sample
        *(SIDECAR.field(name) for name in SIDECAR.names if name not in ("target", "sample")),
    ]
)
_KEYS = pa.schema([("key", pa.binary()), ("object", pa.int64())])
_TOLD = [name for name in SIDECAR.names if name in DESCRIPTIONS.names and name not in ("object", "place")]
"""What a metadata file says of an object beside its dates."""

_DATED = pa.schema(
    [
        ("object", pa.int64()),
        ("date_sidecar", pa.date32()),
        ("date_sidecar_modified", pa.date32()),
        ("described_by", pa.int64()),  # the metadata file that says it, first of all
        *(SIDECAR.field(name) for name in _TOLD),
        ("contradicts", pa.list_(pa.string())),  # fields of which entries say different things; null: none
    ]
)
"""What metadata files say of an object."""

_COMPARED = ("id", "licence", "source", "language", "annotation_method", "version", "generated")
_OF_SAMPLE = b"\0"
"""Before the name of a sample, so that it is no path."""


def _dates(measured: Measured, folder: Path) -> pl.LazyFrame:
    """What metadata files say of an object: of each kind the first, in canonical order."""
    said = _sorted(_said(measured), _SAID, ("key", "object", "place"), folder / "said.parquet")
    first = (
        said.set_sorted("key")
        .group_by("key", maintain_order=True)
        .agg(
            date_sidecar=pl.col("date").drop_nulls().first(),
            date_sidecar_modified=pl.col("date_modified").drop_nulls().first(),
            described_by=pl.col("object").first(),
            **{name: pl.col(name).drop_nulls().first() for name in _TOLD},
            **{f"{name}_values": pl.col(name).drop_nulls().n_unique() for name in _COMPARED},
        )
        .with_columns(
            contradicts=pl.concat_list(
                pl.when(pl.col(f"{name}_values") > 1).then(pl.lit(name)) for name in _COMPARED
            ).list.drop_nulls()
        )
        .with_columns(pl.when(pl.col("contradicts").list.len() > 0).then(pl.col("contradicts")))
        .set_sorted("key")
    )
    keys = _sorted(_keys(measured), _KEYS, ("key", "object"), folder / "keys.parquet").set_sorted("key")
    path = folder / "dated.parquet"
    joined = keys.join(first, on="key", how="inner", maintain_order="left")
    written(joined.select(_DATED.names), path)
    blocks = (pa.Table.from_batches([batch]).cast(_DATED) for batch in pq.ParquetFile(path).iter_batches())
    _sorted(blocks, _DATED, ("object",), folder / "dates.parquet")
    return said_of(folder)


def said_of(folder: Path) -> pl.LazyFrame:
    """What metadata files say of objects, one row an object, sorted by `object`: rows of `_DATED`."""
    found = pl.scan_parquet(folder / "dates.parquet", glob=False).set_sorted("object")
    firsts = {name: pl.col(name).drop_nulls().first() for name in _DATED.names[1:]}
    return found.group_by("object", maintain_order=True).agg(**firsts).set_sorted("object")


def _said(measured: Measured) -> Iterator[pa.Table]:
    for table in measured.files("sidecar"):
        for batch in pq.ParquetFile(table).iter_batches():
            rows = pa.Table.from_batches([batch])
            samples = pc.binary_join_element_wise(_OF_SAMPLE, rows["sample"], b"")
            yield rows.add_column(0, "key", pc.coalesce(rows["target"], samples)).select(_SAID.names)


def _keys(measured: Measured) -> Iterator[pa.Table]:
    if not measured.files("sidecar"):
        return
    for rows in measured.listing.batches(["object", "path", "sample"]):
        yield pa.table([rows["path"], rows["object"]], _KEYS)
        rows = rows.filter(pc.is_valid(rows["sample"]))
        samples = pc.binary_join_element_wise(_OF_SAMPLE, rows["sample"], b"")
        yield pa.table([samples, rows["object"]], _KEYS)


def _sorted(blocks: Iterator[pa.Table], schema: pa.Schema, by: tuple[str, ...], path: Path) -> pl.LazyFrame:
    """Rows sorted on disk."""
    with (
        Sorter(path.with_suffix(".runs"), schema, by) as rows,
        pq.ParquetWriter(path, schema, write_statistics=False) as writer,
    ):
        for block in blocks:
            rows.add(block)
        for block in rows.sorted():
            writer.write_table(block)
    return pl.scan_parquet(path, glob=False)


_OF_OBJECT = ("name", "encoding", "compression", "date_sidecar", "date_sidecar_modified")


def _items(measured: Measured, found: Duplicates, objects: pl.LazyFrame) -> pl.LazyFrame:
    """All items, with what is known of their objects and whether they repeat others."""
    columns = [name for name in ITEMS.names if name not in ("sketch", "fingerprint")]
    rows = scan(measured.files("items"), ITEMS).select("id", *columns).set_sorted("object")
    of_object = objects.select("object", *_OF_OBJECT).set_sorted("object")
    rows = rows.join(of_object, on="object", how="left", maintain_order="left")
    told = (
        pl.scan_parquet(found.surplus, glob=False).with_columns(surplus=pl.lit(value=True)),
        pl.scan_parquet(found.linked, glob=False).rename({"certain": "linked"}),
        pl.scan_parquet(found.turned, glob=False).with_columns(turned=pl.lit(value=True)),
    )
    for each in told:
        more = each.drop("object", "place").set_sorted("id")
        rows = rows.set_sorted("id").join(more, on="id", how="left", maintain_order="left")
    return rows.drop("id").with_columns(pl.col("surplus", "turned").fill_null(value=False))
