"""The contact form for those who can't sign in (S1)."""

from collections.abc import Sequence

from services.access.caller import Caller
from services.chassis.ids import new_uuid
from services.contracts.support.tickets import Channel, PublicFormReceived, SendPublicForm
from services.contracts.values import Id, Refusal
from services.support.domain.contact_form import ContactForm, parse_public_form
from services.support.domain.limits import WINDOW, MessageLimits, digest_of, limit_refusal
from services.support.domain.ticket import SenderContact
from services.support.usecases.open_ticket import open_ticket
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.record_cause import record_receipt

OPERATION = "sendPublicForm"


async def send_public_form(
    tx: SupportStore, caller: Caller, limits: MessageLimits, command: SendPublicForm
) -> PublicFormReceived | Refusal:
    """Open a ticket without an organisation, which the staff find out.

    Neither the answer nor its time depends on whether the sender is a customer. A form that is sent again is answered
    with its ticket. The network address is one limit, the address or the telephone number of the sender another.
    """
    form = parse_public_form(command)
    if isinstance(form, Refusal):
        return form

    sender = digest_of((form.email or form.phone or "").casefold())

    async def do() -> PublicFormReceived | Refusal:
        return await _open_ticket(tx, sender, digest_of(caller.address), limits, command, form)

    async def read_again(ids: Sequence[Id]) -> PublicFormReceived | None:
        return PublicFormReceived(number=ids[0])

    return await tx.execute_once(
        organisation="",
        caller=sender,
        operation=OPERATION,
        command=command,
        do=do,
        ids=lambda received: [received.number],
        read_again={PublicFormReceived: read_again},
    )


async def _open_ticket(
    tx: SupportStore, sender: str, address: str, limits: MessageLimits, command: SendPublicForm, form: ContactForm
) -> PublicFormReceived | Refusal:
    await tx.tickets.lock_limits(address, sender)
    since = tx.now - WINDOW
    full_since = [
        await tx.public_forms.nth_newest(address, limits.address, since),
        await tx.public_forms.nth_newest(sender, limits.sender, since),
    ]
    if refusal := limit_refusal([at for at in full_since if at], tx.now):
        return refusal
    await tx.public_forms.add([address, sender], tx.now)
    ticket_id = new_uuid()
    ticket = await open_ticket(
        tx,
        ticket_id,
        site=None,
        user_id=None,
        topic=command.topic,
        channel=Channel.PUBLIC_FORM,
        message=form.message,
        contact=SenderContact(
            ticket_id=ticket_id,
            name=command.name,
            email=form.email,
            phone=form.phone,
            address=command.address,
            customer_number=command.customer_number,
        ),
    )
    await record_receipt(tx, ticket)
    return PublicFormReceived(number=ticket.number)
