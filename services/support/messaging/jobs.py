"""The jobs of support: each calls one use case."""

from services.chassis.events.transaction import UnitOfWork
from services.chassis.jobs.job import JobHandler, JobRun, RunAgain
from services.chassis.problems import NotReadyYet
from services.support.domain.message import retry_delay_s
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.record_cause import SendMessages
from services.support.usecases.report_failed_message import fail_cause
from services.support.usecases.send_messages import MessageSources, send_messages


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
