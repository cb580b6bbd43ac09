import contextlib
import errno
import json
import os
import pty
import subprocess
import sys
import tarfile
import zipfile
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import typer
from polars.exceptions import ComputeError
from typer.testing import CliRunner

from dqv import cli, demo_media, pipeline
from dqv.connectors.declarations import load_registration
from dqv.core.errors import IncompleteRun
from dqv.core.settings import Settings
from dqv.execute.outfolder import out_folder
from dqv.stages import planted

ROOT = Path(__file__).parent.parent


def dqv(*args: Any, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    values = {**os.environ, "LANG": "C.UTF-8", **env}
    return subprocess.run(
        [sys.executable, "-m", "dqv", *map(str, args)],
        capture_output=True,
        text=True,
        env=values,
        cwd=cwd,
        timeout=120,
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text": "one record"}\n{"text": "another record"}\n')
    (folder / "README.md").write_text("about")
    return folder


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; import dqv.cli\n"
        "heavy = {'polars', 'pyarrow', 'numba', 'numpy', 'dask', 'distributed', 'jinja2', 'cryptography', 'pydantic', 'rich.table', "
        "'av', 'PIL', 'soundfile', 'simplejpeg', 'ffmpeg'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_failing_clause_exits_with_1_and_tells_what_is_missing(
    source: Path, tmp_path: Path, scheduler: str
) -> None:
    done = dqv("check", source, "--scheduler", scheduler, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Does not conform" in done.stdout
    assert "29,999,999,976" in done.stdout
    assert "source-dqv/report.html" in done.stdout
    assert (tmp_path / "source-dqv" / "report.json").exists()


def test_the_terminal_speaks_chinese(source: Path, tmp_path: Path, scheduler: str) -> None:
    args = ("check", source, "--scheduler", scheduler, "--out", tmp_path / "out")
    assert "不符合" in dqv(*args, "--lang", "zh").stdout
    assert "不符合" in dqv(*args, LANG="zh_CN.UTF-8").stdout
    assert 'lang="zh' in (tmp_path / "out" / "report.html").read_text()


def test_json_is_the_report_and_nothing_else(source: Path, tmp_path: Path, scheduler: str) -> None:
    done = dqv("check", source, "--scheduler", scheduler, "--out", tmp_path / "out", "--json")
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "report.json").read_bytes())


