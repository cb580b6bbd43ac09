"""Expectations over the metadata of all items: Great Expectations over a view in SQLite.

Great Expectations is imported here alone, and only inside the functions, which run in the child: it takes seconds and 190 MB.
Its context is ephemeral, its analytics are off (the child's environment), and of its results only counts and the queries that
find places are taken: it never gives a value out. All rows lie in a file of SQLite, so memory does not grow with them.

The policy's expectations look at one field each. Rows that are alike in all that they ask of stand in SQLite once, with how many
they are and where the first are, batch by batch; of fields that must be unique only the values whose hash another has. So their
cost grows little with the items, and the answers are those of all rows. A suite of the user's own asks a view of all items, and
goes one expectation at a time: what kills the child costs the expectation at work.
"""

import gc
import re
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import polars as pl
import pyarrow.parquet as pq

from dqv.core.policy import MetadataRules
from dqv.core.quiet import quiet
from dqv.core.schema import EXPECTATIONS, UNEXPECTED
from dqv.execute.child import Beat
from dqv.execute.parts import Table
from dqv.measure.descriptions import ABSENT, TYPED

PLACES = 1000
"""So many items at most are listed of each expectation."""

_ROWS = ("modality", *TYPED, "dated", "licence_id", "method_id")
"""Columns of the joined descriptions that stand in the view."""

COLUMNS = ("item", "object", "place", *_ROWS, *(f"{name}_type" for name in TYPED))
"""Of the view `items`: one row per item that is described; `labels` as JSON; `dated` is 1 where what stands in the date fields is
a date, 0 where it is none; `licence_id` and `method_id` are licence and annotation method in lower case, without spaces; `NAME_type` is `s` of a text, `n` of a
number, `b`, `l`(ist), `o`(bject), `d`(ate), `x` (binary)."""

FILES = ("item", "object", "place", "found", "referenced", "same_digest")
"""Of the table `files`: what metadata names, and files beside it; 1 is yes, 0 no."""

_MAP = "expect_column_values_to_"
ACCEPTED: Mapping[str, tuple[str, ...]] = {
    **{_MAP + name: ("column",) for name in (
        "not_be_null", "be_null", "be_unique", "be_in_set", "not_be_in_set", "be_between", "match_regex", "not_match_regex",
        "match_regex_list", "not_match_regex_list", "match_like_pattern", "not_match_like_pattern",
    )},
    "expect_column_value_lengths_to_be_between": ("column",),
    "expect_column_value_lengths_to_equal": ("column",),
    "expect_column_pair_values_to_be_equal": ("column_A", "column_B"),
    "expect_column_pair_values_a_to_be_greater_than_b": ("column_A", "column_B"),
    "expect_compound_columns_to_be_unique": ("column_list",),
    "expect_column_distinct_values_to_be_in_set": ("column",),
    "expect_column_distinct_values_to_contain_set": ("column",),
    "expect_column_distinct_values_to_equal_set": ("column",),
    "expect_column_unique_value_count_to_be_between": ("column",),
    "expect_column_proportion_of_unique_values_to_be_between": ("column",),
    "expect_column_proportion_of_non_null_values_to_be_between": ("column",),
    "expect_table_row_count_to_be_between": (),
    "expect_table_row_count_to_equal": (),
}  # fmt: skip
"""Expectations that a suite may name, and which of their arguments are columns: what runs in SQLite, and no SQL of the suite's own."""

_NOT_TAKEN = ("row_condition", "condition_parser", "batch_id", "unexpected_rows_query")


_UNUSED = ("scipy.stats", "altair", "boto3")
"""Libraries that Great Expectations imports for what is not in `ACCEPTED`, or for data in other places."""


def _great_expectations() -> Any:
    """Great Expectations, imported without what is not used of it and without collecting garbage: in half the time."""
    hidden = [name for name in _UNUSED if name not in sys.modules]
    sys.modules.update((name, ModuleType(name)) for name in hidden)
    gc.disable()  # there is none yet, and it would be looked for hundreds of times
    try:
        import great_expectations
    finally:
        gc.enable()
        for name in hidden:  # who else asks for them gets the real ones
            del sys.modules[name]
    return great_expectations


