"""The policy: a regulation's clauses, thresholds and readings as data (policies/*.toml)."""

import tomllib
from datetime import date
from fractions import Fraction
from functools import cached_property, partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import tomli_w
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from dqv.core.errors import PolicyError
from dqv.core.files import digest_of
from dqv.core.locate import explain, line_of, missing, refused
from dqv.core.units import parse_quantity, parse_size_px

RULES = (
    "scale.text", "scale.audio", "scale.image", "scale.video",
    "resolution.image", "resolution.video",
    "duplicates.text", "duplicates.audio", "duplicates.image", "duplicates.video",
    "recency", "documentation", "metadata", "openness", "updates",
    "registration", "applicant", "category", "legality", "safeguards",
    "scenarios", "value", "privacy",
)  # fmt: skip
"""Every rule, in the order of a report; the names are relied on outside the project."""

UNITS = {
    "scale.text": "byte",
    "scale.audio": "hour",
    "scale.image": "byte",
    "scale.video": "byte",
    **{rule: "ratio" for rule in RULES if rule.startswith(("resolution.", "duplicates."))},
    "recency": "ratio",
    "scenarios": "item",
}
"""The base unit of every threshold, by the rule that compares it."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Model):
    """A sentence in Chinese and English."""

    zh: str
    en: str


def _quantity(text: str) -> str:
    parse_quantity(text)
    return text


def of_unit(text: str, unit: str) -> str:
    """Give a quantity back when it is one in that base unit, and a ratio one between 0 and 1.

    Raises:
        ValueError: says what it is instead.
    """
    value, found = parse_quantity(text)
    if found != unit:
        raise ValueError(f"{text!r} is a quantity in the unit {found}; here the unit is {unit}")
    if unit == "ratio" and value > 1:
        raise ValueError(f"{text!r} is not between 0 and 1")
    return text


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone such as 'Asia/Shanghai'") from error
    return name


def _size(text: str) -> str:
    parse_size_px(text)
    return text


Quantity = Annotated[str, AfterValidator(_quantity)]
Share = Annotated[str, AfterValidator(lambda text: of_unit(text, "ratio"))]
Bytes = Annotated[str, AfterValidator(lambda text: of_unit(text, "byte"))]
Timezone = Annotated[str, AfterValidator(_timezone)]
Size = Annotated[str, AfterValidator(_size)]


class Reading(_Model):
    """One way to read a rule.

    Attributes:
        name: as it stands in the report.
        measure: the number it compares; the check of the rule knows it by this name.
        threshold: where it differs from the rule's own.
        floor: of resolution.*, where it differs from the rule's own.
    """

    name: str
    measure: str
    threshold: Quantity | None = None
    floor: Size | None = None
    words: Words


class Rule(_Model):
    """One rule of the policy.

    Attributes:
        clause: key of the clause whose sentence it tests.
        title: what it tests.
        comparator: measured ≥ or ≤ threshold; a threshold itself conforms.
        threshold: with its unit; none where a person decides.
        floor: smallest picture, for resolution.*.
        deciding: name of the reading that decides.
        readings: every plausible reading, the deciding one among them.
    """

    clause: str
    title: Words
    comparator: Literal[">=", "<="] | None = None
    threshold: Quantity | None = None
    floor: Size | None = None
    deciding: str | None = None
    readings: tuple[Reading, ...] = ()

    @model_validator(mode="after")
    def _readings_hold(self) -> "Rule":
        names = [reading.name for reading in self.readings]
        if len(set(names)) != len(names):
            raise ValueError("two readings have the same name")
        if self.readings and (self.threshold is None or self.comparator is None):
            raise ValueError("readings need a threshold and a comparator")
        if self.readings and self.deciding not in names:
            raise ValueError(f"deciding is {self.deciding!r}, which is none of the readings {names}")
        if self.threshold is not None and self.comparator is None:
            raise ValueError("a threshold needs a comparator")
        return self

    @property
    def unit(self) -> str | None:
        """Base unit of the threshold: byte, hour, ratio, item."""
        return None if self.threshold is None else parse_quantity(self.threshold)[1]

    def limit(self, reading: Reading | None = None) -> Fraction:
        """The threshold in base units, of one reading where it has its own."""
        text = reading.threshold if reading is not None and reading.threshold else self.threshold
        if text is None:
            raise ValueError("this rule has no threshold")
        return parse_quantity(text)[0]

    def floor_px(self, reading: Reading | None = None) -> tuple[int, int]:
        """Short and long side of the smallest picture, of one reading where it has its own."""
        text = reading.floor if reading is not None and reading.floor else self.floor
        if text is None:
            raise ValueError("this rule has no floor")
        return parse_size_px(text)


class Recency(_Model):
    """The window of the clause on recent data."""

    years: int = Field(ge=1, le=100)
    timezone: Timezone


class LongText(_Model):
    """When the duplicate rate of text goes by paragraphs (8(三), policy's reading)."""

    item: Bytes
    share: Share

    @property
    def item_bytes(self) -> int:
        """A text of more bytes is long."""
        return int(parse_quantity(self.item)[0])


class NearText(_Model):
    """How near-duplicate texts are told (8(三)).

    Attributes:
        slots: of a sketch; with 256 the estimate of the similarity errs 0.7 times as much, and sketches are twice as large.
        simplified: traditional Chinese characters count as their simplified ones.
    """

    slots: Literal[128, 256]
    simplified: bool


DescriptiveField = Literal[
    "id", "licence", "source", "language", "labels", "annotation_method", "version", "generated"
]


class MetadataRules(_Model):
    """What metadata of items is held to (8(三) 规范的元数据).

    Attributes:
        required: what must be said of every item.
        unique: what no two items may share.
        licences: identifiers that are licences: in lower case, `-` for spaces.
        annotation_methods: what may be said of how labels came about, likewise.
    """

    required: tuple[DescriptiveField, ...]
    unique: tuple[DescriptiveField, ...]
    licences: tuple[str, ...]
    annotation_methods: tuple[str, ...]

    @field_validator("licences", "annotation_methods")
    @classmethod
    def _are_folded(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if value != "-".join(value.lower().split()):
                raise ValueError(f"{value!r} must be in lower case and without spaces")
        return values


class Policy(_Model):
    """A policy file.

    Attributes:
        defective_share: above it, a modality's pass becomes a review.
        unread_factor: an unread object may hold at most its bytes times this.
        unread_factor_compressed: the same, of a compressed object or an archive.
        unread_bytes_per_second: so few bytes may hold a second of sound, in what was not read.
        compared_share: duplicates of text are compared on the text fields; where these hold less than this
            share of the payload, a pass becomes a review.
        undeclared_share: without a registration, a modality's rules decide from this share of bytes.
        in_force_until: first day it is no longer in force; none while it is.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    version: str
    document: str
    status: Words
    title: Words
    issuer: Words
    issued: date
    in_force_from: date
    in_force_until: date | None = None
    defective_share: Share
    unread_factor: int = Field(ge=1)
    unread_factor_compressed: int = Field(ge=1)
    unread_bytes_per_second: int = Field(ge=1)
    compared_share: Share
    undeclared_share: Share
    recency: Recency
    near_text: NearText
    long_text: LongText
    metadata: MetadataRules
    clauses: dict[str, Words]
    rules: dict[str, Rule]

    @model_validator(mode="after")
    def _rules_are_all_there(self) -> "Policy":
        absent = [rule for rule in RULES if rule not in self.rules]
        unknown = [rule for rule in self.rules if rule not in RULES]
        if absent or unknown:
            raise ValueError(f"rules missing: {absent}; rules unknown: {unknown}")
        for name, rule in self.rules.items():
            if rule.clause not in self.clauses:
                raise refused(("rules", name, "clause"), f"{rule.clause!r} is none of the clauses")
            if name.startswith("resolution.") and rule.floor is None:
                raise missing(("rules", name, "floor"))
            if name in UNITS:
                _hold_to_unit(name, rule)
        return self

    @cached_property
    def digest(self) -> str:
        """Hex sha256 of the content (not of the file's layout)."""
        return digest_of(self.model_dump(mode="json"))

    def share(self, name: Literal["defective_share", "compared_share", "undeclared_share"]) -> Fraction:
        """One of the policy's shares as a fraction of 1."""
        return parse_quantity(getattr(self, name))[0]


def _hold_to_unit(name: str, rule: Rule) -> None:
    """Refuse thresholds that are missing, or in another unit than the one in which the rule is measured."""
    if rule.threshold is None:
        raise missing(("rules", name, "threshold"))
    if name != "scenarios" and not rule.readings:
        raise missing(("rules", name, "readings"))
    thresholds: list[tuple[tuple[str | int, ...], str | None]] = [(("threshold",), rule.threshold)]
    for number, reading in enumerate(rule.readings):
        thresholds.append((("readings", number, "threshold"), reading.threshold))
    for place, text in thresholds:
        try:
            if text is not None:
                of_unit(text, UNITS[name])
        except ValueError as error:
            raise refused(("rules", name, *place), str(error)) from error


def policy_ids() -> list[str]:
    """The policies that come with dqv."""
    folder = resources.files("dqv") / "policies"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load_policy(name: str) -> Policy:
    """Load a policy by its id, or from a TOML file.

    Raises:
        PolicyError: not found, not TOML, or not a policy; with line and field.
    """
    if name in policy_ids():
        return parse_policy((resources.files("dqv") / "policies" / f"{name}.toml").read_text("utf-8"), name)
    path = Path(name)
    if not path.is_file():
        raise PolicyError(
            f"there is no policy {name!r}: neither a file nor one of {', '.join(policy_ids())}; "
            "see `dqv policy list`"
        )
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"policy {name}: cannot be read as UTF-8 text: {error}") from error
    return parse_policy(text, name)


def parse_policy(text: str, name: str) -> Policy:
    """Read a policy from TOML; `name` stands in the errors.

    Raises:
        PolicyError: with line and field.
    """
    try:
        return Policy.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"policy {name} is not TOML: {error}") from error
    except ValidationError as error:
        raise PolicyError(f"policy {name} is not usable: {explain(error, partial(line_of, text))}") from error


def dump_policy(policy: Policy) -> str:
    """A policy as TOML that `parse_policy` reads back to the same policy."""
    values = policy.model_dump(exclude_none=True)
    return tomli_w.dumps(_plain(values))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value
