"""Arguments → calls; the only place that prints or exits.

Heavy libraries are imported inside the commands, so that `dqv --help` answers at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dqv.core.errors import DqvError, TrustError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dqv.connectors.drafts import Question
    from dqv.connectors.platforms import Platform
    from dqv.reports.model import Report

app = typer.Typer(
    name="dqv",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Measure a dataset against a certification rule and write a signed conformance report. "
    "Exit codes: 0 no clause fails, 1 a clause fails, 2 wrong usage, 3 incomplete or unreadable, "
    "4 a signature or digest does not hold, 5 review remains (with --strict).",
)
policy_app = typer.Typer(no_args_is_help=True, help="The rule books that dqv knows.")
app.add_typer(policy_app, name="policy")

_LANG = "zh" if os.environ.get("LANG", "").lower().startswith("zh") else "en"

Out = Annotated[Path | None, typer.Option(help="Out folder; default: NAME-dqv in the current folder.")]
PolicyOption = Annotated[str, typer.Option(help="Policy id, or a TOML file.")]
Lang = Annotated[str, typer.Option(help="Language of terminal and report: zh or en; default from LANG.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]


@app.command()
def check(
    source: Annotated[
        str,
        typer.Argument(
            help="The dataset: a folder, s3://BUCKET/PREFIX, https://HOST/FOLDER/; with --platform its registration number."
        ),
    ],
    out: Out = None,
    policy: PolicyOption = "jiaxing-2025-65",
    registration: Annotated[Path | None, typer.Option(help="The registration: TOML, JSON or YAML.")] = None,
    expectations: Annotated[
        Path | None, typer.Option(help="Suite of Great Expectations (JSON) over the items' metadata.")
    ] = None,
    platform: Annotated[
        Path | None,
        typer.Option(help="Description of the platform that has the registration and the data's location."),
    ] = None,
    barred: Annotated[Path | None, typer.Option(help="Bar list (第十二条): CSV, TOML, JSON or YAML.")] = None,
    modality: Annotated[
        list[str] | None,
        typer.Option(help="Whose rules decide without a registration: text, audio, image, video."),
    ] = None,
    role: Annotated[str, typer.Option(help="self-check or verification.")] = "self-check",
    assurance: Annotated[str, typer.Option(help="full reads every byte; identity only headers.")] = "full",
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler; default: an embedded cluster.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers of the embedded cluster; default: one per core.")
    ] = None,
    reference_date: Annotated[str | None, typer.Option(help="YYYY-MM-DD; default: today.")] = None,
    key: Annotated[
        list[Path] | None, typer.Option(help="Private key that signs the report; may be given several times.")
    ] = None,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(
            help="X.509 certificate of a --key, with those above it (PEM); may be given several times."
        ),
    ] = None,
    text_field: Annotated[str | None, typer.Option(help="Field of the records that holds the text.")] = None,
    date_field: Annotated[str | None, typer.Option(help="Field of the records that holds the date.")] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            help="How the data is laid out, if it is not as found: folder, imagefolder, webdataset, huggingface, "
            "croissant, tc609."
        ),
    ] = None,
    lang: Lang = _LANG,
    excerpts: Annotated[
        bool, typer.Option("--excerpts", help="Show excerpts of evidence in report.html.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json instead of the table.")] = False,
    quiet: Quiet = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 5 when review remains.")] = False,
) -> None:
    """Check a dataset and write the report."""

    def run() -> int:
        from dqv import pipeline
        from dqv.core.settings import Settings
        from dqv.core.verdicts import exit_code

        name = Path(source).resolve().name if platform is None else source.replace("/", "_")
        folder = out if out is not None else Path(f"{name}-dqv")
        settings = _settings(
            Settings,
            source=source,
            out=folder,
            policy=policy,
            registration=registration,
            barred=barred,
            expectations=expectations,
            modalities=tuple(modality or ()),
            role=role,
            reference_date=_date(reference_date),
            scheduler=scheduler,
            workers=workers,
            keys=tuple(key or ()),
            certificates=tuple(certificate or ()),
            lang=lang,
            excerpts=excerpts,
            measuring={
                "assurance": assurance,
                "text_field": text_field,
                "date_field": date_field,
                "layout": layout,
            },
        )
        with _progress(quiet=quiet) as progress:
            report = pipeline.check(settings, progress, _platform(platform), _passphrases())
        _show(report, folder, settings.lang, as_json=as_json, quiet=quiet)
        return exit_code(report.verdict, strict=strict)

    _exit(run)


@app.command()
def verify(
    envelope: Annotated[
        Path, typer.Argument(help="An out folder, or its report.dsse.json with the files beside it.")
    ],
    trust: Annotated[
        Path | None,
        typer.Option(
            help="Public key or certificate (of a signer or an authority) you trust, or a folder of them."
        ),
    ] = None,
    data: Annotated[str | None, typer.Option(help="The dataset: also compare it with the manifest.")] = None,
    platform: Annotated[
        Path | None, typer.Option(help="Description of the platform; --data is then a registration number.")
    ] = None,
    sample: Annotated[
        str | None,
        typer.Option(help="Of the data read only so much, drawn anew: 300 (objects), 5% or 10GB."),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            help="What `dqv prove` printed: its object is of the dataset; of --data it alone is read."
        ),
    ] = None,
    unsafe_any_signer: Annotated[
        bool, typer.Option("--unsafe-any-signer", help="Accept any signer: proves nothing about who.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Verify a signed report; exit 4 when anything does not hold."""

    def run() -> int:
        from dqv import pipeline
        from dqv.reports.escape import visible

        if trust is None and not unsafe_any_signer:
            raise UsageError("name a key you trust with --trust (or, to prove less, --unsafe-any-signer)")
        if platform is not None and data is None:
            raise UsageError("--platform: name the dataset's registration number with --data")
        if sample is not None and (data is None or proof is not None):
            raise UsageError("--sample: name the dataset with --data, and no --proof")
        path = envelope / "report.dsse.json" if envelope.is_dir() else envelope
        if envelope.is_dir() and not path.exists():
            raise UsageError(
                f"{envelope} holds no report.dsse.json; give the out folder of a check with --key"
            )
        found = pipeline.verify(path, trust, data, _platform(platform), proof, sample)
        for step in found.steps:
            mark = {True: "ok  ", False: "FAIL", None: "--  "}[step.holds]
            if not quiet or step.holds is False:
                print(f"{step.number:2}  {mark}  {step.name}: {visible(step.detail)}")  # noqa: T201
        failed = next((step for step in found.steps if step.holds is False), None)
        if failed is not None:
            raise TrustError(f"step {failed.number} does not hold: {failed.name}")
        if found.statement is not None and not quiet:
            print("\n".join(map(visible, _signed(found.statement.report))))  # noqa: T201
        return 0

    _exit(run)


