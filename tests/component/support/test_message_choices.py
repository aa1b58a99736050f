"""S8, RFC 8058: each person chooses by kind, in the portal or by the link of a mail."""

import pytest

from services.access.caller import Caller
from services.contracts.permission import SubjectKind
from services.contracts.support.messages import (
    MAX_CHOICES,
    ChooseMessages,
    ChosenMessages,
    MessageKind,
    MessagesChosen,
    Subscription,
)
from services.contracts.values import Problem, Refusal, malformed, refuse
from services.support.domain.message_kind import RULES
from services.support.usecases.choose_messages import find_subscription, unsubscribe
from tests.component.support.forms import Harness, an_id, form, member_of, send
from tests.component.support.message_sources import LINKS, Customer, FakeOwners, address_of, addresses, mails, send_due
from tests.component.support.test_public_form import GATEWAY

_ON, _OFF = True, False


def choose(*choices: tuple[MessageKind, bool], key: str = "1") -> ChooseMessages:
    chosen = [ChosenMessages(kind=kind, enabled=enabled) for kind, enabled in choices]
    return ChooseMessages(idempotency_key=key, choices=chosen)


async def enabled(harness: Harness, caller: Caller) -> dict[MessageKind, bool]:
    """Return the caller's choices."""
    return {choice.kind: choice.enabled for choice in await harness.api(caller).message_choices()}


async def test_each_kind_is_described_with_what_was_chosen(harness: Harness) -> None:
    caller = await member_of(harness, an_id("org"))
    choices = await harness.api(caller).message_choices()
    assert [choice.kind for choice in choices] == [kind for kind in MessageKind if not RULES[kind].for_staff]
    assert {choice.kind for choice in choices if not choice.optional} == {
        MessageKind.RECEIPT,
        MessageKind.TICKET_ANSWER,
    }
    assert all(choice.enabled for choice in choices)
    assert choices[0].description == "Vahvistus siitä, että viestisi asiakaspalvelulle on vastaanotettu"


async def test_a_choice_is_of_one_person_and_one_kind(harness: Harness) -> None:
    org = an_id("org")
    one, other = await member_of(harness, org), await member_of(harness, org)
    chosen = await harness.api(one).choose_messages(choose((MessageKind.DAY_CHANGED, _OFF)))
    assert isinstance(chosen, MessagesChosen)
    assert chosen.choices == await harness.api(one).message_choices()
    assert [kind for kind, on in (await enabled(harness, one)).items() if not on] == [MessageKind.DAY_CHANGED]
    assert all((await enabled(harness, other)).values())
    await harness.api(one).choose_messages(choose((MessageKind.DAY_CHANGED, _ON), key="2"))
    assert all((await enabled(harness, one)).values())


async def test_a_repetition_chooses_nothing_again(harness: Harness) -> None:
    caller = await member_of(harness, an_id("org"))
    off, on = choose((MessageKind.DAY_CHANGED, _OFF)), choose((MessageKind.DAY_CHANGED, _ON), key="2")
    for command in (off, on, off):
        assert isinstance(await harness.api(caller).choose_messages(command), MessagesChosen)
    assert all((await enabled(harness, caller)).values())


async def test_what_is_not_optional_can_not_be_switched_off(harness: Harness) -> None:
    caller = await member_of(harness, an_id("org"))
    command = choose((MessageKind.DAY_CHANGED, _OFF), (MessageKind.RECEIPT, _OFF), (MessageKind.TICKET_ANSWER, _ON))
    assert await harness.api(caller).choose_messages(command) == Refusal(
        problems=[Problem(code="NOT_OPTIONAL", path=["choices", "1", "kind"])]
    )
    assert all((await enabled(harness, caller)).values())


