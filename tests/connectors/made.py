"""Documents made by hand: packages of Office Open XML, and PDF."""

import io
import zipfile
import zlib
from collections.abc import Iterable

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def package(parts: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these parts."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return sink.getvalue()


def relations(**targets: str) -> str:
    """Relationships: name=KIND:PART, KIND:!ADDRESS for one outside."""
    found = ""
    for name, target in targets.items():
        kind, _, part = target.partition(":")
        address, mode = part.lstrip("!"), " TargetMode='External'" if part.startswith("!") else ""
        found += f"<Relationship Id='{name}' Type='{RELATIONS}/{kind}' Target='{address}'{mode}/>"
    return f"<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>{found}</Relationships>"


def word_part(root: str, inner: str) -> str:
    """A part of a Word document."""
    return f'<?xml version="1.0" encoding="UTF-8"?><w:{root} xmlns:w="{WORD}" xmlns:r="{RELATIONS}">{inner}</w:{root}>'


def paragraphs(*texts: str) -> str:
    """Paragraphs of one run each."""
    return "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in texts)


def docx_parts(body: str, **more: str | bytes) -> dict[str, str | bytes]:
    """The parts of a Word document with this body (XML); `rels` are its relationships, others stand in word/."""
    return {
        "_rels/.rels": relations(a="officeDocument:word/document.xml"),
        "word/document.xml": word_part("document", f"<w:body>{body}</w:body>"),
        **{("word/_rels/document.xml.rels" if name == "rels" else f"word/{name}.xml"): part for name, part in more.items()},
    }  # fmt: skip


def docx(*texts: str) -> bytes:
    """A Word document of these paragraphs."""
    return package(docx_parts(paragraphs(*texts)))


def xlsx_parts(*sheets: str, strings: str = "", styles: str = "", book: str = "") -> dict[str, str | bytes]:
    """The parts of a workbook: rows of sheets, shared strings, styles and the workbook's beginning, all XML."""
    listed = "".join(f'<sheet name="s{at}" r:id="s{at}"/>' for at in range(len(sheets)))
    found = {f"s{at}": f"worksheet:sheets/{at}.xml" for at in range(len(sheets))}
    return {
        "_rels/.rels": relations(a="officeDocument:/xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": relations(x="styles:styles.xml", y="sharedStrings:strings.xml", **found),
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{RELATIONS}">{book}<sheets>{listed}</sheets></workbook>',
        "xl/styles.xml": f'<styleSheet xmlns="{SHEET}">{styles}</styleSheet>',
        "xl/strings.xml": f'<sst xmlns="{SHEET}">{strings}</sst>',
        **{f"xl/sheets/{at}.xml": f'<worksheet xmlns="{SHEET}"><sheetData>{rows}</sheetData></worksheet>' for at, rows in enumerate(sheets)},
    }  # fmt: skip


def rows(*found: Iterable[str]) -> str:
    """Rows of text."""
    cells = ("".join(f"<c t='str'><v>{cell}</v></c>" for cell in row) for row in found)
    return "".join(f"<row>{each}</row>" for each in cells)


def xlsx(*found: Iterable[str]) -> bytes:
    """A workbook of one sheet with these rows of text."""
    return package(xlsx_parts(rows(*found)))


def pdf(*pages: Iterable[str], mapped: bool = True, head: str = "") -> bytes:
    """A PDF of these lines.

    Args:
        pages: the lines of each.
        mapped: its font tells which characters it shows.
        head: into the catalogue.
    """
    lines = [list(page) for page in pages]
    code = {
        char: number
        for number, char in enumerate(sorted({char for page in lines for line in page for char in line}), 1)
    }
    table = "".join(
        f"1 beginbfchar <{number:04x}> <{char.encode('utf-16-be').hex()}> endbfchar\n" for char, number in code.items()
    )  # fmt: skip
    table = f"begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange\n{table}endcmap"
    descriptor = "<</Type/FontDescriptor/FontName/X/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 800/Descent -200/CapHeight 700/StemV 80>>"
    objects = [
        f"<</Type/Catalog/Pages 2 0 R{head}>>".encode(),
        f"<</Type/Pages/Count {len(lines)}/Kids[{' '.join(f'{6 + 2 * at} 0 R' for at in range(len(lines)))}]>>".encode(),
        f"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[4 0 R]{'/ToUnicode 5 0 R' if mapped else ''}>>".encode(),
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 1000/FontDescriptor{descriptor}>>".encode(),
        _stream(table),
    ]
    for page in lines:
        shown = "".join(f"<{''.join(f'{code[char]:04x}' for char in line)}> Tj T*\n" for line in page)
        contents = len(objects) + 2
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>/Contents {contents} 0 R>>".encode()
        )
        objects.append(_stream(f"BT /F 10 Tf 12 TL 40 800 Td\n{shown}ET"))
    return assembled(objects)


def pdf_bomb(megabytes: int) -> bytes:
    """A PDF of one page whose content expands to this."""
    packer = zlib.compressobj(9)
    begin, block = (packer.compress(b" " * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    content = begin + block * (megabytes - 1)  # a block says the same wherever it stands
    return assembled(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<<>>/Contents 4 0 R>>",
            b"<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream" % (len(content), content),
        ]
    )


def assembled(objects: list[bytes]) -> bytes:
    """A PDF of these objects, the first of which is the catalogue."""
    out, places = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n%btrailer<</Size %d/Root 1 0 R>>\n" % (count, table, count)
    return out + head + b"startxref\n%d\n%%%%EOF\n" % len(out)


def _stream(content: str) -> bytes:
    data = zlib.compress(content.encode())
    return b"<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream" % (len(data), data)