def policy_suite(rules: MetadataRules) -> list[dict[str, Any]]:
    """The expectations that a policy asks of items, each with the name of its rule."""
    suite = [_expectation(f"required:{name}", "not_be_null", name) for name in rules.required]
    suite += [_expectation(f"unique:{name}", "be_unique", name) for name in rules.unique]
    suite.append(_expectation("dated", "be_in_set", "dated", value_set=[1]))
    for name, column, values in (
        ("licence", "licence_id", rules.licences),
        ("annotation_method", "method_id", rules.annotation_methods),
    ):
        suite.append(_expectation(f"listed:{name}", "be_in_set", column, value_set=list(values)))
    return suite


_FILE_SUITE = FILES[3:]


def _expectation(rule: str, type_: str, column: str, **arguments: Any) -> dict[str, Any]:
    return {"type": _MAP + type_, "kwargs": {"column": column, **arguments}, "meta": {"rule": rule}}


def accept(args: dict[str, Any], out: Path, beat: Beat) -> list[str]:
    """What is wrong with a suite; nothing where it can be run.

    Args:
        args: `suite`, as Great Expectations writes it in JSON.
        out: unused.
        beat: of the child.
    """
    suite = args["suite"]
    if (
        not isinstance(suite, dict)
        or not isinstance(suite.get("expectations"), list)
        or not suite["expectations"]
    ):
        return [
            "it is no suite of Great Expectations: an object with a list `expectations` that is not empty"
        ]
    if len(suite["expectations"]) > 1000:
        return [f"it has {len(suite['expectations'])} expectations; 1000 are the most"]
    problems = []
    with quiet():
        gx = _great_expectations()
        for number, each in enumerate(suite["expectations"], 1):
            beat.tick()
            wrong = _refused(each) or _not_built(gx, each)
            if wrong:
                problems.append(f"expectation {number}: {wrong}")
    return problems


def _refused(each: Any) -> str | None:
    """Why an expectation is not taken, before Great Expectations looks at it."""
    if not isinstance(each, dict) or not isinstance(each.get("type"), str):
        return "it must be an object with a `type`"
    kind, arguments = each["type"], each.get("kwargs", {})
    if kind not in ACCEPTED:
        return f"there is no {kind[:100]!r} that dqv runs; there are {', '.join(sorted(ACCEPTED))}"
    if not isinstance(arguments, dict):
        return f"{kind}: `kwargs` must be an object"
    for name in _NOT_TAKEN:
        if name in arguments:
            return f"{kind}: `{name}` is not taken"
    for name in ACCEPTED[kind]:
        given = arguments.get(name)
        for column in given if isinstance(given, list) else [given]:
            if column not in COLUMNS:
                return f"{kind}: `{name}` must name columns of {', '.join(COLUMNS)}"
    return next(
        (
            f"{kind}: `{name[:100]}` {wrong}"
            for name, given in arguments.items()
            if (wrong := _unusable(name, given))
        ),
        None,
    )


_MOST_VALUES = 1000


def _unusable(name: str, given: Any) -> str | None:
    """Why an argument cannot be asked of SQLite, though Great Expectations takes it."""
    values = given if isinstance(given, list) else [given]
    if len(values) > _MOST_VALUES:
        return f"has {len(values)} values; {_MOST_VALUES} are the most"
    if name != "result_format" and any(isinstance(each, dict | list) for each in values):
        return "must hold texts and numbers alone; parameters ($PARAMETER) are not taken"
    for each in values:
        if name in ("regex", "regex_list") and isinstance(each, str):
            try:
                re.compile(each)
            except (re.error, RecursionError, OverflowError) as error:
                return f"is no regular expression of Python: {error}"
    return None