def _signed(report: dict[str, Any]) -> list[str]:
    """What a verified report comes to, and what of its folder nobody signed."""
    run, name = report["run"], report["subject"]["name"]
    return [
        f"signed: verdict {report['verdict']}, role {run['role']}, dataset {'without a name' if name is None else name}, "
        f"reference date {run['reference_date']}",
        "report.html and report.pdf are not signed themselves and were not looked at: what report.json says counts",
    ]


@app.command()
def prove(
    path: Annotated[
        str, typer.Argument(help="An object of the dataset: its path from the dataset's folder on.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the report; default: the current one if a manifest is there, else the only *-dqv in it."
        ),
    ] = None,
) -> None:
    """Print the proof that an object is of the dataset of a report; `dqv verify --proof` checks it."""

    def run() -> int:
        from dqv.trust import proof

        manifest = (out if out is not None else _report_folder()) / "manifest.parquet"
        if not manifest.is_file():
            raise UsageError(f"there is no {manifest}; name the folder of a report with --out")
        sys.stdout.write(proof.dump(proof.make(manifest, os.fsencode(path))).decode())
        return 0

    _exit(run)


def _report_folder() -> Path:
    """Where a report is that nobody named."""
    here = Path()
    if (here / "manifest.parquet").is_file():
        return here
    found = sorted(each.parent for each in here.glob("*-dqv/manifest.parquet"))
    if len(found) != 1:
        told = ", ".join(map(str, found)) or "none"
        raise UsageError(f"name the folder of a report with --out: here are {told}")
    return found[0]


