"""Say where in a file a value stands that a model refused; `line_of` finds it in TOML and JSON."""

import re
from collections.abc import Callable, Sequence

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


def line_of(text: str, location: Sequence[str | int]) -> int | None:
    """The line (from 1) on which the named field seems to stand, or of the nearest parent that does.

    Keys are looked for in their order, each from where the one before was found; list indices count
    `[[tables]]` of TOML, else the entries of the array that begins there.
    """
    position, found = 0, None
    names = list(location)
    for depth, name in enumerate(names):
        if isinstance(name, int):
            header = ".".join(_bare(part) for part in names[:depth] if isinstance(part, str))
            tables = [
                match.start()
                for match in re.finditer(r"^\s*\[\[(.+?)\]\]", text, re.MULTILINE)
                if match[1].replace('"', "").replace("'", "") == header
            ]
            entry = tables[name] if name < len(tables) else None if tables else _entry(text, position, name)
            if entry is None:
                break
            position = found = entry
            continue
        key = re.escape(name)
        pattern = rf"""(?:^|[\[.{{,\s])["']?{key}["']?\s*(?:[=:.\]])"""
        match = re.compile(pattern, re.MULTILINE).search(text, position)
        if match is None:
            break
        position = found = match.start() + (1 if match[0][:1] in "\n" else 0)
    return None if found is None else text.count("\n", 0, found) + 1


_TOKEN = re.compile(r"""\"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[\[\]{},]|[^\s\[\]{},"'#]+""")


def _entry(text: str, position: int, number: int) -> int | None:
    """Where an entry of the array that begins after `position` stands, of TOML or JSON."""
    start = text.find("[", position)
    depth, count, fresh = 0, -1, False
    for token in _TOKEN.finditer(text, start if start >= 0 else len(text)):
        if token[0] in ("]", "}"):
            depth -= 1
        elif fresh and not token[0].startswith("#"):
            fresh, count = False, count + 1
            if count == number:
                return token.start()
        if token[0] in ("[", "{"):
            depth += 1
            fresh = fresh or (depth == 1)
        elif token[0] == ",":
            fresh = depth == 1
        if depth <= 0:
            break
    return None


def _bare(name: str) -> str:
    return name.strip("\"'")


def explain(error: ValidationError, line_in: Callable[[Sequence[str | int]], int | None]) -> str:
    """One line per problem: the line in the file, the field, what is wrong.

    Args:
        error: of a model.
        line_in: finds the line on which the field at a location stands.
    """
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in problem["loc"]) or "(whole file)"
        absent = problem["type"] == "missing"  # the next one of that name is another's
        line = line_in(problem["loc"][:-1] if absent else problem["loc"])
        where = f"line {line}, " if line else ""
        lines.append(f"{where}field {field}: {problem['msg']}")
    return "; ".join(lines)


def refused(location: tuple[str | int, ...], why: str) -> ValidationError:
    """For a model's own validator to raise: a value below it is wrong; `explain` then tells where."""
    return _error(location, PydanticCustomError("refused", "{why}", {"why": why}))


def missing(location: tuple[str | int, ...]) -> ValidationError:
    """For a model's own validator to raise: a value below it must be there."""
    return _error(location, "missing")


def _error(location: tuple[str | int, ...], kind: str | PydanticCustomError) -> ValidationError:
    return ValidationError.from_exception_data("", [InitErrorDetails(type=kind, loc=location, input=None)])