def test_excerpts_show_what_lies_below_the_floor(tmp_path: Path, scheduler: str) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(demo_media.image("JPEG", 1, 1023, 768))
    args = ("check", folder, "--scheduler", scheduler, "--out", tmp_path / "out", "--quiet")
    assert dqv(*args).returncode == 1
    assert "data:image" not in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert dqv(*args, "--excerpts").returncode == 1
    assert "data:image/jpeg;base64," in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_quiet_prints_nothing(source: Path, tmp_path: Path, scheduler: str) -> None:
    done = dqv("check", source, "--scheduler", scheduler, "--out", tmp_path / "out", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["check", "{none}"], 3, "there is no folder"),
        (["check", "{source}", "--policy", "nowhere"], 2, "there is no policy 'nowhere'"),
        (["check", "{source}", "--registration", "{none}"], 2, "cannot be read"),
        (["check", "{source}", "--modality", "smell"], 2, "--modality"),
        (["check", "{source}", "--role", "boss"], 2, "--role"),
        (["check", "{source}", "--assurance", "half"], 2, "--assurance"),
        (["check", "{source}", "--lang", "fr"], 2, "--lang"),
        (["check", "{source}", "--reference-date", "yesterday"], 2, "--reference-date"),
        (["check", "{source}", "--reference-date", "1969-12-31"], 2, "1970-01-01"),
        (["check", "{source}", "--reference-date", "2101-01-01"], 2, "2100"),
        (["check", "{source}", "--scheduler", "tcp://127.0.0.1:9"], 2, "no Dask scheduler"),
        (["check", "{source}", "--key", "{none}"], 2, "none"),
        (["check", "http://x.example/y/"], 2, "https"),
        (["check", "https://me:secret@x.example/y/"], 2, "credentials in an address"),
        (["check", "nothing-known://x/y"], 2, "nothing-known"),
        (["check"], 2, "Missing argument"),
        (["verify", "{none}", "--unsafe-any-signer"], 2, "none"),
        (["verify", "{none}"], 2, "--trust"),
        (["verify", "{source}", "--unsafe-any-signer"], 2, "holds no report.dsse.json"),
        (
            ["verify", "{none}", "--unsafe-any-signer", "--data", "x", "--sample", "1KB"],
            2,
            "units B, kB, MB, GB, TB, KiB",
        ),
        (["verify", "{none}", "--unsafe-any-signer", "--sample", "5%"], 2, "--data"),
        (
            ["verify", "{none}", "--unsafe-any-signer", "--data", "x", "--sample", "many"],
            2,
            "--sample 'many'",
        ),
        (
            ["verify", "{none}", "--unsafe-any-signer", "--data", "x", "--sample", "5", "--proof", "p"],
            2,
            "no --proof",
        ),
        (["prove", "a.jsonl"], 2, "--out: here are none"),
        (["prove", "a.jsonl", "--out", "{source}"], 2, "name the folder of a report"),
        (["keygen", "--out", "{none}", "--algorithm", "rsa"], 2, "rsa"),
        (["policy", "show", "nowhere"], 2, "nowhere"),
        (["demo", "--out", "{source}"], 2, "source"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    source: Path, tmp_path: Path, args: list[str], code: int, message: str
) -> None:
    filled = [each.format(source=source, none=tmp_path / "none") for each in args]
    done = dqv(*filled, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_keygen_check_and_verify(source: Path, tmp_path: Path, scheduler: str) -> None:
    assert dqv("keygen", "--out", tmp_path / "bureau").returncode == 0
    assert (tmp_path / "bureau.key").stat().st_mode & 0o777 == 0o600
    again = dqv("keygen", "--out", tmp_path / "bureau")
    assert again.returncode == 2
    dqv(
        "check", source, "--scheduler", scheduler, "--out", tmp_path / "out", "--key", tmp_path / "bureau.key"
    )
    envelope = tmp_path / "out" / "report.dsse.json"
    good = dqv("verify", envelope, "--trust", tmp_path / "bureau.pub", "--data", source)
    assert good.returncode == 0, good.stderr
    assert good.stdout.count(" ok ") == 9
    assert "not asked: no proof" in good.stdout
    assert good.stdout.splitlines()[-2:] == [
        "signed: verdict does_not_conform, role self-check, dataset without a name, reference date "
        f"{json.loads((tmp_path / 'out' / 'report.json').read_text())['run']['reference_date']}",
        "report.html and report.pdf are not signed themselves and were not looked at: what report.json says counts",
    ]
    folder = dqv("verify", tmp_path / "out", "--trust", tmp_path / "bureau.pub", "--data", source)
    assert (folder.returncode, folder.stdout) == (0, good.stdout)
    assert dqv("verify", tmp_path / "out", "--trust", tmp_path / "bureau.pub", "--quiet").stdout == ""
    dqv("keygen", "--out", tmp_path / "other")
    assert dqv("verify", envelope, "--trust", tmp_path / "other.pub").returncode == 4
    anyone = dqv("verify", envelope, "--unsafe-any-signer")
    assert anyone.returncode == 0
    assert "--  " in anyone.stdout
    (source / "a.jsonl").write_text('{"text": "one record"}\n{"text": "another recorD"}\n')
    changed = dqv("verify", envelope, "--trust", tmp_path / "bureau.pub", "--data", source)
    assert changed.returncode == 4
    assert "step 11 does not hold" in changed.stderr
    assert "\nsigned: " not in changed.stdout


def test_an_encrypted_key_and_another_sign_one_report(source: Path, tmp_path: Path, scheduler: str) -> None:
    secret: Any = {"DQV_KEY_PASSPHRASE": "密码 geheim-9"}
    made = dqv("keygen", "--algorithm", "sm2", "--out", tmp_path / "a", **secret)
    assert made.stdout.splitlines()[0].endswith("a.key (encrypted)")
    plain = dqv("keygen", "--out", tmp_path / "b")
    assert plain.stdout.splitlines()[0].endswith("b.key (not encrypted: keep it secret)")
    keys = ("--key", tmp_path / "a.key", "--key", tmp_path / "b.key")
    call = ("check", source, "--scheduler", scheduler, "--out", tmp_path / "out", *keys)
    for wrong, said in (("", "put its passphrase into"), ("other", "cannot be opened")):
        done = dqv(*call, DQV_KEY_PASSPHRASE=wrong)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert not (tmp_path / "out").exists()
    assert dqv(*call, **secret).returncode == 1
    envelope = tmp_path / "out" / "report.dsse.json"
    for name in ("a", "b"):
        assert dqv("verify", envelope, "--trust", tmp_path / f"{name}.pub").returncode == 0
    both = dqv("verify", envelope, "--trust", tmp_path)
    assert "not proved, no trusted key" not in both.stdout
    assert both.stdout.splitlines()[1].count("sha256:") == 2
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert [path for path in written if b"geheim-9" in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("typed", "code"), [(["geheim", "geheim"], 0), (["geheim", "geheim2"], 2), ([""], 0)]
)
def test_a_passphrase_is_asked_for_on_a_terminal(tmp_path: Path, typed: list[str], code: int) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "dqv", "keygen", "--out", tmp_path / "a"], stdin=theirs, stderr=theirs,
        stdout=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "LANG": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    for answer, prompt in zip(typed, (b"passphrase", b"once more"), strict=False):
        while not (prompt in shown and shown.endswith(b": ")):  # what is typed before the prompt is dropped
            shown += os.read(ours, 4096)
        os.write(ours, f"{answer}\n".encode())
    with contextlib.suppress(OSError):  # Linux says EIO at the end
        while block := os.read(ours, 4096):
            shown += block
    os.close(ours)
    assert done.wait(timeout=60) == code
    assert b"geheim" not in shown
    assert (tmp_path / "a.key").exists() == (code == 0)
    if code == 0:
        assert (b"ENCRYPTED" in (tmp_path / "a.key").read_bytes()) == bool(typed[0])


