"""The bar list of 第十二条: units that stated falsehood, and until when they may not file."""

import re
import unicodedata
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dqv.core.registration import Said
from dqv.core.uscc import well_formed

YEARS = 2
"""第十二条: barred for the two following years."""


Names = Literal["names", "another-code"]
"""What an entry says of an applicant: it is the unit, or it has its name with another code."""

_DAY = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d\d)(\d\d))(?:[ T]0{1,2}:00(?::00)?)?")


def _code(value: object) -> object:
    return code_of(value) if isinstance(value, str) else value


def _good(code: str) -> str:
    if not well_formed(code):
        raise ValueError(
            "its form or check character is not that of GB 32100-2015, so it is nobody's: correct it, or leave it out and give the name"
        )
    return code


def _day(value: object) -> object:
    """A date as people and spreadsheets write it: 2026-01-31, 2026/1/31, 2026年1月31日, 20260131."""
    if not isinstance(value, str):
        return value
    found = _DAY.fullmatch(value.strip())
    if found is None:
        raise ValueError("no date such as 2026-01-31 or 2026/1/31")
    year, *rest = (int(part) for part in found.groups() if part is not None)
    return date(year, *rest)


def _year(value: object) -> object:
    return value.strip().removesuffix("年") if isinstance(value, str) else value


class Barred(BaseModel):
    """One entry of the list.

    Attributes:
        code: 统一社会信用代码; the applicant's own decides. Where the applicant gave none, the name does.
        date: of the decision.
        year: of the decision, where its day is not known.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

    code: Annotated[str, BeforeValidator(_code), AfterValidator(_good)] | None = None
    name: Said | None = None
    decided: Annotated[date, BeforeValidator(_day)] | None = Field(None, alias="date")
    year: Annotated[int, BeforeValidator(_year), Field(ge=1970, le=2100)] | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.code is None and self.name is None:
            raise ValueError("an entry needs a code or a name")
        if (self.decided is None) == (self.year is None):
            raise ValueError("an entry needs the date or the year of the decision, one of them")
        return self

    def names(self, name: str, code: str | None) -> Names | None:
        """Whether it is about this applicant: who is listed does not escape by giving another code."""
        if self.code is not None and code and self.code == code_of(code):
            return "names"
        if self.name is None or plain(self.name) != plain(name):
            return None
        return "another-code" if self.code is not None and code else "names"

    def holds(self, day: date) -> Literal["barred", "doubtful"] | None:
        """Whether the unit is barred on a day.

        "The two following years" may be two years from the decision, or the two calendar years after that of the decision.
        Where both readings bar, it is `barred`; where one alone does, or the decision's day in that year is not known, it
        is `doubtful`: for a person to read.
        """
        if self.decided is None:
            assert self.year is not None
            if day.year == self.year:
                return "doubtful"
            return "barred" if self.year < day.year <= self.year + YEARS else None
        if day < self.decided or day.year > self.decided.year + YEARS:
            return None
        return "barred" if day < _years_later(self.decided) else "doubtful"


class BarList(BaseModel):
    """The list of units, as a file gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    barred: tuple[Barred, ...]


def code_of(text: str) -> str:
    """A code as it is compared: in capitals, half width, without blanks."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def plain(name: str) -> str:
    """A unit's name for comparing: full width and half width, case and blanks make no difference."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _years_later(day: date) -> date:
    try:
        return day.replace(year=day.year + YEARS)
    except ValueError:  # 29 February
        return date(day.year + YEARS, 3, 1)
