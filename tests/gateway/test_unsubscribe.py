"""RFC 8058: a kind of messages is switched off by one POST; a person who opens the link gets a page with a button."""

import pytest

from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.stubs.support import UNSUBSCRIBE_TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def test_one_click_switches_off(gateway: GatewayFixture) -> None:
    async with gateway.session.post(f"{gateway.url}/unsubscribe/{UNSUBSCRIBE_TOKEN}", data=ONE_CLICK) as response:
        assert response.status == 200
        page = await response.text()
    assert "You don&#x27;t get these messages any more" in page or "Et saa enää näitä viestejä" in page
    assert "<form" not in page
    (call,) = gateway.services.calls_to("unsubscribe")
    assert call.arguments == {"token": UNSUBSCRIBE_TOKEN}


async def test_a_look_at_the_link_changes_nothing(gateway: GatewayFixture) -> None:
    headers = {"Accept-Language": "sv"}
    async with gateway.session.get(f"{gateway.url}/unsubscribe/{UNSUBSCRIBE_TOKEN}", headers=headers) as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert response.headers["Cache-Control"] == "no-store"
        assert "form-action 'self'" in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "no-referrer"
        page = await response.text()
    assert '<html lang="sv">' in page
    assert "Vill du sluta få de här meddelandena?" in page
    assert "Days &amp; &lt;changes&gt;" in page
    assert '<form method="post">' in page
    assert gateway.services.calls_to("unsubscribe") == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_link_is_not_found(gateway: GatewayFixture, method: str) -> None:
    async with gateway.session.request(
        method, f"{gateway.url}/unsubscribe/other", headers={"Accept-Language": "en"}
    ) as response:
        assert response.status == 404
        assert "The link is not valid." in await response.text()


async def test_other_methods_are_not_allowed(gateway: GatewayFixture) -> None:
    async with gateway.session.put(f"{gateway.url}/unsubscribe/{UNSUBSCRIBE_TOKEN}") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET, POST, HEAD")


async def test_a_body_has_a_limit(gateway: GatewayFixture) -> None:
    async with gateway.session.post(f"{gateway.url}/unsubscribe/{UNSUBSCRIBE_TOKEN}", data=b"x" * 2000) as response:
        assert response.status == 413
    assert gateway.services.calls_to("unsubscribe") == []
