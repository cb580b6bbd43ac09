import re
from bisect import bisect
from itertools import product

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.measure import privacy
from dqv.measure.privacy import find, has_luhn, is_identity, mask
from dqv.measure.privacy_kernel import CODE, MAIL, NUMBERS, PLATE

ID = "11010519491231002X"  # the example of GB 11643-1999
CARD = "6222021234567890128"
USCC = "913304990000000006"


def kinds(text: str, field: str = "") -> list[str]:
    return [each.kind for each in find(pa.array([text], pa.large_string()), [field])]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"身份证号：{ID}。", "身份证号：[id]。"),
        (f"{ID.lower()} 与", "[id] 与"),
        ("110105 19491231 002X", "[id]"),
        ("１１０１０５１９４９１２３１００２Ｘ", "[id]"),
        ("身份证110105491231002", "身份证[id]"),
        ("手机13812345678，", "手机[mobile]，"),
        ("138-1234-5678 与 138 1234 5678", "[mobile] 与 [mobile]"),
        ("+86 13812345678", "[mobile]"),
        ("+8613812345678", "[mobile]"),
        ("(+86)13812345678", "[mobile]"),
        ("008613812345678", "[mobile]"),
        ("tel13812345678", "tel[mobile]"),
        ("3,13812345678,张", "3,[mobile],张"),
        ("电话0573-82111111转8001", "电话[landline]转8001"),
        ("(0573) 82111111；（010）6234-5678", "[landline]；[landline]"),
        ("电话：057382111111", "电话：[landline]"),
        ("电话：0573-20260630", "电话：[landline]"),
        ("0573-20261330", "[landline]"),
        ("+86-573-82111111", "[landline]"),
        (f"{CARD}", "[card]"),
        ("6222 0212 3456 7890 128", "[card]"),
        ("信用卡4111111111111111", "信用卡[card]"),
        ("4111 1111 1111 1111", "[card]"),
        ("3782-822463-10005", "[card]"),
        ("写信到 zhang.san_1@mail.example.com.cn。", "写信到 [email]。"),
        ("13812345678@163.com", "[email]"),
        ("浙F·12345、浙FD12345、京A1234挂", "[plate]、[plate]、[plate]"),
        ("护照号码 E12345678", "护照号码 [passport]"),
        ("passport EA1234567", "passport [passport]"),
        ("13712345078_张三.txt", "[mobile]_张三.txt"),
        ("通话_13712345678_张三.txt", "通话_[mobile]_张三.txt"),
        ("tel_13712345678_20260101.wav", "tel_[mobile]_20260101.wav"),
        (f"身份证_{ID}.txt", "身份证_[id].txt"),
        (f"scan_{ID}_2.jpg", "scan_[id]_2.jpg"),
        ("身份证_110105491231002_1", "身份证_[id]_1"),
        ("电话_0573-82111111_a", "电话_[landline]_a"),
        (f"银行卡_{CARD}.jpg", "银行卡_[card].jpg"),
        ("护照_E12345678_1.jpg", "护照_[passport]_1.jpg"),
        ("13812345678.", "[mobile]."),
        ("13812345678.0", "[mobile].0"),
        ("6222021234567890128.00", "[card].00"),
    ],
)
def test_a_personal_value_is_found_and_masked(text: str, shown: str) -> None:
    assert mask(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310021",  # check character
        "99010519491231002X",  # no province
        "110105194913310009",  # no month, and the right check character
        f"1{ID}",
        f"{ID}A",
        "110105491231002",  # 15 digits, and no word that says so
        "14012345678",  # no segment that was given out
        "12812345678",
        "1381234567",
        "138123456789",
        "1.13812345678",
        "13812345678.5",
        "订单号：13812345678",
        "https://shop.example/item/13812345678",
        "SN13812345678",
        "13812345678-1",
        "0573-20260630",  # a number and a day
        "articles/0007-82111111.txt",  # no area
        "0273-82111111",
        "0573-12345678",  # no number begins with 1
        "0199-82111111",
        "057382111111",
        "(0573 82111111",
        "6222021234567890127",  # Luhn
        "4111111111111111",  # alone, and no word that says so
        "卡9111111111111111",
        f"订单号{CARD}",
        "5210 5211 5212 5213 5214 5215",  # a table
        "540D 4111 1111 1111 1111 540E",
        "icon@2x.png",
        "a@b",
        "@decorator.name",
        "新A2023款",
        "浙FABCDE",
        "浙I12345",
        "型号E12345678",
        "2026-06-30 12:30:11",
        "ISBN 978-7-111-12345-6",
        "400-800-8820",
        "192.168.100.200",
        "13812345678.0 kg",
        "值13812345678.0",
        "13812345678.01",
        "-13812345678.0",
        "138-1234-5678.0",
        "img_13812345678901.jpg",
        "14526359573_0e7c9a2e2b_z.jpg",
        "3134585_13812345678.jpg",
        "hotel_13812345678.jpg",
        "0321-20230118.txt",
        "a_0573-82111111",
        f"x_{CARD}",
        f"{CARD}_x",
    ],
)
def test_what_looks_alike_is_none(text: str) -> None:
    assert kinds(text) == []


