"""The way of the data, wired once.

registration → source → manifest → partitions → measurements → duplicates → findings → report → signed envelope
"""

import hashlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import datetime
from pathlib import Path
from platform import machine, system
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
import polars as pl

from dqv import assemble, metadata, tables
from dqv.checks import check_policy, run_checks
from dqv.checks.engine import Case, deciding_modalities, summarise
from dqv.connectors import layout, storage
from dqv.connectors.attached import attached
from dqv.connectors.declarations import load_barred, load_registration, load_suite
from dqv.connectors.objects import time_of
from dqv.core import location
from dqv.core.errors import ItemError, UsageError
from dqv.core.files import sha256_file, write_atomic
from dqv.core.location import Location, as_args, located, named
from dqv.core.policy import Policy, load_policy
from dqv.core.registration import Attached, Registration
from dqv.core.schema import OBJECTS, PERSONAL
from dqv.core.settings import Measuring, Settings
from dqv.engine import Engine, Progress, Silent, list_source, scan
from dqv.execute import cluster, manifest, partitions
from dqv.execute.ledger import Task, code_digest, versions
from dqv.execute.outfolder import finished, out_folder
from dqv.execute.sandbox import close_child, run_task
from dqv.reports import evidence, pdf
from dqv.reports.escape import visible
from dqv.reports.html import Excerpt, render
from dqv.reports.model import Report
from dqv.reports.schema import read
from dqv.stages import expectations
from dqv.stages import explain as explaining
from dqv.trust import dsse, keys, sampling, statement, verification
from dqv.trust.manifest import Bound

if TYPE_CHECKING:
    from dqv.connectors.platforms import Platform, Registered


def check(
    settings: Settings,
    progress: Progress | None = None,
    platform: "Platform | None" = None,
    passphrase: keys.Passphrase | None = None,
) -> Report:
    """Check a dataset and write the report into the out folder.

    Args:
        settings: of the run.
        progress: told how far it is.
        platform: asked for the registration; the source is then its number, and the data lies where the record says.
        passphrase: asked for what opens an encrypted key.

    Raises:
        UsageError: policy, registration, expectations, platform, key, certificate or out folder cannot be used; nothing was written.
        SourceError: the source cannot be read or holds nothing that dqv knows.
        IncompleteRun: stopped before the end; the same call goes on.
    """
    progress = progress or Silent()
    started = time.time()
    policy = load_policy(settings.policy)
    check_policy(policy)
    registration = load_registration(settings.registration) if settings.registration else None
    barred = load_barred(settings.barred) if settings.barred else None
    own = _suite(settings.expectations, policy) if settings.expectations else None
    answered = filed = None
    if platform is not None:
        answered, where = _asked(platform, settings.source)
        filed, registration = registration, answered.record
        registration = registration if filed is None else registration.completed(filed)
        settings = settings.model_copy(update={"locations": where})
    signing = keys.load_signing(settings.keys, settings.certificates, passphrase)
    with out_folder(settings) as run:
        listing = list_source(settings.where, run.path / "listing.parquet")
        reference = run.begin(listing.digest, policy)
        with cluster.connect(settings.scheduler, settings.workers) as client:
            engine = Engine(client, run.ledger, policy, settings, progress)
            listing = engine.expand(listing)
            measured = engine.measure(listing, registration)
            test = engine.plant(listing)
            found = engine.duplicates(measured, test)
            paragraphs = engine.paragraphs(measured)
            witnessed = engine.witness(listing, measured, reference)
            retold = engine.retell([measured] if test is None else [measured, test], found, reference)
            documents = engine.documents(listing)
            items, objects = tables.joined(measured, found, run.path / "tables")
            facts = summarise(items, policy)
            described = engine.describe(listing)
            descriptions, files = metadata.joined(measured, described, objects, run.path / "tables")
            expected = engine.expectations(descriptions, files, own)
            deciding = deciding_modalities(registration, settings.modalities, facts, policy)
            case = Case(
                policy, registration, reference, items, objects, deciding, facts, found.unverified,
                found.crowded,
                {**(witnessed.disagreements if witnessed else {}), **(retold.disagreements if retold else {})},
                found.planted,
                paragraphs,
                answered.address if answered is not None else None,
                filed,
                _attached(settings, filed or registration),
                barred,
                pl.scan_parquet(descriptions, glob=False),
                metadata.gathered(descriptions, described, expected, measured, objects, facts, reference),
                metadata.licences(described, documents, objects),
                documents,
                scan(measured.files("personal"), PERSONAL).drop("id"),
            )  # fmt: skip
            excerpts = engine.excerpts(listing, case) if settings.excerpts else {}
            manifest.write_final(run.path / "tables" / "objects.parquet", settings.out / "manifest.parquet")
            bound = engine.bind(settings.out / "manifest.parquet")
        outcomes = run_checks(case)
        shutil.rmtree(settings.out / "evidence", ignore_errors=True)
        report = assemble.build(
            case,
            outcomes,
            settings,
            out=settings.out,
            bound=bound,
            registration_sha256=sha256_file(settings.registration) if settings.registration else None,
            barred_sha256=sha256_file(settings.barred) if settings.barred else None,
            platform_sha256=answered.sha256 if answered is not None else None,
            versions={**versions(), "code": code_digest()},
            environment=_environment(settings, started),
            witnessed=witnessed,
            retold=retold,
        )
        _write(report, settings, signing, excerpts, bound)
    return report


