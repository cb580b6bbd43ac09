"""Rewrites the generated parts of README.md: `.venv/bin/python docs/update_readme.py`."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"

COMMANDS: tuple[tuple[str, ...], ...] = (
    (),
    ("check",),
    ("verify",),
    ("prove",),
    ("explain",),
    ("compare",),
    ("fix",),
    ("export",),
    ("annex",),
    ("init",),
    ("keygen",),
    ("policy",),
    ("demo",),
)
"""The commands whose help stands in README.md."""

_BLOCK = re.compile(r"(<!-- help: begin -->\n).*?(<!-- help: end -->)", re.DOTALL)


def help_of(command: tuple[str, ...]) -> str:
    """What `dqv COMMAND --help` prints, whatever the terminal's width and the user's language."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LC_", "TERMINAL_", "FORCE_"))
    }
    environment |= {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
    program = "import sys; from dqv.cli import app; app(args=sys.argv[1:], prog_name='dqv')"
    done = subprocess.run(
        [sys.executable, "-c", program, *command, "--help"],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip("\n") + "\n"


def help_block() -> str:
    """All help, as it stands between the markers."""
    return "".join(f"```console\n$ {_spelt(each)} --help\n{help_of(each)}```\n\n" for each in COMMANDS)


def _spelt(command: tuple[str, ...]) -> str:
    return " ".join(("dqv", *command))


def rewritten(readme: str) -> str:
    """README.md with its generated parts made anew.

    Raises:
        ValueError: the markers are not there, each once.
    """
    found, count = _BLOCK.subn(lambda match: f"{match[1]}{help_block()}{match[2]}", readme)
    if count != 1:
        raise ValueError(f"README.md has {count} blocks between the markers of the help, not one")
    return found


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text("utf-8")), "utf-8")
