from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.measure import cards
from dqv.measure.problems import ERROR, WARNING

GOOD: dict[str, Any] = {
    "license": "mit",
    "language": ["zh", "en-GB"],
    "task_categories": ["text-generation"],
    "size_categories": ["1K<n<10K"],
    "configs": [{"config_name": "default", "data_files": "data/*.jsonl"}],
}


@pytest.mark.parametrize(
    ("text", "front"),
    [
        ("---\na: 1\n---\n# x\n", "a: 1"),
        ("\ufeff---\r\na: 1\r\n---\r\n", "a: 1\r"),
        ("---\n---\n", ""),
        ("---\na: 1\n---", "a: 1"),
        ("# x\n---\na: 1\n---\n", None),
        ("---\na: 1\n", None),
        ("----\na: 1\n---\n", None),
        ("", None),
    ],
)
def test_the_front_of_a_card_stands_between_two_lines(text: str, front: str | None) -> None:
    assert cards.front(text) == front


def test_a_good_card_has_no_problem() -> None:
    assert cards.judge(GOOD) == []
    found = cards.said(GOOD)
    assert (found.licences, found.languages) == (("mit",), ("zh", "en-GB"))
    assert (found.least_items, found.most_items) == (1000, 10_000)


@pytest.mark.parametrize(
    ("change", "rule", "severity", "at"),
    [
        ({"license": "no-such"}, "value", ERROR, "license"),
        ({"license": ["mit", 7]}, "type", ERROR, "license[1]"),
        ({"license": None}, "recommended", WARNING, "license"),
        ({"license": "other"}, "license-name", WARNING, "license_name"),
        ({"language": ["zh", "Chinese!"]}, "value", ERROR, "language[1]"),
        ({"task_categories": ["thinking"]}, "value", WARNING, "task_categories[0]"),
        ({"size_categories": "1K<n<1M"}, "value", ERROR, "size_categories"),
        ({"configs": {"a": 1}}, "configs", ERROR, "configs"),
        ({"configs": [{"data_files": "x"}]}, "configs", ERROR, "configs[0]"),
        ({"configs": [{"config_name": "x", "data_files": 7}]}, "configs", ERROR, "configs[0]"),
        ({"multilinguality": "some"}, "value", WARNING, "multilinguality"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    change: dict[str, Any], rule: str, severity: str, at: str
) -> None:
    assert [(each.rule, each.severity, each.at) for each in cards.judge({**GOOD, **change})] == [
        (rule, severity, at)
    ]


@pytest.mark.parametrize(
    ("sizes", "least", "most"),
    [
        (["n<1K"], 0, 1000), (["n>1T"], 10**12, None), (["10B<n<100B"], 10**10, 10**11), (["1K<n<10K", "n<1K"], 0, 10_000),
        (["n>1T", "n<1K"], 0, None), ([], None, None), (["many"], None, None),
    ],
)  # fmt: skip
def test_sizes_are_ranges(sizes: list[str], least: int | None, most: int | None) -> None:
    found = cards.said({"size_categories": sizes})
    assert (found.least_items, found.most_items) == (least, most)


def test_dataset_info_counts_its_splits() -> None:
    found, said = cards.info(
        {"splits": {"a": {"num_examples": 3}, "b": {"num_examples": 4}}, "license": "mit"}
    )
    assert found == []
    assert (said.least_items, said.most_items, said.licences) == (7, 7, ("mit",))
    broken: list[Any] = [{"a": {}}, {"a": {"num_examples": -1}}, {"a": {"num_examples": True}}, [1], {"a": 3}]
    for splits in broken:
        found, said = cards.info({"splits": splits})
        assert [(each.rule, each.at) for each in found] == [("value", "splits")]
        assert said.least_items is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("data_files", "found"),
    [
        ("a/*", [("", "a/*")]),
        (["a", "./b"], [("[0]", "a"), ("[1]", "b")]),
        ([{"split": "train", "path": ["a", "b"]}], [("[0].path[0]", "a"), ("[0].path[1]", "b")]),
        ({"train": "a", "test": ["b"]}, [(".train", "a"), (".test[0]", "b")]),
        ([[[["deep"]]]], []),
        (7, []),
        (["a"] * 300, [(f"[{number}]", "a") for number in range(257)]),
    ],
)
def test_data_files_are_patterns_with_their_places(data_files: object, found: list[tuple[str, str]]) -> None:
    told, whole = cards.patterns(
        {"configs": [{"config_name": "a", "data_dir": "./in/", "data_files": data_files}]}
    )
    assert [(each.at, each.glob) for each in told] == [
        (f"configs[0].data_files{at}", glob) for at, glob in found
    ]
    assert {each.folder for each in told} <= {"in/"}
    assert whole


def test_files_that_are_left_to_be_found_or_lie_elsewhere_leave_others_unsaid() -> None:
    for configs in ([{"config_name": "a"}], [{"data_files": "hf://x/y"}], None, 7):
        assert cards.patterns({"configs": configs}) == ([], False)


@given(st.dictionaries(st.sampled_from([*GOOD, "splits", "license_name"]), VALUES) | VALUES)
def test_no_card_raises_and_no_value_is_quoted(values: Any) -> None:
    cards.patterns(values)
    cards.patterns({"configs": [{"data_files": values, "data_dir": values}]})
    cards.judge(values)
    cards.said(values)
    cards.info(values)
