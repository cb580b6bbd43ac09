"""The stages of one run: each turns arguments into tasks and tasks into proved parts.

measure → plant → equal items, near-duplicates of each modality → witnesses, excerpts
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dqv import assemble
from dqv.checks.engine import Case, Documents, Paragraphs
from dqv.checks.resolution import below_floor
from dqv.connectors import layout, storage
from dqv.core.errors import SourceError
from dqv.core.files import sha256_file
from dqv.core.location import Location, as_args, named, secrets_of
from dqv.core.policy import Policy
from dqv.core.registration import Registration
from dqv.core.schema import (
    ASPECTS,
    DOCUMENTS,
    EXPECTATIONS,
    ITEMS,
    MODALITIES,
    PARAGRAPHS,
    STATEMENTS,
    UNEXPECTED,
)
from dqv.core.settings import Assurance, Measuring, Settings
from dqv.execute import cluster, manifest, partitions
from dqv.execute.ledger import Ledger, Part, Task, code_digest
from dqv.measure.witness import version as ffmpeg_version
from dqv.neardup import films
from dqv.reports.escape import shortened, visible_path
from dqv.reports.html import Excerpt
from dqv.stages import (
    binding,
    documents,
    duplicates,
    excerpts,
    expectations,
    index,
    near_media,
    planted,
    standards,
    witness,
)
from dqv.stages import measure as measuring
from dqv.trust import merkle
from dqv.trust.manifest import Binder, Bound, counts

_BOUND = 1 << 18
"""Objects whose records are hashed in one task, at least: some seconds of work."""

_FOOTERS = 1024
"""Large Parquet objects of one task."""

_WATCHES = 1024
"""Pairs of videos whose rows of the listing are held at a time."""


_DOCUMENTS = 1000
"""Documents that are read, of all; the others are counted as not read."""


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


def list_source(source: Sequence[Location], path: Path, first: int = 0) -> manifest.Listing:
    """List and classify what lies at the locations of a dataset.

    Args:
        source: where it lies.
        path: of the listing, which is written.
        first: number of its first object.

    Raises:
        SourceError: not readable, empty, or nothing in it that dqv knows.
        OSError: the listing cannot be written.
    """
    listing = manifest.write(classified(storage.open_store(as_args(source)).listed()), path, first)
    if not listing.names:
        raise SourceError(f"{named(source)} is empty; give the folder that holds the dataset")
    _has_data(listing, source, ("data", "container"))
    return listing


def _has_data(listing: manifest.Listing, source: Sequence[Location], roles: tuple[str, ...]) -> None:
    if not any(role in roles for role, _ in listing.counts):
        paths = next(listing.batches(["path"]))["path"].slice(0, 5).to_pylist()
        raise SourceError(
            f"{named(source)} holds nothing that dqv knows as data: {listing.names} names, such as "
            f"{', '.join(map(visible_path, paths))}; the README lists the formats"
        )


def classified(listed: Iterable[storage.Listed]) -> Iterator[manifest.Entry]:
    """What was listed, and what each name is."""
    for each in listed:
        kind = layout.classify(each.path, each.kind)
        yield manifest.Entry(
            each.path, each.size_bytes, each.mtime_ns, each.identity, kind.role, kind.why, kind.modality, kind.format,
            kind.compression,
        )  # fmt: skip


_HEADERS_BYTES = 10**6
"""What of an object is read at most where only its headers are."""


@dataclass(frozen=True)
class Measured:
    """What the parts of a source say.

    Attributes:
        common: what every call that reads it gets: `source`, the folder, `listing`, the file, and `measuring`.
        listing: of the source.
        ranges: of each task.
        parts: idem.
    """

    common: dict[str, Any]
    listing: manifest.Listing
    ranges: list[partitions.Range]
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
class Described:
    """What describes the dataset as a whole: Croissant, Hugging Face's cards.

    Attributes:
        said: of each, as `measure.problems.Said`, and the `object`.
        problems: tables `PROBLEMS`.
        references: rows of `stages.standards.REFERENCES`.
        patterns: rows of `stages.standards.PATTERNS`.
    """

    said: list[dict[str, Any]]
    problems: list[Path]
    references: pl.DataFrame
    patterns: pl.DataFrame


@dataclass(frozen=True)
class Expected:
    """What Great Expectations says.

    Attributes:
        results: rows of `EXPECTATIONS`.
        unexpected: rows of `UNEXPECTED`.
    """

    results: pl.DataFrame
    unexpected: pl.LazyFrame


_DESCRIPTIONS = 64
"""Descriptions of the whole that are looked at in one task."""


@dataclass(frozen=True)
class Engine:
    """The stages of one run: each turns args into tasks and tasks into proved parts."""

    client: Any
    ledger: Ledger
    policy: Policy
    settings: Settings
    progress: Progress

    def _run(
        self, stage: str, function: Any, calls: Iterable[tuple[dict[str, Any], int]], work: int = 0
    ) -> list[Part]:
        """Run a stage.

        Args:
            stage: its name.
            function: of `dqv.stages`.
            calls: arguments and work of each task, made when it is its turn.
            work: of all of them.
        """
        self.progress.stage(stage, work)
        secrets = secrets_of(self.settings.where)
        tasks = (
            Task(
                stage=stage,
                index=index,
                call=f"{function.__module__}:{function.__name__}",
                args=args,
                policy=self.policy.digest,
                limits=self.settings.measuring.limits,
                parts=os.fspath(self.ledger.parts.resolve()),
                work=each,
                code=code_digest(),
                reads_source="source" in args,
                secrets=secrets if "source" in args else {},
            )
            for index, (args, each) in enumerate(calls)
        )
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

    def expand(self, listing: manifest.Listing) -> manifest.Listing:
        """The listing with the members of its archives behind each of them.

        Raises:
            SourceError: there is nothing in them that dqv knows.
        """
        if ("container", None) not in listing.counts:
            return listing
        sizes = (
            pc.sum(rows["size_bytes"].filter(pc.equal(rows["role"], "container"))).as_py()
            for rows in listing.batches(["role", "size_bytes"])
        )
        work = sum(size or 0 for size in sizes)
        archives = (
            partitions.piece(row)
            for rows in listing.batches()
            for row in rows.filter(pc.equal(rows["role"], "container")).to_pylist()
        )
        parts = self._run("index", index.members, self._packed(archives), work)
        members = (
            pa.Table.from_batches([batch], index.MEMBERS)
            for part in parts
            for path in part.files("members")
            for batch in pq.ParquetFile(path).iter_batches(1 << 16)
        )
        found = manifest.expanded(listing, members, listing.path.with_name("members.parquet"))
        _has_data(found, self.settings.where, ("data",))
        return found

    def _packed(self, pieces: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], int]]:
        """Arguments and work of the tasks that read these objects as a whole, some in each."""
        held: list[dict[str, Any]] = []
        work = 0
        for piece in pieces:
            if held and (work + piece["size_bytes"] > partitions.TARGET_BYTES or len(held) >= _FOOTERS):
                yield {**self._common, "pieces": held}, work
                held, work = [], 0
            held.append(piece)
            work += piece["size_bytes"]
        if held:
            yield {**self._common, "pieces": held}, work

    def documents(self, listing: manifest.Listing) -> Documents | None:
        """What the documents say; None where they are not read, since only headers are.

        Of very many, those called documentation by their names come before those that only lie in its folder.
        """
        if self.settings.measuring.assurance is not Assurance.FULL:
            return None
        chosen: list[dict[str, Any]] = []
        if any(role in ("documentation", "licence") for role, _ in listing.counts):
            named: list[int] = []
            others: list[int] = []
            for rows in listing.batches(["object", "role", "why"]):
                rows = rows.filter(pc.is_in(rows["role"], pa.array(["documentation", "licence"])))
                for number, why in zip(rows["object"].to_pylist(), rows["why"].to_pylist(), strict=True):
                    (others if why == "documentation-folder" else named).append(number)
                del named[_DOCUMENTS:], others[_DOCUMENTS:]
            chosen = _pieces(listing, sorted([*named, *others][:_DOCUMENTS]))
        work = sum(piece["size_bytes"] for piece in chosen)
        parts = self._run("documents", documents.read, self._packed(chosen), work) if chosen else []

        def table(name: str, schema: pa.Schema) -> pl.DataFrame:
            return scan([path for part in parts for path in part.files(name)], schema).drop("id").collect()

        return Documents(
            table("documents", DOCUMENTS), table("aspects", ASPECTS), table("statements", STATEMENTS)
        )

    def measure(self, listing: manifest.Listing, registration: Registration | None) -> Measured:
        """Rows of every item and object."""
        full = self.settings.measuring.assurance is Assurance.FULL
        ranges = list(partitions.cut(listing, self._spans(listing), 1 << 62 if full else _HEADERS_BYTES))
        sound = registration.modalities.get("audio") if registration is not None else None
        raw = sound.raw.model_dump() if sound is not None and sound.raw is not None else None
        common = {**self._common, "listing": os.fspath(listing.path.resolve())}
        calls = (({**common, "raw": raw, **each.as_args()}, each.work) for each in ranges)
        parts = self._run("measure", measuring.measure, calls, sum(each.work for each in ranges))
        return Measured(common, listing, ranges, parts)

    def plant(self, listing: manifest.Listing) -> Measured | None:
        """The items of the self-test, as if they stood behind the data; None where nothing is compared."""
        modalities = {modality for _, modality in listing.counts if modality is not None}
        if not modalities or self.settings.measuring.assurance is not Assurance.FULL:
            return None
        if modalities & {"audio", "video"}:  # a container of the one may hold the other
            modalities |= {"audio", "video"}
        folder = self.ledger.parts.resolve().parent / "planted"
        planted.plant(folder, sorted(modalities))
        where = [Location(url=os.fspath(folder))]
        test = list_source(where, folder.with_suffix(".parquet"), listing.names)
        common = {
            "source": as_args(where),
            "listing": os.fspath(test.path),
            "measuring": Measuring(near_text=self.policy.near_text).model_dump(mode="json"),
        }
        ranges = list(partitions.cut(test, {}))
        calls = (({**common, "raw": None, **each.as_args()}, 0) for each in ranges)
        return Measured(common, test, ranges, self._run("planted", measuring.measure, calls))

    def _spans(self, listing: manifest.Listing) -> dict[int, list[partitions.Span]]:
        """Where large objects may be cut; footers of Parquet are read in the sandbox like all else."""
        spans: dict[int, list[partitions.Span]] = {}
        tables: list[dict[str, Any]] = []
        for rows in listing.batches():
            wanted = pc.and_(pc.equal(rows["role"], "data"), pc.is_null(rows["compression"]))
            wanted = pc.and_(wanted, pc.is_in(rows["format"], pa.array(sorted(measuring.SPANNED))))
            for row in rows.filter(wanted).to_pylist():
                if not partitions.is_large(row["size_bytes"]) or not partitions.is_plain(row["locator"]):
                    continue
                if row["format"] == "jsonl":
                    spans[row["object"]] = partitions.byte_spans(row["size_bytes"])
                else:
                    tables.append(partitions.piece(row))
        if tables:
            calls = (
                ({**self._common, "pieces": tables[at : at + _FOOTERS]}, 0)
                for at in range(0, len(tables), _FOOTERS)
            )
            parts = self._run("footers", measuring.footers, calls)
            found = [sizes for part in parts for sizes in part.result]
            for row, sizes in zip(tables, found, strict=True):
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
        is_text = (pl.col("status") == "measured") & (pl.col("modality") == "text")
        texts = scan(measured.files("items"), ITEMS).with_columns(
            text_bytes=pl.when(is_text & (pl.col("text_bytes") <= most)).then(pl.col("text_bytes"))
        )
        sizes = pl.concat(
            [
                texts.select("id", "text_bytes"),
                scan(measured.files("paragraphs"), PARAGRAPHS, first).select("id", "text_bytes"),
            ]
        )
        whole = int(sizes.select(pl.col("text_bytes").sum()).collect().item())
        repeated = pl.scan_parquet(settled.files("surplus")[0], glob=False).set_sorted("id")
        repeated = repeated.join(sizes.set_sorted("id"), on="id", how="left", maintain_order="left")
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
        return self._again(f"{prefix}verify", duplicates.shingles, measured, wanted, {"wanted": wanted})

    def _near_pictures(self, measured: Sequence[Measured], every: dict[str, Any]) -> list[Part]:
        """The decided pictures: `compare`, `turned`, and how many could not be read again."""
        (found,) = self._run("alike", near_media.alike, [(every, 0)])
        if not found.result:
            return []
        (alike,) = _names(found, "alike")
        greys = self._again("greys", near_media.greys, measured, [alike], {"alike": alike})
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
        numbers = pl.read_parquet(table, columns=["object"])["object"].to_numpy()
        decisions = films.Decisions(len(numbers), np.array(found.result["pairs"], np.int64))
        told: dict[tuple[int, int], list[int] | None] = {}
        while asked := decisions.asked():
            work = sum(work for _, work in self._watches(measured, table, numbers, asked))
            calls = self._watches(measured, table, numbers, asked)
            parts = self._run(f"watch-{len(told)}", near_media.watch, calls, work)
            for pair, part in zip(asked, parts, strict=True):
                told[pair] = part.result
                decisions.tell(*pair, verified=bool(part.result and part.result[0]))
        rows = np.flatnonzero(decisions.original >= 0).tolist()
        originals = decisions.original[rows].tolist()
        fits = [told[original, row] for original, row in zip(originals, rows, strict=True)]
        args = {"videos": table, "rows": rows, "originals": originals, "fits": fits}
        crowded = int(np.count_nonzero(decisions.original[found.result["crowded"]] < 0))
        return self._tables("watched", near_media.watched, [args]), list(told.values()).count(None), crowded

    def _watches(
        self, measured: Sequence[Measured], table: str, numbers: Any, asked: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[dict[str, Any], int]]:
        """Arguments and work of the tasks that compare two videos each.

        Args:
            measured: the data, and what was planted.
            table: of videos.
            numbers: (n,) of the object of each.
            asked: pairs of rows of the table.
        """
        for at in range(0, len(asked), _WATCHES):
            pairs = asked[at : at + _WATCHES]
            wanted = {int(numbers[row]) for pair in pairs for row in pair}
            rows = {
                number: (each.common, row)
                for each in measured
                for number, row in each.listing.rows(filter(each.listing.holds, wanted)).items()
            }
            for pair in pairs:
                (mine, one), (common, other) = (rows[int(numbers[row])] for row in pair)
                args = {
                    **common,
                    "videos": table,
                    "pair": list(pair),
                    "sources": [mine["source"], common["source"]],
                    "pieces": [partitions.piece(one), partitions.piece(other)],
                }
                yield args, one["size_bytes"] + other["size_bytes"]

    def _again(
        self, stage: str, function: Any, measured: Sequence[Measured], tables: list[str], more: dict[str, Any]
    ) -> list[Part]:
        """Read the objects that are named in tables once more, in the partitions of their measuring."""
        chosen = []
        for each in measured:
            ranges = [part for part in each.ranges if part.read != "digest"]
            hit = np.zeros(len(ranges) + 1, np.int64)
            for path in tables:
                for batch in pq.ParquetFile(path).iter_batches(columns=["object"]):
                    numbers = np.unique(batch["object"].to_numpy())
                    # an object that is split is in several ranges, one behind the other
                    np.add.at(hit, np.searchsorted([part.stop for part in ranges], numbers, "right"), 1)
                    np.add.at(hit, np.searchsorted([part.first for part in ranges], numbers, "right"), -1)
            at = np.flatnonzero(np.cumsum(hit)[:-1])
            chosen += [(each, ranges[number]) for number in at]
        calls = (({**each.common, **part.as_args(), **more}, part.work) for each, part in chosen)
        return self._run(stage, function, calls, sum(part.work for _, part in chosen))

    def _tables(self, stage: str, function: Any, calls: list[dict[str, Any]], prefix: str = "") -> list[str]:
        """Run a stage over tables of ours; the paths of the tables that it is named after, in order."""
        return _all_names(self._run(prefix + stage, function, [(args, 0) for args in calls]), stage)

    def describe(self, listing: manifest.Listing) -> Described:
        """What describes the dataset as a whole, and what is wrong with it; under `identity` nothing is read."""
        pieces: list[dict[str, Any]] = []
        if self.settings.measuring.assurance is Assurance.FULL:
            for rows in listing.batches():
                json = pc.and_(pc.equal(rows["role"], "metadata"), pc.equal(rows["why"], "metadata-name"))
                json = pc.and_(json, pc.equal(rows["format"], "json"))
                card = pc.equal(pc.binary_length(rows["path"]), len(standards.CARD))
                card = pc.and_(card, pc.equal(rows["role"], "documentation"))
                wanted = pc.and_(pc.or_(pc.fill_null(json, False), card), pc.is_null(rows["compression"]))
                pieces += map(partitions.piece, rows.filter(wanted).to_pylist())
        calls = (
            ({**self._common, "pieces": pieces[at : at + _DESCRIPTIONS]}, 0)
            for at in range(0, min(len(pieces), standards.MOST), _DESCRIPTIONS)
        )
        parts = self._run("describe", standards.describe, calls) if pieces else []

        def table(name: str, schema: pa.Schema) -> pl.DataFrame:
            return scan([path for part in parts for path in part.files(name)], schema).drop("id").collect()

        return Described(
            [each for part in parts for each in part.result],
            [path for part in parts for path in part.files("problems")],
            table("references", standards.REFERENCES),
            table("patterns", standards.PATTERNS),
        )

    def expectations(self, descriptions: Path, files: Path, own: dict[str, Any] | None) -> Expected | None:
        """What Great Expectations says of the items' metadata; None where there is none and nothing was asked."""
        tables = {"descriptions": descriptions, "files": files}
        if own is None and not any(pq.read_metadata(path).num_rows for path in tables.values()):
            return None
        args = {
            **{name: os.fspath(path.resolve()) for name, path in tables.items()},
            "digests": [sha256_file(path) for path in tables.values()],
            "suite": expectations.policy_suite(self.policy.metadata),
            "own": own,
        }
        (part,) = self._run("expectations", expectations.check, [(args, 0)])
        results, unexpected = (
            scan(part.files(name), schema).drop("id")
            for name, schema in (("expectations", EXPECTATIONS), ("unexpected", UNEXPECTED))
        )
        return Expected(results.collect(), unexpected)

    def witness(
        self, listing: manifest.Listing, measured: Measured, reference: date
    ) -> assemble.Witnessed | None:
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
            pairs = witness.text_pairs(found.surplus, each.listing, seed)
            numbers = sorted({pair[name] for pair in pairs for name in ("object", "original_object")})
            if pairs:
                pieces = _pieces(each.listing, numbers)
                calls.append(({**each.common, "pieces": pieces, "pairs": pairs}, 0))
        if not calls:
            return None
        parts = self._run("retold", witness.retell, calls)
        facts = pl.read_parquet([path for part in parts for path in part.files("retold")])
        return assemble.Retold(parts[0].result, seed, facts)

    def bind(self, path: Path) -> Bound | None:
        """What a manifest binds a report to, its trees hashed range by range; None where not every object was read."""
        binder, digest = Binder(), sha256_file(path)
        calls = [
            ({"manifest": os.fspath(path.resolve()), "digest": digest, "groups": groups, "first": first}, 0)
            for groups, first in _bound_ranges(counts(path))
        ]
        for part in self._run("bind", binding.subtrees, calls):
            if part.result is None:
                return None
            found = {
                name: [(height, bytes.fromhex(node)) for height, node in part.result[name]]
                for name in merkle.HASHES
            }
            binder.add(found, part.result["size_bytes"])
        return binder.bound()

    def excerpts(self, listing: manifest.Listing, case: Case) -> dict[str, list[Excerpt]]:
        """What the first items below a floor, and the first pairs of duplicates, look and sound like; by rule."""
        chosen = {}
        for modality in ("text", "image", "audio", "video"):
            below = below_floor(case, modality) if modality in ("image", "video") else None
            if below is not None:
                size = pl.format("{} × {}", "width_px", "height_px")
                rows = below.head(excerpts.MOST).select("object", "place", "name", observed=size)
                chosen[f"resolution.{modality}"] = modality, rows.collect()
            chosen[f"duplicates.{modality}"] = modality, _pairs(case, modality, excerpts.PAIRS)
        return {
            rule: self._excerpts(rule, listing, modality, rows)
            for rule, (modality, rows) in chosen.items()
            if rows.height
        }

    def _excerpts(
        self, rule: str, listing: manifest.Listing, modality: str, rows: pl.DataFrame
    ) -> list[Excerpt]:
        args = {
            **self._common,
            "pieces": _pieces(listing, rows["object"].to_list()),
            "places": rows["place"].to_list(),
            "modality": modality,
        }
        (part,) = self._run(f"excerpts-{rule}", excerpts.make, [(args, 0)])
        made = pl.read_parquet(part.files("excerpts")).iter_rows() if part.tables else ()
        found = {(number, place): shown for number, place, *shown in made}
        return [
            Excerpt(shortened(name), shortened(observed), *found[number, place])
            for number, place, name, observed in rows.iter_rows()
            if (number, place) in found
        ]


