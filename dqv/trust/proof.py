"""Inclusion proofs: one object of a manifest, and the hashes by which it leads to the signed roots (RFC 9162, 2.1.3).

A proof is one line of JSON in its RFC 8785 form:

    {"audit_path": {"sha256": [HEX, …], "sm3": [HEX, …]},     from the leaf's sibling upwards
     "index": N,                                              of the object among the objects, from 0 on
     "object": {"path": TEXT, "sha256": HEX, "size_bytes": N},
     "objects": N,                                            how many the dataset has
     "root": {"sha256": HEX, "sm3": HEX},
     "schema": "urn:dqv:inclusion-proof:1"}

A path is bytes: those that RFC 3986 does not call unreserved, but for "/", are percent-encoded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote_from_bytes, unquote_to_bytes

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dqv.core.errors import TrustError, UsageError
from dqv.trust import canonical, manifest, merkle
from dqv.trust.manifest import Bound, shown

SCHEMA_ID = "urn:dqv:inclusion-proof:1"
MAX_PROOF_BYTES = 2**20


@dataclass(frozen=True)
class Proof:
    """That an object is one of a dataset.

    Attributes:
        path: of the object, bytes.
        size_bytes: idem.
        sha256: idem, 32 bytes.
        index: its place among the objects, from 0 on.
        objects: how many they are.
        audit_path: by hash, the hashes beside the way from the leaf to the root.
        root: by hash, hex.
    """

    path: bytes
    size_bytes: int
    sha256: bytes
    index: int
    objects: int
    audit_path: Mapping[str, list[bytes]]
    root: Mapping[str, str]


_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Whole = Annotated[int, Field(ge=0, lt=1 << 53)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Object(_Model):
    path: str = Field(min_length=1)
    size_bytes: _Whole
    sha256: _Hex


class _Roots(_Model):
    sha256: _Hex
    sm3: _Hex


class _Paths(_Model):
    sha256: list[_Hex]
    sm3: list[_Hex]


class _File(_Model):
    schema_: Literal["urn:dqv:inclusion-proof:1"] = Field(alias="schema")
    object: _Object
    index: _Whole
    objects: _Whole
    audit_path: _Paths
    root: _Roots


def make(source: Path, path: bytes) -> Proof:
    """Prove one object of a manifest; reads it twice.

    Args:
        source: manifest.parquet.
        path: of the object.

    Raises:
        TrustError: the manifest cannot be read.
        UsageError: it has no such object, or objects that were not read.
    """
    row, index, count = _found(source, path)
    if row.sha256 is None:
        raise UsageError(_UNREAD)
    ranges = sorted(merkle.siblings(index, count))
    trees = {each: {name: merkle.Tree(digest) for name, digest in merkle.HASHES.items()} for each in ranges}
    at = 0
    for records, _ in manifest.objects(source):
        if records is None:
            raise UsageError(_UNREAD)
        for begin, end in ranges:
            for tree in trees[begin, end].values():
                tree.extend(records[max(begin - at, 0) : max(end - at, 0)])
        at += len(records)
    upwards = merkle.siblings(index, count)
    audit_path = {name: [trees[each][name].root() for each in upwards] for name in merkle.HASHES}
    record = merkle.leaf_record(path, row.size_bytes, row.sha256)
    return Proof(
        path, row.size_bytes, row.sha256, index, count, audit_path,
        {
            name: merkle.root_from(record, index, count, audit_path[name], digest).hex()
            for name, digest in merkle.HASHES.items()
        },
    )  # fmt: skip


_UNREAD = (
    "the report is not bound to data, for not every object was read: nothing can be proved; check the dataset "
    "with --assurance full"
)


def _found(source: Path, path: bytes) -> tuple[manifest.Row, int, int]:
    """The object's row, its place among the objects, and how many they are."""
    found = outer = None
    count = index = 0
    for row in manifest.rows(source):
        if row.path == path:
            found, index = row, count
        if row.role == "container" and path.startswith(row.path + b"/"):
            outer = row
        count += row.role != manifest.IGNORED
    if found is None and outer is not None:
        raise UsageError(
            f"{shown(path)} is no object of the dataset, but may be in the archive {shown(outer.path)}: prove that"
        )
    if found is None:
        raise UsageError(
            f"the manifest has no object {shown(path)}; give its path as the dataset has it, from the dataset's folder on"
        )
    if found.role == manifest.IGNORED:
        raise UsageError(
            f"{shown(path)} was ignored, it is no part of the dataset: there is nothing to prove"
        )
    return found, index, count


def dump(proof: Proof) -> bytes:
    """The proof's one line.

    Raises:
        TrustError: it would be larger than anyone may read.
    """
    value = {
        "schema": SCHEMA_ID,
        "object": {
            "path": quote_from_bytes(proof.path),
            "size_bytes": proof.size_bytes,
            "sha256": proof.sha256.hex(),
        },
        "index": proof.index,
        "objects": proof.objects,
        "audit_path": {name: [each.hex() for each in path] for name, path in proof.audit_path.items()},
        "root": dict(proof.root),
    }
    line = canonical.dump(value, "the proof") + b"\n"
    if len(line) > MAX_PROOF_BYTES:
        raise TrustError(f"the proof would have {len(line)} bytes, more than {MAX_PROOF_BYTES}")
    return line


def parse(data: bytes) -> Proof:
    """Read a proof that `dump` could have written, and no other.

    Raises:
        TrustError: names what does not hold.
    """
    if len(data) > MAX_PROOF_BYTES:
        raise TrustError(f"the proof is larger than {MAX_PROOF_BYTES} bytes")
    canonical.load(data, "the proof")
    try:
        file = _File.model_validate_json(data)
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)[0]
        raise TrustError(f"the proof is no {SCHEMA_ID}: {told['msg']}") from error
    proof = Proof(
        unquote_to_bytes(file.object.path), file.object.size_bytes, bytes.fromhex(file.object.sha256),
        file.index, file.objects,
        {name: [bytes.fromhex(each) for each in path] for name, path in file.audit_path.model_dump().items()},
        file.root.model_dump(),
    )  # fmt: skip
    if dump(proof) != data:
        raise TrustError("the proof is not in its canonical form (one line, RFC 8785)")
    return proof


def check(proof: Proof, bound: Bound) -> None:
    """Follow the proof to both signed roots.

    Raises:
        TrustError: names what does not hold.
    """
    if proof.objects != bound.objects:
        raise TrustError(
            f"the proof is of a dataset of {proof.objects} objects, the signed one has {bound.objects}"
        )
    record = merkle.leaf_record(proof.path, proof.size_bytes, proof.sha256)
    for name, signed in (("sha256", bound.root_sha256), ("sm3", bound.root_sm3)):
        if proof.root[name] != signed:
            raise TrustError(f"the proof's {name} root is not the signed one")
        try:
            root = merkle.root_from(
                record, proof.index, proof.objects, proof.audit_path[name], merkle.HASHES[name]
            )
        except ValueError as error:
            raise TrustError(f"the proof's {name} path has not the length for this object") from error
        if root.hex() != signed:
            raise TrustError(f"{shown(proof.path)} does not lead to the signed {name} root")
