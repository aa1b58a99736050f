"""The mails that identity has written, and the jobs that write some of them."""

import asyncio

import msgspec

from services.chassis.ids import read_id
from services.chassis.jobs.job import JobRun
from services.identity.messaging.jobs import recovery_job
from services.identity.settings import IdentitySettings
from services.identity.usecases.request_recovery import SendRecoveryMails
from services.identity.usecases.send_account_mail import AccountMails
from tests.component.identity.actions import Harness


class Mail(msgspec.Struct, frozen=True):
    """A mail as it is sent."""

    recipient: str
    subject: str
    text: str

    @property
    def code(self) -> str:
        """The secret of its link."""
        return self.text.partition("Koodi:\n")[2].partition("\n")[0]


async def mails(harness: Harness) -> list[Mail]:
    """Return all mails so far, in their order, after the jobs that write some."""
    await run_recoveries(harness)
    rows = await harness.pool.fetch("SELECT recipient, subject, text FROM chassis.mail ORDER BY id")
    return [Mail(**dict(row)) for row in rows]


async def new_mails(harness: Harness) -> list[Mail]:
    """Return all mails so far and delete them."""
    found = await mails(harness)
    await harness.pool.execute("DELETE FROM chassis.mail")
    return found


async def run_recoveries(harness: Harness, *, times: int = 1) -> None:
    """Run the queued jobs that write mails."""
    assert isinstance(harness.settings, IdentitySettings)
    handler = recovery_job(
        harness.work,
        AccountMails(
            pepper=harness.settings.pepper.encode(),
            portal_url=harness.settings.portal_url,
            letterhead=harness.settings.letterhead,
        ),
    )
    rows = await harness.pool.fetch(
        "DELETE FROM chassis.pgqueuer WHERE entrypoint = 'send-recovery-mails' RETURNING id, payload"
    )
    for row in sorted(rows, key=lambda row: int(row["id"])):
        for _ in range(times):
            await handler.run(msgspec.json.decode(row["payload"], type=SendRecoveryMails), JobRun(1, asyncio.Event()))


async def verify(harness: Harness, user_id: str) -> None:
    """Verify a user's address as a link would, without a mail."""
    await harness.pool.execute(
        "UPDATE users SET email_verified_at = created_at WHERE id = $1", read_id("user", user_id)
    )
