import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqv.connectors.declarations import load_registration
from dqv.connectors.drafts import QUESTIONS, draft
from dqv.core.errors import RegistrationError
from dqv.core.registration import Registration

WHOLE = {question.name: [question.check(question.example)] for question in QUESTIONS}


def test_a_blank_draft_names_what_must_be_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(draft({}), "utf-8")
    with pytest.raises(RegistrationError) as caught:
        load_registration(path)
    told = re.findall(r"line (\d+), field ([\w.]+)", str(caught.value))
    assert [field for _, field in told] == ["name", "applicant.name", "modalities.text.scale"]
    lines = draft({}).splitlines()
    assert [lines[int(line) - 1] for line, _ in told] == ['name = ""', 'name = ""', 'scale = ""']


def test_a_draft_with_every_example_is_a_registration() -> None:
    record = Registration.model_validate(tomllib.loads(draft(WHOLE)))
    assert set(record.modalities) == {"text", "audio", "image", "video"}
    assert record.certificate is not None
    assert record.certificate.valid_until is not None
    assert len(record.attestations) == 5


def test_what_is_commented_out_is_a_registration_once_the_marks_are_gone() -> None:
    text = re.sub(r"^# (?=\[|\w+ = )", "", draft({}), flags=re.MULTILINE).replace('= ""', '= "35 GB"')
    assert Registration.model_validate(tomllib.loads(text)).model_dump(exclude={"name", "applicant"}) == (
        Registration.model_validate(tomllib.loads(draft(WHOLE))).model_dump(exclude={"name", "applicant"})
    )


def test_only_what_was_answered_counts() -> None:
    answers = {
        "name": ["n"],
        "applicant.name": ["a"],
        "modalities.audio.scale": ["2 h"],
        "[scenarios].title": ["x", "y"],
    }
    answers = {
        question.name: answers[key]
        for question in QUESTIONS
        for key in [question.name.lstrip(".")]
        if key in answers
    }
    assert tomllib.loads(draft(answers)) == {
        "name": "n",
        "applicant": {"name": "a"},
        "modalities": {"audio": {"scale": "2 h"}},
        "scenarios": [{"title": "x"}, {"title": "y"}],
    }


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_answer_is_written_as_it_was_given(text: str) -> None:
    answers = {
        question.name: [text] for question in QUESTIONS if question.key in ("name", "statement", "title")
    }
    found = tomllib.loads(draft(answers))
    assert (found["name"], found["applicant"]["name"], found["scenarios"][0]["title"]) == (text, text, text)
    assert [each["statement"] for each in found["attestations"]] == [text] * 5


@pytest.mark.parametrize(
    ("key", "wrong"),
    [("category", "4"), ("category", "x"), ("uscc", "91330400MA0000000V"), ("valid_from", "2026-13-01"), ("scale", "35"), ("scale", "x")],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(key: str, wrong: str) -> None:
    for question in QUESTIONS:
        if question.key == key:
            with pytest.raises(ValueError):
                question.check(wrong)


def test_hours_are_asked_of_sound_and_bytes_of_all_else() -> None:
    for question in QUESTIONS:
        if question.key == "scale":
            with pytest.raises(ValueError):
                question.check("35 GB" if question.table == "modalities.audio" else "35 h")
