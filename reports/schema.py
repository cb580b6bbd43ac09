"""The JSON Schema of report.json; `python -m dqv.reports.schema` rewrites the committed file."""

import json
from pathlib import Path
from typing import Any

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


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
