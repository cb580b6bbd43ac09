import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.licences import MOST_CHARACTERS, is_known, is_open, names, of_text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("MIT", "MIT"), ("The MIT License", "MIT"), ("apache-2.0", "Apache-2.0"), ("Apache License, Version 2.0", "Apache-2.0"),
        ("http://www.apache.org/licenses/LICENSE-2.0.txt", "Apache-2.0"), ("https://opensource.org/licenses/MIT", "MIT"),
        ("https://spdx.org/licenses/CC-BY-4.0.html", "CC-BY-4.0"), ("CC BY 4.0", "CC-BY-4.0"), ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
        ("CC BY-NC-SA 4.0 International License", "CC-BY-NC-SA-4.0"), ("Creative Commons Attribution 3.0 Unported", "CC-BY-3.0"),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/deed.zh", "CC-BY-NC-ND-4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"), ("CC0", "CC0-1.0"), ("ODbL", "ODbL-1.0"),
        ("GPL-3.0-or-later", "GPL-3.0"), ("木兰宽松许可证，第2版", "MulanPSL-2.0"), ("ＭＩＴ", "MIT"), ("CC‑BY‑4.0", "CC-BY-4.0"),
    ],
)  # fmt: skip
def test_names_and_addresses_of_well_known_licences(text: str, found: str) -> None:
    assert names(text) == (found,)
    assert is_known(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("MIT OR Apache-2.0", ("Apache-2.0", "MIT")),
        ("CC-BY-4.0, MIT", ("CC-BY-4.0", "MIT")),
        ("(MIT)", ("MIT",)),
        ("MIT and our own terms", ("MIT and our own terms",)),
        ("专有，仅供\n 内部使用", ("专有,仅供 内部使用",)),
        ("cc-by-xx-4.0", ("cc-by-xx-4.0",)),
        ("other", ("other",)),
        ("  ", ()),
        ("x" * 1000, ("x" * MOST_CHARACTERS,)),
    ],
)
def test_expressions_and_what_is_not_known(text: str, found: tuple[str, ...]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Apache License\n Version 2.0, January 2004", ("Apache-2.0",)),
        (
            "Permission is hereby granted, free of charge,\nto any person obtaining a copy of this software and",
            ("MIT",),
        ),
        ("Redistributions in binary form must reproduce … Neither the name of", ("BSD-3-Clause",)),
        ("Redistributions in binary form must reproduce", ("BSD-2-Clause",)),
        ("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", ("GPL-3.0",)),
        (
            "GNU LESSER GENERAL PUBLIC LICENSE Version 3 … GNU General Public License, version 3",
            ("LGPL-3.0",),
        ),
        ("Attribution-NonCommercial-ShareAlike 4.0 International", ("CC-BY-NC-SA-4.0",)),
        ("Creative Commons Attribution 4.0 International Public License", ("CC-BY-4.0",)),
        ("Creative Commons Legal Code\n\nCC0 1.0 Universal", ("CC0-1.0",)),
        ("木兰宽松许可证， 第2版", ("MulanPSL-2.0",)),
        ("// SPDX-License-Identifier: MIT OR Apache-2.0", ("Apache-2.0", "MIT")),
        ("All rights reserved.", ()),
        ("", ()),
    ],
)
def test_texts_of_well_known_licences(text: str, found: tuple[str, ...]) -> None:
    assert of_text(text) == found


@pytest.mark.parametrize(
    ("name", "open_"),
    [
        ("MIT", True),
        ("CC-BY-SA-4.0", True),
        ("CC0-1.0", True),
        ("CC-BY-NC-4.0", False),
        ("CC-BY-ND-4.0", False),
        ("x", False),
    ],
)
def test_open_is_known_and_for_any_use(name: str, open_: bool) -> None:
    assert is_open(name) is open_


@given(st.text())
def test_any_text_has_names_that_are_short_and_stay_themselves(text: str) -> None:
    for name in names(text):
        assert 0 < len(name) <= MOST_CHARACTERS
        if is_known(name):
            assert names(name) == (name,)
    of_text(text)
