"""What is wrong with a file of metadata, and what it says of the dataset as a whole."""

from dataclasses import dataclass
from typing import NamedTuple

ERROR, WARNING = "error", "warning"


class Problem(NamedTuple):
    """One thing that is wrong.

    Attributes:
        standard: croissant, hugging-face.
        rule: its name.
        severity: error, or warning where the standard recommends only.
        at: where in the file, as the file names it; None: the file as a whole.
        detail: in words, without values of the file.
    """

    standard: str
    rule: str
    severity: str
    at: str | None
    detail: str

    def __lt__(self, other: object) -> bool:
        """By standard, rule, place; a problem of the whole comes first."""
        return isinstance(other, Problem) and _key(self) < _key(other)


def _key(problem: Problem) -> tuple[str, ...]:
    return (problem.standard, problem.rule, problem.severity, problem.at or "", problem.detail)


@dataclass(frozen=True)
class Said:
    """What a file says of the dataset as a whole.

    Attributes:
        standard: that it follows.
        licences: as written, `other` and `unknown` too.
        versions: idem.
        languages: idem.
        least_items: how many there are at least; None: it does not say.
        most_items: idem, at most.
        published: the day on which it says that the dataset was published, ISO 8601; None: it does not say.
        read: false: it could not be read, and nothing is known of what it says.
    """

    standard: str
    licences: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    least_items: int | None = None
    most_items: int | None = None
    published: str | None = None
    read: bool = True


MOST_TEXTS = 64


def texts_of(value: object) -> list[str]:
    """The texts of a value that is one or a list of them; of an object its `@id`, `url` or `name`; the first MOST_TEXTS."""
    found = []
    for each in (value if isinstance(value, list) else [value])[:MOST_TEXTS]:
        if isinstance(each, dict):
            each = next(
                (each[name] for name in ("@id", "url", "name") if isinstance(each.get(name), str)), None
            )
        if isinstance(each, str) and each:
            found.append(each[:256])
        elif isinstance(each, int | float) and not isinstance(each, bool):
            found.append(str(each))
    return found
