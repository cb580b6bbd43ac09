"""The registration: what the trading platform, or the applicant, says of a dataset."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Applicant(_Model):
    """8(一): who files."""

    name: str = Field(min_length=1)
    uscc: str | None = None
    """统一社会信用代码 (GB 32100-2015)."""


class Certificate(_Model):
    """8(一): the platform's registration of the dataset."""

    number: str = Field(min_length=1)
    platform: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None


class Declared(_Model):
    """The scale the applicant declares for one modality, with unit ("35 GB", "1200 h")."""

    scale: str


class Scenario(_Model):
    """8(五): one scenario of use."""

    title: str = Field(min_length=1)
    user: str | None = None
    place: str | None = None
    task: str | None = None
    effect: str | None = None


class Attestation(_Model):
    """A statement of the applicant for one rule, with its documents."""

    rule: Literal[
        "legality", "safeguards", "value", "openness", "updates", "privacy", "documentation", "metadata"
    ]
    statement: str = Field(min_length=1)
    documents: tuple[str, ...] = ()


class Registration(_Model):
    """One dataset as registered.

    Attributes:
        modalities: what is declared; only these decide.
        cadence: how often the data is updated, in words.
    """

    name: str = Field(min_length=1)
    applicant: Applicant
    certificate: Certificate | None = None
    category: Literal["通识数据集", "行业通识数据集", "行业专识数据集"] | None = None
    modalities: dict[Literal["text", "audio", "image", "video"], Declared] = Field(min_length=1)
    cadence: str | None = None
    scenarios: tuple[Scenario, ...] = ()
    attestations: tuple[Attestation, ...] = ()

    def attested(self, rule: str) -> Attestation | None:
        """The applicant's statement for a rule, if there is one."""
        return next((each for each in self.attestations if each.rule == rule), None)