def test_prove_and_verify_an_object_with_a_hostile_name(tmp_path: Path, scheduler: str) -> None:
    source = tmp_path / "data"
    source.mkdir()
    name = b"\x1b[2J\xe2\x80\xae\xff\n.jsonl"
    Path(os.fsdecode(os.fsencode(source) + b"/" + name)).write_text('{"text": "one record"}\n')
    dqv("keygen", "--out", tmp_path / "a")
    dqv("check", source, "--scheduler", scheduler, "--key", tmp_path / "a.key", cwd=tmp_path)
    proved = dqv("prove", os.fsdecode(name), cwd=tmp_path)  # in ./data-dqv
    assert proved.returncode == 0, proved.stderr
    assert proved.stdout.isascii()
    assert proved.stdout[:-1].isprintable()
    assert dqv("prove", os.fsdecode(name), cwd=tmp_path / "data-dqv").stdout == proved.stdout
    (tmp_path / "proof.json").write_text(proved.stdout)
    asked = (
        "verify", tmp_path / "data-dqv" / "report.dsse.json", "--trust", tmp_path / "a.pub", "--data", source,
        "--proof", tmp_path / "proof.json",
    )  # fmt: skip
    good = dqv(*asked)
    assert good.returncode == 0, good.stderr
    assert good.stdout.count(" ok ") == 10  # all but the certificates
    for path in source.iterdir():
        path.write_text('{"text": "one recorD"}\n')
    bad = dqv(*asked)
    assert bad.returncode == 4
    for said in (good.stdout, bad.stdout, bad.stderr):
        assert all(line.isprintable() for line in said.splitlines())
        assert "\u202e" not in said
    missing = dqv("prove", "\x1b[2J", "--out", tmp_path / "data-dqv")
    assert missing.returncode == 2
    assert "\x1b" not in missing.stderr


def test_policies_are_listed_and_shown(tmp_path: Path) -> None:
    assert "jiaxing-2025-65" in dqv("policy", "list").stdout
    shown = dqv("policy", "show", "jiaxing-2025-65").stdout
    assert "数据重复率不高于 5%" in shown
    (tmp_path / "mine.toml").write_text(shown, "utf-8")
    assert dqv("policy", "show", tmp_path / "mine.toml").stdout == shown


def test_strict_exits_with_5_when_review_remains(source: Path, tmp_path: Path, scheduler: str) -> None:
    policy = dqv("policy", "show").stdout.replace('"30 GB"', '"10 B"').replace('"30 GiB"', '"10 B"')
    policy = policy.replace('threshold = "50 %"', 'threshold = "0 %"')
    (tmp_path / "small.toml").write_text(policy, "utf-8")
    args = (
        "check",
        source,
        "--scheduler",
        scheduler,
        "--out",
        tmp_path / "out",
        "--policy",
        tmp_path / "small.toml",
    )
    (source / "metadata.csv").write_text("file_name,date\na.jsonl,2026-01-01\n")
    assert dqv(*args).returncode == 0
    assert dqv(*args, "--strict").returncode == 5


