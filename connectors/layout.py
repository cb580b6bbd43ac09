"""What an object is, told by its name alone: its role, and for data its modality and format.

A name never makes an object good: what is called .jsonl and is none becomes defective when it is read.
"""

from dataclasses import dataclass, replace

_TEXT = {
    "txt": "txt", "text": "txt", "md": "md", "markdown": "md", "html": "html", "htm": "html", "xhtml": "html",
    "xml": "xml", "json": "json", "jsonl": "jsonl", "ndjson": "jsonl", "csv": "csv", "tsv": "tsv",
    "parquet": "parquet", "arrow": "arrow", "feather": "arrow", "ipc": "arrow",
    "docx": "docx", "xlsx": "xlsx", "pdf": "pdf",
}  # fmt: skip
_IMAGE = "jpg jpeg png webp tif tiff bmp gif heic heif avif"
_AUDIO = "wav flac mp3 ogg oga opus m4a aac aif aiff caf wma amr pcm"
_VIDEO = "mp4 m4v mov 3gp mkv webm avi ts m2ts flv mpg mpeg wmv"
_CONTAINER = "rar 7z h5 hdf5 lmdb mdb tfrecord tfrecords warc bz2 xz gz zst doc xls ppt pptx"

_FORMATS: dict[str, tuple[str | None, str]] = {
    **{suffix: ("text", name) for suffix, name in _TEXT.items()},
    **{suffix: ("image", suffix) for suffix in _IMAGE.split()},
    **{suffix: ("audio", suffix) for suffix in _AUDIO.split()},
    **{suffix: ("video", suffix) for suffix in _VIDEO.split()},
    **{suffix: (None, suffix) for suffix in _CONTAINER.split()},
}
"""Suffix → (modality, format); no modality: it could hold any."""

MEDIA_SUFFIXES = (*_IMAGE.split(), *_AUDIO.split(), *_VIDEO.split())
"""Names with one of these are images, recordings or videos; the content tells which."""

READABLE = frozenset(_TEXT.values())
"""Formats of text that are read; images, audio and video are all tried; the others are unread: unsupported."""

_COMPRESSIONS = {"gz": "gzip", "zst": "zstd", "zstd": "zstd"}
_ARCHIVES: dict[str, tuple[str, str | None]] = {
    ".tar": ("tar", None), ".tar.gz": ("tar", "gzip"), ".tgz": ("tar", "gzip"), ".tar.zst": ("tar", "zstd"),
    ".tar.zstd": ("tar", "zstd"), ".zip": ("zip", None),
}  # fmt: skip
"""Archives that are opened: suffix → format and compression."""

_ARCHIVE_SUFFIXES = tuple(_ARCHIVES)

_COMPRESSED = frozenset({"txt", "md", "html", "xml", "json", "jsonl", "csv", "tsv"})

_DOCUMENTATION = (
    "readme", "datacard", "data_card", "data-card", "dataset_card", "dataset-card", "changelog",
    "说明", "数据说明", "数据集说明", "使用说明", "数据卡",
)  # fmt: skip
_DOCUMENTATION_FOLDERS = frozenset({"docs", "doc", "文档", "说明文档"})
_DOCUMENT_SUFFIXES = frozenset({"", "md", "markdown", "txt", "rst", "html", "htm", "pdf", "docx", "doc"})
"""A document has one of these; README.jsonl is data by another name."""
_LICENCE = ("license", "licence", "copying", "许可")
_METADATA = frozenset({"metadata", "dataset_info", "dataset_infos", "croissant", "元数据"})
_METADATA_SUFFIXES = frozenset({"csv", "tsv", "json", "jsonl", "parquet"})
_INDEX = frozenset(
    {"sha256sums", "md5sums", "manifest.txt", "_metadata", "_common_metadata", ".gitattributes"}
)
_INDEX_SUFFIXES = frozenset({"sha256", "md5"})
_SYSTEM = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".gitignore"})


@dataclass(frozen=True, slots=True)
class Kind:
    """What an object is.

    Attributes:
        role: data, container (an archive that is opened), documentation, metadata, licence, index, other (not
            recognised) or ignored.
        why: the named rule.
        modality: of data; None where it may hold any.
        format: of data and metadata, after decompression.
        compression: gzip, zstd or None.
    """

    role: str
    why: str
    modality: str | None = None
    format: str | None = None
    compression: str | None = None


