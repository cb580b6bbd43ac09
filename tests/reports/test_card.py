"""A data card from a report, and what is found in it."""

from pathlib import Path

import pytest

from dqv import pipeline
from dqv.core.settings import Settings
from dqv.measure.card_terms import ASPECTS, BY_NAME
from dqv.measure.datacards import read_card
from dqv.reports.card import Lang, data_card
from dqv.reports.model import Report
from tests.connectors.documents_made import blocks_of

LANGS: tuple[Lang, ...] = ("zh", "en")
MEASURED = {"scale", "format", "modality", "distribution"}


@pytest.mark.parametrize("lang", LANGS)
def test_what_was_measured_is_found_and_what_is_to_be_written_is_empty(report: Report, lang: Lang) -> None:
    card = read_card(blocks_of(data_card(report, lang), "md"))
    strengths = {each.aspect: each.strength for each in card.found}
    assert strengths == {name: "strong" if name in MEASURED else "empty" for name in BY_NAME}


@pytest.mark.parametrize("lang", LANGS)
def test_every_aspect_has_its_heading_and_every_blank_its_mark(report: Report, lang: Lang) -> None:
    lines = data_card(report, lang).splitlines()
    assert sum(line.startswith("### ") for line in lines) == len(ASPECTS)
    mark = "【待填写：" if lang == "zh" else "[TODO: "
    assert sum(line.startswith(mark) for line in lines) == len(ASPECTS) - len(MEASURED)


@pytest.mark.parametrize("lang", LANGS)
def test_text_of_a_report_is_shown_and_is_no_markup(hostile_report: Report, lang: Lang) -> None:
    card = data_card(hostile_report, lang)
    assert card.isascii() or all(char.isprintable() for char in card.replace("\n", ""))
    without = card.replace("<!--", "", 1)
    assert not any(char == "<" and without[at - 1] != "\\" for at, char in enumerate(without))


@pytest.mark.parametrize("lang", LANGS)
def test_a_card_put_into_its_dataset_is_not_contradicted(tmp_path: Path, scheduler: str, lang: Lang) -> None:
    source = tmp_path / "source"
    source.mkdir()
    rows = (
        f'{{"text": "record {n} {"x" * (n % 50)}", "date": "202{n % 4 + 2}-01-02"}}\n' for n in range(1234)
    )
    (source / "data.jsonl").write_text("".join(rows))

    def checked(out: str) -> Report:
        return pipeline.check(
            Settings(source=str(source), out=tmp_path / out, modalities=("text",), scheduler=scheduler)
        )

    (source / "datacard.md").write_text(data_card(checked("first"), lang), "utf-8")
    (found,) = [each for each in checked("second").findings if each.rule == "documentation"]
    assert found.verdict == "review"
    assert found.numerator == str(len(MEASURED))
    assert "and 0 do not" in found.message.en
    assert "0 agree" not in found.message.en
