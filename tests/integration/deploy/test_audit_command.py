"""`kierto audit verify` on identity: its result in words, the place of a planted change, and older builds' entries."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from services.chassis.audit.chain import chain_audit
from services.chassis.db.postgres import Pool
from services.chassis.jobs.job import JobRun
from services.identity.app import IDENTITY
from tests.support.fixtures import MakeDatabase
from tests.support.owner import execute_as_owner

# The statement of the builds that had a table of identity's own.
ADD_AS_BEFORE = "INSERT INTO audit (id, at, actor, action, subject) VALUES (gen_random_uuid(), now(), 'host', $1, $2)"


@pytest.fixture
async def identity(
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Pool:
    settings = {
        "LISTEN": "127.0.0.1:1",
        "KAFKA": "127.0.0.1:1",
        "IDENTITY_URL": "http://127.0.0.1:1",
        "IDENTITY_DATABASE_URL": await make_database(IDENTITY),
        "IDENTITY_SIGNING_KEY_FILE": str(tmp_path / "none"),
        "IDENTITY_PEPPER": "a pepper for the tests",
        "IDENTITY_SERVICE_SECRETS": "{}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"KIERTO_{name}", value)
    return await open_pool(settings["IDENTITY_DATABASE_URL"])


async def verify(*arguments: str) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, ["audit", "verify", *arguments]))


async def test_a_planted_change_ends_with_1_and_its_place(identity: Pool, tmp_path: Path) -> None:
    for number in range(3):
        await execute_as_owner(identity, ADD_AS_BEFORE, "STAFF_CREATED", f"user_{number}")
    waiting = await verify("identity", "--home", str(tmp_path))
    assert waiting.output == ("identity: unchanged: rows 0, batches 0; waiting for the next batch: 3\n")
    await chain_audit(identity, JobRun(1, asyncio.Event()))
    whole = await verify("identity", "--home", str(tmp_path))
    digest = await identity.fetchval("SELECT encode(digest, 'hex') FROM chassis.audit_batches")
    assert (whole.exit_code, whole.output) == (
        0,
        f"identity: unchanged: rows 3, batches 1, digest {digest}; waiting for the next batch: 0\n",
    )
    await execute_as_owner(identity, "UPDATE chassis.audit SET actor = 'user_x' WHERE subject = 'user_1'")
    changed = await identity.fetchval("SELECT id::text FROM chassis.audit WHERE actor = 'user_x'")
    found = await verify("identity", "--home", str(tmp_path))
    assert (found.exit_code, found.output) == (
        1,
        f"identity: row 2 ({changed}) was changed; unchanged: rows 0, batches 0\n",
    )


async def test_an_unknown_service_ends_with_2(tmp_path: Path) -> None:
    assert (await verify("billing", "--home", str(tmp_path))).exit_code == 2


async def test_the_entries_of_identitys_former_table_are_kept_in_their_order(identity: Pool) -> None:
    await execute_as_owner(
        identity,
        """
        DROP VIEW audit;
        CREATE TABLE audit (id uuid PRIMARY KEY, at timestamptz NOT NULL, actor text NOT NULL, action text NOT NULL,
            subject text NOT NULL);
        INSERT INTO audit SELECT gen_random_uuid(), now() - number * interval '1 day', 'host', 'STAFF_CREATED',
            'user_' || number FROM generate_series(1, 3) AS number
        """,
    )
    await execute_as_owner(identity, (IDENTITY.migrations / "0003_audit.sql").read_text())
    rows = await identity.fetch("SELECT subject, outcome FROM chassis.audit ORDER BY position")
    assert [tuple(row) for row in rows] == [("user_3", "DONE"), ("user_2", "DONE"), ("user_1", "DONE")]
