import json
import os
import re
import shutil
import tarfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from dqv import engine, pipeline
from dqv.core.errors import (
    IncompleteRun,
    OutFolderError,
    PolicyError,
    RegistrationError,
    SourceError,
    UsageError,
)
from dqv.core.settings import Settings
from dqv.engine import Engine
from dqv.execute import partitions
from dqv.reports.model import Report
from dqv.trust import keys, proof
from dqv.trust.sm2 import Sm2PrivateKey
from tests.trust import made

REFERENCE = date(2026, 6, 30)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Text in several objects, with exact and near copies across them."""
    folder = tmp_path / "source"
    folder.mkdir()
    words = [[f"w{i * 100 + j}" for j in range(60)] for i in range(40)]
    for name, part in (("a", words[:20]), ("b", words[20:])):
        with (folder / f"{name}.jsonl").open("w") as file:
            for number, each in enumerate(part):
                file.write(json.dumps({"text": " ".join(each), "date": f"20{18 + number % 8}-01-01"}) + "\n")
    (folder / "c.txt").write_text(" ".join(words[3]))
    (folder / "d.txt").write_text(" ".join(["changed"] * 4 + words[4][4:]))
    (folder / "README.md").write_text("# about\n\nmade-up words")
    return folder


def check(source: Path, out: Path, scheduler: str | None, **options: Any) -> Report:
    values = {"scheduler": scheduler, "reference_date": REFERENCE} | options
    settings = Settings(source=str(source), out=out, **values)
    return pipeline.check(settings)


def without_environment(out: Path) -> bytes:
    """The bytes of report.json, `run.environment` cut out."""
    content, cuts = re.subn(rb'"environment": \{[^}]*\}', b"", (out / "report.json").read_bytes())
    assert cuts == 1
    return content


def finding(report: Report, rule: str) -> Any:
    return next(each for each in report.findings if each.rule == rule)


def test_a_folder_becomes_a_report(source: Path, tmp_path: Path, scheduler: str) -> None:
    report = check(source, tmp_path / "out", scheduler)
    assert report.measurements["text"].items == 42
    duplicates = finding(report, "duplicates.text")
    assert (duplicates.numerator, duplicates.denominator) == ("2", "42")
    evidence = pl.read_parquet(tmp_path / "out" / "evidence" / "duplicates.text.parquet")
    assert evidence.select("name", "original_name", "verified").rows() == [
        ("c.txt", "a.jsonl", "payload"),
        ("d.txt", "a.jsonl", "exact"),
    ]
    assert report.verdict == "does_not_conform"
    assert "scale.text" in report.decided_by
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"report.json", "report.html", "report.pdf", "manifest.parquet", "evidence", "run"}


def test_partitions_and_splits_do_not_change_the_report(
    source: Path, tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(source, tmp_path / "one", scheduler)
    monkeypatch.setattr(partitions, "TARGET_BYTES", 700)
    check(source, tmp_path / "many", scheduler)
    assert len(list((tmp_path / "many" / "run" / "parts").glob("measure-*"))) > 10
    assert without_environment(tmp_path / "one") == without_environment(tmp_path / "many")
    for name in ("manifest.parquet", "evidence/duplicates.text.parquet", "evidence/recency.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()


@pytest.mark.cluster
def test_one_worker_and_two_give_the_same_bytes(
    source: Path, tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "TARGET_BYTES", 700)
    check(source, tmp_path / "two", scheduler)
    check(source, tmp_path / "one", None, workers=1)
    assert without_environment(tmp_path / "one") == without_environment(tmp_path / "two")


def test_a_run_stopped_half_way_goes_on_and_ends_the_same(
    source: Path, tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "TARGET_BYTES", 700)
    whole = check(source, tmp_path / "whole", scheduler)

    class Stop(engine.Silent):
        done = 0

        def advance(self, work: int) -> None:
            self.done += 1
            if self.done == 5:
                raise KeyboardInterrupt

    settings = Settings(
        source=str(source), out=tmp_path / "out", scheduler=scheduler, reference_date=REFERENCE
    )
    with pytest.raises(KeyboardInterrupt):
        pipeline.check(settings, Stop())
    assert not (tmp_path / "out" / "report.json").exists()
    proved = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "run" / "ledger").iterdir()}
    assert len(proved) >= 5
    assert pipeline.check(settings).findings == whole.findings
    assert without_environment(tmp_path / "out") == without_environment(tmp_path / "whole")
    assert all(path.stat().st_mtime_ns == time for path, time in proved.items()), "done again what was proved"


def test_a_part_that_was_tampered_with_is_measured_again(
    source: Path, tmp_path: Path, scheduler: str
) -> None:
    check(source, tmp_path / "out", scheduler)
    before = without_environment(tmp_path / "out")
    (part,) = (tmp_path / "out" / "run" / "parts").glob("measure-*/items-0.parquet")
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    check(source, tmp_path / "out", scheduler)
    assert without_environment(tmp_path / "out") == before


def test_the_run_folder_is_safe_to_delete(source: Path, tmp_path: Path, scheduler: str) -> None:
    check(source, tmp_path / "out", scheduler)
    before = without_environment(tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "run")
    shutil.copytree(source, tmp_path / "other")
    with pytest.raises(OutFolderError, match="another dataset"):
        check(tmp_path / "other", tmp_path / "out", scheduler)
    check(source, tmp_path / "out", scheduler)
    assert without_environment(tmp_path / "out") == before


def test_changed_data_in_the_same_place_is_measured_again(
    source: Path, tmp_path: Path, scheduler: str
) -> None:
    check(source, tmp_path / "out", scheduler)
    (source / "e.txt").write_text("something entirely new to read")
    assert check(source, tmp_path / "out", scheduler).measurements["text"].items == 43


def test_an_unfinished_run_keeps_its_reference_date(source: Path, tmp_path: Path, scheduler: str) -> None:
    out = tmp_path / "out"
    check(source, out, scheduler)
    state = json.loads((out / "run" / "state.json").read_bytes())
    (out / "run" / "state.json").write_text(json.dumps(state | {"finished": False}))
    assert check(source, out, scheduler, reference_date=None).run.reference_date == REFERENCE.isoformat()
    assert check(source, out, scheduler, reference_date=None).run.reference_date != REFERENCE.isoformat()


def test_the_folder_may_have_any_name(source: Path, tmp_path: Path, scheduler: str) -> None:
    check(source, tmp_path / "one", scheduler)
    shutil.copytree(source, tmp_path / "elsewhere")
    check(tmp_path / "elsewhere", tmp_path / "two", scheduler)
    assert without_environment(tmp_path / "one") == without_environment(tmp_path / "two")


def test_hostile_names_are_in_the_report_and_do_no_harm(tmp_path: Path, scheduler: str) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    names = [
        b"\xb2\xe2.txt",
        b"<script>alert(1)</script>.txt".replace(b"/", b"_"),
        "\u202egpj.txt".encode(),
        b"new\nline.txt",
    ]
    for number, name in enumerate(names):
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:  # noqa: PTH118, PTH123
            file.write(b"text number %d with words" % number)
    (folder / "loop").symlink_to(folder)
    report = check(folder, tmp_path / "out", scheduler)
    assert report.measurements["text"].items == 4
    shown = pl.read_parquet(tmp_path / "out" / "evidence" / "scale.text.parquet")["name"].to_list()
    assert all(name.isprintable() for name in shown)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in page
    assert "\u202e" not in page


def test_an_item_that_is_linked_twice_is_no_duplicate(tmp_path: Path, scheduler: str) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.txt").write_text("the one and only text of this dataset")
    (folder / "b.txt").hardlink_to(folder / "a.txt")
    report = check(folder, tmp_path / "out", scheduler)
    assert finding(report, "duplicates.text").denominator == "1"
    assert [(each.outcome, each.rule) for each in report.accounting.tallies] == [
        ("ignored", "hard-link"),
        ("measured", "txt"),
    ]


def test_an_unreadable_folder_inside_leaves_no_pass(
    source: Path, tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "closed").mkdir()
    scandir = os.scandir

    def closed(path: Any) -> Any:
        if os.fsencode(path).endswith(b"closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    report = check(source, tmp_path / "out", scheduler)
    assert not report.run.complete
    assert finding(report, "duplicates.text").verdict == "indeterminate"
    assert finding(report, "scale.text").verdict == "indeterminate"
    assert report.subject.root_sha256 is None


class TestRefusals:
    def test_an_empty_folder(self, tmp_path: Path, scheduler: str) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(SourceError, match="is empty"):
            check(tmp_path / "empty", tmp_path / "out", scheduler)
        assert not (tmp_path / "out").exists()

    def test_a_missing_folder(self, tmp_path: Path, scheduler: str) -> None:
        with pytest.raises(SourceError, match="there is no folder"):
            check(tmp_path / "none", tmp_path / "out", scheduler)

    def test_nothing_recognisable(self, tmp_path: Path, scheduler: str) -> None:
        (tmp_path / "source").mkdir()
        (tmp_path / "source" / "model.bin").write_bytes(b"x")
        with pytest.raises(SourceError, match=r"nothing that dqv knows.*model\.bin"):
            check(tmp_path / "source", tmp_path / "out", scheduler)

    def test_archives_alone_are_reported_and_nothing_is_planted(self, tmp_path: Path, scheduler: str) -> None:
        (tmp_path / "source").mkdir()
        (tmp_path / "source" / "data.rar").write_bytes(b"x")
        report = check(tmp_path / "source", tmp_path / "out", scheduler)
        assert report.run.self_test == []
        assert report.run.unread

    def test_an_address(self, tmp_path: Path, scheduler: str) -> None:
        settings = Settings(source="http://host.example/x/", out=tmp_path / "out", scheduler=scheduler)
        with pytest.raises(UsageError, match="https"):
            pipeline.check(settings)

    def test_an_out_folder_of_another_dataset(self, source: Path, tmp_path: Path, scheduler: str) -> None:
        check(source, tmp_path / "out", scheduler)
        before = (tmp_path / "out" / "report.json").read_bytes()
        shutil.copytree(source, tmp_path / "other")
        with pytest.raises(OutFolderError, match="another dataset"):
            check(tmp_path / "other", tmp_path / "out", scheduler)
        assert (tmp_path / "out" / "report.json").read_bytes() == before

    def test_an_out_folder_that_holds_something_else(
        self, source: Path, tmp_path: Path, scheduler: str
    ) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.txt").write_text("precious")
        with pytest.raises(OutFolderError, match="not empty"):
            check(source, tmp_path / "out", scheduler)
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]

    def test_an_out_folder_inside_the_dataset(self, source: Path, scheduler: str) -> None:
        with pytest.raises(OutFolderError, match="inside the dataset"):
            check(source, source / "out", scheduler)

    def test_two_runs_into_one_out_folder(self, source: Path, tmp_path: Path, scheduler: str) -> None:
        class Second(engine.Silent):
            def stage(self, name: str, work: int) -> None:
                with pytest.raises(OutFolderError, match="another run is writing"):
                    check(source, tmp_path / "out", scheduler)

        settings = Settings(source=str(source), out=tmp_path / "out", scheduler=scheduler)
        pipeline.check(settings, Second())

    def test_an_out_folder_that_cannot_be_made(self, source: Path, tmp_path: Path, scheduler: str) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises((IncompleteRun, OutFolderError)):
            check(source, tmp_path / "file" / "out", scheduler)

    @pytest.mark.parametrize(
        ("option", "error"),
        [
            ("policy", PolicyError),
            ("registration", RegistrationError),
            ("keys", UsageError),
            ("certificates", UsageError),
        ],
    )
    def test_broken_files_are_refused_before_anything_is_written(
        self, source: Path, tmp_path: Path, scheduler: str, option: str, error: type[Exception]
    ) -> None:
        broken = tmp_path / "broken.toml"
        broken.write_text("id = ")
        value: Any = {"policy": str(broken), "registration": broken}.get(option, (broken,))
        with pytest.raises(error, match=r"broken\.toml"):
            check(source, tmp_path / "out", scheduler, **{option: value})
        assert not (tmp_path / "out").exists()


class TestSigned:
    @pytest.fixture
    def signed(self, source: Path, tmp_path: Path, scheduler: str) -> tuple[Path, Path]:
        key, public = keys.generate(tmp_path / "bureau")
        check(source, tmp_path / "out", scheduler, keys=(key,))
        return tmp_path / "out" / "report.dsse.json", public

    def test_a_signed_report_verifies_against_the_data(self, signed: tuple[Path, Path], source: Path) -> None:
        steps = pipeline.verify(*signed, str(source)).steps
        assert [(step.number, step.holds) for step in steps] == [
            (number, None if number in (5, 10) else True)
            for number in range(1, 12)  # 5: the key has no certificate, 10: there is no proof
        ]

    def test_a_proof_and_a_spot_check_against_the_data(
        self, signed: tuple[Path, Path], source: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "proof.json"
        made = proof.make(tmp_path / "out" / "manifest.parquet", b"c.txt")
        file.write_bytes(proof.dump(made))
        proved = pipeline.verify(*signed, str(source), proof=file).steps
        assert [step.number for step in proved if not step.holds] == [5]
        for sample, count in (("2", 2), ("60%", 3), ("1 TB", 5)):
            step = pipeline.verify(*signed, str(source), sample=sample).steps[-1]
            assert (step.number, step.holds) == (11, True)
            assert step.detail.startswith(f"{count} of 5 objects drawn with nonce ")
        (source / "c.txt").write_bytes((source / "c.txt").read_bytes()[::-1])
        step = pipeline.verify(*signed, str(source), proof=file).steps[-1]
        assert (step.number, step.holds) == (11, False)
        assert "c.txt has other content" in step.detail
        assert pipeline.verify(*signed, str(source), sample="100%").steps[-1].holds is False
        (source / "c.txt").unlink()
        assert (
            "c.txt is in the manifest and not in the data"
            in pipeline.verify(*signed, str(source), proof=file).steps[-1].detail
        )
        assert (
            pipeline.verify(*signed, str(source), sample="1").steps[-1].holds is False
        )  # names are looked at, all

    def test_data_of_a_report_that_is_not_bound_is_not_proved_however_it_is_asked(
        self, source: Path, tmp_path: Path, scheduler: str
    ) -> None:
        key, public = keys.generate(tmp_path / "bureau")
        identity = {"assurance": "identity"}
        check(source, tmp_path / "bound", scheduler)
        check(source, tmp_path / "out", scheduler, keys=(key,), measuring=identity)
        signed, file = (tmp_path / "out" / "report.dsse.json", public), tmp_path / "proof.json"
        file.write_bytes(proof.dump(proof.make(tmp_path / "bound" / "manifest.parquet", b"c.txt")))
        proved = pipeline.verify(*signed, str(source), proof=file).steps[-2:]
        assert [(step.number, step.holds) for step in proved] == [(10, None), (11, None)]
        assert "leads to no signed root" in proved[1].detail
        step = pipeline.verify(*signed, str(source), sample="5").steps[-1]
        assert (step.number, step.holds) == (11, None)
        assert "no content is and nothing could be drawn; names and sizes of 5 objects agree" in step.detail
        (source / "c.txt").write_text("other")
        for asked in ({"proof": file}, {"sample": "5"}):
            step = pipeline.verify(*signed, str(source), **asked).steps[-1]
            assert (step.number, step.holds) == (11, False)
            assert "c.txt has 5 bytes, in" in step.detail
        with pytest.raises(SourceError):
            pipeline.verify(*signed, str(tmp_path / "nowhere"), sample="5")

    def test_every_spot_check_draws_anew(self, signed: tuple[Path, Path], source: Path) -> None:
        told = {pipeline.verify(*signed, str(source), sample="1").steps[-1].detail for _ in range(3)}
        assert len(told) == 3

    @pytest.mark.parametrize("change", ["byte", "gone", "more"])
    def test_one_changed_file_of_the_data_is_found(
        self, signed: tuple[Path, Path], source: Path, change: str
    ) -> None:
        path = source / "c.txt"
        if change == "byte":
            content = path.read_bytes()
            path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        elif change == "gone":
            path.unlink()
        else:
            (source / "c2.txt").write_text("more")
        step = pipeline.verify(*signed, str(source)).steps[-1]
        assert (step.number, step.holds) == (11, False)
        assert "c" in step.detail

    def test_a_changed_report_is_found(self, signed: tuple[Path, Path], tmp_path: Path) -> None:
        report = tmp_path / "out" / "report.json"
        report.write_bytes(report.read_bytes().replace(b'"does_not_conform"', b'"no_clause_fails"'))
        assert [step.holds for step in pipeline.verify(*signed, None).steps][-1] is False

    @pytest.mark.parametrize(("code", "holds"), [("913304990000000006", True), ("91330400MA2B8N1K47", False)])
    def test_a_self_check_is_signed_with_the_certificate_of_its_applicant(
        self, source: Path, tmp_path: Path, scheduler: str, code: str, holds: bool
    ) -> None:
        """By two keys, the applicant's with a certificate; the report has the code from the registration."""
        applicant, authority = Sm2PrivateKey.generate(), Sm2PrivateKey.generate()
        today = datetime.now(UTC)
        valid: Any = {"begins": today - timedelta(days=1), "ends": today + timedelta(days=1)}
        root = made.certificate(authority, authority, subject=made.name(common="Root"), ca=True, **valid)
        own = made.certificate(
            applicant,
            authority,
            subject=made.name((NameOID.SERIAL_NUMBER, code)),
            issuer=made.name(common="Root"),
            **valid,
        )
        (tmp_path / "applicant.key").write_bytes(applicant.pem(b"secret"))
        for path, each in (("root.pem", root), ("own.pem", own)):
            (tmp_path / path).write_bytes(each.parsed.public_bytes(Encoding.PEM))
        other, _ = keys.generate(tmp_path / "other")
        record = tmp_path / "registration.toml"
        record.write_text(
            'name = "x"\n[modalities.text]\nscale = "1 MB"\n[applicant]\nname = "y"\nuscc = "913304990000000006"\n'
        )
        settings = Settings(
            source=str(source), out=tmp_path / "out", scheduler=scheduler, reference_date=REFERENCE,
            registration=record, keys=(other, tmp_path / "applicant.key"), certificates=(tmp_path / "own.pem",),
        )  # fmt: skip
        pipeline.check(settings, passphrase=lambda _: b"secret")
        steps = pipeline.verify(tmp_path / "out" / "report.dsse.json", tmp_path / "root.pem", None).steps
        assert [step.holds for step in steps[:5]] == [True, True, True, True, holds]
        assert keys.key_id(keys.load_private(other).public_key()) in steps[1].detail
        assert code in steps[4].detail

    def test_a_run_without_a_key_leaves_no_old_envelope(
        self, signed: tuple[Path, Path], source: Path, tmp_path: Path, scheduler: str
    ) -> None:
        check(source, tmp_path / "out", scheduler)
        assert not signed[0].exists()


