"""The list of a plan for scripts: JSON lines, so that a name with a line feed, a tab or a quote survives."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dqv.core.errors import TrustError
from dqv.core.units import FLICKS_PER_SECOND
from dqv.reports.escape import visible_path


def lines(rows: pl.DataFrame, folder: Path) -> Iterator[bytes]:
    """One JSON object a line.

    Each has `action` (remove: or replace; repair), `path` and `place`, and of a paragraph `part`; `modality`, `payload_bytes` or
    `duration_s`, and the `rules` it goes for. A path that is no UTF-8 stands in `path_base64`; where evidence does not tell it exactly,
    which is so for members of archives with bytes that are shown escaped, `path` is null and `name` shows it.

    Args:
        rows: of `fix.LISTED`.
        folder: of the report, for its manifest.

    Raises:
        TrustError: manifest.parquet is needed and is not this report's.
    """
    escaped = rows.filter(
        pl.col("name").str.contains("[U+", literal=True) | pl.col("name").str.contains("\\x", literal=True)
    )
    paths = _paths(folder / "manifest.parquet", dict(escaped.select("object", "name").iter_rows()))
    for row in rows.iter_rows(named=True):
        yield orjson.dumps(_line(row, paths), option=orjson.OPT_APPEND_NEWLINE)


def _line(row: Mapping[str, Any], paths: Mapping[int, bytes | None]) -> dict[str, Any]:
    path = paths[row["object"]] if row["object"] in paths else row["name"].encode()
    line = {"action": row["action"], **_path(path), "place": row["place"]}
    if path is None:
        line["name"] = row["name"]
    if row["part"] is not None:
        line["part"] = row["part"]
    if row["modality"] is not None:
        line["modality"] = row["modality"]
    if row["modality"] == "audio" and row["action"] == "remove":
        line["duration_s"] = row["weight"] / FLICKS_PER_SECOND
    else:
        line["stored_bytes" if row["action"] == "repair" else "payload_bytes"] = row["weight"]
    return {**line, "rules": row["rules"]}


def _path(path: bytes | None) -> dict[str, str | None]:
    if path is None:
        return {"path": None}
    try:
        return {"path": path.decode()}
    except UnicodeDecodeError:
        return {"path": None, "path_base64": b64encode(path).decode()}


def _paths(manifest: Path, names: Mapping[int, str]) -> dict[int, bytes | None]:
    """The exact paths of objects by their numbers, which are those of the rows of the manifest; members of archives have none there."""
    found: dict[int, bytes | None] = dict.fromkeys(names)
    if not names or not manifest.is_file():
        return found
    wanted, at, first = sorted(names), 0, 0
    try:
        with pq.ParquetFile(manifest) as file:
            for batch in file.iter_batches(columns=["path"]):
                while at < len(wanted) and wanted[at] < first + batch.num_rows:
                    found[wanted[at]] = path = batch.column(0)[wanted[at] - first].as_py()
                    if visible_path(path) != names[wanted[at]]:
                        raise TrustError(
                            "manifest.parquet is not the one of this report's evidence; get both anew"
                        )
                    at += 1
                first += batch.num_rows
    except (pa.ArrowException, OSError, LookupError, TypeError) as error:
        raise TrustError("manifest.parquet cannot be read; get it anew, with the report") from error
    return found