def test_an_incomplete_report_exits_with_3(source: Path, tmp_path: Path, scheduler: str) -> None:
    policy = dqv("policy", "show").stdout.replace('"30 GB"', '"10 B"').replace('"30 GiB"', '"10 B"')
    (tmp_path / "small.toml").write_text(policy, "utf-8")
    (source / "metadata.csv").write_text("file_name,date\na.jsonl,2026-01-01\n")
    (source / "x.rar").write_bytes(b"PK")
    done = dqv(
        "check",
        source,
        "--scheduler",
        scheduler,
        "--out",
        tmp_path / "out",
        "--policy",
        tmp_path / "small.toml",
    )
    assert done.returncode == 3


@pytest.mark.parametrize("day", ["1970-01-01", "2100-12-31"])
def test_a_reference_date_may_be_the_first_or_last_there_is(day: str) -> None:
    assert cli._date(day) == date.fromisoformat(day)


def _failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Any:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(pipeline, "verify", fail)
    return CliRunner().invoke(cli.app, ["verify", "x.json", "--unsafe-any-signer"])


def test_what_nobody_expected_is_told_in_a_line_and_exits_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    done = _failing(monkeypatch, RuntimeError("the moon\nis gone"))
    assert done.exit_code == 3
    first, second, *_ = done.stderr.splitlines()
    assert first == (
        "dqv: internal error: RuntimeError: the moon is gone; what is done is kept; "
        "please report it with the traceback below"
    )
    assert second.startswith("Traceback")


@pytest.mark.parametrize(
    ("error", "code"), [(typer.Exit(7), 7), (typer.BadParameter("no"), 2), (typer.Abort(), 1)]
)
def test_typers_own_exceptions_are_left_to_it(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    done = _failing(monkeypatch, error)
    assert done.exit_code == code
    assert "internal error" not in done.stderr


def _raise_in_the_out_folder(out: Path, error: Exception) -> None:
    settings = Settings(source=str(out.parent / "source"), out=out)
    with out_folder(settings):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied", "{out}/run/parts/x"),
        PermissionError(errno.EACCES, "Permission denied", "{out}"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Quota exceeded", "/elsewhere"),
        OSError(errno.EROFS, "Read-only file system"),
        ComputeError("parquet: underlying IO error: No space left on device (os error 28)"),
        PermissionError("Permission denied (os error 13): {out}/evidence/.x.tmp"),
    ],
)
def test_an_out_folder_that_cannot_be_written_is_told(tmp_path: Path, error: Exception) -> None:
    out = tmp_path / "out"
    values = [each.format(out=out) if isinstance(each, str) else each for each in error.args]
    if isinstance(error, OSError) and error.filename:
        values.append(error.filename.format(out=out))
    with pytest.raises(IncompleteRun, match=r"cannot be written: .*run the same command again"):
        _raise_in_the_out_folder(out, type(error)(*values))


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "/elsewhere/x"),
        OSError(errno.ECONNRESET, "Connection reset by peer"),
        OSError("nothing known"),
        ComputeError("a wrong query"),
    ],
)
def test_other_errors_are_not_laid_to_the_out_folder(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as found:
        _raise_in_the_out_folder(tmp_path / "out", error)
    assert found.value is error


def test_an_out_folder_below_what_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(IncompleteRun, match="cannot be written"):
        _raise_in_the_out_folder(tmp_path / "file" / "a" / "out", RuntimeError())


def run(*args: str) -> Any:
    return CliRunner().invoke(cli.app, list(args))


def test_two_records_are_explained_by_their_places(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(100)]
    lines = [json.dumps({"text": " ".join(each)}) + "\n" for each in (words, [*words[:99], "x"], words[50:])]
    (tmp_path / "a.jsonl").write_text("".join(lines))
    second, third = len(lines[0]), len(lines[0]) + len(lines[1])
    near = run("explain", f"{tmp_path}/a.jsonl", f"{tmp_path}/a.jsonl#{second}", "--lang", "en")
    assert near.exit_code == 0
    assert "Jaccard similarity: 95 / 97 = 0.9794" in near.stdout
    assert near.stdout.splitlines()[-1] == "They are near-duplicates."
    far = run("explain", f"{tmp_path}/a.jsonl#{second}", f"{tmp_path}/a.jsonl#{third}", "--lang", "zh")
    assert far.stdout.splitlines()[-1] == "两者不是近似重复。"
    same = run("explain", f"{tmp_path}/a.jsonl", f"{tmp_path}/a.jsonl", "--lang", "en")
    assert "Equal: payload" in same.stdout
    assert not [word for word in words if word in near.stdout.split()], "no value of the data is shown"


def test_media_are_explained(tmp_path: Path) -> None:
    planted.plant(tmp_path, ["audio", "image", "video"])
    for modality, fact in (
        ("audio", "Wrong bits"),
        ("image", "pHash, bits apart"),
        ("video", "Moments alike"),
    ):
        first, second = sorted(tmp_path.glob(f"{modality}-00*"))
        other = min(tmp_path.glob(f"{modality}-01*"))
        near = run("explain", str(first), str(second), "--lang", "en")
        assert fact in near.stdout
        assert near.stdout.splitlines()[-1] == "They are near-duplicates."
        far = run("explain", str(first), str(other), "--lang", "en")
        assert far.stdout.splitlines()[-1] == "They are not near-duplicates."
    mixed = run("explain", str(first), str(min(tmp_path.glob("audio-*"))), "--lang", "en")
    assert mixed.stdout.splitlines() == ["Modality: video, audio", "They are not near-duplicates."]


def test_members_of_archives_are_explained_by_the_names_that_the_evidence_gives(tmp_path: Path) -> None:
    planted.plant(tmp_path / "there", ["image"])
    first, second = sorted((tmp_path / "there").glob("image-00*"))
    words = [f"w{number}" for number in range(100)]
    lines = [json.dumps({"text": " ".join(each)}) + "\n" for each in (words, [*words[:99], "x"])]
    with tarfile.open(tmp_path / "inner.tar.gz", "w:gz") as inner:
        inner.add(first, "a.png")
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "inner.tar.gz", "inner.tar.gz")
        archive.writestr("图/b.jsonl", "".join(lines))
    near = run("explain", f"{tmp_path}/all.zip/inner.tar.gz/a.png", str(second), "--lang", "en")
    assert near.stdout.splitlines()[-1] == "They are near-duplicates."
    records = f"{tmp_path}/all.zip/图/b.jsonl"
    near = run("explain", records, f"{records}#{len(lines[0])}", "--lang", "en")
    assert near.stdout.splitlines()[-1] == "They are near-duplicates."
    for name, told in (("c.png", "no item at this place"), ("inner.tar.gz", "no item at this place")):
        none = run("explain", f"{tmp_path}/all.zip/{name}", str(second), "--lang", "en")
        assert none.exit_code == 3
        assert told in none.stdout
    (tmp_path / "bad.zip").write_bytes(b"PK")
    assert run("explain", f"{tmp_path}/bad.zip/a.png", str(second)).exit_code == 3
    assert run("explain", f"{second}/a.png", str(second)).exit_code == 2, "a picture holds no members"


