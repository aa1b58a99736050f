"""Mutation resumeMail."""

from gateway.schema.fields import Info, field
from services.contracts.support.mail_suppressions import MailResumed, ResumeMail
from services.contracts.values import Refusal


@field("ResumeMailResult")
async def resume_mail(info: Info, input: ResumeMail) -> MailResumed | Refusal:
    """Have messages mailed to the user's address again, from which mails came back (S5)."""
    return await info.context.clients.support.resume_mail(input)
