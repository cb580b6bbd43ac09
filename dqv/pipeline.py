"""The way of the data, wired once.

registration → source → manifest → partitions → measurements → duplicates → findings → report → signed envelope
"""

import hashlib
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dqv import assemble
from dqv.checks import check_policy, run_checks
from dqv.checks.engine import Case, Paragraphs, deciding_modalities, summarise
from dqv.checks.resolution import below_floor
from dqv.connectors import layout, storage
from dqv.connectors.platforms import load_registration
from dqv.core.errors import ItemError, SourceError, UsageError
from dqv.core.files import sha256_file, write_atomic
from dqv.core.policy import Policy, load_policy
from dqv.core.registration import Registration
from dqv.core.schema import ITEMS, PARAGRAPHS, READ_OBJECTS, SIDECAR
from dqv.core.settings import Settings
from dqv.execute import cluster, manifest, partitions
from dqv.execute.ledger import Ledger, Part, Task, code_digest, versions
from dqv.execute.outfolder import finished, out_folder
from dqv.measure.witness import version as ffmpeg_version
from dqv.reports.escape import visible_path
from dqv.reports.html import Excerpt, render
from dqv.reports.model import Report
from dqv.stages import duplicates, excerpts, witness
from dqv.stages import measure as measuring
from dqv.trust import dsse, keys, statement, verification
from dqv.trust.manifest import manifest_root


class Progress(Protocol):
    """Told how far a run is; the CLI draws it."""

    def stage(self, name: str, work: int) -> None:
        """A stage begins; `work` is bytes of input."""

    def advance(self, work: int) -> None:
        """So much of it is done."""


class Silent:
    """A progress that nobody watches."""

    def stage(self, name: str, work: int) -> None:
        """Nothing."""

    def advance(self, work: int) -> None:
        """Nothing."""


def check(settings: Settings, progress: Progress | None = None) -> Report:
    """Check a dataset and write the report into the out folder.

    Raises:
        UsageError: policy, registration, key or out folder cannot be used; nothing was written.
        SourceError: the source cannot be read or holds nothing that dqv knows.
        IncompleteRun: stopped before the end; the same call goes on.
    """
    progress = progress or Silent()
    started = time.time()
    policy = load_policy(settings.policy)
    check_policy(policy)
    registration = load_registration(settings.registration) if settings.registration else None
    key = keys.load_private(settings.key) if settings.key else None
    listing = list_source(settings.source)
    with out_folder(settings, manifest.digest(listing), policy) as run:
        reference = run.reference_date
        with cluster.connect(settings.scheduler, settings.workers) as client:
            engine = _Engine(client, run.ledger, policy, settings, progress)
            measured = engine.measure(listing, registration)
            surplus, linked, unverified = engine.duplicates(measured)
            paragraphs = engine.paragraphs(measured)
            witnessed = engine.witness(listing, measured, reference)
            items, objects, hashes = _tables(listing, measured, surplus, linked)
            facts = summarise(items, objects, policy)
            deciding = deciding_modalities(registration, settings.modalities, facts, policy)
            case = Case(
                policy, registration, reference, items, objects, deciding, facts, unverified,
                witnessed.disagreements if witnessed else {}, paragraphs,
            )  # fmt: skip
            excerpts = engine.excerpts(listing, case) if settings.excerpts else {}
        outcomes = run_checks(case)
        manifest.write(listing, hashes, settings.out / "manifest.parquet")
        shutil.rmtree(settings.out / "evidence", ignore_errors=True)
        report = assemble.build(
            case,
            outcomes,
            settings,
            out=settings.out,
            root_sha256=manifest_root(settings.out / "manifest.parquet"),
            registration_sha256=sha256_file(settings.registration) if settings.registration else None,
            versions={**versions(), "code": code_digest()},
            environment=_environment(settings, started),
            witnessed=witnessed,
        )
        _write(report, settings, key, excerpts)
    return report


