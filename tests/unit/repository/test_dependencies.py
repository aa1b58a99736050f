"""Tests of pyproject.toml: bounds of every dependency, and one list of the supported versions of Python."""

import re
import tomllib
from itertools import pairwise

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests import check
from tests.support.servers import ROOT
from tests.wheels import LOCK, PYTHONS, locked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DIRECT = [
    *PROJECT["project"]["dependencies"],
    *(one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra),
    *PROJECT["build-system"]["requires"],
]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
VERSIONS = [f"{major}.{minor}" for major, minor in PYTHONS]


@pytest.mark.parametrize("dependency", DIRECT)
def test_a_dependency_has_bounds_that_hold_its_locked_version(dependency: str) -> None:
    requirement = Requirement(dependency)
    assert sorted(one.operator for one in requirement.specifier) == ["<", ">="]
    versions = {one.name: str(one.specifier).removeprefix("==") for one in locked(LOCK.read_text("utf-8")).values()}
    assert versions[canonicalize_name(requirement.name)] in requirement.specifier


def test_no_dependency_is_named_twice() -> None:
    names = sorted(Requirement(one).name for one in DIRECT if not one.startswith("hatchling"))
    assert [one for one, other in pairwise(names) if one == other] == []


def test_a_supported_version_is_known_everywhere() -> None:
    supported = SpecifierSet(PROJECT["project"]["requires-python"])
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}" in supported] == VERSIONS
    searched = re.search(r"for python in (.*) python3;", MAKEFILE)
    assert searched is not None
    assert searched[1].split() == [f"python{version}" for version in reversed(VERSIONS)]


def test_types_are_checked_for_the_oldest_and_the_newest() -> None:
    commands = [command for _, command in check.SLOW if command[0] == "mypy"]
    assert [command[-1] for command in commands] == [VERSIONS[0], VERSIONS[-1]]
    assert PROJECT["tool"]["mypy"]["python_version"] == VERSIONS[0]
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{VERSIONS[0].replace('.', '')}"
