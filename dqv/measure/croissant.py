"""Croissant 1.0 and 1.1 (MLCommons), by mlcroissant: what is wrong with a description, and where.

JSON-LD may name contexts that lie elsewhere, and rdflib, on which mlcroissant stands, would fetch them, from the network or from
files. So a description that names one is refused before it is parsed, and the function that fetches is taken out of rdflib.
Nothing that a description names (`contentUrl`) is opened: only its structure is looked at. mlcroissant takes a second to import
and is so only here, in the child; time and memory are the sandbox's.

Sentences of mlcroissant quote what stands in the file. Here each is a rule, its place, and words without values.
"""

import re
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from dqv.core.licences import identify
from dqv.core.quiet import quiet
from dqv.measure.globs import MOST_PATTERNS, Pattern
from dqv.measure.problems import ERROR, WARNING, Problem, Said, texts_of

MOST_DEPTH = 64
MOST_VALUES = 200_000

_VERSIONS = ("http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/1.1")

_VOCABULARY = r"https?://(?:schema\.org|mlcommons\.org|purl\.org)/[\w./-]+"
_SENTENCES: tuple[tuple[str, str, str], ...] = (
    ("reference", r'There is a reference to node with UUID ".*" in node ".*", but this node.*', "it refers to a node that is not there"),
    ("type", r'"(?P<at>.*?)" should have an attribute "@type".*', "its @type is none of those that may stand there"),
    ("mandatory", rf'Property "(?P<what>{_VOCABULARY})" is mandatory.*', "the mandatory property {what} is missing"),
    ("recommended", rf'Property "(?P<what>{_VOCABULARY})" is recommended.*', "the recommended property {what} is missing"),
    ("no-dataset", r"The current JSON-LD doesn't extend https://schema.org/Dataset.*", "its @type is not https://schema.org/Dataset"),
    ("source", r"Malformed source data: .*", "its source is none of the nodes"),
    ("source-or-value", r"Field .* does not define `source` or `value`.*", "it has neither source nor value"),
    ("source-and-value", r"Field .* defines both `source` and `value`.*", "it has both source and value"),
    ("data-type", r"(?:The field does not specify a valid |Field \".*\" defines a constant value but omits ).*", "neither it nor what it stands in has a dataType"),
    ("join", r"(?:You try to use the sources with names|Node with uuid=).*", "it takes several sources, and no references join them"),
    ("exclusive", r"(?P<at>\w+) should have one of the following properties .*", "it has none, or several, of properties that exclude each other"),
    ("one-of", r"At least one of these properties should be defined: \[(?P<what>[\w', ]+)\]\.", "one of {what} is missing"),
    ("id", r"The dataset contains a wrong `@id`.*", "an @id holds white space"),
    ("duplicate-id", r"Duplicate nodes with the same identifier.*", "another node has the same @id"),
    ("array-shape", r"Field .* defines `array_shape`, but `is_array` is False.*", "it has an arrayShape and is no array"),
    ("array-shape", r"Field .*'s attribute array_shape .* cannot be parsed.*", "its arrayShape is no list of whole numbers"),
    ("value-type", r"`(?P<what>\w+)` should have type .*, but got (?P<kind>\w+)", "its {what} is of the type {kind}, which may not stand there"),
    ("name", r"The name .*", "its name is not such as names may be"),
    ("json-path", r"Wrong JSONPath .*", "its jsonPath is none"),
    ("transform", r"(?:Too many string transforms|At least one transform).*", "it must have exactly one transform"),
    ("data", r"(?:.* is not a proper list of JSON: .*|.* should declare a .*|Line #\d+ doesn't have the expected columns.*)", "its data are not as its fields say"),
    ("licence", r"License should be a list of .*", "its license is neither text nor a work"),
)  # fmt: skip
"""Rule, what mlcroissant 1.1 says, and the same without values."""

_PATTERNS = tuple((rule, re.compile(pattern, re.DOTALL), detail) for rule, pattern, detail in _SENTENCES)
_PLACED = re.compile(r"\[(?P<at>\w+\(.*\))\] (?P<rest>.*)", re.DOTALL)


def is_croissant(value: object, stem: str) -> bool:
    """Whether a JSON value is meant as a description, by its own word or the file's name."""
    return stem == "croissant" or (isinstance(value, dict) and "@context" in value)


def judge(value: dict[str, Any]) -> list[Problem]:
    """What is wrong with a description, sorted; recommended properties that are missing are warnings."""
    outside = _outside(value)
    if outside is not None:
        return [outside]
    found = [] if _conforms(value) else [_version()]
    with quiet():
        errors, warnings = _asked(value)
    found += [told(sentence, ERROR) for sentence in errors]
    found += [told(sentence, WARNING) for sentence in warnings]
    return sorted(set(found))


def _conforms(value: dict[str, Any]) -> bool:
    return any(each in _VERSIONS for each in texts_of(value.get("conformsTo", value.get("dct:conformsTo"))))


def _version() -> Problem:
    return Problem(
        "croissant", "version", WARNING, "conformsTo", "it says of itself neither Croissant 1.0 nor 1.1"
    )


