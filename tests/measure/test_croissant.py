import copy
import re
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors import layout
from dqv.measure import croissant
from dqv.measure.problems import ERROR, WARNING, Problem

GOOD: dict[str, Any] = {
    "@context": {
        "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
        "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/", "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/", "extract": "cr:extract",
        "field": "cr:field", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "includes": "cr:includes",
        "recordSet": "cr:recordSet", "sc": "https://schema.org/", "source": "cr:source",
    },
    "@type": "sc:Dataset", "name": "a", "description": "d", "conformsTo": "http://mlcommons.org/croissant/1.0", "citeAs": "c",
    "datePublished": "2026-01-01", "license": "https://spdx.org/licenses/MIT.html", "url": "https://example.org/a", "version": "1.0.0",
    "distribution": [
        {"@type": "cr:FileObject", "@id": "t", "name": "t", "contentUrl": "./data/a.csv", "encodingFormat": "text/csv",
         "sha256": "0a" * 32},
        {"@type": "cr:FileObject", "@id": "u", "name": "u", "contentUrl": "https://example.org/u.csv", "encodingFormat": "text/csv",
         "sha256": "no digest"},
    ],
}  # fmt: skip

EXPECTED = {
    "There is a reference to node": "reference", "is mandatory": "mandatory", "is recommended": "recommended",
    "doesn't extend": "no-dataset", "Malformed source data": "source", "does not define `source`": "source-or-value",
    "does not specify a valid": "data-type", "didn't declare a join": "join", "one of the following properties": "exclusive",
    "wrong `@id`": "id", "array_shape": "array-shape", "should have type": "value-type", 'an attribute "@type"': "type",
}  # fmt: skip
"""What the expected texts say, and the rule that it is."""


def broken(**change: Any) -> dict[str, Any]:
    return {**copy.deepcopy(GOOD), **change}


def rules(value: dict[str, Any], severity: str = ERROR) -> list[str]:
    return [each.rule for each in croissant.judge(value) if each.severity == severity]


@pytest.mark.realdata
def test_valid_descriptions_have_no_errors(realdata: Path) -> None:
    paths = sorted((realdata / "croissant" / "valid").glob("*.json"))
    assert len(paths) > 40
    assert [path.name for path in paths if rules(orjson.loads(path.read_bytes()))] == []


@pytest.mark.realdata
def test_invalid_descriptions_are_named_as_the_expected_texts_say(realdata: Path) -> None:
    paths = sorted((realdata / "croissant" / "invalid").glob("*.json"))
    assert len(paths) > 25
    for path in paths:
        found = croissant.judge(orjson.loads(path.read_bytes()))
        said = Counter((each.rule, each.severity) for each in found if each.rule != "version")
        expected: Counter[tuple[str, str]] = Counter()
        severity = ERROR
        for line in path.with_suffix(".expected.txt").read_text("utf-8").splitlines():
            if "warning(s)" in line:
                severity = WARNING
            if not line.startswith("  -  "):
                continue
            rule = next(rule for part, rule in EXPECTED.items() if part in line)
            expected[rule, severity] += 1
            if place := re.match(r"  -  \[(.*?)\] ", line):
                assert place[1] in {each.at for each in found if each.rule == rule}, path.name
            if what := re.search(r'Property "(.*?)"', line):
                assert any(what[1] in each.detail for each in found if each.rule == rule), path.name
        errors = {key: count for key, count in expected.items() if key[1] == ERROR}
        assert {key: count for key, count in said.items() if key[1] == ERROR} == errors, path.name
        assert "other" not in {rule for rule, _ in said}, path.name
        assert all("THISDOESNOTEXIST" not in each.detail for each in found), path.name


def test_a_good_description_has_no_problem_and_says_what_it_says() -> None:
    assert croissant.judge(GOOD) == []
    assert croissant.said(GOOD).licences == ("https://spdx.org/licenses/MIT.html",)
    assert croissant.said(GOOD).versions == ("1.0.0",)
    assert croissant.said(GOOD).published == "2026-01-01"
    assert list(croissant.files(GOOD)) == [
        ("distribution[0]", "data/a.csv", bytes.fromhex("0a" * 32), None, None, ("csv",))
    ]


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("117743 B", 117743, 117743), ("117743", 117743, 117743), (117743, 117743, 117743), ("1,024 bytes", 1024, 1024),
        ("12 GB", 115 * 10**8, 25 * 2**29), ("4.698 MB", 4_697_500, 4_926_734), ("36.809 KB", 36_809, 37_692),
        ("1 KiB", 512, 1536), ("0.15 TiB", 159_429_186_028, 170_424_302_305),
        (" B", None, None), ("12 parsecs", None, None), (-5, None, None), (True, None, None), (1.5, None, None), ("9" * 15 + " PB", None, None),
        (["12 GB"], None, None),
    ],
)  # fmt: skip
def test_a_size_means_all_that_is_rounded_to_it(said: object, least: int | None, most: int | None) -> None:
    (found, *_) = croissant.files(broken(distribution=[{**GOOD["distribution"][0], "contentSize": said}]))
    assert (found.least_bytes, found.most_bytes) == (least, most)


