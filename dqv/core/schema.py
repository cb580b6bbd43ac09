"""The tables that pass between the stages: one row per item, one per object, one per sidecar entry.

Null means "not known" everywhere; a row with `status` other than `measured` carries no facts.
Types and units are part of a part's identity: change them and old parts are measured again.
"""

import pyarrow as pa

from dqv.core.policy import Words

MODALITIES = ("text", "audio", "image", "video")

FLAG_WORDS = {
    "padding": Words(zh="填充", en="padding"),
    "static": Words(zh="静止画面", en="static picture"),
    "looped": Words(zh="循环画面", en="looped pictures"),
    "bars": Words(zh="单色边框", en="bars"),
    "silent": Words(zh="静音", en="silent"),
}
"""The flags of `measure.media.FLAGS`, in words."""
"""The modalities of 8(三), in the order of the clause."""

SKETCH_SLOTS = 128
"""Of a text's sketch, unless the policy says otherwise."""

SKETCH_BANDS = {128: (21, 6), 256: (36, 7)}
"""Bands and rows of each, by slots."""

OBJECTS = pa.schema(
    [
        ("object", pa.int64()),  # place of the object in the manifest
        ("path", pa.binary()),  # bytes as the file system has them, relative, "/" between parts
        ("size_bytes", pa.int64()),  # as listed
        ("mtime_ns", pa.int64()),  # storage time, since 1970 UTC
        ("identity", pa.string()),  # local: "device:inode"; what tells two names of one file
        ("role", pa.string()),  # data, container, documentation, metadata, licence, index, other, ignored
        ("why", pa.string()),  # the named rule that gave the role
        ("modality", pa.string()),  # text, audio, image, video; null unless role is data
        ("format", pa.string()),  # jsonl, csv, parquet …; null when not recognised
        ("compression", pa.string()),  # gzip, zstd or null
        ("container", pa.int64()),  # of a member of an archive: the object that holds it; else null
        ("locator", pa.string()),  # of a member: the way to it (`containers.archives`)
        ("sample", pa.binary()),  # of a member of a WebDataset's sample: what all of it have; else null
        ("refused_kind", pa.string()),  # of what listing an archive showed to be no good: the kind of error
        ("refused", pa.string()),  # and its detail
    ]
)
"""The manifest: every name found in the source, sorted by path bytes, and behind an archive its members in storing
order."""

READ_OBJECTS = pa.schema(
    [
        ("object", pa.int64()),
        ("sha256", pa.binary(32)),  # of the stored bytes; null where they were not all read
        ("encoding", pa.string()),  # of a text object: utf-8, utf-8-sig, gb18030, utf-16 …
        ("fields", pa.list_(pa.string())),  # names of the records' fields, sorted, at most 256
        ("bytes_read", pa.int64()),  # from storage, to measure it: what is read twice counts twice
        ("requests", pa.int64()),  # in so many reads
        ("error_kind", pa.string()),  # of an object that is not data; data has its rows
        ("error", pa.string()),
    ]
)
"""What reading an object told about the object as a whole; spans of one object add up in `bytes_read`
and `requests`; of the other columns at most one value is not null."""

ITEMS = pa.schema(
    [
        ("object", pa.int64()),
        ("place", pa.int64()),  # JSONL: byte offset of the line (of the decoded stream); else number
        ("modality", pa.string()),
        ("format", pa.string()),
        ("status", pa.string()),  # measured, defective, unread
        ("error_kind", pa.string()),
        ("error", pa.string()),
        ("single", pa.bool_()),  # false: an unread row that may stand for any number of items
        ("stored_bytes", pa.int64()),  # as stored (line, file); of an unread row: what was not read
        ("payload_bytes", pa.int64()),  # text: UTF-8 bytes of all values of the record; else `Media`
        ("text_bytes", pa.int64()),  # UTF-8 bytes of the text fields alone
        ("tokens", pa.int64()),  # Latin word = 1, CJK code point = 1
        ("codec", pa.string()),  # this and what follows, of images, audio and video: `measure.media.Media`
        ("mode", pa.string()),
        ("width_px", pa.int64()),  # as displayed
        ("height_px", pa.int64()),
        ("frames", pa.int64()),
        ("frame_rate", pa.string()),  # "30000/1001"
        ("duration_flicks", pa.int64()),  # 1/705,600,000 s
        ("silent_flicks", pa.int64()),
        ("sample_rate_hz", pa.int64()),
        ("channels", pa.int64()),
        ("bytes_per_second", pa.int64()),  # payload; null without a duration
        ("bytes_per_megapixel", pa.int64()),  # payload by pixels of all frames; null without pixels
        ("flags", pa.list_(pa.string())),  # of `measure.media.FLAGS`
        ("comparable", pa.bool_()),  # near-duplicates of it can be told; else only what equals it
        ("decoded", pa.bool_()),  # false: only headers were read
        ("date_record", pa.date32()),  # strongest evidence: a field of the record
        ("date_modified", pa.date32()),  # a field such as last_modified_time: a reading, no more
        ("date_embedded", pa.date32()),  # EXIF, container, tags
        ("date_name", pa.date32()),  # from the name of the file
        ("date_refused", pa.bool_()),  # a date stood in the record and could not be one
        ("embedded_refused", pa.bool_()),  # the same, of EXIF, container, tags
        ("xxh3_128", pa.binary(16)),  # of the text the duplicate rate compares, UTF-8; else of the payload
        ("normalised", pa.binary(16)),  # text: of its folded tokens, null without one; else `Media`
        ("fingerprint", pa.large_binary()),  # of images, audio and video: `Media`
        ("sketch", pa.binary(SKETCH_SLOTS * 4)),  # little-endian uint32; null without a token
    ]
)
"""One row per item, in canonical order: (object, place)."""