def _not_built(gx: Any, each: dict[str, Any]) -> str | None:
    """What Great Expectations itself says of an expectation's arguments."""
    from great_expectations.compatibility import pydantic
    from great_expectations.exceptions.exceptions import GreatExpectationsError

    try:
        gx.ExpectationSuite(name="dqv", expectations=[_plain(each)])
    except pydantic.ValidationError as error:
        told = (f"`{'.'.join(map(str, one['loc']))}`: {one['msg']}" for one in error.errors()[:5])
        return f"{each['type']}: {'; '.join(told)}"
    except (GreatExpectationsError, TypeError, ValueError, KeyError, AttributeError) as error:
        return f"{each['type']}: its arguments are not those that it takes ({type(error).__name__})"
    return None


def _plain(each: Mapping[str, Any]) -> dict[str, Any]:
    """An expectation as it is run: type and arguments."""
    return {"type": each["type"], "kwargs": each.get("kwargs", {})}


def check(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """Run the suites: tables `expectations` and `unexpected`.

    Args:
        args: `descriptions` and `files`, tables; `digests` of them; `suite` of the policy, `own` of the user or None.
        out: where the tables go; a file of SQLite stands there meanwhile.
        beat: of the child.
    """
    database = out / "items.sqlite"
    try:
        with closing(sqlite3.connect(database)) as connection:
            loaded = _load(connection, args, beat)
        with quiet():
            results = sorted(_results(args, database, loaded, beat), key=lambda each: _order(each[0]))
        with (
            Table(out, "expectations", EXPECTATIONS) as expectations,
            Table(out, "unexpected", UNEXPECTED) as unexpected,
        ):
            for row, places in results:
                expectations.add_rows([row])
                if places:
                    unexpected.add_rows(places)
    finally:
        database.unlink(missing_ok=True)


def _order(row: Mapping[str, Any]) -> tuple[int, int]:
    return ("policy", "files", "own").index(row["suite"]), row["number"]


@dataclass(frozen=True)
class _Loaded:
    """What is known of the items once they are loaded.

    Attributes:
        kinds: the kind of value that is most usual, by field.
        items: how many there are.
        without: of the fields that must be unique, how many items have none.
    """

    kinds: dict[str, str]
    items: int
    without: dict[str, int]


def _load(connection: sqlite3.Connection, args: Mapping[str, Any], beat: Beat) -> _Loaded:
    """Fill the file."""
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
        connection.execute(f"PRAGMA {pragma}")
    connection.set_progress_handler(beat.tick, 10**6)
    descriptions, files = Path(args["descriptions"]), Path(args["files"])
    told = {_asked_of(each): None for each in args["suite"] if not _is_unique(each)}
    marks = {name: pl.col(name).is_not_null().replace(False, None) for name, value in told if not value}
    values = {name: pl.col(name) for name, value in told if value}
    kinds = {**marks, **values, "types": pl.col("types")}
    _group(connection, "kinds", _items(descriptions, _inputs(kinds)), kinds, beat)
    connection.execute(
        f"CREATE VIEW alike AS SELECT item, {', '.join([*{**marks, **values}, *_LETTERS])} FROM kinds"
    )
    found = {name: pl.col(name) for name in FILES[3:]}
    _group(connection, "files", _batches(files, _inputs(found)), found, beat)
    unique = [each["kwargs"]["column"] for each in args["suite"] if _is_unique(each)]
    without = _load_repeated(connection, descriptions, unique, beat)
    if args["own"] is not None:
        _load_items(connection, descriptions, beat)
    connection.commit()
    (items,) = connection.execute("SELECT coalesce(sum(items), 0) FROM kinds").fetchone()
    return _Loaded(_usual_kinds(connection), items, without)


def _is_unique(each: Mapping[str, Any]) -> bool:
    return bool(each["type"] == f"{_MAP}be_unique")


def _asked_of(each: Mapping[str, Any]) -> tuple[str, bool]:
    """The column of an expectation, and whether it asks for its value; if not, only whether there is one."""
    return each["kwargs"]["column"], each["type"] != f"{_MAP}not_be_null"


_LETTERS = [
    f"NULLIF(substr(types, {number}, 1), '{ABSENT}') AS {name}_type" for number, name in enumerate(TYPED, 1)
]


def _group(
    connection: sqlite3.Connection,
    table: str,
    batches: Iterable[pl.DataFrame],
    columns: Mapping[str, pl.Expr],
    beat: Beat,
) -> None:
    """Fill a table with a row for all rows of a batch that are alike: how many (`items`), and where the first are."""
    connection.execute(
        f"CREATE TABLE {table} (item INTEGER PRIMARY KEY, batch, items, places, {', '.join(columns)})"
    )
    statement = f"INSERT INTO {table} VALUES (NULL, ?, ?, ?{', ?' * len(columns)})"
    for number, rows in enumerate(batches):
        alike = (
            rows.group_by(maintain_order=True, **columns)
            .agg(pl.len().alias("items"), pl.col("object", "place").head(PLACES))
            .select("items", "object", "place", *columns)
        )
        connection.executemany(
            statement,
            (
                (number, count, orjson.dumps(list(zip(objects, places, strict=True))), *values)
                for count, objects, places, *values in alike.iter_rows()
            ),
        )
        beat.tick()


def _inputs(columns: Mapping[str, pl.Expr]) -> set[str]:
    return {"object", "place", *(name for each in columns.values() for name in each.meta.root_names())}


_BATCH_ROWS = 1 << 16


def _batches(path: Path, columns: set[str]) -> Iterator[pl.DataFrame]:
    for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS, columns=sorted(columns)):
        yield pl.DataFrame(pl.from_arrow(batch))


