"""What reaches a user's site-packages, and what it needs there."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("router", "policies", "evaluators", "batch", "dashboards")
JUNK = shutil.ignore_patterns("__pycache__", "*.pyc", ".*cache")

BROUGHT_BY = {"pydantic-core": "pydantic", "referencing": "jsonschema", "scipy": "scikit-learn"}
"""Distributions whose types are a part of another one's public interface, and always come with it."""


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    matched = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert matched, requirement
    return re.sub(r"[-_.]+", "-", matched.group()).lower()


def third_party_imports() -> set[str]:
    """Give the distributions that the five packages import from."""
    modules: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    modules |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules.add(node.module.partition(".")[0])
    foreign = modules - set(PACKAGES) - sys.stdlib_module_names
    known = packages_distributions()
    names = {name_of(known[module][0]) if module in known else module for module in foreign}
    return {BROUGHT_BY.get(name, name) for name in names}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build from a copy: setuptools leaves its traces beside what it builds."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    for name in (*PACKAGES, "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=JUNK)
    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", build], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(copy / done.stdout.splitlines()[-1])


def test_the_wheel_holds_the_five_packages_and_nothing_beside_them(wheel: zipfile.ZipFile):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile):
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours - set(wheel.namelist()) == set()


def test_the_wheel_says_that_it_is_typed_and_under_which_licence(wheel: zipfile.ZipFile):
    names = wheel.namelist()
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    metadata = wheel.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    assert "License-Expression: Apache-2.0\n" in metadata
    assert re.search(r"^Name: farthing\nVersion: \d+\.\d+\.\d+$", metadata, re.MULTILINE)
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_wheel_brings_the_command(wheel: zipfile.ZipFile):
    entry = wheel.read(next(name for name in wheel.namelist() if name.endswith("/entry_points.txt")))
    assert b"farthing = router.__main__:main" in entry


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_imported_from_this_checkout(package: str):
    command = [sys.executable, "-c", f"import {package}; print({package}.__file__)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == ROOT / package / "__init__.py"


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    imported = third_party_imports()
    required = {name_of(each) for each in project()["dependencies"]}
    extras = project()["optional-dependencies"]
    optional = {name_of(each) for extra in extras.keys() - {"test", "dev"} for each in extras[extra]}
    assert imported - required - optional == set()
    # `zoneinfo` reads it where the system has no time zones of its own.
    assert required - imported == {"tzdata"}


def lock() -> str:
    return (ROOT / "uv.lock").read_text()


def test_the_lock_names_public_places_only():
    hosts = set(re.findall(r"[a-z]+://[^/\"]+", lock()))
    assert hosts <= {"https://pypi.org", "https://files.pythonhosted.org"}
    assert "/opt/" not in lock()


def test_the_lock_was_made_for_what_is_declared():
    """If this fails: `uv lock`."""
    ours = next(each for each in tomllib.loads(lock())["package"] if each["name"] == "farthing")
    locked = {(each["name"], each.get("specifier", "")) for each in ours["metadata"]["requires-dist"]}
    extras = [each for group in project()["optional-dependencies"].values() for each in group]
    declared = set()
    for requirement in [*project()["dependencies"], *extras]:
        said = requirement.partition(";")[0].strip()
        specifier = re.sub(r"^[A-Za-z0-9._-]+(\[.*\])?", "", said)
        declared.add((name_of(said), ",".join(sorted(specifier.split(",")))))
    assert {(name, ",".join(sorted(specifier.split(",")))) for name, specifier in locked} == declared
