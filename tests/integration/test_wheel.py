"""The package as users get it: a wheel in an environment without development dependencies."""

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    env = {**os.environ, "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    done = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, ROOT],
        capture_output=True,
        text=True,
        env=env,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=True)
    (wheel,) = built.glob("*.whl")
    done = subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel],
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def test_the_wheel_holds_the_linked_folders_and_no_top_level_ones(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "dqv/checks/__init__.py", "dqv/connectors/containers/records.py", "dqv/reports/report.html.j2",
        "dqv/reports/report.css", "dqv/reports/report.typ", "dqv/reports/report.schema.json", "dqv/policies/jiaxing-2025-65.toml", "dqv/py.typed",
    ):  # fmt: skip
        assert needed in names
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"dqv"}


def test_the_sdist_can_be_built_from(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert "dqv/checks/__init__.py" in names or "checks/__init__.py" in names


def test_the_installed_package_has_no_development_dependencies(installed: Path) -> None:
    names = subprocess.run(
        [installed / "pip", "list", "--format=json"], capture_output=True, text=True, check=True
    )
    found = {each["name"].lower() for each in json.loads(names.stdout)}
    assert not found & {"pytest", "hypothesis", "ruff", "mypy", "import-linter", "moto"}


def test_the_installed_command_checks_a_dataset(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "dqv", "demo", "--out", tmp_path / "demo", "--lang", "zh"],
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    truth = json.loads((tmp_path / "demo" / "truth.json").read_bytes())
    report = json.loads((tmp_path / "demo" / "report" / "report.json").read_bytes())
    assert report["verdict"] == "does_not_conform"
    assert truth
    done = subprocess.run(
        [installed / "dqv", "verify", tmp_path / "demo" / "report" / "report.dsse.json", "--trust",
         tmp_path / "demo" / "demo.pub", "--data", tmp_path / "demo" / "dataset"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_folders_import_by_their_full_names_only(installed: Path, tmp_path: Path) -> None:
    code = (
        "import importlib.util as u, dqv.checks, dqv.connectors, dqv.reports;"
        "print([u.find_spec(n) for n in ('checks', 'connectors', 'reports')])"
    )
    done = subprocess.run(
        [installed / "python", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.strip() == "[None, None, None]"
