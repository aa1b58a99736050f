"""The audit log: written with its transaction, chained, and verified; each planted change is found."""

import asyncio
import hashlib
import itertools
import subprocess
import sys

import msgspec
import pytest

from services.chassis.audit import chain, digests
from services.chassis.audit.chain import ChainAudit, chain_audit, chain_handler
from services.chassis.audit.entry import AuditEntry, PersonalFields
from services.chassis.audit.verification import AuditVerification, verify
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.sensitive import erase_person, export_person
from services.chassis.db.sensitive_tables import CHASSIS_SENSITIVE
from services.chassis.ids import new_uuid, write_id
from services.chassis.jobs.job import JobRun, RunAgain
from services.chassis.runtime.pause import pause
from services.contracts.audit import AuditOutcome
from tests.support.alpha import Alpha
from tests.support.job_runner import running_jobs
from tests.support.owner import execute_as_owner, owner_of
from tests.support.polling import until

USER = write_id("user", new_uuid())
BATCHES = "SELECT number, positions, digest FROM chassis.audit_batches ORDER BY number"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "BATCH_SIZE", 3)


def entry(number: int, personal: PersonalFields | None = None) -> AuditEntry:
    return AuditEntry(actor=USER, action="COUNTED", subject=f"thing_{number}", personal=personal)


async def add(alpha: Alpha, *numbers: int) -> None:
    async with alpha.work() as tx:
        for number in numbers:
            address = {"address": f"192.0.2.{number}", "device": "Päätelaite 😀"}
            tx.audit(entry(number, PersonalFields(person_id=USER, fields=address)))


async def chain_now(alpha: Alpha) -> None:
    await chain_audit(alpha.pool, JobRun(1, asyncio.Event()))


async def verified(alpha: Alpha) -> AuditVerification:
    async with alpha.pool.acquire() as connection:
        return await verify(connection)


async def positions(alpha: Alpha) -> list[list[int]]:
    return [list(row["positions"]) for row in await alpha.pool.fetch(BATCHES)]


async def test_an_entry_is_committed_with_its_transaction(alpha: Alpha) -> None:
    organisation_id = new_uuid()
    async with alpha.work() as tx:
        tx.audit(
            AuditEntry(
                actor=USER,
                acting_for="org_x",
                action="CODE_READ",
                subject="site_1",
                organisation_id=write_id("org", organisation_id),
                outcome=AuditOutcome.REFUSED,
            )
        )
        tx.audit(entry(2))
    with pytest.raises(RuntimeError):
        async with alpha.work() as tx:
            tx.audit(entry(3))
            raise RuntimeError
    rows = await alpha.pool.fetch(f"SELECT {digests.COLUMNS} FROM chassis.audit ORDER BY position")
    assert [tuple(row)[2:] for row in rows] == [
        (alpha.clock.now(), USER, "org_x", "CODE_READ", "site_1", organisation_id, "REFUSED", None),
        (alpha.clock.now(), USER, None, "COUNTED", "thing_2", None, "DONE", None),
    ]


async def test_what_is_tried_out_leaves_no_entry(alpha: Alpha) -> None:
    async with alpha.work() as tx:
        tx.audit(entry(1))

        async def count() -> None:
            tx.audit(entry(2))

        await tx.try_out(count)
    assert [row["subject"] for row in await alpha.pool.fetch("SELECT subject FROM chassis.audit")] == ["thing_1"]


async def test_the_digest_covers_every_column_and_never_changes(alpha: Alpha) -> None:
    columns = await alpha.pool.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'chassis.audit'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert [row["attname"] for row in columns] == digests.COLUMNS.split(", ")
    row = await alpha.pool.fetchrow(
        """
        SELECT 7::bigint AS position, '01890a5d-ac96-774b-bcce-b302099a8057'::uuid AS id,
            '2026-03-04T10:00:00.5+02'::timestamptz AS at, 'user_ä' AS actor, NULL::text AS acting_for,
            'READ' AS action,
            'site_1' AS subject, NULL::uuid AS organisation_id, 'DONE' AS outcome, '\\x0102'::bytea AS personal_digest
        """
    )
    assert row is not None
    text = (
        '[7,"01890a5d-ac96-774b-bcce-b302099a8057","2026-03-04T08:00:00.500000+00:00","user_ä",null,"READ","site_1",'
        'null,"DONE","0102"]'
    )
    assert digests.row_digest(row) == hashlib.sha256(text.encode()).digest()