@app.command()
def explain(
    a: Annotated[
        str, typer.Argument(metavar="A", help="A file, or ARCHIVE/MEMBER; FILE#PLACE for one record.")
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    policy: PolicyOption = "jiaxing-2025-65",
    text_field: Annotated[str | None, typer.Option(help="Field of the records that holds the text.")] = None,
    lang: Lang = _LANG,
) -> None:
    """Say why two items are near-duplicates, or not; PLACE is the one that the evidence names."""

    def run() -> int:
        from dqv import pipeline
        from dqv.reports.terminal import explanation

        found = pipeline.explain(a, b, policy, text_field)
        print(explanation(found, _language(lang)))  # noqa: T201
        return 0 if found["near"] is not None else 3

    _exit(run)


@app.command()
def keygen(
    out: Annotated[Path, typer.Option(help="Prefix: writes PREFIX.key and PREFIX.pub.")],
    algorithm: Annotated[str, typer.Option(help="ed25519 or sm2.")] = "ed25519",
) -> None:
    """Make a key pair for signing reports.

    The private key is encrypted with the passphrase in DQV_KEY_PASSPHRASE, or the one typed on a terminal.
    """

    def run() -> int:
        from dqv.trust import keys

        secret = _passphrases()(Path(f"{out}.key"), new=True)
        private, public = keys.generate(out, algorithm, secret)
        kept = "encrypted" if secret else "not encrypted: keep it secret"
        print(f"{private} ({kept})\n{public} (give it to whoever verifies)")  # noqa: T201
        return 0

    _exit(run)


@app.command()
def init(
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write; default: registration.toml, with --card datacard.md."),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(
            help="report.json of a check, or its folder: write a data card from what was measured instead."
        ),
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of the card: zh or en; default from LANG.")] = _LANG,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a commented registration, on a terminal asking for what goes into it; or a data card to fill in."""

    def run() -> int:
        from dqv.connectors import drafts
        from dqv.core.files import write_atomic

        suffix, name = (".toml", "registration.toml") if card is None else (".md", "datacard.md")
        path = out if out is not None else Path(name)
        if path.suffix != suffix:
            raise UsageError(f"--out {path}: the name must end in {suffix}")
        if path.exists() and not overwrite:
            raise UsageError(
                f"{path} is there already; nothing was written; give --overwrite, or another --out"
            )
        if card is not None:
            content = _data_card(card, _language(lang))
        else:
            asks = sys.stdin.isatty() and sys.stdout.isatty()
            content = drafts.draft(_answers(drafts.entries()) if asks else {})
        try:
            if overwrite:
                write_atomic(path, content.encode())
            else:
                with path.open("xb") as file:
                    file.write(content.encode())
        except OSError as error:
            raise UsageError(
                f"{path} cannot be written: {error.strerror}; choose another with --out"
            ) from error
        used = f"dqv check FOLDER --registration {path}"
        print(path if card is not None else f"{path}\n{used}")  # noqa: T201
        return 0

    _exit(run)


def _data_card(path: Path, lang: Any) -> str:
    """A data card from a report."""
    from dqv.reports.card import data_card
    from dqv.reports.load import load

    return data_card(load(path).report, lang)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="An out folder, report.json or report.dsse.json.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The later one, or the bureau's.")],
    html: Annotated[Path | None, typer.Option(help="Also write the comparison as one HTML page.")] = None,
    lang: Annotated[str, typer.Option(help="Language: zh or en; default from LANG.")] = _LANG,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the tables.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compare two reports: why they can differ, and what differs; exit 0 the same, 1 different."""

    def run() -> int:
        from dqv.reports import comparison, comparison_page
        from dqv.reports.escape import visible_json
        from dqv.reports.load import load

        words = _language(lang)
        found = comparison.compare(load(a), load(b))
        if html is not None:
            _written(html, comparison_page.page(found, words).encode(), "--html")
        if as_json:
            print(visible_json(found.model_dump_json(indent=2, by_alias=True)))  # noqa: T201
        elif not quiet:
            from dqv.reports.comparison_terminal import comparison_summary

            _print(comparison_summary(found, words))
        return 0 if found.same else 1

    _exit(run)


@app.command()
def fix(
    report: Annotated[Path, typer.Argument(help="An out folder, report.json or report.dsse.json.")],
    to: Annotated[
        Path | None, typer.Option("--list", help="Write the items as JSON lines, for scripts; - prints them.")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language: zh or en; default from LANG.")] = _LANG,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan as JSON instead of the table.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """List what to remove or replace so that clauses pass: the fewest, originals kept; and what is then missing; deletes nothing."""

    def run() -> int:
        from dqv.reports import fix_list
        from dqv.reports.escape import visible_json
        from dqv.reports.fix import plan
        from dqv.reports.fix_terminal import plan_summary
        from dqv.reports.load import load

        words = _language(lang)
        loaded = load(report)
        found, rows = plan(loaded)
        verdicts = {each.rule: each.verdict.value for each in loaded.report.findings}
        lines = fix_list.lines(rows, loaded.folder, verdicts)
        if to is not None and to != Path("-"):
            _written(to, lines, "--list")
        if to == Path("-"):
            sys.stdout.writelines(visible_json(line.decode()) for line in lines)
        elif as_json:
            print(visible_json(found.model_dump_json(indent=2, by_alias=True)))  # noqa: T201
        elif not quiet:
            _print(plan_summary(found, words))
        return 0

    _exit(run)


@app.command()
def export(
    report: Annotated[Path, typer.Argument(help="An out folder, report.json or report.dsse.json.")],
    out: Annotated[Path, typer.Option(help="Folder for the CSV files.")],
    quiet: Quiet = False,
) -> None:
    """Write a report's evidence as CSV files that a spreadsheet opens as text, never as formulas."""

    def run() -> int:
        from dqv.reports import spreadsheet
        from dqv.reports.load import load

        files, missing = spreadsheet.export(load(report), out)
        for name in missing:
            print(f"dqv: {name} is not beside the report; it was not written", file=sys.stderr)  # noqa: T201
        if not quiet:
            print("\n".join(map(str, files)))  # noqa: T201
        return 3 if missing else 0

    _exit(run)


