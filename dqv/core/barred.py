"""The bar list of 第十二条: units that stated falsehood, and until when they may not file."""

import unicodedata
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from dqv.core.registration import Said

YEARS = 2
"""第十二条: barred for the two following years."""


def _code(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


class Barred(BaseModel):
    """One entry of the list.

    Attributes:
        code: 统一社会信用代码; decides where it and the applicant's are both known, else the name does.
        date: of the decision.
        year: of the decision, where its day is not known.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

    code: Annotated[str, BeforeValidator(_code), StringConstraints(pattern="^[0-9A-Z]{18}$")] | None = None
    name: Said | None = None
    decided: date | None = Field(None, alias="date")
    year: Annotated[int, Field(ge=1970, le=2100)] | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.code is None and self.name is None:
            raise ValueError("an entry needs a code or a name")
        if (self.decided is None) == (self.year is None):
            raise ValueError("an entry needs the date or the year of the decision, one of them")
        return self

    def names(self, name: str, code: str | None) -> bool:
        """Whether it is about this applicant."""
        if self.code is not None and code:
            return self.code == code.strip().upper()
        return self.name is not None and plain(self.name) == plain(name)

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


def plain(name: str) -> str:
    """A unit's name for comparing: full width and half width, case and blanks make no difference."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _years_later(day: date) -> date:
    try:
        return day.replace(year=day.year + YEARS)
    except ValueError:  # 29 February
        return date(day.year + YEARS, 3, 1)
