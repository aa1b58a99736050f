"""The choices of a person among the kinds of messages (S8)."""

from collections.abc import Sequence

from services.access.caller import Caller
from services.contracts.identity.people import Language
from services.contracts.support.messages import MAX_CHOICES, ChooseMessages, MessageChoice, MessagesChosen, Subscription
from services.contracts.values import Id, Problem, Refusal, malformed, refuse
from services.support.domain.message_kind import RULES
from services.support.mapping.message_mail import describe_kind
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.ports.unsubscribe_links import UnsubscribeLinks


async def read_choices(tx: SupportStore, caller: Caller) -> list[MessageChoice]:
    """Return the caller's choices among the kinds that they can get."""
    chosen = await tx.message_choices.all_of(caller.subject_id)
    return [
        MessageChoice(
            kind=kind,
            description=describe_kind(kind, caller.language),
            enabled=chosen.get(kind, rule.enabled) if rule.optional else rule.enabled,
            optional=rule.optional,
        )
        for kind, rule in RULES.items()
        if rule.for_staff <= caller.staff
    ]


async def choose_messages(tx: SupportStore, caller: Caller, command: ChooseMessages) -> MessagesChosen | Refusal:
    """Store choices, all or none. Refused with NOT_OPTIONAL for a kind that can't be switched off."""
    if not command.choices:
        return Refusal(problems=[malformed("choices", reason="REQUIRED")])
    if len(command.choices) > MAX_CHOICES:
        return Refusal(problems=[malformed("choices", reason="TOO_MANY", most=MAX_CHOICES)])
    problems = [
        Problem(code="NOT_OPTIONAL", path=["choices", str(index), "kind"])
        for index, choice in enumerate(command.choices)
        if not choice.enabled and not RULES[choice.kind].optional
    ]
    if problems:
        return Refusal(problems=problems)

    async def do() -> MessagesChosen | Refusal:
        for choice in command.choices:
            await tx.message_choices.choose(caller.subject_id, choice.kind, enabled=choice.enabled)
        return MessagesChosen(choices=await read_choices(tx, caller))

    async def read_again(ids: Sequence[Id]) -> MessagesChosen | None:
        return MessagesChosen(choices=await read_choices(tx, caller))

    return await tx.execute_once(
        organisation="",
        caller=caller.subject_id,
        operation="chooseMessages",
        command=command,
        do=do,
        ids=lambda chosen: [],
        read_again={MessagesChosen: read_again},
    )


async def find_subscription(
    tx: SupportStore, links: UnsubscribeLinks, token: str, language: Language
) -> Subscription | Refusal:
    """Return the kind of messages that a link switches off. Refused with UNKNOWN_LINK."""
    linked = links.read(token)
    if linked is None:
        return refuse("UNKNOWN_LINK", "token")
    chooser, kind = linked
    chosen = await tx.message_choices.of([chooser], kind)
    enabled = chosen.get(chooser, RULES[kind].enabled)
    return Subscription(kind=kind, description=describe_kind(kind, language), enabled=enabled)


async def unsubscribe(
    tx: SupportStore, links: UnsubscribeLinks, token: str, language: Language
) -> Subscription | Refusal:
    """Switch off the kind of messages of a link, for the recipient of the message that had it."""
    linked = links.read(token)
    if linked is not None:
        await tx.message_choices.choose(*linked, enabled=False)
    return await find_subscription(tx, links, token, language)
