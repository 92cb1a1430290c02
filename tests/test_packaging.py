"""What the wheel promises: every package in it, nothing needed that it does not ask for."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import curation
from benchmarks.attack.supply_chain import unpinned
from curation.errors import BadInput
from curation.extras import EXTRAS, need
from steering.rooms import ROOMS, main

ROOT = Path(curation.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
OPTIONAL = PROJECT["project"]["optional-dependencies"]
NOT_SHIPPED = {"tests", "benchmarks", "examples"}
BROUGHT = {"llvmlite": "numba", "triton": "torch"} | dict.fromkeys(
    ("fastapi", "gradio-client", "httpx", "jinja2", "mcp", "pydantic", "starlette"), "gradio"
)
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


def test_nothing_is_installed_as_it_comes():
    assert unpinned(ROOT) == []


@pytest.mark.parametrize(
    ("name", "sound", "planted", "fault"),
    [
        ("Dockerfile", r"@sha256:\w+", "", "the base image has no digest"),
        ("Dockerfile", r"sync --quiet --no-cache --locked", "sync", "not installed from the lock"),
        ("Dockerfile", r"--require-hashes", "", "the image installs without hashes"),
        ("Dockerfile", r"\nUSER player", "", "the image runs as root"),
        ("Dockerfile", r"\nHEALTHCHECK[^\]]*\]", "", "no HEALTHCHECK"),
        ("Dockerfile", r"\nCMD .*", r"\nCMD python app.py", "command is a shell's"),
        ("Makefile", r"--require-hashes", "", "the Makefile installs without hashes"),
        ("Makefile", r"UV := .*", "UV := $(shell command -v uv)", "takes any uv"),
        (".ci/run", r"make audit", "", "known vulnerabilities"),
    ],
)
def test_what_is_installed_as_it_comes_is_named(name, sound, planted, fault, tmp_path):
    for path in ("Dockerfile", "Makefile", ".ci/run", ".ci/wheel"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / path, tmp_path / path)
    text = (tmp_path / name).read_text()
    (tmp_path / name).write_text(re.sub(sound, planted, text, count=1))
    (found,) = unpinned(tmp_path)
    assert fault in found


def test_uv_and_what_the_lock_holds_have_hashes():
    pinned = (ROOT / ".ci" / "uv.txt").read_text()
    assert re.search(r"^uv==[\d.]+ \\$", pinned, re.MULTILINE)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", pinned)) > 10
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    files = [file for one in locked for file in (*one.get("wheels", ()), one.get("sdist")) if file]
    assert len(files) > len(locked)
    assert all(file["hash"].startswith("sha256:") for file in files)


def test_requirements_are_the_locks_versions():
    """`make lint` compares every line; that all of them are the lock's needs no uv."""
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    versions = {f"{package['name']}=={package.get('version')}" for package in locked}
    asked = [line.split(" ;")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()]
    assert len(asked) > 50 and set(asked) <= versions


@pytest.mark.parametrize(
    ("code", "said", "ends", "told"),
    [
        (0, "Found no known vulnerabilities in 3 packages", 0, "audit: Found no known"),
        (1, "torch 2.11.0 has 1 known vulnerability", 1, "torch 2.11.0 has 1"),
        (2, "error: Request failed after 3 retries", 0, "audit: NOT DONE"),
    ],
)
def test_an_audit_fails_where_something_is_known_and_says_where_nothing_can_be(
    code, said, ends, told, tmp_path
):
    uv = tmp_path / "uv"
    uv.write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n")
    uv.chmod(0o755)
    command = [str(ROOT / ".ci" / "audit")]
    done = subprocess.run(
        command, env={**os.environ, "UV": str(uv)}, capture_output=True, text=True
    )
    assert done.returncode == ends and told in done.stdout + done.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_has_a_command_line(room, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([room, "--help"])
    assert stopped.value.code == 0 and f"usage: python -m {room}" in capsys.readouterr().out


def test_an_unknown_room_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["kitchen"])
    assert stopped.value.code == 2 and "studio" in capsys.readouterr().err
