"""Encodings are decided by the bytes, strictly."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.core.errors import ItemError
from dqv.measure import encoding

CHINESE = st.text(
    st.sampled_from("的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会"
                    "，。、：；？！“”公共数据要素嘉兴 \nabc123"), min_size=12
).map(lambda text: f"数据：{text}\n")  # fmt: skip


@given(
    CHINESE, st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
)
def test_chinese_text_comes_back_from_every_encoding(text: str, name: str) -> None:
    assert encoding.decode(text.encode(name)) == (text, name)


@given(st.binary(max_size=200) | CHINESE.map(lambda text: text.encode("gb18030")), st.integers(1, 50))
def test_a_stream_is_decided_as_the_whole_is(data: bytes, size: int) -> None:
    def answer(call: object) -> str:
        try:
            return call()  # type: ignore[operator, no-any-return]
        except ItemError as error:
            return str(error)

    with pytest.MonkeyPatch.context() as patch:
        expected = answer(lambda: encoding.detect(data, whole=True))
        patch.setattr(encoding, "BLOCK_BYTES", size)
        assert answer(lambda: encoding.detect_stream(lambda: io.BytesIO(data))) == expected


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\xff\xfe\0\0", b"\xef\xbb\xbf"])
def test_a_mark_is_found_across_blocks(mark: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = encoding.detect(mark, whole=True)
    monkeypatch.setattr(encoding, "BLOCK_BYTES", 1)
    assert encoding.detect_stream(lambda: io.BytesIO(mark)) == expected


@pytest.mark.parametrize("name", ["utf-8", "gb18030", "utf-16-be"])
def test_a_beginning_may_end_inside_a_character(name: str) -> None:
    data = "公共数据要素，第一批\n".encode(name)
    for end in range(len(data) - 3, len(data)):
        assert encoding.detect(data[:end], whole=False) == name


TRADITIONAL = """本條例所稱個人資料，係指自然人之姓名、出生年月日、國民身分證統一編號、護照號碼、特徵、指紋、婚姻、
家庭、教育、職業、病歷、醫療、基因、性生活、健康檢查、犯罪前科、聯絡方式、財務情況、社會活動及其他得以直接或
間接方式識別該個人之資料。公務機關應依據法律規定，確實維護當事人權益，並為適當之處理與利用。
學習語言須於實際環境裡練習，聽說讀寫缺一不可；僅憑課堂講授，難以掌握豐富詞彙與靈活運用。"""


def test_traditional_chinese_in_gbk_is_read() -> None:
    assert encoding.decode(TRADITIONAL.encode("gbk")) == (TRADITIONAL, "gb18030")
    for line in TRADITIONAL.splitlines():
        assert encoding.decode(line.encode("gbk")) == (line, "gb18030")


@pytest.mark.parametrize(
    "text",
    [
        "Les élèves français étaient déjà très fatigués à la fin de l'été. Où êtes-vous allés ?",
        "Les élèves français étaient déjà très fatigués.",
        "Die Bürger müssen für größere Häuser höhere Gebühren zahlen; über die Straße läuft ein schöner Löwe.",
        "Grüße aus München: die Bäckerei öffnet früh, während die Küche geschlossen bleibt.",
        "El niño pequeño comió una piña en el jardín de España.",
        "La señora Núñez volverá mañana según él; la educación pública es más difícil aquí.",
        "På ön åkte vi båt och såg många älgar; räkor är gott på smörgås.",
    ],
)
def test_latin1_does_not_pass_as_chinese(text: str) -> None:
    with pytest.raises(ItemError, match=r"is not utf-8.*tried utf-8, gb18030"):
        encoding.decode(text.encode("latin-1"))


def test_random_bytes_beyond_ascii_do_not_pass_as_chinese() -> None:
    for seed in range(200):
        pick = random.Random(seed)
        data = bytes(pick.choice(range(0x20, 0x100)) for _ in range(400))
        pairs = bytes(pick.choice(range(0x81, 0xFE)) for _ in range(400))
        for each in (data, pairs):
            with pytest.raises(ItemError):
                encoding.decode(each)


@pytest.mark.parametrize(
    "data",
    [
        random.Random(1).randbytes(4096),
        bytes(4096),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\0\0\0\x03\0\x08\x02",
        b"abcd\0efgh\0ijkl\0",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0",
        b"\xff\xfe" + bytes(100),
        b"".join(number.to_bytes(4, "little") for number in range(1000)),
    ],
)
def test_binary_data_is_no_text(data: bytes) -> None:
    with pytest.raises(ItemError) as caught:
        encoding.decode(data)
    assert caught.value.kind == "encoding"


def test_a_stray_control_character_is_let_pass_and_more_than_one_percent_is_not() -> None:
    assert encoding.decode(b"a\x08b")[1] == "utf-8"
    assert encoding.decode(b"x" * 98 + b"\x01" + b"\t\n\r\x0c\x1b" + b"x" * 100 + b"\0")[1] == "utf-8"
    with pytest.raises(ItemError, match="binary"):
        encoding.decode(b"x" * 100 + b"\x01\x02")
    with pytest.raises(ItemError, match="binary"):
        encoding.decode(b"ab\0")


def test_english_in_utf16_without_a_mark_is_found() -> None:
    for name in ("utf-16-le", "utf-16-be"):
        assert encoding.decode("plain text, nothing else".encode(name))[1] == name


def test_nothing_is_utf8() -> None:
    assert encoding.decode(b"") == ("", "utf-8")


def test_the_first_wrong_byte_is_named_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "BLOCK_BYTES", 3)
    with pytest.raises(ItemError, match="byte 10 is not utf-8"):
        encoding.detect_stream(lambda: io.BytesIO("数据ab好".encode()[:8] + b"xx\xff\xff"))
