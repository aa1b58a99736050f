"""S5: identity is asked whom to write to, in the user's name; while it is away the receipt waits."""

from typing import Any

import pytest

from services.access.service_token import ServiceTokens
from services.chassis.problems import NotReadyYet
from services.chassis.rpc.client import CallFailed, Service
from services.contracts.identity import Contact, Language
from services.support.http.recipients import IdentityRecipients

CONTACT = b'[{"userId":"user_1","username":"mirja","email":"mirja@example.fi","language":"sv"}]'
TOKEN = b'{"__typename":"ClientToken","accessToken":"abc","expiresIn":600,"scope":""}'


class FakeService(Service):
    """Identity, as what it answers to each path."""

    def __init__(self, **answers: bytes | Exception) -> None:
        self.answers = answers
        self.asked: list[tuple[str, bytes, dict[str, str]]] = []

    async def post(self, path: str, body: bytes, headers: dict[str, str], *, repeatable: bool) -> bytes:
        self.asked.append((path, body, headers))
        answer = self.answers[path.rsplit("/", maxsplit=1)[-1]]
        if isinstance(answer, Exception):
            raise answer
        return answer


def recipients(service: FakeService) -> IdentityRecipients:
    return IdentityRecipients(service, ServiceTokens("support", "secret", service))


async def test_support_asks_in_the_users_name() -> None:
    service = FakeService(clientToken=TOKEN, contacts=CONTACT)
    found = await recipients(service).contact_of("user_1")
    assert found == Contact(user_id="user_1", username="mirja", email="mirja@example.fi", language=Language.SV)
    (_, token_body, _), (path, body, headers) = service.asked
    assert b'"clientId":"service:support"' in token_body
    assert b'"subject":"user_1"' in token_body
    assert (path, body, headers) == ("/rpc/contacts", b'{"userIds":["user_1"]}', {"Authorization": "Bearer abc"})


async def test_a_user_who_is_gone_has_no_contact() -> None:
    assert await recipients(FakeService(clientToken=TOKEN, contacts=b"[null]")).contact_of("user_1") is None


@pytest.mark.parametrize(
    "answers",
    [
        {"clientToken": CallFailed("identity", 503, "UNAVAILABLE", [])},
        {"clientToken": b'{"__typename":"Refusal","problems":[{"code":"INVALID_CLIENT"}]}'},
        {"clientToken": TOKEN, "contacts": CallFailed("identity", 504, "TIMED_OUT", [])},
        {"clientToken": TOKEN, "contacts": b"an older build"},
    ],
)
async def test_while_identity_gives_no_answer_it_is_not_ready_yet(answers: dict[str, Any]) -> None:
    with pytest.raises(NotReadyYet):
        await recipients(FakeService(**answers)).contact_of("user_1")