def test_what_cannot_be_explained_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "b.xyz").write_bytes(b"x")
    broken = run("explain", f"{tmp_path}/a.png", f"{tmp_path}/a.png", "--lang", "en")
    assert (broken.exit_code, broken.stdout.splitlines()[-1]) == (3, "It cannot be told.")
    for name in ("b.xyz", "c.png"):
        assert run("explain", f"{tmp_path}/a.png", f"{tmp_path}/{name}").exit_code == 2


NUMBER = "嘉数登/2026-0001"


@pytest.fixture
def described(server: Any, source: Path, tmp_path: Path) -> Path:
    """A platform that has the source under a number, and its description."""
    answer = {
        "title": "示例",
        "owner": {"name": "示例公司", "code": "913304990000000006"},
        "no": NUMBER,
        "valid": True,
        "text": "1 B",
        "where": [
            {
                "url": source.as_uri(),
                "endpoint": None,
                "keys": {"access_key": "geheim-1", "secret_key": "geheim-2"},
            }
        ],
        "uses": ["问答", "摘要"],
    }
    server.routes[f"/api/{quote(NUMBER, safe='')}"] = (200, {}, json.dumps(answer).encode())
    file = tmp_path / "platform.toml"
    file.write_text(
        f"""
name = "示例平台"
base = "{server.url}/api"
ca = "{server.ca}"
networks = ["127.0.0.0/8"]
folders = "."
record = "{{number}}"
authentication = {{ kind = "header", header = "X-Key", secret_env = "PLATFORM_KEY" }}

[fields]
name = "title"
scenarios = "uses[].{{title: @}}"
locations = "where[].{{url: url, credentials: keys}}"
applicant = {{ name = "owner.name", uscc = "owner.code" }}
certificate = {{ number = "no", in_force = "valid" }}
modalities.text.scale = "text"
""",
        "utf-8",
    )
    return file