async def test_rows_are_chained_in_order_by_the_job_and_verified(alpha: Alpha) -> None:
    assert await verified(alpha) == AuditVerification()
    await add(alpha, 1, 2, 3, 4)
    assert (await verified(alpha)).unchained == 4
    async with alpha.work() as tx:
        tx.enqueue(ChainAudit())
    async with running_jobs(alpha.pool, chain_handler(alpha.pool)):
        await until(lambda: positions(alpha), lambda chained: chained == [[1, 2, 3], [4]])
    await chain_now(alpha)
    await add(alpha, 5)
    await chain_now(alpha)
    await add(alpha, 6)
    assert await positions(alpha) == [[1, 2, 3], [4], [5]]
    result = await verified(alpha)
    assert (result.fault, result.batches, result.rows, result.unchained) == (None, 3, 5, 1)
    assert result.digest == await alpha.pool.fetchval("SELECT digest FROM chassis.audit_batches WHERE number = 3")


CHANGES = [
    ("UPDATE chassis.audit SET subject = 'thing_9' WHERE position = 5", "row 5 was changed"),
    ("UPDATE chassis.audit SET at = at + interval '1 microsecond' WHERE position = 5", "row 5 was changed"),
    ("UPDATE chassis.audit SET acting_for = '' WHERE position = 2", "row 2 was changed"),
    ("UPDATE chassis.audit SET personal_digest = NULL WHERE position = 2", "row 2 was changed"),
    ("DELETE FROM chassis.audit WHERE position = 4", "row 4 was deleted"),
    ("DELETE FROM chassis.audit WHERE position = 7", "row 7 was deleted"),
    (
        "INSERT INTO chassis.audit (position, id, at, actor, action, subject) "
        "VALUES (0, gen_random_uuid(), now(), 'host', 'COUNTED', 'thing_0')",
        "row 0 was inserted",
    ),
    (
        "UPDATE chassis.audit SET position = 8 WHERE position = 2; UPDATE chassis.audit SET position = 2 "
        "WHERE position = 3; UPDATE chassis.audit SET position = 3 WHERE position = 8",
        "row 2 was changed",
    ),
    (
        'UPDATE chassis.audit_personal SET fields = fields || \'{"address": "192.0.2.9"}\' '
        "WHERE audit_id = (SELECT id FROM chassis.audit WHERE position = 6)",
        "the personal fields of row 6 were changed",
    ),
    (
        "UPDATE chassis.audit_personal SET fields = '[1]' "
        "WHERE audit_id = (SELECT id FROM chassis.audit WHERE position = 6)",
        "the personal fields of row 6 were changed",
    ),
    ("DELETE FROM chassis.audit_batches WHERE number = 1", "batch 1 is missing"),
    ("DELETE FROM chassis.audit_batches WHERE number = 2", "batch 2 is missing"),
    (
        "UPDATE chassis.audit_batches SET number = 3 - number + 100 WHERE number < 3; "
        "UPDATE chassis.audit_batches SET number = number - 100 WHERE number > 99",
        "batch 1 was changed, or does not follow the batch before it",
    ),
    (
        "UPDATE chassis.audit_batches SET row_digests[2] = row_digests[1] WHERE number = 2",
        "batch 2 was changed, or does not follow the batch before it",
    ),
    (
        "UPDATE chassis.audit_batches SET digest = sha256('') WHERE number = 2",
        "batch 2 was changed, or does not follow the batch before it",
    ),
]


@pytest.mark.parametrize(("statement", "fault"), CHANGES)
async def test_a_planted_change_is_found_at_its_place(alpha: Alpha, statement: str, fault: str) -> None:
    await add(alpha, 1, 2, 3, 4, 5, 6, 7)
    await chain_now(alpha)
    await execute_as_owner(
        alpha.pool, "ALTER TABLE chassis.audit_personal DROP CONSTRAINT audit_personal_audit_id_fkey"
    )
    assert (await verified(alpha)).fault is None
    await execute_as_owner(alpha.pool, statement)
    found = (await verified(alpha)).fault
    assert found is not None
    words = found.split(" ")
    assert " ".join(word for word in words if not word.startswith("(")) == fault


async def test_a_row_that_was_changed_with_its_batch_breaks_the_next_one(alpha: Alpha) -> None:
    await add(alpha, 1, 2, 3, 4)
    await chain_now(alpha)
    await execute_as_owner(alpha.pool, "UPDATE chassis.audit SET actor = 'user_other' WHERE position = 2")
    rows = await alpha.pool.fetch(f"SELECT {digests.COLUMNS} FROM chassis.audit WHERE position < 4 ORDER BY position")
    forged = [digests.row_digest(row) for row in rows]
    digest = digests.batch_digest(1, [1, 2, 3], forged, b"")
    forge = "UPDATE chassis.audit_batches SET row_digests = $1, digest = $2 WHERE number = 1"
    await execute_as_owner(alpha.pool, forge, forged, digest)
    assert (await verified(alpha)).fault == "batch 2 was changed, or does not follow the batch before it"


