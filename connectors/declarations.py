"""What people declare in files, TOML, JSON or YAML: bounded in size, read strictly, mistakes told with their line.

A file may come from anyone. A key that stands twice and an alias of YAML are refused: the one could mean two things, the
other be a bomb.
"""

import csv
import io
import math
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from dqv.core.barred import BarList, Barred
from dqv.core.errors import ItemError, RegistrationError, TrustError, UsageError
from dqv.core.locate import explain, line_of
from dqv.core.registration import Registration
from dqv.measure.encoding import decode
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
    "code": "code", "统一社会信用代码": "code", "社会信用代码": "code", "信用代码": "code", "name": "name", "名称": "name",
    "单位名称": "name", "申报单位": "name", "企业名称": "name", "date": "date", "日期": "date", "决定日期": "date",
    "year": "year", "年度": "year", "年份": "year",
}  # fmt: skip
"""Of a bar list in CSV, by the names in its first line; other columns (备注) are not read."""

_MEANT = {"code": ("code", "代码"), "name": ("name", "名称", "单位")}
"""By which a column seems to be one that decides, though it is not called so."""


def load_barred(path: Path) -> tuple[Barred, ...]:
    """Read the bar list of 第十二条: CSV with a first line of names, or TOML, JSON or YAML with a list `barred`.

    Raises:
        RegistrationError: names the file and the line or field.
    """
    if path.suffix.lower() != ".csv":
        return load(path, BarList, "bar list").barred
    text = _of_spreadsheet(path)
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[Barred] = []
    try:
        head = _head(path, next(rows, []))
        for row in rows:
            if len(row) != len(head) and any(row):
                raise RegistrationError(
                    f"bar list {path}, line {rows.line_num}: {len(row)} fields, not {len(head)}"
                )
            cells = zip(head, row, strict=False)
            values = {name: value.strip() for name, value in cells if name is not None and value.strip()}
            if values:
                found.append(Barred.model_validate(values))
    except csv.Error as error:
        raise RegistrationError(f"bar list {path} is not CSV: line {rows.line_num}: {error}") from None
    except ValidationError as error:
        raise RegistrationError(
            f"bar list {path} is not usable: {explain(error, lambda _: rows.line_num)}"
        ) from None
    return tuple(found)


def _head(path: Path, names: Sequence[str]) -> list[str | None]:
    """What the columns of a bar list are, None where one is not read."""
    head = [_COLUMNS.get(name.strip().lower()) for name in names]
    known = [name for name in head if name is not None]
    meant = any(
        part in name.lower()
        for column, parts in _MEANT.items() if column not in known
        for part in parts for name in names
    )  # fmt: skip
    if (
        meant
        or len(set(known)) != len(known)
        or not ({"code", "name"} & set(known) and {"date", "year"} & set(known))
    ):
        raise RegistrationError(
            f"bar list {path}, line 1: the columns must be called as among {', '.join(_COLUMNS)}, each once, code or name and date or "
            "year among them"
        )
    return head


def _of_spreadsheet(path: Path) -> str:
    """The text of a CSV file, in UTF-8 or as spreadsheets save it (GB18030, UTF-16 with its mark)."""
    content = _read(path, "bar list")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return decode(content)[0]
    except ItemError as error:
        raise RegistrationError(
            f"bar list {path} cannot be read: {error}; save it as “CSV UTF-8”, with commas or semicolons"
        ) from None


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
        UsageError: it cannot be read, is not JSON, or holds what no value of the data can be: names the field.
    """
    try:
        text = read_text(path, "expectations")
        suite = canonical.load(text.encode(), f"expectations {path}")
    except (RegistrationError, TrustError) as error:
        raise UsageError(str(error)) from None
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), suite)]
    while waiting:
        where, value = waiting.pop()
        children = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        wrong = _unusable(where, value)
        if wrong:
            field = ".".join(map(str, where)).encode("unicode_escape").decode()[:200]
            line = line_of(text, where)
            at = f"line {line}, field {field}" if line is not None else f"field {field}"
            raise UsageError(f"expectations {path}, {at}: {wrong}")
        waiting += [((*where, name), each) for name, each in children]
    return suite


_DEEPEST = 50


def _unusable(where: Sequence[str | int], value: Any) -> str | None:
    """Why a value of JSON can be handed on to no database."""
    texts = [each for each in (*where[-1:], value) if isinstance(each, str)]
    if any("\ud800" <= letter <= "\udfff" for each in texts for letter in each):
        return "a lone surrogate is no character: write it out, or leave it out"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "the number does not fit into 64 bits"
    if isinstance(value, float) and not math.isfinite(value):
        return "the number is too large"
    return f"it is nested deeper than {_DEEPEST}" if len(where) > _DEEPEST else None


def read_text(path: Path, what: str) -> str:
    """The text of a file of at most MOST_BYTES.

    Raises:
        RegistrationError: it cannot be read; `what` names it.
    """
    try:
        return _read(path, what).decode()
    except UnicodeDecodeError:
        raise RegistrationError(f"{what} {path} cannot be read as UTF-8 text: it is not UTF-8") from None


def _read(path: Path, what: str) -> bytes:
    try:
        if not path.is_file():
            raise RegistrationError(f"{what} {path} cannot be read: there is no such file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise RegistrationError(f"{what} {path} cannot be read as UTF-8 text: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise RegistrationError(f"{what} {path}: larger than {MOST_BYTES} bytes; this is no {what}")
    return content


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
