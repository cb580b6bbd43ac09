"""Reading a report that lies somewhere: a folder, report.json or report.dsse.json.

A report may come from anyone, so it is read as strictly as `dqv verify` reads it; but no signature is looked at here.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dqv.core.errors import TrustError, UsageError
from dqv.reports.escape import visible
from dqv.reports.model import SCHEMA_ID, Report
from dqv.trust import canonical, dsse, statement

MAX_BYTES = dsse.MAX_ENVELOPE_BYTES
"""Of the file; an envelope of more is not verified either."""

_NAMES = ("report.json", "report.dsse.json")


@dataclass(frozen=True)
class Loaded:
    """A report, and where it lay.

    Attributes:
        folder: in which its evidence is looked for.
        sha256: hex, of the report's RFC 8785 form: alike of report.json and of the envelope around it.
        file: that was read.
    """

    report: Report
    folder: Path
    sha256: str
    file: Path | None = None


def load(path: Path) -> Loaded:
    """Read a report.

    Args:
        path: an out folder, or a report.json or report.dsse.json of any name.

    Raises:
        UsageError: it cannot be read, is too large, not strict JSON, or no report of this version; names the field, and no text of
            the report.
    """
    if path.is_dir():
        found = next((path / name for name in _NAMES if (path / name).is_file()), None)
        if found is None:
            raise UsageError(f"{path} holds no {' or '.join(_NAMES)}; give the out folder of a check")
        path = found
    try:
        values = _values(_read(path))
        report = Report.model_validate(values)
        digest = hashlib.sha256(canonical.dump(values, "the report")).hexdigest()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}; give the report.json of a check"
        ) from error
    except TrustError as error:
        raise UsageError(f"{path}: {error}; check again, or get the file anew") from None
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = visible(".".join(map(str, told["loc"])))[:200]
        raise UsageError(
            f"{path} is no report of this version, field {where or 'of none'}: {_why(told)}; check again with this version of dqv"
        ) from None
    return Loaded(report, path.parent, digest, path)


def keyids(loaded: Loaded) -> list[str]:
    """Which keys an envelope of this very report names: the file itself or the one beside it; no signature is looked at."""
    files = [] if loaded.file is None else [loaded.file, loaded.folder / "report.dsse.json"]
    for path in files:
        try:
            envelope = dsse.open_envelope(_read(path))
            signed = canonical.dump(statement.parse(envelope.payload).report, "the signed report")
        except (OSError, UsageError, TrustError):
            continue
        if hashlib.sha256(signed).hexdigest() == loaded.sha256:
            return [each.keyid for each in envelope.signatures]
    return []


def _read(path: Path) -> bytes:
    """The whole file.

    Raises:
        OSError: as the file system says, or what is no regular file: a pipe might never end.
        UsageError: more than MAX_BYTES.
    """
    if path.exists() and not path.is_file():
        raise OSError(0, "not a regular file")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES} bytes: no report is")
    return data


def _values(data: bytes) -> Any:
    """What report.json holds, out of the envelope if it is one.

    Raises:
        TrustError: not strict JSON, no proper envelope, or a report of another version.
    """
    values = canonical.load(data, "the file")
    if isinstance(values, dict) and "payloadType" in values:
        values = statement.parse(dsse.open_envelope(data).payload).report
    if not isinstance(values, dict) or values.get("schema") != SCHEMA_ID:
        raise TrustError(f"it is no report of this version: no JSON object whose schema is {SCHEMA_ID}")
    return values


def _why(told: Any) -> str:
    """What pydantic says, without what it quotes of a value."""
    kinds = {"extra_forbidden": "no such key is known", "missing": "is missing"}
    return kinds.get(told["type"], "has another type or value than it may have")