async def test_a_row_that_is_committed_late_comes_in_its_order(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    paused = asyncio.Event()

    async def pausing(stop: asyncio.Event, seconds: float) -> None:
        paused.set()
        await pause(stop, seconds)

    monkeypatch.setattr(chain, "pause", pausing)
    async with alpha.pool.acquire() as connection:
        late = connection.transaction()
        await late.start()
        await insert(connection, "late")
        await add(alpha, 2, 3)
        chaining = asyncio.ensure_future(chain_now(alpha))
        waiting = asyncio.ensure_future(paused.wait())
        await asyncio.wait({chaining, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert not chaining.done()
        await late.commit()
    await chaining
    await waiting
    assert await positions(alpha) == [[1, 2, 3]]
    assert (await verified(alpha)).fault is None


async def insert(connection: DatabaseConnection, subject: str) -> None:
    await connection.execute(
        "INSERT INTO chassis.audit (id, at, actor, action, subject) VALUES (gen_random_uuid(), now(), 'host', 'X', $1)",
        subject,
    )


async def test_a_transaction_has_its_id_before_it_draws_a_position(alpha: Alpha) -> None:
    default = await alpha.pool.fetchval(
        "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'chassis.audit'::regclass AND adnum = 1"
    )
    # The first use of a sequence writes to PostgreSQL's log, for which a transaction gets an id anyway.
    for _ in range(3):
        async with alpha.pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SELECT {default}")
            has_id = await connection.fetchval("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
    assert has_id


async def test_a_stopped_job_waits_for_no_older_transaction(alpha: Alpha) -> None:
    stop = asyncio.Event()
    stop.set()
    async with alpha.pool.acquire() as connection, connection.transaction():
        await insert(connection, "late")
        await add(alpha, 2)
        with pytest.raises(RunAgain):
            await chain_audit(alpha.pool, JobRun(1, stop))
    assert await positions(alpha) == []


async def test_writers_and_several_jobs_at_once_leave_a_whole_chain(alpha: Alpha) -> None:
    done = asyncio.Event()

    async def write(writer: int) -> None:
        for number in range(15):
            async with alpha.work() as tx:
                tx.audit(entry(writer))
                tx.audit(entry(number))

    async def chaining() -> None:
        while not done.is_set():
            await chain_now(alpha)

    chains = [asyncio.ensure_future(chaining()) for _ in range(2)]
    await asyncio.gather(*(write(writer) for writer in range(4)))
    done.set()
    await asyncio.gather(*chains)
    await chain_now(alpha)
    result = await verified(alpha)
    assert (result.fault, result.rows, result.unchained) == (None, 120, 0)
    chained = list(itertools.chain(*await positions(alpha)))
    assert chained == sorted(set(chained))


async def test_an_erasure_deletes_the_personal_fields_and_keeps_the_chain(alpha: Alpha) -> None:
    other = write_id("user", new_uuid())
    await add(alpha, 1, 2)
    async with alpha.work() as tx:
        tx.audit(entry(3, PersonalFields(person_id=other, fields={"address": "192.0.2.3"})))
    await chain_now(alpha)
    async with alpha.work() as tx:
        exported = await export_person(tx.connection, CHASSIS_SENSITIVE, USER)
        assert [msgspec.json.decode(row["fields"])["address"] for row in exported["chassis.audit_personal"]] == [
            "192.0.2.1",
            "192.0.2.2",
        ]
    async with owner_of(alpha.pool) as owner, owner.transaction():
        await erase_person(owner, CHASSIS_SENSITIVE, USER)
    left = await alpha.pool.fetch("SELECT fields FROM chassis.audit_personal")
    assert [msgspec.json.decode(row["fields"]) for row in left] == [{"address": "192.0.2.3"}]
    result = await verified(alpha)
    assert (result.fault, result.rows) == (None, 3)


async def test_a_killed_job_leaves_whole_batches_and_the_next_goes_on(alpha: Alpha) -> None:
    await add(alpha, 1, 2, 3, 4, 5, 6, 7)
    command = [sys.executable, "-m", "tests.integration.chassis.audit.chain_batches", alpha.url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            assert await asyncio.to_thread(process.stderr.readline) == "stopped\n"
        finally:
            process.kill()
    assert await positions(alpha) == [[1, 2, 3]]
    await until(lambda: without_lock(alpha), within=60)
    await chain_now(alpha)
    assert await positions(alpha) == [[1, 2, 3], [4, 5, 6], [7]]
    assert (await verified(alpha)).fault is None


async def without_lock(alpha: Alpha) -> bool:
    """Return whether the server has ended the killed process's session."""
    return not await alpha.pool.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'chaining'")
