"""A truth set of cards: what is in each is known."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqv.measure import datacards
from dqv.measure.card_terms import ASPECTS, BY_NAME
from dqv.measure.datacards import (
    WORDINGS,
    Block,
    Card,
    Wording,
    as_field,
    aspects_of,
    content,
    folded,
    plain_blocks,
    read_card,
)
from tests.connectors.documents_made import CHINESE, ENGLISH, LOREM, SHELL, TODO, blocks_of


def strengths(card: Card) -> dict[str, str]:
    return {each.aspect: each.strength for each in card.found}


def found(text: str, form: str = "md") -> set[str]:
    card = read_card(blocks_of(text, form))
    return {each.aspect for each in card.found if each.strength != "empty"}


def test_there_are_the_twenty_aspects_of_the_standard_five_in_each_group() -> None:
    assert [sum(each.group == group for each in ASPECTS) for group in ("0101", "0102", "0103", "0104")] == [
        5
    ] * 4
    assert len(BY_NAME) == 20


def test_terms_are_as_names_are_folded() -> None:
    assert [term for each in ASPECTS for term in each.terms if folded(term) != term] == []


def test_a_whole_chinese_card_has_every_aspect() -> None:
    assert found(CHINESE) == set(BY_NAME)


def test_a_card_as_hugging_face_has_them_says_what_it_says_and_no_more() -> None:
    assert set(BY_NAME) - found(ENGLISH) == {"cases", "labels", "version", "evaluation"}


@pytest.mark.parametrize("text", [SHELL, TODO])
def test_headings_with_nothing_or_only_blanks_beneath_are_empty(text: str) -> None:
    card = read_card(blocks_of(text, "md"))
    assert set(strengths(card).values()) == {"empty"}
    assert len(card.found) >= 10
    assert card.content == 0


def test_a_text_that_merely_mentions_the_words_has_no_aspect() -> None:
    for form in ("md", "txt"):
        assert found(LOREM, form) == set()


def test_what_is_found_has_its_place_and_how() -> None:
    text = "# 设备数据\n\n## 数据规模\n\n1,000 条\n\n| 项目 | 内容 |\n|---|---|\n| 版本号 | 1.0 |\n\n许可证：MIT\n\n由五名工程师人工标注。\n"
    where = {
        each.aspect: (each.place, each.how, each.strength) for each in read_card(blocks_of(text, "md")).found
    }
    assert where == {
        "scale": (3, "heading", "strong"),
        "version": (9, "table", "strong"),
        "licence": (11, "field", "strong"),
        "annotation": (13, "term", "weak"),
    }


def test_a_heading_has_what_its_subheadings_have_and_ends_where_its_equal_begins() -> None:
    assert strengths(read_card(blocks_of("# 数据来源\n## 甲\n某厂\n# 许可\n# 版本\n1.0", "md"))) == {
        "source": "strong",
        "licence": "empty",
        "version": "strong",
    }


@pytest.mark.parametrize("mark", ["TODO", "[More Information Needed]", "待补充", "【待填写：许可】", "N/A", "无", "-", "…", "TBD.", "xxx", "[TODO: the licence]"])  # fmt: skip
def test_a_blank_says_nothing(mark: str) -> None:
    assert content(mark) == 0
    assert found(f"## License\n\n{mark}\n") == set()
    assert found(f"License: {mark}\n") == set()


@pytest.mark.parametrize(
    "text",
    ["MIT", "无标注", "none of the images", "3", "To do this, load it", "待补充的数据来自工厂，每季度一次"],
)
def test_what_is_no_blank_counts(text: str) -> None:
    assert content(text) > 0


def test_a_field_without_a_value_has_the_lines_that_follow() -> None:
    assert found("数据来源：\n- 企业工单\n") == {"source"}
    assert found("数据来源：\n许可证：\n") == set()
    assert found("数据来源：\n\n# 别的\n文字") == set()


def test_a_table_of_fields_is_the_structure_and_its_rows_are_no_aspects() -> None:
    text = "| 字段 | 类型 | 说明 |\n|---|---|---|\n| source | string | 出处 |\n| license | string | 许可 |\n"
    assert found(text) == {"structure"}


def test_a_table_of_labels_and_one_of_splits_are_told_by_their_columns() -> None:
    assert "labels" in found("| 类别 | 数量 |\n|---|---|\n| 划痕 | 20 |\n")
    assert "distribution" in found("| Split | Samples |\n|---|---|\n| train | 20 |\n| test | 5 |\n")


def test_a_long_line_is_no_heading_whatever_it_looks_like() -> None:
    assert folded("数据规模" * 15) != ""
    assert aspects_of("数据规模" * 15) == {"scale"}  # 60
    assert aspects_of("数据规模" * 15 + "x") == frozenset()
    assert aspects_of("the license is old") == {"licence"}
    assert aspects_of("licensed") == frozenset()


@pytest.mark.parametrize(
    ("line", "name"),
    [("1.2 数据规模", "数据规模"), ("一、数据来源", "数据来源"), ("（二）许可", "许可"), ("第三章 版本", "版本"), ("**License:**", "license"),
     ("## 📊 Dataset_Size", "dataset size"), ("ＬＩＣＥＮＳＥ", "license"), ("3D数据", "3d数据")],
)  # fmt: skip
def test_names_are_folded(line: str, name: str) -> None:
    assert folded(line).removeprefix("📊 ") == name


def test_fields_are_told_from_sentences_and_addresses() -> None:
    assert as_field("- **许可证**：CC BY 4.0") == ("许可证", "CC BY 4.0")
    assert as_field("**License:** MIT") == ("license", "MIT")
    assert as_field("https://example.cn/a") is None
    assert as_field("We looked at it. Then: nothing") is None


def test_headings_of_plain_text_are_numbered_underlined_or_nothing_but_a_term() -> None:
    lines = [
        "一、数据规模",
        "共 10 条。",
        "License",
        "=======",
        "MIT",
        "2.1 版本",
        "1.0",
        "数据来源",
        "某厂",
        "1 数据规模 ........ 3",
    ]
    blocks = list(plain_blocks(enumerate(lines, 1)))
    assert [(block.text, block.level) for block in blocks if block.kind == "heading"] == [
        ("一、数据规模", 1), ("License", 1), ("2.1 版本", 3),
    ]  # fmt: skip
    assert strengths(read_card(blocks)) == dict.fromkeys(["scale", "source", "version", "licence"], "strong")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["heading", "text", "row", "code"]), st.text(max_size=80), st.integers(1, 7)
        )
    )
)
def test_any_blocks_are_read_and_each_aspect_stands_once(rows: list[tuple[str, str, int]]) -> None:
    blocks = [
        Block(kind, at, text, level if kind == "heading" else 0, tuple(text.split(" ")) if kind == "row" else (), 1)
        for at, (kind, text, level) in enumerate(rows, 1)
    ]  # fmt: skip
    card = read_card(blocks, lambda block, text, context: None)
    names = [each.aspect for each in card.found]
    assert len(set(names)) == len(names)
    assert all(1 <= each.place <= len(rows) for each in card.found)
    assert card.content >= 0


@given(st.text(alphabet="数据规模#|-:：*[]() \n1a.x", max_size=300))
def test_any_markdown_gives_places_of_its_lines(text: str) -> None:
    count = text.count("\n") + 1
    for block in blocks_of(text, "md", empty=True):
        assert 1 <= block.place <= count
        assert block.text.strip()


def test_wordings_take_time_linear_in_the_text() -> None:
    import time

    for piece in ("数据来自 ", "格式 ", "license ", "由", "collected in ", "训练集 1 ", "((((", "1,", "| "):
        text = piece * (200_000 // len(piece))
        began = time.process_time()
        read_card([Block("text", 1, text)])
        assert time.process_time() - began < 3, piece
    assert datacards.MAX_HEADING == 60


@pytest.mark.parametrize("wording", WORDINGS, ids=[aspect for aspect, _, _ in WORDINGS])
@settings(max_examples=20)
@given(data=st.data())
def test_what_a_wording_finds_has_one_of_its_words(wording: Wording, data: st.DataObject) -> None:
    _, words, pattern = wording
    text = data.draw(st.from_regex(pattern))
    assert any(word in text for word in words)


def test_wording_is_known_in_capitals_and_after_a_heading_without_content() -> None:
    assert strengths(read_card(blocks_of("# License\n\n# Notes\n\nUNDER THE MIT LICENSE.\n", "md"))) == {
        "licence": "weak"
    }
