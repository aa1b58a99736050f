"""Mutation liftMailSuppression."""

from gateway.schema.fields import Info, field
from services.contracts.support.mail_suppressions import LiftMailSuppression, MailSuppressionLifted
from services.contracts.values import Refusal


@field("LiftMailSuppressionResult")
async def lift_mail_suppression(info: Info, input: LiftMailSuppression) -> MailSuppressionLifted | Refusal:
    """Have messages mailed to an address again, from which mails came back (S5). Staff only."""
    return await info.context.clients.support.lift_mail_suppression(input)
