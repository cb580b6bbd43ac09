"""The annex as a file of Word: the few parts of an OOXML package that it needs, written by hand.

Libraries that write docx start from a template of their own and put the time into the package; the same report has to give the same
bytes. All text goes into `w:t` and is escaped for XML, so that nothing becomes a field, a link or markup.
"""

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

from dqv.reports.annex import Block, Heading, Paragraph, Table
from dqv.reports.escape import visible
from dqv.reports.words import Lang

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_WIDTH = 9638
"""Of the text on A4 with margins of 2 cm, in twentieths of a point."""

_TYPES = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    + "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{_KIND}.{kind}+xml"/>'
        for name, kind in (("document", "document.main"), ("styles", "styles"), ("footer", "footer"))
    )
    + "</Types>"
)
_ROOT = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
)
_PARTS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/footer" Target="footer.xml"/></Relationships>'
)
_FOOTER = (
    f'{_XML}<w:ftr xmlns:w="{_W}"><w:p><w:pPr><w:jc w:val="center"/></w:pPr>'
    '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> PAGE </w:instrText></w:r>'
    '<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p></w:ftr>'
)


def docx(blocks: Sequence[Block], lang: Lang) -> bytes:
    """The annex as docx; the same blocks give the same bytes.

    Args:
        blocks: of the annex.
        lang: for hyphenation and spelling.
    """
    body = "".join(map(_block, blocks))
    page = (
        '<w:sectPr><w:footerReference w:type="default" r:id="rId2"/><w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="1134" w:right="1134" w:bottom="1134" w:left="1134" w:header="567" w:footer="567" w:gutter="0"/></w:sectPr>'
    )
    document = (
        f'{_XML}<w:document xmlns:w="{_W}" xmlns:r="{_OFFICE}"><w:body>{body}{page}</w:body></w:document>'
    )
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _ROOT,
        "word/document.xml": document,
        "word/_rels/document.xml.rels": _PARTS,
        "word/styles.xml": _styles(lang),
        "word/footer.xml": _FOOTER,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(
                zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content.encode(), zipfile.ZIP_DEFLATED
            )
    return file.getvalue()


def _styles(lang: Lang) -> str:
    spoken = 'w:val="en-GB" w:eastAsia="zh-CN"' if lang == "en" else 'w:val="zh-CN" w:eastAsia="zh-CN"'
    headings = (("Title", "Title", 32, 0), ("Heading1", "heading 1", 26, 240))
    return (
        f'{_XML}<w:styles xmlns:w="{_W}"><w:docDefaults><w:rPrDefault><w:rPr>'
        '<w:rFonts w:ascii="Times New Roman" w:hAnsi="Times New Roman" w:cs="Times New Roman" w:eastAsia="宋体"/>'
        f'<w:sz w:val="21"/><w:szCs w:val="21"/><w:lang {spoken}/></w:rPr></w:rPrDefault>'
        '<w:pPrDefault><w:pPr><w:spacing w:after="80"/></w:pPr></w:pPrDefault></w:docDefaults>'
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
        + "".join(
            f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/><w:basedOn w:val="Normal"/><w:next w:val="Normal"/>'
            f'<w:pPr><w:keepNext/><w:spacing w:before="{before}" w:after="120"/><w:outlineLvl w:val="0"/></w:pPr>'
            f'<w:rPr><w:rFonts w:eastAsia="黑体"/><w:b/><w:sz w:val="{size}"/><w:szCs w:val="{size}"/></w:rPr></w:style>'
            for key, name, size, before in headings
        )
        + "</w:styles>"
    )


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return _paragraph(block.text, style="Heading1" if block.level else "Title")
    if isinstance(block, Paragraph):
        return _paragraph(block.text)
    return _table(block)


def _paragraph(text: str, *, style: str | None = None, bold: bool = False, small: bool = False) -> str:
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    tight = '<w:spacing w:after="0"/>' if small else ""
    look = ("<w:b/>" if bold else "") + ('<w:sz w:val="18"/><w:szCs w:val="18"/>' if small else "")
    properties = f"<w:pPr>{named}{tight}</w:pPr>" if named or tight else ""
    return (
        f"<w:p>{properties}<w:r>{f'<w:rPr>{look}</w:rPr>' if look else ''}"
        f'<w:t xml:space="preserve">{escape(visible(text))}</w:t></w:r></w:p>'
    )


def _table(table: Table) -> str:
    """The first row repeats on every page, and no row is cut."""
    widths = [_WIDTH * each // sum(table.widths) for each in table.widths]
    borders = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="808080"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    rows = [_row(table.heads, widths, head=True), *(_row(row, widths, head=False) for row in table.rows)]
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{borders}</w:tblBorders><w:tblLayout w:type="fixed"/>'
        f"</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>{_paragraph('', small=True)}"
    )


def _row(cells: Sequence[str], widths: Sequence[int], *, head: bool) -> str:
    shade = '<w:shd w:val="clear" w:color="auto" w:fill="EDEFF2"/>' if head else ""
    whole = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}</w:tcPr>{_paragraph(text, bold=head, small=True)}</w:tc>'
        for text, width in zip(cells, widths, strict=True)
    )
    return f"<w:tr><w:trPr><w:cantSplit/>{'<w:tblHeader/>' if head else ''}</w:trPr>{whole}</w:tr>"
