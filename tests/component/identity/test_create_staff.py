"""I17: creating staff users on the host."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.identity.people import Language
from services.contracts.permission import Role, SubjectKind
from services.contracts.values import Refusal
from services.identity.app import IDENTITY
from services.identity.commands import create_staff
from tests.component.identity.actions import PASSWORD, Harness, caller_of, claims, codes, signed_in
from tests.support.fixtures import MakeDatabase


async def create(url: str, clock_file: Path, **different: str) -> str | Refusal:
    values = {"username": "ylläpito", "email": "staff@example.com", "password": PASSWORD} | different
    return await create_staff(url, clock_file, **values, language=Language.SV)


async def test_staff_reach_everything_and_are_announced(
    harness: Harness, make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = await harness.pool.fetchval("SELECT current_database()")
    server = (await make_database(IDENTITY)).rpartition("/")[0]
    user_id = await create(f"{server}/{url}", tmp_path / "clock")
    assert isinstance(user_id, str)
    (stated,) = await harness.emitted_events(AccessStated)
    assert (stated.subject_id, stated.kind) == (user_id, SubjectKind.STAFF)
    assert stated.grants == [Grant(organisation_id=None, role=Role.ADMIN, billing=True)]

    session = await signed_in(harness, "Ylläpito")
    assert (await claims(harness, session.access_token)).kind == "STAFF"
    me = await harness.api(await caller_of(harness, session.access_token)).me()
    assert me is not None
    assert (me.staff, me.language, me.memberships) == (True, Language.SV, [])
    assert (
        await harness.pool.fetchval("SELECT action FROM chassis.audit WHERE subject = $1", user_id) == "STAFF_CREATED"
    )


async def test_a_taken_name_and_invalid_values_are_refused(make_database: MakeDatabase, tmp_path: Path) -> None:
    url = await make_database(IDENTITY)
    assert isinstance(await create(url, tmp_path / "clock"), str)
    again = await create(url, tmp_path / "clock", username="YLLÄPITO")
    assert isinstance(again, Refusal)
    assert codes(again) == [("USERNAME_TAKEN", "username")]
    wrong = await create(url, tmp_path / "clock", username="y", email="y", password="salasana2026")
    assert isinstance(wrong, Refusal)
    assert codes(wrong) == [("MALFORMED", "username"), ("MALFORMED", "email"), ("WEAK_PASSWORD", "password")]


@pytest.mark.parametrize(
    ("username", "password", "output"),
    [
        ("ylläpito", "lyhyt", "password: The password is too short: at least 12 characters."),
        (
            "ylläpito",
            "Salasana2026!",
            "password: This password is among the most common ones and easy to guess. Choose another.",
        ),
        ("ylläpito", "oma ylläpito nyt", "password: The password must not contain your username."),
        ("ylläpito", "ö" * 257, "password: The password is too long: at most 256 characters."),
        ("ylläpito", PASSWORD, "ylläpito can sign in."),
    ],
)
async def test_the_command_prints_its_result_in_words(
    make_database: MakeDatabase, tmp_path: Path, username: str, password: str, output: str
) -> None:
    settings = {
        "KIERTO_LISTEN": "127.0.0.1:1",
        "KIERTO_KAFKA": "127.0.0.1:1",
        "KIERTO_IDENTITY_URL": "http://127.0.0.1:1",
        "KIERTO_IDENTITY_DATABASE_URL": await make_database(IDENTITY),
        "KIERTO_IDENTITY_SIGNING_KEY_FILE": str(tmp_path / "none"),
        "KIERTO_IDENTITY_PEPPER": "a pepper for the tests",
        "KIERTO_IDENTITY_SERVICE_SECRETS": "{}",
        "KIERTO_PASSWORD": password,
    }
    command = ["staff", "create", username, "--email", "staff@example.com", "--home", str(tmp_path)]
    result = await asyncio.to_thread(CliRunner().invoke, app, command, env=settings)
    assert (result.output, result.exit_code) == (f"{output}\n", 0 if password == PASSWORD else 1)
