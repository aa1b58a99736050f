"""A small client of the gateway, for the host's commands."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

_UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_read=150)
"""Timeout of an upload: the service sets the pace, and the gateway times out before this."""


class GraphQLClientError(Exception):
    """Failure of a request to the gateway; its text is for the person at the keyboard."""


class GraphQLClient:
    """Client of the gateway at ``url``, signed in once ``sign_in`` was called."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # The host's commands print English, so the gateway's messages have to be English too.
        headers = {"Accept-Language": "en"}
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120), headers=headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._session.close()

    async def execute(self, document: str, **variables: object) -> dict[str, Any]:
        """Return the data of an operation; raise GraphQLClientError with the messages if it had errors."""
        body = {"query": document, "variables": variables}
        try:
            async with self._session.post(f"{self.url}/graphql", json=body) as response:
                answer: dict[str, Any] = await response.json(content_type=None)
        except (aiohttp.ClientError, ValueError) as error:
            raise GraphQLClientError(f"{self.url} did not answer as a gateway does: {error}") from error
        if answer.get("errors"):
            raise GraphQLClientError("; ".join(error["message"] for error in answer["errors"]))
        data: dict[str, Any] = answer["data"]
        return data

    async def mutate(self, document: str, **variables: object) -> dict[str, Any]:
        """Return the one field of a mutation; raise GraphQLClientError with the messages of a Refusal."""
        (result,) = (await self.execute(document, **variables)).values()
        if result["__typename"] == "Refusal":
            raise GraphQLClientError("; ".join(problem["message"] for problem in result["problems"]))
        payload: dict[str, Any] = result
        return payload

    async def sign_in(self, username: str, password: str) -> None:
        """Sign in as this user for all further requests."""
        session = await self.mutate(_SIGN_IN, input={"username": username, "password": password})
        self._session.headers["Authorization"] = f"Bearer {session['accessToken']}"

    async def upload(self, kind: str, file: Path, name: str) -> str:
        """Stage a file of an export, streamed; return the import's id."""
        with file.open("rb") as stream:
            address = f"{self.url}/imports/{kind}"
            headers = {"Content-Type": "text/csv"}
            request = self._session.post(
                address, params={"name": name}, headers=headers, data=stream, timeout=_UPLOAD_TIMEOUT
            )
            async with request as response:
                answer = await response.json(content_type=None)
                if response.status != 201:
                    raise GraphQLClientError(f"{name}: {'; '.join(error['message'] for error in answer['errors'])}")
        return str(answer["id"])


_SIGN_IN = """
    mutation ($input: SignInInput!) {
      signIn(input: $input) { __typename ... on SignedIn { accessToken } ... on Refusal { problems { message } } }
    }
"""
