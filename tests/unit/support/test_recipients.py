"""S5: identity is called in the user's name for the contact; without an answer the receipt is not ready yet."""

import datetime as dt
from typing import Any

import pytest

from services.access.service_token import ServiceTokens
from services.chassis.problems import NotReadyYet
from services.contracts.identity.people import Contact, Language
from services.support.http.recipients import IdentityRecipients
from tests.support.canned_service import CannedService
from tests.support.clock import TestClock

CONTACT = b'[{"userId":"user_1","username":"mirja","email":"mirja@example.fi","language":"sv"}]'
TOKEN = b'{"__typename":"ClientToken","accessToken":"abc","expiresIn":600,"scope":""}'


def identity(**answers: bytes | tuple[int, bytes]) -> CannedService:
    return CannedService("identity", **answers)


def recipients(service: CannedService) -> IdentityRecipients:
    clock = TestClock(dt.datetime(2026, 3, 30, 9, tzinfo=dt.UTC))
    return IdentityRecipients(service, ServiceTokens("support", "secret", service, clock))


async def test_support_calls_in_the_users_name() -> None:
    service = identity(clientToken=TOKEN, contacts=CONTACT)
    found = await recipients(service).contact_of("user_1")
    assert found == Contact(user_id="user_1", username="mirja", email="mirja@example.fi", language=Language.SV)
    (_, token_body, _), (operation, body, fields) = service.requests
    assert b'"clientId":"service:support"' in token_body
    assert b'"subject":"user_1"' in token_body
    assert (operation, body) == ("contacts", b'{"userIds":["user_1"]}')
    assert b"Authorization: Bearer abc\r\n" in fields


async def test_a_deleted_user_has_no_contact() -> None:
    assert await recipients(identity(clientToken=TOKEN, contacts=b"[null]")).contact_of("user_1") is None


@pytest.mark.parametrize(
    "answers",
    [
        {"clientToken": (503, b'{"code":"UNAVAILABLE"}')},
        {"clientToken": b'{"__typename":"Refusal","problems":[{"code":"INVALID_CLIENT"}]}'},
        {"clientToken": TOKEN, "contacts": (504, b'{"code":"TIMED_OUT"}')},
        {"clientToken": TOKEN, "contacts": b"an older build"},
    ],
)
async def test_no_answer_of_identity_is_not_ready_yet(answers: dict[str, Any]) -> None:
    with pytest.raises(NotReadyYet):
        await recipients(identity(**answers)).contact_of("user_1")
