"""What it means that a report verifies.

1. The envelope is well formed: at most 256 MiB, strict JSON (no key twice, no NaN), canonical bytes.
2. A trusted key signed it: one that was given, or one whose certificate leads to one that was given. No signature by a
   trusted key is false; signatures by other keys are named and not proved. With no trusted key given
   (`--unsafe-any-signer`) nothing proves who signed: the step is "not proved", and all that follows says only that the
   parts belong together.
3. The signed Statement is a conformance report of dqv, in its canonical form.
4. The report keeps its schema: of this version, nothing missing, nothing more.
5. The certificates beside the signatures are the ones that the Statement names. They say who holds the keys, at the time of
   verification; of a self-check the applicant, by its code. Without certificates the step is "not proved".
6. It was measured by a policy that dqv ships: id, version and digest of the content are the same. With another id or
   version (a policy of one's own, another dqv) the step is "not proved"; the same ones with another content fail. The findings
   are that policy's rules, each once, with its thresholds. Whatever the policy, no finding passes against its own numbers, and
   the verdict follows from the findings (`coherence`): a key signs what it is given.
7. report.json beside the envelope is byte for byte the signed one and says what the Statement says.
8. manifest.parquet beside the envelope has the signed digest; its rows give both signed Merkle roots, the signed number
   of objects and their bytes; what the report itself says of them is the same. Without roots the step is
   "not proved": the report is not bound to data.
9. Every evidence file that the report or a finding lists is there, inside the folder, with its digest.
10. With a proof (`dqv prove`): its object is one of those under both signed roots.
11. With the dataset: it is what the manifest says, all of it; or names and sizes of all of it and the content of
    objects that are drawn by a nonce which nobody knew when the roots were signed (`sampling`); or, with a proof, the
    proof's object.

A step that does not hold is a result, not an exception, and ends the verification. Where a proof is given, the envelope
alone may be at hand: what is not beside it is then "not proved" (7 to 9), and fails without a proof.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from dqv.core.errors import TrustError, UsageError
from dqv.core.files import sha256_file
from dqv.core.policy import load_policy, policy_ids
from dqv.core.units import human_bytes
from dqv.trust import canonical, coherence, dsse, proof, sampling, statement
from dqv.trust.manifest import IGNORED, Row, bound, rows, shown
from dqv.trust.proof import Proof
from dqv.trust.signers import Signers, Trusted, certified, prove

NAMES = {
    1: "the envelope is well formed",
    2: "a trusted key signed it",
    3: "it states a conformance report",
    4: "the report keeps its schema",
    5: "the certificates say who signed",
    6: "the policy is one that dqv ships, and findings and verdict follow from it",
    7: "report.json is the signed one",
    8: "manifest.parquet is the signed one and gives the Merkle roots",
    9: "the evidence files are the signed ones",
    10: "the proof's object is under the signed roots",
    11: "the data is what the manifest says",
}

_CONFIDENCES = (0.95, 0.99, 0.999)


Found = tuple[bytes, int, bytes | None]
"""An object of the data: its path, its size, and its sha256: empty where it cannot be read, null where nobody asked."""


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
        statement: what was signed; null unless all steps were taken and none failed.
        proof: the one given.
    """

    steps: tuple[Step, ...]
    statement: statement.Statement | None
    proof: Proof | None = None

    @property
    def holds(self) -> bool:
        """No step failed; `steps` tells which were not proved."""
        return all(step.holds is not False for step in self.steps)

    def and_then(self, step: Step) -> "Verification":
        """With one more step; nothing counts as signed once one fails."""
        return replace(
            self,
            steps=(*self.steps, step),
            statement=None if step.holds is False else self.statement,
        )


def verify(
    envelope_path: Path,
    *,
    trusted: Sequence[Trusted] | None,
    conforms: Callable[[bytes], object],
    proof_path: Path | None = None,
    now: datetime | None = None,
) -> Verification:
    """Take the steps 1 to 10 of this module's list.

    Args:
        envelope_path: report.dsse.json; the other files are looked for in its folder.
        trusted: the keys whose signature counts, and the certificates that such a key may have or lead to; null means
            that any signer will do, which is unsafe.
        conforms: reads a report strictly, by its schema; a ValueError says what is wrong with it.
        proof_path: of an inclusion proof.
        now: at which certificates must be valid, with time zone; null: the present time.

    Raises:
        UsageError: the envelope or the proof cannot be read.
    """
    folder = envelope_path.parent
    data = _given(envelope_path, "envelope", dsse.MAX_ENVELOPE_BYTES)
    proved = None if proof_path is None else _given(proof_path, "proof", proof.MAX_PROOF_BYTES)
    alone = proved is not None

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
        took(*_schema(stated.report, conforms))
        # 5
        took(*certified(envelope, stated, signers))
        # 6
        took(*_policy(stated.report))
        # 7
        took(*_beside(folder / "report.json", alone, lambda path: _report_file(path, stated)))
        # 8
        took(*_beside(folder / "manifest.parquet", alone, lambda path: _manifest_file(path, stated)))
        # 9
        took(*_evidence_files(folder, stated.report, alone))
        # 10
        found = None if proved is None else proof.parse(proved)
        took(*_proof(found, stated))
    except TrustError as error:
        took(False, str(error))
        return Verification(tuple(steps), None)
    return Verification(tuple(steps), stated, found)