def list_source(source: str) -> pa.Table:
    """List and classify a source.

    Raises:
        SourceError: not readable, empty, or nothing in it that dqv knows.
    """
    if "://" in source:
        raise UsageError(f"{source}: this version reads folders only; give the path of a folder")
    listing = manifest.build(
        manifest.Entry(
            each.path, each.size_bytes, each.mtime_ns, each.identity, kind.role, kind.why, kind.modality, kind.format,
            kind.compression,
        )
        for each in storage.list_folder(source)
        for kind in (layout.classify(each.path, each.kind),)
    )  # fmt: skip
    if not listing.num_rows:
        raise SourceError(f"{source} is empty; give the folder that holds the dataset")
    roles = listing["role"].to_pylist()
    if "data" not in roles:
        names = ", ".join(visible_path(path) for path in listing["path"].to_pylist()[:5])
        raise SourceError(
            f"{source} holds nothing that dqv knows as data: {listing.num_rows} names, such as {names}; "
            "the README lists the formats"
        )
    return listing


@dataclass(frozen=True)
class _Measured:
    pieces: list[list[partitions.Piece]]
    parts: list[Part]

    def files(self, table: str) -> list[Path]:
        """All tables of one kind, in canonical order."""
        return [path for part in self.parts for path in part.files(table)]


