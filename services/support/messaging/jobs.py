"""The jobs of support: each calls one use case."""

from services.chassis.events.transaction import UnitOfWork
from services.chassis.jobs.job import JobHandler, JobRun, RunAgain
from services.chassis.problems import NotReadyYet
from services.chassis.runtime.settings import Letterhead
from services.support.domain.receipt import retry_delay_s
from services.support.usecases.ports.recipients import Recipients
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.send_receipt import SendReceipt, send_receipt


def receipt_job(
    work: UnitOfWork[SupportStore], recipients: Recipients, letterhead: Letterhead
) -> JobHandler[SendReceipt]:
    """Return the handler that sends a receipt; while identity does not answer, the job runs again later."""

    async def run(job: SendReceipt, run: JobRun) -> None:
        try:
            await send_receipt(work, recipients, letterhead, job.ticket_id)
        except NotReadyYet:
            raise RunAgain(retry_delay_s(run.attempt)) from None

    return JobHandler(SendReceipt, run)