PARAGRAPHS = pa.schema(
    [
        *(ITEMS.field(name) for name in ("object", "place", "modality", "status")),  # of the item they are of
        ("part", pa.int64()),  # first byte, in the item's text as UTF-8
        *(
            ITEMS.field(name) for name in ("text_bytes", "xxh3_128", "normalised", "sketch")
        ),  # of the paragraph
    ]
)
"""One row per paragraph of a long text, in canonical order: (object, place, part)."""


def with_slots(schema: pa.Schema, slots: int) -> pa.Schema:
    """A schema with sketches of so many slots."""
    return schema.set(schema.get_field_index("sketch"), pa.field("sketch", pa.binary(slots * 4)))


_DESCRIBED = [
    ("id", pa.string()),  # this and what follows: `measure.descriptions`
    ("licence", pa.string()),
    ("source", pa.string()),
    ("language", pa.string()),
    ("labels", pa.list_(pa.string())),
    ("annotation_method", pa.string()),
    ("version", pa.string()),
    ("generated", pa.string()),
    (
        "types",
        pa.string(),
    ),  # of each of `descriptions.TYPED`: s(tring), n(umber), b(oolean), l(ist), o(bject), - absent …
]

DESCRIPTIONS = pa.schema(
    [
        ("object", pa.int64()),
        ("place", pa.int64()),
        ("modality", pa.string()),
        *_DESCRIBED,
        ("problems", pa.list_(pa.string())),  # of a record of TC609-5-2025-02; null of others
        ("dated", pa.bool_()),  # whether what stands in its date fields is a date; null where nothing does
    ]
)
"""One row per item whose record says something of it beside its dates, in canonical order."""

PROBLEMS = pa.schema(
    [
        ("object", pa.int64()),  # the metadata or document
        ("place", pa.int64()),  # of the first entry; null: the file as a whole
        ("standard", pa.string()),  # croissant, hugging-face, sidecar
        ("rule", pa.string()),
        ("severity", pa.string()),  # error, warning
        (
            "at",
            pa.string(),
        ),  # where in the file: a field or a node, cut and escaped; null where place says it
        ("count", pa.int64()),  # of entries
        ("detail", pa.string()),  # without values of the data
    ]
)
"""What is wrong with metadata by the standard it follows: one row per file, rule and place in it."""

PERSONAL = pa.schema(
    [
        ("object", pa.int64()),
        ("place", pa.int64()),  # of the item; of a metadata file the number of the entry; of names 0
        ("where", pa.string()),  # record, name (of the object), fields (their names), metadata, embedded
        ("field", pa.string()),  # of the record, without personal values; empty of a document
        ("kind", pa.string()),  # of `measure.privacy`; position: where a picture or video was taken
        ("at", pa.int64()),  # byte in the field's value, of the first
        ("value", pa.binary(8)),  # hash of kind and value; null: of several that are counted together
        ("count", pa.int64()),  # how often
    ]
)
"""One row per personal value, or credit code, of a field of an item, in canonical order."""

SIDECAR = pa.schema(
    [
        ("object", pa.int64()),  # the metadata object that says it
        ("place", pa.int64()),  # number of the entry there
        ("target", pa.binary()),  # path of the described object, relative to the source; null with a sample
        ("sample", pa.binary()),  # what describes all of this sample; null with a target
        ("date", pa.date32()),
        ("date_modified", pa.date32()),
        *_DESCRIBED,
        ("dated", pa.bool_()),
    ]
)
"""What metadata files say about other objects."""

