"""Say where in a TOML or JSON file a value stands that a model refused."""

import re
from collections.abc import Sequence

from pydantic import ValidationError


def line_of(text: str, location: Sequence[str | int]) -> int | None:
    """The line (from 1) on which the named field seems to stand, or of the nearest parent that does.

    Keys are looked for in their order, each from where the one before was found; list indices count
    `[[tables]]` of TOML.
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
            if name < len(tables):
                position = found = tables[name]
            continue
        key = re.escape(name)
        pattern = rf"""(?:^|[\[.{{,\s])["']?{key}["']?\s*(?:[=:.\]])"""
        match = re.compile(pattern, re.MULTILINE).search(text, position)
        if match is None:
            break
        position = found = match.start() + (1 if match[0][:1] in "\n" else 0)
    return None if found is None else text.count("\n", 0, found) + 1


def _bare(name: str) -> str:
    return name.strip("\"'")


def explain(error: ValidationError, text: str) -> str:
    """One line per problem: the line in the file, the field, what is wrong."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in problem["loc"]) or "(whole file)"
        line = line_of(text, problem["loc"])
        where = f"line {line}, " if line else ""
        lines.append(f"{where}field {field}: {problem['msg']}")
    return "; ".join(lines)