def _asked(platform: "Platform", number: str) -> "tuple[Registered, tuple[Location, ...]]":
    """A platform's answer, and where the data lies; what opens it is unlocked."""
    from dqv.connectors import platforms  # with its client of HTTPS

    answered = platforms.fetch(platform, number)
    data = platforms.data_of(platform, answered.record)
    location.unlock(data.secrets)
    return answered, data.locations


def _attached(settings: Settings, record: Registration | None) -> dict[str, Attached]:
    """The documents beside the registration file, if there is one."""
    if settings.registration is None or record is None:
        return {}
    return attached(settings.registration.parent, record.documents)


def _suite(path: Path, policy: Policy) -> Any:
    """A suite of the user's own, once Great Expectations has accepted it, in a child.

    Raises:
        UsageError: it cannot be run: names the file, the expectation and why.
    """
    suite = load_suite(path)
    wrong = _in_child(expectations.accept, {"suite": suite}, policy, reads_source=False)
    if wrong:
        raise UsageError(f"--expectations {path}: {visible('; '.join(wrong[:5]))}")
    return suite


def _in_child(function: Any, args: dict[str, Any], policy: Policy, *, reads_source: bool) -> Any:
    """Call a function of `dqv.stages` in a child, outside a run."""
    with tempfile.TemporaryDirectory() as parts:
        task = Task(
            stage=function.__name__, index=0, call=f"{function.__module__}:{function.__name__}", args=args,
            policy=policy.digest, limits=Measuring().limits, parts=parts, work=0, code=code_digest(), reads_source=reads_source,
        )  # fmt: skip
        try:
            return run_task(task)["result"]
        finally:
            close_child()


def _environment(settings: Settings, started: float) -> dict[str, str]:
    return {
        "source": named(settings.where),
        "scheduler": settings.scheduler or "embedded",
        "workers": str(settings.workers or "one per core"),
        "started_utc": datetime.fromtimestamp(started, ZoneInfo("UTC")).isoformat(timespec="seconds"),
        "seconds": f"{time.time() - started:.1f}",
        "machine": machine(),
        "system": system(),
    }


def _write(
    report: Report,
    settings: Settings,
    signing: keys.Signing,
    excerpts: Mapping[str, Sequence[Excerpt]],
    bound: Bound | None,
) -> None:
    """report.json, report.html, with a key the envelope, and report.pdf; the state says finished last of all."""
    out = settings.out
    values = report.model_dump(mode="json", by_alias=True)
    content = orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_atomic(out / "report.json", content)
    rows = evidence.first_rows(out, report.findings)
    keyids = sorted({keys.key_id(each.public_key()) for each in signing.keys})
    page = render(report, settings.lang, excerpts, rows, keyids or None)
    write_atomic(out / "report.html", page.encode())
    envelope = out / "report.dsse.json"
    if not signing.keys:
        envelope.unlink(missing_ok=True)  # it would sign another report
    else:
        payload = statement.build(
            values,
            report_sha256=sha256_file(out / "report.json"),
            manifest_sha256=sha256_file(out / "manifest.parquet"),
            bound=bound,
            chains_sha256={keyid: dsse.chain_sha256(chain) for keyid, chain in signing.chains.items()},
        )
        write_atomic(envelope, dsse.sign(payload, signing.keys, signing.chains))
    truth = envelope if signing.keys else out / "report.json"
    write_atomic(
        out / "report.pdf", pdf.render(report, settings.lang, (truth.name, truth.read_bytes()), keyids)
    )
    finished(out)


