"""Documents made and read by peers, in an environment of their own: `make FOLDER`, or `LIBRARY FILE` → CPU seconds."""

import datetime
import random
import sys
import time
from pathlib import Path

ROWS, PARAGRAPHS, PAGES = 20_000, 8_000, 300
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "数据", "公共", "设备", "维修", "记录"]


def make(folder: Path) -> None:
    """A workbook, a Word document, and PDF in English and in Chinese without embedded fonts."""
    import docx
    import openpyxl
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    chosen = random.Random(1)

    def words(count: int, among: list[str]) -> str:
        return " ".join(chosen.choices(among, k=count))

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["id", "text", "date", "n", "标题"])
    for number in range(ROWS):
        moment = datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=number)
        sheet.append([number, words(30, WORDS), moment, number * 1.37, f"第{number}条"])
    book.save(folder / "a.xlsx")
    document = docx.Document()
    for _ in range(PARAGRAPHS):
        paragraph = document.add_paragraph()
        for _ in range(4):
            paragraph.add_run(words(20, WORDS))
    document.save(str(folder / "a.docx"))
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    for name, font, among in (("english", "Helvetica", WORDS[:5]), ("chinese", "STSong-Light", WORDS)):
        canvas = Canvas(str(folder / f"{name}.pdf"), pageCompression=1)
        for _ in range(PAGES):
            canvas.setFont(font, 10)
            for line in range(60):
                canvas.drawString(40, 800 - 12 * line, words(14, among))
            canvas.showPage()
        canvas.save()


def read(library: str, path: str) -> int:
    """All text of a document; how much there is of it."""
    if library == "openpyxl":
        import openpyxl

        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        return sum(1 for sheet in book for _ in sheet.iter_rows(values_only=True))
    if library == "python-calamine":
        import python_calamine

        workbook = python_calamine.CalamineWorkbook.from_path(path)
        return sum(1 for name in workbook.sheet_names for _ in workbook.get_sheet_by_name(name).iter_rows())
    if library == "python-docx":
        import docx

        return sum(len(paragraph.text) for paragraph in docx.Document(path).paragraphs)
    import pypdf

    return sum(len(page.extract_text()) for page in pypdf.PdfReader(path).pages)


def main() -> None:
    """Make, or read twice, for the first time imports the library."""
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
        return
    read(*sys.argv[1:])
    began = time.process_time()
    read(*sys.argv[1:])
    print(time.process_time() - began)


if __name__ == "__main__":
    main()