def compare_data(manifest_path: Path, found: Iterable[Found]) -> Step:
    """Take step 11: every object of the manifest is there with its size and sha256, and no other.

    Args:
        manifest_path: the manifest that step 8 verified.
        found: the data, in strictly ascending path-byte order. What the manifest lists as ignored must not be
            among it.

    Returns:
        The step; it names the first path that differs, is missing or additional. It is not proved where
        the manifest has objects without sha256, of which only names and sizes could be compared.

    Raises:
        ValueError: `found` is not in order (where no difference was found before).
    """
    try:
        compared = _compare(rows(manifest_path), _ascending(found))
    except TrustError as error:
        return Step(11, NAMES[11], False, str(error))
    if compared.unhashed:
        detail = (
            f"not proved: {compared.unhashed} of {compared.objects} objects have no sha256 in the manifest; "
            "names, sizes agree"
        )
        return Step(11, NAMES[11], None, detail)
    return Step(11, NAMES[11], True, f"{compared.objects} objects agree in name, size and sha256")


@dataclass(frozen=True)
class Spot:
    """A spot check that was drawn.

    Attributes:
        nonce: it was drawn with.
        objects: of the dataset.
        paths: of the objects that were drawn.
    """

    nonce: bytes
    objects: int
    paths: frozenset[bytes]


def draw(
    manifest_path: Path, stated: statement.Statement, sample: sampling.Sample, nonce: bytes
) -> Spot | None:
    """Draw the objects of a spot check; null where the report is not bound to data.

    Args:
        manifest_path: the manifest that step 8 verified.
        stated: what was signed.
        sample: how many objects.
        nonce: drawn now, by the verifier.

    Raises:
        TrustError: the manifest cannot be read.
    """
    if stated.bound is None or not stated.bound.objects:
        return None
    objects = stated.bound.objects
    count = sample.count(objects, stated.bound.size_bytes)
    drawn = set(sampling.draw(nonce, bytes.fromhex(stated.bound.root_sha256), objects, count))
    names = (row.path for row in rows(manifest_path) if row.role != IGNORED)
    return Spot(nonce, objects, frozenset(path for number, path in enumerate(names) if number in drawn))


def compare_sample(manifest_path: Path, found: Iterable[Found], spot: Spot | None) -> Step:
    """Take step 11 by a spot check.

    Args:
        manifest_path: the manifest that step 8 verified.
        found: as for `compare_data`; of objects that were not drawn the digest is null.
        spot: what was drawn.

    Returns:
        The step; it says what was drawn, and which share of changed objects would have been noticed how surely. Where
        there is nothing to draw from, names and sizes alone are compared, and the step is not proved.
    """
    name = "names and sizes of the data, and a sample of its content, are what the manifest says"
    if spot is None:
        try:
            compared = _compare(rows(manifest_path), _ascending(found))
        except TrustError as error:
            return Step(11, name, False, str(error))
        detail = (
            "not proved: the report is not bound to data, no content is and nothing could be drawn; "
            f"names and sizes of {compared.objects} objects agree"
        )
        return Step(11, name, None, detail)
    count = len(spot.paths)
    drawn = f"{count} of {spot.objects} objects drawn with nonce {spot.nonce.hex()}"
    try:
        compared = _compare(rows(manifest_path), _ascending(found))
    except TrustError as error:
        return Step(11, name, False, f"{drawn}: {error}")
    least = ((sampling.detectable(spot.objects, count, each), each) for each in _CONFIDENCES)
    told = "; ".join(
        f"{changed} changed objects ({100 * changed / spot.objects:.3g} %) with {100 * confidence:g} %"
        for changed, confidence in least
    )
    detail = (
        f"{drawn}: their content ({human_bytes(compared.read_bytes)}) agrees, and name and size of all. "
        f"Had others been changed before the draw, it would have been noticed from {told}"
    )
    return Step(11, name, True, detail)


