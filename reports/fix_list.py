"""The list of a plan for scripts: JSON lines, so that a name with a line feed, a tab or a quote survives."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv.core.errors import TrustError
from dqv.core.units import FLICKS_PER_SECOND
from dqv.reports.escape import visible_path


def lines(rows: pl.DataFrame, folder: Path, verdicts: Mapping[str, str]) -> Iterator[bytes]:
    """One JSON object a line.

    Each has `action` (remove: or replace; remove_part: a paragraph of it, `part`; repair), `path` and `place`; `modality`,
    `payload_bytes` or `duration_s`, the `rules` it goes for, and of each that is a rule the verdict in the report (`verdicts`). A path that is no UTF-8 stands in `path_base64`. Where an item is no object of its own, or
    evidence does not tell which object it is, `path` is null and `name` shows it; of a member of an archive `archive` is the path of that.

    Args:
        rows: of `fix.LISTED`.
        folder: of the report, for its manifest.
        verdicts: of the report's rules.

    Raises:
        TrustError: manifest.parquet is not this report's.
    """
    objects = _objects(folder / "manifest.parquet", rows["name"].unique().to_list())
    for row in rows.iter_rows(named=True):
        told = {rule: verdicts[rule] for rule in row["rules"] if rule in verdicts}
        line = {**_line(row, objects), "rules": row["rules"], "verdicts": told}
        yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


class _Object(NamedTuple):
    """What an item stands in, as far as it is known.

    Attributes:
        path: of its object; None: it stands in an archive, or the name is that of several.
        archive: the path of the archive that it is a member of.
    """

    path: bytes | None = None
    archive: bytes | None = None


def _line(row: Mapping[str, Any], objects: Mapping[str, _Object]) -> dict[str, Any]:
    path, archive = objects.get(row["name"]) or _Object(row["name"].encode())
    line = {"action": row["action"], **_path("path", path), "place": row["place"]}
    if path is None:
        line["name"] = row["name"]
    if archive is not None:
        line |= _path("archive", archive)
    if row["part"] is not None:
        line["part"] = row["part"]
    if row["modality"] is not None:
        line["modality"] = row["modality"]
    if row["modality"] == "audio" and row["action"] == "remove":
        line["duration_s"] = row["weight"] / FLICKS_PER_SECOND
    else:
        line["stored_bytes" if row["action"] == "repair" else "payload_bytes"] = row["weight"]
    return line


def _path(key: str, path: bytes | None) -> dict[str, str | None]:
    if path is None:
        return {key: None}
    try:
        return {key: path.decode()}
    except UnicodeDecodeError:
        return {key: None, f"{key}_base64": b64encode(path).decode()}


def _objects(manifest: Path, names: Iterable[str]) -> dict[str, _Object]:
    """What the names do not tell by themselves: those with escapes, and those in archives.

    By names, for numbers of objects count the members of archives, which the manifest does not have.
    """
    if not manifest.is_file():
        return {name: _Object() for name in names if _is_escaped(name)}
    archives: dict[str, bytes | None] = {}
    for batch in _batches(manifest, "path", "role"):
        for path in batch.filter(pc.equal(batch["role"], "container"))["path"].to_pylist():
            archives[visible_path(path)] = None if visible_path(path) in archives else path
    outer = {name: found for name in names if archives and (found := _outer(name, archives))}
    wanted = {name for name in names if name in outer or _is_escaped(name)}
    exact: dict[str, bytes | None] = {}
    for batch in _batches(manifest, "path") if wanted else ():
        for path in batch["path"].to_pylist():
            shown = visible_path(path)
            if shown in wanted:
                exact[shown] = None if shown in exact else path
    if wanted - exact.keys() - outer.keys():
        raise TrustError("manifest.parquet is not the one of this report's evidence; get both anew")
    return {
        name: _Object(None if name in outer else exact[name])
        if name in exact
        else _Object(archive=archives[outer[name][0]] if len(outer[name]) == 1 else None)
        for name in wanted
    }


def _is_escaped(name: str) -> bool:
    """Whether a name may show another path than it spells."""
    return "[U+" in name or "\\x" in name


def _outer(name: str, archives: Mapping[str, bytes | None]) -> list[str]:
    """The archives that may hold an item of this name."""
    cuts = (at for at, char in enumerate(name) if char == "/")
    return [name[:at] for at in cuts if name[:at] in archives]


_COLUMNS = {"path": pa.binary(), "role": pa.string()}


def _batches(manifest: Path, *columns: str) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(name, _COLUMNS[name]) for name in columns])
    try:
        with pq.ParquetFile(manifest) as file:
            for batch in file.iter_batches(columns=list(columns)):
                yield batch.select(columns).cast(schema).drop_null()
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        raise TrustError("manifest.parquet cannot be read; get it anew, with the report") from error