def test_a_credit_code_is_told_and_shown() -> None:
    assert kinds(USCC) == ["uscc"]
    assert mask(USCC) == USCC


def test_the_name_of_a_field_is_a_word_before_the_value() -> None:
    assert kinds("4111111111111111", "card_no") == ["card"]
    assert kinds("13812345678", "order_no") == []
    assert kinds("13812345678", "phone") == ["mobile"]
    found = find(pa.array(["13812345678"], pa.large_string()), ["手机"])[0]
    assert (found.first, found.stop) == (0, 11)


def test_a_value_is_the_same_however_it_is_written() -> None:
    texts = ["13812345678", "+86 138-1234-5678", "１３８１２３４５６７８", "13812345679"]
    values = [each.value for each in find(pa.array(texts, pa.large_string()), [""] * 4)]
    assert values[0] == values[1] == values[2] != values[3]


def test_luhn_and_the_check_character_find_every_changed_digit() -> None:
    assert has_luhn(CARD)
    assert is_identity(ID)
    for at, digit in product(range(17), "0123456789"):
        if CARD[at] != digit:
            assert not has_luhn(CARD[:at] + digit + CARD[at + 1 :])
        if ID[at] != digit:
            assert not is_identity(ID[:at] + digit + ID[at + 1 :])


def test_nulls_and_slices_hold_nothing_of_others() -> None:
    texts = pa.array(["13812345678", None, "x", "a@b.cn"], pa.large_string()).slice(1)
    assert [(each.text, each.kind, each.first) for each in find(texts, [""] * 3)] == [(2, "email", 0)]


_PIECES = st.sampled_from([
    ID, CARD, USCC, "13812345678", "138-1234-5678", "0573-82111111", "(0573)", "（010）", "+86", "0086", "86", "a.b@c.com", "浙F12345",
    "京AD12345", "护照", "E12345678", "身份证", "卡", "订单号", "电话", "://", " ", "-", "－", "—", "\u3000", ".", ".0", "_", ",", "@", "数", "é",
    "𠀀", "x", "X", "Z9", "91330499MA", "ABCDEFGH", "9133", "tel", "1", "0", "138", "1234", "5678", "6222", "110105", "19491231", "002X", "４", "８２１１１１１１", "\n",
])  # fmt: skip


def _defined(text: str) -> list[tuple[int, int, str]]:
    """What `find` says, by the rules over the whole text, without a first pass."""
    text = re.sub(r"\A([0-9]+)\.0+\Z", r"\1", text)
    folded = text.translate(privacy._FOLDED)
    told = []
    for run in re.finditer(r"[0-9A-Za-z._%+@-]*@[0-9A-Za-z._%+@-]*", text):
        told += list(privacy._TOLD[MAIL](text, *run.span(), 0))
    for run in re.finditer(r"(?<![0-9A-Za-z])[0-9A-Za-z]+", text):
        told += list(privacy._TOLD[CODE](folded, *run.span(), 0))
    for run in re.finditer(r"[\u4e00-\u9fff](?=[A-Z])", text):
        told += list(privacy._TOLD[PLATE](folded, run.start(), run.start() + 9, 0))
    told += list(privacy._numbers(folded, 0, len(folded), NUMBERS))
    found: list[tuple[int, int, str]] = []
    for kind, first, stop, _ in told:
        at = bisect(found, (first, stop, kind))
        if (at == 0 or found[at - 1][1] <= first) and (at == len(found) or stop <= found[at][0]):
            found.insert(at, (first, stop, kind))
    return found


@given(st.lists(_PIECES | st.text(max_size=3), max_size=24))
def test_the_first_pass_loses_nothing(pieces: list[str]) -> None:
    text = "".join(pieces).encode("utf-8", "ignore").decode()
    defined = [(len(text[:a].encode()), len(text[:b].encode()), kind) for a, b, kind in _defined(text)]
    found = find(pa.array([text], pa.large_string()), [""])
    assert [(each.first, each.stop, each.kind) for each in found] == defined


@given(st.lists(st.lists(_PIECES, max_size=8).map("".join), max_size=6))
def test_a_text_is_searched_by_itself(texts: list[str]) -> None:
    together = find(pa.array(texts, pa.large_string()), [""] * len(texts))
    for number, text in enumerate(texts):
        alone = [each._replace(text=number) for each in find(pa.array([text], pa.large_string()), [""])]
        assert [each for each in together if each.text == number] == alone


@given(st.lists(_PIECES | st.text(max_size=3), max_size=24))
def test_nothing_personal_is_left_in_a_masked_text(pieces: list[str]) -> None:
    shown = mask("".join(pieces).encode("utf-8", "ignore").decode())
    assert set(kinds(shown)) <= {"uscc"}
