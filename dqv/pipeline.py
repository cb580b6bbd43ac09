"""The way of the data, wired once.

registration → source → manifest → partitions → measurements → duplicates → findings → report → signed envelope
"""

import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np
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
from dqv.core.schema import ITEMS, MODALITIES, PARAGRAPHS, READ_OBJECTS, SIDECAR
from dqv.core.settings import Assurance, Measuring, Settings
from dqv.execute import cluster, manifest, partitions
from dqv.execute.ledger import Ledger, Part, Task, code_digest, versions
from dqv.execute.outfolder import finished, out_folder
from dqv.execute.sandbox import close_child, run_task
from dqv.measure.witness import version as ffmpeg_version
from dqv.neardup import films
from dqv.reports.escape import visible_path
from dqv.reports.html import Excerpt, render
from dqv.reports.model import Report
from dqv.stages import duplicates, excerpts, near_media, planted, witness
from dqv.stages import explain as explaining
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
            test = engine.plant(listing)
            found = engine.duplicates(measured, test)
            paragraphs = engine.paragraphs(measured)
            witnessed = engine.witness(listing, measured, reference)
            retold = engine.retell([measured] if test is None else [measured, test], found, reference)
            items, objects, hashes = _tables(listing, measured, found)
            facts = summarise(items, objects, policy)
            deciding = deciding_modalities(registration, settings.modalities, facts, policy)
            case = Case(
                policy, registration, reference, items, objects, deciding, facts, found.unverified,
                {**(witnessed.disagreements if witnessed else {}), **(retold.disagreements if retold else {})},
                found.planted,
                paragraphs,
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
            retold=retold,
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
    """What the parts of a source say.

    Attributes:
        source: the folder.
        pieces: of each task.
        parts: idem.
    """

    source: str
    pieces: list[list[partitions.Piece]]
    parts: list[Part]

    def files(self, table: str) -> list[Path]:
        """All tables of one kind, in canonical order."""
        return [path for part in self.parts for path in part.files(table)]


@dataclass(frozen=True)
class _Duplicates:
    """What was found of duplicates.

    Attributes:
        surplus: table `SURPLUS`.
        linked: table `LINKED`.
        turned: table `TURNED`.
        planted: by modality, how many planted pairs were found, of how many.
        unverified: by modality, pairs that could not be verified because the data changed.
    """

    surplus: Path
    linked: Path
    turned: Path
    planted: dict[str, tuple[int, int]]
    unverified: dict[str, int]


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
        return _Measured(self._common["source"], pieces, self._run("measure", measuring.measure, calls))

    def plant(self, listing: pa.Table) -> _Measured | None:
        """The items of the self-test, as if they stood behind the data; None where nothing is compared."""
        if self.settings.measuring.assurance is not Assurance.FULL:
            return None
        modalities = {each for each in listing["modality"].unique().to_pylist() if each is not None}
        if modalities & {"audio", "video"}:  # a container of the one may hold the other
            modalities |= {"audio", "video"}
        folder = self.ledger.parts.resolve().parent / "planted"
        planted.plant(folder, sorted(modalities))
        rows = [
            {**row, "object": listing.num_rows + row["object"]}
            for row in manifest.rows(list_source(os.fspath(folder)))
        ]
        pieces = [partitions.Piece(row, "whole", 0, 0, row["size_bytes"]) for row in rows]
        args = {
            **self._common,
            "source": os.fspath(folder),
            "measuring": {**self._common["measuring"], "text_field": None, "date_field": None},
            "raw": None,
            "pieces": [piece.as_args() for piece in pieces],
        }
        return _Measured(args["source"], [pieces], self._run("planted", measuring.measure, [(args, 0)]))

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

    def duplicates(self, measured: _Measured, test: _Measured | None) -> _Duplicates:
        """Kept and surplus, in all modalities; what was planted goes the same way."""
        both = [measured] if test is None else [measured, test]
        parts, _ = _numbered(both, "items")
        parts, copies, modalities = self._copies(parts, "")
        decided: list[str] = []
        linked: list[str] = []
        turned: list[str] = []
        unverified = dict.fromkeys(MODALITIES, 0)
        if "text" in modalities:
            texts = self._near_texts(both, parts, copies, "")
            decided += _all_names(texts, "decided")
            linked += _all_names(texts, "linked")
            unverified["text"] = sum(part.result for part in texts)
        every = {"items": [path for part in parts for path in part["items"]], "first": 0, "copies": copies}
        if "audio" in modalities:
            decided += self._tables("recordings", near_media.recordings, [every])
        if "image" in modalities:
            compared = self._near_pictures(both, every)
            decided += _all_names(compared, "compare")
            turned += _all_names(compared, "turned")
            unverified["image"] = sum(part.result for part in compared)
        if "video" in modalities:
            watched, unverified["video"] = self._near_videos(both, every)
            decided += watched
        found = {"copies": copies, "decided": decided, "linked": linked, "turned": turned, "parts": False}
        (settled,) = self._run("settle", duplicates.settle, [(found, 0)])
        first = {name: settled.files(name)[0] for name in ("surplus", "linked", "turned")}
        return _Duplicates(
            first["surplus"], first["linked"], first["turned"], _planted(test, first["surplus"]), unverified
        )

    def paragraphs(self, measured: _Measured) -> Paragraphs | None:
        """The paragraphs of long texts that repeat others; None where no text is long."""
        if not measured.files("paragraphs"):
            return None
        most, prefix = self.policy.long_text.item_bytes, "paragraphs-"
        items, first = _numbered([measured], "items")
        pieces, _ = _numbered([measured], "paragraphs", first)
        parts, copies, _ = self._copies([*({**part, "shorter": most} for part in items), *pieces], prefix)
        decided = self._near_texts([measured], parts, copies, prefix)
        found = {
            "copies": copies,
            "decided": _all_names(decided, "decided"),
            "linked": [],
            "turned": [],
            "parts": True,
        }
        (settled,) = self._run("paragraphs-settle", duplicates.settle, [(found, 0)])
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
        return Paragraphs(repeated, whole, sum(part.result for part in decided))

    def _copies(
        self, parts: list[dict[str, Any]], prefix: str
    ) -> tuple[list[dict[str, Any]], list[str], set[str]]:
        """The parts with the number of their buckets, what equals an earlier item, and the modalities there are."""
        count = duplicates.buckets(sum(part.pop("rows") for part in parts), self.policy.near_text.slots)
        parts = [{**part, "buckets": count} for part in parts]
        equal = self._run(f"{prefix}equal", duplicates.equal_keys, [(part, 0) for part in parts])
        calls = [{"tables": _all_names(equal, "equal"), "bucket": number} for number in range(count)]
        copies = self._tables("copies", duplicates.copies, calls, prefix)
        return parts, copies, {modality for part in equal for modality in part.result}

    def _near_texts(
        self, measured: Sequence[_Measured], parts: list[dict[str, Any]], copies: list[str], prefix: str
    ) -> list[Part]:
        """The decided texts: `decided`, `linked`, and how many pairs could not be verified."""
        slots, count = self.policy.near_text.slots, max((part["buckets"] for part in parts), default=0)
        keys = self._tables(
            "keys", duplicates.band_keys, [{**part, "copies": copies} for part in parts], prefix
        )
        buckets = [{"tables": keys, "bucket": number} for number in range(count)]
        groups = self._tables("groups", duplicates.groups, buckets, prefix)
        (crowds,) = self._run(f"{prefix}crowds", duplicates.crowds, [({"groups": groups}, 0)])
        crowd = {"crowd": _names(crowds, "crowd")[0], "bins": crowds.result, "slots": slots}
        members = self._tables("members", duplicates.members, [{**part, **crowd} for part in parts], prefix)
        links = self._tables(
            "links", duplicates.links, [{"groups": path, **crowd} for path in groups], prefix
        )
        both = {"members": members, "links": links, "slots": slots}
        bins = [{**both, "bin": number} for number in range(crowds.result)]
        wanted = self._tables("wanted", duplicates.candidates, bins, prefix)
        verified = self._verify(measured, wanted, prefix)
        calls = [
            ({**args, "shingles": [
                path for kind in ("shingles", "parts") for part in verified for path in _names(part, f"{kind}{number}")
            ]}, 0)
            for number, args in enumerate(bins)
        ]  # fmt: skip
        return self._run(f"{prefix}decide", duplicates.decide, calls)

    def _verify(self, measured: Sequence[_Measured], wanted: list[str], prefix: str) -> list[Part]:
        """Shingle sets of the items that sketches do not settle, from the data itself."""
        objects = {
            number
            for path in wanted
            for number in pl.read_parquet(path, columns=["object"])["object"].unique()
        }
        calls = [({**args, "wanted": wanted}, work) for args, work in self._again(measured, objects)]
        return self._run(f"{prefix}verify", duplicates.shingles, calls)

    def _near_pictures(self, measured: Sequence[_Measured], every: dict[str, Any]) -> list[Part]:
        """The decided pictures: `compare`, `turned`, and how many could not be read again."""
        (found,) = self._run("alike", near_media.alike, [(every, 0)])
        if not found.result:
            return []
        (alike,) = _names(found, "alike")
        objects = set(pl.read_parquet(alike, columns=["object"])["object"])
        calls = [({**args, "alike": alike}, work) for args, work in self._again(measured, objects)]
        greys = self._run("greys", near_media.greys, calls)
        bins = [
            {"alike": alike, "bin": number, "greys": _all_names(greys, f"greys{number}")}
            for number in range(found.result)
        ]
        return self._run("compare", near_media.compare, [(args, 0) for args in bins])

    def _near_videos(self, measured: Sequence[_Measured], every: dict[str, Any]) -> tuple[list[str], int]:
        """The table of decided videos, and how many pairs could not be compared: rounds of one task a pair."""
        (found,) = self._run("videos", near_media.videos, [(every, 0)])
        if not found.result:
            return [], 0
        (table,) = _names(found, "videos")
        numbers = pl.read_parquet(table, columns=["object"])["object"].to_list()
        pieces = {
            piece.row["object"]: (each.source, piece)
            for each in measured
            for task in each.pieces
            for piece in task
        }
        decisions = films.Decisions(len(numbers), np.array(found.result, np.int64))
        told: dict[tuple[int, int], list[int] | None] = {}
        while asked := decisions.asked():
            calls = []
            for pair in asked:
                (source, one), (other_source, other) = (pieces[numbers[row]] for row in pair)
                calls.append(
                    (
                        {
                            **self._common,
                            "videos": table,
                            "pair": list(pair),
                            "sources": [source, other_source],
                            "pieces": [one.as_args(), other.as_args()],
                        },
                        one.work + other.work,
                    )
                )
            parts = self._run(f"watch-{len(told)}", near_media.watch, calls)
            for pair, part in zip(asked, parts, strict=True):
                told[pair] = part.result
                decisions.tell(*pair, verified=bool(part.result and part.result[0]))
        rows = np.flatnonzero(decisions.original >= 0).tolist()
        originals = decisions.original[rows].tolist()
        fits = [told[original, row] for original, row in zip(originals, rows, strict=True)]
        args = {"videos": table, "rows": rows, "originals": originals, "fits": fits}
        return self._tables("watched", near_media.watched, [args]), list(told.values()).count(None)

    def _again(
        self, measured: Sequence[_Measured], objects: set[int]
    ) -> Iterator[tuple[dict[str, Any], int]]:
        """Arguments and work of the tasks that read these objects once more, in the partitions of their measuring."""
        for each in measured:
            for task in each.pieces:
                chosen = [
                    piece for piece in task if piece.row["object"] in objects and piece.read != "digest"
                ]
                if chosen:
                    pieces = [piece.as_args() for piece in chosen]
                    args = {**self._common, "source": each.source, "pieces": pieces}
                    yield args, sum(piece.work for piece in chosen)

    def _tables(self, stage: str, function: Any, calls: list[dict[str, Any]], prefix: str = "") -> list[str]:
        """Run a stage over tables of ours; the paths of the tables that it is named after, in order."""
        return _all_names(self._run(prefix + stage, function, [(args, 0) for args in calls]), stage)

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

    def retell(
        self, measured: Sequence[_Measured], found: _Duplicates, reference: date
    ) -> assemble.Retold | None:
        """What datasketch says of a sample of pairs of texts; None where there is none."""
        seed, calls = int(f"{reference:%Y%m%d}"), []
        for each in measured:
            rows = {piece.row["object"]: piece.row for task in each.pieces for piece in task}
            pairs = witness.text_pairs(found.surplus, rows, seed)
            numbers = sorted({pair[name] for pair in pairs for name in ("object", "original_object")})
            pieces = [
                partitions.Piece(rows[number], "whole", 0, 0, rows[number]["size_bytes"]).as_args()
                for number in numbers
            ]
            if pairs:
                calls.append(({**self._common, "source": each.source, "pieces": pieces, "pairs": pairs}, 0))
        if not calls:
            return None
        parts = self._run("retold", witness.retell, calls)
        facts = pl.read_parquet([path for part in parts for path in part.files("retold")])
        return assemble.Retold(parts[0].result, seed, facts)

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


def _planted(measured: _Measured | None, surplus: Path) -> dict[str, tuple[int, int]]:
    """By modality, how many of the planted copies are surplus, of how many."""
    if measured is None:
        return {}
    names = {
        piece.row["object"]: (piece.row["modality"], os.fsdecode(piece.row["path"]))
        for task in measured.pieces
        for piece in task
    }
    rows = pl.scan_parquet(surplus).filter(pl.col("object").is_in(list(names)))
    found = set(rows.select("object").collect()["object"])
    counts: dict[str, tuple[int, int]] = {}
    for number, (modality, name) in names.items():
        if planted.is_copy(name):
            hits, all_of_it = counts.get(modality, (0, 0))
            counts[modality] = hits + (number in found), all_of_it + 1
    return counts


def _numbered(measured: Sequence[_Measured], table: str, first: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The tables of every part that has them, as arguments, and the ids of their first rows; the id behind them."""
    found = []
    for part in (part for each in measured for part in each.parts):
        paths = _names(part, table)
        if paths:
            rows = sum(pq.read_metadata(path).num_rows for path in paths)
            found.append({"items": paths, "first": first, "rows": rows})
            first += rows
    return found, first


def _names(part: Part, table: str) -> list[str]:
    """A part's tables of one kind, as arguments of a call."""
    return [os.fspath(path.resolve()) for path in part.files(table)]


def _all_names(parts: list[Part], table: str) -> list[str]:
    """The tables of one kind of all parts, in order."""
    return [name for part in parts for name in _names(part, table)]


def _pieces(listing: pa.Table, numbers: list[int]) -> list[dict[str, Any]]:
    """Whole objects, in the order of their numbers, as arguments of a call."""
    rows = listing.take(pa.array(numbers, pa.int64())).to_pylist()
    return [partitions.Piece(row, "whole", 0, 0, row["size_bytes"]).as_args() for row in rows]


def _tables(
    listing: pa.Table, measured: _Measured, found: _Duplicates
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
    fate = pl.scan_parquet(found.surplus).with_columns(surplus=pl.lit(value=True))
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
    chained = pl.scan_parquet(found.linked).rename({"certain": "linked"})
    items = items.join(chained, on=["object", "place"], how="left", maintain_order="left")
    turned = pl.scan_parquet(found.turned).with_columns(turned=pl.lit(value=True))
    items = items.join(turned, on=["object", "place"], how="left", maintain_order="left")
    return (
        items.with_columns(pl.col("surplus", "turned").fill_null(value=False)),
        objects,
        hashes,
    )


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


def explain(a: str, b: str, policy: str, text_field: str | None) -> dict[str, Any]:
    """Why two items are near-duplicates, or not.

    Args:
        a: path of a file, or `PATH#PLACE` for one record of it, with the place that the evidence names.
        b: idem.
        policy: id or file.
        text_field: as for a check.

    Returns:
        As `stages.explain.explain`.

    Raises:
        UsageError: one is no file, or holds nothing that dqv compares.
        DqvError: an item ends the child.
    """
    rules = load_policy(policy)
    found = [_named(each, number) for number, each in enumerate((a, b))]
    measuring = Measuring(text_field=text_field, near_text=rules.near_text)
    args = {
        "sources": [source for source, _, _ in found],
        "pieces": [piece for _, piece, _ in found],
        "places": [place for _, _, place in found],
        "measuring": measuring.model_dump(mode="json"),
    }
    with tempfile.TemporaryDirectory() as parts:
        task = Task(
            stage="explain", index=0, call=f"{explaining.explain.__module__}:explain", args=args, policy=rules.digest,
            limits=measuring.limits, parts=parts, work=0, code=code_digest(), reads_source=True,
        )  # fmt: skip
        try:
            answer: dict[str, Any] = run_task(task)["result"]
        finally:
            close_child()
    return answer


def _named(name: str, number: int) -> tuple[str, dict[str, Any], int]:
    """Folder, piece and place of one item; a file that is named like that comes before a place in one."""
    path, mark, place = name.rpartition("#")
    if Path(name).exists() or not mark or not place.isdecimal():
        path, place = name, "0"
    source = Path(path).resolve()
    if not source.is_file():
        raise UsageError(
            f"{path} is no file; give a file, or FILE#PLACE with a place that the evidence names"
        )
    kind, facts = layout.classify(os.fsencode(source.name), "file"), source.stat()
    if kind.modality is None:
        raise UsageError(f"{path} is not compared: {kind.why}")
    row = {
        "object": number, "path": os.fsencode(source.name), "size_bytes": facts.st_size, "mtime_ns": facts.st_mtime_ns,
        "identity": f"{facts.st_dev}:{facts.st_ino}", "role": kind.role, "why": kind.why, "modality": kind.modality,
        "format": kind.format, "compression": kind.compression,
    }  # fmt: skip
    return os.fspath(source.parent), partitions.Piece(row, "whole", 0, 0, facts.st_size).as_args(), int(place)


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
