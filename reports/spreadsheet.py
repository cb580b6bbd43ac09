"""Evidence as CSV that a spreadsheet opens as it is meant: as text, whatever things are named.

A cell that a spreadsheet could take for a formula gets an apostrophe before it (OWASP, CSV Injection). Excel reads UTF-8 with a byte
order mark as such, and lines that end in CR LF (RFC 4180). Where a list separator of the system is `;` a text may be cut there: every cell
is in quotes, and what would begin a formula behind `;` gets an apostrophe, too.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from dqv.core.errors import UsageError
from dqv.reports import evidence
from dqv.reports.escape import visible
from dqv.reports.load import Loaded

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_BEHIND = re.compile(r";[ \u3000\u00a0\"']*(?=[=+\-@＝＋－＠])")
_BATCH_ROWS = 1 << 16
MOST_ROWS = 1_048_576
"""A sheet of Excel has no more, the head among them; a longer file goes on in NAME.2.csv, NAME.3.csv …"""


def export(loaded: Loaded, out: Path) -> tuple[list[Path], list[str]]:
    """Write each evidence file of a report as CSV.

    Args:
        loaded: the report; its evidence is looked for beside it.
        out: folder to write into; made where it is not there.

    Returns:
        The files written, and the evidence that is not there.

    Raises:
        TrustError: an evidence file is another than the report's.
        UsageError: a file cannot be written.
    """
    written: list[Path] = []
    missing = []
    for file in loaded.report.evidence:
        rows = evidence.scan(loaded.folder, file)
        if rows is None:
            missing.append(file.path)
            continue
        try:
            out.mkdir(parents=True, exist_ok=True)
            written += _write(rows, out, Path(file.path).stem)
        except OSError as error:
            raise UsageError(
                f"{out} cannot be written: {error.strerror}; choose another folder with --out"
            ) from error
    return written, missing


def _write(rows: pl.LazyFrame, out: Path, name: str) -> Iterator[Path]:
    """One or more files; each is there whole or not at all."""
    names = rows.collect_schema().names()
    cells = _rows(rows)
    row = next(cells, None)
    number = 1
    while row is not None or number == 1:
        path = out / (f"{name}.csv" if number == 1 else f"{name}.{number}.csv")
        temporary = path.with_name(f".{path.name}.tmp")
        with temporary.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow(names)
            for _ in range(MOST_ROWS - 1):
                if row is None:
                    break
                writer.writerow([cell(value) for value in row])
                row = next(cells, None)
        temporary.replace(path)
        number += 1
        yield path


def _rows(rows: pl.LazyFrame) -> Iterator[tuple[Any, ...]]:
    for batch in rows.collect_batches(chunk_size=_BATCH_ROWS, engine="streaming"):
        yield from batch.iter_rows()


def cell(value: Any) -> Any:
    """A value as a cell: text made visible, and never a formula.

    Numbers stay numbers, also below zero. Bytes that are no UTF-8 stand in names as escapes already.
    """
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    if not isinstance(value, str):
        return value
    text = _BEHIND.sub(r"\g<0>'", visible(value))
    return (
        f"'{text}"
        if text.lstrip(" \u3000\u00a0").startswith(_FORMULA) or value.startswith(_FORMULA)
        else text
    )
