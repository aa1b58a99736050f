"""Test of I3 in a browser: two tabs share a cookie that neither can read, and signing out ends both."""

import asyncio
from collections.abc import AsyncIterator
from http.cookies import Morsel

import aiohttp
import pytest

from tests.support.gateway_client import GatewayClient
from tests.support.polling import until
from tests.support.stack import RunningStack


@pytest.fixture
async def browser(demonstration: RunningStack) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that keeps cookies as a browser does."""
    jar = aiohttp.CookieJar(unsafe=True)  # also those of a bare address
    async with aiohttp.ClientSession(demonstration.gateway, cookie_jar=jar) as session:
        yield session


def cookie_of(browser: aiohttp.ClientSession, name: str = "session") -> "Morsel[str] | None":
    """Return the cookie of the session, or of the device."""
    return next((cookie for cookie in browser.cookie_jar if cookie.key.startswith(f"kierto-{name}")), None)


async def renew(browser: aiohttp.ClientSession) -> tuple[int, dict[str, str]]:
    async with browser.post("/auth/session/renew") as response:
        return response.status, await response.json()


async def test_two_tabs_go_on_and_signing_out_ends_both(
    demonstration: RunningStack, browser: aiohttp.ClientSession
) -> None:
    username, password = demonstration.sign_in_of("staff")
    async with browser.post("/auth/session", json={"username": username, "password": password}) as response:
        assert response.status == 200, await response.text()
    first, device = cookie_of(browser), cookie_of(browser, "device")
    assert first is not None
    assert device is not None
    assert (first["path"], first["httponly"], first["samesite"]) == ("/auth", True, "Strict")
    assert (device["path"], device["httponly"], device["samesite"]) == ("/auth", True, "Strict")
    assert (int(first["max-age"]), int(device["max-age"])) == (30 * 24 * 60 * 60, 180 * 24 * 60 * 60)

    both = await asyncio.gather(renew(browser), renew(browser))
    assert [status for status, _ in both] == [200, 200]
    second = cookie_of(browser)
    assert second is not None
    assert second.value != first.value
    status, session = await renew(browser)
    assert status == 200, "both tabs got the same token, the newest one"

    async with GatewayClient(demonstration.gateway) as page:
        page.token = session["accessToken"]
        assert (await page.execute("{ me { username } }"))["username"] == username
        async with browser.delete("/auth/session") as response:
            assert response.status == 204
        assert list(browser.cookie_jar) == [device], "the device is kept for the next sign-in"
        result = await until(
            lambda: page.post("{ me { username } }"), lambda response: bool(response.get("errors")), within=5.0
        )
        assert result["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert (await renew(browser))[0] == 401
