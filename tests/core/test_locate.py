import pytest

from dqv.core.locate import line_of

TOML = """
[rules.a]
readings = [
  { name = "one [", threshold = "1 B" },
  { name = "two", sizes = [1, 2], threshold = "2 B" },
  { name = "three",
    threshold = "3 B" },
]
"""
JSON = """{"scenarios": [
 {"title": "one"},
 {"title": "two \\" , ]"},
 {"title": "three"}]}
"""


@pytest.mark.parametrize(
    ("text", "location", "line"),
    [
        (TOML, ("rules", "a", "readings", 0, "threshold"), 4),
        (TOML, ("rules", "a", "readings", 1, "threshold"), 5),
        (TOML, ("rules", "a", "readings", 2, "threshold"), 7),
        (TOML, ("rules", "a", "readings", 9, "threshold"), 3),
        (JSON, ("scenarios", 0, "title"), 2),
        (JSON, ("scenarios", 2, "title"), 4),
        (TOML, ("moon",), None),
    ],
)
def test_an_entry_of_an_array_is_found_where_it_stands(
    text: str, location: tuple[str | int, ...], line: int | None
) -> None:
    assert line_of(text, location) == line
