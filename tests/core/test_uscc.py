import pytest

from dqv.core.uscc import well_formed


@pytest.mark.parametrize("code", ["913304990000000006", "91330400MA0000000U", "91350100M000100Y43"])
def test_a_code_with_its_check_character_is_well_formed(code: str) -> None:
    assert well_formed(code)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "91330400MA00000000",  # another check character
        "913304990000000060",  # two characters changed places
        "91330499000000006",  # 17 characters
        "9133049900000000060",
        "91330400ma0000000u",
        "91330400MI00000000",  # I, O, S, V and Z are no characters of a code
        "９１３３０４９９００００００００００６",
    ],
)
def test_any_other_is_not(code: str) -> None:
    assert not well_formed(code)