@pytest.mark.parametrize(
    ("count", "problem"),
    [
        (0, malformed("choices", reason="REQUIRED")),
        (MAX_CHOICES + 1, malformed("choices", reason="TOO_MANY", most=MAX_CHOICES)),
    ],
)
async def test_a_command_has_some_choices_and_not_too_many(harness: Harness, count: int, problem: Problem) -> None:
    caller = await member_of(harness, an_id("org"))
    command = choose(*[(MessageKind.DAY_CHANGED, _OFF)] * count)
    assert await harness.api(caller).choose_messages(command) == Refusal(problems=[problem])


async def test_staff_have_choices_too(harness: Harness) -> None:
    assert await harness.api(await harness.caller(kind=SubjectKind.STAFF)).message_choices()


async def test_a_mail_of_an_optional_kind_has_a_link_that_switches_it_off(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    caller = await member_of(harness, customer.org)
    await customer.placed()
    await send(harness, caller, form(customer.site))
    await send_due(harness, owners)
    (with_link,) = [mail for mail in await mails(harness) if "ORD-2026" in mail["text"]]
    (without,) = [mail for mail in await mails(harness) if "ORD-2026" not in mail["text"]]
    assert without["headers"] == "{}"
    assert "unsubscribe" not in without["text"] + without["html"]
    link = LINKS.link(caller.subject_id, MessageKind.ORDER_CONFIRMED)
    assert f'"List-Unsubscribe":"<{link}>"' in with_link["headers"].replace('": "', '":"')
    assert '"List-Unsubscribe-Post":"List-Unsubscribe=One-Click"' in with_link["headers"].replace('": "', '":"')
    assert "Jag vill inte" not in with_link["text"]
    assert f"En halua tällaisia viestejä: {link}\n" in with_link["text"]
    assert f'href="{link}"' in with_link["html"]


async def test_a_link_switches_its_kind_off(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    caller = await member_of(harness, customer.org)
    token = token_of(caller.subject_id, MessageKind.ORDER_CONFIRMED)
    async with harness.work() as tx:
        before = await find_subscription(tx, LINKS, token, GATEWAY.language)
        after = [await unsubscribe(tx, LINKS, token, GATEWAY.language) for _ in range(2)]
    assert isinstance(before, Subscription)
    assert (before.kind, before.enabled, before.description) == (
        MessageKind.ORDER_CONFIRMED,
        True,
        "Tilauksen vahvistus",
    )
    assert [isinstance(one, Subscription) and one.enabled for one in after] == [False, False]
    assert not (await enabled(harness, caller))[MessageKind.ORDER_CONFIRMED]
    await customer.placed()
    await customer.failed()
    await send_due(harness, owners)
    assert await addresses(harness) == [address_of(caller.subject_id)]


async def test_a_sites_contact_switches_a_kind_off_for_their_address(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()
    await send_due(harness, owners)
    (mail,) = await mails(harness)
    token = mail["text"].partition("/unsubscribe/")[2].split()[0]
    async with harness.work() as tx:
        assert isinstance(await unsubscribe(tx, LINKS, token, GATEWAY.language), Subscription)
    assert "isannointi" not in str(await harness.pool.fetch("SELECT * FROM message_choices"))
    owners.site_email = "Isannointi@example.fi"
    await Customer(harness, owners, customer.org, customer.site).placed()
    await send_due(harness, owners)
    assert len(await mails(harness)) == 1
    await customer.failed()
    await send_due(harness, owners)
    assert len(await mails(harness)) == 2, "another kind"


def token_of(chooser: str, kind: MessageKind) -> str:
    """Return the token of a link."""
    return (LINKS.link(chooser, kind) or "").rpartition("/")[2]


@pytest.mark.parametrize("token", ["", "abc", "äö", "=" * 400, token_of("user_1", MessageKind.DAY_CHANGED)[:-1]])
async def test_an_altered_link_switches_nothing_off(harness: Harness, token: str) -> None:
    unknown = refuse("UNKNOWN_LINK", "token")
    assert await harness.api(GATEWAY).subscription(token) == unknown
    assert await harness.api(GATEWAY).unsubscribe(token) == unknown
    assert await harness.pool.fetchval("SELECT count(*) FROM message_choices") == 0
