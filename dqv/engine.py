"""The stages of one run: each turns arguments into tasks and tasks into proved parts.

measure → plant → equal items, near-duplicates of each modality → witnesses, excerpts
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dqv import assemble
from dqv.checks.engine import Case, Paragraphs
from dqv.checks.resolution import below_floor
from dqv.connectors import layout, storage
from dqv.core.errors import SourceError
from dqv.core.location import Location, as_args, named, secrets_of
from dqv.core.policy import Policy
from dqv.core.registration import Registration
from dqv.core.schema import ITEMS, MODALITIES, PARAGRAPHS
from dqv.core.settings import Assurance, Measuring, Settings
from dqv.execute import cluster, manifest, partitions
from dqv.execute.ledger import Ledger, Part, Task, code_digest
from dqv.measure.witness import version as ffmpeg_version
from dqv.neardup import films
from dqv.reports.escape import visible_path
from dqv.reports.html import Excerpt
from dqv.stages import duplicates, excerpts, near_media, planted, witness
from dqv.stages import measure as measuring


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


def list_source(source: Sequence[Location]) -> pa.Table:
    """List and classify what lies at the locations of a dataset.

    Raises:
        SourceError: not readable, empty, or nothing in it that dqv knows.
    """
    listing = manifest.build(
        manifest.Entry(
            each.path, each.size_bytes, each.mtime_ns, each.identity, kind.role, kind.why, kind.modality, kind.format,
            kind.compression,
        )
        for each in storage.open_store(as_args(source)).listed()
        for kind in (layout.classify(each.path, each.kind),)
    )  # fmt: skip
    if not listing.num_rows:
        raise SourceError(f"{named(source)} is empty; give the folder that holds the dataset")
    roles = listing["role"].to_pylist()
    if "data" not in roles:
        names = ", ".join(visible_path(path) for path in listing["path"].to_pylist()[:5])
        raise SourceError(
            f"{named(source)} holds nothing that dqv knows as data: {listing.num_rows} names, such as {names}; "
            "the README lists the formats"
        )
    return listing


@dataclass(frozen=True)
class Measured:
    """What the parts of a source say.

    Attributes:
        common: what every call that reads it gets: `source`, the folder, and `measuring`.
        pieces: of each task.
        parts: idem.
    """

    common: dict[str, Any]
    pieces: list[list[partitions.Piece]]
    parts: list[Part]

    def files(self, table: str) -> list[Path]:
        """All tables of one kind, in canonical order."""
        return [path for part in self.parts for path in part.files(table)]


@dataclass(frozen=True)
class Duplicates:
    """What was found of duplicates.

    Attributes:
        surplus: table `SURPLUS`.
        linked: table `LINKED`.
        turned: table `TURNED`.
        planted: by modality, how many planted pairs were found, of how many.
        unverified: by modality, pairs that could not be verified because the data changed.
        crowded: by modality, kept items of whose many candidates the likeliest alone were compared.
    """

    surplus: Path
    linked: Path
    turned: Path
    planted: dict[str, tuple[int, int]]
    unverified: dict[str, int]
    crowded: dict[str, int]


@dataclass(frozen=True)
class Engine:
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
                secrets=secrets_of(self.settings.where) if "source" in args or "sources" in args else {},
            )
            for index, (args, work) in enumerate(calls)
        ]
        return cluster.run_stage(self.client, self.ledger, tasks, self.progress.advance)

    @property
    def _common(self) -> dict[str, Any]:
        return {
            "source": as_args(self.settings.where),
            "measuring": self.settings.measuring.model_copy(
                update={
                    "near_text": self.policy.near_text,
                    "long_text_bytes": self.policy.long_text.item_bytes,
                }
            ).model_dump(mode="json"),
        }

    def measure(self, listing: pa.Table, registration: Registration | None) -> Measured:
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
        return Measured(self._common, pieces, self._run("measure", measuring.measure, calls))

    def plant(self, listing: pa.Table) -> Measured | None:
        """The items of the self-test, as if they stood behind the data; None where nothing is compared."""
        modalities = {each for each in listing["modality"].unique().to_pylist() if each is not None}
        if not modalities or self.settings.measuring.assurance is not Assurance.FULL:
            return None
        if modalities & {"audio", "video"}:  # a container of the one may hold the other
            modalities |= {"audio", "video"}
        folder = self.ledger.parts.resolve().parent / "planted"
        planted.plant(folder, sorted(modalities))
        rows = [
            {**row, "object": listing.num_rows + row["object"]}
            for row in manifest.rows(list_source([Location(url=os.fspath(folder))]))
            if row["role"] == "data"  # nothing that others left there
        ]
        pieces = [partitions.Piece(row, "whole", 0, 0, row["size_bytes"]) for row in rows]
        common = {
            "source": as_args([Location(url=os.fspath(folder))]),
            "measuring": Measuring(near_text=self.policy.near_text).model_dump(mode="json"),
        }
        args = {**common, "raw": None, "pieces": [piece.as_args() for piece in pieces]}
        return Measured(common, [pieces], self._run("planted", measuring.measure, [(args, 0)]))

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

    def duplicates(self, measured: Measured, test: Measured | None) -> Duplicates:
        """Kept and surplus, in all modalities; what was planted goes the same way."""
        both = [measured] if test is None else [measured, test]
        parts, _ = _numbered(both, "items")
        parts, copies, modalities = self._copies(parts, "")
        decided: list[str] = []
        linked: list[str] = []
        turned: list[str] = []
        unverified, crowded = dict.fromkeys(MODALITIES, 0), dict.fromkeys(MODALITIES, 0)
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
            unverified["image"] = sum(part.result[0] for part in compared)
            crowded["image"] = sum(part.result[1] for part in compared)
        if "video" in modalities:
            watched, unverified["video"], crowded["video"] = self._near_videos(both, every)
            decided += watched
        found = {"copies": copies, "decided": decided, "linked": linked, "turned": turned, "parts": False}
        (settled,) = self._run("settle", duplicates.settle, [(found, 0)])
        first = {name: settled.files(name)[0] for name in ("surplus", "linked", "turned")}
        return Duplicates(
            first["surplus"],
            first["linked"],
            first["turned"],
            _planted(test, first["surplus"]),
            unverified,
            crowded,
        )

    def paragraphs(self, measured: Measured) -> Paragraphs | None:
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
                scan(measured.files("items"), ITEMS)
                .filter(short)
                .with_columns(part=pl.lit(None, pl.Int64))
                .select(*where, "text_bytes"),
                scan(measured.files("paragraphs"), PARAGRAPHS).select(*where, "text_bytes"),
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
        self, measured: Sequence[Measured], parts: list[dict[str, Any]], copies: list[str], prefix: str
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
        of_group = {"of_group": _names(crowds, "bins")[0], "bins": crowds.result}
        members = self._tables("members", duplicates.members, [{**part, **crowd} for part in parts], prefix)
        links = self._tables(
            "links",
            duplicates.links,
            [{"groups": path, "bucket": number, **of_group} for number, path in enumerate(groups)],
            prefix,
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

    def _verify(self, measured: Sequence[Measured], wanted: list[str], prefix: str) -> list[Part]:
        """Shingle sets of the items that sketches do not settle, from the data itself."""
        objects = {
            number
            for path in wanted
            for number in pl.read_parquet(path, columns=["object"])["object"].unique()
        }
        calls = [({**args, "wanted": wanted}, work) for args, work in self._again(measured, objects)]
        return self._run(f"{prefix}verify", duplicates.shingles, calls)

    def _near_pictures(self, measured: Sequence[Measured], every: dict[str, Any]) -> list[Part]:
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

    def _near_videos(self, measured: Sequence[Measured], every: dict[str, Any]) -> tuple[list[str], int, int]:
        """The table of decided videos, how many pairs could not be compared, and how many kept ones are crowded.

        In rounds of one task a pair.
        """
        (found,) = self._run("videos", near_media.videos, [(every, 0)])
        if not found.result["pairs"]:
            return [], 0, len(found.result["crowded"])
        (table,) = _names(found, "videos")
        numbers = pl.read_parquet(table, columns=["object"])["object"].to_list()
        pieces = {
            piece.row["object"]: (
                each.common,
                partitions.Piece(piece.row, "whole", 0, 0, piece.row["size_bytes"]),
            )
            for each in measured
            for task in each.pieces
            for piece in task
        }
        decisions = films.Decisions(len(numbers), np.array(found.result["pairs"], np.int64))
        told: dict[tuple[int, int], list[int] | None] = {}
        while asked := decisions.asked():
            calls = []
            for pair in asked:
                (mine, one), (common, other) = (pieces[numbers[row]] for row in pair)
                args = {
                    **common,
                    "videos": table,
                    "pair": list(pair),
                    "sources": [mine["source"], common["source"]],
                    "pieces": [one.as_args(), other.as_args()],
                }
                calls.append((args, one.work + other.work))
            parts = self._run(f"watch-{len(told)}", near_media.watch, calls)
            for pair, part in zip(asked, parts, strict=True):
                told[pair] = part.result
                decisions.tell(*pair, verified=bool(part.result and part.result[0]))
        rows = np.flatnonzero(decisions.original >= 0).tolist()
        originals = decisions.original[rows].tolist()
        fits = [told[original, row] for original, row in zip(originals, rows, strict=True)]
        args = {"videos": table, "rows": rows, "originals": originals, "fits": fits}
        crowded = int(np.count_nonzero(decisions.original[found.result["crowded"]] < 0))
        return self._tables("watched", near_media.watched, [args]), list(told.values()).count(None), crowded

    def _again(self, measured: Sequence[Measured], objects: set[int]) -> Iterator[tuple[dict[str, Any], int]]:
        """Arguments and work of the tasks that read these objects once more, in the partitions of their measuring."""
        for each in measured:
            for task in each.pieces:
                chosen = [
                    piece for piece in task if piece.row["object"] in objects and piece.read != "digest"
                ]
                if chosen:
                    pieces = [piece.as_args() for piece in chosen]
                    args = {**each.common, "pieces": pieces}
                    yield args, sum(piece.work for piece in chosen)

    def _tables(self, stage: str, function: Any, calls: list[dict[str, Any]], prefix: str = "") -> list[str]:
        """Run a stage over tables of ours; the paths of the tables that it is named after, in order."""
        return _all_names(self._run(prefix + stage, function, [(args, 0) for args in calls]), stage)

    def witness(self, listing: pa.Table, measured: Measured, reference: date) -> assemble.Witnessed | None:
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
        self, measured: Sequence[Measured], found: Duplicates, reference: date
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
                calls.append(({**each.common, "pieces": pieces, "pairs": pairs}, 0))
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
            args = {
                **self._common,
                "pieces": _pieces(listing, numbers),
                "places": rows["place"].to_list(),
                "modality": modality,
            }
            (part,) = self._run(f"excerpts-{modality}", excerpts.thumbnails, [(args, 0)])
            made = pl.read_parquet(part.files("excerpts")).iter_rows() if part.tables else ()
            pictures = {(number, place): jpeg for number, place, jpeg in made}
            found[f"resolution.{modality}"] = [
                Excerpt(
                    row["name"],
                    f"{row['width_px']} × {row['height_px']}",
                    pictures[row["object"], row["place"]],
                )
                for row in rows.iter_rows(named=True)
                if (row["object"], row["place"]) in pictures
            ]
        return found


def _planted(measured: Measured | None, surplus: Path) -> dict[str, tuple[int, int]]:
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


def _numbered(measured: Sequence[Measured], table: str, first: int = 0) -> tuple[list[dict[str, Any]], int]:
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


def scan(paths: list[Path], schema: pa.Schema) -> pl.LazyFrame:
    """All tables of one kind as one; of none, an empty one."""
    empty = pl.DataFrame(pl.from_arrow(schema.empty_table())).lazy()
    return pl.concat([empty, *(pl.scan_parquet(path) for path in paths)])
