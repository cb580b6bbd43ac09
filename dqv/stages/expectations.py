"""Expectations over the metadata of all items: Great Expectations over a view in SQLite.

Great Expectations is imported here alone, and only inside the functions, which run in the child: it takes seconds and 250 MB.
Its context is ephemeral, its analytics are off (the child's environment), and of its results only counts and the queries that
find places are taken: it never gives a value out. All rows lie in a file of SQLite, so memory does not grow with them.

What is given by the policy is one suite, validated at once. A suite of the user's own goes one expectation at a time: what kills
the child costs the expectation at work.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
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


_FILE_SUITE = ("found", "referenced", "same_digest")


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
        import great_expectations as gx

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
            kinds = _load(connection, Path(args["descriptions"]), Path(args["files"]), beat)
        with quiet():
            results = list(_results(args, database, kinds, beat))
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


def _load(connection: sqlite3.Connection, descriptions: Path, files: Path, beat: Beat) -> dict[str, str]:
    """Fill the file; the kind of value that is most usual, by field."""
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
        connection.execute(f"PRAGMA {pragma}")
    there = _there(descriptions)
    columns = [name for name in ("object", "place", "types", *_ROWS) if name in there]
    connection.execute(f"CREATE TABLE described (item INTEGER PRIMARY KEY, {', '.join(columns)})")
    _insert(connection, "described", _rows(descriptions, columns), len(columns), beat)
    shown = [name if name in there else f"NULL AS {name}" for name in ("object", "place", *_ROWS)]
    letters = [
        f"NULLIF(substr(types, {number}, 1), '{ABSENT}') AS {name}_type"
        for number, name in enumerate(TYPED, 1)
    ]
    connection.execute(f"CREATE VIEW items AS SELECT item, {', '.join([*shown, *letters])} FROM described")
    connection.execute(f"CREATE TABLE files (item INTEGER PRIMARY KEY, {', '.join(FILES[1:])})")
    _insert(connection, "files", _rows(files, list(FILES[1:])), len(FILES) - 1, beat)
    connection.commit()
    return _usual_kinds(connection, beat)


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


def _rows(path: Path, columns: list[str]) -> Iterator[list[tuple[Any, ...]]]:
    for batch in pq.ParquetFile(path).iter_batches(1 << 15, columns=columns):
        if "types" in columns and batch.column("place").null_count:  # of a file of many records as a whole
            batch = batch.filter(batch.column("place").is_valid())
        values = []
        for name in columns:
            column = batch.column(name)
            if pa.types.is_boolean(column.type):
                column = column.cast(pa.int8())
            found = column.to_pylist()
            values.append(
                [each and orjson.dumps(each).decode() for each in found] if name == "labels" else found
            )
        yield list(zip(*values, strict=True))


def _insert(
    connection: sqlite3.Connection,
    table: str,
    blocks: Iterable[list[tuple[Any, ...]]],
    width: int,
    beat: Beat,
) -> None:
    statement = f"INSERT INTO {table} VALUES (NULL{', ?' * width})"
    for rows in blocks:
        connection.executemany(statement, rows)
        beat.tick()


def _usual_kinds(connection: sqlite3.Connection, beat: Beat) -> dict[str, str]:
    connection.set_progress_handler(beat.tick, 10**6)
    counts: dict[str, dict[str, int]] = {name: {} for name in TYPED}
    for types, count in connection.execute("SELECT types, count(*) FROM described GROUP BY types"):
        for name, letter in zip(TYPED, types, strict=True):
            if letter != ABSENT:
                counts[name][letter] = counts[name].get(letter, 0) + count
    return {
        name: min(found, key=lambda each: (-found[each], each)) for name, found in counts.items() if found
    }


_Result = tuple[dict[str, Any], list[dict[str, Any]]]


def _results(args: dict[str, Any], database: Path, kinds: Mapping[str, str], beat: Beat) -> Iterator[_Result]:
    import great_expectations as gx
    import sqlalchemy

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]  # as documented
    read_only = f"{database.absolute().as_uri()}?mode=ro"
    source = context.data_sources.add_sqlite(
        "dqv", connection_string=f"sqlite:///{read_only}&uri=true", create_temp_table=False
    )
    engine = source.get_engine()
    sqlalchemy.event.listen(
        engine, "connect", lambda connection, _: connection.set_progress_handler(beat.tick, 10**6)
    )
    batches = {
        name: source.add_table_asset(name, table_name=name)
        .add_batch_definition_whole_table("all")
        .get_batch()
        for name in ("items", "files")
    }
    stable = [
        _expectation(f"type:{name}", "be_in_set", f"{name}_type", value_set=[kind])
        for name, kind in kinds.items()
    ]
    files = [_expectation(f"files:{name}", "be_in_set", name, value_set=[1]) for name in _FILE_SUITE]
    with engine.connect() as places:  # SQLAlchemy's: it knows REGEXP
        if kinds:
            yield from _validated(
                gx, batches["items"], "policy", "described", [*args["suite"], *stable], places
            )
        if places.exec_driver_sql("SELECT 1 FROM files LIMIT 1").first():
            yield from _validated(gx, batches["files"], "files", "files", files, places)
        whole = beat.begin(0)
        for number, each in enumerate((args["own"] or {"expectations": []})["expectations"], 1):
            if whole is None and beat.at(number):
                yield from _validated(gx, batches["items"], "own", "described", [each], places, number)
            else:
                kind, detail = whole or beat.skipped.pop()[1:]
                yield _row("own", number, each) | {"error": f"{kind}: {detail}"}, []
        beat.clear()


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


def _validated(
    gx: Any,
    batch: Any,
    suite: str,
    table: str,
    expectations: Sequence[Mapping[str, Any]],
    places: Any,
    first: int = 1,
) -> Iterator[_Result]:
    """The result of every expectation, in order, with the places of what was not expected."""
    numbered = [{**_plain(each), "meta": {"number": number}} for number, each in enumerate(expectations)]
    asked = gx.ExpectationSuite(name=f"{suite}-{first}", expectations=numbered)
    told = batch.validate(asked, result_format=_FORMAT)
    found = {one.expectation_config.meta["number"]: one for one in told.results}
    for number, each in enumerate(expectations):
        one = found[number]
        row = _row(suite, first + number, each)
        if one.exception_info.get("raised_exception", False) or "exception_message" not in one.exception_info:
            yield row | {"error": "Great Expectations could not evaluate it"}, []
            continue
        result = one.result
        row |= {
            "met": bool(one.success),
            "elements": result.get("element_count"),
            "missing": result.get("missing_count"),
            "unexpected": result.get("unexpected_count"),
        }
        query = result.get("unexpected_index_query")
        wrong = [] if not query or not result.get("unexpected_count") else _places(places, table, query)
        key = {name: row[name] for name in ("suite", "number")}
        yield row, [key | {"object": number, "place": place} for number, place in wrong]


_FORMAT = {
    "result_format": "BASIC",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "include_unexpected_rows": False,
    "return_unexpected_index_query": True,
    "unexpected_index_column_names": ["item"],
}
"""Counts, and the query that finds the items; no value."""


def _places(connection: Any, table: str, query: str) -> list[tuple[int, int | None]]:
    """Object and place of the first items that a query gives."""
    inner = f"SELECT item FROM ({query.rstrip().rstrip(';')}) ORDER BY item LIMIT {PLACES}"
    asked = f"SELECT object, place FROM {table} WHERE item IN ({inner}) ORDER BY item"
    return [(number, place) for number, place in connection.exec_driver_sql(asked)]