def test_what_is_no_data_and_changes_leaves_the_run_incomplete(
    source: Path, tmp_path: Path, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "README.md").write_text("what it is")
    with tarfile.open(source / "empty.tar", "w"):
        pass
    expand = Engine.expand

    def changed(engine: Any, listing: Any) -> Any:
        found = expand(engine, listing)
        os.utime(source / "README.md", (1, 1))
        os.utime(source / "empty.tar", (1, 1))
        return found

    monkeypatch.setattr(Engine, "expand", changed)
    report = check(source, tmp_path / "out", scheduler)
    (tally,) = (each for each in report.accounting.tallies if each.outcome == "unread")
    assert (tally.rule, tally.objects) == ("changed", 2)
    assert not report.run.complete


def test_a_single_document_is_enough(tmp_path: Path, scheduler: str) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.txt").write_text("one")
    report = check(tmp_path / "source", tmp_path / "out", scheduler)
    assert finding(report, "duplicates.text").verdict == "pass"


def test_an_unread_container_makes_no_modality_found(source: Path, tmp_path: Path, scheduler: str) -> None:
    (source / "x.rar").write_bytes(b"PK")
    report = check(source, tmp_path / "out", scheduler)
    assert finding(report, "scale.audio").verdict == "not_applicable"
    assert finding(report, "duplicates.text").verdict == "indeterminate"
    assert not report.run.complete


