"""The registration: what the trading platform, or the applicant, says of a dataset."""

import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
)

from dqv.core.locate import refused
from dqv.core.location import Credentials
from dqv.core.policy import UNITS, of_unit

Said = Annotated[str, Field(min_length=1, max_length=20_000)]
"""Words that must not be blank."""


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )


class Applicant(_Model):
    """8(一): who files."""

    name: Said
    uscc: str | None = None
    """统一社会信用代码 (GB 32100-2015)."""


class Certificate(_Model):
    """8(一): the platform's registration of the dataset.

    Attributes:
        in_force: whether it is, as the platform says; None where it does not.
    """

    number: Said
    platform: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    in_force: StrictBool | None = None


class RawSound(_Model):
    """How the samples of `.pcm` objects are laid out, which have no header to say it."""

    sample_rate_hz: int = Field(ge=4000, le=10**6)  # `measure.audio.LEAST_HZ`
    channels: int = Field(ge=1, le=1024)
    encoding: Literal[
        "pcm_s8", "pcm_u8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be",
        "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_mulaw", "pcm_alaw",
    ]  # fmt: skip


class Declared(_Model):
    """The scale the applicant declares for one modality, with unit ("35 GB", "1200 h")."""

    scale: str
    raw: RawSound | None = None
    """Of audio alone."""


Category = Literal["通识数据集", "行业通识数据集", "行业专识数据集"]
Modality = Literal["text", "audio", "image", "video"]


def _in_their_units(modalities: dict[Modality, Declared]) -> dict[Modality, Declared]:
    for name, declared in modalities.items():
        try:
            of_unit(declared.scale, UNITS[f"scale.{name}"])
        except ValueError as error:
            raise refused((name, "scale"), str(error)) from error
        if declared.raw is not None and name != "audio":
            raise refused((name, "raw"), "only audio has a raw layout")
    return modalities


class Scenario(_Model):
    """8(五): one scenario of use."""

    title: Said
    user: str | None = None
    place: str | None = None
    task: str | None = None
    effect: str | None = None


def _nameable(text: str) -> str:
    """Refuse what a table that names documents could not show: controls, and what reorders."""
    if any(unicodedata.category(character)[0] == "C" for character in text):
        raise ValueError("a name holds characters that cannot be shown")
    return text


class Document(_Model):
    """A document that goes with a statement; in a file its name alone will do."""

    name: Annotated[Said, AfterValidator(_nameable)]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-fA-F]{64}$", to_lower=True)] | None = None


@dataclass(frozen=True)
class Attached:
    """A document as it was found beside a registration file.

    Attributes:
        size_bytes: as it is.
        sha256: hex; None where it was not read.
        problem: why not: `link`, `no-file`, `too-large`, `too-many`, `io`, `changed`.
    """

    size_bytes: int
    sha256: str | None
    problem: str | None = None


def _as_document(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Attestation(_Model):
    """A statement of the applicant for one rule, with its documents."""

    rule: Literal[
        "legality", "safeguards", "value", "openness", "updates", "privacy", "documentation", "metadata"
    ]
    statement: Said
    documents: tuple[Annotated[Document, BeforeValidator(_as_document)], ...] = ()


def _without_secrets(url: str) -> str:
    if "@" in urlsplit(url).netloc:
        raise ValueError("an address holds a user or a password; give them as credentials")
    return url


class Location(_Model):
    """Where data lies.

    Attributes:
        url: such as s3://BUCKET/PREFIX, https://…, file:///….
        endpoint: of an S3-compatible store.
        credentials: themselves, or their name in the platform's description (`stores`).
    """

    url: Annotated[Said, AfterValidator(_without_secrets)]
    endpoint: Annotated[Said, AfterValidator(_without_secrets)] | None = None
    region: Said | None = None
    credentials: Credentials | Said | None = None


class Registration(_Model):
    """One dataset as registered.

    Attributes:
        modalities: what is declared; only these decide.
        cadence: how often the data is updated: words such as 每季度 or monthly, or an ISO 8601 duration (`core.cadence`).
        licence: under which the data is given: SPDX identifier, an expression of several, or words (`core.licences`).
        locations: where the data lies; read only when a platform says so.
    """

    name: Said
    applicant: Applicant
    certificate: Certificate | None = None
    category: Category | None = None
    modalities: Annotated[dict[Modality, Declared], AfterValidator(_in_their_units)] = Field(min_length=1)
    cadence: Said | None = None
    licence: Said | None = None
    locations: tuple[Location, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    attestations: tuple[Attestation, ...] = ()

    def attested(self, rule: str) -> Attestation | None:
        """The applicant's statement for a rule, if there is one."""
        return next((each for each in self.attestations if each.rule == rule), None)

    @property
    def documents(self) -> tuple[str, ...]:
        """The names of all documents, each once, in order."""
        names = (document.name for each in self.attestations for document in each.documents)
        return tuple(dict.fromkeys(names))

    def completed(self, filed: "Registration") -> "Registration":
        """This record of a platform, and of a registration file what the platform does not hold.

        Never the certificate: that is for the platform alone to say.
        """
        rules = {each.rule for each in self.attestations}
        more = {
            "category": self.category or filed.category,
            "cadence": self.cadence or filed.cadence,
            "licence": self.licence or filed.licence,
            "scenarios": self.scenarios or filed.scenarios,
            "attestations": (
                *self.attestations,
                *(each for each in filed.attestations if each.rule not in rules),
            ),
        }
        return self.model_copy(update=more)