@dataclass(frozen=True)
class _Engine:
    """The stages of one run: each turns args into tasks and tasks into proved parts."""

    client: Any
    ledger: Ledger
    policy: Policy
    settings: Settings
    progress: Progress

    def _run(self, stage: str, function: Any, calls: list[tuple[dict[str, Any], int]]) -> list[Part]:
        self.progress.stage(stage, sum(work for _, work in calls))
        tasks = [
            Task(
                stage=stage,
                index=index,
                call=f"{function.__module__}:{function.__name__}",
                args=args,
                policy=self.policy.digest,
                limits=self.settings.measuring.limits,
                parts=os.fspath(self.ledger.parts.resolve()),
                work=work,
                code=code_digest(),
                reads_source="source" in args,
            )
            for index, (args, work) in enumerate(calls)
        ]
        return cluster.run_stage(self.client, self.ledger, tasks, self.progress.advance)

    @property
    def _common(self) -> dict[str, Any]:
        return {
            "source": os.fspath(Path(self.settings.source).resolve()),
            "measuring": self.settings.measuring.model_copy(
                update={
                    "near_text": self.policy.near_text,
                    "long_text_bytes": self.policy.long_text.item_bytes,
                }
            ).model_dump(mode="json"),
        }

    def measure(self, listing: pa.Table, registration: Registration | None) -> _Measured:
        """Rows of every item and object."""
        rows = [row for row in manifest.rows(listing) if row["role"] != "ignored"]
        spans = self._spans(rows)
        cut = partitions.pack(
            piece for row in rows for piece in partitions.pieces_of(row, spans.get(row["object"], ()))
        )
        pieces = list(cut)
        sound = registration.modalities.get("audio") if registration is not None else None
        raw = sound.raw.model_dump() if sound is not None and sound.raw is not None else None
        calls = [
            (
                {**self._common, "raw": raw, "pieces": [piece.as_args() for piece in task]},
                sum(piece.work for piece in task),
            )
            for task in pieces
        ]
        return _Measured(pieces, self._run("measure", measuring.measure, calls))

    def _spans(self, rows: list[dict[str, Any]]) -> dict[int, list[tuple[int, int, int]]]:
        """Where large objects may be cut; footers of Parquet are read in the sandbox like all else."""
        large = [
            row
            for row in rows
            if row["role"] == "data"
            and row["format"] in measuring.SPANNED
            and row["compression"] is None
            and partitions.is_large(row["size_bytes"])
        ]
        spans = {
            row["object"]: partitions.byte_spans(row["size_bytes"])
            for row in large
            if row["format"] == "jsonl"
        }
        tables = [row for row in large if row["format"] == "parquet"]
        if tables:
            objects = [partitions.Piece(row, "whole", 0, 0, 0).as_args() for row in tables]
            (part,) = self._run("footers", measuring.footers, [({**self._common, "objects": objects}, 0)])
            for row, sizes in zip(tables, part.result, strict=True):
                spans[row["object"]] = partitions.group_spans(sizes or [])
        return spans

    def duplicates(self, measured: _Measured) -> tuple[Path, Path, int]:
        """The surplus items, those linked through them, and how many pairs changed data kept from being verified."""
        parts, _ = _numbered(measured, "items")
        found, unverified = self._texts(measured, parts, "")
        (settled,) = self._run("settle", duplicates.settle, [({**found, "parts": False}, 0)])
        surplus, linked = (settled.files(table)[0] for table in ("surplus", "linked"))
        return surplus, linked, unverified

    def paragraphs(self, measured: _Measured) -> Paragraphs | None:
        """The paragraphs of long texts that repeat others; None where no text is long."""
        if not measured.files("paragraphs"):
            return None
        most = self.policy.long_text.item_bytes
        items, first = _numbered(measured, "items")
        pieces, _ = _numbered(measured, "paragraphs", first)
        parts = [*({**part, "shorter": most} for part in items), *pieces]
        found, unverified = self._texts(measured, parts, "paragraphs-")
        (settled,) = self._run("paragraphs-settle", duplicates.settle, [({**found, "parts": True}, 0)])
        short = (
            (pl.col("status") == "measured") & (pl.col("modality") == "text") & (pl.col("text_bytes") <= most)
        )
        where = ["object", "place", "part"]
        sizes = pl.concat(
            [
                _scan(measured.files("items"), ITEMS)
                .filter(short)
                .with_columns(part=pl.lit(None, pl.Int64))
                .select(*where, "text_bytes"),
                _scan(measured.files("paragraphs"), PARAGRAPHS).select(*where, "text_bytes"),
            ]
        )
        whole = int(sizes.select(pl.col("text_bytes").sum()).collect().item())
        repeated = pl.scan_parquet(settled.files("surplus")[0])
        repeated = repeated.join(sizes, on=where, how="left", nulls_equal=True, maintain_order="left")
        return Paragraphs(repeated, whole, unverified)

    def _texts(
        self, measured: _Measured, parts: list[dict[str, Any]], prefix: str
    ) -> tuple[dict[str, list[str]], int]:
        """What `duplicates.settle` needs, and how many pairs could not be verified; stages are called by the prefix."""
        slots = self.policy.near_text.slots
        count = duplicates.buckets(sum(part.pop("rows") for part in parts), slots)
        parts = [{**part, "buckets": count} for part in parts]

        def tables(stage: str, function: Any, calls: list[dict[str, Any]]) -> list[str]:
            run = self._run(prefix + stage, function, [(args, 0) for args in calls])
            return [name for part in run for name in _names(part, stage)]

        keyed = tables("equal", duplicates.equal_keys, parts)
        each = [{"tables": keyed, "bucket": number} for number in range(count)]
        copies = tables("copies", duplicates.copies, each)
        keys = tables("keys", duplicates.band_keys, [{**part, "copies": copies} for part in parts])
        groups = tables("groups", duplicates.groups, [{**args, "tables": keys} for args in each])
        (crowds,) = self._run(f"{prefix}crowds", duplicates.crowds, [({"groups": groups}, 0)])
        crowd = {"crowd": _names(crowds, "crowd")[0], "bins": crowds.result, "slots": slots}
        members = tables("members", duplicates.members, [{**part, **crowd} for part in parts])
        links = tables("links", duplicates.links, [{"groups": path, **crowd} for path in groups])
        both = {"members": members, "links": links, "slots": slots}
        bins = [{**both, "bin": number} for number in range(crowds.result)]
        wanted = tables("wanted", duplicates.candidates, bins)
        verified = self._verify(measured, wanted, prefix)
        calls = [
            ({**args, "shingles": [
                path for kind in ("shingles", "parts") for part in verified for path in _names(part, f"{kind}{number}")
            ]}, 0)
            for number, args in enumerate(bins)
        ]  # fmt: skip
        decided = self._run(f"{prefix}decide", duplicates.decide, calls)
        found = {
            "copies": copies,
            **{
                table: [name for part in decided for name in _names(part, table)]
                for table in ("decided", "linked")
            },
        }
        return found, sum(part.result for part in decided)

    def _verify(self, measured: _Measured, wanted: list[str], prefix: str) -> list[Part]:
        """Shingle sets of the items that sketches do not settle, from the data itself."""
        objects = {
            number
            for path in wanted
            for number in pl.read_parquet(path, columns=["object"])["object"].unique()
        }
        calls = []
        for task in measured.pieces:
            chosen = [piece for piece in task if piece.row["object"] in objects and piece.read != "digest"]
            if chosen:
                args = {**self._common, "pieces": [piece.as_args() for piece in chosen], "wanted": wanted}
                calls.append((args, sum(piece.work for piece in chosen)))
        return self._run(f"{prefix}verify", duplicates.shingles, calls)

    def witness(self, listing: pa.Table, measured: _Measured, reference: date) -> assemble.Witnessed | None:
        """What the system's FFmpeg says of a sample of audio and video; None where there is none of either."""
        seed = int(f"{reference:%Y%m%d}")
        ours = witness.sample(measured.files("items"), seed)
        if not ours:
            return None
        pieces, version = _pieces(listing, [row["object"] for row in ours]), ffmpeg_version()
        calls = [
            ({**self._common, "pieces": [piece], "ours": [row], "version": version}, 0)
            for piece, row in zip(pieces, ours, strict=True)
        ]
        parts = self._run("witness", witness.recompute, calls)
        told = sorted({part.result for part in parts if part.result is not None})
        found = pl.read_parquet([path for part in parts for path in part.files("witness")]) if told else None
        return assemble.Witnessed(" / ".join(told) or None, seed, [row["modality"] for row in ours], found)

    def excerpts(self, listing: pa.Table, case: Case) -> dict[str, list[Excerpt]]:
        """Thumbnails of the first items below the floor, by rule."""
        found = {}
        for modality in ("image", "video"):
            below = below_floor(case, modality)
            if below is None:
                continue
            rows = below.head(excerpts.MOST).collect()
            numbers = rows["object"].to_list()
            if not numbers:
                continue
            args = {**self._common, "pieces": _pieces(listing, numbers)}
            (part,) = self._run(f"excerpts-{modality}", excerpts.thumbnails, [(args, 0)])
            pictures = dict(pl.read_parquet(part.files("excerpts")).iter_rows()) if part.tables else {}
            found[f"resolution.{modality}"] = [
                Excerpt(row["name"], f"{row['width_px']} × {row['height_px']}", pictures[row["object"]])
                for row in rows.iter_rows(named=True)
                if row["object"] in pictures
            ]
        return found


