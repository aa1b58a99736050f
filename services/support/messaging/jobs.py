"""The jobs of support: each calls one use case."""

import uuid

from services.chassis.db.postgres import Pool
from services.chassis.events.transaction import UnitOfWork
from services.chassis.jobs.job import JobHandler, JobRun, RunAgain
from services.chassis.mail import MailOwner
from services.chassis.problems import NotReadyYet
from services.chassis.runtime.clock import Clock
from services.contracts.identity.people import Language
from services.support.domain.message import retry_delay_s
from services.support.store.retention import DeleteExpiredMessages, delete_expired
from services.support.usecases.close_ticket import CloseTicket, close_ticket
from services.support.usecases.hold_messages import may_send_message
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.record_cause import SendMessages
from services.support.usecases.report_failed_message import fail_cause, fail_message
from services.support.usecases.send_messages import MessageSources, send_messages

_RESTORE_CHECK_S = 1
"""The seconds until a mail is tried again for which the database is to be compared with the broker first."""


class MessageMails(MailOwner):
    """The mails of support: each is that of a message."""

    def __init__(self, work: UnitOfWork[SupportStore], language: Language) -> None:
        self._work = work
        self._language = language

    async def may_send(self, mail_id: uuid.UUID) -> bool:
        try:
            return await may_send_message(self._work, self._language, mail_id)
        except NotReadyYet:
            raise RunAgain(_RESTORE_CHECK_S) from None

    async def give_up(self, mail_id: uuid.UUID) -> None:
        await fail_message(self._work, self._language, mail_id)


def messages_job(work: UnitOfWork[SupportStore], sources: MessageSources) -> JobHandler[SendMessages]:
    """Return the handler that sends the messages of a cause.

    While an owner does not answer, the job runs again later, for a day.
    """

    async def run(job: SendMessages, run: JobRun) -> None:
        try:
            await send_messages(work, sources, job.cause_id)
        except NotReadyYet:
            if not await fail_cause(work, sources.language, job.cause_id):
                raise RunAgain(retry_delay_s(run.attempt)) from None

    return JobHandler(SendMessages, run)


def closing_job(work: UnitOfWork[SupportStore]) -> JobHandler[CloseTicket]:
    """Return the handler that closes a solved ticket."""

    async def run(job: CloseTicket, run: JobRun) -> None:
        async with work() as tx:
            await close_ticket(tx, job.ticket_id)

    return JobHandler(CloseTicket, run)


def retention_job(pool: Pool, clock: Clock) -> JobHandler[DeleteExpiredMessages]:
    """Return the handler that deletes messages whose time is over."""

    async def run(job: DeleteExpiredMessages, run: JobRun) -> None:
        await delete_expired(pool, clock.now(), run.stop)

    return JobHandler(DeleteExpiredMessages, run, held=False)