def _pairs(case: Case, modality: str, most: int) -> pl.DataFrame:
    """The first surplus items, each before its original: `object`, `place`, `name`, `observed`."""
    surplus = case.modality(modality).filter(pl.col("surplus")).head(most).collect()
    wanted = pl.col("object").is_in(surplus["original_object"].unique().implode())
    names = dict(case.objects.filter(wanted).select("object", "name").collect().iter_rows())
    rows = []
    for row in surplus.iter_rows(named=True):
        original = names[row["original_object"]]
        rows.append((row["object"], row["place"], row["name"], f"≈ {original}"))
        rows.append((row["original_object"], row["original_place"], original, f"≈ {row['name']}"))
    schema = {"object": pl.Int64, "place": pl.Int64, "name": pl.String, "observed": pl.String}
    return pl.DataFrame(rows, schema, orient="row").unique(["object", "place"], maintain_order=True)


def _bound_ranges(counts: Sequence[int]) -> Iterator[tuple[tuple[int, int], int]]:
    """Ranges of row groups for a task each, and the number of the first object of each; counts are of the row groups."""
    begin = first = held = 0
    for number, count in enumerate(counts):
        if held >= _BOUND:
            yield (begin, number), first
            begin, first, held = number, first + held, 0
        held += count
    yield (begin, len(counts)), first


def _planted(measured: Measured | None, surplus: Path) -> dict[str, tuple[int, int]]:
    """By modality, how many of the planted copies are surplus, of how many."""
    if measured is None:
        return {}
    names = {
        row["object"]: (row["modality"], os.fsdecode(row["path"]))
        for rows in measured.listing.batches()
        for row in rows.to_pylist()
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


def _pieces(listing: manifest.Listing, numbers: list[int]) -> list[dict[str, Any]]:
    """Whole objects, a few, as arguments of a call."""
    rows = listing.rows(set(numbers))
    return [partitions.piece(rows[number]) for number in numbers]


def scan(paths: list[Path], schema: pa.Schema, first: int = 0) -> pl.LazyFrame:
    """All tables of one kind as one, one behind the other, and the number of each row, from `first` on, as `id`."""
    if not paths:
        return pl.DataFrame(pl.from_arrow(schema.empty_table())).lazy().with_columns(id=pl.lit(0, pl.Int64))
    rows = pl.scan_parquet(paths, glob=False, row_index_name="id", row_index_offset=first)
    return rows.with_columns(pl.col("id").cast(pl.Int64))
