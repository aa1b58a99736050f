"""Tests of the check that every locked package has a wheel: each breach is made once on purpose."""

import pytest
from packaging.requirements import Requirement

from tests.wheels import TARGETS, choose, errors, locked, record

LOCK = """\
async-timeout==5.0.1 ; python_full_version < '3.12' \\
    --hash=sha256:0001
    # via redis
regex==2026.11.19 \\
    --hash=sha256:0002 \\
    --hash=sha256:0003
    # via kierto (pyproject.toml)
"""
PURE = "async_timeout-5.0.1-py3-none-any.whl"
BINARY = [
    f"regex-2026.11.19-cp3{minor}-cp3{minor}-{platform}.whl"
    for minor in (11, 12, 13, 14)
    for platform in (
        "macosx_11_0_arm64",
        "manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64",
        "manylinux2014_aarch64.manylinux_2_17_aarch64.manylinux_2_28_aarch64",
    )
]
COMPLETE = "\n".join([PURE, *BINARY])


def test_the_lock_file_is_read_by_name_and_version() -> None:
    requirements = locked(LOCK)
    assert list(requirements) == ["async-timeout==5.0.1", "regex==2026.11.19"]
    assert requirements["async-timeout==5.0.1"] == Requirement("async-timeout==5.0.1 ; python_full_version < '3.12'")


def test_wheels_for_every_version_and_platform_are_enough() -> None:
    assert list(errors(LOCK, COMPLETE)) == []


@pytest.mark.parametrize(
    ("missing", "target"),
    [
        (BINARY[0], "Python 3.11 on macOS arm64"),
        (BINARY[4], "Python 3.12 on Linux x86_64"),
        (BINARY[11], "Python 3.14 on Linux aarch64"),
    ],
)
def test_a_missing_wheel_is_named(missing: str, target: str) -> None:
    assert list(errors(LOCK, COMPLETE.replace(missing, ""))) == [f"regex==2026.11.19 has no wheel for {target}"]


def test_a_package_is_needed_only_where_its_marker_says_so() -> None:
    only_old = COMPLETE.replace(PURE, "async_timeout-5.0.1-cp311-none-any.whl")
    assert list(errors(LOCK, only_old)) == []
    everywhere = LOCK.replace(" ; python_full_version < '3.12'", "")
    assert len(list(errors(everywhere, only_old))) == 9


def test_a_changed_lock_file_needs_a_new_record() -> None:
    (unrecorded, left_over) = errors(LOCK.replace("5.0.1", "5.0.2"), COMPLETE)
    assert unrecorded.startswith("async-timeout==5.0.2 has no wheel in wheels.lock")
    assert left_over.startswith("async-timeout==5.0.1 in wheels.lock is not locked")


def test_a_wheel_for_a_newer_system_is_not_chosen() -> None:
    newer = "regex-2026.11.19-cp311-cp311-manylinux_2_39_x86_64.whl"
    musl = "regex-2026.11.19-cp311-cp311-musllinux_1_2_x86_64.whl"
    assert not any(choose([newer, musl], target) for target in TARGETS)


def test_the_record_holds_the_chosen_wheels_alone() -> None:
    published = {"regex==2026.11.19": [*BINARY, "regex-2026.11.19-cp311-cp311-win_amd64.whl"], "a==1": []}
    assert record(published).split() == sorted(BINARY)


def test_a_package_without_a_usable_wheel_is_recorded_and_reported() -> None:
    wheel = "regex-2026.11.19-cp311-cp311-win_amd64.whl"
    recorded = record({"regex==2026.11.19": [wheel], "async-timeout==5.0.1": [PURE]})
    assert recorded.split() == [PURE, wheel]
    assert len(list(errors(LOCK, recorded))) == len(TARGETS)