def _items(descriptions: Path, columns: set[str]) -> Iterator[pl.DataFrame]:
    """The rows of items; what describes a file of many as a whole is none."""
    for rows in _batches(descriptions, columns):
        yield rows.filter(pl.col("place").is_not_null())


def _load_repeated(
    connection: sqlite3.Connection, descriptions: Path, unique: Sequence[str], beat: Beat
) -> dict[str, int]:
    """Fill `repeated` with the items whose value has the same hash as another's: the others are unique.

    Returns:
        By field, how many items have none.
    """
    connection.execute(
        f"CREATE TABLE repeated (item INTEGER PRIMARY KEY, object, place{''.join(f', {each}' for each in unique)})"
    )
    without, again = {}, {}
    for name in unique:
        again[name], without[name] = _repeated(descriptions, name, beat)
    if any(each.size for each in again.values()):
        for rows in _items(descriptions, {"object", "place", *unique}):
            twice = [pl.lit(np.isin(rows[name].hash().to_numpy(), again[name])) for name in unique]
            found = rows.filter(pl.any_horizontal(twice)).select("object", "place", *unique)
            connection.executemany(
                f"INSERT INTO repeated VALUES (NULL, ?, ?{', ?' * len(unique)})", found.iter_rows()
            )
            beat.tick()
    return without


_HASHES = 4_000_000
"""Of 8 bytes; where there are more items, a share of the hashes is looked at at a time."""


def _repeated(descriptions: Path, name: str, beat: Beat) -> tuple[npt.NDArray[np.uint64], int]:
    """The hashes that several items have in a field, and how many items have nothing there."""
    shares = -(-pq.read_metadata(descriptions).num_rows // _HASHES)
    found, without = [np.zeros(0, np.uint64)], 0
    for share in range(shares):
        hashes, without = [np.zeros(0, np.uint64)], 0
        for rows in _items(descriptions, {"place", name}):
            without += rows[name].null_count()
            each = rows[name].drop_nulls().hash().to_numpy()
            hashes.append(each[each % shares == share] if shares > 1 else each)
            beat.tick()
        ordered = np.concatenate(hashes)
        del hashes
        ordered.sort()
        found.append(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))
    return np.concatenate(found), without