def test_identity_says_that_nothing_was_read_and_never_passes(
    source: Path, tmp_path: Path, scheduler: str
) -> None:
    report = check(source, tmp_path / "out", scheduler, measuring={"assurance": "identity"})
    assert finding(report, "scale.text").verdict == "fail", "even all bytes as text are too few"
    assert finding(report, "duplicates.text").verdict == "indeterminate"
    assert report.notices
    assert not report.run.complete
    assert report.subject.root_sha256 is None


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "surplus"), [("1000", 10), ("2500", 20)])
def test_the_known_near_duplicates_are_found_and_nothing_else(
    realdata: Path, tmp_path: Path, scheduler: str, name: str, surplus: int
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    ids = []
    with (folder / "articles.jsonl").open("w") as file:
        for line in (realdata / "text_minhash" / f"articles_{name}.train").read_text().splitlines():
            number, _, text = line.partition(" ")
            ids.append((number, file.tell()))
            file.write(json.dumps({"id": number, "text": text}) + "\n")
    report = check(folder, tmp_path / "out", scheduler)
    duplicates = finding(report, "duplicates.text")
    assert (duplicates.numerator, duplicates.denominator) == (str(surplus), name)
    by_place = {place: number for number, place in ids}
    rows = pl.read_parquet(tmp_path / "out" / "evidence" / "duplicates.text.parquet")
    found = {
        frozenset((by_place[a], by_place[b])) for a, b in rows.select("place", "original_place").iter_rows()
    }
    truth = (realdata / "text_minhash" / f"articles_{name}.truth").read_text().split("\n")
    assert found == {frozenset(line.split()) for line in truth if line.strip()}


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["json", "parquet"])
def test_the_broken_files_of_others_pass_through(
    realdata: Path, tmp_path: Path, scheduler: str, folder: str
) -> None:
    report = check(realdata / "bad" / folder, tmp_path / "out", scheduler)
    accounting = report.accounting
    assert sum(each.objects for each in accounting.tallies) == accounting.objects
    assert sum(each.size_bytes for each in accounting.tallies) == accounting.size_bytes
    assert accounting.objects == sum(path.is_file() for path in (realdata / "bad" / folder).iterdir())