@app.command()
def annex(
    report: Annotated[Path, typer.Argument(help="An out folder, report.json or report.dsse.json.")],
    out: Annotated[Path, typer.Option(help="The file to write: FILE.md or FILE.docx.")],
    lang: Annotated[str, typer.Option(help="Language: zh, as the form, or en.")] = "zh",
) -> None:
    """Write the technical annex to the application form (申报书) from a report."""

    def run() -> int:
        from dqv.reports import annex, annex_docx
        from dqv.reports.load import load

        if out.suffix not in (".md", ".docx"):
            raise UsageError(f"--out {out}: the name must end in .md or .docx")
        words = _language(lang)
        blocks = annex.annex(load(report), words)
        markdown = out.suffix == ".md"
        _written(
            out, annex.markdown(blocks).encode() if markdown else annex_docx.docx(blocks, words), "--out"
        )
        print(out)  # noqa: T201
        return 0

    _exit(run)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where to build the demo; must be empty or an earlier demo.")],
    lang: Lang = _LANG,
    workers: Annotated[int | None, typer.Option(min=1, help="Workers of the embedded cluster.")] = None,
    quiet: Quiet = False,
) -> None:
    """Build a small dataset with known flaws, check it, and show the report."""

    def run() -> int:
        from dqv import demo as builder

        with _progress(quiet=quiet) as progress:
            reports = builder.run(out, _language(lang), workers, progress)
        for folder, report in reports:
            _show(report, folder, _language(lang), as_json=False, quiet=quiet)
        return 0

    _exit(run)


@policy_app.command("list")
def policy_list() -> None:
    """List the policies that come with dqv."""

    def run() -> int:
        from dqv.core.policy import load_policy, policy_ids

        for name in policy_ids():
            found = load_policy(name)
            print(f"{found.id}  {found.version}  {found.document}  {found.title.zh}")  # noqa: T201
        return 0

    _exit(run)


@policy_app.command("show")
def policy_show(
    policy: Annotated[str, typer.Argument(help="Policy id, or a TOML file.")] = "jiaxing-2025-65",
) -> None:
    """Print a policy as TOML: clauses, thresholds, readings."""

    def run() -> int:
        from dqv.core.policy import dump_policy, load_policy

        print(dump_policy(load_policy(policy)), end="")  # noqa: T201
        return 0

    _exit(run)