FILED = """
name = "示例"
applicant = { name = "另一家公司" }
modalities = { text = { scale = "1 B" } }
attestations = [{ rule = "safeguards", statement = "有", documents = ["proof.txt"] }]
"""
"""A registration file beside the platform's record: another name, and a statement that the platform does not hold."""


def test_a_number_is_checked_as_the_platform_has_it(
    described: Path, server: Any, tmp_path: Path, scheduler: str
) -> None:
    args = (
        "check",
        NUMBER,
        "--platform",
        described,
        "--scheduler",
        scheduler,
        "--reference-date",
        "2026-06-30",
        "--barred",
        tmp_path / "barred.csv",
        "--registration",
        tmp_path / "filed.toml",
    )
    (tmp_path / "barred.csv").write_text("name,year\nnobody,2025\n")
    (tmp_path / "filed.toml").write_text(FILED, "utf-8")
    (tmp_path / "proof.txt").write_text("proof")
    done = dqv(*args, cwd=tmp_path, PLATFORM_KEY="geheim-3")
    assert done.returncode == 1, done.stderr
    out = tmp_path / "嘉数登_2026-0001-dqv"
    report = json.loads((out / "report.json").read_bytes())
    subject = report["subject"]
    assert (subject["certificate"], subject["name"]) == (NUMBER, "示例")
    assert (subject["platform"], subject["registration_sha256"]) == (
        f"{server.url}/api",
        sha256(FILED.encode()).hexdigest(),
    )
    assert len(subject["platform_sha256"]) == 64
    verdicts = {each["rule"]: each["verdict"] for each in report["findings"]}
    assert (verdicts["registration"], verdicts["applicant"], verdicts["scenarios"]) == (
        "pass",
        "review",  # the file names another
        "review",  # two titles: the platform tells no more of them
    )
    assert (verdicts["safeguards"], verdicts["legality"]) == (
        "attested",
        "fail",
    )  # the file has the one alone
    assert subject["barred_sha256"] == sha256(b"name,year\nnobody,2025\n").hexdigest()
    applicant = next(each for each in report["findings"] if each["rule"] == "applicant")
    assert "1 entries" in applicant["message"]["en"]
    assert report["crosswalk"]["informative"] is True
    written = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"geheim" not in written + (done.stdout + done.stderr).encode()
    assert subject["platform_sha256"] in (out / "report.html").read_text("utf-8")


