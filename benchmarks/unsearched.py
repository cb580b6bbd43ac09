"""The stage that measures, without the search for personal values: what the other checks' share is of.

A module of its own, since children load it.
"""

from pathlib import Path
from typing import Any
from unittest.mock import patch

from dqv.execute.child import Beat
from dqv.stages.measure import measure
from dqv.stages.privacy import PersonalRows

TOLD = ("add", "add_columns", "add_name")
"""What the stage tells the search."""


def _nothing(*_: object) -> None:
    return None


def without_search(args: dict[str, Any], out: Path, beat: Beat) -> None:
    """As `dqv.stages.measure.measure`, but the search is told nothing."""
    with patch.multiple(PersonalRows, **dict.fromkeys(TOLD, _nothing)):
        measure(args, out, beat)
