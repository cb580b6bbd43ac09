"""What it means that a report verifies.

1. The envelope is well formed: at most 256 MiB, strict JSON (no key twice, no NaN), canonical bytes.
2. A trusted key signed it: one that was given, or one whose certificate leads to one that was given. No signature by a
   trusted key is false; signatures by other keys are named and not proved. With no trusted key given
   (`--unsafe-any-signer`) nothing proves who signed: the step is "not proved", and all that follows says only that the
   parts belong together.
3. The signed Statement is a conformance report of dqv, in its canonical form.
4. The certificates beside the signatures are the ones that the Statement names. They say who holds the keys, at the time of
   verification; of a self-check the applicant, by its code. Without certificates the step is "not proved".
5. report.json beside the envelope is byte for byte the signed one and says what the Statement says.
6. manifest.parquet beside the envelope has the signed digest, and its rows give the signed Merkle root.
   Without a root the step is "not proved": the report is not bound to data.
7. Every evidence file that the report lists is there, inside the folder, with its digest.
8. The data is what the manifest says: `compare_data`, for a caller that has the data at hand.

A step that does not hold is a result, not an exception, and ends the verification.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from dqv.core.errors import TrustError, UsageError
from dqv.core.files import sha256_file
from dqv.trust import canonical, dsse, statement
from dqv.trust.manifest import IGNORED, Row, manifest_root, rows, shown
from dqv.trust.signers import Signers, Trusted, certified, prove

NAMES = {
    1: "the envelope is well formed",
    2: "a trusted key signed it",
    3: "it states a conformance report",
    4: "the certificates say who signed",
    5: "report.json is the signed one",
    6: "manifest.parquet is the signed one and gives the Merkle root",
    7: "the evidence files are the signed ones",
    8: "the data is what the manifest says",
}


@dataclass(frozen=True)
class Step:
    """One step of the list above.

    Attributes:
        holds: null where the step could not be proved and nothing speaks against it.
    """

    number: int
    name: str
    holds: bool | None
    detail: str


@dataclass(frozen=True)
class Verification:
    """The steps taken, in order, up to the first that does not hold.

    Attributes:
        report: the signed report; null unless all steps were taken and none failed.
    """

    steps: tuple[Step, ...]
    report: dict[str, Any] | None

    @property
    def holds(self) -> bool:
        """No step failed; `steps` tells which were not proved."""
        return all(step.holds is not False for step in self.steps)


def verify(
    envelope_path: Path, *, trusted: Sequence[Trusted] | None, now: datetime | None = None
) -> Verification:
    """Take the steps 1 to 7 of this module's list.

    Args:
        envelope_path: report.dsse.json; the other files are looked for in its folder.
        trusted: the keys whose signature counts, and the certificates that such a key may have or lead to; null means
            that any signer will do, which is unsafe.
        now: at which certificates must be valid, with time zone; null: the present time.

    Raises:
        UsageError: the envelope cannot be read.
    """
    folder = envelope_path.parent
    try:
        data = _read(envelope_path)
    except OSError as error:
        raise UsageError(
            f"the envelope {envelope_path} cannot be read: {error.strerror}; check the path"
        ) from error

    steps: list[Step] = []

    def took(holds: bool | None, detail: str) -> None:
        number = len(steps) + 1
        steps.append(Step(number, NAMES[number], holds, detail))

    try:
        # 1
        envelope = dsse.open_envelope(data)
        took(True, f"{len(data)} bytes, {len(envelope.signatures)} signature(s)")
        # 2
        signers = None if trusted is None else prove(envelope, trusted, now or datetime.now(UTC))
        took(*_signers(envelope, signers))
        # 3
        stated = statement.parse(envelope.payload)
        took(True, f"{statement.PREDICATE_TYPE}, canonical")
        # 4
        took(*certified(envelope, stated, signers))
        # 5
        took(*_report_file(folder / "report.json", stated))
        # 6
        took(*_manifest_file(folder / "manifest.parquet", stated))
        # 7
        took(*_evidence_files(folder, stated.report))
    except TrustError as error:
        took(False, str(error))
        return Verification(tuple(steps), None)
    return Verification(tuple(steps), stated.report)


def compare_data(manifest_path: Path, found: Iterable[tuple[bytes, int, bytes]]) -> Step:
    """Take step 8: every object of the manifest is there with its size and sha256, and no other.

    Args:
        manifest_path: the manifest that step 5 verified.
        found: path, size in bytes and sha256 of the data, in strictly ascending path-byte order. What the
            manifest lists as ignored must not be among it.

    Returns:
        The step; it names the first path that differs, is missing or additional. It is not proved where
        the manifest has objects without sha256, of which only names and sizes could be compared.

    Raises:
        ValueError: `found` is not in order (where no difference was found before).
    """
    try:
        compared, unhashed = _compare(rows(manifest_path), _ascending(found))
    except TrustError as error:
        return Step(8, NAMES[8], False, str(error))
    if unhashed:
        detail = (
            f"not proved: {unhashed} of {compared} objects have no sha256 in the manifest; names, sizes agree"
        )
        return Step(8, NAMES[8], None, detail)
    return Step(8, NAMES[8], True, f"{compared} objects agree in name, size and sha256")


def _signers(envelope: dsse.Envelope, signers: Signers | None) -> tuple[bool | None, str]:
    if signers is None:
        ids = ", ".join(signature.keyid for signature in envelope.signatures)
        return None, f"not proved: no trusted key was given, anyone may have signed; the envelope names {ids}"
    return True, str(signers)


def _report_file(path: Path, stated: statement.Statement) -> tuple[bool, str]:
    try:
        data = _read(path)
    except OSError as error:
        raise TrustError(f"report.json cannot be read beside the envelope: {error.strerror}") from error
    _same_digest("report.json", hashlib.sha256(data).hexdigest(), stated.report_sha256)
    report = canonical.load(data, "report.json")
    # Compared as canonical bytes: in Python 1 == True and 1 == 1.0.
    if canonical.dump(report, "report.json") != canonical.dump(stated.report, "the signed report"):
        raise TrustError("report.json does not say what the signed Statement says")
    return True, f"sha256 {stated.report_sha256}"


def _manifest_file(path: Path, stated: statement.Statement) -> tuple[bool | None, str]:
    try:
        _regular(path)
        with path.open("rb") as file:
            _same_digest(
                "manifest.parquet", hashlib.file_digest(file, "sha256").hexdigest(), stated.manifest_sha256
            )
            subject = stated.report.get("subject")
            if (
                isinstance(subject, dict)
                and subject.get("root_sha256", stated.root_sha256) != stated.root_sha256
            ):
                raise TrustError(
                    "the report's subject.root_sha256 is not the Merkle root of the signed Statement"
                )
            if stated.root_sha256 is None:
                return (
                    None,
                    "not proved: the report is not bound to data (no Merkle root; not every object was read)",
                )
            file.seek(0)
            root = manifest_root(file)
    except OSError as error:
        raise TrustError(f"manifest.parquet cannot be read beside the envelope: {error.strerror}") from error
    if root is None:
        raise TrustError(
            "manifest.parquet has objects without sha256, so it cannot give the signed Merkle root"
        )
    _same_digest("the Merkle root of manifest.parquet", root, stated.root_sha256)
    return True, f"Merkle root {root}"


def _evidence_files(folder: Path, report: dict[str, Any]) -> tuple[bool, str]:
    entries = report.get("evidence")
    if not isinstance(entries, list):
        raise TrustError("the report has no list of evidence")
    for entry in entries:
        name = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise TrustError("the report lists evidence without a path")
        label = f"the evidence file {shown(name.encode())}"
        try:
            digest = sha256_file(_inside(folder, name, label))
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a NUL in the name
            raise TrustError(f"{label} cannot be read: {error}") from error
        _same_digest(label, digest, entry.get("digest"))
    return True, f"{len(entries)} file(s)"


def _inside(folder: Path, name: str, label: str) -> Path:
    """The file, which must lie inside the folder, links followed."""
    pure = PurePosixPath(name)
    path = folder / name
    if pure.is_absolute() or ".." in pure.parts or not path.resolve().is_relative_to(folder.resolve()):
        raise TrustError(f"{label} lies outside the folder of the envelope")
    _regular(path)
    return path


def _regular(path: Path) -> None:
    """Refuse what could block or never end: pipes, devices.

    Raises:
        OSError: not there, or not a regular file.
    """
    path.stat()
    if not path.is_file():
        raise OSError(0, "not a regular file")


def _read(path: Path) -> bytes:
    """At most one byte more than an envelope may have.

    Raises:
        OSError: as the file system says.
    """
    _regular(path)
    with path.open("rb") as file:
        return file.read(dsse.MAX_ENVELOPE_BYTES + 1)


def _same_digest(what: str, found: str, signed: object) -> None:
    if found != signed:
        raise TrustError(f"{what} is not the signed one: found {found}, signed {signed!r}")


def _ascending(found: Iterable[tuple[bytes, int, bytes]]) -> Iterator[tuple[bytes, int, bytes]]:
    last: bytes | None = None
    for item in found:
        if last is not None and item[0] <= last:
            raise ValueError(f"paths must ascend: {shown(item[0])} follows {shown(last)}")
        last = item[0]
        yield item


def _compare(manifest: Iterator[Row], found: Iterator[tuple[bytes, int, bytes]]) -> tuple[int, int]:
    """Walk both in step; returns how many objects were compared, and how many of them without sha256."""
    compared = unhashed = 0
    row, item = next(manifest, None), next(found, None)
    while row is not None or item is not None:
        if item is not None and (row is None or item[0] < row.path):
            raise TrustError(f"{shown(item[0])} is in the data and not in the manifest")
        assert row is not None
        here = item is not None and item[0] == row.path
        if row.role == IGNORED and here:
            raise TrustError(f"{shown(row.path)} was no data when the report was made, and is now")
        if row.role != IGNORED:
            if item is None or not here:
                raise TrustError(f"{shown(row.path)} is in the manifest and not in the data")
            if item[1] != row.size_bytes:
                raise TrustError(f"{shown(row.path)} has {item[1]} bytes, in the manifest {row.size_bytes}")
            if row.sha256 is None:
                unhashed += 1
            elif item[2] != row.sha256:
                raise TrustError(f"{shown(row.path)} has other content: its sha256 is not the manifest's")
            compared += 1
        row = next(manifest, None)
        if here:
            item = next(found, None)
    return compared, unhashed