def _outside(value: dict[str, Any]) -> Problem | None:
    """Why a description is not parsed: contexts from elsewhere, or more than is bounded."""

    def refused(rule: str, detail: str) -> Problem:
        return Problem("croissant", rule, ERROR, "@context" if rule == "context" else None, detail)

    if not isinstance(value.get("@context", {}), dict):
        return refused("context", "its @context is no object; contexts that lie elsewhere are not fetched")
    stack: list[tuple[Any, int]] = [(each, 1) for each in value.values()]
    seen = 0
    while stack:
        inner, depth = stack.pop()
        seen += 1
        if depth > MOST_DEPTH or seen > MOST_VALUES:
            return refused(
                "bounds", f"deeper than {MOST_DEPTH} or of more than {MOST_VALUES} values; not looked at"
            )
        if isinstance(inner, dict):
            if "@context" in inner or "@import" in inner:
                return refused("context", "a context inside it or of another file; contexts are not fetched")
            stack += [(each, depth + 1) for each in inner.values()]
        elif isinstance(inner, list):
            stack += [(each, depth + 1) for each in inner]
    return None


def _asked(value: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Errors and warnings of mlcroissant, in its own sentences."""
    import mlcroissant
    from rdflib.plugins.shared.jsonld import context as fetching

    fetching.source_to_json = _fetches_nothing  # type: ignore[attr-defined]  # imported there, and not exported
    asked = mlcroissant.Context()
    try:
        mlcroissant.Dataset.from_metadata(mlcroissant.Metadata.from_json(ctx=asked, json_=value))
    except mlcroissant.ValidationError:
        pass  # what it says stands in the issues, too
    except Exception:  # noqa: BLE001  it meets what is not as it thinks with errors of any type, which quote values
        return {*asked.issues.errors, ""}, asked.issues.warnings
    return asked.issues.errors, asked.issues.warnings


def _fetches_nothing(*_: object, **__: object) -> Any:
    raise ValueError("contexts are not fetched")


def told(sentence: str, severity: str) -> Problem:
    """What mlcroissant says, without values."""
    placed = _PLACED.fullmatch(sentence)
    at, rest = (placed["at"], placed["rest"]) if placed else (None, sentence)
    for rule, pattern, detail in _PATTERNS:
        if found := pattern.fullmatch(rest.strip()):
            named = found.groupdict()
            return Problem("croissant", rule, severity, at or named.get("at"), detail.format(**named))
    return Problem("croissant", "other", severity, at, "mlcroissant cannot make sense of it")


def said(value: dict[str, Any]) -> Said:
    """What a description says of the whole: licences, version, languages."""
    given = value.get("license")
    licences = [_licence(each) for each in (given if isinstance(given, list) else [given])]
    return Said(
        "croissant",
        tuple(texts_of(licences)),
        tuple(texts_of(value.get("version"))),
        tuple(texts_of(value.get("inLanguage"))),
        published=_published(value.get("datePublished")),
    )


_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?![0-9]).{0,40})?)?", re.DOTALL)


def _published(value: object) -> str | None:
    """The day of an ISO 8601 date or time, the first one of a year or month; the latest of several; None of anything else."""
    days = []
    for text in texts_of(value):
        if found := _DAY.fullmatch(text.strip()[:64]):
            try:
                days.append(date(int(found[1]), int(found[2] or 1), int(found[3] or 1)).isoformat())
            except ValueError:
                continue
    return max(days, default=None)


def _licence(value: object) -> object:
    """Of a CreativeWork the address or name that is well known, else its name."""
    if not isinstance(value, dict):
        return value
    texts = [
        value[name] for name in ("name", "url", "@id") if value.get(name) and isinstance(value[name], str)
    ]
    return next((text for text in reversed(texts) if identify(text)), texts[0] if texts else None)


class File(NamedTuple):
    """A file of the dataset that a description names.

    Attributes:
        at: where it does.
        path: relative.
        sha256: that it gives; None: none.
        least_bytes: of the sizes that its contentSize, as it is rounded, may mean; None where it gives none that can be read.
        most_bytes: likewise.
        formats: that its encodingFormat may mean, as `connectors.layout` names them; None where it gives none that is known.
    """

    at: str
    path: str
    sha256: bytes | None
    least_bytes: int | None = None
    most_bytes: int | None = None
    formats: tuple[str, ...] | None = None


def files(value: dict[str, Any]) -> Iterator[File]:
    """The files of the dataset that a description names; what lies in an archive or elsewhere is none of them."""
    distribution = value.get("distribution")
    for number, each in enumerate(distribution if isinstance(distribution, list) else [distribution]):
        if not isinstance(each, dict) or not _is_here(each):
            continue
        url = each["contentUrl"]
        digest = each.get("sha256")
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
            digest = None
        yield File(
            f"distribution[{number}]",
            url.removeprefix("./"),
            bytes.fromhex(digest) if digest else None,
            *_sizes(each.get("contentSize")),
            _formats(each.get("encodingFormat")),
        )


_SIZE = re.compile(
    r"(\d{1,15}|\d{1,3}(?:,\d{3}){1,4})(?:\.(\d{1,6}))?\s{0,2}(?:([kmgtp])(i?)b?|b|bytes?)?", re.IGNORECASE
)


def _sizes(value: object) -> tuple[int | None, int | None]:
    """The smallest and largest number of bytes that a contentSize may mean: kB is 1000 or, as many write it, 1024 bytes."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    found = _SIZE.fullmatch(text.strip()[:64]) if isinstance(text, str) else None
    if found is None:
        return None, None
    power = "kmgtp".index(found[3].lower()) + 1 if found[3] else 0
    decimals = found[2] or ""
    number = Fraction(found[1].replace(",", "") + (f".{decimals}" if decimals else ""))
    step = Fraction(1, 2 * 10 ** len(decimals)) if power or decimals else Fraction(0)
    least = (number - step) * (1024 if found[4] else 1000) ** power
    most = (number + step) * 1024**power
    if most > _MOST_BYTES:
        return None, None
    return max(0, -(-least.numerator // least.denominator)), int(most)


_MOST_BYTES = 2**62

_TEXTS = ("txt", "md", "csv", "tsv", "json", "jsonl", "html", "xml")
_ENCODINGS: dict[str, tuple[str, ...]] = {
    "text/plain": _TEXTS, "text/txt": _TEXTS, "text/markdown": ("md",), "text/html": ("html",), "text/xml": ("xml",),
    "application/xml": ("xml",), "text/csv": ("csv",), "application/csv": ("csv",), "text/tab-separated-values": ("tsv",),
    "application/json": ("json", "jsonl"), "application/jsonlines": ("jsonl", "json"), "application/jsonl": ("jsonl", "json"),
    "application/x-jsonlines": ("jsonl", "json"), "application/x-ndjson": ("jsonl", "json"), "application/ndjson": ("jsonl", "json"),
    "application/parquet": ("parquet",), "application/x-parquet": ("parquet",), "application/vnd.apache.parquet": ("parquet",),
    "application/vnd.apache.arrow.file": ("arrow",), "application/vnd.apache.arrow.stream": ("arrow",), "application/pdf": ("pdf",),
    "application/zip": ("zip",), "application/x-zip-compressed": ("zip",), "application/x-tar": ("tar",), "application/tar": ("tar",),
    "application/gzip": ("gzip", "gz"), "application/x-gzip": ("gzip", "gz"), "application/zstd": ("zstd", "zst"),
    "image/jpeg": ("jpg", "jpeg"), "image/jpg": ("jpg", "jpeg"), "image/png": ("png",), "image/gif": ("gif",), "image/webp": ("webp",),
    "image/bmp": ("bmp",), "image/tiff": ("tif", "tiff"), "audio/mpeg": ("mp3",), "audio/mp3": ("mp3",), "audio/flac": ("flac",),
    "audio/x-flac": ("flac",), "audio/wav": ("wav",), "audio/x-wav": ("wav",), "audio/wave": ("wav",), "audio/ogg": ("ogg", "oga", "opus"),
    "video/mp4": ("mp4", "m4v"), "video/webm": ("webm",), "video/x-matroska": ("mkv",), "video/quicktime": ("mov",),
}  # fmt: skip
"""Media types, and the formats and compressions by which `connectors.layout` knows such files."""


def _formats(value: object) -> tuple[str, ...] | None:
    """What encodingFormat may mean; None where one of several is not known."""
    known = [_ENCODINGS.get(text.partition(";")[0].strip().lower()) for text in texts_of(value)]
    if not known or None in known:
        return None
    return tuple(sorted({name for names in known if names for name in names}))


def patterns(value: dict[str, Any]) -> tuple[list[Pattern], bool]:
    """The patterns of the file sets that lie in the dataset or in archives of it, and whether those are all file sets."""
    distribution = value.get("distribution")
    nodes = distribution if isinstance(distribution, list) else [distribution]
    places = {
        each["@id"]: each["contentUrl"].removeprefix("./")
        for each in nodes
        if isinstance(each, dict) and isinstance(each.get("@id"), str) and _is_here(each)
    }
    found: list[Pattern] = []
    all_here = True
    for number, each in enumerate(nodes):
        if not isinstance(each, dict) or "includes" not in each:
            continue
        inside = [places.get(name) for name in texts_of(each.get("containedIn"))]
        all_here = all_here and None not in inside
        for folder in [f"{name}/" for name in inside if name is not None] if inside else [""]:
            for name in ("includes", "excludes"):
                given = each.get(name)
                for at, glob in enumerate(given if isinstance(given, list) else [given]):
                    if isinstance(glob, str) and len(found) <= MOST_PATTERNS:
                        place = f"distribution[{number}].{name}[{at}]"
                        found.append(
                            Pattern(place, number, folder, glob.removeprefix("./"), name == "excludes")
                        )
    return found, all_here


def _is_here(node: dict[str, Any]) -> bool:
    """Whether a node is a file of the dataset: not in an archive, and not elsewhere."""
    url = node.get("contentUrl")
    return (
        "containedIn" not in node
        and isinstance(url, str)
        and bool(url)
        and "://" not in url
        and not url.startswith(("/", "data:", "git+"))
    )
