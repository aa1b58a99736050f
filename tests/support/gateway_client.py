"""A client of the gateway, written from its documentation: operations over HTTP, client credentials for partners."""

from types import TracebackType
from typing import Any, Self

import aiohttp

from services.contracts.imports import OWNER_BY_KIND


class GatewayClient:
    """Client of GraphQL over HTTP at ``url``; ``token`` and ``traceparent`` are sent once they are set."""

    def __init__(self, url: str, language: str = "fi") -> None:
        self.url = url
        self.token = ""
        self.refresh_token = ""
        self.traceparent = ""
        self._session = aiohttp.ClientSession(headers={"Accept-Language": language})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self, document: str, **variables: object) -> dict[str, Any]:
        """Return the whole response, errors included."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if self.traceparent:
            headers["traceparent"] = self.traceparent
        body = {"query": document, "variables": variables}
        async with self._session.post(f"{self.url}/graphql", json=body, headers=headers) as response:
            result: dict[str, Any] = await response.json(content_type=None)
            return result

    async def execute(self, document: str, **variables: object) -> Any:
        """Return the value of the one field of an operation; raise AssertionError if there were errors."""
        result = await self.post(document, **variables)
        assert "errors" not in result, result["errors"]
        (value,) = result["data"].values()
        return value

    async def sign_in(self, username: str, password: str) -> None:
        self.token = ""  # an expired token would be refused, also for signing in
        session = await self.execute(SIGN_IN, input={"username": username, "password": password})
        assert session["__typename"] == "SignedIn", session
        self.token, self.refresh_token = session["accessToken"], session["refreshToken"]

    async def sign_in_as_partner(self, client_id: str, secret: str) -> None:
        """Get a token with client credentials (RFC 6749, section 4.4)."""
        form = {"grant_type": "client_credentials"}
        headers = {"Authorization": aiohttp.encode_basic_auth(client_id, secret)}
        async with self._session.post(f"{self.url}/auth/token", data=form, headers=headers) as response:
            result = await response.json()
            assert response.status == 200, result
        self.token = result["access_token"]

    async def upload(self, kind: str, text: str) -> str:
        """Upload a file of an ERP export and return the import's id; raise ValueError if it was refused."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "text/csv"}
        url = f"{self.url}/files/{OWNER_BY_KIND[kind]}/import-{kind}?name={kind}.csv"
        async with self._session.post(url, data=text.encode(), headers=headers) as response:
            result = await response.json(content_type=None)
            if response.status != 201:
                raise ValueError(result)
        return str(result["id"])


SIGN_IN = """
    mutation ($input: SignInInput!) {
      signIn(input: $input) {
        __typename
        ... on SignedIn { accessToken refreshToken expiresIn }
        ... on Refusal { problems { code path message } }
      }
    }
"""
