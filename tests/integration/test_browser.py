"""The report in a real browser, offline."""

import json
import re
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, scheduler: str) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    for number, name in enumerate(HOSTILE):
        (folder / name.replace("/", "_")).write_text(f"text number {number} of a dataset with hostile names")
    (folder / "metadata.csv").write_text(
        "file_name,date,<script>document.title=3</script>\nx.txt,2024-01-01,y\n"
    )
    out = tmp_path_factory.mktemp("out") / "out"
    check(Settings(source=str(folder), out=out, scheduler=scheduler, lang="zh"))
    return out / "report.html"


def chromium(page: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
         f"--user-data-dir={page.parent / 'browser'}", *args, page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip


def test_the_page_loads_without_script_and_without_complaint(page: Path) -> None:
    done = chromium(page, "--dump-dom")
    assert "不符合" in done.stdout
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None
    assert title[1].strip() not in ("1", "2", "3")
    assert "<script" not in done.stdout
    complaints = [
        line for line in done.stderr.splitlines() if "CONSOLE" in line or "Content Security Policy" in line
    ]
    assert complaints == []


def test_every_finding_is_on_the_page(page: Path) -> None:
    dom = chromium(page, "--dump-dom").stdout
    report = json.loads((page.parent / "report.json").read_bytes())
    assert len(report["findings"]) == 23
    for finding in report["findings"]:
        assert finding["rule"] in dom


def test_the_page_is_painted(page: Path) -> None:
    picture = page.parent / "page.png"
    chromium(page, f"--screenshot={picture}", "--window-size=1100,1400")
    content = picture.read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == (1100, 1400)
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


def _chunks(content: bytes, kind: bytes) -> list[bytes]:
    found, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        if content[at + 4 : at + 8] == kind:
            found.append(content[at + 8 : at + 8 + length])
        at += 12 + length
    return found