def compare_object(proved: Proof, found: Found | None, *, under_roots: bool) -> Step:
    """Take step 11 for the object of a proof.

    Args:
        proved: the proof of step 10.
        found: the object in the data; null where it is not there.
        under_roots: step 10 holds; else this one is not proved, whatever the data.
    """
    name = "the proof's object in the data is the proved one"
    wanted = Row(proved.path, proved.size_bytes, proved.sha256, "")
    try:
        _compare(iter([wanted]), iter([] if found is None else [found]))
    except TrustError as error:
        return Step(11, name, False, str(error))
    agrees = f"{shown(proved.path)} agrees in name, size and sha256"
    if not under_roots:
        return Step(
            11, name, None, f"not proved: {agrees} with a proof that leads to no signed root (step 10)"
        )
    return Step(11, name, True, agrees)


def no_data() -> Step:
    """Step 11 where nobody gave the data."""
    return Step(11, NAMES[11], None, "not proved: the data was not given (--data)")


def _signers(envelope: dsse.Envelope, signers: Signers | None) -> tuple[bool | None, str]:
    if signers is None:
        ids = ", ".join(signature.keyid for signature in envelope.signatures)
        return None, f"not proved: no trusted key was given, anyone may have signed; the envelope names {ids}"
    return True, str(signers)


def _schema(report: dict[str, Any], conforms: Callable[[bytes], object]) -> tuple[bool, str]:
    try:
        conforms(canonical.dump(report, "the signed report"))
    except ValueError as error:
        raise TrustError(f"the signed report {error}") from error
    return True, str(report["schema"])


def _policy(report: dict[str, Any]) -> tuple[bool | None, str]:
    """Compare with what dqv ships; the report keeps its schema."""
    coherence.follows(report)
    policy = report["policy"]
    name = f"{shown(policy['id'].encode())} {shown(policy['version'].encode())}"
    shipped = load_policy(policy["id"]) if policy["id"] in policy_ids() else None
    if shipped is None:
        return None, f"not proved: {name} is no policy that dqv ships; whoever gave it must show it"
    if shipped.version != policy["version"]:
        return None, f"not proved: {name} is not the version that this dqv ships, {shipped.version}"
    if shipped.digest != policy["digest"]:
        raise TrustError(
            f"the policy {name} of the report has not the content that dqv ships under this id and version: "
            f"digest {policy['digest']!r}, shipped {shipped.digest}"
        )
    coherence.of_policy(report, shipped)
    return True, f"{name}, digest {shipped.digest}; {len(report['findings'])} findings, {report['verdict']}"


def _beside(
    path: Path, alone: bool, look: Callable[[Path], tuple[bool | None, str]]
) -> tuple[bool | None, str]:
    """What a file beside the envelope comes to; where the envelope may stand alone, it need not be there."""
    if alone and not path.exists():
        return None, f"not proved: {path.name} is not beside the envelope; the proof needs it not"
    return look(path)


def _report_file(path: Path, stated: statement.Statement) -> tuple[bool, str]:
    try:
        data = _read(path, dsse.MAX_ENVELOPE_BYTES)
    except OSError as error:
        raise TrustError(f"report.json cannot be read beside the envelope: {error.strerror}") from error
    _same("report.json", hashlib.sha256(data).hexdigest(), stated.report_sha256)
    report = canonical.load(data, "report.json")
    # Compared as canonical bytes: in Python 1 == True and 1 == 1.0.
    if canonical.dump(report, "report.json") != canonical.dump(stated.report, "the signed report"):
        raise TrustError("report.json does not say what the signed Statement says")
    return True, f"sha256 {stated.report_sha256}"


def _manifest_file(path: Path, stated: statement.Statement) -> tuple[bool | None, str]:
    subject, signed = stated.report["subject"], stated.bound
    try:
        _regular(path)
        with path.open("rb") as file:
            _same("manifest.parquet", hashlib.file_digest(file, "sha256").hexdigest(), stated.manifest_sha256)
            for name in ("root_sha256", "root_sm3"):
                of_report, of_statement = subject.get(name), None if signed is None else getattr(signed, name)
                if of_report != of_statement:
                    raise TrustError(
                        f"the report's subject.{name} is not the Merkle root of the signed Statement"
                    )
            if signed is None:
                return (
                    None,
                    "not proved: the report is not bound to data (no Merkle root; not every object was read)",
                )
            file.seek(0)
            found = bound(file)
    except OSError as error:
        raise TrustError(f"manifest.parquet cannot be read beside the envelope: {error.strerror}") from error
    if found is None:
        raise TrustError(
            "manifest.parquet has objects without sha256, so it cannot give the signed Merkle roots"
        )
    _same("the Merkle root (SHA-256) of manifest.parquet", found.root_sha256, signed.root_sha256)
    _same("the Merkle root (SM3) of manifest.parquet", found.root_sm3, signed.root_sm3)
    _same("the number of objects of manifest.parquet", found.objects, signed.objects)
    _same("the bytes of the objects of manifest.parquet", found.size_bytes, signed.size_bytes)
    return True, (
        f"{found.objects} objects, {found.size_bytes} bytes, Merkle root {found.root_sha256}, "
        f"by SM3 {found.root_sm3}"
    )