_BEGINS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\xff\xd8\xff", "image", "jpg"),
    (0, b"\x89PNG\r\n\x1a\n", "image", "png"),
    (0, b"GIF8", "image", "gif"),
    (0, b"BM", "image", "bmp"),
    (0, b"II*\0", "image", "tiff"),
    (0, b"MM\0*", "image", "tiff"),
    (8, b"WEBP", "image", "webp"),
    (4, b"ftypavif", "image", "avif"),
    (4, b"ftyphei", "image", "heic"),
    (4, b"ftypmif1", "image", "heic"),
    (8, b"WAVE", "audio", "wav"),
    (8, b"AIFF", "audio", "aiff"),
    (0, b"fLaC", "audio", "flac"),
    (0, b"ID3", "audio", "mp3"),
    (0, b"\xff\xfb", "audio", "mp3"),
    (0, b"\xff\xf3", "audio", "mp3"),
    (0, b"\xff\xf1", "audio", "aac"),
    (0, b"\xff\xf9", "audio", "aac"),
    (4, b"ftypM4A", "audio", "m4a"),
    (0, b"OggS", "audio", "ogg"),
    (0, b"caff", "audio", "caf"),
    (0, b"#!AMR", "audio", "amr"),
    (4, b"ftyp", "video", "mp4"),
    (0, b"\x1aE\xdf\xa3", "video", "mkv"),
    (8, b"AVI ", "video", "avi"),
    (0, b"FLV\x01", "video", "flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video", "wmv"),
    (0, b"\0\0\1\xba", "video", "mpg"),
)
"""How media begin: place, bytes, modality, format; the first that fits."""


def medium(head: bytes) -> tuple[str, str] | None:
    """Modality and format of something without a name, by its first bytes."""
    fits = (each[2:] for each in _BEGINS if head[each[0] :].startswith(each[1]))
    return next(fits, None)


def classify(path: bytes, kind: str) -> Kind:
    """Tell an object by its listing.

    Args:
        path: relative, "/" between parts, as bytes.
        kind: as `storage.Listed.kind`.
    """
    if kind == "unreadable":
        return Kind("data", "unreadable")
    found = _by_name(path)
    if kind == "link":  # its format says whether data may hide behind it
        return replace(found, role="ignored", why="symbolic-link", modality=None)
    if kind == "special":
        return replace(found, role="ignored", why="not-a-regular-file", modality=None)
    return found


def _by_name(path: bytes) -> Kind:
    parts = path.decode("utf-8", "replace").lower().split("/")
    name = parts[-1]
    stem, suffix, compression = _split(name)
    if name in _SYSTEM:
        return Kind("index", "system-file")
    if name in _INDEX or suffix in _INDEX_SUFFIXES:
        return Kind("index", "index-name")
    modality, form = _FORMATS.get(suffix, (None, ""))
    form_or_none = form or None
    if stem in _METADATA and suffix in _METADATA_SUFFIXES:
        return Kind("metadata", "metadata-name", None, form_or_none, compression)
    if (suffix if stem else "") in _DOCUMENT_SUFFIXES:
        named = name.startswith(_DOCUMENTATION)
        if len(parts) == 1 and name.startswith(_LICENCE):
            return Kind("licence", "licence-name")
        if named and (len(parts) == 1 or parts[0] in _DOCUMENTATION_FOLDERS):
            return Kind("documentation", "documentation-name")
        if parts[0] in _DOCUMENTATION_FOLDERS and len(parts) > 1 and suffix in ("pdf", "docx", "doc"):
            return Kind("documentation", "documentation-folder")
    packed = archive_kind(name)
    if packed is not None:
        return Kind("container", f"archive-{packed[0]}", None, *packed)
    if not form:
        return Kind("other", "format-not-recognised")
    return Kind("data", f"format-{form}", modality, form, compression)


def document_format(path: bytes) -> tuple[str, str | None]:
    """Format and compression of what is documentation or licence by its name; without a suffix it is text."""
    name = path.decode("utf-8", "replace").lower().rpartition("/")[2]
    stem, suffix, compression = _split(name)
    suffix = suffix if stem else ""
    if suffix in ("", "rst") or suffix not in _DOCUMENT_SUFFIXES:
        return "txt", compression
    return _FORMATS[suffix][1], compression


def archive_kind(name: str) -> tuple[str, str | None] | None:
    """Format and compression of an archive that is opened, by its name; None for anything else."""
    name = name.lower()
    if not name.endswith(_ARCHIVE_SUFFIXES):  # as most names do not
        return None
    return next(kind for suffix, kind in _ARCHIVES.items() if name.endswith(suffix))


def sample_kind(path: bytes) -> Kind | None:
    """What a file of a WebDataset's sample is beside an image, a recording or a video, where that is not data.

    Source: the WebDataset format; a JSON object beside a medium describes it, and a class is a label of it.
    """
    suffix = path.rpartition(b"/")[2].partition(b".")[2].lower()
    if suffix == b"json":
        return Kind("metadata", "webdataset-sample", None, "json")
    return Kind("metadata", "webdataset-label") if suffix in _LABELS else None


_LABELS = frozenset({b"cls", b"cls2", b"class", b"id", b"index", b"inx"})


def sample_key(path: bytes) -> bytes:
    """What the files of one sample of a WebDataset have in common: the path up to the first dot of the name."""
    folder, mark, name = path.rpartition(b"/")
    return folder + mark + name.partition(b".")[0]


def _split(name: str) -> tuple[str, str, str | None]:
    stem, _, suffix = name.rpartition(".")
    if suffix in _COMPRESSIONS:
        inner_stem, _, inner = stem.rpartition(".")
        if _TEXT.get(inner) in _COMPRESSED:
            return inner_stem, inner, _COMPRESSIONS[suffix]
    return stem, suffix, None
