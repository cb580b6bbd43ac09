"""The registration: what the trading platform, or the applicant, says of a dataset."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dqv.core.locate import refused
from dqv.core.policy import UNITS, of_unit

Said = Annotated[str, Field(min_length=1)]
"""Words that must not be blank."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Applicant(_Model):
    """8(一): who files."""

    name: Said
    uscc: str | None = None
    """统一社会信用代码 (GB 32100-2015)."""


class Certificate(_Model):
    """8(一): the platform's registration of the dataset."""

    number: Said
    platform: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None


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


class Attestation(_Model):
    """A statement of the applicant for one rule, with its documents."""

    rule: Literal[
        "legality", "safeguards", "value", "openness", "updates", "privacy", "documentation", "metadata"
    ]
    statement: Said
    documents: tuple[Said, ...] = ()


class Registration(_Model):
    """One dataset as registered.

    Attributes:
        modalities: what is declared; only these decide.
        cadence: how often the data is updated, in words.
    """

    name: Said
    applicant: Applicant
    certificate: Certificate | None = None
    category: Literal["通识数据集", "行业通识数据集", "行业专识数据集"] | None = None
    modalities: Annotated[dict[Modality, Declared], AfterValidator(_in_their_units)] = Field(min_length=1)
    cadence: Said | None = None
    scenarios: tuple[Scenario, ...] = ()
    attestations: tuple[Attestation, ...] = ()

    def attested(self, rule: str) -> Attestation | None:
        """The applicant's statement for a rule, if there is one."""
        return next((each for each in self.attestations if each.rule == rule), None)
