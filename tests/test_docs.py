"""The documents say what the code does."""

import ast
import importlib.util
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer.main

from dqv.checks import CHECKS
from dqv.cli import app
from dqv.connectors import layout
from dqv.connectors.containers.records import READERS
from dqv.connectors.platforms import Description
from dqv.core.policy import RULES, load_policy
from dqv.core.registration import Registration

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/RELIABILITY.md",
    "docs/SIGNATURES.md",
)
README = (ROOT / "README.md").read_text("utf-8")
HELP = re.compile(r"<!-- help: begin -->.*?<!-- help: end -->", re.DOTALL)
WRITTEN = HELP.sub("", README)
"""README.md without what is generated."""


def _update_readme() -> Any:
    spec = importlib.util.spec_from_file_location("update_readme", ROOT / "docs" / "update_readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _commands(command: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield (*names, name), inner
        yield from _commands(inner, *names, name)


COMMANDS = dict(_commands(typer.main.get_command(app)))


def test_help_in_the_readme_is_current() -> None:
    assert _update_readme().rewritten(README) == README, "run docs/update_readme.py"


def test_every_command_has_its_help_in_the_readme() -> None:
    shown = _update_readme().COMMANDS
    assert [names for names in COMMANDS if names[:1] not in shown] == []


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_every_option_is_explained_beside_its_command(names: tuple[str, ...]) -> None:
    """`check` has a table of its own; the others share one, whose rows begin with the command."""
    command = f"dqv {' '.join(names)}"
    assert command in WRITTEN
    if names == ("check",):
        explained = WRITTEN.partition("### Options of `dqv check`")[2].partition("\n### ")[0]
    else:
        explained = "\n".join(
            line for line in WRITTEN.splitlines() if line.startswith("| `") and command in line
        )
    options = {option for each in COMMANDS[names].params for option in each.opts if option.startswith("--")}
    missing = [option for option in options - {"--help"} if not re.search(rf"{option}(?![\w-])", explained)]
    assert sorted(missing) == []


def test_every_format_that_is_read_is_listed() -> None:
    assert [name for name in READERS if f"`{name}`" not in WRITTEN] == []


def test_every_suffix_of_images_audio_and_video_is_listed() -> None:
    suffixes = f"{layout._IMAGE} {layout._AUDIO} {layout._VIDEO}".split()
    assert [suffix for suffix in suffixes if f".{suffix}" not in WRITTEN] == []


def _clauses() -> dict[str, list[str]]:
    table = re.search(r"<!-- clauses: begin -->\n(.*?)<!-- clauses: end -->", README, re.DOTALL)
    assert table is not None
    rows = [line.strip("| ").split(" | ") for line in table[1].splitlines()[2:]]
    return {row[1].strip("`"): row for row in rows}


def test_the_table_of_clauses_has_every_rule_in_the_order_of_a_report() -> None:
    assert list(_clauses()) == list(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_the_table_of_clauses_is_what_the_policy_says(rule: str) -> None:
    clause, _, place, *_ = _clauses()[rule]
    policy = load_policy("jiaxing-2025-65").rules[rule]
    assert clause.startswith(f"{policy.clause} ")
    found = re.fullmatch(r'`rules\."(.+?)"(?:\.(\w+) = "(.+)")?`', place)
    assert found is not None
    assert found[1] == rule
    if found[2] is not None:
        assert getattr(policy, found[2]) == found[3]
    else:
        assert policy.threshold is None


@pytest.mark.parametrize("rule", RULES)
def test_the_table_of_clauses_names_the_function_that_checks(rule: str) -> None:
    found = re.fullmatch(r"`(\w+)` in `(checks/\w+\.py)`", _clauses()[rule][3])
    assert found is not None
    tree = ast.parse((ROOT / found[2]).read_text("utf-8"))
    assert found[1] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    check: Any = CHECKS[rule]
    function = check.func if isinstance(check, partial) else check
    assert (function.__name__, function.__module__) == (found[1], f"dqv.checks.{Path(found[2]).stem}")


def test_the_registration_and_the_platform_shown_are_such() -> None:
    registration, platform = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert Registration.model_validate(tomllib.loads(registration)).modalities
    assert Description.model_validate(tomllib.loads(platform)).fields
    whole = re.sub(r"^# (?=(?:ca|networks|scope|send) = )", "", platform, flags=re.MULTILINE)
    assert Description.model_validate(tomllib.loads(whole)).networks


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_relative_link_leads_somewhere(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    here = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    files = {link.partition("#")[0] for link in here} - {""}
    assert [link for link in here if link.startswith("#") and link[1:] not in anchors] == []
    assert sorted(name for name in files if not (ROOT / name).exists()) == []


PLACES = (
    "dqv checks connectors reports tests conformance benchmarks docs .ci core execute measure neardup trust"
)
"""Folders of the repository, and those under dqv/, which the documents name without it."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    named = [
        name
        for name in re.findall(r"`([\w./-]+/[\w./-]*)`", text)
        if name.partition("/")[0] in PLACES.split()
    ]
    missing = [name for name in named if not (ROOT / name).exists() and not (ROOT / "dqv" / name).exists()]
    assert missing == []


def _tracked() -> list[Path]:
    """What is in the repository, and what would be added to it."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_path_of_a_machine() -> None:
    pattern = re.compile(rb"/(?:work|tmp/w|root|home)/\w")
    texts = [path for path in _tracked() if path.suffix != ".png"]
    assert [str(path) for path in texts if pattern.search(path.read_bytes())] == []


def test_installing_names_no_index() -> None:
    """Which index is used is for the machine to say."""
    names = {"constraints.txt", "pyproject.toml", "Makefile", "Dockerfile", "run"}
    pattern = re.compile(r"://|index-url|find-links|trusted-host")
    found = {
        path.name: pattern.findall(path.read_text("utf-8"))
        for path in _tracked()
        if path.name in names or path.suffix in (".sh", ".mk")
    }
    assert {name: each for name, each in found.items() if each} == {}


def test_no_document_names_an_index() -> None:
    pattern = re.compile(r"index-url|find-links|trusted-host|/simple/")
    assert [name for name in DOCUMENTS if pattern.search((ROOT / name).read_text("utf-8"))] == []


def test_every_test_that_reliability_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "RELIABILITY.md").read_text("utf-8")))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE)
    }
    assert named
    assert named <= there, named - there