def verify(
    envelope: Path,
    trust: Path | None,
    source: str | None,
    platform: "Platform | None" = None,
    proof: Path | None = None,
    sample: str | None = None,
) -> verification.Verification:
    """Verify an envelope and, with a source, the data itself against the manifest.

    Args:
        envelope: report.dsse.json, with the other files beside it.
        trust: public key, certificate or folder of them; None: any signer (proves nothing about who).
        source: the dataset, or None.
        platform: that knows where the dataset lies; the source is then a registration number.
        proof: of one object, or None; of the data that object alone is then read.
        sample: how much of the data is read, as `sampling.parse` has it; None: all.

    Raises:
        UsageError: a file that is needed cannot be read.
        SourceError: the dataset cannot be listed, or the platform gives no usable answer.
    """
    trusted = keys.load_trusted(trust) if trust is not None else None
    size = sampling.parse(sample) if sample is not None else None
    found = verification.verify(envelope, trusted=trusted, conforms=read, proof_path=proof)
    if found.statement is None:
        return found
    if source is None:
        return found.and_then(verification.no_data())
    where = [located(source)] if platform is None else _asked(platform, source)[1]
    manifest_path = envelope.parent / "manifest.parquet"
    if found.proof is not None:
        path = found.proof.path
        mine = next((each for each in _digests(where, {path}) if each[0] == path), None)
        step = verification.compare_object(found.proof, mine, under_roots=found.steps[-1].holds is True)
    elif size is not None:
        spot = verification.draw(manifest_path, found.statement, size, secrets.token_bytes(32))
        drawn = frozenset[bytes]() if spot is None else spot.paths
        step = verification.compare_sample(manifest_path, _digests(where, drawn), spot)
    else:
        step = verification.compare_data(manifest_path, _digests(where))
    return found.and_then(step)


def explain(a: str, b: str, policy: str, text_field: str | None) -> dict[str, Any]:
    """Why two items are near-duplicates, or not.

    Args:
        a: path of a file or of a member of an archive, or `PATH#PLACE` for one record of it, with the place that the
            evidence names.
        b: idem.
        policy: id or file.
        text_field: as for a check.

    Returns:
        As `stages.explain.explain`.

    Raises:
        UsageError: one is no file, or holds nothing that dqv compares.
        DqvError: an item ends the child.
    """
    rules = load_policy(policy)
    found = [_named(each, number) for number, each in enumerate((a, b))]
    measuring = Measuring(text_field=text_field, near_text=rules.near_text)
    args = {
        "sources": [source for source, _, _, _ in found],
        "pieces": [piece for _, piece, _, _ in found],
        "members": [member for _, _, member, _ in found],
        "places": [place for _, _, _, place in found],
        "measuring": measuring.model_dump(mode="json"),
    }
    answer: dict[str, Any] = _in_child(explaining.explain, args, rules, reads_source=True)
    return answer


def _named(name: str, number: int) -> tuple[list[dict[str, Any]], dict[str, Any], str | None, int]:
    """Source, piece, name inside it and place of one item; a file that is named like that comes before a place in one."""
    path, mark, place = name.rpartition("#")
    if Path(name).exists() or not mark or not place.isdecimal():
        path, place = name, "0"
    source = Path(path).resolve()
    outer = next((each for each in source.parents if each.is_file()), None)
    member = None if outer is None else os.fsencode(source.relative_to(outer.parent)).decode("latin-1")
    source = outer or source
    if not source.is_file():
        raise UsageError(
            f"{path} is no file; give a file, or FILE#PLACE with a place that the evidence names"
        )
    kind, facts = layout.classify(os.fsencode(source.name), "file"), source.stat()
    if (kind.modality is None) if member is None else (kind.role != "container"):
        raise UsageError(f"{path} is not compared: {kind.why}")
    row = {
        "object": number, "path": os.fsencode(source.name), "size_bytes": facts.st_size, "mtime_ns": time_of(facts.st_mtime_ns),
        "identity": f"{facts.st_dev}:{facts.st_ino}", "role": kind.role, "why": kind.why, "modality": kind.modality,
        "format": kind.format, "compression": kind.compression,
    }  # fmt: skip
    return (
        as_args([Location(url=os.fspath(source.parent))]),
        partitions.piece(dict.fromkeys(OBJECTS.names) | row),
        member,
        int(place),
    )


def _digests(
    where: Sequence[Location], wanted: Set[bytes] | None = None
) -> Iterator[tuple[bytes, int, bytes | None]]:
    """Path, size and sha256 of what counts in a dataset, read anew.

    What cannot be read has an empty sha256; what is not among the wanted paths, if there are such, has none.
    """
    store = storage.open_store(as_args(where))
    with tempfile.TemporaryDirectory() as folder:
        listing = list_source(where, Path(folder) / "listing.parquet")
        for row in (row for rows in listing.batches() for row in rows.to_pylist()):
            if row["role"] == "ignored":
                continue
            digest: bytes | None = None
            if wanted is None or row["path"] in wanted:
                try:
                    with store.open(row["path"], row["size_bytes"], row["mtime_ns"], row["identity"]) as file:
                        digest = hashlib.file_digest(file.view(storage.Reads()), "sha256").digest()
                        file.check_unchanged()
                except (ItemError, OSError):
                    digest = b""
            yield row["path"], row["size_bytes"], digest
