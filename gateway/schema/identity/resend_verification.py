"""Mutation resendVerification."""

from gateway.schema.fields import Info, field
from services.contracts.identity.accounts import ResendVerification, VerificationSent
from services.contracts.values import Refusal


@field("ResendVerificationResult")
async def resend_verification(info: Info, input: ResendVerification) -> VerificationSent | Refusal:
    """Send another link that verifies the caller's e-mail address (I6). Earlier ones are not valid any more."""
    return await info.context.clients.identity.resend_verification(input)
