"""The JSON Schema of report.json; `python -m dqv.reports.schema` rewrites the committed file."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dqv.reports.escape import visible
from dqv.reports.model import SCHEMA_ID, Report

SCHEMA_FILE = Path(__file__).with_name("report.schema.json")


def json_schema() -> dict[str, Any]:
    """The schema (2020-12) of `urn:dqv:report:1`, made from the model."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **Report.model_json_schema(by_alias=True),
    }


def schema_text() -> str:
    """The schema as it stands in the committed file."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"


def read(data: bytes) -> Report:
    """A report from its JSON, strictly: no number for a text, nothing missing, nothing more.

    Raises:
        ValueError: it is none of this version; names the first field that is wrong.
    """
    try:
        return Report.model_validate_json(data, strict=True)
    except ValidationError as error:
        # Of another version many fields are wrong; that it is another is what to say.
        problems = error.errors(include_url=False, include_input=False)
        told = next((each for each in problems if each["loc"] == ("schema",)), problems[0])
        where = ".".join(map(str, told["loc"]))
        raise ValueError(
            f"is no {SCHEMA_ID} of this version: {visible(where) or 'all of it'}: {told['msg']}"
        ) from None


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