class TestHostileApplicants:
    """What people did to pass: each is a failing report or a review, never a pass."""

    @pytest.fixture
    def good(self, tmp_path: Path) -> Path:
        folder = tmp_path / "source"
        folder.mkdir()
        records = [
            {"text": f"record {n} " + " ".join(f"w{n * 97 + i}" for i in range(30)), "date": "2026-01-02"}
            for n in range(1000)
        ]
        (folder / "good.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
        (folder / "README.md").write_text("about")
        return folder

    def old(self, count: int = 3000) -> list[dict[str, str]]:
        return [
            {"text": f"old {n} " + " ".join(f"o{n * 89 + i}" for i in range(30)), "date": "2001-01-02"}
            for n in range(count)
        ]

    def test_a_large_array_that_breaks_is_not_one_defect_among_a_thousand(
        self, good: Path, tmp_path: Path, scheduler: str
    ) -> None:
        (good / "old.json").write_text(json.dumps(self.old())[:-1])
        report = check(good, tmp_path / "out", scheduler)
        assert finding(report, "recency").verdict == "review"
        assert finding(report, "duplicates.text").verdict == "review"

    @pytest.mark.parametrize(
        "name", ["licensed_corpus.jsonl", "readme_corpus.jsonl", "x/notes.jsonl", "docs/old.jsonl"]
    )
    def test_a_name_hides_no_data(self, good: Path, tmp_path: Path, scheduler: str, name: str) -> None:
        path = good / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(each) + "\n" for each in self.old()))
        report = check(good, tmp_path / "out", scheduler)
        assert report.measurements["text"].items == 4000
        assert finding(report, "recency").verdict == "fail"

    @pytest.mark.parametrize("name", ["x/metadata.jsonl", "Thumbs.db", "old.idx", "SHA256SUMS", "LICENSE"])
    def test_much_that_is_no_data_by_its_name_is_for_review(
        self, good: Path, tmp_path: Path, scheduler: str, name: str
    ) -> None:
        path = good / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(each) + "\n" for each in self.old(12_000)))
        report = check(good, tmp_path / "out", scheduler)
        assert finding(report, "registration").verdict == "review"
        assert path.name in "".join(
            pl.read_parquet(tmp_path / "out" / "evidence" / "registration.parquet")["name"].to_list()
        )

    def test_data_behind_a_link_is_for_review(self, good: Path, tmp_path: Path, scheduler: str) -> None:
        (tmp_path / "elsewhere.jsonl").write_text("{}")
        (good / "old.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
        report = check(good, tmp_path / "out", scheduler)
        assert finding(report, "registration").verdict == "review"

    def test_text_beside_the_compared_field_is_for_review(self, tmp_path: Path, scheduler: str) -> None:
        folder = tmp_path / "source"
        folder.mkdir()
        body = " ".join(f"w{i}" for i in range(500))
        (folder / "a.jsonl").write_text(
            "".join(
                json.dumps({"text": f"unique {n} w{n} x{n} y{n}", "body": body}) + "\n" for n in range(30)
            )
        )
        assert finding(check(folder, tmp_path / "out", scheduler), "duplicates.text").verdict == "review"

    @pytest.mark.parametrize("day", ["1965-03-01", "2099-01-01", "nonsense"])
    def test_the_name_of_the_file_mends_no_date_that_cannot_be(
        self, tmp_path: Path, scheduler: str, day: str
    ) -> None:
        folder = tmp_path / "source"
        folder.mkdir()
        (folder / "corpus-20260101.jsonl").write_text(
            "".join(
                json.dumps({"text": f"text {n} of {n * 7}", "original_time": day}) + "\n" for n in range(20)
            )
        )
        recency = finding(check(folder, tmp_path / "out", scheduler), "recency")
        assert (recency.verdict, recency.numerator) == ("review", "0")

    def test_what_was_a_link_and_is_a_file_now_does_not_verify(
        self, good: Path, tmp_path: Path, scheduler: str
    ) -> None:
        key, public = keys.generate(tmp_path / "bureau")
        (good / "extra.jsonl").symlink_to(good / "good.jsonl")
        check(good, tmp_path / "out", scheduler, keys=(key,))
        (good / "extra.jsonl").unlink()
        (good / "extra.jsonl").write_text('{"text": "new"}\n')
        assert (
            pipeline.verify(tmp_path / "out" / "report.dsse.json", public, str(good)).steps[-1].holds is False
        )


def test_a_stage_without_end_in_a_crowded_bucket_goes_on(tmp_path: Path, scheduler: str) -> None:
    """Form-like records that share most of their words: every pair needs an exact answer."""
    folder = tmp_path / "source"
    folder.mkdir()
    form = " ".join(f"field{i}" for i in range(50))
    (folder / "forms.jsonl").write_text(
        "".join(
            json.dumps({"text": form + " " + " ".join(f"v{n}x{i}" for i in range(9))}) + "\n"
            for n in range(2000)
        )
    )
    report = check(folder, tmp_path / "out", scheduler)
    assert finding(report, "duplicates.text").denominator == "2000"
    assert report.run.complete


def test_evidence_is_parquet_alone(source: Path, tmp_path: Path, scheduler: str) -> None:
    """No cell is written that a spreadsheet would take for a formula."""
    (source / "=cmd|'calc'!A0.txt").write_text("=1+1")
    (source / "broken.jsonl").write_text("{")
    check(source, tmp_path / "out", scheduler)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and "run" not in path.parts]
    assert {path.suffix for path in files} == {".parquet", ".json", ".html", ".pdf"}
    assert [path.name for path in files if path.parent.name == "evidence"]