def main() -> None:
    """Entry point of the `dqv` command."""
    if sys.platform == "win32":
        print("dqv runs on Linux and macOS; on Windows use WSL2 or a container.", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    app()


def _exit(run: Callable[[], int]) -> None:
    """Run a command and turn what comes of it into an exit code and a message."""

    def interrupted(_signal: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupted)
    try:
        code = run()
    except DqvError as error:
        print(f"dqv: {error}", file=sys.stderr)  # noqa: T201
        code = error.exit_code
    except KeyboardInterrupt:
        print("dqv: stopped; what is done is kept: the same command goes on from here", file=sys.stderr)  # noqa: T201
        code = 3
    except BrokenPipeError:  # whoever read our output has left; the interpreter must not write to it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 3
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except Exception as error:  # noqa: BLE001  a code of its own: 1 would say that a clause fails
        import traceback

        told = " ".join(f"{type(error).__name__}: {error}".split())
        print(  # noqa: T201
            f"dqv: internal error: {told}; what is done is kept; please report it with the traceback below",
            file=sys.stderr,
        )
        traceback.print_exc()
        code = 3
    raise typer.Exit(code)


def _answers(entries: Iterable[Sequence[Question]]) -> dict[str, list[str]]:
    """Ask on the terminal; an empty answer leaves a question out, the end of input all that are left.

    Scenarios are asked for until there is none more.
    """
    print("空行：留待以后填写 / an empty line leaves it for later\n")  # noqa: T201
    answers: dict[str, list[str]] = {}
    with contextlib.suppress(EOFError):
        for entry in entries:
            while _asked(entry, answers) and entry[0].table == "[scenarios]":
                pass
    return answers


def _asked(entry: Sequence[Question], answers: dict[str, list[str]]) -> bool:
    """Ask the questions of one entry; whether the first was answered, without which the others are not asked.

    Raises:
        EOFError: the input ended.
    """
    for question in entry:
        while True:
            try:
                text = input(f"{question.words.zh} / {question.words.en} ({question.example}): ").strip()
                text.encode()  # a terminal in another encoding gives what no file can hold
                answer = question.check(text) if text else ""
            except EOFError:
                print()  # noqa: T201
                raise
            except ValueError:
                print(f"  应如 / should be such as: {question.example}")  # noqa: T201
                continue
            break
        if not answer and question is entry[0]:
            return False
        answers.setdefault(question.name, []).append(answer)
    return True


def _passphrases() -> Callable[..., bytes | None]:
    """What tells the passphrase of a key file: from DQV_KEY_PASSPHRASE, else asked for on a terminal; None: there is none.

    It is taken out of the environment: what reads foreign data must not inherit it.
    """
    given = os.environ.pop("DQV_KEY_PASSPHRASE", None)

    def told(path: Path, *, new: bool = False) -> bytes | None:
        if given is not None or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return os.fsencode(given) if given else None
        from getpass import getpass

        typed = getpass(
            f"{path}: 密码 / passphrase{' (空：不加密 / empty: none)' if new else ''}: ", sys.stderr
        )
        if new and typed and getpass("再输一次 / once more: ", sys.stderr) != typed:
            raise UsageError("the two passphrases differ; nothing was written; call it again")
        return typed.encode() or None

    return told


def _platform(description: Path | None) -> Platform | None:
    """The platform that a description tells of, with what the environment holds for it."""
    if description is None:
        return None
    from dqv.connectors.platforms import load_platform

    return load_platform(description, os.environ)


def _settings(model: Any, **values: Any) -> Any:
    from pydantic import ValidationError

    try:
        return model(**values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        name = "--" + str(problem["loc"][-1] if problem["loc"][0] != "modalities" else "modality").replace(
            "_", "-"
        )
        raise UsageError(f"{name}: {problem['msg']}, not {problem['input']!r}") from None


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--reference-date {text}: not a date such as 2026-11-23") from None
    if not 1970 <= day.year <= 2100:
        raise UsageError(f"--reference-date {text}: not between 1970-01-01 and 2100-12-31")
    return day


def _language(text: str) -> Any:
    if text not in ("zh", "en"):
        raise UsageError(f"--lang {text}: zh or en")
    return text


def _show(report: Report, folder: Path, lang: str, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        sys.stdout.write((folder / "report.json").read_text("utf-8"))
    elif not quiet:
        from dqv.reports.terminal import summary

        _print(summary(report, _language(lang)), f"{folder / 'report.html'}")


def _print(shown: Any, *lines: str) -> None:
    """Tables as wide as the terminal, else 100 columns; lines as they are."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(shown)
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _written(path: Path, content: bytes | Iterable[bytes], option: str) -> None:
    """Write a file that an option names."""
    from dqv.core.files import write_atomic

    try:
        write_atomic(path, content)
    except OSError as error:
        raise UsageError(f"{option} {path} cannot be written: {error.strerror}; choose another") from error


def _progress(*, quiet: bool) -> Any:
    if quiet:
        from dqv.engine import Silent

        return contextlib.nullcontext(Silent())
    from dqv.progress import Bars

    return Bars()
