"""The jobs of identity: each calls one use case."""

from services.chassis.jobs.job import JobHandler, JobRun
from services.identity.usecases.ports.transaction import Work
from services.identity.usecases.request_recovery import SendRecoveryMails
from services.identity.usecases.send_account_mail import AccountMails
from services.identity.usecases.send_recovery_mails import send_recovery_mails


def recovery_job(work: Work, mails: AccountMails) -> JobHandler[SendRecoveryMails]:
    """Return the handler that sends the mails of a request for what was forgotten."""

    async def run(job: SendRecoveryMails, run: JobRun) -> None:
        await send_recovery_mails(work, mails, job)

    return JobHandler(SendRecoveryMails, run)