@pytest.mark.parametrize(
    ("said", "formats"),
    [
        ("text/csv", ("csv",)), ("Text/CSV; charset=utf-8", ("csv",)), ("application/jsonlines", ("json", "jsonl")),
        (["text/csv", "application/gzip"], ("csv", "gz", "gzip")), ("application/x-own", None), (["text/csv", "application/x-own"], None),
        (None, None), ({"@id": "text/csv"}, ("csv",)),
    ],
)  # fmt: skip
def test_media_types_that_are_known_mean_formats(said: object, formats: tuple[str, ...] | None) -> None:
    (found, *_) = croissant.files(broken(distribution=[{**GOOD["distribution"][0], "encodingFormat": said}]))
    assert found.formats == formats


def test_media_types_mean_formats_of_names() -> None:
    known = {name for each in croissant._ENCODINGS.values() for name in each}
    suffixes = {layout.classify(f"a.{name}".encode(), "file").format for name in known}
    assert known - suffixes == {"gzip", "zstd"}


@pytest.mark.parametrize(
    ("said", "day"),
    [("2026-07-01", "2026-07-01"), ("2026-07-01T23:00:00Z", "2026-07-01"), ("2026", "2026-01-01"), ("2026-07", "2026-07-01"),
     (["2020-01-01", "2031-01-01"], "2031-01-01"), ("2026-13-01", None), ("soon", None), (7, None), ("2026-07-011", None)],
)  # fmt: skip
def test_the_day_of_publication_is_read(said: object, day: str | None) -> None:
    assert croissant.said(broken(datePublished=said)).published == day


@pytest.mark.parametrize("conforms", [None, "http://mlcommons.org/croissant/0.8", 7])
def test_another_version_is_a_warning(conforms: object) -> None:
    assert "version" in rules(broken(conformsTo=conforms), WARNING)


@pytest.mark.parametrize(
    "change",
    [
        {"@context": "https://example.org/context"},
        {"@context": [GOOD["@context"], "file:///etc/passwd"]},
        {"@context": {**GOOD["@context"], "@import": "http://127.0.0.1:9/x"}},
        {"@context": {**GOOD["@context"], "name": {"@id": "sc:name", "@context": "http://127.0.0.1:9/x"}}},
        {"distribution": [{**GOOD["distribution"][0], "@context": "http://127.0.0.1:9/x"}]},
        {"distribution": [{**GOOD["distribution"][0], "x": [{"@context": "file:///etc/passwd"}]}]},
    ],
)  # fmt: skip
def test_contexts_from_elsewhere_are_named_and_not_fetched(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(*_: object, **__: object) -> None:
        raise AssertionError("it reaches out")

    monkeypatch.setattr(socket.socket, "connect", no)
    monkeypatch.setattr(socket, "getaddrinfo", no)
    assert rules(broken(**change)) == ["context"]


def test_what_fetches_contexts_fetches_nothing() -> None:
    croissant.judge(GOOD)
    from rdflib.plugins.shared.jsonld.context import Context

    with pytest.raises(ValueError, match="not fetched"):
        Context().load("file:///etc/hostname")


def test_depth_and_size_are_bounded() -> None:
    value: object = "x"
    for _ in range(croissant.MOST_DEPTH + 1):
        value = [value]
    assert rules(broken(extra=value)) == ["bounds"]
    assert rules(broken(extra=["x"] * (croissant.MOST_VALUES + 1))) == ["bounds"]


def test_a_file_without_a_digest_is_named() -> None:
    bare = {name: value for name, value in GOOD["distribution"][0].items() if name != "sha256"}
    (found,) = [each for each in croissant.judge(broken(distribution=[bare])) if each.severity == ERROR]
    assert (found.rule, found.at) == ("one-of", "Metadata(a) > FileObject(t)")
    assert found.detail == "one of 'md5', 'sha256' is missing"


def test_a_sentence_that_is_not_known_is_told_without_its_words() -> None:
    assert croissant.told("[Metadata(x)] secret", ERROR) == Problem(
        "croissant", "other", ERROR, "Metadata(x)", "mlcroissant cannot make sense of it"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["@id", "@type", "@value", "@language", "name", "field", "includes", "containedIn"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*GOOD, "recordSet", "@id"]), JSON, max_size=3))
def test_no_description_raises(change: dict[str, Any]) -> None:
    value = broken(**change)
    for each in croissant.judge(value):
        assert each.standard == "croissant"
    croissant.said(value)
    list(croissant.files(value))
    croissant.patterns(value)