def _load_items(connection: sqlite3.Connection, descriptions: Path, beat: Beat) -> None:
    """Fill the view `items`, which the user's own suite asks, with all items."""
    there = _there(descriptions)
    columns = [name for name in ("object", "place", "types", *_ROWS) if name in there]
    connection.execute(f"CREATE TABLE described (item INTEGER PRIMARY KEY, {', '.join(columns)})")
    statement = f"INSERT INTO described VALUES (NULL{', ?' * len(columns)})"
    for rows in _items(descriptions, set(columns)):
        told = rows.select(columns).to_dict(as_series=False)
        if "labels" in told:
            told["labels"] = [each and orjson.dumps(each).decode() for each in told["labels"]]
        connection.executemany(statement, zip(*told.values(), strict=True))
        beat.tick()
    shown = [name if name in there else f"NULL AS {name}" for name in ("object", "place", *_ROWS)]
    connection.execute(f"CREATE VIEW items AS SELECT item, {', '.join([*shown, *_LETTERS])} FROM described")


def _there(path: Path) -> set[str]:
    """Columns of a table in which anything stands, as its statistics tell; always those of places and types."""
    metadata = pq.read_metadata(path)
    found = {"object", "place", "types"}
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            told = column.statistics
            if told is None or not told.has_null_count or told.null_count < column.num_values:
                found.add(column.path_in_schema.partition(".")[0])
    return found


def _usual_kinds(connection: sqlite3.Connection) -> dict[str, str]:
    counts: dict[str, dict[str, int]] = {name: {} for name in TYPED}
    for types, count in connection.execute("SELECT types, sum(items) FROM kinds GROUP BY types"):
        for name, letter in zip(TYPED, types, strict=True):
            if letter != ABSENT:
                counts[name][letter] = counts[name].get(letter, 0) + count
    return {
        name: min(found, key=lambda each: (-found[each], each)) for name, found in counts.items() if found
    }


_Result = tuple[dict[str, Any], list[dict[str, Any]]]


def _results(args: dict[str, Any], database: Path, loaded: _Loaded, beat: Beat) -> Iterator[_Result]:
    gx = _great_expectations()
    import sqlalchemy

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # as documented
    read_only = f"{database.absolute().as_uri()}?mode=ro"
    source = context.data_sources.add_sqlite(
        "dqv", connection_string=f"sqlite:///{read_only}&uri=true", create_temp_table=False
    )
    engine = source.get_engine()
    sqlalchemy.event.listen(
        engine, "connect", lambda connection, _: connection.set_progress_handler(beat.tick, 10**6)
    )
    with engine.connect() as places:  # SQLAlchemy's: it knows REGEXP

        def asked(suite: str, table: str, expectations: Sequence[_Numbered]) -> Iterator[_Answer]:
            asset = source.add_table_asset(f"{suite}-{expectations[0][0]}", table_name=table)
            batch = asset.add_batch_definition_whole_table("all").get_batch()
            return _validated(gx, batch, suite, expectations)

        stable = [
            _expectation(f"type:{name}", "be_in_set", f"{name}_type", value_set=[kind])
            for name, kind in loaded.kinds.items()
        ]
        policy = list(enumerate([*args["suite"], *stable], 1)) if loaded.kinds else []
        unique = [each for each in policy if _is_unique(each[1])]
        alike = [each for each in policy if not _is_unique(each[1])]
        if unique:
            for row, query in asked("policy", "repeated", unique):
                row |= {"elements": loaded.items, "missing": loaded.without[row["column"]]}
                yield _placed(row, _places(places, "repeated", query))
        if alike:
            for row, query in asked("policy", "alike", alike):
                yield _summed(places, "kinds", row, query)
        if places.exec_driver_sql("SELECT 1 FROM files LIMIT 1").first():
            files = [_expectation(f"files:{name}", "be_in_set", name, value_set=[1]) for name in _FILE_SUITE]
            for row, query in asked("files", "files", list(enumerate(files, 1))):
                yield _summed(places, "files", row, query)
        whole = beat.begin(0)
        for number, each in enumerate((args["own"] or {"expectations": []})["expectations"], 1):
            if whole is None and beat.at(number):
                for row, query in asked("own", "items", [(number, each)]):
                    yield _placed(row, _places(places, "described", query))
            else:
                kind, detail = whole or beat.skipped.pop()[1:]
                yield _row("own", number, each) | {"error": f"{kind}: {detail}"}, []
        beat.clear()


