"""What a text states, in Chinese and English."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.measure.datacards import Context
from dqv.measure.statements import LICENCES, chinese_number, licences, statements


def context(*aspects: str, key: str = "", column: str = "", heading: str = "") -> Context:
    return Context(frozenset(aspects), key, heading, 1, column)


def told(text: str, *aspects: str, **where: str) -> list[tuple[Any, ...]]:
    """Kind, what, value, bound of all."""
    return [
        (each.kind, each.what, each.least if each.most is None else (each.least, each.most), each.bound)
        for each in statements(text, context(*aspects, **where))
    ]


@pytest.mark.parametrize(
    ("text", "what", "value", "bound"),
    [
        ("共 1,234 条", "any", 1234, "exact"),
        ("约1.2万张图片", "image", 12_000, "about"),
        ("３０００篇文章", "text", 3000, "exact"),
        ("超过 5 亿条记录", "any", 5 * 10**8, "least"),
        ("5万余条", "any", 50_000, "least"),
        ("10 万条以上", "any", 100_000, "least"),
        ("不超过 200 个视频", "video", 200, "most"),
        ("一百二十万条", "any", 1_200_000, "exact"),
        ("近五十万条", "any", 500_000, "about"),
        ("共有样本文件 2 千个文件", "file", 2000, "exact"),
        ("1-2万条", "any", (10_000, 20_000), "range"),
        ("10,000 labelled images", "image", 10_000, "exact"),
        ("about 1.5 million records", "any", 1_500_000, "about"),
        ("more than 20k documents", "text", 20_000, "least"),
        ("100K+ samples", "any", 100_000, "least"),
        ("up to 300 recordings", "audio", 300, "most"),
        ("3 thousand image-text pairs", "image", 3000, "exact"),
    ],
)
def test_counts_are_read(text: str, what: str, value: Any, bound: str) -> None:
    assert told(text) == [("items", what, value, bound)]


@pytest.mark.parametrize(
    ("text", "kind", "value", "bound"),
    [
        ("总大小 30 GB", "bytes", 30 * 10**9, "exact"),
        ("1.5TB", "bytes", 15 * 10**11, "exact"),
        ("约 8 TiB", "bytes", 8 * 2**40, "about"),
        ("3TB+", "bytes", 3 * 10**12, "least"),
        ("时长超过1,000小时", "hours", 1000, "least"),
        ("1200 hours", "hours", 1200, "exact"),
        ("90 分钟", "hours", Fraction(3, 2), "exact"),
        ("2 PiB", "bytes", 2**51, "exact"),
        ("100-200 小时", "hours", (100, 200), "range"),
    ],
)
def test_sizes_and_times_are_read(text: str, kind: str, value: Any, bound: str) -> None:
    assert told(text) == [(kind, "", value, bound)]


@pytest.mark.parametrize(
    "text",
    ["版本 1.2.3", "MP4", "COCO2017", "2024年", "5G 网络", "第 3 章", "a 30 % share", "3 张表", "两条产线", "一张图", "12 条标注规范", "1024 x 768",
     "ISO 9001", "0 条", "9" * 30 + " 条", "10 hertz", "v2 images2"],
)  # fmt: skip
def test_what_counts_nothing_is_no_statement(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    "text",
    ["需要 16 GB 内存", "requires 16 GB of RAM", "文本数据不低于 30GB 的要求", "从 100 万条原始记录中筛选", "selected from 1 million documents",
     "计划扩充至 100 万条", "a model of 7 GB", "trained on 3 million images", "the previous version had 500 images"],
)  # fmt: skip
def test_what_speaks_of_something_else_is_no_statement(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "whole", "part"),
    [
        ("共 1000 条", True, False),
        ("数据集包含 1000 条", True, False),
        ("训练集 800 条", False, True),
        ("其中 300 张为夜间", False, True),
        ("每类 50 张", False, True),
        ("800 training samples", False, True),
        ("The dataset contains 1000 records", True, False),
        ("1000 records per day", False, True),
        ("见 1000 条", False, False),
        ("共 10 条，其中训练集 8 条", True, False),
    ],
)
def test_whole_and_part_are_told_by_the_words_around(text: str, whole: bool, part: bool) -> None:
    first = next(statements(text, context()))
    assert (first.whole, first.part) == (whole, part)


@pytest.mark.parametrize(
    "text",
    [
        "数据集大小为2.5PB",
        "数据集由一万五千个样本组成",
        "本数据集的规模为 3 万条",
        "本数据集由 300 个视频构成",
    ],
)
def test_size_and_make_of_the_dataset_are_of_the_whole(text: str) -> None:
    (found,) = statements(text, context())
    assert (found.whole, found.part, found.own) == (True, False, False)


@pytest.mark.parametrize(
    "text",
    ["We provide 7,777 records.", "This dataset provides 5,000 images.", "We release about 5,000 images", "our corpus holds 12,345 documents",
     "Here we publish a set of 5,000 videos", "this collection of 5,000 images", "数据集收录了5000张图片", "数据集含5000张图片", "本数据集有5000张图片",
     "该数据集提供约 5000 条记录", "我们发布了 3 万条数据", "数据集中有 3 万条记录"],
)  # fmt: skip
def test_what_the_dataset_is_said_to_have_is_its_own(text: str) -> None:
    (found,) = statements(text, context())
    assert (found.whole, found.part, found.own) == (False, False, True)


@pytest.mark.parametrize(
    "text",
    ["5,000 images were looked at", "ImageNet数据集有 1400 万张图片", "ImageNet provides 14 million images", "The dataset of Smith et al. has 5,000 images",
     "For example, this dataset provides 5,000 images", "This dataset provides 5,000 images like COCO", "Our dataset extends a corpus of 5,000 documents",
     "例如，本数据集有 5000 张图片", "We provide code, and others have 5,000 images", "与来源不同，本数据集有 5000 条", "类似地，数据集有 5000 条",
     "a dataset of 14 million images was used", "We share results on 10,000 images", "数据集由 500 名医生标注 5000 条", "我们提供了对 5000 张图片的标注",
     "数据集有效期为 24 小时", "we offer 24 hours of support"],
)  # fmt: skip
def test_an_example_another_dataset_or_a_source_is_not_its_own(text: str) -> None:
    assert [each for each in statements(text, context()) if each.whole or each.own] == []


@pytest.mark.parametrize(
    "text",
    [
        "The training set provides 5,000 images",
        "We provide 100 images per class",
        "本数据集提供训练集 5000 张图片",
    ],
)
def test_a_part_of_the_dataset_is_a_part(text: str) -> None:
    first = next(statements(text, context()))
    assert not first.own
    assert not first.whole


@pytest.mark.parametrize(
    "text",
    ["Their dataset contains 5 million records", "其他数据集包含 500 万条", "Existing datasets: in total 5 million records", "Transcribed from 300 hours of audio",
     "共耗时 300 小时标注语音", "Annotation took 300 hours in total", "共 24 小时内响应", "in total 500 person hours"],
)  # fmt: skip
def test_another_dataset_and_hours_of_people_are_no_statements(text: str) -> None:
    assert told(text) == []


def test_hours_are_of_what_stands_beside_them() -> None:
    assert told("Total duration: 300 hours of audio") == [("hours", "audio", 300, "exact")]
    assert told("共 300 小时视频") == [("hours", "video", 300, "exact")]
    assert told("共 300 小时", heading="语音") == [("hours", "audio", 300, "exact")]
    assert told("共 300 小时传感器数据") == [("hours", "", 300, "exact")]
    assert told("300 hours of audio and video") == [("hours", "", 300, "exact")]


def test_utterances_are_recordings_where_sound_is_spoken_of() -> None:
    assert told("5,000 utterances of speech") == [("items", "audio", 5000, "exact")]
    assert told("dialogues with 5,000 utterances") == []


def test_another_sentence_says_nothing_of_a_number() -> None:
    assert told("It has 1000 records. It requires much memory.") == [("items", "any", 1000, "exact")]
    assert told("需要较大内存。共 1000 条。") == [("items", "any", 1000, "exact")]


def test_where_it_stands_tells_whole_and_part_too() -> None:
    assert next(statements("1000 条", context("scale"))).whole
    assert next(statements("1000 条", context("scale", heading="训练集"))).part
    assert next(statements("1000 条", context("scale", key="test split"))).part


def test_a_number_alone_is_a_count_where_its_field_or_column_says_so() -> None:
    assert told("12,345", key="样本总数") == [("items", "any", 12345, "exact")]
    assert told("12", key="训练集", column="图片数") == [("items", "image", 12, "exact")]
    assert told("12,345", key="版本") == []
    assert told("12,345") == []


def test_size_categories_are_ranges_of_the_whole() -> None:
    (found,) = statements("10K<n<100K", context("scale"))
    assert found.whole
    assert told("10K<n<100K", "scale") == [("items", "any", (10_000, 100_000), "range")]
    assert told("n<1K", "scale") == [("items", "any", 1000, "most")]
    assert told("n>1T", "scale") == [("items", "any", 10**12, "least")]
    assert told("10K<n<100K") == []


@pytest.mark.parametrize(
    ("text", "what", "value", "bound"),
    [
        ("分辨率 1920×1080", "size", (1080, 1920), "exact"),
        ("分辨率不低于 768x1024 像素", "size", (768, 1024), "least"),
        ("resolution of 1280 * 720 or higher", "size", (720, 1280), "least"),
        ("清晰度 1080P", "side", 1080, "exact"),
        ("清晰度 720p 以上", "side", 720, "least"),
        ("4K resolution", "side", 2160, "exact"),
    ],
)
def test_sizes_of_pictures_are_read_where_they_are_spoken_of(
    text: str, what: str, value: Any, bound: str
) -> None:
    assert told(text) == [("pixels", what, value, bound)]
    assert told("1920×1080") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "All images are 4K (3840x2160)",
            [("pixels", "size", (2160, 3840), "exact"), ("pixels", "side", 2160, "exact")],
        ),
        ("图片均为 1920×1080。", [("pixels", "size", (1080, 1920), "exact")]),
        ("1080p video", [("pixels", "side", 1080, "exact")]),
        ("所有视频为4K。", [("pixels", "side", 2160, "exact")]),
        ("images on a 10x10 grid", []),
        ("images are resized to 512x512", []),
        ("视频 239x320", []),
        ("The image is fine. A sheet of 1920x1080 rows", []),
        ("no pictures: 1920x1080, 4K", [("pixels", "size", (1080, 1920), "exact")]),
        ("videos in 4k categories", []),
        ("The images were displayed on a 1920x1080 screen", []),
        ("视频 4k张", []),
    ],
)
def test_sizes_beside_a_word_for_pictures_are_theirs(text: str, found: list[Any]) -> None:
    assert [each for each in told(text) if each[0] == "pixels"] == found
    assert [each for each in told("we have 4k images") if each[0] == "pixels"] == []


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("采集时间：2019年1月至2023年12月", date(2019, 1, 1), date(2023, 12, 31)),
        ("时间跨度 2018-2020", date(2018, 1, 1), date(2020, 12, 31)),
        ("collected between 2020-02 and 2020-02-29", date(2020, 2, 1), date(2020, 2, 29)),
        ("time span: 2021/3/1 to 2022", date(2021, 3, 1), date(2022, 12, 31)),
        ("Data spans 2015-2016", date(2015, 1, 1), date(2016, 12, 31)),
        ("temporalCoverage 2015-01-01/2016-03-01", date(2015, 1, 1), date(2016, 3, 1)),
        ("temporal coverage: 2015/2016", date(2015, 1, 1), date(2016, 12, 31)),
        ("覆盖2015年1月到2016年3月", date(2015, 1, 1), date(2016, 3, 31)),
        ("数据来自2019年至2020年", date(2019, 1, 1), date(2020, 12, 31)),
        ("时间范围 2019 至今", date(2019, 1, 1), date(2100, 12, 31)),
    ],
)
def test_spans_of_time_are_read(text: str, first: date, last: date) -> None:
    (found,) = [each for each in statements(text, context()) if each.kind == "span"]
    assert found.least == first.toordinal()
    assert found.most == last.toordinal()


@pytest.mark.parametrize(
    "text", ["采集时间：2024年13月至2025年", "时间范围 2023 至 2020", "2018-2020", "采集时间 12018-20200"]
)
def test_what_is_no_span_is_none(text: str) -> None:
    assert [each for each in statements(text, context()) if each.kind == "span"] == []


def test_names_are_read_where_their_aspect_is_spoken_of() -> None:
    assert [each[1] for each in told("JPEG、PNG 与 JSON Lines", "format")] == ["jpg", "png", "jsonl"]
    assert told("JPEG", "source") == []
    assert told("JSON", "format", "annotation") == []
    assert [each[1] for each in told("文本与图像，不含音频", "modality")] == ["text", "image"]
    assert [each[1] for each in told("CC BY-NC-SA 4.0", "licence")] == ["cc-by-nc-sa"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("MIT License\n\nCopyright (c)", "mit"),
        ("Apache License\n                           Version 2.0, January 2004", "apache-2.0"),
        ("Apache-2.0", "apache-2.0"),
        ("Creative Commons Attribution 4.0 International", "cc-by"),
        ("Creative Commons Attribution-NonCommercial-ShareAlike 4.0", "cc-by-nc-sa"),
        ("知识共享署名-相同方式共享 4.0", "cc-by-sa"),
        ("GNU GENERAL PUBLIC LICENSE Version 3 … GNU Lesser General Public License", "gpl"),
        ("cc0-1.0", "cc0-1.0"),
        ("木兰宽松许可证，第2版", "mulan-psl"),
        ("版权所有", "proprietary"),
    ],
)
def test_licences_are_told_by_their_names(text: str, name: str) -> None:
    assert licences(text.lower())[0] == name
    assert name in LICENCES
    assert licences("permit and submit, by hand") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("十", 10), ("二十三", 23), ("一百零五", 105), ("两千", 2000), ("三万五千", 35_000), ("一亿二千万", 120_000_000), ("一百二十万", 1_200_000)],
)  # fmt: skip
def test_chinese_numbers(text: str, value: int) -> None:
    assert chinese_number(text) == value


@pytest.mark.parametrize("text", ["", "二三", "一x"])
def test_what_is_no_chinese_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        chinese_number(text)


_DIGITS = "零一二三四五六七八九"


def in_chinese(number: int) -> str:
    """The usual way to write it, by another way than it is read."""
    for unit, word in ((10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if number >= unit:
            rest = number % unit
            gap = "零" if rest and rest < unit // 10 else ""
            return in_chinese(number // unit) + word + gap + (in_chinese(rest) if rest else "")
    return _DIGITS[number]


@given(st.integers(1, 10**11))
def test_any_chinese_number_is_read_as_it_is_written(number: int) -> None:
    assert chinese_number(in_chinese(number)) == number


@given(st.integers(1, 10**15), st.sampled_from(["条", "张", " images", " records"]), st.booleans())
def test_any_number_is_read_as_it_is_written(number: int, unit: str, grouped: bool) -> None:
    (found,) = statements(f"共 {number:,}{unit}" if grouped else f"共 {number}{unit}", context())
    assert found.least == number


@given(st.text(max_size=300))
def test_any_text_gives_fractions_in_order(text: str) -> None:
    every = context("scale", "format", "modality", "licence", key="样本数", heading="分辨率 采集时间")
    for each in statements(text, every):
        if each.least is not None:
            assert each.least >= 0
            assert each.most is None or each.most >= each.least


@given(st.text(alphabet="0123456789.,万亿kMGB条张 -~x×年月至约超过", max_size=400))
def test_any_text_of_numbers_is_read(text: str) -> None:
    for each in statements(text, context("scale", heading="分辨率 采集时间")):
        assert each.least is not None


def test_long_texts_of_numbers_take_bounded_time() -> None:
    import time

    for piece in ("1,", "1 ", "10-", "1.5 万", "一", "about 1 a a a ", "2019 至 ", "1x1 ", "apache license "):
        began = time.process_time()
        list(statements(piece * 4000, context("scale", "licence", heading="分辨率 采集时间")))
        assert time.process_time() - began < 2, piece