SURPLUS = pa.schema(
    [
        ("id", pa.int64()),  # of the item: the number of its row among those of all parts
        ("object", pa.int64()),
        ("place", pa.int64()),
        ("original_object", pa.int64()),  # the kept item it repeats
        ("original_place", pa.int64()),
        (
            "shared",
            pa.int64(),
        ),  # what both have: shingles (exact), slots (estimate), bits of the fingerprints (aligned)
        ("of", pa.int64()),  # of so many in either (exact), or compared; both null for what is equal
        ("verified", pa.string()),  # payload, content (equal once decoded), exact, estimate, aligned
        ("detail", pa.string()),  # of what was aligned: how
    ]
)
"""One row per surplus item, in canonical order."""

TURNED = pa.schema([("id", pa.int64()), ("object", pa.int64()), ("place", pa.int64())])
"""One row per picture that is surplus only where pictures may be mirrored or turned, in canonical order."""

LINKED = pa.schema(
    [
        ("id", pa.int64()),
        ("object", pa.int64()),
        ("place", pa.int64()),
        ("certain", pa.bool_()),  # false: it may be, among pairs that were not compared
    ]
)
"""One row per kept item that hangs together with an earlier one through surplus ones, in canonical order."""

REPEATED = pa.schema(
    [
        ("id", pa.int64()),  # those of paragraphs go on behind those of items
        ("object", pa.int64()),
        ("place", pa.int64()),
        ("part", pa.int64()),  # null: a text that is not long, as a whole
        ("original_object", pa.int64()),
        ("original_place", pa.int64()),
        ("original_part", pa.int64()),
        *(SURPLUS.field(name) for name in ("shared", "of", "verified")),
    ]
)
"""One row per paragraph, or text that is not long, that repeats another, in canonical order."""

EXPECTATIONS = pa.schema(
    [
        ("suite", pa.string()),  # policy, files, own
        ("number", pa.int64()),  # in it, from 1
        (
            "rule",
            pa.string(),
        ),  # of the policy: required:FIELD, unique:FIELD, type:FIELD …; of the user's own: its type
        ("type", pa.string()),
        ("column", pa.string()),
        ("met", pa.bool_()),  # null: it could not be evaluated
        ("elements", pa.int64()),  # rows asked about; null where it is no expectation of single rows
        ("missing", pa.int64()),  # of them without a value
        ("unexpected", pa.int64()),
        ("error", pa.string()),
    ]
)
"""One row per expectation."""

UNEXPECTED = pa.schema(
    [
        ("suite", pa.string()),
        ("number", pa.int64()),
        ("object", pa.int64()),
        ("place", pa.int64()),
    ]
)
"""Where an expectation is not met, the first of them."""

DOCUMENTS = pa.schema(
    [
        ("object", pa.int64()),
        ("role", pa.string()),  # documentation or licence
        ("format", pa.string()),
        ("status", pa.string()),  # read; defective, unread: with the error; active: see there
        ("error_kind", pa.string()),
        ("error", pa.string()),
        (
            "active",
            pa.list_(pa.string()),
        ),  # what a viewer would run, unpack or fetch (`containers.blocks`), sorted
        ("content", pa.int64()),  # characters (Chinese) and words outside headings; 0: it says nothing
        (
            "licences",
            pa.list_(pa.string()),
        ),  # of a licence: `core.licences.of_text`; none where it does not count as read
    ]
)
"""One row per document that was asked for, in canonical order."""

ASPECTS = pa.schema(
    [
        ("object", pa.int64()),
        ("aspect", pa.string()),  # of `measure.card_terms.ASPECTS`
        ("unit", pa.string()),  # of the place: line, page, paragraph
        ("place", pa.int64()),  # from 1 on
        ("how", pa.string()),  # heading, table, field, term
        ("strength", pa.string()),  # strong, weak, empty
    ]
)
"""What documents say of the aspects of a data card: the best place of each, of every document."""

STATEMENTS = pa.schema(
    [
        ("object", pa.int64()),
        ("unit", pa.string()),
        ("place", pa.int64()),
        ("kind", pa.string()),  # this and what follows: `measure.statements.Statement`
        ("what", pa.string()),
        ("least", pa.string()),  # a fraction, as text
        ("most", pa.string()),
        ("bound", pa.string()),
        ("step", pa.string()),
        ("whole", pa.bool_()),
        ("part", pa.bool_()),
        ("own", pa.bool_()),
        ("section", pa.int64()),
    ]
)
"""What documents state of the data, in the order of each document."""