_Numbered = tuple[int, Mapping[str, Any]]
_Answer = tuple[dict[str, Any], str | None]
"""A row of `EXPECTATIONS`, and the query that finds what was not expected."""


def _row(suite: str, number: int, each: Mapping[str, Any]) -> dict[str, Any]:
    arguments = each.get("kwargs", {})
    named = [arguments[name] for name in ACCEPTED[each["type"]]]
    columns = [column for one in named for column in (one if isinstance(one, list) else [one])]
    rule = each["type"] if suite == "own" else each["meta"]["rule"]
    return {
        "suite": suite,
        "number": number,
        "rule": rule,
        "type": each["type"],
        "column": ", ".join(columns),
    }


def _validated(gx: Any, batch: Any, suite: str, expectations: Sequence[_Numbered]) -> Iterator[_Answer]:
    """What Great Expectations says of each expectation, in order."""
    numbered = [{**_plain(each), "meta": {"number": number}} for number, each in expectations]
    asked = gx.ExpectationSuite(name=f"{suite}-{expectations[0][0]}", expectations=numbered)
    told = batch.validate(asked, result_format=_FORMAT)
    found = {one.expectation_config.meta["number"]: one for one in told.results}
    for number, each in expectations:
        one = found[number]
        row = _row(suite, number, each)
        if one.exception_info.get("raised_exception", False) or "exception_message" not in one.exception_info:
            yield row | {"error": "Great Expectations could not evaluate it"}, None
            continue
        result = one.result
        row |= {
            "met": bool(one.success),
            "elements": result.get("element_count"),
            "missing": result.get("missing_count"),
            "unexpected": result.get("unexpected_count"),
        }
        query = result.get("unexpected_index_query")
        yield row, query if result.get("unexpected_count") else None


_FORMAT = {
    "result_format": "BASIC",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "include_unexpected_rows": False,
    "return_unexpected_index_query": True,
    "unexpected_index_column_names": ["item"],
}
"""Counts, and the query that finds the items; no value."""

_Place = tuple[int, int | None]


def _placed(row: dict[str, Any], places: Sequence[_Place]) -> _Result:
    key = {name: row[name] for name in ("suite", "number")}
    return row, [key | {"object": number, "place": place} for number, place in places]


def _places(connection: Any, table: str, query: str | None) -> list[_Place]:
    """Object and place of the first items that a query gives."""
    if query is None:
        return []
    inner = f"SELECT item FROM ({_bare(query)}) ORDER BY item LIMIT {PLACES}"
    asked = f"SELECT object, place FROM {table} WHERE item IN ({inner}) ORDER BY item"
    return [(number, place) for number, place in connection.exec_driver_sql(asked)]


def _summed(connection: Any, table: str, row: dict[str, Any], query: str | None) -> _Result:
    """A row that counts groups of rows that are alike, by their rows."""
    if row.get("error"):
        return row, []

    def sum_of(condition: str) -> int:
        summed = f"SELECT coalesce(sum(items), 0) FROM {table} WHERE {condition}"
        return int(connection.exec_driver_sql(summed).scalar())

    row |= {"elements": sum_of("1"), "unexpected": 0}
    if row["missing"]:
        view = "alike" if table == "kinds" else table
        row["missing"] = sum_of(f"item IN (SELECT item FROM {view} WHERE {row['column']} IS NULL)")
    if query is None:
        return row, []
    wrong = f"item IN (SELECT item FROM ({_bare(query)}))"
    row["unexpected"] = sum_of(wrong)
    found: list[_Place] = []
    last = None
    for batch, places in connection.exec_driver_sql(
        f"SELECT batch, places FROM {table} WHERE {wrong} ORDER BY item"
    ):
        if batch != last and len(found) >= PLACES:
            break
        found, last = found + [(number, place) for number, place in orjson.loads(places)], batch
    found.sort(key=lambda each: (each[0], -1 if each[1] is None else each[1]))
    return _placed(row, found[:PLACES])


def _bare(query: str) -> str:
    return query.rstrip().rstrip(";")
