"""Arguments → calls; the only place that prints or exits.

Heavy libraries are imported inside the commands, so that `dqv --help` answers at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
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
    key: Annotated[Path | None, typer.Option(help="Private key that signs the report.")] = None,
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
            key=key,
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
            report = pipeline.check(settings, progress, _platform(platform))
        _show(report, folder, settings.lang, as_json=as_json, quiet=quiet)
        return exit_code(report.verdict, strict=strict)

    _exit(run)


@app.command()
def verify(
    envelope: Annotated[Path, typer.Argument(help="report.dsse.json, with the report's files beside it.")],
    trust: Annotated[Path | None, typer.Option(help="Public key you trust, or a folder of them.")] = None,
    data: Annotated[str | None, typer.Option(help="The dataset: also compare it with the manifest.")] = None,
    platform: Annotated[
        Path | None, typer.Option(help="Description of the platform; --data is then a registration number.")
    ] = None,
    unsafe_any_signer: Annotated[
        bool, typer.Option("--unsafe-any-signer", help="Accept any signer: proves nothing about who.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Verify a signed report; exit 4 when anything does not hold."""

    def run() -> int:
        from dqv import pipeline

        if trust is None and not unsafe_any_signer:
            raise UsageError("name a key you trust with --trust (or, to prove less, --unsafe-any-signer)")
        if platform is not None and data is None:
            raise UsageError("--platform: name the dataset's registration number with --data")
        steps = pipeline.verify(envelope, trust, data, _platform(platform))
        for step in steps:
            mark = {True: "ok  ", False: "FAIL", None: "--  "}[step.holds]
            if not quiet or step.holds is False:
                print(f"{step.number}  {mark}  {step.name}: {step.detail}")  # noqa: T201
        failed = next((step for step in steps if step.holds is False), None)
        if failed is not None:
            raise TrustError(f"step {failed.number} does not hold: {failed.name}")
        return 0

    _exit(run)


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
    algorithm: Annotated[str, typer.Option(help="ed25519.")] = "ed25519",
) -> None:
    """Make a key pair for signing reports."""

    def run() -> int:
        from dqv.trust import keys

        if algorithm != "ed25519":
            raise UsageError(f"--algorithm {algorithm}: this version makes ed25519 keys only")
        private, public = keys.generate(out)
        print(f"{private} (keep it secret)\n{public} (give it to whoever verifies)")  # noqa: T201
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
    """A data card from a report, or from the report in an out folder."""
    from pydantic import ValidationError

    from dqv.reports.card import data_card
    from dqv.reports.model import Report

    path = path / "report.json" if path.is_dir() else path
    try:
        return data_card(Report.model_validate_json(path.read_bytes()), lang)
    except OSError as error:
        raise UsageError(
            f"--card {path} cannot be read: {error.strerror}; give the report.json of a check"
        ) from error
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, told["loc"]))
        raise UsageError(
            f"--card {path} is no report of this version, field {where or 'of none'}: {told['msg']}; check again and give its report.json"
        ) from None


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
        from rich.console import Console

        from dqv.reports.terminal import summary

        console = Console(width=None if sys.stdout.isatty() else 100)
        console.print(summary(report, _language(lang)))
        console.print(f"{folder / 'report.html'}", highlight=False, markup=False, soft_wrap=True)


def _progress(*, quiet: bool) -> Any:
    if quiet:
        from dqv.engine import Silent

        return contextlib.nullcontext(Silent())
    from dqv.progress import Bars

    return Bars()
