"""The committed JSON Schema is the model's, and reports follow it."""

import json

import jsonschema
import pytest

from dqv.reports.model import Report
from dqv.reports.schema import SCHEMA_FILE, json_schema, schema_text


def test_committed_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text("utf-8") == schema_text(), "run python -m dqv.reports.schema"


def test_schema_is_valid_and_named() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "urn:dqv:report:1"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_report_follows_the_schema(report: Report) -> None:
    value = json.loads(report.model_dump_json(by_alias=True))
    jsonschema.Draft202012Validator(json_schema()).validate(value)
    assert Report.model_validate(value) == report


@pytest.mark.parametrize("change", [{"verdict": "certified"}, {"extra": 1}, {"schema": "urn:dqv:report:2"}])
def test_what_is_no_report_is_refused(report: Report, change: dict[str, object]) -> None:
    value = json.loads(report.model_dump_json(by_alias=True)) | change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json_schema()).validate(value)
