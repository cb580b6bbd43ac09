"""The settings of one run: built once from the options, frozen, passed on, written into the report."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from dqv.core.files import digest_of, sha256_file
from dqv.core.location import Location, located
from dqv.core.policy import NearText


class Role(StrEnum):
    """Who checks: the applicant or the bureau."""

    SELF_CHECK = "self-check"
    VERIFICATION = "verification"


class Assurance(StrEnum):
    """How much is read: every byte, or only what identifies an object."""

    FULL = "full"
    IDENTITY = "identity"


Layout = Literal["folder", "imagefolder", "webdataset", "huggingface", "croissant", "tc609"]
"""How a dataset is laid out: files in folders; the same with a table beside pictures (Hugging Face's ImageFolder);
WebDataset's samples in tar; a Hugging Face repository; described by Croissant; records of TC609-5-2025-02."""


class Limits(BaseModel):
    """What one item may cost before it becomes an error row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_bytes: int = 1_500_000_000
    """Data memory of the measuring child, its interpreter included."""
    stall_s: float = 60.0
    """Wall seconds without progress (progress is bytes or records consumed)."""
    cpu_s: int = 120
    """CPU seconds without progress."""
    record_bytes: int = 64 * 2**20
    """A line, a row or an element of an array."""
    document_bytes: int = 256 * 2**20
    """A whole document that must be held at once (.txt, .md, .html, .xml, a single JSON value)."""
    expansion: int = 1000
    """A compressed object may grow by this factor (beyond its first 64 MiB) before it counts as a bomb."""
    archive_members: int = 10_000_000
    """Members of one archive, those of archives inside it among them."""
    archive_depth: int = 3
    """So many archives may stand one inside the other, inside an archive."""
    image_pixels: int = 178_956_970
    """Pixels of one image, all its frames together; Pillow's own limit against bombs."""


class Measuring(BaseModel):
    """The settings that decide what a measurement says: part of every part's identity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    assurance: Assurance = Assurance.FULL
    text_field: str | None = None
    date_field: str | None = None
    layout: Layout | None = None
    """None: as it is found. Only a WebDataset's members hang together in samples."""
    near_text: NearText = NearText(slots=128, simplified=False)
    long_text_bytes: int = 1_000_000
    """A longer text is cut into paragraphs, too. Both are the policy's; the run sets them here."""
    limits: Limits = Limits()


class Settings(BaseModel):
    """One run.

    Attributes:
        source: as the user calls it: a folder, a URL, a registration's number.
        locations: where its data lies; none: `source` says it.
        keys: files of the private keys that sign.
        certificates: files of certificates, each for one of the keys.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    locations: tuple[Location, ...] = ()
    out: Path
    policy: str = "jiaxing-2025-65"
    registration: Path | None = None
    barred: Path | None = None
    expectations: Path | None = None
    modalities: tuple[Literal["text", "audio", "image", "video"], ...] = ()
    role: Role = Role.SELF_CHECK
    reference_date: date | None = None
    scheduler: str | None = None
    workers: int | None = None
    keys: tuple[Path, ...] = ()
    certificates: tuple[Path, ...] = ()
    lang: Literal["zh", "en"] = "en"
    excerpts: bool = False
    measuring: Measuring = Measuring()

    @property
    def where(self) -> tuple[Location, ...]:
        """Where the data lies."""
        return self.locations or (located(self.source),)

    def digest(self, reference_date: date) -> str:
        """Hex sha256 of what may change a finding; where it runs and where it writes do not."""
        values = self.model_dump(mode="json", include={"modalities", "role", "measuring"})
        if self.expectations is not None:
            values["expectations"] = sha256_file(self.expectations)
        return digest_of(values | {"reference_date": reference_date.isoformat()})