def test_a_report_is_verified_against_the_data_that_the_platform_names(
    described: Path, source: Path, tmp_path: Path, scheduler: str
) -> None:
    assert run("keygen", "--out", f"{tmp_path}/a").exit_code == 0
    args = ("--out", tmp_path / "out", "--key", tmp_path / "a.key", "--scheduler", scheduler)
    assert dqv("check", source, *args).returncode == 1
    asked = ("verify", tmp_path / "out" / "report.dsse.json", "--trust", tmp_path / "a.pub", "--data", NUMBER)
    done = dqv(*asked, "--platform", described, PLATFORM_KEY="geheim-3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8  ok" in done.stdout
    next(path for path in source.iterdir() if path.is_file()).write_bytes(b"other")
    assert dqv(*asked, "--platform", described, PLATFORM_KEY="geheim-3").returncode == 4
    assert dqv(*asked, PLATFORM_KEY="geheim-3").returncode == 3, "a folder of that name is not there"
    assert dqv(*asked[:-2], "--platform", described, PLATFORM_KEY="geheim-3").returncode == 2


def test_what_is_wrong_with_a_platform_is_said_before_anything_is_written(
    described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for args, key, told in [
        ((NUMBER, "--platform", described), "", "PLATFORM_KEY"),
        ((NUMBER, "--platform", tmp_path / "none.toml"), "geheim", "no such file"),
        ((NUMBER, "--platform", described, "--registration", described), "geheim", "registration"),
        ((NUMBER, "--platform", described, "--barred", described), "geheim", "bar list"),
        (("other", "--platform", described), "geheim", "knows nothing"),
        (("..", "--platform", described), "geheim", "registration number"),
    ]:
        done = CliRunner().invoke(cli.app, ["check", *map(str, args)], env={"PLATFORM_KEY": key})
        assert done.exit_code == 2
        assert told in done.stderr
        assert "geheim" not in done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["platform.toml", "source"]


def test_init_writes_a_draft_and_replaces_nothing_untold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("init")
    assert done.exit_code == 0
    assert "dqv check FOLDER --registration registration.toml" in done.stdout
    Path("registration.toml").write_text("mine")
    Path("link.toml").symlink_to("nowhere.toml")
    Path("other.txt").touch()
    for args, told in [((), "--overwrite"), (("--out", "link.toml"), "File exists"), (("--out", "other.txt"), ".toml"),
                       (("--out", "none/r.toml"), "cannot be written")]:  # fmt: skip
        done = run("init", *args)
        assert done.exit_code == 2
        assert told in done.stderr
    assert Path("registration.toml").read_text() == "mine"
    assert not Path("nowhere.toml").exists()
    assert run("init", "--overwrite").exit_code == 0
    assert 'name = ""' in Path("registration.toml").read_text("utf-8")


def test_init_writes_a_data_card_from_a_report_or_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.reports.conftest import make_report

    monkeypatch.chdir(tmp_path)
    Path("out").mkdir()
    Path("out/report.json").write_text(make_report().model_dump_json(by_alias=True), "utf-8")
    done = run("init", "--card", "out", "--lang", "zh")
    assert (done.exit_code, done.stdout) == (0, "datacard.md\n")
    assert "【待填写：" in Path("datacard.md").read_text("utf-8")
    assert run("init", "--card", "out/report.json", "--lang", "en", "--out", "c.md").exit_code == 0
    assert "[TODO: " in Path("c.md").read_text("utf-8")
    Path("bad.json").write_text('{"schema": "secret"}')
    for args, told in [(("--card", "out"), "--overwrite"), (("--card", "out", "--out", "c.txt"), ".md"), (("--card", "none", "--out", "d.md"), "cannot be read"),
                       (("--card", "bad.json", "--out", "d.md"), "no report of this version"), (("--card", "out", "--lang", "fr", "--out", "d.md"), "--lang")]:  # fmt: skip
        done = run("init", *args)
        assert done.exit_code == 2
        assert told in done.stderr
        assert "secret" not in done.stderr
    assert not Path("d.md").exists()


def test_init_asks_on_a_terminal_for_what_is_missing(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    answers = [
        "数据集",
        "4",
        "3",
        *[""] * 2,
        "示例公司",
        "9" * 18,
        "91330400MA0000000U",
        *[""] * 4,
        "35 h",
        "35 GB",
        *[""] * 3,
        *("问答", "班组", "嘉兴", "答问", "省时"),
        *("摘要", "部门", "", "写摘要", ""),
        "",
        *("属实", "权属.pdf，证明.pdf"),
        "已防护",
    ]
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode() + b"\x04")
    done = subprocess.run(
        [sys.executable, "-m", "dqv", "init"], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60,
        env={**os.environ, "LANG": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(theirs)
    asked = b""
    with contextlib.suppress(OSError):  # Linux says EIO at the end
        while block := os.read(ours, 4096):
            asked += block
    os.close(ours)
    assert done.returncode == 0, done.stderr
    assert asked.decode().count("应如") == 3
    record = load_registration(tmp_path / "registration.toml")
    assert (record.name, record.category, record.applicant.uscc) == (
        "数据集",
        "行业专识数据集",
        "91330400MA0000000U",
    )
    assert [(each.title, each.place, each.effect) for each in record.scenarios] == [
        ("问答", "嘉兴", "省时"),
        ("摘要", None, None),
    ]
    assert [each.statement for each in record.attestations] == ["属实", "已防护"]
    assert record.documents == ("权属.pdf", "证明.pdf")
    assert record.certificate is None


def test_compare_exits_with_0_for_the_same_and_1_for_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.reports.conftest import make_report

    monkeypatch.chdir(tmp_path)
    report = make_report()
    Path("a.json").write_text(report.model_dump_json(by_alias=True), "utf-8")
    other = report.model_copy(update={"findings": report.findings[1:]})
    Path("b.json").write_text(other.model_dump_json(by_alias=True), "utf-8")
    same = run("compare", "a.json", "a.json", "--lang", "en")
    assert (same.exit_code, same.stdout.split()[:2]) == (0, ["The", "same"])
    done = run("compare", "a.json", "b.json", "--lang", "zh", "--html", "c.html")
    assert done.exit_code == 1
    assert "不一致" in done.stdout
    assert 'lang="zh-CN"' in Path("c.html").read_text("utf-8")
    assert json.loads(run("compare", "a.json", "b.json", "--json").stdout)["same"] is False
    assert run("compare", "a.json", "b.json", "--quiet").stdout == ""
    for args, told in [(("a.json", "none"), "none cannot be read"), (("a.json", "a.json", "--html", "none/c.html"), "--html"),
                       (("a.json", "a.json", "--lang", "fr"), "--lang")]:  # fmt: skip
        done = run("compare", *args)
        assert done.exit_code == 2
        assert told in done.stderr


def test_fix_lists_what_to_remove_and_deletes_nothing(source: Path, tmp_path: Path, scheduler: str) -> None:
    (source / "b.jsonl").write_text('{"text": "one record"}\n')
    out, items = tmp_path / "out", tmp_path / "items.jsonl"
    dqv("check", source, "--scheduler", scheduler, "--out", out, "--quiet")
    before = sorted((path, path.read_bytes()) for path in source.iterdir())
    done = dqv("fix", out, "--list", items, "--lang", "zh")
    assert (done.returncode, done.stderr) == (0, "")
    assert "移除或替换 1 个多余项" in done.stdout
    assert "dqv 不删除任何数据" in done.stdout
    (line,) = map(json.loads, items.read_text("utf-8").splitlines())
    assert (line["path"], line["place"], line["rules"]) == ("b.jsonl", 0, ["duplicates.text"])
    assert dqv("fix", out, "--list", "-").stdout == items.read_text("utf-8")
    assert json.loads(dqv("fix", out, "--json").stdout)["remove"] == 1
    assert dqv("fix", out, "--quiet").stdout == ""
    assert sorted((path, path.read_bytes()) for path in source.iterdir()) == before
    (out / "evidence" / "duplicates.text.parquet").write_bytes(b"other")
    forged = dqv("fix", out)
    assert forged.returncode == 4
    assert "its sha256 is another" in forged.stderr
    for args, told in [
        ((tmp_path / "none",), "cannot be read"),
        ((out / "report.json", "--lang", "fr"), "--lang"),
    ]:
        done = dqv("fix", *args)
        assert done.returncode == 2
        assert told in done.stderr


def test_export_writes_csv_and_names_what_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import polars as pl

    from dqv.reports import evidence
    from tests.reports.conftest import make_report

    monkeypatch.chdir(tmp_path)
    names = pl.LazyFrame(schema={"object": pl.Int64, "name": pl.String})
    file = evidence.write(pl.LazyFrame({"name": ["=1"]}), Path(), "value", names)
    report = make_report(evidence=[file])
    Path("report.json").write_text(report.model_dump_json(by_alias=True), "utf-8")
    done = run("export", "report.json", "--out", "csv")
    assert (done.exit_code, done.stdout) == (0, "csv/value.csv\n")
    assert Path("csv/value.csv").read_bytes() == b'\xef\xbb\xbf"name"\r\n"\'=1"\r\n'
    assert run("export", "report.json", "--out", "csv", "--quiet").stdout == ""
    Path("evidence/value.parquet").unlink()
    done = run("export", "report.json", "--out", "csv")
    assert (done.exit_code, done.stdout.strip()) == (3, "")
    assert "evidence/value.parquet is not beside the report" in done.stderr
    foreign = make_report(evidence=[file.model_copy(update={"path": "evidence/\x1b[31m\u202e.parquet"})])
    Path("report.json").write_text(foreign.model_dump_json(by_alias=True), "utf-8")
    done = run("export", "report.json", "--out", "csv")
    assert done.exit_code == 4
    assert "or as dqv names none: evidence/[U+001B][31m[U+202E].parquet" in done.stderr


def test_annex_is_written_as_markdown_or_docx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.reports.conftest import make_report

    monkeypatch.chdir(tmp_path)
    Path("report.json").write_text(make_report().model_dump_json(by_alias=True), "utf-8")
    done = run("annex", "report.json", "--out", "a.md")
    assert (done.exit_code, done.stdout) == (0, "a.md\n")
    assert Path("a.md").read_text("utf-8").startswith("# 高质量数据集认定申报书")
    assert run("annex", "report.json", "--out", "a.docx", "--lang", "en").exit_code == 0
    assert zipfile.is_zipfile("a.docx")
    for args, told in [(("--out", "a.pdf"), ".md or .docx"), (("--out", "none/a.md"), "cannot be written"),
                       (("--out", "a.md", "--lang", "fr"), "--lang")]:  # fmt: skip
        done = run("annex", "report.json", *args)
        assert done.exit_code == 2
        assert told in done.stderr
