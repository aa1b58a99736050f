"""Comparison of the lock file with the wheels that were published for it.

An installation takes wheels alone: a source needs compilers. ``wheels.lock`` names the wheels of each locked package
that the supported versions and platforms choose. ``python -m tests.wheels`` fails where one has none, without a
network; with ``--write`` it asks the package index again, as ``make lock`` does after a resolution.
"""

import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
WHEELS = ROOT / "wheels.lock"
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))

_GLIBC = 28
"""Minor version of glibc 2 that is there from Debian 10, Ubuntu 20.04 and RHEL 8 on."""


class Target(msgspec.Struct, frozen=True):
    """A version of Python on a platform."""

    name: str
    ranks: Mapping[Tag, int]
    """The tags of the wheels that run there; the best has the lowest rank."""
    markers: Mapping[str, str]
    """Values of the environment markers there."""


def _target(python: tuple[int, int], name: str, platforms: Sequence[str], markers: Mapping[str, str]) -> Target:
    version = ".".join(map(str, python))
    interpreter = f"cp{version.replace('.', '')}"
    tags = (*cpython_tags(python, platforms=platforms), *compatible_tags(python, interpreter, platforms))
    own = {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    return Target(f"Python {version} on {name}", {tag: rank for rank, tag in enumerate(tags)}, {**own, **markers})


def _linux(python: tuple[int, int], machine: str) -> Target:
    kinds = (*(f"manylinux_2_{minor}" for minor in range(_GLIBC, 16, -1)), "manylinux2014", "manylinux2010")
    markers = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": machine}
    return _target(python, f"Linux {machine}", [f"{kind}_{machine}" for kind in (*kinds, "manylinux1")], markers)


def _macos(python: tuple[int, int]) -> Target:
    markers = {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"}
    return _target(python, "macOS arm64", list(mac_platforms((14, 0), "arm64")), markers)


TARGETS = [
    target for python in PYTHONS for target in (_linux(python, "x86_64"), _linux(python, "aarch64"), _macos(python))
]
"""Left out are macOS on x86_64, for which cryptography and argon2-cffi-bindings have no wheels any more, and Alpine and
Windows, for which the embedded servers have none."""


def locked(text: str) -> dict[str, Requirement]:
    """Return the requirements of a lock file by name and version (``name==version``)."""
    lines = (line.partition("\\")[0] for line in text.splitlines() if line[:1].isalnum())
    requirements = map(Requirement, lines)
    return {f"{canonicalize_name(one.name)}{one.specifier}": one for one in requirements}


def choose(wheels: Iterable[str], target: Target) -> str | None:
    """Return the wheel that pip would install there; None if there is none."""
    usable = [
        (min(target.ranks[tag] for tag in tags), wheel)
        for wheel in wheels
        if (tags := parse_wheel_filename(wheel)[3] & target.ranks.keys())
    ]
    return min(usable)[1] if usable else None


def errors(lock: str, recorded: str) -> Iterator[str]:
    """Yield what is missing: of the record, and of the wheels."""
    wheels, packages = _by_package(recorded.split()), locked(lock)
    for package in sorted(packages.keys() - wheels.keys()):
        yield f"{package} has no wheel in wheels.lock: run `make lock`; if it has none at all, choose another version"
    for package in sorted(wheels.keys() - packages.keys()):
        yield f"{package} in wheels.lock is not locked: run `make lock`"
    for package in sorted(wheels.keys() & packages.keys()):
        marker = packages[package].marker
        for target in TARGETS:
            if (marker is None or marker.evaluate(dict(target.markers))) and not choose(wheels[package], target):
                yield f"{package} has no wheel for {target.name}"


def _by_package(names: Iterable[str]) -> dict[str, list[str]]:
    wheels: dict[str, list[str]] = {}
    for name in names:
        package, version, *_ = parse_wheel_filename(name)
        wheels.setdefault(f"{package}=={version}", []).append(name)
    return wheels


def record(published: Mapping[str, Sequence[str]]) -> str:
    """Return the record: of the published wheels those that some target chooses.

    A package that none can use keeps one wheel, so that the check names what it lacks.
    """
    names = set[str]()
    for wheels in published.values():
        chosen = {wheel for target in TARGETS if (wheel := choose(wheels, target))}
        names |= chosen or set(wheels[:1])
    return "".join(f"{name}\n" for name in sorted(names))


def published_wheels(lock: Path) -> dict[str, list[str]]:
    """Ask the package index for the names of all wheels of the locked versions."""
    uv = Path(sys.executable).with_name("uv")
    options = ("--universal", "--no-deps", "--no-header", "--quiet", "--format", "pylock.toml")
    version = f"{PYTHONS[0][0]}.{PYTHONS[0][1]}"
    command = (uv, "pip", "compile", lock, *options, "--python-version", version)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return {
        f"{package['name']}=={package['version']}": [
            wheel.get("name") or wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", ())
        ]
        for package in tomllib.loads(done.stdout)["packages"]
    }


def main(arguments: list[str]) -> int:
    """Compare, or write; return the exit code, 1 if something is missing."""
    lock = LOCK.read_text(encoding="utf-8")
    if "--write" in arguments:
        WHEELS.write_text(record(published_wheels(LOCK)), encoding="utf-8")
    found = list(errors(lock, WHEELS.read_text(encoding="utf-8")))
    sys.stdout.writelines(f"{error}\n" for error in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
