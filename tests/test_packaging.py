"""What the wheel promises: every package in it, nothing needed that it does not ask for."""

from __future__ import annotations

import ast
import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import curation
from curation.errors import BadInput
from curation.extras import EXTRAS, need
from steering.rooms import ROOMS, main

ROOT = Path(curation.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
OPTIONAL = PROJECT["project"]["optional-dependencies"]
NOT_SHIPPED = {"tests", "benchmarks", "examples"}
BROUGHT = {"mcp": "gradio", "gradio-client": "gradio", "llvmlite": "numba"}
ONLY_WHERE_IT_IS = {"spaces", "audiocraft"}
"""Asked for in a `try`: a Space's own package, and what pip cannot install beside a current torch."""


def names(requirements: list[str]) -> set[str]:
    return {Requirement(one).name for one in requirements}


def distributions() -> dict[str, str]:
    known = importlib.metadata.packages_distributions()
    return {module: found[0].lower().replace("_", "-") for module, found in known.items()}


def imports(node: ast.AST, lazy: bool = False) -> Iterator[tuple[str, bool]]:
    """Absolute imports below a node, and whether they happen in a function only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from ((alias.name.split(".")[0], lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and not child.level:
            yield str(child.module).split(".")[0], lazy
        yield from imports(child, lazy or isinstance(child, ast.FunctionDef | ast.Lambda))


def third_party() -> Iterator[tuple[str, str, bool]]:
    """Module path, the distribution that it imports, and whether in a function only."""
    known = distributions()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for name, lazy in imports(ast.parse(path.read_text())):
                if name not in sys.stdlib_module_names and name not in PACKAGES:
                    found = known.get(name, name)
                    yield path.relative_to(ROOT).as_posix(), BROUGHT.get(found, found), lazy


def test_every_package_is_in_the_wheel_and_typed():
    there = {path.parent.name for path in ROOT.glob("*/__init__.py")} - NOT_SHIPPED
    assert set(PACKAGES) == there
    assert all((ROOT / name / "py.typed").is_file() for name in PACKAGES)


def test_what_is_imported_is_a_dependency():
    core, extra = names(PROJECT["project"]["dependencies"]), set()
    for requirements in OPTIONAL.values():
        extra |= names(requirements)
    for path, distribution, lazy in third_party():
        if distribution in ONLY_WHERE_IT_IS:
            assert lazy, f"{path} cannot be imported where {distribution} is not"
        elif lazy or distribution in ("gradio", "matplotlib"):
            assert distribution in core | extra, f"{path} imports {distribution}"
        else:
            assert distribution in core, f"{path} imports {distribution}"


def test_only_the_page_and_what_draws_is_imported_with_an_extra():
    eager = {(path, name) for path, name, lazy in third_party() if not lazy}
    assert all(path.startswith("studio/") for path, name in eager if name == "gradio")
    drawing = {Path(path).stem for path, name in eager if name == "matplotlib"}
    assert drawing <= {"drawing", "gallery"}


def test_no_dependency_is_left_over():
    used = {distribution for _, distribution, _ in third_party()}
    assert names(PROJECT["project"]["dependencies"]) <= used
    assert names(OPTIONAL["page"] + OPTIONAL["curation"]) <= used | {"torchcodec"}


def test_an_extra_brings_the_modules_that_are_asked_for():
    known = distributions()
    for extra, modules in EXTRAS.items():
        assert {known[name] for name in modules} <= names(OPTIONAL[extra])


def test_a_missing_extra_is_one_line_that_names_the_fix(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(
        BadInput, match=r"^gradio not installed: pip install 'steering-music\[page\]'$"
    ):
        need("page")


def test_a_folder_of_that_name_is_no_module(monkeypatch, tmp_path):
    (tmp_path / "wanted").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(EXTRAS, "page", ("wanted",))
    with pytest.raises(BadInput, match="wanted not installed"):
        need("page")


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_has_a_command_line(room, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([room, "--help"])
    assert stopped.value.code == 0 and f"usage: python -m {room}" in capsys.readouterr().out


def test_an_unknown_room_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["kitchen"])
    assert stopped.value.code == 2 and "studio" in capsys.readouterr().err
