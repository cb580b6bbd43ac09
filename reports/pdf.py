"""report.pdf: what report.html shows, as PDF/A-3 with the envelope attached, in Chinese or English.

Typst (`report.typ`) lays out blocks that are made here. A text of the report is data to it, never source: it comes in as
JSON and is set as a string. The font is Noto Sans SC alone; Typst refuses a document in which a character has no glyph, so
such a character is written as `[U+XXXX]`, and how many were is said at the end. The date is the reference date and no clock
is asked: the same report gives the same bytes.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import pylopdf_fonts_zh_cn

from dqv.reports.blocks import blocks
from dqv.reports.escape import visible
from dqv.reports.model import Report
from dqv.reports.words import Lang, label


def render(report: Report, lang: Lang, attachment: tuple[str, bytes], keyids: Sequence[str] = ()) -> bytes:
    """The report as a PDF/A-3a document.

    Args:
        report: what report.json holds.
        lang: the document's language; the regulation's sentences are in Chinese either way.
        attachment: name and bytes, UTF-8: report.dsse.json, or report.json where nothing is signed.
        keyids: of the keys that signed, where they are known.
    """
    import typst  # 84 MB that no other command needs

    name, content = attachment
    signed = name.endswith(".dsse.json")
    held = "pdf.signed" if signed else "pdf.unsigned"
    dataset = report.subject.name or label("unnamed", lang)
    day = date.fromisoformat(report.run.reference_date)
    document = {
        "title": f"{dataset} — {label('report', lang)}",
        "author": report.subject.applicant or "",
        "date": [day.year, day.month, day.day],
        "lang": lang,
        "region": "cn" if lang == "zh" else "gb",
        "footer": f"{label('report', lang)} · {dataset} · {report.run.reference_date}",
        "attachment": {"name": name, "description": label(held, lang)},
        "blocks": [
            *blocks(report, lang, keyids if signed else None),
            {"kind": "text", "text": label(held, lang)},
        ],
    }
    written = Writable()
    document = written.all_of(document)
    document["blocks"].append(
        {"kind": "quiet", "text": label("pdf.glyphs", lang).replace("{}", f"{written.replaced:,}")}
    )
    folder = resources.files("dqv.reports")
    made: bytes = typst.compile(
        (folder / "report.typ").read_bytes(),
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=["a-3a"],
        sys_inputs={"document": json.dumps(document), "attachment": content.decode()},
    )
    return made


class Writable:
    """Texts as the font can write them.

    Attributes:
        replaced: characters so far that it has no glyph for.
    """

    def __init__(self) -> None:
        self.replaced = 0

    def all_of(self, value: Any) -> Any:
        """A value of JSON, all strings in it made visible and writable; keys are our own."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.all_of(each) for key, each in value.items()}
        if isinstance(value, Sequence):
            return [self.all_of(each) for each in value]
        return value

    def text(self, text: str) -> str:
        """The text with `[U+XXXX]` for what is invisible, reorders, or has no glyph."""
        text, known = visible(text), characters()
        if not known.issuperset(map(ord, text)):
            missing = {character for character in text if ord(character) not in known}
            self.replaced += sum(map(text.count, missing))
            text = text.translate({ord(character): f"[U+{ord(character):04X}]" for character in missing})
        return text


@cache
def characters() -> frozenset[int]:
    """The code points that the font has a glyph for (OpenType 1.9, `cmap`, format 12)."""
    data = pylopdf_fonts_zh_cn.sans_path().read_bytes()
    (tables,) = struct.unpack_from(">H", data, 4)
    records = (struct.unpack_from(">4sIII", data, 12 + 16 * each) for each in range(tables))
    cmap = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    (subtables,) = struct.unpack_from(">H", data, cmap + 2)
    found: set[int] = set()
    for each in range(subtables):
        (offset,) = struct.unpack_from(">I", data, cmap + 4 + 8 * each + 4)
        format_, _, _, _, groups = struct.unpack_from(">HHIII", data, cmap + offset)
        if format_ == 12:
            for first, last, glyph in struct.iter_unpack(
                ">III", data[cmap + offset + 16 : cmap + offset + 16 + 12 * groups]
            ):
                found.update(range(first + (glyph == 0), last + 1))
    return frozenset(found)


@cache
def _fonts() -> Any:
    """The font, and no other of the system's or of Typst's own."""
    import typst

    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(pylopdf_fonts_zh_cn.sans_path().parent)],
    )
