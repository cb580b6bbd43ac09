"""The report in a real browser, offline."""

import json
import re
import struct
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pypdfium2
import pytest

from dqv import demo_media
from dqv.core.settings import Settings
from dqv.pipeline import check
from dqv.reports.comparison import compare
from dqv.reports.comparison_page import page as comparison_page
from dqv.reports.load import Loaded
from dqv.reports.model import Report
from tests.reports.conftest import HOSTILE as TEXTS
from tests.reports.conftest import make_report, poisoned

pytestmark = pytest.mark.integration

HOSTILE = [
    "<img src=x onerror=document.title=1>.txt",
    "</title><script>document.title=2<_script>.txt",
    "\u202egpj.txt",
]


@pytest.fixture(scope="module", params=["zh", "en"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, scheduler: str) -> Path:
    """The page of a dataset with hostile names, its registration hostile too, with excerpts."""
    folder = tmp_path_factory.mktemp("hostile")
    for number, name in enumerate(HOSTILE):
        text = f"text number {number} of a dataset with hostile names"
        (folder / name.replace("/", "_")).write_text(text)
        (folder / f"{number}-{name.replace('/', '_')}").write_text(
            text
        )  # a duplicate: it stands in the evidence
        (folder / f"{name.replace('/', '_')}.jpg").write_bytes(demo_media.image("JPEG", number, 1023, 700))
    (folder / "metadata.csv").write_text(
        "file_name,date,<script>document.title=3</script>\nx.txt,2024-01-01,y\n"
    )
    registration = tmp_path_factory.mktemp("registration") / "registration.toml"
    words = json.dumps(
        '"><script>document.title=4</script><img src=http://127.0.0.1:9/x onerror=document.title=5>'
    )
    registration.write_text(
        f"name = {words}\napplicant = {{ name = {words} }}\ncategory = '行业专识数据集'\n"
        f"modalities = {{ text = {{ scale = '1 MB' }}, image = {{ scale = '1 MB' }} }}\n", "utf-8"
    )  # fmt: skip
    out = tmp_path_factory.mktemp("out") / "out"
    check(Settings(
        source=str(folder), out=out, scheduler=scheduler, lang=request.param, registration=registration, excerpts=True,
    ))  # fmt: skip
    return out / "report.html"


def chromium(page: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
         f"--user-data-dir={page.parent / 'browser'}", *args, page.as_uri()],
        capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip


class Tags(HTMLParser):
    """Every tag with the names of its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))


def language(page: Path) -> str:
    found = re.search(r'<html lang="(\w\w)', page.read_text("utf-8"))
    assert found is not None
    return found[1]


def test_the_page_loads_without_script_and_without_complaint(page: Path) -> None:
    done = chromium(page, "--dump-dom")
    assert {"zh": "不符合", "en": "Does not conform"}[language(page)] in done.stdout
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None
    assert title[1].strip() not in ("1", "2", "3", "4", "5")
    tags = Tags()
    tags.feed(done.stdout)
    assert "script" not in {tag for tag, _ in tags.found}
    assert not [name for _, names in tags.found for name in names if name.startswith("on")]
    assert "&lt;script&gt;document.title=4" in done.stdout
    complaints = [
        line for line in done.stderr.splitlines() if "CONSOLE" in line or "Content Security Policy" in line
    ]
    assert complaints == []


def test_no_request_leaves(page: Path, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    chromium(
        page,
        f"--log-net-log={log}",
        "--disable-background-networking",
        "--disable-component-update",
        "--dump-dom",
    )
    text = log.read_text("utf-8", "replace")
    assert len(text) > 1000
    asked = set(re.findall(r'"url":"([^"]+)"', text))
    assert not [url for url in asked if "127.0.0.1" in url or "example" in url or url.endswith("/x")]
    assert {url.partition(":")[0] for url in asked if "report" in url} <= {"file"}


def test_every_finding_is_on_the_page(page: Path) -> None:
    dom = chromium(page, "--dump-dom").stdout
    report = json.loads((page.parent / "report.json").read_bytes())
    assert len(report["findings"]) == 23
    for finding in report["findings"]:
        assert finding["rule"] in dom
        assert finding["clause_text"]["zh"].split("\n")[0] in dom
    assert "data:image/jpeg" in dom


@pytest.mark.parametrize(("width", "height"), [(1100, 1400), (500, 900)])
def test_the_page_is_painted(page: Path, width: int, height: int) -> None:
    picture = page.parent / f"page-{width}.png"
    chromium(page, f"--screenshot={picture}", f"--window-size={width},{height}")
    content = picture.read_bytes()
    assert struct.unpack(">II", content[16:24]) == (width, height)
    pixels = zlib.decompress(b"".join(_chunks(content, b"IDAT")))
    assert len(set(pixels)) > 50, "a blank page"


def test_a_comparison_of_hostile_reports_runs_nothing_and_complains_of_nothing(tmp_path: Path) -> None:
    report = make_report()
    values = report.model_dump(mode="json", by_alias=True)
    for number, text in enumerate([*TEXTS, "<img src=x onerror=document.title=1>"]):
        other = Report.model_validate(poisoned(values, text))
        path = tmp_path / f"{number}.html"
        found = compare(Loaded(report, tmp_path, "0" * 64), Loaded(other, tmp_path, "1" * 64))
        path.write_text(comparison_page(found, "zh"), "utf-8")
        done = chromium(path, "--dump-dom")
        assert "两份报告的比较" in done.stdout
        assert "<title>1</title>" not in done.stdout
        assert not re.search(r"<(script|img|iframe|svg)\b", done.stdout)
        assert [
            line for line in done.stderr.splitlines() if "CONSOLE" in line or "Content Security" in line
        ] == []


def test_all_of_it_prints(page: Path) -> None:
    printed = page.parent / "printed.pdf"
    chromium(page, f"--print-to-pdf={printed}", "--no-pdf-header-footer")
    document = pypdfium2.PdfDocument(printed.read_bytes())
    text = re.sub(r"\s", "", "".join(each.get_textpage().get_text_range() for each in document))
    report = json.loads((page.parent / "report.json").read_bytes())
    for finding in report["findings"]:
        assert re.sub(r"\s", "", finding["title"][language(page)]) in text
    assert all((round(each.get_width()), round(each.get_height())) == (595, 842) for each in document)


def _chunks(content: bytes, kind: bytes) -> list[bytes]:
    found, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        if content[at + 4 : at + 8] == kind:
            found.append(content[at + 8 : at + 8 + length])
        at += 12 + length
    return found