def _evidence_files(folder: Path, report: dict[str, Any], alone: bool) -> tuple[bool | None, str]:
    of_findings = [each["evidence"] for each in report["findings"] if each["evidence"] is not None]
    missing = 0
    entries = {(each["path"], each["digest"]) for each in [*report["evidence"], *of_findings]}
    for name, digest in sorted(entries):
        label = f"the evidence file {shown(name.encode())}"
        try:
            path = _inside(folder, name, label)
            if alone and not path.exists():
                missing += 1
                continue
            _regular(path)
            found = sha256_file(path)
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a NUL in the name
            raise TrustError(f"{label} cannot be read: {error}") from error
        _same(label, found, digest)
    if missing:
        return None, f"not proved: {missing} of {len(entries)} file(s) are not beside the envelope"
    return True, f"{len(entries)} file(s)"


def _proof(given: Proof | None, stated: statement.Statement) -> tuple[bool | None, str]:
    if given is None:
        return None, "not asked: no proof was given (--proof)"
    if stated.bound is None:
        return None, "not proved: the report is not bound to data, it has no root that a proof could lead to"
    proof.check(given, stated.bound)
    return True, (
        f"{shown(given.path)}, {given.size_bytes} bytes, sha256 {given.sha256.hex()}, "
        f"is object {given.index} of {given.objects}"
    )


def _inside(folder: Path, name: str, label: str) -> Path:
    """The file, which must lie inside the folder, links followed."""
    pure = PurePosixPath(name)
    path = folder / name
    if pure.is_absolute() or ".." in pure.parts or not path.resolve().is_relative_to(folder.resolve()):
        raise TrustError(f"{label} lies outside the folder of the envelope")
    return path


def _regular(path: Path) -> None:
    """Refuse what could block or never end: pipes, devices.

    Raises:
        OSError: not there, or not a regular file.
    """
    path.stat()
    if not path.is_file():
        raise OSError(0, "not a regular file")


def _read(path: Path, most_bytes: int) -> bytes:
    """At most one byte more than there may be.

    Raises:
        OSError: as the file system says.
    """
    _regular(path)
    with path.open("rb") as file:
        return file.read(most_bytes + 1)


def _given(path: Path, what: str, most_bytes: int) -> bytes:
    """A file that the user named."""
    try:
        return _read(path, most_bytes)
    except OSError as error:
        raise UsageError(f"the {what} {path} cannot be read: {error.strerror}; check the path") from error


def _same(what: str, found: object, signed: object) -> None:
    if found != signed:
        raise TrustError(f"{what} is not the signed one: found {found}, signed {signed!r}")


def _ascending(found: Iterable[Found]) -> Iterator[Found]:
    last: bytes | None = None
    for item in found:
        if last is not None and item[0] <= last:
            raise ValueError(f"paths must ascend: {shown(item[0])} follows {shown(last)}")
        last = item[0]
        yield item


@dataclass(slots=True)
class _Compared:
    """How many objects agree; of how many the manifest has no sha256; the bytes of those whose sha256 was compared."""

    objects: int = 0
    unhashed: int = 0
    read_bytes: int = 0


def _compare(manifest: Iterator[Row], found: Iterator[Found]) -> _Compared:
    """Walk both in step."""
    compared = _Compared()
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
            _, size_bytes, sha256 = item
            if size_bytes != row.size_bytes:
                raise TrustError(
                    f"{shown(row.path)} has {size_bytes} bytes, in the manifest {row.size_bytes}"
                )
            if row.sha256 is None:
                compared.unhashed += 1
            elif sha256 == b"":
                raise TrustError(f"{shown(row.path)} cannot be read")
            elif sha256 is not None:
                if sha256 != row.sha256:
                    raise TrustError(f"{shown(row.path)} has other content: its sha256 is not the manifest's")
                compared.read_bytes += size_bytes
            compared.objects += 1
        row = next(manifest, None)
        if here:
            item = next(found, None)
    return compared