def _numbered(measured: _Measured, table: str, first: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The tables of every part that has them, as arguments, and the ids of their first rows; the id behind them."""
    found = []
    for part in measured.parts:
        paths = _names(part, table)
        if paths:
            rows = sum(pq.read_metadata(path).num_rows for path in paths)
            found.append({"items": paths, "first": first, "rows": rows})
            first += rows
    return found, first


def _names(part: Part, table: str) -> list[str]:
    """A part's tables of one kind, as arguments of a call."""
    return [os.fspath(path.resolve()) for path in part.files(table)]


def _pieces(listing: pa.Table, numbers: list[int]) -> list[dict[str, Any]]:
    """Whole objects, in the order of their numbers, as arguments of a call."""
    rows = listing.take(pa.array(numbers, pa.int64())).to_pylist()
    return [partitions.Piece(row, "whole", 0, 0, row["size_bytes"]).as_args() for row in rows]


def _tables(
    listing: pa.Table, measured: _Measured, surplus: Path, linked: Path
) -> tuple[pl.LazyFrame, pl.LazyFrame, dict[int, bytes]]:
    """Items with their dates and fate, objects with what reading them told, and the objects' digests."""
    columns = [name for name in ITEMS.names if name not in ("sketch", "fingerprint")]
    read = _scan(measured.files("objects"), READ_OBJECTS)
    told = (
        read.group_by("object")
        .agg(
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
        )
        .collect()
    )
    hashes = {
        number: digest for number, digest in told.select("object", "sha256").iter_rows() if digest is not None
    }
    names = [visible_path(path) for path in listing["path"].to_pylist()]
    frame = pl.DataFrame(pl.from_arrow(listing)).with_columns(name=pl.Series(names, dtype=pl.String))
    objects = frame.lazy().join(told.lazy(), on="object", how="left", maintain_order="left")
    items = _scan(measured.files("items"), ITEMS).select(columns)
    fate = pl.scan_parquet(surplus).with_columns(surplus=pl.lit(value=True))
    dates = (
        _scan(measured.files("sidecar"), SIDECAR)
        .join(frame.lazy().select("path", described="object"), left_on="target", right_on="path")
        .sort("object", "place")
        .group_by("described", maintain_order=True)
        .agg(
            date_sidecar=pl.col("date").drop_nulls().first(),
            date_sidecar_modified=pl.col("date_modified").drop_nulls().first(),
        )
    )
    items = items.join(dates, left_on="object", right_on="described", how="left", maintain_order="left")
    items = items.join(fate, on=["object", "place"], how="left", maintain_order="left")
    chained = pl.scan_parquet(linked).rename({"certain": "linked"})
    items = items.join(chained, on=["object", "place"], how="left", maintain_order="left")
    return items.with_columns(pl.col("surplus").fill_null(value=False)), objects, hashes


def _scan(paths: list[Path], schema: pa.Schema) -> pl.LazyFrame:
    """All tables of one kind as one; of none, an empty one."""
    empty = pl.DataFrame(pl.from_arrow(schema.empty_table())).lazy()
    return pl.concat([empty, *(pl.scan_parquet(path) for path in paths)])


def _environment(settings: Settings, started: float) -> dict[str, str]:
    return {
        "source": os.fspath(Path(settings.source).resolve()),
        "scheduler": settings.scheduler or "embedded",
        "workers": str(settings.workers or "one per core"),
        "started_utc": datetime.fromtimestamp(started, ZoneInfo("UTC")).isoformat(timespec="seconds"),
        "seconds": f"{time.time() - started:.1f}",
        "machine": platform.machine(),
        "system": platform.system(),
    }


def _write(report: Report, settings: Settings, key: Any, excerpts: Mapping[str, Sequence[Excerpt]]) -> None:
    """report.json, report.html and, with a key, the envelope; the state says finished last of all."""
    out = settings.out
    values = report.model_dump(mode="json", by_alias=True)
    content = orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_atomic(out / "report.json", content)
    write_atomic(out / "report.html", render(report, settings.lang, excerpts).encode())
    envelope = out / "report.dsse.json"
    if key is None:
        envelope.unlink(missing_ok=True)  # it would sign another report
    else:
        payload = statement.build(
            values,
            report_sha256=sha256_file(out / "report.json"),
            manifest_sha256=sha256_file(out / "manifest.parquet"),
            root_sha256=report.subject.root_sha256,
        )
        write_atomic(envelope, dsse.sign(payload, [key]))
    finished(out)


def verify(envelope: Path, trust: Path | None, source: str | None) -> list[verification.Step]:
    """Verify an envelope and, with a source, the data itself against the manifest.

    Args:
        envelope: report.dsse.json, with the other files beside it.
        trust: public key or folder of them; None: any signer (proves nothing about who).
        source: the dataset, or None.

    Raises:
        UsageError: a file that is needed cannot be read.
        SourceError: the dataset cannot be listed.
    """
    trusted = keys.load_trusted(trust) if trust is not None else None
    found = verification.verify(envelope, trusted=trusted)
    steps = list(found.steps)
    if source is not None and found.report is not None:
        steps.append(verification.compare_data(envelope.parent / "manifest.parquet", _digests(source)))
    return steps


def _digests(source: str) -> Iterator[tuple[bytes, int, bytes]]:
    """Path, size and sha256 of what counts in a dataset, read anew.

    What cannot be read has another digest than any file.
    """
    for row in manifest.rows(list_source(source)):
        if row["role"] == "ignored":
            continue
        try:
            with storage.open_object(
                source, row["path"], row["size_bytes"], row["mtime_ns"], row["identity"]
            ) as file:
                digest = hashlib.file_digest(file, "sha256").digest()
        except (ItemError, OSError):
            digest = b""
        yield row["path"], row["size_bytes"], digest
