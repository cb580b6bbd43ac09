"""What people declare in files, TOML, JSON or YAML: bounded in size, read strictly, mistakes told with their line.

A file may come from anyone. A key that stands twice and an alias of YAML are refused: the one could mean two things, the
other be a bomb.
"""

import csv
import io
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from dqv.core.barred import BarList, Barred
from dqv.core.errors import RegistrationError, TrustError, UsageError
from dqv.core.locate import explain, line_of
from dqv.core.registration import Registration
from dqv.trust import canonical

MOST_BYTES = 2**20

_Model = TypeVar("_Model", bound=BaseModel)
_FORMATS = {".toml": "TOML", ".json": "JSON", ".yaml": "YAML", ".yml": "YAML"}


def load_registration(path: Path) -> Registration:
    """Read a registration file, by its suffix .toml, .json, .yaml or .yml.

    Raises:
        RegistrationError: names the file and the line or field.
    """
    return load(path, Registration, "registration")


_COLUMNS = {
    "code": "code", "统一社会信用代码": "code", "name": "name", "名称": "name", "单位名称": "name", "申报单位": "name",
    "date": "date", "日期": "date", "决定日期": "date", "year": "year", "年度": "year", "年份": "year",
}  # fmt: skip
"""Of a bar list in CSV, by the names in its first line."""


def load_barred(path: Path) -> tuple[Barred, ...]:
    """Read the bar list of 第十二条: CSV with a first line of names, or TOML, JSON or YAML with a list `barred`.

    Raises:
        RegistrationError: names the file and the line or field.
    """
    if path.suffix.lower() != ".csv":
        return load(path, BarList, "bar list").barred
    rows = csv.reader(
        io.StringIO(read_text(path, "bar list").removeprefix("\ufeff"), newline=""), strict=True
    )
    found: list[Barred] = []
    try:
        head = [_COLUMNS.get(name.strip().lower()) for name in next(rows, [])]
        if None in head or len(set(head)) != len(head) or not {"code", "name"} & set(head):
            raise RegistrationError(
                f"bar list {path}, line 1: the columns must be among {', '.join(_COLUMNS)}, each once, code or name one of them"
            )
        for row in rows:
            if len(row) != len(head) and any(row):
                raise RegistrationError(
                    f"bar list {path}, line {rows.line_num}: {len(row)} fields, not {len(head)}"
                )
            values = {name: value.strip() for name, value in zip(head, row, strict=False) if value.strip()}
            if values:
                found.append(Barred.model_validate(values))
    except csv.Error as error:
        raise RegistrationError(f"bar list {path} is not CSV: line {rows.line_num}: {error}") from None
    except ValidationError as error:
        raise RegistrationError(
            f"bar list {path} is not usable: {explain(error, lambda _: rows.line_num)}"
        ) from None
    return tuple(found)


def load(path: Path, model: type[_Model], what: str) -> _Model:
    """Read a file as a model.

    Args:
        path: its suffix says the format.
        model: what it must be.
        what: the same in a word, for messages.

    Raises:
        RegistrationError: names the file and the line or field.
    """
    text, form = read_text(path, what), _FORMATS.get(path.suffix)
    if form is None:
        raise RegistrationError(f"{what} {path}: the name must end in .toml, .json or .yaml")
    document = None
    try:
        if form == "TOML":
            values = tomllib.loads(text)
        elif form == "JSON":
            values = canonical.load(text.encode(), "it")
        else:
            document, values = read_yaml(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise RegistrationError(
            f"{what} {path} is not YAML as dqv reads it: line {line}: {error.problem}"
        ) from None
    except (ValueError, TrustError, yaml.YAMLError, RecursionError) as error:
        raise RegistrationError(f"{what} {path} is not {form} as dqv reads it: {error}") from None
    try:
        return model.model_validate(values)
    except ValidationError as error:

        def line_in(location: Sequence[str | int]) -> int | None:
            return line_of(text, location) if document is None else _yaml_line(document, location)

        raise RegistrationError(f"{what} {path} is not usable: {explain(error, line_in)}") from None


def load_suite(path: Path) -> Any:
    """Read a suite of expectations, JSON as Great Expectations writes it; what it says is looked at later.

    Raises:
        UsageError: it cannot be read, or is not JSON.
    """
    try:
        return canonical.load(read_text(path, "expectations").encode(), f"expectations {path}")
    except (RegistrationError, TrustError) as error:
        raise UsageError(str(error)) from None


def read_text(path: Path, what: str) -> str:
    """The text of a file of at most MOST_BYTES.

    Raises:
        RegistrationError: it cannot be read; `what` names it.
    """
    try:
        if not path.is_file():
            raise RegistrationError(f"{what} {path} cannot be read: there is no such file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise RegistrationError(f"{what} {path}: larger than {MOST_BYTES} bytes; this is no {what}")
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise RegistrationError(f"{what} {path} cannot be read as UTF-8 text: {why}") from None


class _Loader(yaml.SafeLoader):
    """The safe loader, without aliases and without keys that stand twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases are not read", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        values = super().construct_mapping(node, deep)
        if len(values) != len(node.value):
            raise yaml.MarkedYAMLError(problem="a key stands twice", problem_mark=node.start_mark)
        return values


def read_yaml(text: str) -> tuple[yaml.Node | None, Any]:
    """A document and its values, without aliases and keys that stand twice.

    Raises:
        yaml.YAMLError: it is no such document.
        ValueError: a value is none of its kind.
    """
    loader = _Loader(text)
    try:
        document = loader.get_single_node()
        return document, None if document is None else loader.construct_document(document)
    finally:
        loader.dispose()


def _yaml_line(document: yaml.Node, location: Sequence[str | int]) -> int | None:
    """The line (from 1) of the value at a location, or of the nearest parent that is there."""
    node, line = document, None
    for name in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(name)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(name, int) and name < len(node.value):
            found = (node.value[name], node.value[name])
        else:
            found = None
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
