"""The house: links, folders, imports by their full names."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import dqv
from dqv.core.errors import DEFECTIVE_KINDS, UNREAD_KINDS, DqvError, ItemError

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["checks", "connectors", "reports"])
def test_the_owners_folders_are_linked_into_the_package(name: str) -> None:
    assert (ROOT / "dqv" / name).is_symlink()
    assert (ROOT / "dqv" / name).resolve() == ROOT / name
    assert importlib.import_module(f"dqv.{name}").__name__ == f"dqv.{name}"


def test_nothing_imports_them_as_top_level_names() -> None:
    for folder in ("dqv", "checks", "connectors", "reports", "conformance", "benchmarks", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                top = {name.partition(".")[0] for name in names}
                assert not top & {"checks", "connectors", "reports"}, path


def test_every_module_imports_and_tells_what_it_is_for() -> None:
    for info in pkgutil.walk_packages(dqv.__path__, "dqv."):
        if info.name != "dqv.__main__":
            assert importlib.import_module(info.name).__doc__, info.name


@pytest.mark.parametrize("kind", sorted(DEFECTIVE_KINDS | UNREAD_KINDS))
def test_errors_of_items_pickle(kind: str) -> None:
    import pickle

    error = pickle.loads(pickle.dumps(ItemError(kind, "detail")))
    assert (error.kind, error.detail) == (kind, "detail")
    assert error.status == ("defective" if kind in DEFECTIVE_KINDS else "unread")


def test_all_errors_have_an_exit_code_of_the_contract() -> None:
    def tree(error: type[DqvError]) -> list[type[DqvError]]:
        return [error, *(each for sub in error.__subclasses__() for each in tree(sub))]

    assert {error.exit_code for error in tree(DqvError)} <= {2, 3, 4}


def test_an_unknown_kind_of_item_error_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        ItemError("moon", "x")
